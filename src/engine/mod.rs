//! Databases: what to run against a server, as plans. Engines know nothing of where bytes go.

pub mod archive;
mod error;
pub mod mysql;
mod names;
pub mod plan;
pub mod postgresql;
pub mod redis;
mod replication;
pub mod settings;
mod stream;
mod trailer;

pub use archive::OpenArchive;
pub use error::EngineError;
pub use plan::{
    DatabaseChoice, Drill, DrillRequest, DumpPart, Finding, FindingLevel, Lifetime, LoadPlan, MissingRoles,
    Naming, Occupied, Ownership, Reading, RestoreTarget, Scope, Selection, TargetEffect, Trial, Unfit,
};
pub use replication::{Kinship, Lag, Link, Replication};
pub use settings::{ServerSettings, TlsMode, TlsSettings};
pub use stream::{Action, Consumer, Producer, Pull, Push, Rewrite, Shown, Step, StreamError, Tolerance};

use crate::model::{Contents, EngineKind, PartKind, ServerRole, Timestamp};
use crate::process::Runner;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One logical database of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogicalDatabase {
    /// Its name, exactly as the server has it.
    pub name: String,
    /// Its size on the server's disk in bytes, where the server says so.
    pub bytes: u64,
    /// What the engine needs to create it anew (encoding, owner, settings): opaque to every other layer.
    pub properties: serde_json::Value,
}

/// What a server said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// Full version text: "18.6".
    pub version: String,
    /// What makes this server's data this server's: the PostgreSQL system identifier.
    pub identity: Option<String>,
    /// Primary or replica.
    pub role: ServerRole,
    /// The server's clock when it was asked.
    pub time: Timestamp,
    /// The logical databases a backup could take, by name.
    pub databases: Vec<LogicalDatabase>,
    /// The dump tool that would be used: "pg_dump 18.6".
    pub tool: String,
}

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
    fn reading(&self, part: PartKind, server_version: &str) -> Result<Reading, EngineError>;

    /// A throw-away server that can take a backup.
    fn drill(&self, request: &DrillRequest<'_>) -> Result<Drill, EngineError>;

    /// What writes one part as files into `folder`, which is new or empty, so that a server starts with it. An engine
    /// whose dumps are statements has no such files.
    fn lay_out(&self, folder: &Path) -> Result<Consumer, EngineError> {
        Err(EngineError::Refused {
            problem: format!("a dump of {} does not become the files in `{}`", self.kind(), folder.display()),
            help: "Leave out --target-dir: it goes into a running server.".to_owned(),
        })
    }
}

/// An inspected server: facts in hand, plans to give.
#[async_trait]
pub trait Server: Send + Sync {
    /// What it said of itself.
    fn facts(&self) -> &ServerFacts;

    /// How it follows its primary now; `None` for a server that follows nobody. Each call asks anew.
    async fn replication(&self, runner: &dyn Runner) -> Result<Option<Replication>, EngineError>;

    /// Whether the data of `replica` comes from here.
    async fn feeds(&self, runner: &dyn Runner, replica: &dyn Server) -> Result<Kinship, EngineError> {
        let said = replica.replication(runner).await?;
        let origin = said.as_ref().and_then(|said| said.origin.as_deref());
        Ok(Kinship::of(origin, self.facts().identity.as_deref()))
    }

    /// The parts of a full logical backup of `scope`, in the order they are to be taken. An empty scope, or a name
    /// that is not on the server, is an error.
    fn dump(&self, scope: &Scope) -> Result<Vec<DumpPart>, EngineError>;

    /// Everything that would make [`Server::dump`] fail or leave something out, each with the statement that mends it.
    async fn check_dump(&self, runner: &dyn Runner, scope: &Scope) -> Result<Vec<Finding>, EngineError>;

    /// What questions cannot find: the dump tool itself reads every definition of `scope`, and no rows.
    async fn rehearse_dump(&self, runner: &dyn Runner, scope: &Scope) -> Result<Vec<Finding>, EngineError>;

    /// Logical databases that a scope of all would take, and that cannot be dumped, each with the reason.
    fn unfit(&self, _scope: &Scope) -> Vec<Unfit> {
        Vec::new()
    }

    /// Why a database that was there when the server was inspected cannot be dumped any more: it is gone, or closed. `None`
    /// when it still can, and for engines that do not ask.
    async fn vanished(&self, _runner: &dyn Runner, _database: &str) -> Result<Option<String>, EngineError> {
        Ok(None)
    }

    /// What is worth knowing of a dump that was just taken of `database`: what would keep it from coming back here.
    fn judge_dump(&self, _database: &str, _contents: &Contents) -> Vec<Finding> {
        Vec::new()
    }

    /// What a dump of `database` that is under way waits for now, in words: which lock, and who holds it. Empty when it waits for
    /// nobody, and for engines whose dumps do not wait.
    async fn waits(&self, _runner: &dyn Runner, _database: &str) -> Result<Vec<String>, EngineError> {
        Ok(Vec::new())
    }

    /// How to load one part. Looks at the server and, where needed, at the head of the archive; changes nothing.
    async fn load(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        archive: &dyn OpenArchive,
    ) -> Result<LoadPlan, EngineError>;

    /// Counts the rows of every table of one logical database now.
    async fn count(&self, runner: &dyn Runner, database: &str) -> Result<Contents, EngineError>;

    /// Whether names of tables are not told apart by case here.
    fn folds_names(&self) -> bool {
        false
    }

    /// Counts the rows of some tables of one logical database, by schema and name.
    async fn count_tables(
        &self,
        runner: &dyn Runner,
        database: &str,
        tables: &BTreeSet<(String, String)>,
    ) -> Result<Contents, EngineError> {
        let mut contents = self.count(runner, database).await?;
        contents.tables.retain(|rows| tables.contains(&(rows.schema.clone(), rows.table.clone())));
        Ok(Contents { large_objects: None, ..contents })
    }

    /// What is worth knowing of a logical database that was just restored, now that everything is in its place. Most
    /// engines find all of it before they begin.
    async fn look_after(&self, _runner: &dyn Runner, _database: &str) -> Result<Vec<Finding>, EngineError> {
        Ok(Vec::new())
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

/// What to take and leave inside each logical database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Only these schemas (patterns of the dump tool).
    pub schemas: Vec<String>,
    /// Not these schemas.
    pub exclude_schemas: Vec<String>,
    /// Only these tables.
    pub tables: Vec<String>,
    /// Not these tables.
    pub exclude_tables: Vec<String>,
    /// These tables without their rows.
    pub exclude_table_data: Vec<String>,
    /// MySQL, MariaDB: not the views that cannot be read.
    pub skip_broken_views: bool,
}
