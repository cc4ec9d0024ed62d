//! Reading and writing the records of a repository.

use super::FORMAT;
use super::error::CatalogError;
use super::layout;
use super::lease::{self, Lease, LeaseRecord, Operation};
use super::listing::RunningBackup;
use super::manifest::{self, Manifest, RestoreRecord};
use crate::model::{BackupId, DatabaseName, RepositoryId, Timestamp};
use crate::store::{self, ObjectKey, ObjectMeta, ObjectRole, Store, StoreError};
use futures_util::TryStreamExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A manifest with ten thousand parts stays below this.
const RECORD_LIMIT: u64 = 64 << 20;

/// `jagad.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    format: u32,
    repository_id: RepositoryId,
    created_at: Timestamp,
}

/// An opened repository.
#[derive(Debug, Clone)]
pub struct Catalog {
    store: Arc<dyn Store>,
    id: RepositoryId,
}

impl Catalog {
    /// Opens the repository in `store`; [`CatalogError::NoRepository`] when there is none.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self, CatalogError> {
        let key = layout::marker();
        match read::<Marker>(store.as_ref(), &key).await? {
            Some(marker) => Ok(Self { store, id: marker.repository_id }),
            None => Err(CatalogError::NoRepository { place: store.describe() }),
        }
    }

    /// Opens the repository, or makes its marker. Two first runs at once agree on one marker.
    pub async fn open_or_create(
        store: Arc<dyn Store>,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Self, CatalogError> {
        match Self::open(Arc::clone(&store)).await {
            Err(CatalogError::NoRepository { .. }) => {}
            opened => return opened,
        }
        let record = lease::record(Operation::Create, None, now, lifetime);
        let began = Instant::now();
        let lease = loop {
            match take_creation_lease(&store, record.clone()).await {
                // Somebody else makes it at this moment, which takes a few requests; a dead one runs out.
                Err(CatalogError::Busy { .. }) if began.elapsed() <= lifetime * 2 => {
                    match Self::open(Arc::clone(&store)).await {
                        Err(CatalogError::NoRepository { .. }) => {}
                        opened => return opened,
                    }
                    tokio::time::sleep(Duration::from_millis(rand::random_range(20..200))).await;
                }
                taken => break taken?,
            }
        };
        let opened = match Self::open(Arc::clone(&store)).await {
            Err(CatalogError::NoRepository { .. }) => {
                let marker =
                    Marker { format: FORMAT, repository_id: RepositoryId::random(), created_at: now };
                write(store.as_ref(), &layout::marker(), &marker, ObjectRole::Record).await?;
                Self::open(store).await
            }
            opened => opened,
        };
        lease.release().await?;
        opened
    }

    /// The repository's identity.
    pub fn id(&self) -> RepositoryId {
        self.id
    }

    /// The store underneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Writes a manifest, the act that makes a backup exist (or a failure known).
    pub async fn commit(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        let key = layout::manifest(&manifest.database, &manifest.id);
        write(self.store.as_ref(), &key, manifest, ObjectRole::Record).await
    }

    /// Writes a backup's log. Called before the commit; a log without a manifest is garbage.
    pub async fn write_log(
        &self,
        database: &DatabaseName,
        id: &BackupId,
        text: &str,
    ) -> Result<(), CatalogError> {
        let key = layout::log(database, id);
        store::write_small(self.store.as_ref(), &key, text.as_bytes().to_vec(), ObjectRole::Record)
            .await
            .map(|_| ())
            .map_err(CatalogError::store(format!("write log `{key}`")))
    }

    /// A backup's log, `None` when it has none.
    pub async fn read_log(&self, manifest: &Manifest) -> Result<Option<String>, CatalogError> {
        let key = layout::log(&manifest.database, &manifest.id);
        match store::read_small(self.store.as_ref(), &key, RECORD_LIMIT).await {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(source) => Err(CatalogError::Store { doing: format!("read log `{key}`"), source }),
        }
    }

    /// The manifest of `id`, `None` when it is not committed.
    pub async fn manifest(
        &self,
        database: &DatabaseName,
        id: &BackupId,
    ) -> Result<Option<Manifest>, CatalogError> {
        let key = layout::manifest(database, id);
        let Some(manifest) = read::<Manifest>(self.store.as_ref(), &key).await? else { return Ok(None) };
        self.check_place(&key, manifest, (database, id)).map(Some)
    }

    /// A manifest that was copied here from elsewhere must not pass for one of ours.
    fn check_place(
        &self,
        key: &ObjectKey,
        manifest: Manifest,
        (database, id): (&DatabaseName, &BackupId),
    ) -> Result<Manifest, CatalogError> {
        let problem = if manifest.id != *id || manifest.database != *database {
            format!("it says it is `{}` of `{}`", manifest.id, manifest.database)
        } else if manifest.repository != self.id {
            format!("it says it is of repository {}, this is {}", manifest.repository, self.id)
        } else {
            return Ok(manifest);
        };
        Err(CatalogError::Stranger { key: key.clone(), problem })
    }

    /// The backups that live leases tell of.
    pub async fn running(&self, database: Option<&DatabaseName>) -> Result<Vec<RunningBackup>, CatalogError> {
        let databases = match database {
            Some(database) => vec![database.clone()],
            None => self.databases().await?,
        };
        let mut running = Vec::new();
        for database in databases {
            for found in lease::survey(self.store.as_ref(), &layout::leases(&database)).await? {
                if let (Operation::Backup, Some(id), false) =
                    (found.record.operation, found.record.backup.clone(), found.is_expired())
                {
                    running.push(RunningBackup { database: database.clone(), id, lease: found.record });
                }
            }
        }
        Ok(running)
    }

    /// The names of databases that have a lease. Found by listing, so it costs a page per thousand objects.
    async fn databases(&self) -> Result<Vec<DatabaseName>, CatalogError> {
        let prefix = layout::databases();
        let objects: Vec<ObjectMeta> = self
            .store
            .list(&prefix)
            .try_collect()
            .await
            .map_err(CatalogError::store(format!("list `{prefix}`")))?;
        let mut names: Vec<DatabaseName> = objects
            .iter()
            .filter_map(|object| object.key.as_str().strip_prefix("databases/")?.split_once("/lease/"))
            .filter_map(|(name, _)| name.parse().ok())
            .collect();
        names.dedup();
        Ok(names)
    }

    /// Records a restore.
    pub async fn record_restore(&self, restore: &RestoreRecord) -> Result<(), CatalogError> {
        let key = layout::restore(&restore.target, &restore.id);
        write(self.store.as_ref(), &key, restore, ObjectRole::Record).await
    }
}

