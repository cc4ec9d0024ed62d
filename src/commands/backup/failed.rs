//! Records a failed backup and removes what it stored.

use super::held::HeldRun;
use crate::commands::leftovers::Leftovers;
use crate::commands::record::PlannedBackup;
use crate::commands::unrecorded::{self, Unrecorded, Where};
use crate::commands::{Failure, abandoned_run, crash, milliseconds};
use crate::model::BackupStatus;

/// Whether a write of a manifest that names the stored data may still be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    /// The commit was tried.
    OfCommit,
    /// It was not.
    OfNothing,
}

impl HeldRun<'_> {
    /// Records the failure, and only then removes what the run stored: whatever happens in between, no manifest names
    /// data that was removed. An error here is only logged, because the caller must report the failure itself.
    pub(super) async fn record_failure(&mut self, failure: &Failure, data: Data) {
        self.manifest.status = BackupStatus::Failed;
        self.manifest.finished_at = self.app.clock.now();
        self.manifest.duration_ms = milliseconds(self.began);
        self.manifest.error = Some(failure.record());
        self.manifest.parts.clear();
        let Self { app, catalog, manifest, announcement, .. } = self;
        let log = &announcement.log;
        log.keep_failure("BACKUP: failed", failure);
        let recorded = catalog.commit(manifest).await;
        crash::point("after-failure");
        if let Err(error) = recorded
            && !abandoned_run::was_recorded_as_abandoned(catalog, manifest, &error).await
        {
            log.warn(format!("the failed run could not be recorded: {}", Failure::from(error).message()));
            let planned = PlannedBackup {
                id: manifest.id.clone(),
                purpose: manifest.purpose,
                method: manifest.method,
                parent: manifest.parent.clone(),
            };
            let run = Unrecorded::new(planned, manifest.started_at, manifest.finished_at, failure);
            unrecorded::keep(app, Where::Repository(catalog, &manifest.database), &run, log);
            // If no commit was tried, no manifest can name the data, and a full store needs the space. Else the process
            // that records the run removes it.
            if data == Data::OfCommit {
                return;
            }
        }
        let (database, id) = (&manifest.database, &manifest.id);
        Leftovers { app, catalog, database, id, log }.of_failed_run().await;
        // A log that was written for the commit stays as it is: logs are written once.
        if let Err(error) = catalog.write_log(database, id, &log.text()).await {
            tracing::debug!(%error, "the log of the failed run was not written");
        }
    }
}
