//! `jagad schedule run`: one tick. Works out what is due, does it, and ends.

use super::duty::{self, Duty, Idle, Look, Ward};
use super::overdue;
use crate::catalog::is_plausible;
use crate::catalog::lease::{Found, Operation};
use crate::commands::backup::{self, Choices, Ran, Trigger};
use crate::commands::hold::{Purpose, hold, release};
use crate::commands::unrecorded::{self, Unrecorded};
use crate::commands::{App, Class, Failure, Mode, RunLog, protection, prune, tell, verify};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupKind, BackupPurpose, DatabaseName, PolicyName, Timestamp};
use crate::notify::EventKind;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use std::time::Duration;

/// How often garbage is looked for where no success has already done it.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// What to look at.
#[derive(Debug, Clone)]
pub struct Request {
    /// These entries; empty means all.
    pub databases: Vec<DatabaseName>,
    /// Only those attached to this policy.
    pub policy: Option<PolicyName>,
    /// Whether what is not due yet runs too.
    pub when: When,
    /// Whether to do it or to show it.
    pub mode: Mode,
    /// How long a backup waits for a slot or for its database before it is left to the next tick.
    pub wait: Duration,
    /// Backups at once.
    pub jobs: usize,
    /// Longest life of one backup; `None` is unbounded.
    pub timeout: Option<Duration>,
}

/// Which runs a tick does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Those that are due.
    Due,
    /// A full of everything that is meant, due or not.
    Now,
}

/// What one tick did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it looked.
    pub at: Timestamp,
    /// Per entry that it is responsible for.
    pub databases: Vec<Outcome>,
    #[serde(skip)]
    verdict: Option<Class>,
}

/// What it did about one entry.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The entry.
    pub database: DatabaseName,
    /// The policy that it is attached to.
    pub policy: Option<PolicyName>,
    /// What was done.
    pub action: Action,
    /// Why, or what went wrong.
    pub reason: String,
    /// The backup that was taken.
    pub backup: Option<BackupId>,
    /// When something is due next.
    pub next: Option<Timestamp>,
    /// What went wrong.
    #[serde(skip)]
    pub failure: Option<Failure>,
}

/// What a tick did about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing is due.
    Waiting,
    /// A backup is due and would be taken (`--dry-run`).
    Due,
    /// A backup was taken.
    BackedUp,
    /// A backup is due, and is left to the next tick: a run is under way, or no slot is free.
    Postponed,
    /// Nothing is done while it is paused.
    Paused,
    /// Nothing is scheduled for it.
    Idle,
    /// It names a policy and is not attached to it, so nothing protects it.
    Unprotected,
    /// Its store does not answer, and nothing is due as far as this host remembers.
    Unknown,
    /// Something went wrong.
    Failed,
}

impl Report {
    /// What went wrong.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.databases.iter().filter_map(|outcome| outcome.failure.as_ref())
    }

    /// What the tick means: nothing, the one failure, "some failed", or that all that was meant is paused.
    pub fn verdict(&self) -> Option<Class> {
        self.verdict
    }
}

/// One tick. One database that fails does not stop the others.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let at = app.clock.now();
    let looks = super::survey(app, &request.databases, request.policy.as_ref()).await?;
    let mut databases: Vec<Outcome> = stream::iter(looks)
        .map(|(entry, look)| tick(app, request, (entry, look), at))
        .buffer_unordered(request.jobs.max(1))
        .filter_map(|outcome| async { outcome })
        .collect()
        .await;
    databases.sort_by(|one, other| one.database.cmp(&other.database));
    app.cancel.check()?;
    let verdict = verdict(&databases, request);
    Ok(Report { at, databases, verdict })
}

fn verdict(databases: &[Outcome], request: &Request) -> Option<Class> {
    let mut failures = databases.iter().filter_map(|outcome| outcome.failure.as_ref());
    if let Some(first) = failures.next() {
        let alone = databases.len() == 1 || matches!(first.class, Class::Interrupted(_));
        return Some(if alone { first.class } else { Class::Partial });
    }
    // A timer is not to fail every minute for what somebody has been told; who asks for one thing hears that it is paused.
    let asked = !request.databases.is_empty() || request.policy.is_some();
    let paused = databases.iter().all(|outcome| outcome.action == Action::Paused) && !databases.is_empty();
    (asked && paused).then_some(Class::Paused)
}

