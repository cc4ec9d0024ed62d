//! What is due for one database: compares the facts of its repository with the schedule of its policy.

use crate::catalog::lease::{self, FoundLease, Operation};
use crate::catalog::{Attachment, State, is_plausible, layout};
use crate::commands::protection::{self, Protection, Repositories};
use crate::commands::{App, Failure, remembered_attachment, unrecorded};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::{BackupId, BackupKind, PolicyName, Timestamp};
use crate::schedule::{Cadence, Due, due};
use std::fmt;

/// The result of checking one entry.
pub(in crate::commands) enum Look {
    /// It is attached to no policy.
    Unattached,
    /// It is not known whether it is attached.
    Unknown(Failure),
    /// It is attached.
    Attached(Box<ProtectedDatabase>),
}

/// An attached database and its state.
pub(in crate::commands) struct ProtectedDatabase {
    /// The entry, its policy and its repository.
    pub(in crate::commands) protection: Protection,
    /// The state of its runs.
    pub(in crate::commands) state: State,
    /// Every lease on it, live or dead.
    pub(in crate::commands) leases: Vec<FoundLease>,
    /// What is to be done.
    pub(in crate::commands) duty: Duty,
}

/// What is to be done about a database now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Duty {
    /// A backup that was planned for this time.
    Now(BackupKind, Timestamp),
    /// Nothing; the next times, the soonest first.
    Later(Vec<(BackupKind, Timestamp)>),
    /// Nothing, for this reason.
    Idle(Idle),
}

/// Why nothing is scheduled for an attached database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Idle {
    /// This host's configuration does not have its policy.
    NoPolicy(PolicyName),
    /// The policy is not enabled.
    Disabled,
    /// The entry is not active.
    Inactive,
    /// It is paused.
    Paused(String),
    /// The policy plans nothing.
    NoSchedule,
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPolicy(policy) => write!(
                f,
                "it is attached to the policy `{policy}`, which this configuration does not have; `jagad policy apply` \
                 moves it to the one that it names"
            ),
            Self::Disabled => f.write_str("its policy is not enabled"),
            Self::Inactive => f.write_str("it is not active"),
            Self::Paused(reason) => write!(f, "paused: {reason}"),
            Self::NoSchedule => f.write_str("its policy plans nothing"),
        }
    }
}

impl ProtectedDatabase {
    /// The run that is under way, if there is one.
    pub(in crate::commands) fn running(&self) -> Option<&FoundLease> {
        let is_backup =
            |found: &FoundLease| found.known().is_some_and(|record| record.operation == Operation::Backup);
        self.leases.iter().find(|found| !found.is_expired() && is_backup(found))
    }
}

/// What a tick begins for an entry, so that it does not begin it twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Work {
    /// A backup that was planned for this time, after so many tries that failed.
    Backup(BackupKind, Timestamp, u32),
    /// The verification of this backup, after so many tries that proved nothing.
    Verify(BackupId, u32),
}

impl Look {
    /// What is to be done now.
    pub(in crate::commands) fn work(&self, at: Timestamp) -> Option<Work> {
        let Self::Attached(database) = self else { return None };
        if let Duty::Now(kind, planned) = database.duty {
            let failed = database.state.retry_of(kind, at).map_or(0, |retry| retry.failed);
            return Some(Work::Backup(kind, planned, failed));
        }
        let unverified = database.state.unverified.as_ref().filter(|_| database.is_to_be_verified(at))?;
        Some(Work::Verify(unverified.id.clone(), unverified.failed))
    }
}

impl ProtectedDatabase {
    /// Whether its last run still waits for its verification, and nothing else is working on it.
    pub(in crate::commands) fn is_to_be_verified(&self, at: Timestamp) -> bool {
        let due = |after: Timestamp| after <= at || !is_plausible(after, at);
        let pending = self.state.unverified.as_ref().is_some_and(|unverified| due(unverified.after));
        pending && self.running().is_none()
    }
}

/// Checks one entry: three requests for each store that may have it.
pub(in crate::commands) async fn look(app: &App, repositories: &Repositories, entry: &DatabaseEntry) -> Look {
    match look_or_fail(app, repositories, entry).await {
        Ok(Some(database)) => Look::Attached(Box::new(database)),
        Ok(None) => Look::Unattached,
        Err(failure) => Look::Unknown(failure),
    }
}

async fn look_or_fail(
    app: &App,
    repositories: &Repositories,
    entry: &DatabaseEntry,
) -> Result<Option<ProtectedDatabase>, Failure> {
    let Some(protection) = repositories.find(app, entry).await? else { return Ok(None) };
    let catalog = &protection.catalog;
    let state = catalog.state(&entry.name).await?;
    let leases = lease::survey(catalog.store().as_ref(), &layout::leases(&entry.name)).await?;
    let duty =
        duty(&protection.entry, protection.policy(app), &protection.attachment, &state, app.clock.now());
    Ok(Some(ProtectedDatabase { protection, state, leases, duty }))
}

