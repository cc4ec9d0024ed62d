//! Taking the lease on a database, and telling the truth about runs that died holding it.

use super::{App, Class, Failure, RunLog, protection, record, turn, unrecorded};
use crate::catalog::lease::{self, Lease, LeaseRecord, Operation};
use crate::catalog::manifest::INTERRUPTED;
use crate::catalog::{Catalog, CatalogError, FailureRecord, Manifest, layout};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupPurpose, BackupStatus};
use crate::store::{ObjectKey, StoreError};
use std::time::{Duration, Instant};

/// What the lease is wanted for.
pub(super) struct Purpose<'a> {
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
pub(super) async fn hold(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    purpose: &Purpose<'_>,
) -> Result<Lease, Failure> {
    let began = Instant::now();
    let lifetime = app.inventory.settings.lease_lifetime;
    loop {
        let record = lease::record(purpose.operation, purpose.backup.clone(), app.clock.now(), lifetime);
        let record = LeaseRecord { purpose: purpose.makes, ..record };
        match Lease::acquire(catalog.store(), &database.name, record).await {
            Ok(lease) => match unrecorded::record(app, catalog, database, purpose.log).await {
                Ok(noted) => {
                    turn::counted_late(app, database, noted.as_ref()).await;
                    return Ok(lease);
                }
                Err(failure) => {
                    release(lease, purpose.log).await;
                    return Err(failure);
                }
            },
            Err(CatalogError::Expired { leases, .. }) => {
                for (key, record) in leases {
                    bury(app, catalog, database, (&key, &record), purpose.log).await?;
                }
            }
            Err(error @ CatalogError::Busy { .. }) if began.elapsed() >= purpose.wait => {
                return Err(error.into());
            }
            Err(CatalogError::Busy { .. }) => tokio::time::sleep(Duration::from_millis(500)).await,
            Err(error) => return Err(error.into()),
        }
        app.cancel.check()?;
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
pub(super) async fn bury(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    (key, dead): (&ObjectKey, &LeaseRecord),
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
        (Some(id), Operation::Backup) => bury_backup(app, catalog, database, (id, dead), log).await?,
        // Before it came to the manifest nothing was deleted, and nothing is now.
        (Some(id), Operation::Delete) => catalog.delete_rest(&database.name, id).await?,
        (_, Operation::Restore) if !database.engine.restores_beside() => log.warn(format!(
            "an interrupted restore may have left what it was filling on the server of `{}` incomplete: restore it again",
            database.name
        )),
        (_, Operation::Restore) => log.warn(format!(
            "an interrupted restore may have left a database named …__jagad_… on the server of `{}`; a restore with --plan \
             names it, with the statement that drops it",
            database.name
        )),
        _ => {}
    }
    catalog.store().delete(std::slice::from_ref(key)).await?;
    Ok(())
}

async fn bury_backup(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    (id, dead): (&BackupId, &LeaseRecord),
    log: &RunLog,
) -> Result<(), Failure> {
    let failure = FailureRecord {
        class: INTERRUPTED.to_owned(),
        message: format!("the run on host {}, process {} ended without a result", dead.host, dead.pid),
        help: Some("it was killed, or the host went down; what it had stored is removed".to_owned()),
    };
    let manifest = Manifest {
        host: dead.host.clone(),
        started_at: dead.started,
        error: Some(failure),
        ..record::blank(
            app,
            database,
            (catalog.id(), id.clone(), dead.purpose.unwrap_or(BackupPurpose::Manual)),
        )
    };
    // Its outcome is counted before its lease goes. Written down before anything is removed: from then on a run that lives after all cannot commit, so no manifest
    // ever names data that is gone.
    let found = match catalog.manifest(&database.name, id).await {
        // What stands there is no work of that run, or of no use to anybody: it is left for people to look at.
        Err(error @ (CatalogError::Unproven { .. } | CatalogError::Damaged { .. })) => {
            log.warn(format!("what the dead run left is not touched: {}", Failure::from(error).message()));
            protection::note(app, catalog, (&database.name, &manifest)).await?;
            return Ok(());
        }
        found => found?,
    };
    let found = match found {
        Some(found) => Some(found),
        None => match catalog.commit(&manifest).await {
            Ok(()) => None,
            // It has just committed, or another host buried it at the same time.
            Err(error) if is_taken(&error) => catalog.manifest(&database.name, id).await?,
            Err(error) => return Err(error.into()),
        },
    };
    let noted = protection::note(app, catalog, (&database.name, found.as_ref().unwrap_or(&manifest))).await?;
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
            turn::found_dead(app, database, (&manifest, noted.as_ref())).await;
        }
    }
    let folder = layout::backup(&database.name, id);
    let uploads = catalog.store().sweep_unfinished(&folder, Duration::ZERO).await?;
    catalog.delete_leftovers(&database.name, id).await?;
    log.say(format!("removed what it had stored ({uploads} unfinished uploads)"));
    Ok(())
}

/// Whether a failed run could not be recorded because another run took it for dead and did so: what it has stored since
/// then is still to be removed.
pub(super) async fn is_buried(catalog: &Catalog, manifest: &Manifest, error: &CatalogError) -> bool {
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
            "the lease could not be renewed in time, so the run stopped before its commit",
        )
        .help("Check the connection to the store and run it again; nothing was committed.");
    }
    failure
}