/// An entry's share of the tick; `None` for one that nobody wants protected.
async fn tick(
    app: &App,
    request: &Request,
    (entry, look): (&DatabaseEntry, Look),
    at: Timestamp,
) -> Option<Outcome> {
    let log = app.log();
    let blank = Outcome {
        database: entry.name.clone(),
        policy: entry.policy.clone(),
        action: Action::Waiting,
        reason: String::new(),
        backup: None,
        next: None,
        failure: None,
    };
    let ward = match look {
        Look::Unattached => {
            let policy = entry.policy.as_ref().filter(|_| entry.active)?;
            let reason =
                format!("it names the policy `{policy}` and is not attached: run `jagad policy apply`");
            log.warn(format!("`{}` is not protected: {reason}", entry.name));
            let failure = unprotected(app, request, (entry, at), &reason);
            if request.mode == Mode::Run {
                tell_failure(app, entry, failure.as_ref()).await;
            }
            return Some(Outcome { action: Action::Unprotected, reason, failure, ..blank });
        }
        Look::Unknown(failure) => {
            let outcome = unreachable(app, request, (entry, at), (blank, failure), &log);
            if request.mode == Mode::Run {
                tell_failure(app, entry, outcome.failure.as_ref()).await;
            }
            return Some(outcome);
        }
        Look::Attached(ward) => *ward,
    };
    let blank = Outcome { policy: Some(ward.protected.attachment.policy.clone()), ..blank };
    // An entry that names its store has chosen it.
    if let Some(other) = ward.protected.other_store(app).filter(|_| entry.store.is_none()) {
        let name = &entry.name;
        log.warn(format!(
            "`{name}` is attached in another store than its policy names now (`{other}`): to move it, detach and attach it"
        ));
    }
    if app.cancel.failure().is_some() {
        return Some(Outcome {
            action: Action::Postponed,
            reason: "the tick was stopped".to_owned(),
            ..blank
        });
    }
    if let Duty::Idle(idle @ Idle::NoPolicy(_)) = &ward.duty {
        let reason = idle.to_string();
        log.warn(format!("`{}` is not protected from here: {reason}", entry.name));
        let failure = unprotected(app, request, (entry, at), &reason);
        if request.mode == Mode::Run {
            tell_failure(app, entry, failure.as_ref()).await;
        }
        return Some(Outcome { action: Action::Unprotected, reason, failure, ..blank });
    }
    let outcome = act(app, request, (&ward, at), (blank, &log)).await;
    if request.mode == Mode::Run && outcome.action != Action::BackedUp {
        tidy(app, (&ward, at), &log).await;
    }
    Some(outcome)
}

fn failed(blank: Outcome, failure: Failure) -> Outcome {
    let failure = failure.doing(format!("protect `{}`", blank.database));
    Outcome { action: Action::Failed, reason: failure.message(), failure: Some(failure), ..blank }
}

/// Tells of a backup that was planned and could not even be tried, once for each plan.
async fn tell_failure(app: &App, entry: &DatabaseEntry, failure: Option<&Failure>) {
    let Some(failure) = failure else { return };
    let entry = protection::declared(app, entry);
    let count = u32::try_from(unrecorded::pending(app, &entry.name).len()).unwrap_or(u32::MAX);
    let event = tell::failed(app, EventKind::BackupFailed, &entry, failure).failures_in_a_row(count);
    tell::tell_of(app, &entry, &event).await;
}

/// Each time that was planned for an entry that nobody attached, or that is attached to a policy which is gone, is a failure:
/// the empty folder where a disk should be mounted looks just like it.
fn unprotected(
    app: &App,
    request: &Request,
    (entry, at): (&DatabaseEntry, Timestamp),
    reason: &str,
) -> Option<Failure> {
    let planned = duty::due_from_memory(app, entry, at)?;
    if request.mode == Mode::Run {
        unrecorded::remember(app, &entry.name, at);
    }
    let problem = format!("nothing was backed up that was planned for {} UTC: {reason}", planned.table());
    let failure = Failure::new(Class::Refused, problem).doing(format!("protect `{}`", entry.name));
    Some(failure.help("If it was attached before: is the store the right one, is its disk mounted?"))
}

/// The store cannot be asked. What was planned has failed, once for each plan; until then it is only said.
fn unreachable(
    app: &App,
    request: &Request,
    (entry, at): (&DatabaseEntry, Timestamp),
    (blank, failure): (Outcome, Failure),
    log: &RunLog,
) -> Outcome {
    let Some(planned) = duty::due_from_memory(app, entry, at) else {
        log.warn(format!("whether `{}` is due cannot be known: {}", entry.name, failure.message()));
        return Outcome { action: Action::Unknown, reason: failure.message(), ..blank };
    };
    let failure = failure.doing(format!("back up what was planned for {} UTC", planned.table()));
    if request.mode == Mode::Run {
        let run = Unrecorded::new(
            (BackupId::new(at, BackupKind::Full), BackupPurpose::Scheduled),
            (at, at),
            &failure,
        );
        unrecorded::keep(app, &entry.name, &run, log);
    }
    failed(blank, failure)
}

