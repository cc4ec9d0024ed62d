//! An inspected server: what it said of itself, and what can be done with it.

use super::{EngineError, Kinship, Logical, Replication};
use crate::model::{ServerRole, Timestamp};
use crate::process::Runner;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

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

    /// Its data as statements and rows, or as the keys that it holds: every server can give that, and take it back.
    fn logical(&self) -> &dyn Logical;
}
