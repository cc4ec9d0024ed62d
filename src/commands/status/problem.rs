//! What makes a database unsafe.

use crate::catalog::{Chains, Health, ListedBackup, Listing, is_plausible};
use crate::commands::list::side_problems;
use crate::commands::schedule::duty::Duty;
use crate::commands::schedule::duty::{self, Idle, ProtectedDatabase};
use crate::commands::{App, Failure};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::{BackupId, ByteSize, Period, Timestamp, VerifyLevel};
use serde::Serialize;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// The problem, for people.
    pub message: String,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Its store does not answer, so nothing is known.
    Unreachable,
    /// It names a policy and is not attached, or its policy is not in this configuration.
    Unprotected,
    /// There is no good backup.
    NoBackup,
    /// The last good backup is older than the schedule allows.
    Overdue,
    /// Runs fail.
    Failing,
    /// Nothing runs until a user resumes it.
    Paused,
    /// The last full is much smaller than the one before.
    Shrunk,
    /// The last good backup did not pass its last verification.
    VerifyFailed,
    /// The last good backup was not verified for too long.
    Unverified,
    /// A manifest cannot be read.
    Unreadable,
    /// Fulls are taken where incrementals are planned.
    NoIncrementals,
}

impl ProblemKind {
    /// All of them, for metrics.
    pub const ALL: [Self; 11] = [
        Self::Unreachable,
        Self::Unprotected,
        Self::NoBackup,
        Self::Overdue,
        Self::Failing,
        Self::Paused,
        Self::Shrunk,
        Self::VerifyFailed,
        Self::Unverified,
        Self::Unreadable,
        Self::NoIncrementals,
    ];

    /// The word in JSON and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Unprotected => "unprotected",
            Self::NoBackup => "no_backup",
            Self::Overdue => "overdue",
            Self::Failing => "failing",
            Self::Paused => "paused",
            Self::Shrunk => "shrunk",
            Self::VerifyFailed => "verify_failed",
            Self::Unverified => "unverified",
            Self::Unreadable => "unreadable",
            Self::NoIncrementals => "no_incrementals",
        }
    }
}

/// The facts about one entry.
pub(super) struct Facts<'a> {
    pub(super) entry: &'a DatabaseEntry,
    pub(super) database: Option<&'a ProtectedDatabase>,
    /// Good fulls, the oldest first.
    pub(super) fulls: &'a [&'a ListedBackup],
    /// All backups, as they build on each other.
    pub(super) chains: &'a Chains<'a>,
    pub(super) listing: &'a Listing,
    /// Why it could not be checked.
    pub(super) unknown: Option<&'a Failure>,
    pub(super) at: Timestamp,
}

/// All problems, the worst first. A missing policy is a problem, unless the entry says `policy = "none"`.
pub(super) fn find(app: &App, facts: &Facts<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |kind: ProblemKind, message: String| problems.push(Problem { kind, message });
    if let Some(failure) = facts.unknown {
        add(ProblemKind::Unreachable, failure.message());
        return problems;
    }
    for one in &facts.listing.unreadable {
        add(ProblemKind::Unreadable, format!("{} cannot be read: {}", one.id, one.error));
    }
    for problem in facts.listing.entries.iter().flat_map(side_problems) {
        add(ProblemKind::Unreadable, problem);
    }
    let Some(database) = facts.database else {
        match &facts.entry.policy {
            _ if !facts.entry.active || facts.entry.no_policy => {}
            Some(policy) => add(
                ProblemKind::Unprotected,
                format!("it names the policy `{policy}` and is not attached: run `jagad policy apply`"),
            ),
            None => add(
                ProblemKind::Unprotected,
                "no policy protects it: name one, or say policy = \"none\"".to_owned(),
            ),
        }
        return problems;
    };
    if let Duty::Idle(idle @ Idle::NoPolicy(_)) = &database.duty {
        add(ProblemKind::Unprotected, idle.to_string());
    }
    if let Some(pause) = &database.state.paused {
        let help = format!("Fix the cause, then run `jagad policy resume {}`.", facts.entry.name);
        add(ProblemKind::Paused, format!("paused since {} ({}): {help}", pause.at.table(), pause.reason));
    }
    if database.state.failures > 0 {
        let last = database.state.last_error.as_ref();
        let last = last.map(|last| format!(", last {}: {}", last.at.table(), last.failure.message));
        let count = database.state.failures;
        add(ProblemKind::Failing, format!("{count} failed in a row{}", last.unwrap_or_default()));
    }
    for (id, why) in found_bad(facts) {
        add(ProblemKind::VerifyFailed, format!("{id} failed its verification: {why}"));
    }
    let Some(last) = facts.fulls.last() else {
        if database.running().is_none() {
            add(ProblemKind::NoBackup, "it has no good backup".to_owned());
        }
        return problems;
    };
    if let Some(policy) = database.protection.policy(app) {
        problems.extend(overdue(policy, database, Some(last.manifest.started_at), facts.at));
        problems.extend(shrunk(policy, facts.fulls));
        problems.extend(unverified(policy, last, facts.at));
        problems.extend(no_incrementals(policy, database));
    }
    problems
}

