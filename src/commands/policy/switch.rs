//! `jagad policy pause` and `resume`.

use crate::catalog::{Operation, Pause, PauseCause};
use crate::commands::lease_guard::{LeaseRequest, acquire_lease, release};
use crate::commands::protection::{Protection, Repositories};
use crate::commands::{App, Class, Failure};
use crate::config::DatabaseEntry;
use crate::model::kind::word_enum;
use crate::model::{DatabaseName, PolicyName, Timestamp};
use serde::Serialize;
use std::time::Duration;

/// What to pause or resume.
#[derive(Debug, Clone)]
pub struct SwitchRequest {
    /// These entries.
    pub databases: Vec<DatabaseName>,
    /// All databases attached to this policy.
    pub policy: Option<PolicyName>,
    /// Why, for `policy show`.
    pub reason: Option<String>,
    /// What resuming does about runs that were missed.
    pub missed: MissedRuns,
    /// How long to wait for each lease.
    pub wait: Duration,
}

/// What happens to a run that was planned while a database was paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissedRuns {
    /// It is skipped: the next run is the next planned one.
    Skip,
    /// The next tick makes up for it.
    MakeUp,
}

impl MissedRuns {
    /// Times planned until this one are skipped.
    fn until(self, now: Timestamp) -> Option<Timestamp> {
        (self == Self::Skip).then_some(now)
    }
}

/// What was paused or resumed.
#[derive(Debug, Serialize)]
pub struct SwitchReport {
    /// One per entry.
    pub databases: Vec<Turned>,
}

word_enum! {
    /// Whether backups of an entry are taken on schedule.
    SwitchStatus {
        /// They are.
        Active = "active",
        /// They are not, until somebody resumes it.
        Paused = "paused",
    }
}

/// One entry.
#[derive(Debug, Serialize)]
pub struct Turned {
    /// The entry.
    pub database: DatabaseName,
    /// Its new state.
    pub status: SwitchStatus,
    /// Consecutive failures that were reset.
    pub failures: u32,
}

/// Pauses databases until a user resumes them.
pub async fn pause(app: &App, request: &SwitchRequest) -> Result<SwitchReport, Failure> {
    turn(app, request, Direction::Pause).await
}

/// Resets their failures and schedules them again.
pub async fn resume(app: &App, request: &SwitchRequest) -> Result<SwitchReport, Failure> {
    turn(app, request, Direction::Resume).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Pause,
    Resume,
}

async fn turn(app: &App, request: &SwitchRequest, direction: Direction) -> Result<SwitchReport, Failure> {
    let log = app.log();
    let mut databases = Vec::new();
    for found in chosen(app, request).await? {
        let name = &found.entry.name;
        let lease = acquire_lease(
            app,
            &found.catalog,
            &found.entry,
            &LeaseRequest::new(Operation::Policy, request.wait, &log),
        )
        .await?;
        let written = async {
            let mut state = found.catalog.changeable_state(name).await?;
            let failures = state.failures;
            match direction {
                Direction::Pause => {
                    let reason = request.reason.clone().unwrap_or_else(|| "paused by hand".to_owned());
                    state.paused = Some(Pause { at: app.clock.now(), cause: PauseCause::Hand, reason });
                }
                Direction::Resume => state.resume(request.missed.until(app.clock.now())),
            }
            found.catalog.write_state(name, &state).await.map(|()| failures)
        }
        .await;
        release(lease, &log).await;
        let failures = written?;
        let status = if direction == Direction::Pause { SwitchStatus::Paused } else { SwitchStatus::Active };
        log.say(format!("POLICY: `{name}` is {status}"));
        databases.push(Turned { database: name.clone(), status, failures });
    }
    Ok(SwitchReport { databases })
}

/// The selected attached entries.
async fn chosen(app: &App, request: &SwitchRequest) -> Result<Vec<Protection>, Failure> {
    let entries: Vec<&DatabaseEntry> = match (&request.policy, request.databases.as_slice()) {
        (Some(policy), _) => {
            app.inventory.policy(policy)?;
            app.inventory.databases.values().collect()
        }
        (None, names) => names.iter().map(|name| app.database(name)).collect::<Result<_, _>>()?,
    };
    let repositories = Repositories::open(app, entries.iter().copied()).await;
    let mut chosen = Vec::new();
    for entry in entries {
        match (repositories.find(app, entry).await?, &request.policy) {
            (Some(found), Some(policy)) if found.attachment.policy == *policy => chosen.push(found),
            (_, Some(_)) => {}
            (Some(found), None) => chosen.push(found),
            (None, None) => {
                let problem = format!("`{}` is attached to no policy", entry.name);
                return Err(Failure::new(Class::NotFound, problem)
                    .help(format!("Attach it: jagad policy attach POLICY {}", entry.name)));
            }
        }
    }
    if chosen.is_empty() {
        return Err(Failure::new(Class::NotFound, "no database is attached to that policy"));
    }
    Ok(chosen)
}
