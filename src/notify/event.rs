//! What happened, bounded and without anything that could break out of a header, an environment or a terminal.

use crate::model::kind::word_enum;
use crate::model::{BackupId, DatabaseName, Help, PolicyName, Timestamp};
use serde::Serialize;
use std::fmt;

/// How many bytes of the end of a log an event contains.
pub const LOG_TAIL_BYTES: usize = 10_000;
pub(super) const TEXT_BYTES: usize = 4 << 10;
const FACT_BYTES: usize = 1 << 10;
const FACTS: usize = 32;

word_enum! {
    /// The kinds of events: the words of `on = [...]`, of `--notify-on` and of an event's JSON.
    EventKind {
        /// A backup began.
        BackupStarted = "backup_started",
        /// A backup is in the store.
        BackupSucceeded = "backup_succeeded",
        /// A backup failed, or could not begin.
        BackupFailed = "backup_failed",
        /// Too many failures in a row: nothing is scheduled any more.
        PolicyPaused = "policy_paused",
        /// A success or a user ended the pause.
        PolicyResumed = "policy_resumed",
        /// A log is missing: points in time after it cannot be restored.
        PitrGap = "pitr_gap",
        /// Backups come from another server now.
        SourceChanged = "source_changed",
        /// A verification failed, or could not be done.
        VerifyFailed = "verify_failed",
        /// A restore succeeded.
        RestoreFinished = "restore_finished",
        /// A restore failed.
        RestoreFailed = "restore_failed",
        /// Backups that retention does not keep could not be removed.
        PruneFailed = "prune_failed",
        /// A backup that was due did not happen.
        Overdue = "overdue",
        /// A test message.
        Test = "test",
    }
}

impl EventKind {
    /// The title for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BackupStarted => "Backup Started",
            Self::BackupSucceeded => "Backup Succeeded",
            Self::BackupFailed => "Backup Failed",
            Self::PolicyPaused => "Policy Paused",
            Self::PolicyResumed => "Policy Resumed",
            Self::PitrGap => "PITR Gap Detected",
            Self::SourceChanged => "Backup Source Changed",
            Self::VerifyFailed => "Verification Failed",
            Self::RestoreFinished => "Restore Finished",
            Self::RestoreFailed => "Restore Failed",
            Self::PruneFailed => "Prune Failed",
            Self::Overdue => "Backup Overdue",
            Self::Test => "Test Message",
        }
    }
}

/// One thing that happened. Made of names and messages that are free of secrets; control characters are taken out and every
/// text is cut at a bound, whoever wrote it.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    #[serde(rename = "event")]
    kind: EventKind,
    #[serde(skip)]
    also: Option<EventKind>,
    title: &'static str,
    at: Timestamp,
    host: String,
    database: Option<DatabaseName>,
    policy: Option<PolicyName>,
    backup: Option<BackupId>,
    message: String,
    help: Option<Help>,
    failures_in_a_row: u32,
    facts: Vec<Fact>,
    log_tail: String,
}

/// A named value, such as a size.
#[derive(Debug, Clone, Serialize)]
struct Fact {
    name: String,
    value: String,
}

impl Event {
    /// An event of this kind on this host.
    pub fn new(kind: EventKind, at: Timestamp, host: &str, message: &str) -> Self {
        Self {
            kind,
            also: None,
            title: kind.title(),
            at,
            host: line(host, FACT_BYTES),
            database: None,
            policy: None,
            backup: None,
            message: clean(message, TEXT_BYTES),
            help: None,
            failures_in_a_row: 0,
            facts: Vec::new(),
            log_tail: String::new(),
        }
    }

    /// With this database entry.
    #[must_use]
    pub fn database(mut self, name: &DatabaseName) -> Self {
        self.database = Some(name.clone());
        self
    }

    /// With this policy.
    #[must_use]
    pub fn policy(mut self, name: Option<&PolicyName>) -> Self {
        self.policy = name.cloned();
        self
    }

    /// With this backup.
    #[must_use]
    pub fn backup(mut self, id: Option<&BackupId>) -> Self {
        self.backup = id.cloned();
        self
    }

    /// With a help text that says what to do.
    #[must_use]
    pub fn help(mut self, help: Option<&str>) -> Self {
        self.help = help.and_then(|help| Help::new(&clean(help, TEXT_BYTES)));
        self
    }

    /// Number of consecutive failures: 0 means none or not counted.
    #[must_use]
    pub fn failures_in_a_row(mut self, count: u32) -> Self {
        self.failures_in_a_row = count;
        self
    }

    /// With the end of the run's log, from the beginning of a line.
    #[must_use]
    pub fn log(mut self, log: &str) -> Self {
        self.log_tail = tail(log, LOG_TAIL_BYTES);
        self
    }

