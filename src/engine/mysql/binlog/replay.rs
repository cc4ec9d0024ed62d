//! Ranges of the log on their way back into a server: read once to be judged, and once to be run.

use super::facts::PartFacts;
use super::run::LogRun;
use super::scope::{Chosen, LogScope, Place, file_number};
use super::walk::Walker;
use super::witness::{LogWitness, Range, SharedWalk};
use super::xa::Groups;
use crate::engine::mysql::client::Question;
use crate::engine::mysql::facts::MySqlServer;
use crate::engine::mysql::grants::Grants;
use crate::engine::mysql::quote::pattern;
use crate::engine::{Consumer, EngineError, Finding, Push, Replay, ReplayRequest, StreamError};
use crate::model::{ByteReader, EngineKind, Witness, help};
use crate::process::Runner;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Mutex as AsyncMutex;

const REPLAY: &str = "replay the binary log";

/// Rights that let a session apply rows of the log: any of them does.
const MYSQL_RIGHTS: [&str; 3] = ["REPLICATION_APPLIER", "BINLOG_ADMIN", "SUPER"];
const MARIADB_RIGHTS: [&str; 2] = ["BINLOG REPLAY", "SUPER"];

const ROW_RIGHTS: [&str; 2] = ["UPDATE", "DELETE"];

/// Ranges of the log, for one server.
pub(super) struct LogReplay {
    ranges: Vec<Range>,
    first: SharedWalk,
    scope: LogScope,
    rights: Vec<Finding>,
    grants: Grants,
    grantee: String,
    mysql: bool,
    /// The longest statement that the server takes.
    packet: Option<u64>,
    run: Arc<AsyncMutex<LogRun>>,
}

impl LogReplay {
    pub(super) async fn new(
        server: &MySqlServer,
        runner: &dyn Runner,
        request: ReplayRequest,
    ) -> Result<Self, EngineError> {
        let strange =
            || EngineError::Archive { problem: "a part of the log does not say where it belongs".to_owned() };
        let mut ranges = Vec::new();
        for properties in request.parts {
            let PartFacts { file, from } = serde_json::from_value(properties).map_err(|_| strange())?;
            ranges.push(Range { number: file_number(&file).ok_or_else(strange)?, file, from });
        }
        let mut databases = BTreeMap::new();
        for database in &request.databases {
            let name = &database.dumped.database;
            let begins = database.dumped.position.as_ref().and_then(Place::of).ok_or_else(|| {
                EngineError::Archive {
                    problem: format!("the dump of `{name}` does not say where it is in the binary log"),
                }
            })?;
            databases.insert(name.clone(), Chosen { begins, name: database.target.clone() });
        }
        let scope = LogScope::new(databases, server.same_in_any_case());
        let first = Arc::new(Mutex::new(Walker::new(scope.clone(), Groups::default())));
        let rights = server.replay_findings(runner).await?;
        let run = LogRun::new(server, request.definers, request.lifetime);
        let (grants, grantee) = (server.grants.clone(), server.grantee(runner).await?);
        let mysql = server.flavor().kind == EngineKind::MySql;
        let packet = server.variables.get("max_allowed_packet").and_then(|value| value.parse().ok());
        Ok(Self {
            ranges,
            first,
            scope,
            rights,
            grants,
            grantee,
            mysql,
            packet,
            run: Arc::new(AsyncMutex::new(run)),
        })
    }
}

impl LogReplay {
    /// Rows of `bytes` go in as one statement, which is longer by a third.
    fn too_long(&self, bytes: u64) -> Option<Finding> {
        let length = bytes / 3 * 4 + 4096;
        self.packet.filter(|packet| length > *packet).map(|packet| {
            let problem =
                format!("rows in it take a statement of {length} bytes, and max_allowed_packet is {packet}");
            let wanted = length.next_multiple_of(1 << 20).min(1 << 30);
            Finding::error(REPLAY, problem, format!("SET GLOBAL max_allowed_packet = {wanted};"))
        })
    }
}

