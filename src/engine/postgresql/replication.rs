//! How a standby follows its primary.

use super::facts::PostgreSqlServer;
use super::psql::{Patience, Question};
use crate::engine::{EngineError, LinkState, Replication};
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
    timeline: u32,
}

#[derive(Debug, Deserialize)]
struct Timeline {
    timeline: u32,
}

/// The age of the last commit grows while a primary is idle, so it counts only while something waits to be replayed.
/// What was received is asked for first: what is replayed in between is no lag.
///
/// The timeline is that of what is received, for those who may see it, and else that of the last restart point, which follows
/// a failover after some minutes.
const STANDBY: &str = "SELECT json_build_object('replica', pg_is_in_recovery(),
  'receiver', EXISTS (SELECT FROM pg_stat_wal_receiver), 'status', (SELECT status FROM pg_stat_wal_receiver),
  'paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
  'lag', CASE WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
    ELSE greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())) END,
  'timeline', coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT timeline_id FROM pg_control_checkpoint())));";

/// The timeline that is written now: the first eight digits of the file's name. A standby may not ask for that name.
const TIMELINE: &str = "SELECT json_build_object('timeline', CASE WHEN pg_is_in_recovery()
  THEN (SELECT timeline_id FROM pg_control_checkpoint())
  ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END);";

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
        Ok(Some(Replication { origin: self.on_timeline(standby.timeline), link, lag }))
    }

    /// A copy that was promoted keeps the system identifier and writes a timeline of its own: who follows it has other data.
    pub(super) async fn ask_identity(&self, runner: &dyn Runner) -> Result<Option<String>, EngineError> {
        let database = &self.connection.settings.maintenance_database;
        let doing = "ask for its timeline";
        let question = Question { doing, database, sql: TIMELINE, patience: Patience::Small };
        let Timeline { timeline } = self.ask(runner, question).await?;
        Ok(self.on_timeline(timeline))
    }

    fn on_timeline(&self, timeline: u32) -> Option<String> {
        Some(format!("system {} on timeline {timeline}", self.facts.identity.as_ref()?))
    }
}

impl Standby {
    /// What a receiver does is told only to `pg_read_all_stats`; that there is one, to everybody.
    fn link(&self) -> LinkState {
        if !self.receiver {
            return LinkState::Down("no WAL receiver runs: it is not connected to its primary".to_owned());
        }
        if let Some(status) = self.status.as_ref().filter(|status| *status != "streaming") {
            return LinkState::Down(format!("its WAL receiver is {status}, not streaming"));
        }
        // What it has not replayed yet may be a long way back, and it does not know how old that is.
        if self.paused && self.lag != Some(0.0) {
            return LinkState::Down("its replay is paused".to_owned());
        }
        LinkState::Up
    }
}
