//! An inspected server: what it said of itself, and what can be done with it.

use super::{Delegate, EngineError, LogSource, Logical, Physical, ReplicaMatch, Replication, ServerFacts};
use crate::process::Runner;
use async_trait::async_trait;

/// An inspected server: facts in hand, plans to give.
#[async_trait]
pub trait Server: Send + Sync {
    /// What it said of itself.
    fn facts(&self) -> &ServerFacts;

    /// How it follows its primary now; `None` for a server without a primary. Each call asks again.
    async fn replication(&self, runner: &dyn Runner) -> Result<Option<Replication>, EngineError>;

    /// Whether the data of `replica` comes from here.
    async fn match_replica(
        &self,
        runner: &dyn Runner,
        replica: &dyn Server,
    ) -> Result<ReplicaMatch, EngineError> {
        let said = replica.replication(runner).await?;
        let origin = said.as_ref().and_then(|said| said.origin.as_deref());
        Ok(ReplicaMatch::of(origin, self.facts().identity.as_deref()))
    }

    /// Its data as statements and rows, or as the keys that it holds: every server can give that, and take it back.
    fn logical(&self) -> &dyn Logical;

    /// Its files, where they can be copied while it runs.
    fn physical(&self) -> Option<&dyn Physical> {
        None
    }

    /// The tool that takes its backups and keeps them, where the entry names one.
    fn delegate(&self) -> Option<&dyn Delegate> {
        None
    }

    /// Its log of changes, where incrementals of dumps can be made of it.
    fn log(&self) -> Option<&dyn LogSource> {
        None
    }
}
