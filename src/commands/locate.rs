//! Finds the backup of a reference, and its store.

use super::{App, Class, Failure, Tone, protection};
use crate::catalog::{BackupReference, Catalog, CatalogError, ListedBackup, Located, PassedOver};
use crate::config::ConfigError;
use crate::model::{BackupId, BackupStatus, DatabaseName, StoreName};

/// The stores to search: the named one; else the store of the database in the reference, the default one, and all
/// others.
fn stores(app: &App, reference: &BackupReference, named: Option<&StoreName>) -> Vec<StoreName> {
    if let Some(name) = named {
        return vec![name.clone()];
    }
    let entry = match reference {
        BackupReference::Latest(database) | BackupReference::At(database, _) => {
            app.inventory.databases.get(database)
        }
        _ => None,
    };
    let declared = entry.map(|entry| protection::declared(app, entry));
    let first = declared.and_then(|entry| app.inventory.store_of(&entry, None));
    let mut stores: Vec<StoreName> = Vec::new();
    let all = first.into_iter().chain(app.inventory.default_store().cloned());
    for name in all.chain(app.inventory.stores.keys().cloned()) {
        if !stores.contains(&name) {
            stores.push(name);
        }
    }
    stores
}

/// How many skipped backups are listed one by one.
const LISTED: usize = 5;

/// The backup that `reference` means, and the catalogue it is in. An entry that was moved to another store has backups in both:
/// a symbolic reference means the newest of all.
pub(super) async fn locate(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
) -> Result<(Catalog, ListedBackup), Failure> {
    locate_holding(app, reference, store, &[]).await
}

/// As [`locate`]; a symbolic reference means a backup that holds `databases`, each whole.
async fn locate_holding(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
    databases: &[String],
) -> Result<(Catalog, ListedBackup), Failure> {
    let names = stores(app, reference, store);
    let mut missing: Option<Failure> = None;
    let mut best: Option<(&StoreName, Catalog, Box<Located>)> = None;
    let mut silent: Vec<(&StoreName, Failure)> = Vec::new();
    for name in &names {
        match find_in(app, name, reference, databases).await {
            Ok(LocateOutcome::Backup(catalog, found)) if !reference.is_symbolic() => {
                return Ok((catalog, found.entry));
            }
            Ok(LocateOutcome::Backup(catalog, found)) => {
                let finished = |located: &Located| located.entry.manifest.finished_at;
                if best.as_ref().is_none_or(|(_, _, best)| finished(&found) > finished(best)) {
                    best = Some((name, catalog, found));
                }
            }
            Ok(LocateOutcome::NoneGood(failure)) => missing = Some(failure),
            Ok(LocateOutcome::Nothing(failure)) => {
                missing.get_or_insert(failure);
            }
            // A store that fails must not hide the backups of another one.
            Err(failure) => silent.push((name, failure)),
        }
    }
    if let Some(failure) = unanswered(app, reference, &names, silent, best.as_ref()) {
        return Err(failure);
    }
    let Some((name, catalog, found)) = best else {
        return Err(missing.unwrap_or_else(|| ConfigError::NoStore.into()));
    };
    if names.first() != Some(name) {
        app.watch.say(Tone::Warning, &format!("`{reference}` means a backup in store `{name}`"));
    }
    warn_of_skipped(app, reference, &found.passed_over);
    Ok((catalog, found.entry))
}

/// What follows when the stores in `silent` did not answer. Without a backup from another store, that is the failure.
/// With one, the newest backup may still be in the first store, which is the entry's own: then the user must name the
/// backup.
fn unanswered(
    app: &App,
    reference: &BackupReference,
    names: &[StoreName],
    silent: Vec<(&StoreName, Failure)>,
    best: Option<&(&StoreName, Catalog, Box<Located>)>,
) -> Option<Failure> {
    let Some((found_in, _, found)) = best else {
        return silent.into_iter().next().map(|(_, failure)| failure);
    };
    for (name, failure) in silent {
        if names.first() == Some(name) {
            let id = &found.entry.manifest.id;
            return Some(failure.doing(format!("`{reference}` may mean a backup in store `{name}`")).help(
                format!(
                    "The newest good one elsewhere is {id} in store `{found_in}`: name it to take that one."
                ),
            ));
        }
        let why = failure.message();
        let line = format!("store `{name}` may hold a newer backup than `{reference}` means: {why}");
        app.watch.say(Tone::Warning, &line);
    }
    None
}

