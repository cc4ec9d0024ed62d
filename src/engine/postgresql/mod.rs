//! PostgreSQL through its own tools.

pub mod archive;
mod check;
mod connection;
mod count;
mod cron;
mod drill;
mod dump;
mod facts;
mod globals;
mod ignored;
mod load;
mod load_emptied;
mod load_globals;
mod load_named;
mod load_selection;
mod pattern;
mod preflight;
mod properties;
mod psql;
mod quote;
mod replication;
mod roles;
mod selection;
mod settings;
mod swap;
mod target;
mod tools;
mod unfit;
mod views;
mod waits;
mod words;

use super::{
    Drill, DrillRequest, DumpPart, Engine, EngineError, Finding, Kinship, LoadPlan, OpenArchive, Reading,
    Replication, RestoreTarget, Scope, Server, ServerFacts, ServerSettings, Unfit,
};
use crate::model::{Contents, EngineKind, PartKind};
use crate::process::{Runner, ToolSpec};
use archive::ArchiveWitness;
use async_trait::async_trait;
use connection::Connection;
use facts::PostgreSqlServer;
use std::collections::BTreeSet;

/// A PostgreSQL server, 13 or newer.
#[derive(Debug)]
pub struct PostgreSql {
    connection: Connection,
}

impl PostgreSql {
    /// Addressed by `settings`; nothing is done yet.
    pub fn new(settings: ServerSettings) -> Self {
        Self { connection: Connection::new(settings) }
    }
}

#[async_trait]
impl Engine for PostgreSql {
    fn kind(&self) -> EngineKind {
        EngineKind::PostgreSql
    }

    fn address(&self) -> String {
        self.connection.address()
    }

    async fn inspect(&self, runner: &dyn Runner) -> Result<Box<dyn Server>, EngineError> {
        Ok(Box::new(PostgreSqlServer::inspect(runner, self.connection.clone()).await?))
    }

    fn reading(&self, part: PartKind, server_version: &str) -> Result<Reading, EngineError> {
        match part {
            PartKind::Database => {
                let bin_dir = self.connection.settings.bin_dir.as_deref();
                let major = tools::major_of(server_version).unwrap_or(0);
                let sets = tools::installed(bin_dir, "pg_restore");
                // The newest reads every archive; one whose version nothing tells is worth a try.
                let set = sets
                    .iter()
                    .filter(|set| set.major >= major || set.major == 0)
                    .max_by_key(|set| set.major);
                let set = set.ok_or_else(|| tools::missing("pg_restore", Some(major), bin_dir))?;
                let mut tool = ToolSpec::new(set.program("pg_restore")).arg("--file=/dev/null");
                tool.env.push(("LC_ALL".to_owned(), "C".to_owned()));
                Ok(Reading { tool: Some(tool), witness: Box::new(ArchiveWitness::new()) })
            }
            PartKind::Globals => Ok(Reading { tool: None, witness: Box::new(globals::witness()) }),
            PartKind::Contents => Err(EngineError::Archive {
                problem: "a list of contents is not written by PostgreSQL".to_owned(),
            }),
        }
    }

    fn drill(&self, request: &DrillRequest<'_>) -> Result<Drill, EngineError> {
        drill::drill(&self.connection.settings, request)
    }
}

#[async_trait]
impl Server for PostgreSqlServer {
    fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    async fn replication(&self, runner: &dyn Runner) -> Result<Option<Replication>, EngineError> {
        self.ask_replication(runner).await
    }

    async fn feeds(&self, runner: &dyn Runner, replica: &dyn Server) -> Result<Kinship, EngineError> {
        let said = replica.replication(runner).await?;
        let origin = said.as_ref().and_then(|said| said.origin.as_deref());
        Ok(Kinship::of(origin, self.ask_identity(runner).await?.as_deref()))
    }

    fn dump(&self, scope: &Scope) -> Result<Vec<DumpPart>, EngineError> {
        self.plan_dump(scope)
    }

    fn unfit(&self, scope: &Scope) -> Vec<Unfit> {
        self.left_out(scope)
    }

    async fn vanished(&self, runner: &dyn Runner, database: &str) -> Result<Option<String>, EngineError> {
        self.ask_vanished(runner, database).await
    }

    async fn waits(&self, runner: &dyn Runner, database: &str) -> Result<Vec<String>, EngineError> {
        self.ask_waits(runner, database).await
    }

    async fn check_dump(&self, runner: &dyn Runner, scope: &Scope) -> Result<Vec<Finding>, EngineError> {
        self.findings(runner, scope).await
    }

    async fn rehearse_dump(&self, runner: &dyn Runner, scope: &Scope) -> Result<Vec<Finding>, EngineError> {
        self.rehearsals(runner, scope).await
    }

    async fn load(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        archive: &dyn OpenArchive,
    ) -> Result<LoadPlan, EngineError> {
        self.plan_load(runner, target, archive).await
    }

    async fn count(&self, runner: &dyn Runner, database: &str) -> Result<Contents, EngineError> {
        self.count_rows(runner, database, None).await
    }

    async fn count_tables(
        &self,
        runner: &dyn Runner,
        database: &str,
        tables: &BTreeSet<(String, String)>,
    ) -> Result<Contents, EngineError> {
        self.count_rows(runner, database, Some(tables)).await
    }
}
