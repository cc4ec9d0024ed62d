//! Finding the backup that a reference means, in the store where it is.

use super::{App, Class, Failure};
use crate::catalog::{BackupReference, Catalog, CatalogError, Entry};
use crate::config::ConfigError;
use crate::model::{BackupStatus, StoreName};

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
    let first = entry.and_then(|entry| app.inventory.store_of(entry, None));
    let mut stores: Vec<StoreName> = Vec::new();
    let all = first.into_iter().chain(app.inventory.default_store().cloned());
    for name in all.chain(app.inventory.stores.keys().cloned()) {
        if !stores.contains(&name) {
            stores.push(name);
        }
    }
    stores
}

/// The backup that `reference` means, and the catalogue it is in.
pub(super) async fn locate(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
) -> Result<(Catalog, Entry), Failure> {
    let mut missing: Option<Failure> = None;
    for name in stores(app, reference, store) {
        let found = match Catalog::open(app.store(Some(&name)).await?).await {
            Ok(catalog) => catalog.find(reference).await.map(|entry| (catalog, entry)),
            Err(error) => Err(error),
        };
        match found {
            Ok(found) => return Ok(found),
            Err(error @ (CatalogError::NotFound { .. } | CatalogError::NoRepository { .. })) => {
                missing.get_or_insert_with(|| error.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(missing.unwrap_or_else(|| ConfigError::NoStore.into()))
}

/// As [`locate`], and the backup must be one that restores.
pub(super) async fn locate_good(
    app: &App,
    reference: &BackupReference,
    store: Option<&StoreName>,
) -> Result<(Catalog, Entry), Failure> {
    let (catalog, entry) = locate(app, reference, store).await?;
    match entry.manifest.status {
        BackupStatus::Success => Ok((catalog, entry)),
        status => Err(Failure::new(Class::Refused, format!("cannot restore backup with status: {status}"))
            .help(format!(
                "See why with `jagad logs {}`, and choose another from `jagad list`.",
                entry.manifest.id
            ))),
    }
}
