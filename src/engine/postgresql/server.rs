//! A PostgreSQL server that was asked: what of it is where.

use super::facts::PostgreSqlServer;
use crate::engine::{
    Delegate, DumpPart, EngineError, Finding, LoadPlan, Logical, OpenArchive, Physical, ReplicaMatch,
    Replication, RestoreTarget, Scope, Server, ServerFacts, Unfit,
};
use crate::model::Contents;
use crate::process::Runner;
use async_trait::async_trait;
use std::collections::BTreeSet;

#[async_trait]
impl Server for PostgreSqlServer {
    fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    async fn replication(&self, runner: &dyn Runner) -> Result<Option<Replication>, EngineError> {
        self.ask_replication(runner).await
    }

    async fn match_replica(
        &self,
        runner: &dyn Runner,
        replica: &dyn Server,
    ) -> Result<ReplicaMatch, EngineError> {
        let said = replica.replication(runner).await?;
        let origin = said.as_ref().and_then(|said| said.origin.as_deref());
        Ok(ReplicaMatch::of(origin, self.ask_identity(runner).await?.as_deref()))
    }

    fn logical(&self) -> &dyn Logical {
        self
    }

    fn physical(&self) -> Option<&dyn Physical> {
        Some(self)
    }

    fn delegate(&self) -> Option<&dyn Delegate> {
        self.connection.settings.pgbackrest.is_some().then_some(self as &dyn Delegate)
    }
}

#[async_trait]
impl Logical for PostgreSqlServer {
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
