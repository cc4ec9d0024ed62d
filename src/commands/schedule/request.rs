//! What a tick is asked to do, and what it does about one entry.

use crate::commands::{Failure, Mode};
use crate::model::{BackupId, DatabaseName, PolicyName, Timestamp};
use serde::Serialize;
use std::time::Duration;

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
    /// How often a tick that works looks for what has become due.
    pub look_again: Duration,
}

/// Which runs a tick does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Those that are due.
    Due,
    /// A full of everything that is meant, due or not.
    Now,
}

/// What it did about one entry.
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

/// What a tick did about an entry.
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
    /// A backup failed, and is tried again before that counts.
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
    /// Whether something was done that takes time.
    pub(super) const fn is_work(self) -> bool {
        matches!(self, Self::BackedUp | Self::Verified | Self::Retrying | Self::Failed)
    }
}
