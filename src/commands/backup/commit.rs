//! From dumped parts to a backup: pin and log first, when all parts are seen to be there, then the manifest.

use super::held::HeldRun;
use crate::commands::{Failure, crash, milliseconds};
use crate::model::BackupStatus;

/// How an attempt to commit ended.
pub(super) enum Committed {
    /// The manifest is in the store: the backup exists.
    Yes,
    /// It is not, and never will be.
    No(Failure),
    /// The store could not be asked.
    Unknown(Failure),
}

/// Commits. An answer that got lost is looked for before anything is said.
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
    // The answer may have got lost after the store had taken the manifest.
    match catalog.manifest(&manifest.database, &manifest.id).await {
        Ok(Some(found)) if found.status == BackupStatus::Success => Committed::Yes,
        // Or another run took this one for dead and recorded it as failed.
        Ok(_) => Committed::No(error.into()),
        Err(_) => {
            Committed::Unknown(Failure::from(error).help(
                "Whether the commit reached the store is not known; the next run looks and records it.",
            ))
        }
    }
}

/// Everything that has to be there before the manifest.
async fn prepare(run: &HeldRun<'_>) -> Result<(), Failure> {
    let HeldRun { app, catalog, manifest, choices, lease, .. } = run;
    app.cancel.check()?;
    if choices.pin {
        catalog.pin(manifest, choices.note.clone(), app.clock.now()).await?;
    }
    if let Err(error) = catalog.prove_parts(manifest).await {
        // Whoever took the lease away has removed the objects too: then that is what went wrong.
        lease.check().await?;
        return Err(error.into());
    }
    run.log().say(format!("BACKUP: committing {}", manifest.id));
    catalog.write_log(&manifest.database, &manifest.id, &run.log().text()).await?;
    crash::point("before-commit");
    lease.check().await?;
    Ok(())
}
