//! pgBackRest: it takes the backups of a server, keeps them in a repository of its own, and answers for them. jagad runs it, and
//! believes what it says of itself only where that can be checked.

mod backup;
mod check;
mod facts;
mod files;
mod info;
mod recover;
mod report;
mod tool;
mod wal;

pub(super) use facts::DelegatedFacts;
pub(super) use recover::recover;

use self::info::Info;
use self::tool::Program;
use crate::engine::{DelegateRepository, EngineError, HeldBackups, ServerSettings};
use crate::model::{VerifyLevel, help};
use crate::process::Runner;
use async_trait::async_trait;

/// What it is called, for people.
const NAME: &str = "pgBackRest";

/// The repository of one stanza.
#[derive(Debug)]
pub(super) struct Repository {
    program: Program,
}

impl Repository {
    /// The repository that `settings` name, where pgBackRest takes the backups of the entry.
    pub(super) fn of(settings: &ServerSettings) -> Option<Self> {
        Some(Self { program: Program::of(settings)? })
    }
}

#[async_trait]
impl DelegateRepository for Repository {
    fn tool(&self) -> &'static str {
        NAME
    }

    fn expires(&self) -> bool {
        self.program.settings.expire
    }

    async fn held(&self, runner: &dyn Runner) -> Result<HeldBackups, EngineError> {
        Ok(Info::ask(runner, &self.program, None).await?.held())
    }

    async fn examine(
        &self,
        runner: &dyn Runner,
        facts: &serde_json::Value,
        level: VerifyLevel,
    ) -> Result<Vec<String>, EngineError> {
        let facts = DelegatedFacts::read(facts)?;
        let program = self.program.for_stanza(&facts.stanza);
        let info = Info::ask(runner, &program, None).await?;
        let Some(backup) = info.backup(&facts.label) else { return Err(gone(&facts)) };
        if backup.error == Some(true) {
            return Err(damaged(&facts, "it has pages whose checksums are wrong"));
        }
        let mut said = vec![format!("{NAME} has {} with all of its WAL", facts.label)];
        wal::every_segment_is_there(runner, &program, &facts).await?;
        if level > VerifyLevel::Exists {
            said.extend(report::verify(runner, &program, &facts).await?);
        }
        Ok(said)
    }

    async fn expire(&self, runner: &dyn Runner, label: &str) -> Result<(), EngineError> {
        let tool = self.program.command("expire").arg(format!("--set={label}"));
        self.program.run(runner, &tool, &format!("expire {label}")).await.map(|_| ())
    }
}

/// The backup is not in the repository any more.
fn gone(facts: &DelegatedFacts) -> EngineError {
    EngineError::Damaged {
        problem: format!("{NAME} has no backup {} of stanza `{}` any more", facts.label, facts.stanza),
        help: help!(
            "{NAME}'s own retention or somebody has expired it, or its configuration names another repository. Choose another backup from `jagad list`; `jagad prune` removes the record."
        ),
    }
}

/// The backup is in the repository, and does not restore.
fn damaged(facts: &DelegatedFacts, why: &str) -> EngineError {
    EngineError::Damaged {
        problem: format!("backup {} of stanza `{}`: {why}", facts.label, facts.stanza),
        help: help!(
            "Choose another backup, take a new full one, and find out what damaged {NAME}'s repository."
        ),
    }
}