/// Whether a planned full is missing. `last_good` is when the last good one began.
fn overdue(
    policy: &PolicyEntry,
    database: &ProtectedDatabase,
    last_good: Option<Timestamp>,
    at: Timestamp,
) -> Option<Problem> {
    let planned = duty::overdue_since(policy, database, last_good, at)?;
    let last = last_good.map_or_else(|| "none".to_owned(), Timestamp::table);
    let message = format!("a full was planned for {} UTC; the last good one began {last}", planned.table());
    Some(Problem { kind: ProblemKind::Overdue, message })
}

/// Backups that were found bad, newer than the last good one, and why.
fn found_bad(facts: &Facts<'_>) -> Vec<(BackupId, String)> {
    let last_good = facts.fulls.last().map(|full| full.manifest.finished_at);
    let newer =
        facts.chains.whole().filter(|entry| last_good.is_none_or(|good| entry.manifest.finished_at > good));
    let bad = newer.filter(|entry| facts.chains.health(entry) == Health::Bad);
    bad.map(|entry| {
        let found = entry.verification.known().and_then(crate::catalog::Verification::bad);
        let why = found.and_then(|bad| bad.error).map(|error| error.message).unwrap_or_default();
        (entry.manifest.id.clone(), why)
    })
    .collect()
}

fn no_incrementals(policy: &PolicyEntry, database: &ProtectedDatabase) -> Option<Problem> {
    policy.incremental.as_ref()?;
    let fallbacks = database.state.repeated_fallbacks()?;
    let message = format!("{} incrementals in a row became fulls: {}", fallbacks.count, fallbacks.reason);
    Some(Problem { kind: ProblemKind::NoIncrementals, message })
}

fn shrunk(policy: &PolicyEntry, fulls: &[&ListedBackup]) -> Option<Problem> {
    let [.., before, last] = fulls else { return None };
    let (before, last) = (before.manifest.plain_bytes(), last.manifest.plain_bytes());
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    let ratio = last as f64 / before.max(1) as f64;
    (ratio < policy.expected_min_ratio).then(|| Problem {
        kind: ProblemKind::Shrunk,
        message: format!(
            "the last full dumped {}, the one before {}: less than {:.0} %",
            ByteSize(last),
            ByteSize(before),
            policy.expected_min_ratio * 100.0
        ),
    })
}

fn unverified(policy: &PolicyEntry, last: &ListedBackup, at: Timestamp) -> Option<Problem> {
    let limit = policy.max_unverified?;
    // A verification at a lower level than the policy's does not count.
    let level = policy.verify.unwrap_or(VerifyLevel::Exists);
    let proven = last.verification.known().and_then(|last| last.proven(level));
    let since = proven.map(|(_, at)| at).filter(|proven| is_plausible(*proven, at));
    let since = since.unwrap_or(last.manifest.finished_at);
    (at.since(since) > limit).then(|| Problem {
        kind: ProblemKind::Unverified,
        message: format!("{} was not verified at level {level} for {}", last.manifest.id, Period(limit)),
    })
}
