//! A MySQL or MariaDB server that was asked: what of it is where.

use super::facts::MySqlServer;
use crate::engine::{
    DumpPart, EngineError, Finding, LoadPlan, LogSource, Logical, OpenArchive, Physical, ReplicaMatch,
    Replication, RestoreTarget, Scope, Server, ServerFacts,
};
use crate::model::Contents;
use crate::process::Runner;
use async_trait::async_trait;

#[async_trait]
impl Server for MySqlServer {
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
        self.compare_origin(runner, replica).await
    }

    fn logical(&self) -> &dyn Logical {
        self
    }

    fn physical(&self) -> Option<&dyn Physical> {
        self.copy_tool().map(|_| self as &dyn Physical)
    }

    fn log(&self) -> Option<&dyn LogSource> {
        Some(self)
    }
}

#[async_trait]
impl Logical for MySqlServer {
    fn dump(&self, scope: &Scope) -> Result<Vec<DumpPart>, EngineError> {
        self.plan_dump(scope)
    }

    async fn vanished(&self, runner: &dyn Runner, database: &str) -> Result<Option<String>, EngineError> {
        self.ask_vanished(runner, database).await
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
        self.count_rows(runner, database).await
    }

    fn judge_dump(&self, database: &str, contents: &Contents) -> Vec<Finding> {
        self.long_statement(database, &contents.needs).into_iter().collect()
    }

    fn folds_names(&self) -> bool {
        self.same_in_any_case()
    }

    async fn check_restored(&self, runner: &dyn Runner, database: &str) -> Result<Vec<Finding>, EngineError> {
        self.missing_definers(runner, database).await
    }
}
