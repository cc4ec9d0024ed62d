//! From a reference to the one backup it means.

use super::chain::{Chains, Chosen, Unclear, Wanted};
use super::error::{CatalogError, PassedOver};
use super::layout;
use super::listing::{Items, ListedBackup};
use super::repository::Catalog;
use super::{BackupReference, Listing};
use crate::model::{BackupId, DatabaseName, Timestamp};
use futures_util::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet};

/// Backups named where none is good.
const CANDIDATES: usize = 3;

/// The backup that a reference means.
#[derive(Debug)]
pub struct Located {
    /// It.
    pub entry: ListedBackup,
    /// Newer ones that a symbolic reference passed over, the newest first.
    pub passed_over: Vec<PassedOver>,
}

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
        // A name that no good backup holds is told with the names that the newest one does hold.
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

    /// The database under which the backup `id` is recorded, whatever its manifest says.
    pub async fn place_of(&self, id: &BackupId) -> Result<Option<DatabaseName>, CatalogError> {
        let prefix = layout::databases();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((database, found, layout::Item::Manifest)) = layout::backup_item(&object.key)
                && found == *id
            {
                return Ok(Some(database));
            }
        }
        Ok(None)
    }

    /// The backup `id` with what is beside its manifest, `None` when it is not committed.
    pub async fn find_entry(
        &self,
        database: &DatabaseName,
        id: &BackupId,
    ) -> Result<Option<ListedBackup>, CatalogError> {
        let prefix = layout::backup(database, id);
        let mut items = Items::default();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((_, _, item)) = layout::backup_item(&object.key) {
                items.note(item, &object.key, object.modified);
            }
        }
        drop(objects);
        self.entry(database, id, items).await
    }

    async fn find_by_text(&self, text: &str) -> Result<Located, CatalogError> {
        let prefix = layout::databases();
        let mut found: BTreeMap<(DatabaseName, BackupId), Items> = BTreeMap::new();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((database, id, item)) = layout::backup_item(&object.key)
                && id.to_string().starts_with(text)
            {
                found.entry((database, id)).or_default().note(item, &object.key, object.modified);
            }
        }
        drop(objects);
        found.retain(|_, items| items.manifest);
        let ids: BTreeSet<&BackupId> = found.keys().map(|(_, id)| id).collect();
        if ids.len() > 1 {
            let examples = ids.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(CatalogError::Ambiguous { prefix: text.to_owned(), count: ids.len(), examples });
        }
        // An id is of one database. Copies of its folder that somebody has put under others cannot be read, and hide nothing.
        let mut problem = None;
        for ((database, id), items) in found {
            match self.entry(&database, &id, items).await {
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
