//! Backups, restores and verifications.

use super::{Draw, count, elapsed, failure, pretty};
use crate::commands::{Class, Failure, backup, delete, download, prune, restore, verify};
use crate::model::{BackupKind, ByteSize, DatabaseName, Method};
use crate::ui::page::{Columns, Page};
use serde_json::{Value, json};

impl Draw for backup::Outcome {
    fn human(&self, _page: Page) -> String {
        let mut text = String::new();
        for (database, result) in &self.results {
            match result {
                Ok(report) => {
                    text.push_str(&taken(database, report));
                    for left in &report.left_out {
                        text.push_str(&format!("left out: `{}`: {}\n", left.database, left.reason));
                    }
                    if let Some(last) = &report.verification {
                        text.push_str(&format!("verified at level {}: {}\n", last.level, last.status));
                    }
                }
                // The one failure of a run is told by `main`; of several, each must be told here.
                Err(failure) if self.results.len() > 1 => {
                    text.push_str(&format!("{database}: failed: {}\n", failure.message()));
                    for line in failure.help.iter().flat_map(|help| help.lines()) {
                        text.push_str(&format!("  help: {line}\n"));
                    }
                }
                Err(_) => {}
            }
        }
        text
    }

    fn json(&self) -> String {
        let one = |(database, result): &(crate::model::DatabaseName, Result<backup::Report, _>)| match result
        {
            Ok(report) => json!(report),
            Err(error) => json!({ "database": database, "status": "failed", "error": failure(error) }),
        };
        pretty(&json!({ "backups": self.results.iter().map(one).collect::<Vec<Value>>() }))
    }

    fn verdict(&self) -> Option<Class> {
        backup::Outcome::verdict(self)
    }
}

impl Draw for backup::Plan {
    fn human(&self, _page: Page) -> String {
        let mut text = String::new();
        for database in &self.databases {
            text.push_str(&format!(
                "{} at {}, version {}:\n",
                database.database, database.address, database.version
            ));
            for replica in &database.replicas {
                let word = match (replica.used, replica.fits) {
                    (true, _) => "used",
                    (false, true) => "not needed",
                    (false, false) => "passed over",
                };
                text.push_str(&format!("  replica {} is {word}: {}\n", replica.address, replica.reason));
            }
            for part in &database.parts {
                let size =
                    if part.estimate > 0 { format!(" ({})", ByteSize(part.estimate)) } else { String::new() };
                let name = match (&part.database, part.files) {
                    (Some(database), _) => database.as_str(),
                    (None, true) => "files of the server",
                    (None, false) => "roles and tablespaces",
                };
                text.push_str(&format!("  {name}{size}: {}\n", part.argv.join(" ")));
            }
        }
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}
impl Draw for restore::Report {
    fn human(&self, _page: Page) -> String {
        let mut text = String::new();
        if self.status == restore::ReportStatus::Planned && self.folder.is_some() {
            text.push_str(&format!("Backup {} would be written into `{}`:\n", self.backup, self.address));
        } else if self.status == restore::ReportStatus::Planned {
            text.push_str(&format!(
                "Backup {} would go to `{}` at {}:\n",
                self.backup, self.target, self.address
            ));
        } else {
            match &self.folder {
                Some(folder) => {
                    text.push_str(&format!("Backup {} is written into `{}`", self.backup, folder.path));
                }
                None => text.push_str(&format!("Backup {} is restored into `{}`", self.backup, self.target)),
            }
            text.push_str(&self.duration_ms.map(|ms| format!(" in {}", elapsed(ms))).unwrap_or_default());
            text.push_str(":\n");
        }
        for load in &self.loads {
            if self.status == restore::ReportStatus::Planned {
                text.push_str(&format!("  {}\n", load.effect));
                load.notes.iter().for_each(|note| text.push_str(&format!("  note: {note}\n")));
                for step in &load.steps {
                    text.push_str(&format!("    {}\n", step.argv.join(" ")));
                    for line in step.input.iter().flat_map(|input| input.lines()) {
                        text.push_str(&format!("      | {line}\n"));
                    }
                }
            } else {
                text.push_str(&match load.rows {
                    Some(rows) => {
                        let size = ByteSize(load.plain_bytes);
                        format!("  {} ({size} of dump, {})\n", load.database, count(rows, load.unit))
                    }
                    None if self.folder.is_some() => {
                        format!("  {} ({})\n", load.database, ByteSize(load.plain_bytes))
                    }
                    None if load.everything => format!("  {}: not counted\n", load.database),
                    None => format!("  {}: the chosen objects\n", load.database),
                });
            }
        }
        if let Some(replay) = &self.replay {
            text.push_str(&format!("  {}\n", replay.describe(self.status == restore::ReportStatus::Planned)));
        }
        if let Some(folder) = &self.folder {
            text.push_str(&files(folder));
        }
        if let Some(scratch) = &self.scratch {
            text.push_str(&throw_away_server(scratch));
        }
        for failed in &self.failed {
            text.push_str(&format!("  failed: `{}`: {}\n", failed.database, failed.error.message));
            for line in failed.error.help.iter().flat_map(|help| help.lines()) {
                text.push_str(&format!("    help: {line}\n"));
            }
        }
        for error in &self.ignored_errors {
            text.push_str(&format!("  ignored: {error}\n"));
        }
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }

