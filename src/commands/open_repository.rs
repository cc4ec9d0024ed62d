//! Opens the repository of a store, and creates one if this host has never seen one there.

use super::{App, Failure, delegated, known_repositories};
use crate::catalog::{Catalog, CatalogError};
use crate::model::StoreName;
use crate::store::Store;
use std::sync::Arc;

impl App {
    /// Opens the repository in the store `name`; there must be one.
    pub async fn catalog(&self, name: Option<&StoreName>) -> Result<Catalog, Failure> {
        let store = self.store(name).await?;
        Ok(self.catalog_in(store, name).await?)
    }

    /// Opens the repository in `store`, which is called `name`. [`CatalogError::NoRepository`] when there is none, and
    /// [`CatalogError::RepositoryGone`] when this host has seen one there.
    pub(super) async fn catalog_in(
        &self,
        store: Arc<dyn Store>,
        name: Option<&StoreName>,
    ) -> Result<Catalog, CatalogError> {
        let opened = Catalog::open(store, self.authenticator().await).await;
        let opened = opened.map(|catalog| catalog.with_presence(delegated::presence(self)));
        let Some(name) = name.or_else(|| self.inventory.default_store()) else { return opened };
        let named = self.inventory.repositories.get(name).copied();
        match opened {
            Ok(catalog) => {
                if let Some(repository) = named.filter(|named| *named != catalog.id()) {
                    let place = catalog.store().describe();
                    return Err(CatalogError::RepositoryGone { place, repository, store: name.clone() });
                }
                known_repositories::remember(self, name, &catalog);
                Ok(catalog)
            }
            Err(CatalogError::NoRepository { place }) => {
                match named.or_else(|| known_repositories::known(self, name, &place)) {
                    Some(repository) => {
                        Err(CatalogError::RepositoryGone { place, repository, store: name.clone() })
                    }
                    None => Err(CatalogError::NoRepository { place }),
                }
            }
            failed => failed,
        }
    }

    /// Opens the repository in the store `name`, or makes it where this host has never seen one.
    pub(super) async fn catalog_or_new(&self, name: Option<&StoreName>) -> Result<Catalog, Failure> {
        let store = self.store(name).await?;
        match self.catalog_in(Arc::clone(&store), name).await {
            Err(CatalogError::NoRepository { .. }) => {
                let (now, lifetime) = (self.clock.now(), self.inventory.settings.lease_lifetime);
                let authenticator = self.authenticator().await;
                Catalog::open_or_create(Arc::clone(&store), authenticator, now, lifetime).await?;
                Ok(self.catalog_in(store, name).await?)
            }
            opened => Ok(opened?),
        }
    }
}
