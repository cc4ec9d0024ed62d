//! A throw-away server: for the dumps of a backup, or on its files.

use super::{Engine, EngineError};
use crate::model::Contents;
use crate::process::{Runner, ToolSpec};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::Path;

/// For which backup a throw-away server is made, and where.
#[derive(Debug, Clone, Copy)]
pub struct DrillRequest<'a> {
    /// Version of the server that was backed up.
    pub server_version: &'a str,
    /// What was recorded of each of its databases.
    pub recorded: &'a BTreeMap<String, Contents>,
    /// A directory for all that it writes; empty but for `data`.
    pub folder: &'a Path,
    /// The files of the server, inside `folder`, where a physical backup has become them; `None` makes an empty server.
    pub data: Option<&'a Path>,
}

/// A throw-away server.
pub struct Drill {
    /// How the files of a physical backup are opened, before anything else.
    pub files: Option<DrilledFiles>,
    /// Make it, and start it where `server` does not, in order.
    pub setup: Vec<ToolSpec>,
    /// The server itself, where it runs in the foreground: it lives as long as the drill and is then stopped. It answers
    /// some time after its start.
    pub server: Option<ToolSpec>,
    /// The engine addressed at it.
    pub engine: Box<dyn Engine>,
    /// Stop it; run in every case.
    pub teardown: Vec<ToolSpec>,
}

/// The files of a physical backup, which become a throw-away server.
pub struct DrilledFiles {
    /// Makes them ready for it, in order.
    pub before: Vec<ToolSpec>,
    /// Opens them with the server's program, ends its recovery, and ends: when it fails, the files are no server.
    pub open: ToolSpec,
    /// Reads them to their end while the server runs.
    pub examination: Box<dyn Examination>,
}

/// A look at everything that is in a running throw-away server, beyond counting rows.
#[async_trait]
pub trait Examination: Send + Sync {
    /// Looks; what was looked at and what was not, for people: clauses without a full stop. Damage is
    /// [`EngineError::Damaged`], or the failure of a tool.
    async fn examine(&self, runner: &dyn Runner) -> Result<Vec<String>, EngineError>;
}
