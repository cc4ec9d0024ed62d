//! Which of an entry's servers a backup is taken from: the first replica that fits, else the primary.

use crate::catalog::SourceRecord;
use crate::commands::{App, Class, Failure, RunLog};
use crate::config::{DatabaseEntry, ReplicaEntry};
use crate::engine::{self, Engine, EngineError, Lag, LinkState, ReplicaMatch, Server, ServerSettings};
use crate::model::{Period, ServerRole, SourceChoice};
use serde::Serialize;
use std::time::Duration;

/// A replica may be behind for a moment, and its position is not read atomically: one that does not fit for such a
/// reason is checked this many times.
const CHECKS: usize = 3;
const BETWEEN_CHECKS: Duration = Duration::from_millis(300);
/// A primary that does not answer within this time is left out, and its replicas are checked without it: they notice
/// after a minute that it is gone, and send nothing from then on.
const PRIMARY_TIMEOUT: Duration = Duration::from_secs(15);

/// A server that answered.
pub(in crate::commands) struct ReachableServer {
    pub(in crate::commands) engine: Box<dyn Engine>,
    pub(in crate::commands) server: Box<dyn Server>,
}

/// The server that a backup is taken from, and why this one.
pub(in crate::commands) struct Source {
    pub(in crate::commands) reached: ReachableServer,
    pub(in crate::commands) record: SourceRecord,
    /// Whether the primary may be taken in its place.
    pub(super) replaceable: bool,
}

/// The result of checking one replica.
pub(in crate::commands) struct CheckedReplica {
    pub(in crate::commands) address: String,
    /// The server and why it fits, or why it does not.
    pub(in crate::commands) verdict: Result<(ReachableServer, String), Failure>,
}

/// One replica, for people and as JSON.
#[derive(Debug, Clone, Serialize)]
pub struct ReplicaReport {
    /// Where it is.
    pub address: String,
    /// Whether a backup would be taken from it.
    pub used: bool,
    /// Whether it could be.
    pub fits: bool,
    /// Why, or why not.
    pub reason: String,
}

/// How many replicas are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum ReplicaSearch {
    /// None after the first that fits.
    FirstFit,
    /// All.
    All,
}

/// The results of checking an entry's servers.
pub(in crate::commands) struct SourceSurvey {
    primary: Result<ReachableServer, Failure>,
    pub(in crate::commands) replicas: Vec<CheckedReplica>,
    choice: SourceChoice,
}

/// The source of a backup of `entry`, logged if there was a choice.
pub(in crate::commands) async fn choose(
    app: &App,
    entry: &DatabaseEntry,
    choice: Option<SourceChoice>,
    log: &RunLog,
) -> Result<Source, Failure> {
    let source = survey(app, entry, choice, ReplicaSearch::FirstFit).await?.decide()?;
    let SourceRecord { role, address, reason } = &source.record;
    if !entry.replicas.is_empty() {
        let line = format!("SOURCE: {role} {address} ({reason})");
        // Declared replicas are meant to be used.
        if *role == ServerRole::Primary && source.replaceable { log.warn(line) } else { log.say(line) }
    }
    Ok(source)
}

/// Checks the entry's own server and its replicas.
pub(in crate::commands) async fn survey(
    app: &App,
    entry: &DatabaseEntry,
    choice: Option<SourceChoice>,
    extent: ReplicaSearch,
) -> Result<SourceSurvey, Failure> {
    let choice = choice.unwrap_or(entry.source);
    if choice == SourceChoice::Replica && entry.replicas.is_empty() {
        let message = format!("`{}` has no replica to take a backup from", entry.name);
        let help = "Add a [[databases.NAME.replicas]] table, or leave out --source.";
        return Err(Failure::new(Class::Usage, message).help(help));
    }
    if choice == SourceChoice::Primary || entry.replicas.is_empty() {
        return Ok(SourceSurvey { primary: primary(app, entry).await, replicas: Vec::new(), choice });
    }
    let first = tokio::time::timeout(PRIMARY_TIMEOUT, primary(app, entry)).await;
    let late = first.is_err();
    let mut survey =
        SourceSurvey { primary: first.unwrap_or_else(|_| Err(no_answer())), replicas: Vec::new(), choice };
    for (at, replica) in entry.replicas.iter().enumerate() {
        app.cancel.check()?;
        let primary = survey.primary.as_ref().ok();
        let looked = look(app, entry, at, replica, primary).await;
        let fits = looked.verdict.is_ok();
        survey.replicas.push(looked);
        if fits && extent == ReplicaSearch::FirstFit {
            break;
        }
    }
    // The primary may only be slow, and it is the only server left.
    if late && choice == SourceChoice::Auto && survey.replicas.iter().all(|looked| looked.verdict.is_err()) {
        survey.primary = primary(app, entry).await;
    }
    Ok(survey)
}

