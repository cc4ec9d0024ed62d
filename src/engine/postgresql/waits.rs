//! For which locks a dump waits, and for whom.

use super::facts::PostgreSqlServer;
use super::psql::{Patience, Question};
use crate::engine::EngineError;
use crate::process::Runner;
use serde::Deserialize;

/// One session in the way of a dump. What the role may not know of it is absent.
#[derive(Debug, Deserialize)]
struct Holder {
    relation: Option<String>,
    pid: i64,
    user: Option<String>,
    application: Option<String>,
    state: Option<String>,
    since: Option<String>,
}

const SQL: &str =
    "SELECT coalesce(json_agg(DISTINCT jsonb_build_object('relation', l.relation::regclass, 'pid', b.pid,
    'user', h.usename, 'application', nullif(h.application_name, ''), 'state', h.state,
    'since', to_char(h.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))), '[]')
  FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) b (pid)
    LEFT JOIN pg_locks l ON l.pid = w.pid AND NOT l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    LEFT JOIN pg_stat_activity h ON h.pid = b.pid
  WHERE w.application_name = 'jagad' AND w.usename = session_user AND w.datname = current_database()
    AND w.pid <> pg_backend_pid();";

impl PostgreSqlServer {
    pub(super) async fn ask_waits(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Vec<String>, EngineError> {
        let doing = "ask what the dump waits for";
        let holders: Vec<Holder> =
            self.ask(runner, Question { doing, database, sql: SQL, patience: Patience::Small }).await?;
        Ok(holders.iter().map(Holder::line).collect())
    }
}

impl Holder {
    fn line(&self) -> String {
        let lock = match &self.relation {
            Some(relation) => format!("a lock on `{relation}`"),
            None => "a lock".to_owned(),
        };
        if self.pid == 0 {
            return format!("{lock}, which a prepared transaction holds");
        }
        let mut line = format!("{lock}, which process {} holds or waits for", self.pid);
        for (what, value) in
            [("user", &self.user), ("application", &self.application), ("state", &self.state)]
        {
            if let Some(value) = value {
                line.push_str(&format!(", {what} `{value}`"));
            }
        }
        if let Some(since) = &self.since {
            line.push_str(&format!(", in a transaction since {since} UTC"));
        }
        line
    }
}
