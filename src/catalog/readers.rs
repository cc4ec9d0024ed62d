//! Leases of readers, which protect a backup from deletion while it is being read. Any number of readers may hold one;
//! it expires like any lease when it is not renewed.

use super::error::CatalogError;
use super::lease::{self, FoundLease, Lease, LeaseRecord};
use super::{Catalog, layout};
use crate::model::{BackupId, DatabaseName};
use crate::store::ObjectKey;

impl Catalog {
    /// Announces that `record.backup` of `database` is being read. After this has returned, the reader must check that
    /// the backup still exists: a deletion removes the manifest first and then looks for readers, so one of the two
    /// sees the other.
    pub async fn announce(
        &self,
        database: &DatabaseName,
        record: LeaseRecord,
    ) -> Result<Lease, CatalogError> {
        Lease::announce(self.store(), database, record).await
    }

    /// The processes that read backups of `database` now. Expired leases of dead readers are removed if possible.
    pub async fn readers(&self, database: &DatabaseName) -> Result<Vec<FoundLease>, CatalogError> {
        let found = lease::survey(self.store().as_ref(), &layout::readers(database)).await?;
        let (dead, alive): (Vec<FoundLease>, Vec<FoundLease>) =
            found.into_iter().partition(FoundLease::is_expired);
        let dead: Vec<ObjectKey> = dead.into_iter().map(|reader| reader.key).collect();
        if !dead.is_empty()
            && let Err(error) = self.store().delete(&dead).await
        {
            tracing::debug!(%error, "the records of dead readers were not removed");
        }
        Ok(alive)
    }

    /// The first process that reads, or may read, the backup `id` now.
    pub async fn reader_of(
        &self,
        database: &DatabaseName,
        id: &BackupId,
    ) -> Result<Option<FoundLease>, CatalogError> {
        let readers = self.readers(database).await?;
        Ok(readers.into_iter().find(|reader| reader.may_be(|record| record.backup.as_ref() == Some(id))))
    }
}
