//! The records within the state of a database.

use crate::catalog::FailureRecord;
use crate::model::{BackupId, BackupKind, BackupStatus, Timestamp};
use serde::{Deserialize, Serialize};

/// Objects of dead or failed runs, or of old backups, that the store did not delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedLeftovers {
    /// When the deletion was last tried.
    pub at: Timestamp,
    /// Which objects, and why they still exist.
    pub problem: String,
}

/// A database is paused: nothing is scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub cause: PauseCause,
    /// The reason, for people.
    pub reason: String,
}

/// Who paused a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PauseCause {
    /// Too many failures in a row; a success ends it.
    Failures,
    /// A user paused it; only a user resumes it.
    Hand,
}

/// A run, with the fields that scheduling needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedRun {
    /// The backup.
    pub id: BackupId,
    /// When it began.
    pub started_at: Timestamp,
    /// `success` or `failed`.
    pub status: BackupStatus,
}

/// A good full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodRun {
    /// The backup.
    pub id: BackupId,
    /// When it began: it contains no newer data.
    pub started_at: Timestamp,
}

/// Incrementals that became fulls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallbacks {
    /// How many in a row.
    pub count: u32,
    /// Why the last did.
    pub reason: String,
}

/// A run that will be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Its kind.
    pub kind: BackupKind,
    /// The time that it was planned for.
    pub planned: Timestamp,
    /// How many tries have failed.
    pub failed: u32,
    /// Not before.
    pub after: Timestamp,
}

/// A backup whose verification has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unverified {
    /// The backup.
    pub id: BackupId,
    /// When its run began.
    pub started_at: Timestamp,
    /// The server that it was read from.
    pub source: Option<String>,
    /// How many verifications proved nothing.
    pub failed: u32,
    /// Not before.
    pub after: Timestamp,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedFailure {
    /// When.
    pub at: Timestamp,
    /// The backup.
    pub id: BackupId,
    /// Class, message and help.
    #[serde(flatten)]
    pub failure: FailureRecord,
}
