//! Restores that are recorded.

use super::{Draw, count, elapsed, pretty};
use crate::commands::restores;
use crate::ui::page::{Columns, Page};
use crate::ui::plain::one_line;

impl Draw for restores::Report {
    fn human(&self, page: Page) -> String {
        if self.restores.is_empty() {
            return "no restores\n".to_owned();
        }
        let row = |row: &restores::Row| {
            let record = &row.record;
            vec![
                record.id.to_string(),
                record.target.to_string(),
                record.started_at.table(),
                record.duration_ms.map_or_else(|| "-".to_owned(), elapsed),
                record.status.to_string(),
                record.backup.to_string(),
                record.databases.join(", "),
            ]
        };
        let header = ["ID", "INTO", "STARTED (UTC)", "TIME", "STATUS", "BACKUP", "DATABASES"];
        let mut text = page.table(
            Columns { titles: &header, right: &[3], optional: &[6, 3, 2, 1] },
            &self.restores.iter().map(row).collect::<Vec<_>>(),
        );
        if self.more > 0 {
            text.push_str(&format!("{} older: raise --limit\n", count(self.more as u64, "restore")));
        }
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for restores::Detail {
    fn human(&self, _page: Page) -> String {
        let record = &self.restore;
        let mut lines = vec![
            ("restore", record.id.to_string()),
            ("backup", format!("{} of {}", record.backup, record.source)),
            ("into", record.target.to_string()),
            ("databases", record.databases.join(", ")),
            ("store", self.store.clone()),
            ("status", record.status.to_string()),
            ("started", format!("{} UTC", record.started_at.table())),
        ];
        if let (Some(at), Some(took)) = (record.finished_at, record.duration_ms) {
            lines.push(("finished", format!("{} UTC, after {}", at.table(), elapsed(took))));
        }
        if let Some(error) = &record.error {
            lines.push(("error", format!("{} ({})", error.message, error.class)));
            lines.extend(error.help.iter().map(|help| ("help", help.to_string())));
        }
        lines.push(("made on", format!("{}, process {}", record.host, record.pid)));
        let mut text = String::new();
        for (name, value) in &lines {
            text.push_str(&format!("{name:<12}{}\n", one_line(value)));
        }
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}
