//! One writer per database, on any number of hosts: write, then list.
//!
//! This cannot rely on conditional writes, because some servers silently ignore the condition. On every server the next
//! listing shows a write. So: list, and any other live lease means busy; write a lease under a random key of our own;
//! list again, and if there is any other live lease, remove our own, wait and try again. Two writers that race see each
//! other and both withdraw. The age of a lease is the store's clock minus the object's modification time; our own clock
//! is never used.

mod record;

pub use record::{FoundLease, LeaseRecord, Operation, host_name, record};

use super::error::CatalogError;
use super::layout;
use super::record::{parse, print};
use crate::model::{BackupId, DatabaseName, random_word};
use crate::store::{self, KeyPrefix, ObjectKey, ObjectRole, Store};
use futures_util::TryStreamExt as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A lease record never grows beyond this.
const RECORD_LIMIT: u64 = 64 << 10;
/// How often a race for the lease is repeated before the database counts as busy.
const TRIES: u32 = 6;

/// Removes a lease. If the store refuses to delete it, it is overwritten with an empty object: an empty lease counts as
/// released.
pub async fn end(store: &dyn Store, key: &ObjectKey) -> Result<(), CatalogError> {
    let refused = match store.delete(std::slice::from_ref(key)).await {
        Ok(()) => return Ok(()),
        Err(refused) => refused,
    };
    let emptied = match &refused {
        store::StoreError::Unreachable { .. } => false,
        _ => store::write_small(store, key, Vec::new(), ObjectRole::Mutable).await.is_ok(),
    };
    if emptied {
        tracing::debug!(lease = %key, error = %refused, "the lease was not deleted, so it was made empty");
        return Ok(());
    }
    Err(CatalogError::Store { doing: format!("remove lease `{key}`"), source: refused })
}

/// Every lease in `folder` that a process holds or has not released.
pub async fn survey(store: &dyn Store, folder: &KeyPrefix) -> Result<Vec<FoundLease>, CatalogError> {
    let doing = || format!("list leases in `{folder}`");
    let mut objects: Vec<_> = store.list(folder).try_collect().await.map_err(CatalogError::store(doing()))?;
    // Empty leases were released on a store that refuses deletions.
    objects.retain(|object| object.bytes > 0);
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let now = store.clock().await.map_err(CatalogError::store("ask the store for its time"))?;
    let mut found = Vec::new();
    for object in objects {
        let record = match store.read(&object.key, RECORD_LIMIT).await {
            Ok(bytes) => parse(&object.key, &bytes),
            // Released between the listing and the reading.
            Err(store::StoreError::NotFound { .. }) => continue,
            Err(source) => Err(CatalogError::Store { doing: format!("read lease `{}`", object.key), source }),
        };
        let record = match record {
            Err(error) if !error.is_of_one_object() => return Err(error),
            // Its holder may be alive: it counts, and it expires like any other.
            record => record.map_err(|error| error.with_cause()),
        };
        found.push(FoundLease { record, age: now.since(object.modified), key: object.key });
    }
    Ok(found)
}

/// The content of a lease. A writer holds the lock until its write to the store is done, so that the last content wins.
type RecordLock = tokio::sync::Mutex<LeaseRecord>;

/// A held lease. It is renewed in the background until it is released; dropping it only stops the renewal, and the
/// lease then expires.
#[derive(Debug)]
pub struct Lease {
    store: Arc<dyn Store>,
    database: DatabaseName,
    key: ObjectKey,
    lifetime: Duration,
    record: Arc<RecordLock>,
    renewed: Arc<Mutex<Instant>>,
    lost: CancellationToken,
    stop: CancellationToken,
    renewal: JoinHandle<()>,
}

impl Lease {
    /// Takes the lease on `database`.
    ///
    /// [`CatalogError::Busy`] when a live lease is there, [`CatalogError::Expired`] when only dead ones are: their runs
    /// must be recorded and their leases deleted by the caller before it tries again.
    pub async fn acquire(
        store: &Arc<dyn Store>,
        database: &DatabaseName,
        record: LeaseRecord,
    ) -> Result<Self, CatalogError> {
        Self::acquire_in(store, &layout::leases(database), database, record).await
    }

