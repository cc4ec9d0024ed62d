//! Who protects a database, and how it has fared: two small objects beside its backups.
//!
//! They are written only by who holds the lease on the database, and a lease is given back only when the outcome of its run
//! is noted here; who buries a dead run notes what became of it first. So every recorded run is counted once, on any number
//! of hosts, whatever the clocks say.

use super::error::CatalogError;
use super::manifest::{FailureRecord, Manifest};
use super::repository::{self, Catalog};
use super::{FORMAT, layout, lease};
use crate::model::{BackupId, BackupKind, BackupStatus, DatabaseName, PolicyName, Timestamp};
use crate::store::ObjectRole;
use serde::{Deserialize, Serialize};

/// A database is under a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// [`FORMAT`].
    pub format: u32,
    /// The policy.
    pub policy: PolicyName,
    /// Since when: what was planned before is nobody's duty.
    pub attached_at: Timestamp,
    /// From which host it was attached.
    pub host: String,
}

impl Attachment {
    /// An attachment made now.
    pub fn new(policy: PolicyName, now: Timestamp) -> Self {
        Self { format: FORMAT, policy, attached_at: now, host: lease::host_name() }
    }
}

/// How a database has fared since it was attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// [`FORMAT`].
    pub format: u32,
    /// Runs that failed since the last that succeeded.
    pub failures: u32,
    /// Nothing is scheduled while it is paused.
    pub paused: Option<Pause>,
    /// The last failure, until a run succeeds.
    pub last_error: Option<NotedFailure>,
    /// The last run, whatever became of it.
    pub last_run: Option<NotedRun>,
    /// The last run for a full, whatever became of it.
    pub last_full: Option<NotedRun>,
    /// The last run for an incremental, whatever became of it.
    pub last_incremental: Option<NotedRun>,
    /// When the last good full began.
    pub last_good: Option<Timestamp>,
    /// Address of the server that the last good backup was read from.
    pub last_source: Option<String>,
    /// When garbage was last looked for.
    pub swept_at: Option<Timestamp>,
    /// The planned time of the backup that somebody was told is overdue.
    pub overdue_told: Option<Timestamp>,
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

/// What noting a run changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing that somebody must be told.
    None,
    /// It was one failure too many.
    Paused,
    /// A success ended the pause.
    Resumed,
}

impl Default for State {
    fn default() -> Self {
        Self {
            format: FORMAT,
            failures: 0,
            paused: None,
            last_error: None,
            last_run: None,
            last_full: None,
            last_incremental: None,
            last_good: None,
            last_source: None,
            swept_at: None,
            overdue_told: None,
        }
    }
}

impl State {
    /// Counts a recorded run. One of only some databases says nothing of the whole and changes nothing, nor does the run
    /// that was noted last when it is noted again. `limit` failures in a row
    /// pause the database; `None` never does.
    pub fn note(&mut self, manifest: &Manifest, limit: Option<u32>) -> Turn {
        if manifest.partial || self.last_run.as_ref().is_some_and(|last| last.id == manifest.id) {
            return Turn::None;
        }
        let run =
            NotedRun { id: manifest.id.clone(), started_at: manifest.started_at, status: manifest.status };
        match manifest.kind {
            BackupKind::Full => self.last_full = Some(run.clone()),
            BackupKind::Incremental => self.last_incremental = Some(run.clone()),
        }
        self.last_run = Some(run);
        if manifest.status == BackupStatus::Success {
            self.succeeded(manifest)
        } else {
            self.failed(manifest, limit)
        }
    }

    fn succeeded(&mut self, manifest: &Manifest) -> Turn {
        self.failures = 0;
        self.last_error = None;
        if manifest.kind == BackupKind::Full {
            self.last_good = Some(manifest.started_at);
            self.overdue_told = None;
        }
        if let Some(source) = &manifest.source {
            self.last_source = Some(source.address.clone());
        }
        if self.paused.as_ref().is_some_and(|pause| pause.cause == PauseCause::Failures) {
            self.paused = None;
            return Turn::Resumed;
        }
        Turn::None
    }

    fn failed(&mut self, manifest: &Manifest, limit: Option<u32>) -> Turn {
        self.failures = self.failures.saturating_add(1);
        if let Some(failure) = manifest.error.clone() {
            self.last_error =
                Some(NotedFailure { at: manifest.finished_at, id: manifest.id.clone(), failure });
        }
        if self.paused.is_some() || limit.is_none_or(|limit| self.failures < limit) {
            return Turn::None;
        }
        self.paused = Some(Pause {
            at: manifest.finished_at,
            cause: PauseCause::Failures,
            reason: format!("{} failures in a row", self.failures),
        });
        Turn::Paused
    }

    /// Forgets the failures and goes on.
    pub fn resume(&mut self) {
        self.failures = 0;
        self.paused = None;
    }

    /// When the last run of `kind` began.
    pub fn last_attempt(&self, kind: BackupKind) -> Option<Timestamp> {
        let run = match kind {
            BackupKind::Full => &self.last_full,
            BackupKind::Incremental => &self.last_incremental,
        };
        run.as_ref().map(|run| run.started_at)
    }
}

impl Catalog {
    /// The policy that `database` is attached to, if it is.
    pub async fn attachment(&self, database: &DatabaseName) -> Result<Option<Attachment>, CatalogError> {
        repository::read(self.store().as_ref(), &layout::attachment(database)).await
    }

    /// Attaches `database`. Only under its lease.
    pub async fn attach(&self, database: &DatabaseName, attachment: &Attachment) -> Result<(), CatalogError> {
        let key = layout::attachment(database);
        repository::write(self.store().as_ref(), &key, attachment, ObjectRole::Mutable).await
    }

    /// Detaches `database` and forgets how it fared; its backups stay. Only under its lease.
    pub async fn detach(&self, database: &DatabaseName) -> Result<(), CatalogError> {
        // The attachment first: whoever reads in between sees a database that nobody protects, which is what it is.
        for key in [layout::attachment(database), layout::state(database)] {
            let doing = format!("delete `{key}`");
            self.store().delete(std::slice::from_ref(&key)).await.map_err(CatalogError::store(doing))?;
        }
        Ok(())
    }

    /// How `database` has fared; a blank state when nothing was noted.
    pub async fn state(&self, database: &DatabaseName) -> Result<State, CatalogError> {
        let found = repository::read(self.store().as_ref(), &layout::state(database)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Writes how `database` has fared. Only under its lease.
    pub async fn write_state(&self, database: &DatabaseName, state: &State) -> Result<(), CatalogError> {
        let key = layout::state(database);
        repository::write(self.store().as_ref(), &key, state, ObjectRole::Mutable).await
    }
}
