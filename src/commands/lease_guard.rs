//! Takes and releases the lease on a database.

use super::record::PlannedBackup;
use super::{App, Class, Failure, RunLog, abandoned_run, run_effects, unrecorded};
use crate::catalog::lease::{self, Lease, LeaseRecord, Operation};
use crate::catalog::{Catalog, CatalogError};
use crate::config::DatabaseEntry;
use crate::model::BackupId;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What the lease is wanted for.
pub(super) struct LeaseRequest<'a> {
    /// What will be done.
    pub(super) operation: Operation,
    /// The backup that is made, restored or deleted.
    pub(super) backup: Option<BackupId>,
    /// The backup that is made.
    pub(super) makes: Option<&'a PlannedBackup>,
    /// How long to wait while another process holds it.
    pub(super) wait: Duration,
    /// The log of the run.
    pub(super) log: &'a RunLog,
}

impl<'a> LeaseRequest<'a> {
    /// For an `operation` that does not make, restore or delete a backup.
    pub(super) fn new(operation: Operation, wait: Duration, log: &'a RunLog) -> Self {
        Self { operation, backup: None, makes: None, wait, log }
    }
}

/// Takes the lease on `database`. Runs that died while they held it are first recorded as failed, and their leftovers
/// removed.
pub(super) async fn acquire_lease(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    purpose: &LeaseRequest<'_>,
) -> Result<Lease, Failure> {
    let began = Instant::now();
    let lifetime = app.inventory.settings.lease_lifetime;
    loop {
        let record = lease::record(purpose.operation, purpose.backup.clone(), app.clock.now(), lifetime);
        let record = LeaseRecord {
            purpose: purpose.makes.map(|makes| makes.purpose),
            method: purpose.makes.map(|makes| makes.method),
            parents: purpose.makes.and_then(|makes| makes.parent.clone()).into_iter().collect(),
            ..record
        };
        match Lease::acquire(catalog.store(), &database.name, record).await {
            Ok(lease) => {
                let noted = unrecorded::record(app, catalog, database, purpose.log).await;
                run_effects::report_late_count(app, database, noted.as_ref()).await;
                return Ok(lease);
            }
            Err(CatalogError::Expired { leases, .. }) => {
                for lease in &leases {
                    abandoned_run::record(app, catalog, database, lease, purpose.log).await?;
                }
            }
            Err(error @ CatalogError::Busy { .. }) if began.elapsed() >= purpose.wait => {
                return Err(error.into());
            }
            Err(CatalogError::Busy { .. }) => tokio::time::sleep(Duration::from_millis(500)).await,
            Err(error) => return Err(without_room(error.into(), purpose.operation)),
        }
        app.cancel.check()?;
    }
}

/// A deletion that frees space in a full store first needs a few hundred bytes for the lease.
fn without_room(failure: Failure, operation: Operation) -> Failure {
    if failure.class != Class::Full || operation != Operation::Delete {
        return failure;
    }
    failure.doing("the lease, an object of some hundred bytes, could not be written").help(
        "Nothing was deleted. Raise the quota for a moment or free a few kilobytes by other means, then run it again; or remove \
         the folder of an old backup by hand, its `manifest.json` before all else.",
    )
}

/// Permission to work on a database whose store may be read-only: a lease, or nothing when no process can take one.
pub(super) struct Claim(Option<Lease>);

/// As [`acquire_lease`], but a store that accepts no writes can still be read: no other process can take a lease there
/// either.
pub(super) async fn claim(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    purpose: &LeaseRequest<'_>,
) -> Result<Claim, Failure> {
    match acquire_lease(app, catalog, database, purpose).await {
        Ok(lease) => Ok(Claim(Some(lease))),
        Err(failure) if failure.is_refused_write() => {
            purpose.log.warn(format!(
                "the store takes no writes, so `{}` is not held and nothing will be recorded: {}",
                database.name,
                failure.message()
            ));
            Ok(Claim(None))
        }
        Err(failure) => Err(failure),
    }
}

impl Claim {
    /// Checks that the lease, if there is one, is still ours.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        match &self.0 {
            Some(lease) => Ok(lease.check().await?),
            None => Ok(()),
        }
    }

    /// Cancelled when it is lost.
    pub(super) fn lost(&self) -> CancellationToken {
        self.0.as_ref().map_or_else(CancellationToken::new, |lease| lease.lost().clone())
    }

    /// Replaces `failure` by the loss of the lease, if that was the cause.
    pub(super) fn lost_or(&self, app: &App, failure: Failure) -> Failure {
        match &self.0 {
            Some(lease) => lost_or(lease, app, failure),
            None => app.cancel.failure().unwrap_or(failure),
        }
    }

    /// Whether there is a lease, so that records can be written.
    pub(super) fn is_held(&self) -> bool {
        self.0.is_some()
    }

    /// Releases it.
    pub(super) async fn release(self, log: &RunLog) {
        if let Some(lease) = self.0 {
            release(lease, log).await;
        }
    }
}

/// Releases the lease. If that fails, it expires.
pub(super) async fn release(lease: Lease, log: &RunLog) {
    if let Err(error) = lease.release().await {
        log.warn(format!("the lease was not released and will expire: {}", Failure::from(error).message()));
    }
}

/// Replaces `failure` by the loss of the lease, if that was the cause.
pub(super) fn lost_or(lease: &Lease, app: &App, failure: Failure) -> Failure {
    if let Some(interrupted) = app.cancel.failure() {
        return interrupted;
    }
    if lease.lost().is_cancelled() {
        return Failure::new(
            Class::Busy,
            "the lease was taken away, or could not be renewed in time, so the run stopped before its commit",
        )
        .help(
            "Nothing was committed. If nobody ran `jagad unlock`, check the connection to the store; then run it again.",
        );
    }
    failure
}
