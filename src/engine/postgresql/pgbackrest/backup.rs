//! A backup that pgBackRest takes, and what it became.

use super::facts::{ArchiveName, DelegatedFacts, StanzaName};
use super::info::{ANNOTATION, Backup, Info};
use super::tool::{Program, STATUS_LOCKED, explained};
use super::{NAME, check};
use crate::engine::postgresql::combine::MinimumSettings;
use crate::engine::postgresql::facts::PostgreSqlServer;
use crate::engine::postgresql::psql::{Patience, Question};
use crate::engine::{CopyEnd, Delegate, DelegateBase, DelegateEnd, DelegateRequest, EngineError, Finding};
use crate::model::{Span, Timestamp, help};
use crate::process::{Runner, ToolError, ToolSpec};
use async_trait::async_trait;
use serde::Deserialize;
use std::time::Duration;

/// Processes of a pgBackRest that was killed hold its lock for half a minute. One that works is not waited for.
const LOCK_LOOKS: u32 = 12;
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// What the server says that pgBackRest does not.
#[derive(Debug, Deserialize)]
struct Layout {
    wal_segment_size: u64,
    minimum: MinimumSettings,
}

const LAYOUT: &str = "SELECT json_build_object(
  'wal_segment_size', (SELECT setting::bigint * CASE unit WHEN '8kB' THEN 8192 ELSE 1 END FROM pg_settings
    WHERE name = 'wal_segment_size'),
  'minimum', (SELECT json_object_agg(name, setting::int) FROM pg_settings WHERE name IN ('max_connections',
    'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')));";

#[async_trait]
impl Delegate for PostgreSqlServer {
    async fn check_delegate(&self, runner: &dyn Runner) -> Result<Vec<Finding>, EngineError> {
        check::findings(self, runner, &self.pgbackrest()?).await
    }

    async fn rehearse_delegate(&self, runner: &dyn Runner) -> Result<Vec<Finding>, EngineError> {
        check::rehearsal(runner, &self.pgbackrest()?).await
    }

    fn plan_delegate(&self, base: DelegateBase) -> Result<Vec<String>, EngineError> {
        Ok(command(&self.pgbackrest()?, base, "ID").display_args())
    }

    async fn delegate(
        &self,
        runner: &dyn Runner,
        request: DelegateRequest<'_>,
    ) -> Result<DelegateEnd, EngineError> {
        let program = self.pgbackrest()?;
        let database = &self.connection.settings.maintenance_database;
        let doing = "ask the server how it divides its WAL";
        let question = Question { doing, database, sql: LAYOUT, patience: Patience::Small };
        let layout: Layout = self.ask(runner, question).await?;
        let id = request.backup.to_string();
        take(runner, &program, &command(&program, request.base, &id)).await?;
        // That it ended well is its word. What it has is what counts.
        let info = Info::ask(runner, &program, None).await?;
        let taken = info.annotated(&id).ok_or_else(|| EngineError::Answer {
            question: format!("look for the backup in {NAME}'s repository"),
            problem: format!("none has the note {ANNOTATION}={id}"),
        })?;
        refuse_damaged(&program, taken)?;
        let facts = facts(&info, &program, taken, &layout)?;
        let span = Span { start: facts.start_lsn.clone(), end: facts.end_lsn.clone() };
        let end = DelegateEnd {
            kind: taken.kind(),
            prior: taken.prior.as_ref().map(ToString::to_string),
            copy: CopyEnd {
                span,
                facts: serde_json::to_value(&facts).map_err(|error| not_told(&error.to_string()))?,
                tool: format!("{NAME} {}", program.version(runner).await?),
                notes: vec![format!(
                    "{NAME} has it as {} ({}) in its repository, stanza `{}`",
                    facts.label,
                    taken.word(),
                    facts.stanza
                )],
            },
        };
        Ok(end)
    }
}

impl PostgreSqlServer {
    fn pgbackrest(&self) -> Result<Program, EngineError> {
        Program::of(&self.connection.settings).ok_or_else(|| EngineError::Refused {
            problem: format!("this entry does not say how {NAME} is asked"),
            help: help!("Set method = \"pgbackrest\" in the database entry."),
        })
    }
}

fn command(program: &Program, base: DelegateBase, id: &str) -> ToolSpec {
    let kind = match base {
        DelegateBase::None => "full",
        DelegateBase::Last => "incr",
        DelegateBase::LastFull => "diff",
    };
    let mut tool = program
        .command("backup")
        .arg(format!("--type={kind}"))
        .arg(format!("--annotation={ANNOTATION}={id}"));
    if program.settings.expire {
        // Then the policy says what is kept, and nobody else.
        tool = tool.arg("--no-expire-auto");
    }
    tool
}

/// Runs the backup. The lock of the stanza may be held for a moment by what is left of a run that was killed.
async fn take(runner: &dyn Runner, program: &Program, tool: &ToolSpec) -> Result<(), EngineError> {
    let doing = format!("take a backup of stanza `{}`", program.settings.stanza);
    for _ in 0..LOCK_LOOKS {
        match runner.output(tool).await {
            Ok(_) => return Ok(()),
            Err(ToolError::Failed { status: STATUS_LOCKED, .. }) => tokio::time::sleep(BETWEEN_LOOKS).await,
            Err(error) => return Err(program.failure(&doing, explained(runner, tool, error).await)),
        }
    }
    Err(EngineError::Refused {
        problem: format!("{doing}: another {NAME} holds the lock of the stanza"),
        help: help!("Wait until it has ended: `{}`.", program.typed("info")),
    })
}

/// A page that the server had damaged is in the backup as it is.
fn refuse_damaged(program: &Program, taken: &Backup) -> Result<(), EngineError> {
    if taken.error != Some(true) {
        return Ok(());
    }
    let label = &taken.label;
    Err(EngineError::Damaged {
        problem: format!("{NAME} found pages with wrong checksums on the server (backup {label})"),
        help: help!(
            "See which with `{}`, and repair or restore what they belong to. {NAME} keeps its backup {label}; jagad does not count it.",
            program.typed(&format!("info --set={label}"))
        ),
    })
}

fn not_told(problem: &str) -> EngineError {
    EngineError::Answer {
        question: format!("describe the backup in {NAME}'s repository"),
        problem: problem.to_owned(),
    }
}

fn facts(
    info: &Info,
    program: &Program,
    taken: &Backup,
    layout: &Layout,
) -> Result<DelegatedFacts, EngineError> {
    let (system_id, archive) =
        info.origin(taken).ok_or_else(|| not_told("it does not say of which server it is"))?;
    let missing = || not_told("it does not say which WAL it needs");
    let (lsn, wal) = (&taken.lsn, &taken.archive);
    Ok(DelegatedFacts {
        stanza: StanzaName::try_from(program.settings.stanza.clone()).map_err(|error| not_told(&error))?,
        label: taken.label.clone(),
        r#type: taken.word().to_owned(),
        prior: taken.prior.clone(),
        repository: taken.database.repo_key,
        system_id,
        archive: ArchiveName::try_from(archive).map_err(|error| not_told(&error))?,
        wal_segment_size: layout.wal_segment_size,
        wal_start: wal.start.clone().ok_or_else(missing)?,
        wal_stop: wal.stop.clone().ok_or_else(missing)?,
        start_lsn: lsn.start.clone().ok_or_else(missing)?,
        end_lsn: lsn.stop.clone().ok_or_else(missing)?,
        stopped_at: Timestamp::from_unix_seconds(taken.timestamp.stop),
        bytes: taken.info.size,
        stored_bytes: taken.info.repository.delta,
        minimum_settings: layout.minimum,
    })
}