    /// Takes a lease for reading a backup of `database`. It only prevents the deletion of that backup.
    pub(super) async fn announce(
        store: &Arc<dyn Store>,
        database: &DatabaseName,
        record: LeaseRecord,
    ) -> Result<Self, CatalogError> {
        let (key, written) = write_new(store.as_ref(), &layout::readers(database), &record).await?;
        Ok(Self::start(Arc::clone(store), database.clone(), key, record, written))
    }

    /// As [`Lease::acquire`], in another folder; `subject` names it in errors.
    pub(super) async fn acquire_in(
        store: &Arc<dyn Store>,
        folder: &KeyPrefix,
        subject: &DatabaseName,
        record: LeaseRecord,
    ) -> Result<Self, CatalogError> {
        let mut busy = None;
        for attempt in 0..TRIES {
            if attempt > 0 {
                let longest = 100u64 << attempt;
                tokio::time::sleep(Duration::from_millis(rand::random_range(20..longest))).await;
            }
            refuse_others(store.as_ref(), folder, subject, None).await?;
            let (key, written) = write_new(store.as_ref(), folder, &record).await?;
            match refuse_others(store.as_ref(), folder, subject, Some(&key)).await {
                Ok(()) => return Ok(Self::start(Arc::clone(store), subject.clone(), key, record, written)),
                Err(error) => {
                    if let Err(left) = end(store.as_ref(), &key).await {
                        // It expires; until then the database is busy.
                        tracing::warn!(lease = %key, error = %left, "the lease was not removed");
                        return Err(error);
                    }
                    if !matches!(error, CatalogError::Busy { .. }) {
                        return Err(error);
                    }
                    busy = Some(error);
                }
            }
        }
        Err(busy.unwrap_or_else(|| CatalogError::Busy {
            database: subject.clone(),
            holder: "several runs want it at once".to_owned(),
        }))
    }

    fn start(
        store: Arc<dyn Store>,
        database: DatabaseName,
        key: ObjectKey,
        record: LeaseRecord,
        written: Instant,
    ) -> Self {
        let lifetime = Duration::from_secs(record.lifetime_seconds);
        let renewed = Arc::new(Mutex::new(written));
        let record = Arc::new(RecordLock::new(record));
        let (lost, stop) = (CancellationToken::new(), CancellationToken::new());
        let renewal = tokio::spawn(renew(Renewal {
            store: Arc::clone(&store),
            key: key.clone(),
            record: Arc::clone(&record),
            lifetime,
            renewed: Arc::clone(&renewed),
            lost: lost.clone(),
            stop: stop.clone(),
        }));
        Self { store, database, key, lifetime, record, renewed, lost, stop, renewal }
    }

    /// Cancelled when the lease could not be renewed in time, or was removed: the holder must stop before it commits.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Checks right before a commit that the lease is still ours: renewed in time, and still in the store. Else
    /// [`CatalogError::LeaseLost`].
    pub async fn check(&self) -> Result<(), CatalogError> {
        let lost = |problem: &str| CatalogError::LeaseLost {
            database: self.database.clone(),
            problem: problem.to_owned(),
        };
        if self.lost.is_cancelled() || time_left(&self.renewed, self.lifetime).is_zero() {
            return Err(lost("it was not renewed in time"));
        }
        let doing = format!("look at lease `{}`", self.key);
        match self.store.head(&self.key).await.map_err(CatalogError::store(doing))? {
            Some(object) if object.bytes > 0 => Ok(()),
            _ => Err(lost("somebody removed it")),
        }
    }

    /// Rewrites the lease for another backup, which builds on `parents`.
    pub async fn change_backup(&self, backup: BackupId, parents: Vec<BackupId>) -> Result<(), CatalogError> {
        self.check().await?;
        let mut record = self.record.lock().await;
        (record.backup, record.parents) = (Some(backup), parents);
        let written =
            store::write_small(self.store.as_ref(), &self.key, print(&*record), ObjectRole::Mutable);
        written.await.map_err(CatalogError::store(format!("write lease `{}`", self.key)))?;
        Ok(())
    }