    /// With one more named value; beyond 32 they are left out.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl fmt::Display) -> Self {
        if self.facts.len() < FACTS {
            let value = line(&value.to_string(), FACT_BYTES);
            self.facts.push(Fact { name: line(name, FACT_BYTES), value });
        }
        self
    }

    /// The event also goes to notifiers that are configured for `kind`.
    #[must_use]
    pub fn counts_as(mut self, kind: EventKind) -> Self {
        self.also = Some(kind);
        self
    }

    /// Whether a notifier that is configured for `kinds` gets this event.
    pub fn is_wanted(&self, kinds: &std::collections::BTreeSet<EventKind>) -> bool {
        kinds.contains(&self.kind) || self.also.is_some_and(|also| kinds.contains(&also))
    }

    /// Its kind.
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// When it happened.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// The value of a placeholder, on one line; empty where the event has none, `None` where there is no such placeholder.
    pub(super) fn placeholder(&self, name: &str) -> Option<String> {
        match name {
            "event" => Some(self.headline()),
            "host" => Some(self.host.clone()),
            "database" => Some(self.database.as_ref().map(ToString::to_string).unwrap_or_default()),
            "policy" => Some(self.policy.as_ref().map(ToString::to_string).unwrap_or_default()),
            "backup" => Some(self.backup.as_ref().map(ToString::to_string).unwrap_or_default()),
            _ => None,
        }
    }

    pub(super) fn backup_id(&self) -> Option<&BackupId> {
        self.backup.as_ref()
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn log_tail(&self) -> &str {
        &self.log_tail
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The title, with the number of the failure when it is a repeated one.
    pub(super) fn headline(&self) -> String {
        match self.failures_in_a_row {
            0 | 1 => self.title.to_owned(),
            count => format!("{} ({} failure in a row)", self.title, ordinal(count)),
        }
    }

    /// The event as text for people, without the log.
    pub(super) fn summary(&self) -> String {
        let mut text = self.headline();
        if let Some(database) = &self.database {
            text.push_str(&format!(": {database}"));
        }
        text.push_str(&format!("\n\n{}\n", self.message));
        if let Some(help) = &self.help {
            text.push_str(&format!("\nhelp: {help}\n"));
        }
        text.push('\n');
        let named = [
            ("database", self.database.as_ref().map(ToString::to_string)),
            ("policy", self.policy.as_ref().map(ToString::to_string)),
            ("backup", self.backup.as_ref().map(ToString::to_string)),
            ("host", Some(self.host.clone())),
            ("time", Some(format!("{} UTC", self.at.table()))),
        ];
        let named = named.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let facts = self.facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str()));
        for (name, value) in named.chain(facts) {
            text.push_str(&format!("{name:<10} {value}\n"));
        }
        text
    }

    /// The event as text for people, with the end of the log.
    pub(super) fn text(&self) -> String {
        let mut text = self.summary();
        if !self.log_tail.is_empty() {
            text.push_str(&format!("\nThe end of the log:\n\n{}", self.log_tail));
        }
        text
    }

    /// The event as JSON, see docs/JSON.md.
    pub(super) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn ordinal(count: u32) -> String {
    let ending = match (count % 10, count % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{count}{ending}")
}

/// `text` as in an event: without control characters except line feeds and tabs, and at most 4 KiB.
pub fn printable(text: &str) -> String {
    clean(text, TEXT_BYTES)
}

/// Without control characters except line feeds and tabs, and at most `limit` bytes.
fn clean(text: &str, limit: usize) -> String {
    let kept: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if kept.len() <= limit {
        return kept;
    }
    let cut = (0..=limit).rev().find(|at| kept.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &kept[..cut])
}

/// The same on one line.
pub(super) fn line(text: &str, limit: usize) -> String {
    clean(text, limit).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The last lines, at most `limit` bytes.
fn tail(text: &str, limit: usize) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if text.len() <= limit {
        return text;
    }
    let from = (text.len() - limit..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let end = &text[from..];
    end.split_once('\n').map_or(end, |(_, whole)| whole).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str) -> Event {
        let at = "2026-11-20T02:00:00Z".parse().unwrap();
        Event::new(EventKind::BackupFailed, at, "db1\r\nBcc: x", message)
    }

    #[test]
    fn control_characters_are_removed_and_every_text_is_bounded() {
        let event = event(&format!("a\0b\r\x1b[31m{}", "é".repeat(9000))).fact("a\nb", "c\nd");
        assert_eq!(event.host, "db1 Bcc: x");
        assert!(event.message.starts_with("ab[31mé") && event.message.len() <= TEXT_BYTES + 4);
        assert_eq!((event.facts[0].name.as_str(), event.facts[0].value.as_str()), ("a b", "c d"));
        let lines = (0..9000).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat();
        let kept = event.log(&lines).log_tail;
        assert!(kept.len() <= LOG_TAIL_BYTES && kept.starts_with("line ") && kept.ends_with("line 8999\n"));
    }

    #[test]
    fn the_first_failure_and_repeats_are_told_apart() {
        for (count, headline) in [
            (0, "Backup Failed"),
            (1, "Backup Failed"),
            (2, "Backup Failed (2nd failure in a row)"),
            (3, "Backup Failed (3rd failure in a row)"),
            (11, "Backup Failed (11th failure in a row)"),
            (21, "Backup Failed (21st failure in a row)"),
        ] {
            assert_eq!(event("x").failures_in_a_row(count).headline(), headline);
        }
    }

    #[test]
    fn people_read_what_happened_what_to_do_and_the_end_of_the_log() {
        let text = event("pg_dump failed")
            .database(&"shop".parse().unwrap())
            .help(Some("Start the server."))
            .fact("duration", "3 s")
            .log("one\ntwo\n")
            .text();
        assert_eq!(
            text,
            "Backup Failed: shop\n\npg_dump failed\n\nhelp: Start the server.\n\ndatabase   shop\nhost       db1 Bcc: x\n\
            time       2026-11-20 02:00:00 UTC\nduration   3 s\n\nThe end of the log:\n\none\ntwo\n"
        );
    }
}
