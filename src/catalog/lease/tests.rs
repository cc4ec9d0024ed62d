//! Leases on a slow store.

use super::*;
use crate::model::ByteReader;
use crate::model::Timestamp;
use crate::store::{LocalSettings, LocalStore, ObjectMeta, StoreError};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::AsyncReadExt as _;

/// Stores an object 200 ms after the request, even if the caller no longer waits for the answer, as servers do.
#[derive(Debug, Clone)]
struct Stubborn {
    inner: Arc<LocalStore>,
    begun: Arc<AtomicU32>,
}

#[async_trait]
impl Store for Stubborn {
    async fn put(
        &self,
        key: &ObjectKey,
        mut body: ByteReader<'_>,
        role: ObjectRole,
    ) -> Result<ObjectMeta, StoreError> {
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).await.unwrap();
        self.begun.fetch_add(1, Ordering::SeqCst);
        let (inner, key) = (Arc::clone(&self.inner), key.clone());
        let late = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            store::write_small(inner.as_ref(), &key, bytes, role).await
        });
        late.await.unwrap()
    }

    async fn get(&self, key: &ObjectKey) -> Result<ByteReader<'static>, StoreError> {
        self.inner.get(key).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        self.inner.head(key).await
    }

    fn list<'a>(&'a self, prefix: &'a KeyPrefix) -> BoxStream<'a, Result<ObjectMeta, StoreError>> {
        self.inner.list(prefix)
    }

    async fn folders(&self, prefix: &KeyPrefix) -> Result<Vec<String>, StoreError> {
        self.inner.folders(prefix).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), StoreError> {
        self.inner.delete(keys).await
    }

    async fn sweep_unfinished(&self, prefix: &KeyPrefix, older_than: Duration) -> Result<u64, StoreError> {
        self.inner.sweep_unfinished(prefix, older_than).await
    }

    async fn clock(&self) -> Result<Timestamp, StoreError> {
        self.inner.clock().await
    }

    fn object_limit(&self) -> u64 {
        self.inner.object_limit()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

#[tokio::test]
async fn a_lease_that_is_released_while_it_is_renewed_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let inner = Arc::new(LocalStore::open(&LocalSettings { path: folder.path().to_owned() }).unwrap());
    let begun = Arc::new(AtomicU32::new(0));
    let store: Arc<dyn Store> = Arc::new(Stubborn { inner, begun: Arc::clone(&begun) });
    let database: DatabaseName = "shop".parse().unwrap();
    let now = store.clock().await.unwrap();
    let record = record(Operation::Backup, None, now, Duration::from_secs(3));
    let lease = Lease::acquire(&store, &database, record).await.unwrap();
    while begun.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    lease.release().await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let left = survey(store.as_ref(), &layout::leases(&database)).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}
