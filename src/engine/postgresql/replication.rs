//! How a standby follows its primary.

use super::facts::PostgreSqlServer;
use super::psql::{Patience, Question};
use crate::engine::{EngineError, Link, Replication};
use crate::process::Runner;
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Deserialize)]
struct Standby {
    replica: bool,
    /// Whether a receiver runs.
    receiver: bool,
    /// What it does, for those who may see that.
    status: Option<String>,
    /// Whether replay is paused.
    paused: bool,
    lag: Option<f64>,
}

/// The age of the last commit grows while a primary is idle, so it counts only while something waits to be replayed.
/// What was received is asked for first: what is replayed in between is no lag.
const STANDBY: &str = "SELECT json_build_object('replica', pg_is_in_recovery(),
  'receiver', EXISTS (SELECT FROM pg_stat_wal_receiver), 'status', (SELECT status FROM pg_stat_wal_receiver),
  'paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
  'lag', CASE WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
    ELSE greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())) END);";

impl PostgreSqlServer {
    pub(super) async fn ask_replication(
        &self,
        runner: &dyn Runner,
    ) -> Result<Option<Replication>, EngineError> {
        let database = &self.connection.settings.maintenance_database;
        let doing = "ask how it follows its primary";
        let question = Question { doing, database, sql: STANDBY, patience: Patience::Small };
        let standby: Standby = self.ask(runner, question).await?;
        if !standby.replica {
            return Ok(None);
        }
        let link = standby.link();
        let lag = standby.lag.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(Some(Replication { origin: self.facts.identity.clone(), link, lag }))
    }
}

impl Standby {
    /// What a receiver does is told only to `pg_read_all_stats`; that there is one, to everybody.
    fn link(&self) -> Link {
        if !self.receiver {
            return Link::Down("no WAL receiver runs: it is not connected to its primary".to_owned());
        }
        if let Some(status) = self.status.as_ref().filter(|status| *status != "streaming") {
            return Link::Down(format!("its WAL receiver is {status}, not streaming"));
        }
        // What it has not replayed yet may be a long way back, and it does not know how old that is.
        if self.paused && self.lag != Some(0.0) {
            return Link::Down("its replay is paused".to_owned());
        }
        Link::Up
    }
}
