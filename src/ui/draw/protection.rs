//! Policies and schedules.

use super::{Draw, count, failure, pretty};
use crate::commands::{Class, Failure, policy, schedule};
use crate::model::{DatabaseName, Timestamp};
use crate::ui::page::{Columns, Page};
use crate::ui::plain::one_line;
use serde_json::{Value, json};

/// `-` where there is nothing.
fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

fn time(time: Option<Timestamp>) -> String {
    or_dash(time.map(Timestamp::table))
}

/// What failed, for people: each with its hint.
fn failed(failures: &[(DatabaseName, Failure)]) -> String {
    let mut text = String::new();
    for (database, failure) in failures {
        text.push_str(&format!("{database}: failed: {}\n", failure.message()));
        for line in failure.help.iter().flat_map(|help| help.lines()) {
            text.push_str(&format!("  help: {line}\n"));
        }
    }
    text
}

fn failures(failures: &[(DatabaseName, Failure)]) -> Vec<Value> {
    failures
        .iter()
        .map(|(database, error)| json!({ "database": database, "error": failure(error) }))
        .collect()
}

impl Draw for policy::Attachments {
    fn human(&self, _page: Page) -> String {
        let mut text = String::new();
        for one in &self.attached {
            text.push_str(&match (&one.backup, one.status) {
                (Some(id), _) => format!("{} is attached to {}; first full {id}\n", one.database, one.policy),
                (None, policy::AttachStatus::Attached) => {
                    format!("{} is attached to {}\n", one.database, one.policy)
                }
                (None, _) => format!("{} is attached to {} already\n", one.database, one.policy),
            });
        }
        text + &failed(self.failures())
    }

    fn json(&self) -> String {
        pretty(&json!({ "attached": self.attached, "failures": failures(self.failures()) }))
    }

    fn verdict(&self) -> Option<Class> {
        policy::Attachments::verdict(self)
    }
}