impl MySqlServer {
    /// That this user may apply rows of the log.
    async fn replay_findings(&self, runner: &dyn Runner) -> Result<Vec<Finding>, EngineError> {
        let mysql = self.flavor().kind == EngineKind::MySql;
        let rights: &[&str] = if mysql { &MYSQL_RIGHTS } else { &MARIADB_RIGHTS };
        let mut missing = Vec::new();
        if !rights.iter().any(|right| self.grants.everywhere(right)) {
            missing.push(rights[0]);
        }
        let session = self.flavor().session_rights;
        if !session.is_empty() && !session.iter().any(|right| self.grants.everywhere(right)) {
            missing.push(session[0]);
        }
        let mut findings: Vec<Finding> = self.triggers_finding(runner).await?.into_iter().collect();
        if missing.is_empty() {
            return Ok(findings);
        }
        let grantee = self.grantee(runner).await?;
        findings.push(Finding::error(
            REPLAY,
            format!("the user does not have {}", missing.join(", ")),
            format!("GRANT {} ON *.* TO {grantee};", missing.join(", ")),
        ));
        Ok(findings)
    }

    /// What a trigger did is in the log as rows: it must not do it again.
    async fn triggers_finding(&self, runner: &dyn Runner) -> Result<Option<Finding>, EngineError> {
        let sql = "SHOW GLOBAL VARIABLES LIKE 'slave_run_triggers_for_rbr';";
        let rows =
            self.ask(runner, &Question::short("ask whether rows of the log run triggers", sql)).await?;
        let value = rows.into_iter().next().and_then(|row| row.into_iter().nth(1));
        let runs = value.is_some_and(|value| !value.eq_ignore_ascii_case("no"));
        Ok(runs.then(|| {
            Finding::error(
                REPLAY,
                "slave_run_triggers_for_rbr is on: triggers would do again what is in the log",
                "SET GLOBAL slave_run_triggers_for_rbr = NO;",
            )
        }))
    }
}

impl Replay for LogReplay {
    fn reader(&self, part: usize) -> Box<dyn Witness> {
        Box::new(LogWitness::of(self.ranges[part].clone(), Arc::clone(&self.first)))
    }

    fn findings(&self) -> Vec<Finding> {
        let walk = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        // MariaDB asks for no right on tables where rows of its log are applied.
        let asked = |right: &str| self.mysql || !ROW_RIGHTS.contains(&right);
        let missing = walk
            .rights
            .iter()
            .filter(|(database, right)| asked(right) && !self.grants.in_database(right, database));
        let missing = missing.map(|(database, right)| {
            let problem = format!("statements in it take {right} on `{database}`");
            Finding::error(
                REPLAY,
                problem,
                format!("GRANT {right} ON {}.* TO {};", pattern(database), self.grantee),
            )
        });
        let long = self.too_long(walk.longest);
        self.rights.iter().cloned().chain(missing).chain(long).collect()
    }

    fn obstacle(&self) -> Option<EngineError> {
        let walk = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        walk.hindrance.as_ref().map(|problem| EngineError::Refused {
            problem: format!("the binary log cannot be replayed: {problem}"),
            help: help!(
                "Restore the full that the backup builds on, or choose all databases that are named."
            ),
        })
    }

    fn feed(&self, part: usize) -> Consumer {
        let step = ReplayedPart {
            range: self.ranges[part].clone(),
            first: (part == 0).then(|| (Arc::clone(&self.first), self.scope.clone())),
            last: part + 1 == self.ranges.len(),
            run: Arc::clone(&self.run),
        };
        Consumer::Native(Arc::new(step))
    }
}

/// One part of the log that is run.
struct ReplayedPart {
    range: Range,
    /// What the first walk has found, for the one that runs.
    first: Option<(SharedWalk, LogScope)>,
    last: bool,
    run: Arc<AsyncMutex<LogRun>>,
}

#[async_trait]
impl Push for ReplayedPart {
    fn describe(&self) -> Vec<String> {
        vec!["BINLOG".to_owned(), self.range.file.clone(), format!("{}-", self.range.from)]
    }

    async fn take(&self, body: ByteReader<'_>) -> Result<Vec<String>, StreamError> {
        let mut run = self.run.lock().await;
        if let Some((walk, scope)) = &self.first {
            let groups = walk.lock().unwrap_or_else(PoisonError::into_inner).groups.known();
            run.begin(Walker::new(scope.clone(), groups)).await?;
        }
        run.part(&self.range, body).await?;
        if self.last {
            run.end()?;
        }
        Ok(Vec::new())
    }
}
