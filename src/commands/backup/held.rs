//! A backup under way.

use super::Choices;
use super::announcement::Announcement;
use crate::catalog::{Catalog, Lease, Manifest};
use crate::commands::{App, RunLog};
use crate::config::DatabaseEntry;
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
    /// What is written down of it; it says `failed` until the backup is proven.
    pub(super) manifest: Manifest,
    pub(super) began: Instant,
    /// Fires when the dump must stop.
    pub(super) stop: CancellationToken,
    /// Fires when the run has had its time.
    pub(super) deadline: CancellationToken,
}

impl HeldRun<'_> {
    /// The run's log.
    pub(super) fn log(&self) -> &RunLog {
        &self.announcement.log
    }
}
