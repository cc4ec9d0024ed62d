//! What a backup builds on: nothing, or for an incremental the last backup that still restores. Where there is none, a full
//! is taken in its place, and says why.

use crate::catalog::{Catalog, Chains, Health, ListedBackup, Manifest};
use crate::commands::delegated::Kept;
use crate::commands::{App, Class, Failure};
use crate::config::DatabaseEntry;
use crate::engine::DelegateBase;
use crate::model::{BackupKind, Demand, IncrementalBase, Integrity, Method};

/// What a backup builds on.
pub(super) struct Base {
    /// The backup that an incremental builds on; `None` for a full.
    pub(super) parent: Option<Box<Manifest>>,
    /// Why it is a full, where an incremental was asked for.
    pub(super) fallback_reason: Option<String>,
    /// Full or incremental. What another tool keeps may build on a backup of which jagad knows nothing.
    pub(super) kind: BackupKind,
}

impl Base {
    /// A full backup, which needs no other.
    pub(super) const fn none() -> Self {
        Self { parent: None, fallback_reason: None, kind: BackupKind::Full }
    }

    /// A full, because `reason`.
    fn fallback(reason: String) -> Self {
        Self { fallback_reason: Some(reason), ..Self::none() }
    }

    /// An incremental on `parent`.
    fn on(parent: Option<&ListedBackup>) -> Self {
        let parent = parent.map(|entry| Box::new(entry.manifest.clone()));
        Self { parent, fallback_reason: None, kind: BackupKind::Incremental }
    }
}

/// Refuses incrementals where the entry can never have any: a mistake, for which no full is taken instead.
pub(super) fn refuse_impossible(database: &DatabaseEntry, demand: Demand) -> Result<(), Failure> {
    if demand.kind == BackupKind::Full || database.engine.takes_incrementals(demand.method) {
        return Ok(());
    }
    Err(Failure::new(Class::Usage, database.without_incrementals()).help(
        "Leave out --type. PostgreSQL (17 and newer) has them with method = \"physical\" in the database entry, and of every version with method = \"pgbackrest\".",
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
    let base = match demand.method {
        // Ranges of a log follow each other, and none is stored twice.
        Method::Logical => IncrementalBase::Last,
        Method::Physical | Method::PgBackRest => {
            app.inventory.policy_of(database).map(|policy| policy.incremental_base).unwrap_or_default()
        }
    };
    let chains = Chains::new(&listing.entries, app.clock.now());
    if demand.method.integrity() == Integrity::Delegated {
        return Ok(delegated_base(app, database, base, &chains, &listing.entries).await);
    }
    Ok(match chains.base(base, demand.method) {
        Ok(parent) => Base::on(Some(parent)),
        Err(reason) => Base::fallback(reason),
    })
}

/// What the tool that keeps the backups would build on: its last backup, whoever took that. A backup that failed a verification
/// is not built on.
async fn delegated_base(
    app: &App,
    database: &DatabaseEntry,
    base: IncrementalBase,
    chains: &Chains<'_>,
    entries: &[ListedBackup],
) -> Base {
    // The run says why, and is recorded.
    let Ok(Some(kept)) = Kept::of(app, &database.name).await else { return Base::on(None) };
    let Some(prior) = kept.held.base(delegate_base(base)) else {
        return Base::fallback("pgBackRest's repository has no full backup of it yet".to_owned());
    };
    let recorded = kept.recorded_chain(&prior.label, entries);
    let bad = recorded.iter().find(|entry| matches!(chains.health(entry), Health::Bad | Health::Broken));
    match bad {
        Some(bad) => {
            Base::fallback(format!("{} cannot be built on: its verification failed", bad.manifest.id))
        }
        None => Base::on(recorded.first().copied()),
    }
}

/// The same in the words of the tool.
pub(super) const fn delegate_base(base: IncrementalBase) -> DelegateBase {
    match base {
        IncrementalBase::Last => DelegateBase::Last,
        IncrementalBase::Full => DelegateBase::LastFull,
    }
}
