//! Taking the lease on a database, and telling the truth about runs that died holding it.

use super::leftovers::Leftovers;
use super::unrecorded::{Unrecorded, Where};
use super::{App, Class, Failure, RunLog, protection, record, run_effects, unrecorded};
use crate::catalog::lease::{self, Found, Lease, LeaseRecord, Operation};
use crate::catalog::manifest::INTERRUPTED;
use crate::catalog::state::VerificationFollows;
use crate::catalog::{Catalog, CatalogError, FailureRecord, Manifest};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupPurpose, BackupStatus, Help};
use crate::store::StoreError;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What the lease is wanted for.
pub(super) struct LeaseRequest<'a> {
    /// What will be done.
    pub(super) operation: Operation,
    /// The backup that is made, restored or deleted.
    pub(super) backup: Option<BackupId>,
    /// Why a backup is made.
    pub(super) makes: Option<BackupPurpose>,
    /// How long to wait while somebody else holds it.
    pub(super) wait: Duration,
    /// The log of the run.
    pub(super) log: &'a RunLog,
}

/// Takes the lease on `database`. Runs that died with it are first recorded as failed and their leftovers removed.
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
        let record = LeaseRecord { purpose: purpose.makes, ..record };
        match Lease::acquire(catalog.store(), &database.name, record).await {
            Ok(lease) => {
                let noted = unrecorded::record(app, catalog, database, purpose.log).await;
                run_effects::report_late_count(app, database, noted.as_ref()).await;
                return Ok(lease);
            }
            Err(CatalogError::Expired { leases, .. }) => {
                for lease in &leases {
                    record_abandoned(app, catalog, database, lease, purpose.log).await?;
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

/// Whoever wants to make room in a full store needs some hundred bytes for the lease first.
fn without_room(failure: Failure, operation: Operation) -> Failure {
    if failure.class != Class::Full || operation != Operation::Delete {
        return failure;
    }
    failure.doing("the lease, an object of some hundred bytes, could not be written").help(
        "Nothing was deleted. Raise the quota for a moment or free a few kilobytes by other means, then run it again; or remove \
         the folder of an old backup by hand, its `manifest.json` before all else.",
    )
}

/// The right to work on a database where the store may be read-only: a lease, or the knowledge that nobody has one.
pub(super) struct Claim(Option<Lease>);

/// As [`hold`], but a store that takes no writes is no reason not to read from it: nobody else can hold the database there either.
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
    /// Proves that the lease is still ours, where there is one.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        match &self.0 {
            Some(lease) => Ok(lease.check().await?),
            None => Ok(()),
        }
    }

    /// Fires when it is lost.
    pub(super) fn lost(&self) -> CancellationToken {
        self.0.as_ref().map_or_else(CancellationToken::new, |lease| lease.lost().clone())
    }

    /// What a failure means for the run that held it.
    pub(super) fn lost_or(&self, app: &App, failure: Failure) -> Failure {
        match &self.0 {
            Some(lease) => lost_or(lease, app, failure),
            None => app.cancel.failure().unwrap_or(failure),
        }
    }

    /// Whether something can be written down.
    pub(super) fn is_held(&self) -> bool {
        self.0.is_some()
    }

    /// Gives it back.
    pub(super) async fn release(self, log: &RunLog) {
        if let Some(lease) = self.0 {
            release(lease, log).await;
        }
    }
}

/// Gives the lease back; one that stays runs out by itself.
pub(super) async fn release(lease: Lease, log: &RunLog) {
    if let Err(error) = lease.release().await {
        log.warn(format!("the lease was not released and will expire: {}", Failure::from(error).message()));
    }
}

/// Records a dead run as failed, removes what it stored, and only then removes its lease: a crash in between leaves the
/// lease, and the next run does it again.
pub(super) async fn record_abandoned(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    lease: &Found,
    log: &RunLog,
) -> Result<(), Failure> {
    match &lease.record {
        Ok(dead) => record_abandoned_run(app, catalog, database, dead, log).await?,
        Err(problem) => log.warn(format!(
            "a lease on `{database}` is removed that nobody has renewed and that cannot be read, so what its run left stays until \
             `jagad prune`: {problem}",
            database = database.name
        )),
    }
    Ok(lease::end(catalog.store().as_ref(), &lease.key).await?)
}

