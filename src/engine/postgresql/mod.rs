//! PostgreSQL through its own tools.

pub mod archive;
pub mod base_backup;
mod check;
pub mod combine;
mod connection;
mod count;
mod cron;
mod drill;
mod drill_files;
mod dump;
mod examination;
mod facts;
mod globals;
mod ignored;
mod load;
mod load_beside;
mod load_emptied;
mod load_globals;
mod load_named;
mod load_selection;
mod pattern;
mod pgbackrest;
mod physical;
mod planner;
mod pooling;
mod preflight;
mod properties;
mod psql;
mod quote;
mod replication;
mod roles;
mod selection;
mod server;
mod settings;
mod settings_trial;
mod subscriptions;
mod swap;
mod tar;
mod target;
mod tools;
mod unfit;
mod views;
mod waits;
pub mod wire;
mod words;

use super::{
    DelegateRepository, Drill, DrillRequest, Engine, EngineError, PartReader, Recovery, RecoveryLink,
    RecoveryRequest, Server, ServerSettings,
};
use crate::model::{EngineKind, PartKind};
use crate::process::{Runner, ToolSpec};
use archive::ArchiveWitness;
use async_trait::async_trait;
use base_backup::{ManifestWitness, SeenManifest, TarWitness};
use connection::Connection;
use facts::PostgreSqlServer;
use pgbackrest::DelegatedFacts;

/// A PostgreSQL server, 13 or newer.
#[derive(Debug)]
pub struct PostgreSql {
    connection: Connection,
    repository: Option<pgbackrest::Repository>,
}

impl PostgreSql {
    /// Addressed by `settings`; nothing is done yet.
    pub fn new(settings: ServerSettings) -> Self {
        let repository = pgbackrest::Repository::of(&settings);
        Self { connection: Connection::new(settings), repository }
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

    fn reading(&self, part: PartKind, server_version: &str) -> Result<PartReader, EngineError> {
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
                Ok(PartReader { tool: Some(tool), witness: Box::new(ArchiveWitness::new()) })
            }
            PartKind::Globals => Ok(PartReader { tool: None, witness: Box::new(globals::witness()) }),
            PartKind::Files => Ok(PartReader { tool: None, witness: Box::new(TarWitness::any()) }),
            PartKind::FileManifest => {
                let witness = ManifestWitness::new(SeenManifest::default());
                Ok(PartReader { tool: None, witness: Box::new(witness) })
            }
            PartKind::Settings => Ok(PartReader { tool: None, witness: physical::configuration_witness() }),
            PartKind::Contents | PartKind::Log => Err(EngineError::not_written(part, "PostgreSQL")),
        }
    }

    async fn drill(&self, _runner: &dyn Runner, request: &DrillRequest<'_>) -> Result<Drill, EngineError> {
        match request.data {
            Some(data) => drill_files::drill(&self.connection.settings, request, data),
            None => drill::drill(&self.connection.settings, request),
        }
    }

    async fn recover(
        &self,
        runner: &dyn Runner,
        request: &RecoveryRequest<'_>,
    ) -> Result<Recovery, EngineError> {
        if request.links.first().is_some_and(|newest| DelegatedFacts::are(&newest.facts)) {
            return pgbackrest::recover(runner, &self.connection.settings, request).await;
        }
        let files = |link: &RecoveryLink| link.parts.iter().any(|part| part.kind == PartKind::Files);
        if request.links.iter().any(files) {
            return physical::recover(request);
        }
        Err(EngineError::not_files(self.kind(), request.folder))
    }

    fn delegate_repository(&self) -> Option<&dyn DelegateRepository> {
        self.repository.as_ref().map(|repository| repository as &dyn DelegateRepository)
    }
}
