//! `jagad repository init`: the only way to begin a repository where this host has seen another one.

use super::{App, Class, Failure, known_repositories};
use crate::catalog::{Catalog, CatalogError};
use crate::config::ConfigError;
use crate::model::{RepositoryId, StoreName};
use crate::store;
use serde::Serialize;

/// The repository that exists now.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The store.
    pub store: StoreName,
    /// Where it is, described.
    pub place: String,
    /// Its identity.
    pub repository: RepositoryId,
    /// Whether it was created just now; false when it existed before.
    pub created: bool,
}

/// Makes the repository in the store `name`, or the default one, with the directory of a local store. An existing one
/// stays as it is, and this host accepts it as the store's from now on.
pub async fn init(app: &App, name: Option<&StoreName>) -> Result<Report, Failure> {
    let name = name.or_else(|| app.inventory.default_store()).ok_or(ConfigError::NoStore)?;
    if let Some(repository) = app.inventory.repositories.get(name) {
        let message = format!("`stores.{name}.repository` says that {repository} is there already");
        return Err(Failure::new(Class::Refused, message)
            .help("Remove that key from the configuration to begin another repository."));
    }
    let settings = app.inventory.store_settings(Some(name)).await?;
    store::prepare(&settings)?;
    let store = store::open(&settings)?;
    let authenticator = app.authenticator().await;
    let (catalog, created) = match Catalog::open(store.clone(), authenticator.clone()).await {
        Err(CatalogError::NoRepository { .. }) => {
            let (now, lifetime) = (app.clock.now(), app.inventory.settings.lease_lifetime);
            (Catalog::open_or_create(store, authenticator, now, lifetime).await?, true)
        }
        opened => (opened?, false),
    };
    known_repositories::remember(app, name, &catalog);
    Ok(Report { store: name.clone(), place: catalog.store().describe(), repository: catalog.id(), created })
}