async fn record_abandoned_run(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    dead: &LeaseRecord,
    log: &RunLog,
) -> Result<(), Failure> {
    log.warn(format!(
        "the {} on host {}, process {}, since {} ended without a result",
        dead.operation,
        dead.host,
        dead.pid,
        dead.started.table()
    ));
    match (&dead.backup, dead.operation) {
        (Some(id), Operation::Backup) => record_abandoned_backup(app, catalog, database, (id, dead), log).await?,
        (Some(id), Operation::Delete) => {
            Leftovers { app, catalog, database: &database.name, id, log }.of_deletion().await;
        }
        (_, Operation::Restore) if !database.engine.restores_beside() => log.warn(format!(
            "an interrupted restore may have left what it was filling on the server of `{}` incomplete, until a restore into it succeeds",
            database.name
        )),
        (_, Operation::Restore) => log.warn(format!(
            "an interrupted restore may have left a database named …__jagad_… on the server of `{}`; a restore with --plan \
             names it, with the statement that drops it",
            database.name
        )),
        _ => {}
    }
    Ok(())
}

async fn record_abandoned_backup(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    (id, dead): (&BackupId, &LeaseRecord),
    log: &RunLog,
) -> Result<(), Failure> {
    let failure = FailureRecord {
        class: INTERRUPTED.to_owned(),
        message: format!("the run on host {}, process {} ended without a result", dead.host, dead.pid),
        help: Help::new("It was killed, or the host went down. What it had stored is removed."),
    };
    let manifest = Manifest {
        host: dead.host.clone(),
        started_at: dead.started,
        error: Some(failure),
        ..record::blank(
            app,
            database,
            catalog.id(),
            id.clone(),
            dead.purpose.unwrap_or(BackupPurpose::Manual),
        )
    };
    let leftovers = Leftovers { app, catalog, database: &database.name, id, log };
    // Written down before anything is removed: from then on a run that lives after all cannot commit, so no manifest ever names
    // data that is gone.
    let found = match catalog.manifest(&database.name, id).await {
        Ok(Some(found)) => Some(found),
        Ok(None) => match catalog.commit(&manifest).await {
            Ok(()) => None,
            // It has just committed, or another host buried it at the same time.
            Err(error) if is_taken(&error) => catalog.manifest(&database.name, id).await?,
            Err(error) => {
                let failure = Failure::from(error);
                if !failure.is_refused_write() {
                    return Err(failure);
                }
                // Its data goes when it is recorded, or with `jagad prune` when nobody has written to it for a day.
                log.warn(format!("backup {id} could not be recorded as failed: {}", failure.message()));
                unrecorded::keep(
                    app,
                    Where::Repository(catalog, &database.name),
                    &Unrecorded::dead(&manifest),
                    log,
                );
                return Ok(());
            }
        },
        Err(error @ CatalogError::Store { .. }) => return Err(error.into()),
        // What stands there is no work of that run, or of no use to anybody: it is left for people to look at.
        Err(error) => {
            log.warn(format!("what the dead run left is not touched: {}", Failure::from(error).message()));
            let counted = protection::note(app, catalog, &manifest, VerificationFollows::No).await;
            if let Err(failure) = counted {
                log.warn(format!("backup {id} was not counted: {}", failure.message()));
            }
            return Ok(());
        }
    };
    // Its outcome is counted before its lease goes.
    let ended = found.as_ref().unwrap_or(&manifest);
    let verification = protection::verification_of(app, database, ended.purpose);
    let counted = protection::note(app, catalog, ended, verification).await;
    let noted = counted.unwrap_or_else(|failure| {
        log.warn(format!("backup {id} was not counted: {}", failure.message()));
        None
    });
    match found.map(|found| found.status) {
        // Killed between its commit and the release of its lease: nothing is wrong with it.
        Some(BackupStatus::Success) => {
            log.say(format!("its backup {id} had been committed"));
            return Ok(());
        }
        // Killed while it cleared up.
        Some(_) => log.say(format!("its backup {id} had been recorded as failed")),
        None => {
            log.warn(format!("recorded backup {id} as failed"));
            run_effects::report_abandoned(app, database, &manifest, noted.as_ref()).await;
        }
    }
    leftovers.of_dead_run().await;
    Ok(())
}

/// Whether a failed run could not be recorded because another run took it for dead and did so: what it has stored since
/// then is still to be removed.
pub(super) async fn was_recorded_as_abandoned(
    catalog: &Catalog,
    manifest: &Manifest,
    error: &CatalogError,
) -> bool {
    let found = async || catalog.manifest(&manifest.database, &manifest.id).await.ok().flatten();
    is_taken(error) && found().await.is_some_and(|found| found.status == BackupStatus::Failed)
}

/// Whether something is at the key already.
fn is_taken(error: &CatalogError) -> bool {
    matches!(error, CatalogError::Store { source: StoreError::AlreadyExists { .. }, .. })
}

/// What a lost lease means for the run that held it.
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
