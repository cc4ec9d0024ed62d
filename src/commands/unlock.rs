//! `jagad unlock`: removes the lease of a run that is certainly dead.

use super::{App, Confirmation, Failure, abandoned_run, protection};
use crate::catalog::layout;
use crate::catalog::lease::{self, FoundLease};
use crate::model::{DatabaseName, StoreName};
use serde::Serialize;

/// What was unlocked.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The database entry.
    pub database: DatabaseName,
    /// The leases that were removed, described.
    pub removed: Vec<String>,
}

/// Shows who holds the lease, asks, records the run as failed and removes its lease.
///
/// A run that is still alive notices this before its commit and commits nothing.
pub async fn run(app: &App, database: &DatabaseName, store: Option<&StoreName>) -> Result<Report, Failure> {
    let entry = app.database(database)?;
    let entry = &protection::protected(app, entry).await?;
    let catalog = app.catalog(app.inventory.store_of(entry, store).as_ref()).await?;
    let found = lease::survey(catalog.store().as_ref(), &layout::leases(database)).await?;
    let removed: Vec<String> = found.iter().map(FoundLease::describe).collect();
    if found.is_empty() {
        return Ok(Report { database: database.clone(), removed });
    }
    let question = format!("Remove its lease on `{database}`?");
    app.watch.confirm(&Confirmation { facts: removed.clone(), question })?;
    let log = app.log();
    for lease in &found {
        abandoned_run::record(app, &catalog, entry, lease, &log).await?;
    }
    Ok(Report { database: database.clone(), removed })
}