    fn verdict(&self) -> Option<Class> {
        (self.status == restore::ReportStatus::Partial || !self.failed.is_empty()).then_some(Class::Partial)
    }
}

impl Draw for verify::Outcome {
    fn human(&self, page: Page) -> String {
        let row = |one: &verify::VerifiedBackup| {
            let last = &one.verification;
            vec![
                one.backup.to_string(),
                one.database.to_string(),
                last.level.to_string(),
                last.status.to_string(),
                ByteSize(last.bytes).to_string(),
                elapsed(last.duration_ms),
            ]
        };
        let rows: Vec<_> = self.results.iter().map(row).collect::<Vec<_>>();
        let mut text = page.table(
            Columns {
                titles: &["BACKUP", "DATABASE", "LEVEL", "RESULT", "READ", "TIME"],
                right: &[4, 5],
                optional: &[4, 5, 2],
            },
            &rows,
        );
        for (one, error) in
            self.results.iter().filter_map(|one| Some((one, one.verification.error.as_ref()?)))
        {
            text.push_str(&format!("{}: {}\n", one.backup, error.message));
            for line in error.help.iter().flat_map(|help| help.lines()) {
                text.push_str(&format!("  help: {line}\n"));
            }
        }
        if self.left > 0 {
            text.push_str(&format!(
                "{} left for the next time: the budget is used up\n",
                count(self.left as u64, "backup")
            ));
        }
        text
    }

    fn json(&self) -> String {
        pretty(&json!({ "verified": self.results, "left": self.left }))
    }

    fn verdict(&self) -> Option<Class> {
        self.verdict
    }
}

impl Draw for download::Report {
    fn human(&self, _page: Page) -> String {
        // Standard output carries the data itself then.
        if self.output == "-" {
            String::new()
        } else {
            format!("{} ({})\n", self.output, ByteSize(self.bytes))
        }
    }

