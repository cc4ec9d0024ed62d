//! A backup that another tool takes and keeps: jagad only records it.

use super::base::delegate_base;
use super::held::HeldRun;
use super::preflight;
use crate::commands::delegated::Kept;
use crate::commands::{Failure, crash};
use crate::engine::{DelegateBase, DelegateRequest, Server};
use crate::model::BackupKind;

/// Runs the tool, and records the backup that it took. It counts when the manifest is committed.
pub(super) async fn delegate(run: &mut HeldRun<'_>, server: &dyn Server) -> Result<(), Failure> {
    let tool = preflight::delegate(server)?;
    let runner = run.app.runner.as_ref();
    let base = match run.manifest.kind {
        BackupKind::Full => DelegateBase::None,
        BackupKind::Incremental => {
            let policy = run.app.inventory.policy_of(run.database);
            delegate_base(policy.map(|policy| policy.incremental_base).unwrap_or_default())
        }
    };
    crash::point("before-delegate");
    let backup = run.manifest.id.clone();
    let taking = tool.delegate(runner, DelegateRequest { backup: &backup, base });
    let taken = run.app.cancel.unless_stopped(&run.stop, taking).await??;
    crash::point("after-delegate");
    for note in taken.copy.notes {
        run.log().say(format!("COPY: {note}"));
    }
    if run.manifest.kind == BackupKind::Incremental {
        match taken.kind {
            BackupKind::Full => {
                run.fall_back("the tool found nothing to build on and took a full".to_owned()).await?;
            }
            BackupKind::Incremental => find_parent(run, taken.prior.as_deref()).await?,
        }
    }
    run.manifest.tool = Some(taken.copy.tool);
    run.manifest.span = Some(taken.copy.span);
    run.manifest.physical = Some(taken.copy.facts);
    Ok(())
}

/// Sets the nearest recorded backup on which it really builds: another backup may have been taken since it was planned.
async fn find_parent(run: &mut HeldRun<'_>, prior: Option<&str>) -> Result<(), Failure> {
    let (Some(prior), Some(kept)) = (prior, Kept::of(run.app, &run.database.name).await?) else {
        return Ok(());
    };
    let listing = run.catalog.list(Some(&run.database.name)).await?;
    let recorded = kept.recorded_chain(prior, &listing.entries);
    run.manifest.parent = recorded.first().map(|entry| entry.manifest.id.clone());
    Ok(())
}
