//! What dead runs and interrupted deletions left: objects of backups that have no manifest.

use super::error::CatalogError;
use super::layout::{self, Item};
use super::repository::Catalog;
use crate::model::{BackupId, DatabaseName, Timestamp};
use crate::store::ObjectMeta;
use futures_util::StreamExt as _;
use std::collections::BTreeMap;
use std::time::Duration;

/// The objects of one backup that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// The backup that they would have been.
    pub id: BackupId,
    /// Their bytes.
    pub bytes: u64,
    /// When the last of them was written, by the store's clock.
    pub modified: Timestamp,
}

impl Catalog {
    /// Objects of `database` that belong to no recorded backup, of which the last was written more than `older_than` ago by
    /// the store's own clock. Runs that are under way are for the caller to leave out.
    pub async fn abandoned(
        &self,
        database: &DatabaseName,
        older_than: Duration,
    ) -> Result<Vec<Abandoned>, CatalogError> {
        let prefix = layout::backups(database);
        let failed = || CatalogError::store(format!("list `{prefix}`"));
        let now = self.store().clock().await.map_err(failed())?;
        let mut found: BTreeMap<BackupId, (bool, Abandoned)> = BTreeMap::new();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object: ObjectMeta = object.map_err(failed())?;
            let Some((_, id, item)) = layout::backup_item(&object.key) else { continue };
            let blank = Abandoned { id: id.clone(), bytes: 0, modified: object.modified };
            let (recorded, abandoned) = found.entry(id).or_insert((false, blank));
            *recorded |= item == Item::Manifest;
            abandoned.bytes += object.bytes;
            abandoned.modified = abandoned.modified.max(object.modified);
        }
        let old = |abandoned: &Abandoned| now.since(abandoned.modified) > older_than;
        let abandoned = found.into_values().filter(|(recorded, _)| !recorded).map(|(_, abandoned)| abandoned);
        Ok(abandoned.filter(old).collect())
    }
}
