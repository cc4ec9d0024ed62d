//! Programs of the user around the filling of a database.

use super::plan::PlannedLoad;
use super::run::RestoreRun;
use crate::commands::Failure;
use crate::commands::hook::Hook;
use crate::model::PartKind;

/// When a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HookPoint {
    /// The database is there and empty.
    BeforeFeed,
    /// It is full and counted, and not visible yet.
    AfterCount,
}

/// Runs the program of this point, where the target has one; its failure is the restore's.
pub(super) async fn run(
    restore: &RestoreRun<'_>,
    load: &PlannedLoad,
    point: HookPoint,
) -> Result<(), Failure> {
    let RestoreRun { app, plan, chain, log, .. } = restore;
    if load.part.kind != PartKind::Database {
        return Ok(());
    }
    let target = app.database(&plan.target)?;
    let (name, argv) = match point {
        HookPoint::BeforeFeed => ("before_restore", &target.hooks.before_restore),
        HookPoint::AfterCount => ("after_restore", &target.hooks.after_restore),
    };
    let environment = [
        ("JAGAD_EVENT", name.to_owned()),
        ("JAGAD_DATABASE", target.name.to_string()),
        ("JAGAD_ENGINE", target.engine.to_string()),
        ("JAGAD_BACKUP_ID", chain[0].id.to_string()),
        ("JAGAD_STATUS", "running".to_owned()),
        ("JAGAD_TARGET", load.database.clone()),
        ("JAGAD_FILLING", load.plan.filling.clone()),
        ("JAGAD_ADDRESS", plan.address.clone()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let hook = Hook { name, argv, timeout: target.hooks.timeout, environment };
    hook.run(app, log).await.map_err(|failure| failure.heading("RESTORE ERROR"))
}