/// What a store has for a reference.
enum LocateOutcome {
    /// The backup that it means there.
    Backup(Catalog, Box<Located>),
    /// Backups, and none of them is good.
    NoneGood(Failure),
    /// Nothing.
    Nothing(Failure),
}

async fn find_in(
    app: &App,
    name: &StoreName,
    reference: &BackupReference,
    databases: &[String],
) -> Result<LocateOutcome, Failure> {
    let found = match app.catalog_in(app.store(Some(name)).await?, Some(name)).await {
        Ok(catalog) => {
            catalog.find(reference, databases, app.clock.now()).await.map(|found| (catalog, found))
        }
        Err(error) => Err(error),
    };
    match found {
        Ok((catalog, found)) => Ok(LocateOutcome::Backup(catalog, Box::new(found))),
        Err(error @ CatalogError::NoneGood { .. }) => Ok(LocateOutcome::NoneGood(error.into())),
        Err(error @ (CatalogError::NotFound { .. } | CatalogError::NoRepository { .. })) => {
            Ok(LocateOutcome::Nothing(error.into()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Warns that `@latest` is not the last backup.
fn warn_of_skipped(app: &App, reference: &BackupReference, passed_over: &[PassedOver]) {
    for one in passed_over.iter().take(LISTED) {
        app.watch.say(Tone::Warning, &format!("`{reference}` passes over {}: {}", one.id, one.reason));
    }
    if let Some(more) = passed_over.len().checked_sub(LISTED).filter(|more| *more > 0) {
        app.watch.say(Tone::Warning, &format!("`{reference}` passes over {more} more; see `jagad list`"));
    }
}

/// The store of the backup `id`, also when its manifest cannot be read.
pub(super) async fn locate_unreadable(
    app: &App,
    id: &BackupId,
    store: Option<&StoreName>,
) -> Result<Option<(Catalog, DatabaseName)>, Failure> {
    let mut silent = None;
    for name in stores(app, &BackupReference::Id(id.clone()), store) {
        match place_in(app, &name, id).await {
            Ok(Some(place)) => return Ok(Some(place)),
            Ok(None) => {}
            Err(failure) => {
                silent.get_or_insert(failure);
            }
        }
    }
    silent.map_or(Ok(None), Err)
}

async fn place_in(
    app: &App,
    name: &StoreName,
    id: &BackupId,
) -> Result<Option<(Catalog, DatabaseName)>, Failure> {
    let catalog = match app.catalog_in(app.store(Some(name)).await?, Some(name)).await {
        Err(CatalogError::NoRepository { .. }) => return Ok(None),
        opened => opened?,
    };
    Ok(catalog.place_of(id).await?.map(|database| (catalog, database)))
}

/// As [`locate`], and the backup must be one whose run succeeded.
pub(super) async fn locate_good(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
) -> Result<(Catalog, ListedBackup), Failure> {
    locate_good_holding(app, reference, store, &[]).await
}

/// As [`locate_good`]; a symbolic reference means a backup that holds `databases`, each whole.
pub(super) async fn locate_good_holding(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
    databases: &[String],
) -> Result<(Catalog, ListedBackup), Failure> {
    let (catalog, entry) = locate_holding(app, reference, store, databases).await?;
    match entry.manifest.status {
        BackupStatus::Success => Ok((catalog, entry)),
        status => Err(Failure::new(Class::Refused, format!("cannot restore backup with status: {status}"))
            .help(format!(
                "See why with `jagad logs {}`, and choose another from `jagad list`.",
                entry.manifest.id
            ))),
    }
}
