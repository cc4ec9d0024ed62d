//! Runs that died while they held the lease on a database: they are recorded as failed, cleaned up and counted.

use super::leftovers::Leftovers;
use super::record::PlannedBackup;
use super::unrecorded::{Unrecorded, Where};
use super::{App, Failure, RunLog, protection, record as run_record, run_effects, unrecorded};
use crate::catalog::lease::{self, FoundLease, LeaseRecord, Operation};
use crate::catalog::manifest::INTERRUPTED;
use crate::catalog::state::VerificationFollows;
use crate::catalog::{Catalog, CatalogError, FailureRecord, Manifest};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupPurpose, BackupStatus, Help, Method};
use crate::store::StoreError;

/// Records the run of an expired lease as failed, removes what it stored, and only then removes its lease: a crash in
/// between leaves the lease, and the next run repeats all of it.
pub(super) async fn record(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    lease: &FoundLease,
    log: &RunLog,
) -> Result<(), Failure> {
    match &lease.record {
        Ok(dead) => AbandonedRun { app, catalog, database, dead, log }.record().await?,
        Err(problem) => log.warn(format!(
            "a lease on `{}` that nobody has renewed cannot be read, and is removed; what its run left stays until \
             `jagad prune`: {problem}",
            database.name
        )),
    }
    Ok(lease::end(catalog.store().as_ref(), &lease.key).await?)
}

/// A run whose lease has expired.
struct AbandonedRun<'a> {
    app: &'a App,
    catalog: &'a Catalog,
    database: &'a DatabaseEntry,
    dead: &'a LeaseRecord,
    log: &'a RunLog,
}

/// What is at the key of a dead backup's manifest after the attempt to record it as failed.
enum Recorded {
    /// The record that was just written.
    Now,
    /// A manifest that existed before.
    Before(Box<Manifest>),
    /// Nothing usable: there is nothing more to do.
    Not,
}

impl AbandonedRun<'_> {
    async fn record(&self) -> Result<(), Failure> {
        let AbandonedRun { dead, database, log, .. } = self;
        log.warn(format!(
            "the {} on host {}, process {}, since {} ended without a result",
            dead.operation,
            dead.host,
            dead.pid,
            dead.started.table()
        ));
        match (&dead.backup, dead.operation) {
            (Some(id), Operation::Backup) => self.record_backup(id).await?,
            (Some(id), Operation::Delete) => self.leftovers(id).of_deletion().await,
            (_, Operation::Restore) if !database.engine.restores_beside() => log.warn(format!(
                "an interrupted restore may have left incomplete data on the server of `{}`, until a restore into it succeeds",
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

    fn leftovers<'a>(&'a self, id: &'a BackupId) -> Leftovers<'a> {
        let AbandonedRun { app, catalog, database, log, .. } = self;
        Leftovers { app, catalog, database: &database.name, id, log }
    }

    /// Recorded before anything is removed: after that a run that is still alive cannot commit, so no manifest ever
    /// names data that was removed.
    async fn record_backup(&self, id: &BackupId) -> Result<(), Failure> {
        let manifest = self.manifest(id);
        let found = match self.commit(&manifest).await? {
            Recorded::Now => None,
            Recorded::Before(found) => Some(found),
            Recorded::Not => return Ok(()),
        };
        // Its outcome is counted before its lease is removed.
        let ended = found.as_deref().unwrap_or(&manifest);
        let verification = protection::verification_of(self.app, self.database, ended.purpose);
        let counted = self.count(ended, verification).await;
        match found.map(|found| found.status) {
            // Killed between its commit and the release of its lease: the backup is good.
            Some(BackupStatus::Success) => {
                self.log.say(format!("its backup {id} had been committed"));
                return Ok(());
            }
            // Killed while it cleaned up.
            Some(_) => self.log.say(format!("its backup {id} had been recorded as failed")),
            None => {
                self.log.warn(format!("recorded backup {id} as failed"));
                run_effects::report_abandoned(self.app, self.database, &manifest, counted.as_ref()).await;
            }
        }
        self.leftovers(id).of_dead_run().await;
        Ok(())
    }

    fn manifest(&self, id: &BackupId) -> Manifest {
        let dead = self.dead;
        let planned = PlannedBackup {
            id: id.clone(),
            purpose: dead.purpose.unwrap_or(BackupPurpose::Manual),
            method: dead.method.unwrap_or(Method::Logical),
            parent: dead.parents.first().cloned(),
        };
        let failure = FailureRecord {
            class: INTERRUPTED.to_owned(),
            message: format!("the run on host {}, process {} ended without a result", dead.host, dead.pid),
            help: Help::new("It was killed, or the host went down. What it had stored is removed."),
        };
        Manifest {
            host: dead.host.clone(),
            started_at: dead.started,
            error: Some(failure),
            ..run_record::blank(self.app, self.database, self.catalog.id(), &planned)
        }
    }

    /// Writes `manifest`, unless one exists.
    async fn commit(&self, manifest: &Manifest) -> Result<Recorded, Failure> {
        let (catalog, log) = (self.catalog, self.log);
        let found = match catalog.manifest(&manifest.database, &manifest.id).await {
            Ok(None) => match catalog.commit(manifest).await {
                Ok(()) => None,
                // It has just committed, or another host recorded it at the same time.
                Err(error) if is_taken(&error) => catalog.manifest(&manifest.database, &manifest.id).await?,
                Err(error) => return self.keep(manifest, error.into()),
            },
            Ok(found) => found,
            Err(error @ CatalogError::Store { .. }) => return Err(error.into()),
            // The object there is not from that run, or is unusable: it is left for a person to look at.
            Err(error) => {
                log.warn(format!(
                    "what the dead run left is not touched: {}",
                    Failure::from(error).message()
                ));
                self.count(manifest, VerificationFollows::No).await;
                return Ok(Recorded::Not);
            }
        };
        Ok(found.map_or(Recorded::Now, |found| Recorded::Before(Box::new(found))))
    }

    /// A store that accepts no writes does not accept the record either: this host keeps it until the store does.
    fn keep(&self, manifest: &Manifest, failure: Failure) -> Result<Recorded, Failure> {
        if !failure.is_refused_write() {
            return Err(failure);
        }
        // Its data is removed when the run is recorded, or by `jagad prune` when nothing was written there for a day.
        self.log.warn(format!(
            "backup {} could not be recorded as failed: {}",
            manifest.id,
            failure.message()
        ));
        let place = Where::Repository(self.catalog, &self.database.name);
        unrecorded::keep(self.app, place, &Unrecorded::dead(manifest), self.log);
        Ok(Recorded::Not)
    }

    async fn count(
        &self,
        manifest: &Manifest,
        verification: VerificationFollows,
    ) -> Option<protection::CountedRun> {
        protection::note(self.app, self.catalog, manifest, verification).await.unwrap_or_else(|failure| {
            self.log.warn(format!("backup {} was not counted: {}", manifest.id, failure.message()));
            None
        })
    }
}

/// Whether a failed run could not be recorded because another run considered it dead and recorded it: what it has
/// stored since then must still be removed.
pub(super) async fn was_recorded_as_abandoned(
    catalog: &Catalog,
    manifest: &Manifest,
    error: &CatalogError,
) -> bool {
    let found = async || catalog.manifest(&manifest.database, &manifest.id).await.ok().flatten();
    is_taken(error) && found().await.is_some_and(|found| found.status == BackupStatus::Failed)
}

/// Whether an object exists at the key already.
fn is_taken(error: &CatalogError) -> bool {
    matches!(error, CatalogError::Store { source: StoreError::AlreadyExists { .. }, .. })
}
