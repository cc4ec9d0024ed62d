//! What a backup builds on: nothing, or for an incremental the last backup that still restores. Where there is none, a full
//! is taken in its place, and says why.

use crate::catalog::{Catalog, Chains, Manifest};
use crate::commands::{App, Class, Failure};
use crate::config::DatabaseEntry;
use crate::model::{BackupKind, Demand};

/// What a backup builds on.
pub(super) struct Base {
    /// The backup that an incremental builds on; `None` for a full.
    pub(super) parent: Option<Box<Manifest>>,
    /// Why it is a full, where an incremental was asked for.
    pub(super) fallback_reason: Option<String>,
}

impl Base {
    /// A full backup, which needs no other.
    pub(super) const fn none() -> Self {
        Self { parent: None, fallback_reason: None }
    }

    /// Full or incremental.
    pub(super) const fn kind(&self) -> BackupKind {
        if self.parent.is_some() { BackupKind::Incremental } else { BackupKind::Full }
    }
}

/// An incremental of what cannot have any is a mistake, and no reason to take fulls instead.
pub(super) fn refuse_impossible(database: &DatabaseEntry, demand: Demand) -> Result<(), Failure> {
    if demand.kind == BackupKind::Full || database.engine.takes_incrementals(demand.method) {
        return Ok(());
    }
    Err(Failure::new(Class::Usage, database.without_incrementals()).help(
        "Leave out --type. PostgreSQL (17 and newer), MySQL and MariaDB have them with method = \"physical\" in the database entry.",
    ))
}

/// What a backup of `database` builds on now.
pub(super) async fn choose(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseEntry,
    demand: Demand,
) -> Result<Base, Failure> {
    if demand.kind == BackupKind::Full {
        return Ok(Base::none());
    }
    let listing = catalog.list(Some(&database.name)).await?;
    let base = app.inventory.policy_of(database).map(|policy| policy.incremental_base).unwrap_or_default();
    match Chains::new(&listing.entries, app.clock.now()).base(base, demand.method) {
        Ok(parent) => Ok(Base { parent: Some(Box::new(parent.manifest.clone())), fallback_reason: None }),
        Err(reason) => Ok(Base { parent: None, fallback_reason: Some(reason) }),
    }
}
