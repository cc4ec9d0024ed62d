//! Databases: what to run against a server, as plans. Engines know nothing of where bytes go.

pub mod archive;
mod delegate;
mod drill;
mod error;
mod facts;
mod finding;
mod isolation;
mod log;
mod logical;
pub mod mysql;
mod names;
mod physical;
pub mod plan;
pub mod postgresql;
mod recovery;
pub mod redis;
mod replication;
mod server;
pub mod settings;
mod socket;
mod stream;
mod tls;
mod trailer;

pub use archive::OpenArchive;
pub use delegate::{
    Delegate, DelegateBase, DelegateEnd, DelegateRepository, DelegateRequest, HeldBackup, HeldBackups,
    delegated_label,
};
pub use drill::{Drill, DrillRequest, DrilledFiles, Examination};
pub use error::EngineError;
pub use facts::{LogicalDatabase, ServerFacts};
pub use finding::{Finding, FindingLevel};
pub use log::{DumpedAt, LogParent, LogRequest, LogSource, Replay, ReplayRequest, ReplayedDatabase};
pub use logical::{Filter, Logical};
pub use physical::{CopyEnd, CopyParent, CopyRequest, Physical, PhysicalCopy};
pub use plan::{
    Completion, DatabaseChoice, DumpPart, Lifetime, LoadPlan, MissingRoles, Naming, Occupied, Ownership,
    PartReader, RestoreTarget, Scope, Selection, TargetEffect, Trial, Unfit,
};
pub use recovery::{
    FilledFolder, Recovery, RecoveryLink, RecoveryPart, RecoveryPoint, RecoveryRequest, RecoveryStep,
    RecoveryTarget, RecoveryWhat, RecoveryWrite,
};
pub use replication::{Lag, LinkState, ReplicaMatch, Replication};
pub use server::Server;
pub use settings::{PgBackRestSettings, ServerSettings, TlsMode, TlsSettings};
pub use stream::{Action, Consumer, Producer, Pull, Push, Rewrite, Shown, Step, StreamError, Tolerance};

use crate::model::{EngineKind, PartKind};
use crate::process::Runner;
use async_trait::async_trait;
use std::path::PathBuf;

/// An engine addressed at one server. Making one does no input or output.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Which engine.
    fn kind(&self) -> EngineKind;

    /// For people: `host:port` or the socket.
    fn address(&self) -> String;

    /// Finds the tools, connects, and learns what every plan needs.
    async fn inspect(&self, runner: &dyn Runner) -> Result<Box<dyn Server>, EngineError>;

    /// How to read one part to its end without a server. `server_version` is that of the dumped server.
    fn reading(&self, part: PartKind, server_version: &str) -> Result<PartReader, EngineError>;

    /// A throw-away server that can take a backup.
    async fn drill(&self, runner: &dyn Runner, request: &DrillRequest<'_>) -> Result<Drill, EngineError>;

    /// How a backup becomes files that a server starts with; `runner` finds the tools for it. An engine whose dumps are statements has no such files.
    async fn recover(
        &self,
        _runner: &dyn Runner,
        request: &RecoveryRequest<'_>,
    ) -> Result<Recovery, EngineError> {
        Err(EngineError::not_files(self.kind(), request.folder))
    }

    /// The repository of the tool that takes and keeps the entry's backups, where there is such a tool.
    fn delegate_repository(&self) -> Option<&dyn DelegateRepository> {
        None
    }
}

/// The engine for these settings: the only place where the kind decides.
pub fn open(settings: ServerSettings) -> Box<dyn Engine> {
    match settings.kind {
        EngineKind::PostgreSql => Box::new(postgresql::PostgreSql::new(settings)),
        EngineKind::MySql | EngineKind::MariaDb => Box::new(mysql::MySql::new(settings)),
        EngineKind::Redis => Box::new(redis::Redis::new(settings)),
    }
}

/// The engine of `kind` with its tools and no server: enough to read a part or to drill a backup.
pub fn bare(kind: EngineKind, bin_dir: Option<PathBuf>) -> Box<dyn Engine> {
    open(ServerSettings::tools_only(kind, bin_dir))
}
