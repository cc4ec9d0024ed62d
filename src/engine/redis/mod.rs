//! Redis and Valkey by their own protocol: no tool has to be installed for a backup or a restore.

mod check;
mod cluster;
mod collect;
mod connection;
mod count;
mod drill;
mod dump;
mod facts;
mod files;
mod pipe;
mod programs;
mod rdb;
mod replication;
mod resp;
mod restore;
mod rights;
mod server;
mod sync;
mod target;
mod witness;

use super::{
    Drill, DrillRequest, Engine, EngineError, PartReader, Recovery, RecoveryRequest, Server, ServerSettings,
};
use crate::model::{EngineKind, PartKind};
use crate::process::Runner;
use async_trait::async_trait;
use connection::Address;
use facts::RedisServer;
use witness::RdbWitness;

/// The name of what a server holds: Redis numbers its databases, and a backup takes them all.
const ENTRY_NAME: &str = "keys";
/// What the plain bytes are.
const EXTENSION: &str = "rdb";

/// A Redis or Valkey server, or a node of a cluster.
#[derive(Debug)]
pub struct Redis {
    address: Address,
}

impl Redis {
    /// Addressed by `settings`; nothing is done yet.
    pub fn new(settings: ServerSettings) -> Self {
        Self { address: Address::new(settings) }
    }
}

#[async_trait]
impl Engine for Redis {
    fn kind(&self) -> EngineKind {
        EngineKind::Redis
    }

    fn address(&self) -> String {
        self.address.shown()
    }

    async fn inspect(&self, _runner: &dyn Runner) -> Result<Box<dyn Server>, EngineError> {
        Ok(Box::new(RedisServer::inspect(self.address.clone()).await?))
    }

    fn reading(&self, part: PartKind, _server_version: &str) -> Result<PartReader, EngineError> {
        match part {
            PartKind::Database => Ok(PartReader { tool: None, witness: Box::new(RdbWitness::new()) }),
            kind => Err(EngineError::not_written(kind, "Redis")),
        }
    }

    async fn drill(&self, runner: &dyn Runner, request: &DrillRequest<'_>) -> Result<Drill, EngineError> {
        let program = programs::for_backup(runner, &self.address.settings, request.server_version).await?;
        drill::drill(program, request.folder)
    }

    async fn recover(
        &self,
        _runner: &dyn Runner,
        request: &RecoveryRequest<'_>,
    ) -> Result<Recovery, EngineError> {
        files::recover(request)
    }
}
