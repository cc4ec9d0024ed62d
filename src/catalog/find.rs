//! Finds the one backup of a reference.

use super::chain::{Chains, Chosen, Unclear, Wanted};
use super::error::{CatalogError, PassedOver};
use super::layout;
use super::listing::{Items, ListedBackup};
use super::repository::Catalog;
use super::{BackupReference, Listing};
use crate::model::{BackupId, DatabaseName, Timestamp};
use futures_util::{StreamExt as _, stream};
use std::collections::{BTreeMap, BTreeSet};

/// Concurrent requests to the store.
const LOOKS: usize = 32;
/// How many backups an error names when none is good.
const CANDIDATES: usize = 3;

/// The backup that a reference means.
#[derive(Debug)]
pub struct Located {
    /// It.
    pub entry: ListedBackup,
    /// Newer ones that a symbolic reference passed over, the newest first.
    pub passed_over: Vec<PassedOver>,
}

/// The folder of a backup.
type Place = (DatabaseName, BackupId);

impl Catalog {
    /// The one backup that `reference` means. A symbolic one means the newest good backup that holds `databases`, or the whole
    /// entry where none is named.
    pub async fn find(
        &self,
        reference: &BackupReference,
        databases: &[String],
        now: Timestamp,
    ) -> Result<Located, CatalogError> {
        let (database, started_by) = match reference {
            BackupReference::Id(id) => return self.find_by_text(&id.to_string()).await,
            BackupReference::Prefix(prefix) => return self.find_by_text(prefix).await,
            BackupReference::Latest(database) => (database, None),
            BackupReference::At(database, time) => (database, Some(*time)),
        };
        let Listing { entries, unreadable, .. } = self.list(Some(database)).await?;
        let chains = Chains::new(&entries, now);
        // If no good backup holds a name, the error lists the names that the newest one holds.
        let holds_none = |unclear| match unclear {
            Unclear::NoneGood(candidates) if !databases.is_empty() => chains
                .choose(&Wanted { started_by, databases: &[] }, &unreadable)
                .map_err(|_| Unclear::NoneGood(candidates)),
            unclear => Err(unclear),
        };
        let unclear = match chains.choose(&Wanted { started_by, databases }, &unreadable).or_else(holds_none)
        {
            Ok(Chosen { entry, passed_over }) => return Ok(Located { entry: entry.clone(), passed_over }),
            Err(unclear) => unclear,
        };
        Err(match unclear {
            Unclear::Unreadable { backups, best } => {
                let (newest, best) = (backups[0].id.clone(), best.cloned());
                let ids = backups.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(", ");
                let error =
                    unreadable.into_iter().find(|one| one.id == newest).map(|one| Box::new(one.error));
                match error {
                    Some(source) => {
                        CatalogError::Unclear { reference: reference.to_string(), ids, best, source }
                    }
                    None => CatalogError::NotFound { reference: reference.to_string() },
                }
            }
            Unclear::NoneGood(candidates) if candidates.is_empty() => {
                CatalogError::NotFound { reference: reference.to_string() }
            }
            Unclear::NoneGood(mut candidates) => {
                candidates.truncate(CANDIDATES);
                CatalogError::NoneGood { reference: reference.to_string(), candidates }
            }
        })
    }

    /// The database in whose folder the backup `id` is recorded, whatever its manifest says.
    pub async fn place_of(&self, id: &BackupId) -> Result<Option<DatabaseName>, CatalogError> {
        let mut committed = self.committed(self.places_of(id).await?).await?;
        if committed.is_empty() {
            committed = self.committed(self.all_like(&id.to_string()).await?).await?;
        }
        Ok(committed.into_keys().next().map(|(database, _)| database))
    }

    /// Which of `places` hold a committed backup, with the records beside its manifest. Lists only those folders, so
    /// that the cost does not depend on the rest of the repository.
    async fn committed(&self, places: BTreeSet<Place>) -> Result<BTreeMap<Place, Items>, CatalogError> {
        let mut looks = stream::iter(places)
            .map(|place| async move { self.items(&place.0, &place.1).await.map(|items| (place, items)) })
            .buffer_unordered(LOOKS);
        let mut found = BTreeMap::new();
        while let Some(look) = looks.next().await {
            let (place, items) = look?;
            if items.manifest {
                found.insert(place, items);
            }
        }
        Ok(found)
    }