    /// Releases the lease. When this returns, no write is in flight that could create the lease again. After an error
    /// the lease stays until it expires.
    pub async fn release(mut self) -> Result<(), CatalogError> {
        self.stop.cancel();
        // Bounded by the lifetime; a renewal that panicked writes nothing any more.
        let _ended = (&mut self.renewal).await;
        end(self.store.as_ref(), &self.key).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An error when there is another lease in `folder`; live ones come first.
async fn refuse_others(
    store: &dyn Store,
    folder: &KeyPrefix,
    subject: &DatabaseName,
    own: Option<&ObjectKey>,
) -> Result<(), CatalogError> {
    let mut others = survey(store, folder).await?;
    let found = others.len();
    others.retain(|found| Some(&found.key) != own);
    if let Some(own) = own
        && others.len() == found
    {
        // A lease that is missing from the listing protects nothing.
        return Err(CatalogError::NotStored { key: own.clone(), problem: "it is not there".to_owned() });
    }
    if let Some(live) = others.iter().find(|found| !found.is_expired()) {
        return Err(CatalogError::Busy { database: subject.clone(), holder: live.describe() });
    }
    if others.is_empty() {
        return Ok(());
    }
    Err(CatalogError::Expired { database: subject.clone(), leases: others })
}

/// Writes a lease under a unique key and returns when the write began.
async fn write_new(
    store: &dyn Store,
    folder: &KeyPrefix,
    record: &LeaseRecord,
) -> Result<(ObjectKey, Instant), CatalogError> {
    let began = Instant::now();
    let key = folder
        .object(&format!("{}.json", random_word(26)))
        .map_err(|error| CatalogError::Reference { text: folder.to_string(), problem: error.to_string() })?;
    store::write_small(store, &key, print(record), ObjectRole::Mutable)
        .await
        .map_err(CatalogError::store(format!("write lease `{key}`")))?;
    Ok((key, began))
}

/// The time left of a lease last renewed at `renewed`, less a sixth for writes that are still in flight.
fn time_left(renewed: &Mutex<Instant>, lifetime: Duration) -> Duration {
    let renewed = *renewed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    (lifetime * 5 / 6).saturating_sub(renewed.elapsed())
}

struct Renewal {
    store: Arc<dyn Store>,
    key: ObjectKey,
    record: Arc<RecordLock>,
    lifetime: Duration,
    renewed: Arc<Mutex<Instant>>,
    lost: CancellationToken,
    stop: CancellationToken,
}

/// Rewrites the lease every third of its lifetime. When the lease has expired or was removed, stops and cancels `lost`.
async fn renew(lease: Renewal) {
    let third = lease.lifetime / 3;
    let mut pause = third;
    loop {
        tokio::select! {
            () = lease.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let left = time_left(&lease.renewed, lease.lifetime);
        if left.is_zero() {
            tracing::error!(lease = %lease.key, "the lease could not be renewed in time");
            lease.lost.cancel();
            return;
        }
        let began = Instant::now();
        // Another process may have removed it: writing it again would create it again.
        match tokio::time::timeout(left, lease.store.head(&lease.key)).await {
            // An empty one was removed on a store that refuses deletions.
            Ok(Ok(Some(found))) if found.bytes > 0 => {}
            Ok(Ok(_)) => {
                tracing::error!(lease = %lease.key, "the lease was removed by another process");
                lease.lost.cancel();
                return;
            }
            Ok(Err(error)) => {
                tracing::warn!(lease = %lease.key, %error, "the lease was not checked, trying again");
                pause = lease.lifetime / 12;
                continue;
            }
            Err(_) => {
                pause = Duration::ZERO;
                continue;
            }
        }
        let record = lease.record.lock().await;
        let left = time_left(&lease.renewed, lease.lifetime);
        let bytes = print(&*record);
        let write = store::write_small(lease.store.as_ref(), &lease.key, bytes, ObjectRole::Mutable);
        // A stop waits for this write: a dropped write may still reach the store, even after the lease was deleted.
        match tokio::time::timeout(left, write).await {
            Ok(Ok(_)) => {
                *lease.renewed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = began;
                pause = third;
            }
            Ok(Err(error)) => {
                tracing::warn!(lease = %lease.key, %error, "the lease was not renewed, trying again");
                pause = lease.lifetime / 12;
            }
            Err(_) => pause = Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests;
