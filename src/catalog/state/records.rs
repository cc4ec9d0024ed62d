//! What is written down of a database's runs.

use crate::catalog::FailureRecord;
use crate::model::{BackupId, BackupKind, BackupStatus, Timestamp};
use serde::{Deserialize, Serialize};

/// Something of dead or failed runs, or of old backups, that the store did not let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedLeftovers {
    /// When it was last tried.
    pub at: Timestamp,
    /// What, and why it is still there.
    pub problem: String,
}

/// A database is left alone for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub cause: PauseCause,
    /// In words.
    pub reason: String,
}

/// Who paused a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PauseCause {
    /// Too many failures in a row; a success ends it.
    Failures,
    /// Somebody; only they end it.
    Hand,
}

/// A run, as far as planning needs it.
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
    /// When it began: it holds nothing newer.
    pub started_at: Timestamp,
}

/// Incrementals that became fulls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallbacks {
    /// So many in a row.
    pub count: u32,
    /// Why the last did.
    pub reason: String,
}

/// A run that is to be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Of which kind.
    pub kind: BackupKind,
    /// The time that it was planned for.
    pub planned: Timestamp,
    /// So many tries have failed.
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
    /// So many tries to verify it proved nothing.
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
