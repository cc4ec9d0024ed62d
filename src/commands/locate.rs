//! Finding the backup that a reference means, in the store where it is.

use super::{App, Class, Failure, Tone, protection};
use crate::catalog::{BackupReference, Catalog, CatalogError, Entry, PassedOver};
use crate::config::ConfigError;
use crate::model::{BackupId, BackupStatus, DatabaseName, StoreName};

/// The stores to look in: the named one; else that of the database which the reference names, the default one, and all others.
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

/// Backups that were passed over and are told of one by one.
const TOLD: usize = 5;

/// The backup that `reference` means, and the catalogue it is in.
pub(super) async fn locate(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
) -> Result<(Catalog, Entry), Failure> {
    locate_holding(app, reference, store, &[]).await
}

/// As [`locate`]; a symbolic reference means a backup that holds `databases`, each whole.
async fn locate_holding(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
    databases: &[String],
) -> Result<(Catalog, Entry), Failure> {
    let mut missing: Option<Failure> = None;
    for name in stores(app, reference, store) {
        let found = match app.catalog_in(app.store(Some(&name)).await?, Some(&name)).await {
            Ok(catalog) => {
                catalog.find(reference, databases, app.clock.now()).await.map(|found| (catalog, found))
            }
            Err(error) => Err(error),
        };
        match found {
            Ok((catalog, found)) => {
                tell_passed_over(app, reference, &found.passed_over);
                return Ok((catalog, found.entry));
            }
            Err(error @ CatalogError::NoneGood { .. }) => missing = Some(error.into()),
            Err(error @ (CatalogError::NotFound { .. } | CatalogError::NoRepository { .. })) => {
                missing.get_or_insert_with(|| error.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(missing.unwrap_or_else(|| ConfigError::NoStore.into()))
}

/// Whoever says `@latest` must hear that it is not the last one.
fn tell_passed_over(app: &App, reference: &BackupReference, passed_over: &[PassedOver]) {
    for one in passed_over.iter().take(TOLD) {
        app.watch.say(Tone::Warning, &format!("`{reference}` passes over {}: {}", one.id, one.reason));
    }
    if let Some(more) = passed_over.len().checked_sub(TOLD).filter(|more| *more > 0) {
        app.watch.say(Tone::Warning, &format!("`{reference}` passes over {more} more; see `jagad list`"));
    }
}

/// Where the backup `id` is recorded, also when its manifest cannot be read.
pub(super) async fn locate_unreadable(
    app: &App,
    id: &BackupId,
    store: Option<&StoreName>,
) -> Result<Option<(Catalog, DatabaseName)>, Failure> {
    for name in stores(app, &BackupReference::Id(id.clone()), store) {
        let catalog = match app.catalog_in(app.store(Some(&name)).await?, Some(&name)).await {
            Err(CatalogError::NoRepository { .. }) => continue,
            opened => opened?,
        };
        if let Some(database) = catalog.place_of(id).await? {
            return Ok(Some((catalog, database)));
        }
    }
    Ok(None)
}

/// As [`locate`], and the backup must be one whose run succeeded.
pub(super) async fn locate_good(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
) -> Result<(Catalog, Entry), Failure> {
    locate_good_holding(app, reference, store, &[]).await
}

/// As [`locate_good`]; a symbolic reference means a backup that holds `databases`, each whole.
pub(super) async fn locate_good_holding(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
    databases: &[String],
) -> Result<(Catalog, Entry), Failure> {
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
