//! Turns dumped parts into a backup: checks that all parts exist, writes pin and log, and then the manifest.

use super::held::HeldRun;
use crate::commands::{Failure, crash, milliseconds};
use crate::model::BackupStatus;

/// How an attempt to commit ended.
pub(super) enum Committed {
    /// The manifest is in the store: the backup exists.
    Yes,
    /// It is not in the store, and will not be.
    No(Failure),
    /// The store did not answer, so this is not known.
    Unknown(Failure),
}

/// Commits the backup. If the answer got lost, looks up the manifest first.
pub(super) async fn commit(run: &mut HeldRun<'_>) -> Committed {
    run.manifest.status = BackupStatus::Success;
    run.manifest.finished_at = run.app.clock.now();
    run.manifest.duration_ms = milliseconds(run.began);
    if let Err(failure) = prepare(run).await {
        return Committed::No(failure);
    }
    let HeldRun { catalog, manifest, .. } = run;
    let committed = catalog.commit(manifest).await;
    crash::point("after-commit");
    let Err(error) = committed else { return Committed::Yes };
    // The answer may have got lost after the store had accepted the manifest.
    match catalog.manifest(&manifest.database, &manifest.id).await {
        Ok(Some(found)) if found.status == BackupStatus::Success => Committed::Yes,
        // Another run considered this one dead and recorded it as failed.
        Ok(_) => Committed::No(error.into()),
        Err(_) => Committed::Unknown(Failure::from(error).help(
            "It is not known whether the commit reached the store; the next run checks that and records it.",
        )),
    }
}

/// Everything that must exist before the manifest.
async fn prepare(run: &HeldRun<'_>) -> Result<(), Failure> {
    let HeldRun { app, catalog, manifest, choices, lease, .. } = run;
    app.cancel.check()?;
    if choices.pin {
        catalog.pin(manifest, choices.note.clone(), app.clock.now()).await?;
    }
    if let Err(error) = catalog.prove_parts(manifest).await {
        // A process that removed the lease has removed the objects too: then the lost lease is the cause.
        lease.check().await?;
        return Err(error.into());
    }
    run.log().say(format!("BACKUP: committing {}", manifest.id));
    catalog.write_log(&manifest.database, &manifest.id, &run.log().text()).await?;
    crash::point("before-commit");
    lease.check().await?;
    Ok(())
}
