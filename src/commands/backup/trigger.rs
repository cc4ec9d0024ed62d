//! Why a backup is taken, and how that can end without a failure.

use super::Report;
use crate::commands::Failure;
use crate::model::{BackupPurpose, Timestamp};

/// Why a backup is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Trigger {
    /// A user asked for it.
    Hand,
    /// It was planned for this time: nothing is taken when a run has begun since then.
    Plan(Timestamp),
    /// A restore is about to replace what it holds.
    Safety,
}

impl Trigger {
    /// The purpose in the manifest.
    pub(super) const fn purpose(self) -> BackupPurpose {
        match self {
            Self::Hand => BackupPurpose::Manual,
            Self::Plan(_) => BackupPurpose::Scheduled,
            Self::Safety => BackupPurpose::Safety,
        }
    }
}

/// How it ended without a failure of the command.
#[derive(Debug)]
pub(in crate::commands) enum Ran {
    /// The backup was taken.
    Taken(Box<Report>),
    /// It was not begun: another run took it first.
    Overtaken,
    /// It was not begun: no slot of this host is free, or another run holds the database.
    Busy(Failure),
    /// It failed, and is tried again at this time before it counts.
    Again(Failure, Timestamp),
    /// The backup was taken, and it is bad or could not be verified.
    NotVerified(Box<Report>, Failure),
}