    fn json(&self) -> String {
        if self.output == "-" { String::new() } else { pretty(self) }
    }
}

/// A backup that was taken, on one line; and why it is no incremental, where it should have been one.
fn taken(database: &DatabaseName, report: &backup::Report) -> String {
    let held = match report.method {
        Method::Logical if report.kind == BackupKind::Incremental => {
            format!("{} of the log of changes", ByteSize(report.plain_bytes))
        }
        Method::Logical => format!(
            "{} in {}, {} of dump",
            count(report.rows, report.unit),
            count(report.tables, "table"),
            ByteSize(report.plain_bytes)
        ),
        Method::Physical => format!("{} of files", ByteSize(report.plain_bytes)),
        Method::PgBackRest => format!("{} of files, delegated to pgBackRest", ByteSize(report.plain_bytes)),
    };
    let (stored, took) = (ByteSize(report.stored_bytes), elapsed(report.duration_ms));
    let mut text = format!("{}  {database}: {held}, {stored} stored in {took}\n", report.id);
    if let Some(reason) = &report.fallback_reason {
        text.push_str(&format!("full in place of an incremental: {reason}\n"));
    }
    text
}

/// What there is to know of files that are written, or would be.
fn files(folder: &restore::FolderReport) -> String {
    let mut text = String::new();
    if folder.chain.len() > 1 {
        let chain: Vec<String> = folder.chain.iter().map(ToString::to_string).collect();
        text.push_str(&format!("  chain: {}\n", chain.join(" on ")));
    }
    if folder.bytes > 0 {
        text.push_str(&format!("  disk: about {}\n", ByteSize(folder.bytes)));
    }
    folder.notes.iter().for_each(|note| text.push_str(&format!("  note: {note}\n")));
    text
}

/// What there is to know of a throw-away server that would be made.
fn throw_away_server(scratch: &restore::ScratchReport) -> String {
    let chain: Vec<String> = scratch.chain.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "  before that a throw-away server is made in `{}` of {}, and dumps what is restored:\n  disk: about {}\n",
        scratch.path,
        chain.join(" on "),
        ByteSize(scratch.bytes)
    );
    for step in &scratch.steps {
        text.push_str(&format!("    {}\n", step.argv.join(" ")));
    }
    scratch.notes.iter().for_each(|note| text.push_str(&format!("  note: {note}\n")));
    text
}

const fn action(action: prune::PruneAction) -> &'static str {
    match action {
        prune::PruneAction::Keep => "keep",
        prune::PruneAction::Remove => "remove",
    }
}

impl Draw for prune::Report {
    fn human(&self, page: Page) -> String {
        let mut text = String::new();
        for pruned in &self.databases {
            let planned = self.status == prune::PruneStatus::Planned;
            let row = |backup: &prune::PrunedBackup| {
                let size = ByteSize(backup.stored_bytes).to_string();
                vec![backup.id.to_string(), action(backup.action).to_owned(), size, backup.reasons.join(", ")]
            };
            let rows = pruned.backups.iter().map(row).collect::<Vec<_>>();
            let removed =
                pruned.backups.iter().filter(|backup| backup.action == prune::PruneAction::Remove).count();
            text.push_str(&format!("{} under policy {}\n", pruned.database, pruned.policy));
            text.push_str(&page.table(
                Columns { titles: &["BACKUP", "ACTION", "SIZE", "WHY"], right: &[2], optional: &[2] },
                &rows,
            ));
            text.push_str(&format!(
                "{} {} of {}, {} of garbage; {} {}\n",
                if planned { "would remove" } else { "removed" },
                count(removed as u64, "backup"),
                pruned.backups.len(),
                count(pruned.abandoned + pruned.unfinished_uploads, "piece"),
                ByteSize(pruned.freed_bytes),
                if planned { "would be freed" } else { "freed" },
            ));
        }
        for (database, failure) in self.failures() {
            text.push_str(&format!("{database}: failed: {}\n", failure.message()));
        }
        text
    }

    fn json(&self) -> String {
        let failed = |(database, error): &(DatabaseName, Failure)| json!({ "database": database, "error": failure(error) });
        pretty(&json!({
            "status": self.status,
            "databases": self.databases,
            "failures": self.failures().iter().map(failed).collect::<Vec<_>>(),
        }))
    }

    fn verdict(&self) -> Option<Class> {
        (!self.failures().is_empty()).then_some(Class::Partial)
    }
}

impl Draw for delete::Report {
    fn human(&self, _page: Page) -> String {
        let word = if self.status == delete::DeleteStatus::Planned { "would be deleted" } else { "deleted" };
        let line = |one: &delete::Deleted| {
            format!("{} of `{}` {word} ({})\n", one.id, one.database, ByteSize(one.stored_bytes))
        };
        self.backups.iter().map(line).collect()
    }

    fn json(&self) -> String {
        pretty(self)
    }
}
