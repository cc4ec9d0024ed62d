//! Databases that are missing from a backup of a whole server: those that cannot be dumped, and those that were dropped
//! while others were dumped.

use super::held::HeldRun;
use crate::catalog::{Manifest, layout};
use crate::commands::Failure;
use crate::engine::{DatabaseChoice, Scope, Server};
use crate::model::PartKind;
use serde::Serialize;

/// A database that was left out.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// The logical database.
    pub database: String,
    /// The reason, for people.
    pub reason: String,
}

/// A part that could not be dumped.
pub(super) struct Lost {
    pub(super) database: Option<String>,
    pub(super) extension: &'static str,
    pub(super) failure: Failure,
}

/// Records the databases that could not be dumped from the beginning.
pub(super) fn note_unfit(run: &mut HeldRun<'_>, server: &dyn Server, scope: &Scope) {
    let unfit = server.logical().unfit(scope).into_iter().map(|unfit| (unfit.database, unfit.reason));
    run.manifest.left_out = unfit.collect();
}

/// Continues without a database that was dropped after the server was inspected; any other failure is returned.
pub(super) async fn go_on_without(
    run: &mut HeldRun<'_>,
    server: &dyn Server,
    scope: &Scope,
    lost: Lost,
) -> Result<(), Failure> {
    let Lost { database, extension, failure } = lost;
    let (Some(database), DatabaseChoice::All { .. }) = (database, &scope.databases) else {
        return Err(failure);
    };
    if run.stop.is_cancelled() {
        return Err(failure);
    }
    let Ok(Some(reason)) = server.logical().vanished(run.app.runner.as_ref(), &database).await else {
        return Err(failure);
    };
    run.log().warn(format!("`{database}` is left out: {reason}"));
    let part = layout::part_name(PartKind::Database, Some(&database), extension);
    let Manifest { database: entry, id, .. } = &run.manifest;
    if let Err(error) = run.catalog.delete_part(entry, id, &part).await {
        let why = Failure::from(error).message();
        run.log().warn(format!("its stored data could not be removed: {why}"));
    }
    run.manifest.left_out.insert(database, reason);
    Ok(())
}