impl Draw for policy::Detached {
    fn human(&self, _page: Page) -> String {
        let lines = self.detached.iter().map(|name| format!("{name} is detached; its backups stay\n"));
        lines.collect::<Vec<_>>().concat()
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for policy::Applied {
    fn human(&self, _page: Page) -> String {
        if self.changes.is_empty() && self.failures().is_empty() {
            return "everything is attached as configured\n".to_owned();
        }
        let would = if self.status == policy::ApplyStatus::Planned { "would be" } else { "is" };
        let mut text = String::new();
        for change in &self.changes {
            let name = &change.database;
            if self.failures().iter().any(|(failed, _)| failed == name) {
                continue;
            }
            text.push_str(&match (&change.from, &change.to) {
                (Some(from), Some(to)) => format!("{name} {would} moved from {from} to {to}\n"),
                (None, Some(to)) => format!("{name} {would} attached to {to}\n"),
                (Some(from), None) => format!("{name} {would} detached from {from}; its backups stay\n"),
                (None, None) => String::new(),
            });
        }
        text + &failed(self.failures())
    }

    fn json(&self) -> String {
        pretty(&json!({
            "status": self.status, "changes": self.changes, "failures": failures(self.failures()),
        }))
    }

    fn verdict(&self) -> Option<Class> {
        policy::Applied::verdict(self)
    }
}

impl Draw for policy::SwitchReport {
    fn human(&self, _page: Page) -> String {
        let line = |one: &policy::Turned| match one.failures {
            0 => format!("{} is {}\n", one.database, one.status),
            failures => format!("{} is {}, after {failures} failures in a row\n", one.database, one.status),
        };
        self.databases.iter().map(line).collect()
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for policy::Summary {
    fn human(&self, page: Page) -> String {
        if self.policies.is_empty() {
            return "no policies\n".to_owned();
        }
        let row = |one: &policy::PolicySummary| {
            vec![
                one.policy.to_string(),
                one.status.to_string(),
                or_dash(one.store.clone()),
                or_dash(one.full.clone()),
                or_dash(one.incremental.clone()),
                one.attached.to_string(),
                one.paused.to_string(),
                one.failing.to_string(),
            ]
        };
        let header = ["POLICY", "STATUS", "STORE", "FULL", "INCREMENTAL", "ATTACHED", "PAUSED", "FAILING"];
        let mut text = page.table(
            Columns { titles: &header, right: &[5, 6, 7], optional: &[2, 4, 3] },
            &self.policies.iter().map(row).collect::<Vec<_>>(),
        );
        for one in self.policies.iter().filter(|one| !one.unattached.is_empty()) {
            let names: Vec<&str> = one.unattached.iter().map(DatabaseName::as_str).collect();
            text.push_str(&format!(
                "{} of {} not attached ({}): run `jagad policy apply`\n",
                count(names.len() as u64, "database"),
                one.policy,
                names.join(", ")
            ));
        }
        for one in &self.policies {
            text.push_str(&not_seen(one));
        }
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for policy::PolicyReport {
    fn human(&self, page: Page) -> String {
        let mut text = banner(self);
        let summary = &self.summary;
        let facts = [
            ("policy", summary.policy.to_string()),
            ("status", summary.status.to_string()),
            ("store", format!("{} ({})", or_dash(summary.store.clone()), self.place)),
            (
                "credentials",
                match self.credentials_verified_at {
                    Some(at) => format!("verified {} by the last backup", at.table()),
                    None => "not proven by a backup yet".to_owned(),
                },
            ),
            ("full", or_dash(summary.full.clone())),
            ("incremental", or_dash(summary.incremental.clone())),
            ("keeps", self.retention.join(", ")),
            ("verifies", or_dash(self.verify.map(ToOwned::to_owned))),
            (
                "pauses after",
                match self.pause_after_failures {
                    0 => "never".to_owned(),
                    limit => format!("{limit} failures in a row"),
                },
            ),
        ];
        for (name, value) in facts {
            text.push_str(&format!("{name:<13}{}\n", one_line(&value)));
        }
        if self.databases.is_empty() {
            return text + "\nnothing is attached\n";
        }
        let row = |database: &policy::DatabaseReport| {
            let last = |copy: &Option<policy::Copy>| time(copy.as_ref().map(|copy| copy.finished_at));
            vec![
                database.database.to_string(),
                database.engine.to_string(),
                database.host.clone(),
                database.status.to_string(),
                last(&database.last_full),
                last(&database.last_incremental),
                database.failures.to_string(),
                time(database.next),
            ]
        };
        let header = [
            "DATABASE",
            "ENGINE",
            "HOST",
            "STATUS",
            "LAST FULL (UTC)",
            "LAST INCREMENTAL",
            "FAILURES",
            "NEXT (UTC)",
        ];
        let columns = Columns { titles: &header, right: &[6], optional: &[5, 2, 1, 6] };
        text + "\n" + &page.table(columns, &self.databases.iter().map(row).collect::<Vec<_>>())
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

/// Entries that could not be checked.
fn not_seen(summary: &policy::PolicySummary) -> String {
    let line =
        |one: &policy::Unknown| format!("! {}: cannot be checked: {}\n", one.database, one_line(&one.reason));
    summary.unknown.iter().map(line).collect()
}

/// The databases with problems, to be shown first.
fn banner(report: &policy::PolicyReport) -> String {
    let mut text = not_seen(&report.summary);
    for database in
        report.databases.iter().filter(|database| database.failures > 0 || database.paused.is_some())
    {
        let paused = database.paused.as_ref().map(|reason| format!("paused: {reason}"));
        let failed =
            (database.failures > 0).then(|| count(database.failures.into(), "failure") + " in a row");
        let what: Vec<String> = paused.into_iter().chain(failed).collect();
        text.push_str(&format!("! {}: {}", database.database, what.join(", ")));
        if let Some(last) = &database.last_error {
            text.push_str(&format!("; last {}: {}", last.at.table(), last.failure.message));
        }
        text.push('\n');
        if database.paused.is_some() {
            text.push_str(&format!(
                "  help: Fix the cause, then run `jagad policy resume {}`\n",
                database.database
            ));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

impl Draw for schedule::Report {
    fn human(&self, _page: Page) -> String {
        if self.databases.is_empty() {
            return "nothing is attached to a policy\n".to_owned();
        }
        let mut text = String::new();
        for one in &self.databases {
            let action = match one.action {
                schedule::TickAction::Waiting => match one.next {
                    Some(next) => format!("next {}", next.table()),
                    None => one.reason.clone(),
                },
                schedule::TickAction::Due => format!("due, {}", one.reason),
                schedule::TickAction::BackedUp => {
                    format!(
                        "backed up{}",
                        one.backup.as_ref().map(|id| format!(": {id}")).unwrap_or_default()
                    )
                }
                schedule::TickAction::Verified => format!("verified, {}", one.reason),
                schedule::TickAction::Postponed => format!("left to the next tick: {}", one.reason),
                schedule::TickAction::Paused
                | schedule::TickAction::Idle
                | schedule::TickAction::Retrying => one.reason.clone(),
                schedule::TickAction::Unknown => format!("unknown: {}", one.reason),
                schedule::TickAction::Unprotected => format!("not protected: {}", one.reason),
                schedule::TickAction::Failed => format!("failed: {}", one.reason),
            };
            text.push_str(&format!("{}: {action}\n", one.database));
        }
        text
    }

    fn json(&self) -> String {
        let one = |outcome: &schedule::Outcome| {
            let mut value = json!(outcome);
            value["error"] = json!(outcome.failure.as_ref().map(failure));
            value
        };
        pretty(&json!({ "at": self.at, "databases": self.databases.iter().map(one).collect::<Vec<_>>() }))
    }

    fn verdict(&self) -> Option<Class> {
        schedule::Report::verdict(self)
    }
}

impl Draw for schedule::Planned {
    fn human(&self, page: Page) -> String {
        let row = |run: &schedule::PlannedRun| {
            vec![
                if run.due { "now".to_owned() } else { run.local.clone() },
                run.at.table(),
                run.database.to_string(),
                run.policy.to_string(),
                run.kind.to_string(),
            ]
        };
        let mut text = String::new();
        if !self.runs.is_empty() {
            let header = ["LOCAL", "UTC", "DATABASE", "POLICY", "KIND"];
            text = page.table(
                Columns { titles: &header, right: &[], optional: &[1, 4, 3] },
                &self.runs.iter().map(row).collect::<Vec<_>>(),
            );
        }
        for one in &self.idle {
            text.push_str(&format!("{}: nothing is scheduled: {}\n", one.database, one.reason));
        }
        if text.is_empty() { "no databases\n".to_owned() } else { text }
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for schedule::Installed {
    fn human(&self, _page: Page) -> String {
        let mut text = String::new();
        for file in &self.files {
            let path = file.path.display();
            text.push_str(&if self.written {
                format!("wrote {path}\n")
            } else {
                format!("# {path}\n{}\n", file.contents)
            });
        }
        if !self.next.is_empty() {
            text.push_str("# Then:\n");
        }
        self.next.iter().for_each(|line| text.push_str(&format!("#   {line}\n")));
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}