/// What is to be done about an attached entry at `now`.
pub(in crate::commands) fn duty(
    entry: &DatabaseEntry,
    policy: Option<&PolicyEntry>,
    attachment: &Attachment,
    state: &State,
    now: Timestamp,
) -> Duty {
    let Some(policy) = policy else { return Duty::Idle(Idle::NoPolicy(attachment.policy.clone())) };
    if !policy.enabled {
        return Duty::Idle(Idle::Disabled);
    }
    if !entry.active {
        return Duty::Idle(Idle::Inactive);
    }
    if let Some(pause) = &state.paused {
        return Duty::Idle(Idle::Paused(pause.reason.clone()));
    }
    let mut next = Vec::new();
    for (kind, cadence) in planned(entry, policy) {
        // A pending retry replaces its planned run, until the next one is due.
        let retry = state.retry_of(kind, now);
        if let Some(retry) = retry.filter(|retry| cadence.latest(now) == Some(retry.planned)) {
            if retry.after <= now {
                return Duty::Now(kind, retry.planned);
            }
            next.push((kind, retry.after));
            continue;
        }
        match due(cadence, since(kind, attachment, state, now), now) {
            Due::Now { planned } => return Duty::Now(kind, planned),
            Due::Later { next: Some(time) } => next.push((kind, time)),
            Due::Later { next: None } => {}
        }
    }
    next.sort_by_key(|(_, time)| *time);
    if next.is_empty() { Duty::Idle(Idle::NoSchedule) } else { Duty::Later(next) }
}

/// The planned kinds that the entry's engine supports, fulls first: a full makes the incremental of the same time
/// unnecessary.
pub(in crate::commands) fn planned<'a>(
    entry: &DatabaseEntry,
    policy: &'a PolicyEntry,
) -> impl Iterator<Item = (BackupKind, &'a Cadence)> {
    let incremental = policy.incremental.as_ref().filter(|_| entry.takes_incrementals());
    let full = policy.full.iter().map(|cadence| (BackupKind::Full, cadence));
    full.chain(incremental.map(|cadence| (BackupKind::Incremental, cadence)))
}

/// The time since which no run of `kind` has begun.
fn since(kind: BackupKind, attachment: &Attachment, state: &State, now: Timestamp) -> Timestamp {
    let last = state.last_attempt(kind, now);
    let plausible = |time: &Timestamp| is_plausible(*time, now);
    let attached = Some(attachment.attached_at).filter(plausible);
    // All recorded times are implausibly far in the future: then everything planned is due.
    last.max(attached).max(state.resumed_at.filter(plausible)).unwrap_or(Timestamp::from_unix_seconds(0))
}

/// The planned time without a good backup after it, once its grace period is over; `None` while a run that began since
/// then is under way.
pub(in crate::commands) fn overdue_since(
    policy: &PolicyEntry,
    database: &ProtectedDatabase,
    last_good: Option<Timestamp>,
    at: Timestamp,
) -> Option<Timestamp> {
    let mut plans = planned(&database.protection.entry, policy);
    let (_, cadence) = plans.find(|(kind, _)| *kind == BackupKind::Full).filter(|_| policy.enabled)?;
    let grace = policy.grace(cadence, cadence.latest(at)?);
    let missed = cadence.latest(at.minus(grace))?;
    let last_good = last_good.filter(|last| is_plausible(*last, at));
    let since = last_good.map_or(database.protection.attachment.attached_at, |last| {
        last.max(database.protection.attachment.attached_at)
    });
    let running = database.running().and_then(FoundLease::known);
    let under_way = running.is_some_and(|record| record.started >= missed);
    (missed > since && !under_way).then_some(missed)
}

/// The newest planned backup of `entry` that this host has not tried yet, by its own state files, when the store does not
/// answer: for an entry that names an enabled policy, or was last attached to one.
pub(in crate::commands) fn due_from_memory(
    app: &App,
    entry: &DatabaseEntry,
    now: Timestamp,
) -> Option<(BackupKind, Timestamp)> {
    let policy =
        remembered_attachment::policy_of(app, entry).filter(|policy| policy.enabled && entry.active)?;
    let entry = &protection::declared(app, entry);
    let last = unrecorded::last_attempt(app, entry).filter(|last| is_plausible(*last, now));
    let missed = |planned: &Timestamp| last.is_none_or(|last| last < *planned);
    planned(entry, policy)
        .filter_map(|(kind, cadence)| Some((kind, cadence.latest(now).filter(missed)?)))
        .max_by_key(|(_, planned)| *planned)
}
