//! MySQL and MariaDB through their own tools.

mod accounts;
mod binlog;
mod broken;
mod check;
mod client;
mod columns;
mod connection;
mod count;
mod definers;
mod definition;
mod drill;
mod drill_entry;
mod drill_files;
mod dropping;
mod dump;
mod edit;
mod encryption;
mod events;
mod examination;
mod facts;
mod filter;
mod flavor;
mod grants;
mod head;
#[cfg(test)]
mod head_tests;
mod history;
mod inspection;
mod leftovers;
mod load;
mod load_users;
mod needed;
mod packet;
mod period;
mod physical;
mod places;
mod postponed;
mod preflight;
mod properties;
mod qualified;
#[cfg(test)]
mod qualified_tests;
mod quote;
mod replication;
mod reserved;
mod rewrite;
#[cfg(test)]
mod rewrite_tests;
mod rights;
mod rows;
mod scanner;
#[cfg(test)]
mod scanner_tests;
mod server;
mod session;
mod syntax;
mod tables;
mod target;
mod tls;
mod tools;
mod trial;
mod unescape;
mod user_lines;
mod users;
mod values;
mod vanished;
mod version;
mod views;
mod wire;
mod witness;
mod words;

use super::{
    Drill, DrillRequest, Engine, EngineError, PartReader, Recovery, RecoveryLink, RecoveryRequest, Server,
    ServerSettings,
};
use crate::model::{EngineKind, Needs, PartKind, Witness};
use crate::process::Runner;
use async_trait::async_trait;
use connection::Connection;
use facts::MySqlServer;

/// A MySQL server, 8.0 or newer, or a MariaDB server, 10.5 or newer.
#[derive(Debug)]
pub struct MySql {
    connection: Connection,
}

impl MySql {
    /// Addressed by `settings`; nothing is done yet.
    pub fn new(settings: ServerSettings) -> Self {
        Self { connection: Connection::new(settings) }
    }
}

/// Watches a dump of one database, of either family.
pub fn witness() -> Box<dyn Witness> {
    Box::new(witness::DumpWitness::new(Needs::default()))
}

#[async_trait]
impl Engine for MySql {
    fn kind(&self) -> EngineKind {
        self.connection.settings.kind
    }

    fn address(&self) -> String {
        self.connection.address()
    }

    async fn inspect(&self, runner: &dyn Runner) -> Result<Box<dyn Server>, EngineError> {
        Ok(Box::new(MySqlServer::inspect(runner, self.connection.clone()).await?))
    }

    fn reading(&self, part: PartKind, _server_version: &str) -> Result<PartReader, EngineError> {
        // No tool of either family reads a dump without a server: the witness parses it to its end.
        match part {
            PartKind::Database => Ok(PartReader { tool: None, witness: witness() }),
            PartKind::Globals => Ok(PartReader { tool: None, witness: Box::new(users::witness()) }),
            PartKind::Files => {
                Ok(PartReader { tool: None, witness: Box::new(physical::FilesWitness::new()) })
            }
            PartKind::Log => Ok(PartReader { tool: None, witness: binlog::structure() }),
            kind => Err(EngineError::not_written(kind, self.connection.flavor.name)),
        }
    }

    async fn drill(&self, runner: &dyn Runner, request: &DrillRequest<'_>) -> Result<Drill, EngineError> {
        match request.data {
            Some(data) => drill_files::drill(&self.connection.settings, runner, request, data).await,
            None => drill::drill(&self.connection.settings, request),
        }
    }

    async fn recover(
        &self,
        runner: &dyn Runner,
        request: &RecoveryRequest<'_>,
    ) -> Result<Recovery, EngineError> {
        let files = |link: &RecoveryLink| link.parts.iter().any(|part| part.kind == PartKind::Files);
        if request.links.iter().any(files) {
            return physical::recover(&self.connection, runner, request).await;
        }
        Err(EngineError::not_files(self.kind(), request.folder))
    }
}
