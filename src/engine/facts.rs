//! What a server says of itself.

use crate::model::{ServerRole, Timestamp};
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
