//! The content of a lease, and a lease that was found in the store.

use crate::catalog::FORMAT;
use crate::model::{BackupId, BackupPurpose, Method, Timestamp};
use crate::store::ObjectKey;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::time::Duration;

/// Every lease expires after this time without a renewal, whatever its content and even if it cannot be read: the
/// longest lifetime that can be configured.
const LONGEST_LIFETIME: Duration = Duration::from_secs(3600);

/// What a lease is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Taking a backup.
    Backup,
    /// Restoring into the database.
    Restore,
    /// Deleting backups.
    Delete,
    /// Attaching, detaching, pausing or resuming the database.
    Policy,
    /// Creating the repository's marker.
    Create,
    /// Verifying a backup.
    Verify,
    /// Downloading a backup.
    Download,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Delete => "delete",
            Self::Policy => "policy",
            Self::Create => "create",
            Self::Verify => "verify",
            Self::Download => "download",
        })
    }
}

/// The content of a lease: its holder, and what it is held for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// Host of the holder.
    #[serde(deserialize_with = "on_one_line")]
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// What it does.
    pub operation: Operation,
    /// The backup it makes, restores or deletes.
    pub backup: Option<BackupId>,
    /// Why it makes one.
    #[serde(default)]
    pub purpose: Option<BackupPurpose>,
    /// How its data is taken.
    #[serde(default)]
    pub method: Option<Method>,
    /// Backups it builds on: they must not be deleted while it runs.
    #[serde(default)]
    pub parents: Vec<BackupId>,
    /// When it began, by its own clock.
    pub started: Timestamp,
    /// It has expired when its object was not rewritten for this many seconds.
    pub lifetime_seconds: u64,
}

/// A text without line breaks, so that it cannot imitate the next line of an output or a question.
fn on_one_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(String::deserialize(deserializer)?.replace(char::is_control, " "))
}

impl LeaseRecord {
    /// "backup on host db1, process 77, since 2026-11-20 02:00:00".
    fn describe(&self) -> String {
        format!(
            "{} on host {}, process {}, since {}",
            self.operation,
            self.host,
            self.pid,
            self.started.table()
        )
    }
}

/// Another lease that was found.
#[derive(Debug, Clone)]
pub struct FoundLease {
    /// Its key.
    pub key: ObjectKey,
    /// Its content, or why that cannot be read.
    pub record: Result<LeaseRecord, String>,
    /// How long ago it was last written, by the store's clock.
    pub age: Duration,
}

impl FoundLease {
    /// Whether its holder did not renew it in time.
    pub fn is_expired(&self) -> bool {
        self.age > self.lifetime()
    }

    /// Its content, if that can be read.
    pub fn known(&self) -> Option<&LeaseRecord> {
        self.record.as_ref().ok()
    }

    /// Whether `is` holds, or may hold: a lease that cannot be read may be held for anything.
    pub fn may_be(&self, is: impl FnOnce(&LeaseRecord) -> bool) -> bool {
        self.known().is_none_or(is)
    }

    /// How long it is valid without a renewal.
    fn lifetime(&self) -> Duration {
        let said = |record: &LeaseRecord| Duration::from_secs(record.lifetime_seconds);
        self.known().map_or(LONGEST_LIFETIME, said).min(LONGEST_LIFETIME)
    }

    /// Who holds it, how fresh it is, and when it runs out.
    pub fn describe(&self) -> String {
        let left = self.lifetime().saturating_sub(self.age).as_secs();
        let who = match &self.record {
            Ok(record) => record.describe(),
            Err(problem) => format!("a process whose lease cannot be read ({problem})"),
        };
        format!("{who}; last sign {} s ago, expires in {left} s without another", self.age.as_secs())
    }
}

/// The content of a lease that this process takes now.
pub fn record(
    operation: Operation,
    backup: Option<BackupId>,
    started: Timestamp,
    lifetime: Duration,
) -> LeaseRecord {
    LeaseRecord {
        format: FORMAT,
        host: host_name(),
        pid: std::process::id(),
        operation,
        backup,
        purpose: None,
        method: None,
        parents: Vec::new(),
        started,
        lifetime_seconds: lifetime.as_secs().max(1),
    }
}

/// This host's name, for records.
pub fn host_name() -> String {
    nix::unistd::gethostname()
        .map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}
