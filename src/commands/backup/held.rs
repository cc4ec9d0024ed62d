//! A backup under way.

use super::Choices;
use super::announcement::Announcement;
use crate::catalog::{Catalog, Lease, Manifest};
use crate::commands::{App, Failure, RunLog, crash};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupKind};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A backup under way: it holds the lease on its database, and from here on every end is recorded.
pub(super) struct HeldRun<'a> {
    pub(super) app: &'a App,
    pub(super) database: &'a DatabaseEntry,
    pub(super) choices: &'a Choices,
    pub(super) announcement: &'a Announcement<'a>,
    pub(super) catalog: Catalog,
    pub(super) lease: Lease,
    /// What an incremental builds on.
    pub(super) parent: Option<Box<Manifest>>,
    /// Its manifest; the status is `failed` until the backup is complete and checked.
    pub(super) manifest: Manifest,
    pub(super) began: Instant,
    /// Cancelled when the dump must stop.
    pub(super) stop: CancellationToken,
    /// Cancelled when the run's time limit is over.
    pub(super) deadline: CancellationToken,
}

impl HeldRun<'_> {
    /// Changes an incremental, which cannot be taken for `reason`, into a full. Nothing may have been stored yet.
    pub(super) async fn fall_back(&mut self, reason: String) -> Result<(), Failure> {
        let id = BackupId::new(self.manifest.started_at, BackupKind::Full);
        self.log().warn(format!("a full backup is taken in place of an incremental: {reason}"));
        crash::point("before-fallback");
        self.lease.change_backup(id.clone(), Vec::new()).await?;
        crash::point("after-fallback");
        self.announcement.of(id.clone());
        self.parent = None;
        self.manifest.kind = BackupKind::Full;
        self.manifest.id = id;
        self.manifest.parent = None;
        self.manifest.fallback_reason = Some(reason);
        Ok(())
    }

    /// The run's log.
    pub(super) fn log(&self) -> &RunLog {
        &self.announcement.log
    }
}