/// The entry's own server.
async fn primary(app: &App, entry: &DatabaseEntry) -> Result<ReachableServer, Failure> {
    reach(app, app.inventory.engine_settings(entry).await?).await.1
}

fn no_answer() -> Failure {
    Failure::new(Class::Operation, format!("it did not answer within {}", Period(PRIMARY_TIMEOUT)))
}

async fn reach(app: &App, settings: ServerSettings) -> (String, Result<ReachableServer, Failure>) {
    let engine = engine::open(settings);
    let address = engine.address();
    let reached = match engine.inspect(app.runner.as_ref()).await {
        Ok(server) => Ok(ReachableServer { engine, server }),
        Err(error) => Err(error.into()),
    };
    (address, reached)
}

async fn look(
    app: &App,
    entry: &DatabaseEntry,
    at: usize,
    replica: &ReplicaEntry,
    primary: Option<&ReachableServer>,
) -> CheckedReplica {
    let settings = match app.inventory.replica_settings(entry, replica).await {
        Ok(settings) => settings,
        Err(error) => {
            return CheckedReplica { address: format!("number {}", at + 1), verdict: Err(error.into()) };
        }
    };
    let (address, reached) = reach(app, settings).await;
    let verdict = match reached {
        Ok(reached) => match judge(app, &reached, replica.max_lag, primary).await {
            Ok(reason) => Ok((reached, reason)),
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    CheckedReplica { address, verdict }
}

/// Why a replica does not fit.
enum Unfit {
    /// It may fit a moment later.
    Temporary(String),
    /// It will not fit.
    Permanent(String),
    /// It could not be checked.
    Failed(EngineError),
}

impl From<EngineError> for Unfit {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

/// Why the replica fits.
async fn judge(
    app: &App,
    reached: &ReachableServer,
    max_lag: Duration,
    primary: Option<&ReachableServer>,
) -> Result<String, Failure> {
    let mut checks = 1;
    loop {
        match judge_once(app, reached, max_lag, primary).await {
            Ok(reason) => return Ok(reason),
            Err(Unfit::Temporary(_)) if checks < CHECKS => {
                checks += 1;
                tokio::time::sleep(BETWEEN_CHECKS).await;
            }
            Err(Unfit::Temporary(why) | Unfit::Permanent(why)) => {
                return Err(Failure::new(Class::Refused, why));
            }
            Err(Unfit::Failed(error)) => return Err(error.into()),
        }
    }
}

async fn judge_once(
    app: &App,
    reached: &ReachableServer,
    max_lag: Duration,
    primary: Option<&ReachableServer>,
) -> Result<String, Unfit> {
    let runner = app.runner.as_ref();
    let Some(replication) = reached.server.replication(runner).await? else {
        return Err(Unfit::Permanent("it is not a replica: it has no primary".to_owned()));
    };
    if let LinkState::Down(why) = replication.link {
        return Err(Unfit::Permanent(why));
    }
    let Some(lag) = replication.lag else {
        return Err(Unfit::Temporary("how far it is behind is not known".to_owned()));
    };
    if lag > max_lag {
        return Err(Unfit::Temporary(format!(
            "it is {} behind, and `max_lag` is {}",
            Lag(lag),
            Period(max_lag)
        )));
    }
    let Some(primary) = primary else {
        let lag = Lag(lag);
        return Ok(format!(
            "lag {lag}; the primary does not answer, so the replica was not compared with it"
        ));
    };
    match primary.server.match_replica(runner, reached.server.as_ref()).await? {
        ReplicaMatch::Same => Ok(format!("lag {}", Lag(lag))),
        ReplicaMatch::Other(why) => Err(Unfit::Temporary(format!("it is of another system: {why}"))),
        ReplicaMatch::Unknown(why) => {
            Err(Unfit::Permanent(format!("whether it is of the same system is not known: {why}")))
        }
    }
}

impl SourceSurvey {
    /// The source, or why there is none.
    pub(in crate::commands) fn decide(self) -> Result<Source, Failure> {
        let Self { primary, replicas, choice } = self;
        let mut passed: Vec<(String, Failure)> = Vec::new();
        for looked in replicas {
            match looked.verdict {
                Ok((reached, mut reason)) => {
                    if !passed.is_empty() {
                        reason = format!("{reason}; passed over {}", reasons(&passed));
                    }
                    let record = SourceRecord { role: ServerRole::Replica, address: looked.address, reason };
                    return Ok(Source { reached, record, replaceable: choice == SourceChoice::Auto });
                }
                Err(failure) => passed.push((looked.address, failure)),
            }
        }
        if choice == SourceChoice::Replica {
            return Err(none_fits(passed));
        }
        let reached = match primary {
            Ok(reached) => reached,
            Err(failure) if passed.is_empty() => return Err(failure),
            Err(failure) => {
                return Err(failure.doing(format!("no replica fits ({}), and the primary", reasons(&passed))));
            }
        };
        let reason = match (choice, passed.is_empty()) {
            (SourceChoice::Primary, _) => "the primary was asked for".to_owned(),
            (_, true) => "the only server of this entry".to_owned(),
            (_, false) => format!("no replica fits: {}", reasons(&passed)),
        };
        Ok(Source::primary(reached, reason, !passed.is_empty()))
    }

    /// Every replica that was checked.
    pub(in crate::commands) fn reports(&self) -> Vec<ReplicaReport> {
        let first = self.replicas.iter().position(|looked| looked.verdict.is_ok());
        let report = |(at, looked): (usize, &CheckedReplica)| ReplicaReport {
            address: looked.address.clone(),
            used: first == Some(at),
            fits: looked.verdict.is_ok(),
            reason: match &looked.verdict {
                Ok((_, reason)) => reason.clone(),
                Err(failure) => failure.message(),
            },
        };
        self.replicas.iter().enumerate().map(report).collect()
    }
}

impl Source {
    fn primary(reached: ReachableServer, reason: String, replaceable: bool) -> Self {
        // An entry whose own server is a standby is backed up from it as from any other.
        let role = reached.server.facts().role;
        let record = SourceRecord { role, address: reached.engine.address(), reason };
        Self { reached, record, replaceable }
    }
}

/// The entry's own server, because `reason`.
pub(super) async fn own_server(app: &App, entry: &DatabaseEntry, reason: String) -> Result<Source, Failure> {
    let settings = app.inventory.engine_settings(entry).await?;
    Ok(Source::primary(reach(app, settings).await.1?, reason, false))
}

fn reasons(passed: &[(String, Failure)]) -> String {
    let each = passed.iter().map(|(address, failure)| format!("{address}: {}", failure.message()));
    each.collect::<Vec<_>>().join("; ")
}

fn none_fits(passed: Vec<(String, Failure)>) -> Failure {
    let missing = passed.iter().any(|(_, failure)| failure.class == Class::Prerequisite);
    let class = if missing { Class::Prerequisite } else { Class::Refused };
    let failure = Failure::new(class, format!("no replica fits: {}", reasons(&passed)));
    let mut help: Vec<String> =
        passed.into_iter().filter_map(|(_, failure)| Some(failure.help?.to_string())).collect();
    help.push("Or let the primary stand in for them: --source auto.".to_owned());
    help.dedup();
    failure.help(help.join("\n"))
}
