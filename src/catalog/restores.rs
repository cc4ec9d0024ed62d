//! Records of restores: the start, the end and the log.

use super::error::CatalogError;
use super::layout;
use super::lease::{self, Operation};
use super::manifest::FailureRecord;
use super::record;
use super::repository::Catalog;
use crate::model::{BackupId, DatabaseName, RestoreId, RestoreStatus, Timestamp};
use crate::store::{self, ObjectRole, StoreError};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A longer log is shown up to this size.
const LOG_LIMIT: u64 = 64 << 20;

/// The record of one restore: written when it begins, and once more when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRecord {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Identity of the restore.
    pub id: RestoreId,
    /// The backup that was restored.
    pub backup: BackupId,
    /// Database entry it came from.
    pub source: DatabaseName,
    /// Database entry it went to.
    pub target: DatabaseName,
    /// Logical databases as they are named on the target.
    pub databases: Vec<String>,
    /// `running` while it has only begun.
    pub status: RestoreStatus,
    /// When it began: after the confirmation.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<FailureRecord>,
    /// On which host.
    pub host: String,
    /// Its process there.
    pub pid: u32,
}

/// A restore with a record that cannot be read.
#[derive(Debug)]
pub struct UnreadableRestore {
    /// The entry that it went to.
    pub target: DatabaseName,
    /// The restore.
    pub id: RestoreId,
    /// Why.
    pub error: CatalogError,
}

/// Every recorded restore, the oldest first, and the records that cannot be read.
#[derive(Debug, Default)]
pub struct RestoreListing {
    /// Restores by their beginning.
    pub restores: Vec<RestoreRecord>,
    /// Those that cannot be read.
    pub unreadable: Vec<UnreadableRestore>,
}

impl Catalog {
    /// Records that a restore has begun, and later how it ended. The log comes before the end.
    pub async fn record_restore(&self, restore: &RestoreRecord) -> Result<(), CatalogError> {
        let key = match restore.status {
            RestoreStatus::Running => layout::restore_begun(&restore.target, &restore.id),
            _ => layout::restore(&restore.target, &restore.id),
        };
        record::write(self.store().as_ref(), &key, restore, ObjectRole::Record).await
    }

    /// Writes a restore's log.
    pub async fn write_restore_log(&self, restore: &RestoreRecord, text: &str) -> Result<(), CatalogError> {
        let key = layout::restore_log(&restore.target, &restore.id);
        let written =
            store::write_small(self.store().as_ref(), &key, text.as_bytes().to_vec(), ObjectRole::Record);
        written.await.map(|_| ()).map_err(CatalogError::store(format!("write log `{key}`")))
    }

    /// A restore's log, `None` when it has none.
    pub async fn read_restore_log(&self, restore: &RestoreRecord) -> Result<Option<String>, CatalogError> {
        let key = layout::restore_log(&restore.target, &restore.id);
        match self.store().read(&key, LOG_LIMIT).await {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(source) => Err(CatalogError::Store { doing: format!("read log `{key}`"), source }),
        }
    }

    /// Every restore into `database`, or into any. A restore without an end is running while its lease is live, and
    /// dead after that.
    pub async fn restores(&self, database: Option<&DatabaseName>) -> Result<RestoreListing, CatalogError> {
        let prefix = database.map_or_else(layout::databases, layout::restores);
        let mut found: BTreeMap<(DatabaseName, RestoreId), bool> = BTreeMap::new();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((database, id, ended)) = layout::restore_item(&object.key) {
                *found.entry((database, id)).or_default() |= ended;
            }
        }
        drop(objects);
        let mut listing = RestoreListing::default();
        for ((target, id), ended) in found {
            match self.restore(&target, &id, ended).await {
                Ok(record) => listing.restores.extend(record),
                Err(error) if !error.is_of_one_object() => return Err(error),
                Err(error) => listing.unreadable.push(UnreadableRestore { target, id, error }),
            }
        }
        listing.restores.sort_by(|one, other| (one.started_at, &one.id).cmp(&(other.started_at, &other.id)));
        Ok(listing)
    }

    async fn restore(
        &self,
        target: &DatabaseName,
        id: &RestoreId,
        ended: bool,
    ) -> Result<Option<RestoreRecord>, CatalogError> {
        let store = self.store().as_ref();
        let key = if ended { layout::restore(target, id) } else { layout::restore_begun(target, id) };
        let Some(mut record) = record::read::<RestoreRecord>(store, &key).await? else { return Ok(None) };
        if record.id != *id || record.target != *target {
            let problem = format!("it says it is `{}` into `{}`", record.id, record.target);
            return Err(CatalogError::Stranger { key, problem });
        }
        if !ended {
            let leases = lease::survey(store, &layout::leases(target)).await?;
            let lives = leases.iter().filter(|found| !found.is_expired()).any(|found| {
                found.may_be(|lease| {
                    lease.operation == Operation::Restore
                        && lease.host == record.host
                        && lease.pid == record.pid
                })
            });
            record.status = if lives { RestoreStatus::Running } else { RestoreStatus::Died };
        }
        Ok(Some(record))
    }
}
