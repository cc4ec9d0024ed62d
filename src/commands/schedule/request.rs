//! The request of a tick, and its result for one entry.

use crate::commands::{Failure, Mode};
use crate::model::{BackupId, DatabaseName, PolicyName, Timestamp};
use serde::Serialize;
use std::time::Duration;

/// Which entries to check.
#[derive(Debug, Clone)]
pub struct Request {
    /// These entries; empty means all.
    pub databases: Vec<DatabaseName>,
    /// Only those attached to this policy.
    pub policy: Option<PolicyName>,
    /// Whether runs that are not due yet are taken too.
    pub when: When,
    /// Whether to do it or to show it.
    pub mode: Mode,
    /// How long a backup waits for a slot or for its database before it is left to the next tick.
    pub wait: Duration,
    /// Backups at once.
    pub jobs: usize,
    /// Time limit of one backup; `None` is unlimited.
    pub timeout: Option<Duration>,
    /// How often a tick checks for runs that have become due while it works.
    pub look_again: Duration,
}

/// Which runs a tick does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Those that are due.
    Due,
    /// A full of every selected entry, due or not.
    Now,
}

/// The result of a tick for one entry.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The entry.
    pub database: DatabaseName,
    /// The policy that it is attached to.
    pub policy: Option<PolicyName>,
    /// What was done.
    pub action: TickAction,
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

/// What a tick did for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TickAction {
    /// Nothing is due.
    Waiting,
    /// A backup is due and would be taken (`--dry-run`).
    Due,
    /// A backup was taken.
    BackedUp,
    /// A backup that was taken before was verified.
    Verified,
    /// A backup failed, and will be tried again before the failure counts.
    Retrying,
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

impl TickAction {
    /// Whether it is work that takes time.
    pub(super) const fn is_work(self) -> bool {
        matches!(self, Self::BackedUp | Self::Verified | Self::Retrying | Self::Failed)
    }
}
