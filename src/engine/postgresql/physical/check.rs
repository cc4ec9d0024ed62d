//! Everything that would make a physical backup fail, found before the night it matters.

use super::INCREMENTAL_MAJOR;
use crate::engine::finding::INCREMENTALS;
use crate::engine::postgresql::facts::PostgreSqlServer;
use crate::engine::postgresql::psql::{Patience, Question};
use crate::engine::postgresql::quote::identifier;
use crate::engine::postgresql::wire::Session;
use crate::engine::{EngineError, Finding};
use crate::model::BackupKind;
use crate::process::Runner;
use serde::Deserialize;

/// A backup takes two connections: one brings the files, the other holds the WAL.
const SENDERS: i64 = 2;

#[derive(Debug, Deserialize)]
struct Abilities {
    wal_level: String,
    max_wal_senders: i64,
    senders: i64,
    max_replication_slots: i64,
    slots: i64,
    replication: bool,
    /// `None` before there was such a thing.
    summarize_wal: Option<String>,
}

const ABILITIES: &str = "SELECT json_build_object(
  'wal_level', current_setting('wal_level'),
  'max_wal_senders', current_setting('max_wal_senders')::int,
  'senders', (SELECT count(*) FROM pg_stat_replication),
  'max_replication_slots', current_setting('max_replication_slots')::int,
  'slots', (SELECT count(*) FROM pg_replication_slots),
  'replication', (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user),
  'summarize_wal', current_setting('summarize_wal', true));";

impl PostgreSqlServer {
    pub(super) async fn copy_findings(
        &self,
        runner: &dyn Runner,
        kind: BackupKind,
    ) -> Result<Vec<Finding>, EngineError> {
        let database = &self.connection.settings.maintenance_database;
        let doing = "ask what the server allows for replication";
        let question = Question { doing, database, sql: ABILITIES, patience: Patience::Small };
        let abilities: Abilities = self.ask(runner, question).await?;
        let mut findings = abilities.findings(self.user());
        // With what is missing the connection fails for the same reason once more.
        if findings.is_empty() {
            findings.push(self.connection_finding().await);
        }
        findings.extend(self.configuration_finding(runner).await?);
        if kind == BackupKind::Incremental {
            findings.push(self.incremental_finding(&abilities));
        }
        Ok(findings)
    }

    /// Connects as a backup does: only the server knows its rules.
    async fn connection_finding(&self) -> Finding {
        let subject = "connect for replication";
        let connected = async {
            let mut session = Session::connect(&self.connection.settings, "").await?;
            session.query("IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM").await
        };
        match connected.await {
            Ok(_) => Finding::good(subject),
            Err(error) => {
                let help = match &error {
                    EngineError::Prerequisite { help, .. } | EngineError::Privilege { help, .. } => help,
                    EngineError::Login { .. } => "Check user and password of the database entry.",
                    _ => "The log of the server says more.",
                };
                Finding::error(subject, error.to_string(), help)
            }
        }
    }

    async fn configuration_finding(&self, runner: &dyn Runner) -> Result<Option<Finding>, EngineError> {
        let database = &self.connection.settings.maintenance_database;
        let unread = self.ask_places(runner).await?.unread();
        Ok(unread.map(|unread| {
            Finding::warning(
                "read the configuration files",
                unread.problem(),
                unread.help(self.user(), database),
            )
        }))
    }

    /// Without it a full backup is taken in the place of each incremental: protection goes on.
    fn incremental_finding(&self, abilities: &Abilities) -> Finding {
        if self.major < INCREMENTAL_MAJOR {
            let version = &self.facts.version;
            let problem =
                format!("PostgreSQL {version} has none, so that each planned incremental becomes a full");
            let help = format!(
                "Upgrade the server to PostgreSQL {INCREMENTAL_MAJOR} or newer, or use method = \"pgbackrest\"."
            );
            return Finding::no_incrementals(problem, help);
        }
        if abilities.summarize_wal.as_deref() == Some("on") {
            return Finding::good(INCREMENTALS);
        }
        let problem =
            "the server keeps no summaries of its WAL, so that each planned incremental becomes a full";
        Finding::no_incrementals(problem, "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();")
    }
}

impl Abilities {
    /// What is missing.
    fn findings(&self, user: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let subject = "take a base backup";
        if !self.replication {
            let help = format!("ALTER ROLE {} REPLICATION;", identifier(user));
            findings.push(Finding::error(subject, "the role may not replicate", help));
        }
        if self.wal_level == "minimal" {
            let help = "ALTER SYSTEM SET wal_level = 'replica'; and restart the server.";
            findings.push(Finding::error(subject, "`wal_level` is minimal", help));
        }
        let free = self.max_wal_senders - self.senders;
        if free < SENDERS {
            let wanted = (self.senders + SENDERS).max(10);
            let problem = format!(
                "it takes {SENDERS} WAL senders, and {} of {} are in use",
                self.senders, self.max_wal_senders
            );
            let help = format!("ALTER SYSTEM SET max_wal_senders = {wanted}; and restart the server.");
            findings.push(Finding::error(subject, problem, help));
        }
        if self.max_replication_slots <= self.slots {
            let wanted = (self.slots + 1).max(10);
            let problem = format!(
                "it takes a replication slot while it runs, and {} of {} are in use",
                self.slots, self.max_replication_slots
            );
            let help = format!(
                "ALTER SYSTEM SET max_replication_slots = {wanted}; and restart the server, or drop a slot that nobody uses."
            );
            findings.push(Finding::error(subject, problem, help));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_that_is_missing_is_said_with_its_statement() {
        let good = Abilities {
            wal_level: "replica".to_owned(),
            max_wal_senders: 10,
            senders: 8,
            max_replication_slots: 10,
            slots: 9,
            replication: true,
            summarize_wal: None,
        };
        assert_eq!(good.findings("bk"), []);
        let bad =
            Abilities { wal_level: "minimal".to_owned(), senders: 9, slots: 10, replication: false, ..good };
        let helps: Vec<String> = bad.findings("bk").iter().map(|finding| finding.hint().to_owned()).collect();
        assert_eq!(helps.len(), 4);
        for (help, words) in helps.iter().zip([
            "\"bk\" REPLICATION",
            "wal_level",
            "max_wal_senders = 11",
            "max_replication_slots = 11",
        ]) {
            assert!(help.contains(words), "{help}");
        }
    }
}
