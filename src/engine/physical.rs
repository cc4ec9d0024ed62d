//! Physical backups: the files of a running server, as its own protocol or its copy tool gives them.

use super::{DumpPart, EngineError, Finding, OpenArchive};
use crate::model::{BackupId, BackupKind, Span};
use crate::process::Runner;
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;

/// Copies of a server's files while it runs.
#[async_trait]
pub trait Physical: Send + Sync {
    /// Everything that would make a copy of this kind fail, each with the statement that fixes it.
    async fn check_copy(&self, runner: &dyn Runner, kind: BackupKind) -> Result<Vec<Finding>, EngineError>;

    /// What is asked of the server or run for a copy, word by word like a command line; no secret is in it.
    async fn plan_copy(&self, runner: &dyn Runner, kind: BackupKind) -> Result<Vec<String>, EngineError>;

    /// Begins a copy. [`EngineError::NoBase`] when the server cannot give what changed since `request.parent`: a full can
    /// be begun then.
    async fn begin_copy(
        &self,
        runner: &dyn Runner,
        request: CopyRequest<'_>,
    ) -> Result<Box<dyn PhysicalCopy>, EngineError>;
}

/// Which copy is wanted.
#[derive(Clone, Copy)]
pub struct CopyRequest<'a> {
    /// The backup that it becomes.
    pub backup: &'a BackupId,
    /// What an incremental builds on; `None` for a full.
    pub parent: Option<&'a CopyParent>,
    /// A folder of this machine for what is written there first, where an engine has no other way.
    pub folder: &'a Path,
}

/// The backup that an incremental builds on.
#[derive(Clone)]
pub struct CopyParent {
    /// The backup.
    pub backup: BackupId,
    /// Version of its server.
    pub server_version: String,
    /// Identity of its server's data.
    pub identity: Option<String>,
    /// Where it lies in the server's log.
    pub span: Option<Span>,
    /// What [`CopyEnd::facts`] said of it.
    pub facts: serde_json::Value,
    /// Its part of kind [`crate::model::PartKind::FileManifest`], where it has one.
    pub file_manifest: Option<Arc<dyn OpenArchive>>,
}

/// A copy under way. Its parts come one after the other, as the server sends them. Dropping it ends it on the server.
#[async_trait]
pub trait PhysicalCopy: Send {
    /// The next part; `None` behind the last. The one before must have been read to its end.
    async fn next_part(&mut self, runner: &dyn Runner) -> Result<Option<DumpPart>, EngineError>;

    /// Ends the copy on the server. Only then are its parts a whole backup; an error, such as a damaged page that the
    /// server found, means that they are none.
    async fn finish(self: Box<Self>, runner: &dyn Runner) -> Result<CopyEnd, EngineError>;
}

/// What is known of a copy at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyEnd {
    /// Positions in the server's log between which the copy lies.
    pub span: Span,
    /// What the engine needs to restore it or to build on it: opaque to every other layer. `docs/FORMAT.md` lists the keys.
    pub facts: serde_json::Value,
    /// What took it: "mariadb-backup 10.11.19".
    pub tool: String,
    /// What is worth telling.
    pub notes: Vec<String>,
}
