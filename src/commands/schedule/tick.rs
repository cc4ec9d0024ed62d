//! One entry's share of a tick.

use super::duty::{self, Duty, Idle, Look, ProtectedDatabase};
use super::overdue;
use super::run::{Action, Outcome, Request, When};
use crate::catalog::is_plausible;
use crate::catalog::lease::{Found, Operation};
use crate::commands::backup::{self, Choices, Ran, Trigger};
use crate::commands::lease_guard::{LeaseRequest, acquire_lease, release};
use crate::commands::unrecorded::{self, Unrecorded, Where};
use crate::commands::{App, Class, Failure, Mode, RunLog, daily, notify, protection, prune, verify};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupKind, BackupPurpose, Timestamp, VerifyLevel};
use crate::notify::EventKind;
use std::time::Duration;

/// How often garbage is looked for where no success has already done it.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// An entry's share of the tick; `None` for one that nobody wants protected.
pub(super) async fn tick(
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
            daily::warn(app, &entry.name, &log, &format!("`{}` is not protected: {reason}", entry.name));
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
    if ward.state.foreign {
        let name = &entry.name;
        let line = format!(
            "a newer jagad wrote how `{name}` has fared: what runs from here is not counted, and pauses are not known"
        );
        daily::warn(app, name, &log, &line);
    }
    // An entry that names its store has chosen it.
    if let Some(other) = ward.protected.other_store(app).filter(|_| entry.store.is_none()) {
        let name = &entry.name;
        let line = format!(
            "`{name}` is attached in another store than its policy names now (`{other}`): to move it, detach and attach it"
        );
        daily::warn(app, name, &log, &line);
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
        daily::warn(
            app,
            &entry.name,
            &log,
            &format!("`{}` is not protected from here: {reason}", entry.name),
        );
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
    let Some(failure) = failure.filter(|failure| notify::is_reported(failure)) else { return };
    let entry = protection::declared(app, entry);
    let count = u32::try_from(unrecorded::pending(app, &entry).len()).unwrap_or(u32::MAX);
    let event = notify::failed(app, EventKind::BackupFailed, &entry, failure).failures_in_a_row(count);
    notify::send(app, &entry, &event).await;
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
        unrecorded::remember(app, Where::Store(entry, None), at);
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
        let line = format!("whether `{}` is due cannot be known: {}", entry.name, failure.message());
        daily::warn(app, &entry.name, log, &line);
        return Outcome { action: Action::Unknown, reason: failure.message(), ..blank };
    };
    let failure = failure.doing(format!("back up what was planned for {} UTC", planned.table()));
    if request.mode == Mode::Run {
        let run = Unrecorded::new(
            (BackupId::new(at, BackupKind::Full), BackupPurpose::Scheduled),
            (at, at),
            &failure,
        );
        unrecorded::keep(app, Where::Store(entry, None), &run, log);
    }
    failed(blank, failure)
}