/// Does what is due.
async fn act(
    app: &App,
    request: &Request,
    (ward, at): (&Ward, Timestamp),
    (blank, log): (Outcome, &RunLog),
) -> Outcome {
    let duty = match (&ward.duty, request.when) {
        (Duty::Later(_) | Duty::Idle(Idle::NoSchedule), When::Now) => Duty::Now(BackupKind::Full, at),
        (duty, _) => duty.clone(),
    };
    let planned = match duty {
        Duty::Later(next) => {
            return Outcome { next: next.first().map(|(_, time)| *time), ..blank };
        }
        Duty::Idle(idle) => return idle_outcome(&idle, blank, log),
        Duty::Now(_, planned) => planned,
    };
    if let Some(found) = ward.running() {
        let reason = format!("a run is under way: {}", found.describe());
        return Outcome { action: Action::Postponed, reason, ..blank };
    }
    let reason = format!("planned for {} UTC", planned.table());
    if request.mode == Mode::Plan {
        return Outcome { action: Action::Due, reason, ..blank };
    }
    log.say(format!("SCHEDULE: `{}` is due, {reason}", blank.database));
    match protect(app, request, (ward, planned), log).await {
        Ok(Some(backup)) => Outcome { action: Action::BackedUp, reason, backup: Some(backup), ..blank },
        Ok(None) => Outcome { reason: "another run was faster".to_owned(), ..blank },
        Err(Trouble::Busy(failure)) => {
            log.say(format!(
                "SCHEDULE: `{}` is left to the next tick: {}",
                blank.database,
                failure.message()
            ));
            Outcome { action: Action::Postponed, reason: failure.message(), ..blank }
        }
        Err(Trouble::Failed(failure)) => failed(blank, failure),
        Err(Trouble::After(backup, failure)) => Outcome { backup: Some(backup), ..failed(blank, failure) },
    }
}

fn idle_outcome(idle: &Idle, blank: Outcome, log: &RunLog) -> Outcome {
    let (name, reason) = (&blank.database, idle.to_string());
    let action = match idle {
        Idle::NoPolicy(_) => Action::Unprotected,
        Idle::Disabled | Idle::Inactive | Idle::NoSchedule => Action::Idle,
        Idle::Paused(_) => {
            log.warn(format!("`{name}` is {reason}; nothing runs until `jagad policy resume {name}`"));
            Action::Paused
        }
    };
    Outcome { action, reason, ..blank }
}

/// What came between a plan and its fulfilment.
enum Trouble {
    /// It was not begun.
    Busy(Failure),
    /// No backup was taken.
    Failed(Failure),
    /// The backup was taken, and what follows it failed.
    After(BackupId, Failure),
}

/// A backup, its verification, and then retention: never before something new is safe.
async fn protect(
    app: &App,
    request: &Request,
    (ward, planned): (&Ward, Timestamp),
    log: &RunLog,
) -> Result<Option<BackupId>, Trouble> {
    let entry = &ward.protected.entry;
    let choices = Choices { wait: request.wait, timeout: request.timeout, ..Choices::default() };
    let ran = backup::back_up(app, entry, &choices, Trigger::Plan(planned)).await;
    let id = match ran.map_err(Trouble::Failed)? {
        Ran::Taken(report) => report.id,
        Ran::Overtaken => return Ok(None),
        Ran::Busy(failure) => return Err(Trouble::Busy(failure)),
    };
    let Some(policy) = ward.protected.policy(app) else { return Ok(Some(id)) };
    let after = |failure: Failure| Trouble::After(id.clone(), failure);
    if let Some(level) = policy.verify {
        verify::verify_new(app, entry.store.as_ref(), &id, level).await.map_err(after)?;
    }
    prune::after_backup(app, (entry, policy), request.wait, log).await.map_err(after)?;
    Ok(Some(id))
}

/// Buries dead runs, and looks for garbage once a day, where no backup of this tick did it. What fails is told and tried
/// again by the next tick.
async fn tidy(app: &App, (ward, at): (&Ward, Timestamp), log: &RunLog) {
    let entry = &ward.protected.entry;
    let swept = ward.state.swept_at.unwrap_or(ward.protected.attachment.attached_at);
    // One of a clock that was wrong would put it off until then.
    let sweep = !is_plausible(swept, at) || at.since(swept) >= SWEEP_EVERY;
    let done = if sweep && let Some(policy) = ward.protected.policy(app) {
        prune::one(app, (entry, policy), (Mode::Run, Duration::ZERO), log).await.map(|_| ())
    } else if ward.leases.iter().any(Found::is_expired) {
        bury(app, ward, log).await
    } else {
        Ok(())
    };
    let told = overdue::tell_if_overdue(app, (ward, at), log).await;
    for failure in
        [done, told].into_iter().filter_map(Result::err).filter(|failure| failure.class != Class::Busy)
    {
        log.warn(format!("tidy up after `{}`: {}", entry.name, failure.message()));
    }
}

/// Takes the lease, which buries whoever died with it, and gives it back.
async fn bury(app: &App, ward: &Ward, log: &RunLog) -> Result<(), Failure> {
    let purpose =
        Purpose { operation: Operation::Policy, backup: None, makes: None, wait: Duration::ZERO, log };
    let lease = hold(app, &ward.protected.catalog, &ward.protected.entry, &purpose).await?;
    release(lease, log).await;
    Ok(())
}
