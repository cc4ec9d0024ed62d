//! One writer per database, on any number of hosts: write, then list.
//!
//! Conditional writes cannot be the proof, because some servers ignore the condition silently. What every server gives
//! is that a write is seen by the next listing. So: list, and a live other lease means busy; write an own random key;
//! list again, and any other live lease means to take the own one back, wait and try again. Two writers that race see
//! each other and both withdraw. Age is the store's clock minus the object's modification time, never ours.

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
/// How often a race for the lease is run again before it counts as busy.
const TRIES: u32 = 6;

/// Takes a lease away. Where the store refuses to delete, it is made empty: an empty lease is nobody's.
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

/// Every lease in `folder` that somebody holds or held when he died.
pub async fn survey(store: &dyn Store, folder: &KeyPrefix) -> Result<Vec<FoundLease>, CatalogError> {
    let doing = || format!("list leases in `{folder}`");
    let mut objects: Vec<_> = store.list(folder).try_collect().await.map_err(CatalogError::store(doing()))?;
    // Given back where nothing can be deleted.
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
            // Its holder may be alive: it counts, and it runs out like any other.
            record => record.map_err(|error| error.with_cause()),
        };
        found.push(FoundLease { record, age: now.since(object.modified), key: object.key });
    }
    Ok(found)
}

/// What a lease says. Whoever writes it to the store holds the lock until that is done, so that what was said last stays.
type RecordLock = tokio::sync::Mutex<LeaseRecord>;

/// A held lease. It is renewed in the background until it is released; dropping it stops the renewal only, and the
/// lease then runs out by itself.
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

    /// Says that a backup of `database` is being read. Readers keep nobody out but who would delete it.
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
                        // It runs out by itself, and until then says that the database is busy.
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

    /// Fires when the lease could not be renewed in time, or was taken away: whoever holds it must stop before it commits.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Proves that the lease is still ours, right before a commit: renewed in time, and still in the store.
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

    /// Says from now on that it is held for another backup, which builds on `parents`.
    pub async fn change_backup(&self, backup: BackupId, parents: Vec<BackupId>) -> Result<(), CatalogError> {
        self.check().await?;
        let mut record = self.record.lock().await;
        (record.backup, record.parents) = (Some(backup), parents);
        let written =
            store::write_small(self.store.as_ref(), &self.key, print(&*record), ObjectRole::Mutable);
        written.await.map_err(CatalogError::store(format!("write lease `{}`", self.key)))?;
        Ok(())
    }

    /// Gives the lease back: when it returns, nothing is on its way to the store that would bring the lease back to life.
    pub async fn release(mut self) -> Result<(), CatalogError> {
        self.stop.cancel();
        // Bounded by the lifetime; one that panicked renews nothing any more.
        let _ended = (&mut self.renewal).await;
        end(self.store.as_ref(), &self.key).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An error when anybody else has a lease in `folder`: live ones first.
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
        // A lease that is not in the listing keeps nobody away.
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

/// Writes a lease under a key that nobody else can have; says when the write began.
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

/// What is left of a lease last renewed at `renewed`, less a sixth for what is still on its way to the store.
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

/// Rewrites the lease every third of its lifetime; gives up, and says so, when its time is over.
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
        // Somebody may have taken it away: writing it once more would bring it back to life.
        match tokio::time::timeout(left, lease.store.head(&lease.key)).await {
            // An empty one was taken away where nothing can be deleted.
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
        // A stop lets it end: a write that is dropped may reach the store all the same, and after the lease was deleted.
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
