//! Deletes backups in an order in which a crash leaves garbage, never a backup that cannot be restored.

use super::{Catalog, CatalogError, layout};
use crate::model::{BackupId, BackupStatus, DatabaseName, PartName};
use crate::store::{ObjectKey, ObjectMeta};
use futures_util::TryStreamExt as _;

impl Catalog {
    /// Deletes the manifest of a backup: from then on the backup does not exist. A missing manifest is success.
    pub async fn delete_manifest(&self, database: &DatabaseName, id: &BackupId) -> Result<(), CatalogError> {
        let key = layout::manifest(database, id);
        let doing = format!("delete manifest `{key}`");
        self.store().delete(std::slice::from_ref(&key)).await.map_err(CatalogError::store(doing))
    }

    /// Deletes the other objects of a backup whose manifest is gone; does nothing when the manifest exists. An error
    /// may leave some of them, which a later call deletes.
    pub async fn delete_rest(&self, database: &DatabaseName, id: &BackupId) -> Result<(), CatalogError> {
        let key = layout::manifest(database, id);
        let doing = format!("look for `{key}`");
        match self.store().head(&key).await.map_err(CatalogError::store(doing))? {
            Some(_) => Ok(()),
            None => self.delete_data(database, id, |_| true).await,
        }
    }

    /// Deletes what a failed or dead run stored; its manifest and log stay. It deletes nothing of a backup that is
    /// recorded as good. An error may leave some objects, which a later call deletes.
    pub async fn delete_leftovers(&self, database: &DatabaseName, id: &BackupId) -> Result<(), CatalogError> {
        if self.manifest(database, id).await?.is_some_and(|found| found.status == BackupStatus::Success) {
            return Ok(());
        }
        let keep = [layout::manifest(database, id), layout::log(database, id)];
        self.delete_data(database, id, |key| !keep.contains(key)).await
    }

    /// Deletes the stored segments of a part that is not included in the backup.
    pub async fn delete_part(
        &self,
        database: &DatabaseName,
        id: &BackupId,
        part: &PartName,
    ) -> Result<(), CatalogError> {
        let start = format!("{}.", layout::segment(database, id, part, 0));
        let whole = start.trim_end_matches('.').to_owned();
        let of_part = |key: &ObjectKey| key.as_str() == whole || key.as_str().starts_with(&start);
        self.delete_data(database, id, of_part).await
    }

    /// Tries to delete leases that were made empty because the store refused to delete them.
    pub async fn clear_empty_leases(&self, database: &DatabaseName) {
        let objects: Vec<ObjectMeta> =
            self.store().list(&layout::leases(database)).try_collect().await.unwrap_or_default();
        let empty: Vec<ObjectKey> =
            objects.into_iter().filter(|object| object.bytes == 0).map(|object| object.key).collect();
        if !empty.is_empty()
            && let Err(error) = self.store().delete(&empty).await
        {
            tracing::debug!(%error, "empty leases stay");
        }
    }

    async fn delete_data(
        &self,
        database: &DatabaseName,
        id: &BackupId,
        wanted: impl Fn(&ObjectKey) -> bool,
    ) -> Result<(), CatalogError> {
        let folder = layout::backup(database, id);
        let objects: Vec<ObjectMeta> = self
            .store()
            .list(&folder)
            .try_collect()
            .await
            .map_err(CatalogError::store(format!("list `{folder}`")))?;
        let keys: Vec<ObjectKey> = objects.into_iter().map(|object| object.key).filter(wanted).collect();
        if keys.is_empty() {
            return Ok(());
        }
        self.store().delete(&keys).await.map_err(CatalogError::store(format!("delete `{folder}`")))
    }
}
