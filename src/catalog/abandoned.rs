//! What dead and failed runs and interrupted deletions left behind: objects of backups that do not exist. They are
//! found by listing the folder, not by reading its manifest.

use super::error::CatalogError;
use super::layout::{self, Item};
use super::listing::Listing;
use super::repository::Catalog;
use crate::model::{BackupId, BackupStatus, DatabaseName, Timestamp};
use crate::store::ObjectMeta;
use futures_util::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The objects of one backup that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// The id of the backup that they would have belonged to.
    pub id: BackupId,
    /// Their bytes.
    pub bytes: u64,
    /// When the last of them was written, by the store's clock.
    pub modified: Timestamp,
    /// Whether its run is recorded as failed: its manifest and its log stay.
    pub recorded: bool,
}

/// What was seen of one folder.
struct Folder {
    recorded: bool,
    /// Bytes without the manifest and the other records.
    data_bytes: u64,
    data_objects: u64,
    bytes: u64,
    modified: Timestamp,
}

impl Catalog {
    /// Objects of `database` that belong to no backup: those of runs that failed according to `listing`, and those
    /// without a manifest of which the last was written more than `older_than` ago by the store's clock. The caller
    /// must leave out runs that are under way.
    pub async fn abandoned(
        &self,
        database: &DatabaseName,
        listing: &Listing,
        older_than: Duration,
    ) -> Result<Vec<Abandoned>, CatalogError> {
        let prefix = layout::backups(database);
        let failed = || CatalogError::store(format!("list `{prefix}`"));
        let now = self.store().clock().await.map_err(failed())?;
        let mut found: BTreeMap<BackupId, Folder> = BTreeMap::new();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object: ObjectMeta = object.map_err(failed())?;
            let Some((_, id, item)) = layout::backup_item(&object.key) else { continue };
            let blank = Folder {
                recorded: false,
                data_bytes: 0,
                data_objects: 0,
                bytes: 0,
                modified: object.modified,
            };
            let folder = found.entry(id).or_insert(blank);
            folder.recorded |= item == Item::Manifest;
            if let Item::Other(name) = item
                && name != layout::LOG
            {
                folder.data_bytes += object.bytes;
                folder.data_objects += 1;
            }
            folder.bytes += object.bytes;
            folder.modified = folder.modified.max(object.modified);
        }
        let failed_run = |entry: &&super::ListedBackup| entry.manifest.status == BackupStatus::Failed;
        let failed_runs: BTreeSet<&BackupId> =
            listing.entries.iter().filter(failed_run).map(|entry| &entry.manifest.id).collect();
        let abandoned = found.into_iter().filter_map(|(id, folder)| {
            let gone = if folder.recorded {
                failed_runs.contains(&id) && folder.data_objects > 0
            } else {
                now.since(folder.modified) > older_than
            };
            let bytes = if folder.recorded { folder.data_bytes } else { folder.bytes };
            let (modified, recorded) = (folder.modified, folder.recorded);
            gone.then_some(Abandoned { id, bytes, modified, recorded })
        });
        Ok(abandoned.collect())
    }
}