    /// The databases that have a folder in the repository.
    pub async fn databases(&self) -> Result<Vec<DatabaseName>, CatalogError> {
        let prefix = layout::databases();
        let names = self.store().folders(&prefix).await;
        let names = names.map_err(CatalogError::store(format!("list `{prefix}`")))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The folders in which the backup `id` may be.
    async fn places_of(&self, id: &BackupId) -> Result<BTreeSet<Place>, CatalogError> {
        Ok(self.databases().await?.into_iter().map(|database| (database, id.clone())).collect())
    }

    /// The folders of backups whose id begins with `text`.
    async fn places_like(&self, text: &str) -> Result<BTreeSet<Place>, CatalogError> {
        let mut folders = stream::iter(self.databases().await?)
            .map(|database| async move {
                let prefix = layout::backups(&database);
                let names = self.store().folders(&prefix).await;
                let names = names.map_err(CatalogError::store(format!("list `{prefix}`")))?;
                Ok::<_, CatalogError>((database, names))
            })
            .buffer_unordered(LOOKS);
        let mut places = BTreeSet::new();
        while let Some(found) = folders.next().await {
            let (database, names) = found?;
            let ids = names.iter().filter(|name| name.starts_with(text)).filter_map(|name| name.parse().ok());
            places.extend(ids.map(|id| (database.clone(), id)));
        }
        Ok(places)
    }

    async fn items(&self, database: &DatabaseName, id: &BackupId) -> Result<Items, CatalogError> {
        let prefix = layout::backup(database, id);
        let mut items = Items::default();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((_, _, item)) = layout::backup_item(&object.key) {
                items.note(item, &object.key, object.modified);
            }
        }
        Ok(items)
    }

    /// The backup `id` with the records beside its manifest, `None` when it is not committed.
    pub async fn find_entry(
        &self,
        database: &DatabaseName,
        id: &BackupId,
    ) -> Result<Option<ListedBackup>, CatalogError> {
        let items = self.items(database, id).await?;
        self.asked_entry(database, id, items).await
    }

    /// One backup, and whether its data still exists.
    async fn asked_entry(
        &self,
        database: &DatabaseName,
        id: &BackupId,
        items: Items,
    ) -> Result<Option<ListedBackup>, CatalogError> {
        let mut entry = self.entry(database, id, items).await?;
        if let Some(entry) = &mut entry {
            self.note_gone(std::slice::from_mut(entry)).await;
        }
        Ok(entry)
    }

    async fn find_by_text(&self, text: &str) -> Result<Located, CatalogError> {
        let places = match text.parse() {
            Ok(id) => self.places_of(&id).await?,
            Err(_) => self.places_like(text).await?,
        };
        match self.find_among(text, places).await {
            // Some servers do not list every folder.
            Err(CatalogError::NotFound { .. }) => self.find_among(text, self.all_like(text).await?).await,
            found => found,
        }
    }

    /// The folders of backups whose id begins with `text`, from a listing of everything.
    async fn all_like(&self, text: &str) -> Result<BTreeSet<Place>, CatalogError> {
        let prefix = layout::databases();
        let mut places = BTreeSet::new();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((database, id, _)) = layout::backup_item(&object.key)
                && id.to_string().starts_with(text)
            {
                places.insert((database, id));
            }
        }
        Ok(places)
    }

    async fn find_among(&self, text: &str, places: BTreeSet<Place>) -> Result<Located, CatalogError> {
        let ambiguous = |ids: &BTreeSet<&BackupId>| {
            let examples = ids.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join(", ");
            CatalogError::Ambiguous { prefix: text.to_owned(), count: ids.len(), examples }
        };
        let ids: BTreeSet<&BackupId> = places.iter().map(|(_, id)| id).collect();
        if ids.len() > LOOKS {
            return Err(ambiguous(&ids));
        }
        // Folders of runs that were never committed are not backups.
        let found = self.committed(places).await?;
        let ids: BTreeSet<&BackupId> = found.keys().map(|(_, id)| id).collect();
        if ids.len() > 1 {
            return Err(ambiguous(&ids));
        }
        // An id belongs to one database. Copies of its folder under other databases cannot be read, and hide nothing.
        let mut problem = None;
        for ((database, id), items) in found {
            match self.asked_entry(&database, &id, items).await {
                Ok(Some(entry)) => return Ok(Located { entry, passed_over: Vec::new() }),
                Ok(None) => {}
                Err(error) if !error.is_of_one_object() => return Err(error),
                Err(error @ CatalogError::Stranger { .. }) => {
                    problem.get_or_insert(error);
                }
                Err(error) => problem = Some(error),
            }
        }
        Err(problem.unwrap_or_else(|| CatalogError::NotFound { reference: text.to_owned() }))
    }
}
