//! Incremental backups of dumps: ranges of the server's own log of changes, and their way back.

use super::{Consumer, EngineError, Finding, Lifetime, Ownership, PhysicalCopy, Scope};
use crate::model::{BackupId, LogPosition, Witness};
use crate::process::Runner;
use async_trait::async_trait;

/// A server that keeps a log of its changes from which they can be made again.
#[async_trait]
pub trait LogSource: Send + Sync {
    /// Everything that would make a range of the log impossible to take or to replay, each with the statement that fixes it.
    async fn check_log(&self, runner: &dyn Runner, scope: &Scope) -> Result<Vec<Finding>, EngineError>;

    /// What is asked of the server, word by word like a command line; no secret is in it.
    fn plan_log(&self) -> Vec<String>;

    /// Begins to copy what was written to the log since `request.parent`: its parts are one for each file of the log.
    /// [`EngineError::NoBase`], here or at its end, when that cannot be had or could not be replayed.
    async fn begin_log(
        &self,
        runner: &dyn Runner,
        request: LogRequest<'_>,
    ) -> Result<Box<dyn PhysicalCopy>, EngineError>;

    /// How ranges of the log are replayed on this server.
    async fn plan_replay(
        &self,
        runner: &dyn Runner,
        request: ReplayRequest,
    ) -> Result<Box<dyn Replay>, EngineError>;
}

/// Which range of the log is wanted.
#[derive(Clone, Copy)]
pub struct LogRequest<'a> {
    /// What the entry holds now.
    pub scope: &'a Scope,
    /// What it builds on.
    pub parent: &'a LogParent,
}

/// The backup that a range of the log builds on.
#[derive(Debug, Clone)]
pub struct LogParent {
    /// The backup.
    pub backup: BackupId,
    /// Version of its server.
    pub server_version: String,
    /// Identity of its server's data.
    pub identity: Option<String>,
    /// The databases of the full below it, and where in the log each was dumped.
    pub databases: Vec<DumpedAt>,
    /// What its own [`super::CopyEnd::facts`] say, where it is a range of the log itself.
    pub facts: Option<serde_json::Value>,
}

/// A database, and where in the log its dump is.
#[derive(Debug, Clone)]
pub struct DumpedAt {
    /// The database.
    pub database: String,
    /// `None` where the dump does not say.
    pub position: Option<LogPosition>,
}

/// Ranges of the log that are to be replayed.
#[derive(Debug, Clone)]
pub struct ReplayRequest {
    /// The databases that are restored.
    pub databases: Vec<ReplayedDatabase>,
    /// What [`super::DumpPart::properties`] said of each part, in the order of the log.
    pub parts: Vec<serde_json::Value>,
    /// Definers of views, routines, triggers and events.
    pub definers: Ownership,
    /// How long the target is there.
    pub lifetime: Lifetime,
}

/// A database that is restored and then brought forward.
#[derive(Debug, Clone)]
pub struct ReplayedDatabase {
    /// Where it was dumped.
    pub dumped: DumpedAt,
    /// Its name on the target.
    pub target: String,
}

/// Ranges of the log on their way back. They are read twice: before anything changes, and to be replayed.
pub trait Replay: Send + Sync {
    /// Reads the part with this number, to find what cannot be replayed. Parts are read in their order.
    fn reader(&self, part: usize) -> Box<dyn Witness>;

    /// What the target lacks: an [`super::FindingLevel::Error`] stops the restore before anything changes.
    fn findings(&self) -> Vec<Finding>;

    /// What the reading has found, when all parts were read, that cannot be replayed.
    fn obstacle(&self) -> Option<EngineError>;

    /// Takes the part with this number, in their order, when the dumps are in their place.
    fn feed(&self, part: usize) -> Consumer;
}
