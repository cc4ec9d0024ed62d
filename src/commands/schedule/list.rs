//! `jagad schedule list`: the next runs.

use super::duty::{self, Duty, Idle, Look};
use crate::commands::{App, Failure};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::{BackupKind, DatabaseName, PolicyName, Timestamp};
use serde::Serialize;

/// Which runs to show.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// Of these entries; empty means all.
    pub databases: Vec<DatabaseName>,
    /// Only of those attached to this policy.
    pub policy: Option<PolicyName>,
    /// Number of runs of each kind.
    pub count: usize,
}

/// The next runs of every attached entry.
#[derive(Debug, Serialize)]
pub struct Planned {
    /// The soonest first.
    pub runs: Vec<PlannedRun>,
    /// Entries for which nothing will run, and why.
    pub idle: Vec<IdleEntry>,
}

/// One run.
#[derive(Debug, Serialize)]
pub struct PlannedRun {
    /// When, in UTC.
    pub at: Timestamp,
    /// When, in the schedule's time zone.
    pub local: String,
    /// The entry.
    pub database: DatabaseName,
    /// Its policy.
    pub policy: PolicyName,
    /// Full or incremental.
    pub kind: BackupKind,
    /// Whether it is due and has not run yet.
    pub due: bool,
}

/// An entry for which nothing will run.
#[derive(Debug, Serialize)]
pub struct IdleEntry {
    /// The entry.
    pub database: DatabaseName,
    /// Why.
    pub reason: String,
}

/// Works out the next runs; runs nothing.
pub async fn list(app: &App, request: &ListRequest) -> Result<Planned, Failure> {
    let mut planned = Planned { runs: Vec::new(), idle: Vec::new() };
    for (entry, look) in super::survey(app, &request.databases, request.policy.as_ref()).await? {
        let idle = |reason: String| IdleEntry { database: entry.name.clone(), reason };
        match look {
            Look::Unattached => match &entry.policy {
                Some(policy) => planned.idle.push(idle(format!(
                    "it names the policy `{policy}` and is not attached: run `jagad policy apply`"
                ))),
                None => planned.idle.push(idle("it is under no policy".to_owned())),
            },
            Look::Unknown(failure) => planned.idle.push(idle(failure.message())),
            Look::Attached(database) => match (database.protection.policy(app), &database.duty) {
                (Some(policy), Duty::Now(..) | Duty::Later(_)) => {
                    planned.runs.extend(runs(
                        app,
                        request.count,
                        &database.protection.entry,
                        policy,
                        &database.duty,
                    ));
                }
                (_, Duty::Idle(reason)) => planned.idle.push(idle(reason.to_string())),
                (None, _) => {
                    let policy = database.protection.attachment.policy.clone();
                    planned.idle.push(idle(Idle::NoPolicy(policy).to_string()));
                }
            },
        }
    }
    planned.runs.sort_by(|one, other| (one.at, &one.database).cmp(&(other.at, &other.database)));
    Ok(planned)
}

fn runs(
    app: &App,
    count: usize,
    entry: &DatabaseEntry,
    policy: &PolicyEntry,
    duty: &Duty,
) -> Vec<PlannedRun> {
    let mut runs = Vec::new();
    for (kind, cadence) in duty::planned(entry, policy) {
        let run = |at: Timestamp, due: bool| PlannedRun {
            at,
            local: cadence.local(at),
            database: entry.name.clone(),
            policy: policy.name.clone(),
            kind,
            due,
        };
        if let Duty::Now(due, planned) = duty
            && *due == kind
        {
            runs.push(run(*planned, true));
        }
        let next = std::iter::successors(cadence.next(app.clock.now()), |time| cadence.next(*time));
        runs.extend(next.take(count).map(|at| run(at, false)));
    }
    runs
}