/// Does what is due.
async fn act(
    app: &App,
    request: &Request,
    (ward, at): (&ProtectedDatabase, Timestamp),
    (blank, log): (Outcome, &RunLog),
) -> Outcome {
    let duty = match (&ward.duty, request.when) {
        (Duty::Later(_) | Duty::Idle(Idle::NoSchedule), When::Now) => Duty::Now(BackupKind::Full, at),
        (duty, _) => duty.clone(),
    };
    let planned = match duty {
        Duty::Now(_, planned) => planned,
        Duty::Later(_) | Duty::Idle(_) if request.mode == Mode::Run && ward.is_to_be_verified(at) => {
            return verify_pending(app, request, ward, (blank, log)).await;
        }
        Duty::Later(next) => {
            return Outcome { next: next.first().map(|(_, time)| *time), ..blank };
        }
        Duty::Idle(idle) => return idle_outcome(app, &idle, blank, log),
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
    protect(app, request, (ward, planned), (Outcome { reason, ..blank }, log)).await
}

fn idle_outcome(app: &App, idle: &Idle, blank: Outcome, log: &RunLog) -> Outcome {
    let (name, reason) = (&blank.database, idle.to_string());
    let action = match idle {
        Idle::NoPolicy(_) => Action::Unprotected,
        Idle::Disabled | Idle::Inactive | Idle::NoSchedule => Action::Idle,
        Idle::Paused(_) => {
            let line = format!("`{name}` is {reason}; nothing runs until `jagad policy resume {name}`");
            daily::warn(app, name, log, &line);
            Action::Paused
        }
    };
    Outcome { action, reason, ..blank }
}

/// A backup, its verification, and then retention: never before something new is safe.
async fn protect(
    app: &App,
    request: &Request,
    (ward, planned): (&ProtectedDatabase, Timestamp),
    (blank, log): (Outcome, &RunLog),
) -> Outcome {
    let entry = &ward.protected.entry;
    let verify = ward.protected.policy(app).and_then(|policy| policy.verify);
    let choices = Choices { verify, wait: request.wait, timeout: request.timeout, ..Choices::default() };
    match backup::back_up(app, entry, &choices, Trigger::Plan(planned)).await {
        Ok(Ran::Taken(report)) => {
            let taken = Outcome { backup: Some(report.id), ..blank };
            retain(app, request, ward, (Outcome { action: Action::BackedUp, ..taken }, log)).await
        }
        Ok(Ran::Overtaken) => Outcome { reason: "another run was faster".to_owned(), ..blank },
        Ok(Ran::Busy(failure)) => {
            let why = failure.message();
            log.say(format!("SCHEDULE: `{}` is left to the next tick: {why}", blank.database));
            Outcome { action: Action::Postponed, reason: why, ..blank }
        }
        Ok(Ran::Again(failure, at)) => Outcome {
            action: Action::Retrying,
            reason: format!("it is tried again at {} UTC: {}", at.table(), failure.message()),
            next: Some(at),
            ..blank
        },
        Ok(Ran::NotVerified(report, failure)) => {
            Outcome { backup: Some(report.id), ..failed(blank, failure) }
        }
        Err(failure) => failed(blank, failure),
    }
}

/// Retention after a backup that is safe.
async fn retain(
    app: &App,
    request: &Request,
    ward: &ProtectedDatabase,
    (done, log): (Outcome, &RunLog),
) -> Outcome {
    let entry = &ward.protected.entry;
    let Some(policy) = ward.protected.policy(app) else { return done };
    match prune::after_backup(app, (entry, policy), request.wait, log).await {
        Ok(()) => done,
        // What was to go is still there: the database is as safe as its policy wants it.
        Err(failure) => {
            let action = done.action;
            Outcome { action, ..failed(done, failure) }
        }
    }
}

/// Ends a run that was cut short between its backup and its verification, or whose verification proved nothing.
async fn verify_pending(
    app: &App,
    request: &Request,
    ward: &ProtectedDatabase,
    (blank, log): (Outcome, &RunLog),
) -> Outcome {
    let (entry, catalog) = (&ward.protected.entry, &ward.protected.catalog);
    let Some(unverified) = &ward.state.unverified else { return blank };
    let level = ward.protected.policy(app).and_then(|policy| policy.verify).unwrap_or(VerifyLevel::Exists);
    log.say(format!("SCHEDULE: {} of `{}` is still to be verified", unverified.id, entry.name));
    let blank = Outcome { backup: Some(unverified.id.clone()), ..blank };
    let ended = match verify::pending(app, entry, (catalog, &unverified.id), level).await {
        Ok(Some((manifest, done))) => backup::run_verified(app, entry, (catalog, manifest), done).await,
        Ok(None) => {
            let reason = "its last backup is being verified, or is gone".to_owned();
            return Outcome { action: Action::Postponed, reason, ..blank };
        }
        Err(failure) => Err(failure),
    };
    match ended {
        Ok(()) => {
            let reason = "its last backup had not been verified".to_owned();
            let done = Outcome { action: Action::Verified, reason, ..blank };
            retain(app, request, ward, (done, log)).await
        }
        Err(failure) => failed(blank, failure),
    }
}

/// Buries dead runs, and looks for garbage once a day, where no backup of this tick did it. What fails is told and tried
/// again by the next tick.
async fn tidy(app: &App, (ward, at): (&ProtectedDatabase, Timestamp), log: &RunLog) {
    let entry = &ward.protected.entry;
    let swept = ward.state.swept_at.unwrap_or(ward.protected.attachment.attached_at);
    // One of a clock that was wrong would put it off until then.
    let sweep = !is_plausible(swept, at) || at.since(swept) >= SWEEP_EVERY;
    let done = if sweep && let Some(policy) = ward.protected.policy(app) {
        prune::one(app, (entry, policy), (Mode::Run, Duration::ZERO), log).await.map(|_| ())
    } else if ward.leases.iter().any(Found::is_expired) {
        record_abandoned(app, ward, log).await
    } else {
        Ok(())
    };
    let told = overdue::tell_if_overdue(app, (ward, at), log).await;
    for failure in
        [done, told].into_iter().filter_map(Result::err).filter(|failure| failure.class != Class::Busy)
    {
        let line = format!("tidy up after `{}`: {}", entry.name, failure.message());
        daily::warn(app, &entry.name, log, &line);
    }
}

/// Takes the lease, which buries whoever died with it, and gives it back.
async fn record_abandoned(app: &App, ward: &ProtectedDatabase, log: &RunLog) -> Result<(), Failure> {
    let purpose =
        LeaseRequest { operation: Operation::Policy, backup: None, makes: None, wait: Duration::ZERO, log };
    let lease = acquire_lease(app, &ward.protected.catalog, &ward.protected.entry, &purpose).await?;
    release(lease, log).await;
    Ok(())
}
