//! Configuration and keys.

use super::{Draw, pretty};
use crate::commands::keys::{Exported, Generated, KeyReport, Rotated};
use crate::commands::{configuration, initialise};
use crate::model::Count;
use crate::ui::page::{Columns, Page};
use serde_json::json;

impl Draw for initialise::Report {
    fn human(&self, _page: Page) -> String {
        format!(
            "configuration: {}\nkey:           {}\n\n{}\n\nNext: edit the configuration, then `jagad check` and `jagad backup main`.\n",
            self.file.display(),
            self.key_file.display(),
            self.recovery.note
        )
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for configuration::Checked {
    fn human(&self, _page: Page) -> String {
        let mut text = format!(
            "{} ok: {}, {}, {}\n",
            self.files.join(", "),
            Count::len(self.stores, "store"),
            Count::len(self.keys, "key"),
            Count::len(self.databases, "database")
        );
        self.warnings.iter().for_each(|warning| text.push_str(&format!("warning: {warning}\n")));
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for configuration::Shown {
    fn human(&self, _page: Page) -> String {
        self.text.clone()
    }

    fn json(&self) -> String {
        pretty(&self.value)
    }
}

impl Draw for Vec<KeyReport> {
    fn human(&self, page: Page) -> String {
        let row = |key: &KeyReport| {
            vec![
                key.name.to_string(),
                key.id.clone().unwrap_or_else(|| "-".to_owned()),
                key.status.to_string(),
                key.problem.clone().unwrap_or_else(|| key.source.clone()),
            ]
        };
        page.table(
            Columns { titles: &["KEY", "ID", "STATUS", "SOURCE"], right: &[], optional: &[] },
            &self.iter().map(row).collect::<Vec<_>>(),
        )
    }

    fn json(&self) -> String {
        pretty(&json!({ "keys": self }))
    }
}

impl Draw for Generated {
    fn human(&self, _page: Page) -> String {
        let add = if self.configuration.is_empty() {
            String::new()
        } else {
            format!("Add it to the configuration:\n\n{}\n", self.configuration)
        };
        format!("key file: {}\n\n{add}{}\n", self.key_file.display(), self.recovery.note)
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for Rotated {
    fn human(&self, _page: Page) -> String {
        format!(
            "key `{}` is retired and still opens old backups; new ones use `{}` ({})\nconfiguration: {}\n\n{}\n",
            self.retired,
            self.active.name,
            self.active.key_file.display(),
            self.file.display(),
            self.active.recovery.note
        )
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for Exported {
    fn human(&self, _page: Page) -> String {
        match (&self.key, &self.output) {
            (Some(key), _) => key.clone(),
            (None, Some(path)) => format!("key `{}` (id {}) is in {}\n", self.name, self.id, path.display()),
            (None, None) => String::new(),
        }
    }

    fn json(&self) -> String {
        pretty(self)
    }
}
