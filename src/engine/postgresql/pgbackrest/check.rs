//! Everything that would make a backup by pgBackRest fail, found before the night it matters.

use super::NAME;
use super::info::Info;
use super::tool::Program;
use crate::engine::postgresql::facts::PostgreSqlServer;
use crate::engine::postgresql::psql::{Patience, Question};
use crate::engine::{EngineError, Finding};
use crate::process::{Runner, ToolSpec};
use serde::Deserialize;
use std::time::Duration;

/// pgBackRest waits for a segment of WAL for a minute, if its configuration does not say otherwise.
const LONGEST_TEST: Duration = Duration::from_secs(600);

#[derive(Debug, Deserialize)]
struct Archiving {
    archive_mode: String,
    archive_command: String,
    archive_library: Option<String>,
    wal_level: String,
}

const ARCHIVING: &str = "SELECT json_build_object('archive_mode', current_setting('archive_mode'),
  'archive_command', current_setting('archive_command'), 'archive_library', current_setting('archive_library', true),
  'wal_level', current_setting('wal_level'));";

/// What the server and pgBackRest say.
pub(super) async fn findings(
    server: &PostgreSqlServer,
    runner: &dyn Runner,
    program: &Program,
) -> Result<Vec<Finding>, EngineError> {
    let mut findings = vec![match program.version(runner).await {
        Ok(version) => Finding::good(format!("run {NAME} {version}")),
        Err(error) => return Ok(vec![of_error(&format!("run {NAME}"), &error)]),
    }];
    let database = &server.connection.settings.maintenance_database;
    let doing = "ask the server how it archives";
    let question = Question { doing, database, sql: ARCHIVING, patience: Patience::Small };
    let archiving: Archiving = server.ask(runner, question).await?;
    findings.extend(archiving.findings(program));
    let subject = format!("find the stanza `{}`", program.settings.stanza);
    match Info::ask(runner, program, None).await {
        Ok(info) => {
            findings.push(of_system(&subject, &info, server.facts.identity.as_deref(), program));
            let (all, ours) = info.counted();
            findings.push(Finding::good(format!(
                "{NAME}'s repository holds {all} of its backups, {ours} of them taken by jagad; {NAME} keeps the data and answers for it"
            )));
        }
        Err(error) => findings.push(of_error(&subject, &error)),
    }
    Ok(findings)
}

/// pgBackRest's own test: a segment of WAL goes all the way into the repository.
pub(super) async fn rehearsal(runner: &dyn Runner, program: &Program) -> Result<Vec<Finding>, EngineError> {
    let subject = format!("`{NAME} check`: WAL reaches the repository");
    let tool = ToolSpec { timeout: Some(LONGEST_TEST), ..program.command("check") };
    Ok(vec![match program.run(runner, &tool, "check the way of WAL into the repository").await {
        Ok(_) => Finding::good(subject),
        Err(error) => {
            let help = format!(
                "Run it by hand, it says more: `{}`.",
                program.typed("check --log-level-console=info")
            );
            Finding::error(subject, chain(&error), help)
        }
    }])
}

/// The stanza must be of this server: its backups would be those of another.
fn of_system(subject: &str, info: &Info, identity: Option<&str>, program: &Program) -> Finding {
    match (info.system(), identity) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            let problem = format!("it is of the system {theirs}, and this server is {ours}");
            let help = format!(
                "Correct `pgbackrest.stanza` or the server of the entry; after an upgrade of the server: `{}`.",
                program.typed("stanza-upgrade")
            );
            Finding::error(subject, problem, help)
        }
        _ => Finding::good(subject),
    }
}

impl Archiving {
    fn findings(&self, program: &Program) -> Vec<Finding> {
        let subject = "archive WAL";
        let mut findings = Vec::new();
        if self.archive_mode == "off" {
            let help = "ALTER SYSTEM SET archive_mode = on; and restart the server.";
            findings.push(Finding::error(subject, "`archive_mode` is off", help));
        }
        if self.wal_level == "minimal" {
            let help = "ALTER SYSTEM SET wal_level = 'replica'; and restart the server.";
            findings.push(Finding::error(subject, "`wal_level` is minimal", help));
        }
        let library = self.archive_library.as_deref().unwrap_or_default();
        let command = &self.archive_command;
        if !library.is_empty() {
            let problem = format!("`archive_library` is `{library}`, so that `archive_command` is not used");
            findings.push(Finding::warning(subject, problem, "ALTER SYSTEM RESET archive_library;"));
        }
        // What it is not sure of, pgBackRest says itself: its command may be behind a script.
        if !command.contains("pgbackrest") || !command.contains("archive-push") {
            let shown = if command.is_empty() { "is not set".to_owned() } else { format!("is `{command}`") };
            let problem = format!(
                "`archive_command` {shown}: {NAME} refuses a backup unless it names its archive-push"
            );
            findings.push(Finding::warning(subject, problem, statement(program)));
        }
        if findings.is_empty() {
            findings.push(Finding::good(subject));
        }
        findings
    }
}

/// What makes the server archive into the repository.
fn statement(program: &Program) -> String {
    let config = program.settings.config.as_ref();
    let config = config.map(|config| format!(" --config={}", config.display())).unwrap_or_default();
    format!(
        "ALTER SYSTEM SET archive_command = 'pgbackrest{config} --stanza={} archive-push %p'; SELECT pg_reload_conf();",
        program.settings.stanza
    )
}

fn of_error(subject: &str, error: &EngineError) -> Finding {
    let help = match error {
        EngineError::ToolMissing { help, .. }
        | EngineError::Version { help, .. }
        | EngineError::Delegated { help, .. }
        | EngineError::Prerequisite { help, .. } => help.to_string(),
        _ => String::new(),
    };
    Finding::error(subject, chain(error), help)
}

/// An error with what caused it, in one line.
fn chain(error: &EngineError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{FindingLevel, PgBackRestSettings, ServerSettings};
    use crate::model::EngineKind;

    #[test]
    fn each_thing_that_is_missing_is_said_with_its_statement() {
        let settings = ServerSettings {
            pgbackrest: Some(PgBackRestSettings {
                stanza: "shop".to_owned(),
                ..PgBackRestSettings::default()
            }),
            ..ServerSettings::tools_only(EngineKind::PostgreSql, None)
        };
        let program = Program::of(&settings).unwrap();
        let good = |archive_command: &str| Archiving {
            archive_mode: "on".to_owned(),
            archive_command: archive_command.to_owned(),
            archive_library: None,
            wal_level: "replica".to_owned(),
        };
        let levels = |archiving: &Archiving| {
            archiving.findings(&program).iter().map(|finding| finding.level).collect::<Vec<_>>()
        };
        assert_eq!(levels(&good("pgbackrest --stanza=shop archive-push %p")), [FindingLevel::Ok]);
        let other = good("cp %p /mnt");
        assert_eq!(levels(&other), [FindingLevel::Warning]);
        let help = other.findings(&program)[0].hint().to_owned();
        assert!(help.contains("'pgbackrest --stanza=shop archive-push %p'"), "{help}");
        let off = Archiving { archive_mode: "off".to_owned(), wal_level: "minimal".to_owned(), ..good("") };
        assert_eq!(levels(&off), [FindingLevel::Error, FindingLevel::Error, FindingLevel::Warning]);
    }
}
