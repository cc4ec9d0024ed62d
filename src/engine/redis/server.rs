//! A Redis or Valkey server that was asked: what of it is where.

use super::facts::RedisServer;
use crate::engine::{
    DumpPart, EngineError, Finding, LoadPlan, Logical, OpenArchive, Replication, RestoreTarget, Scope,
    Server, ServerFacts,
};
use crate::model::Contents;
use crate::process::Runner;
use async_trait::async_trait;

#[async_trait]
impl Server for RedisServer {
    fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    async fn replication(&self, _runner: &dyn Runner) -> Result<Option<Replication>, EngineError> {
        self.ask_replication().await
    }

    fn logical(&self) -> &dyn Logical {
        self
    }
}

#[async_trait]
impl Logical for RedisServer {
    fn dump(&self, scope: &Scope) -> Result<Vec<DumpPart>, EngineError> {
        self.plan_dump(scope)
    }

    async fn check_dump(&self, _runner: &dyn Runner, _scope: &Scope) -> Result<Vec<Finding>, EngineError> {
        self.findings().await
    }

    async fn rehearse_dump(&self, _runner: &dyn Runner, _scope: &Scope) -> Result<Vec<Finding>, EngineError> {
        self.rehearsals().await
    }

    async fn load(
        &self,
        _runner: &dyn Runner,
        target: &RestoreTarget,
        archive: &dyn OpenArchive,
    ) -> Result<LoadPlan, EngineError> {
        self.plan_load(target, archive).await
    }

    async fn count(&self, _runner: &dyn Runner, database: &str) -> Result<Contents, EngineError> {
        self.count_keys(database).await
    }
}