async fn take_creation_lease(store: &Arc<dyn Store>, record: LeaseRecord) -> Result<Lease, CatalogError> {
    let folder = layout::repository_leases();
    let subject: DatabaseName = "repository".parse().map_err(|error| CatalogError::Reference {
        text: "repository".to_owned(),
        problem: format!("{error}"),
    })?;
    match Lease::acquire_in(store, &folder, &subject, record.clone()).await {
        // A dead creation left nothing but its lease.
        Err(CatalogError::Expired { leases, .. }) => {
            let keys: Vec<ObjectKey> = leases.into_iter().map(|(key, _)| key).collect();
            store.delete(&keys).await.map_err(CatalogError::store("delete dead leases"))?;
            Lease::acquire_in(store, &folder, &subject, record).await
        }
        taken => taken,
    }
}

pub(super) async fn read<T: DeserializeOwned>(
    store: &dyn Store,
    key: &ObjectKey,
) -> Result<Option<T>, CatalogError> {
    match store::read_small(store, key, RECORD_LIMIT).await {
        Ok(bytes) => manifest::parse(key, &bytes).map(Some),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(source) => Err(CatalogError::Store { doing: format!("read `{key}`"), source }),
    }
}

pub(super) async fn write<T: Serialize>(
    store: &dyn Store,
    key: &ObjectKey,
    record: &T,
    role: ObjectRole,
) -> Result<(), CatalogError> {
    store::write_small(store, key, manifest::print(record), role)
        .await
        .map(|_| ())
        .map_err(CatalogError::store(format!("write `{key}`")))
}
