//! Where bytes are kept: the contract that every store fulfils.

mod error;
pub mod key;
mod local;
mod s3;
pub mod settings;

pub use error::StoreError;
pub use key::{KeyPrefix, ObjectKey};
pub use local::LocalStore;
pub use s3::S3Store;
pub use settings::{LocalSettings, S3Settings, StoreSettings};

use crate::model::{ByteReader, Timestamp};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;

/// What an object is for. It decides overwriting, storage class and retention lock in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectRole {
    /// A part of a backup: written once, in the configured storage class, locked if object lock is configured.
    Data,
    /// A fact such as a manifest: written once, standard storage class, locked if object lock is configured.
    Record,
    /// State or a lease: may be overwritten, standard storage class, never locked.
    Mutable,
}

/// What a store knows of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The object's key below the store's prefix.
    pub key: ObjectKey,
    /// Its size in bytes.
    pub bytes: u64,
    /// When the store says it was last written: the store's clock, not ours.
    pub modified: Timestamp,
}

/// A place for objects. All keys are below the store's configured prefix.
///
/// Read after write and list after write are relied upon; conditional writes, modification order and the
/// local clock are not.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Stores `body` under `key`: all of it or nothing that anybody can see.
    ///
    /// The body's own error ends the upload, aborts what was sent and comes back as [`StoreError::Body`].
    /// Dropping the future may leave an unfinished upload, which [`Store::sweep_unfinished`] finds.
    ///
    /// With [`ObjectRole::Data`] and [`ObjectRole::Record`] an existing object is not replaced where the store can
    /// tell: [`StoreError::AlreadyExists`]. This is a belt, not a proof: some servers ignore the condition silently.
    /// An answer that got lost is looked up: if the object there is the one just sent, that is success.
    async fn put(
        &self,
        key: &ObjectKey,
        body: ByteReader<'_>,
        role: ObjectRole,
    ) -> Result<ObjectMeta, StoreError>;

    /// The object's bytes from first to last, resumed after breaks, end of file only after all of them.
    ///
    /// Absent: [`StoreError::NotFound`]. A failure in the middle is an `io::Error` that holds a [`StoreError`].
    async fn get(&self, key: &ObjectKey) -> Result<ByteReader<'static>, StoreError>;

    /// Size and time of one object, `None` when it is absent.
    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError>;

    /// Every object below `prefix`, page by page. Nothing may rely on the order: most servers list by key, but some go folder
    /// by folder (s3rver 3.7; S3's directory buckets have no order at all).
    fn list<'a>(&'a self, prefix: &'a KeyPrefix) -> BoxStream<'a, Result<ObjectMeta, StoreError>>;

    /// The names of the folders directly below `prefix`, in any order. What is not jagad's may be among them, and some servers
    /// leave out a folder that holds nothing but folders (s3rver 3.7): what is not found so is to be looked for by [`Store::list`].
    async fn folders(&self, prefix: &KeyPrefix) -> Result<Vec<String>, StoreError>;

    /// A whole object of at most `limit` bytes; a larger one is [`StoreError::TooLarge`].
    async fn read(&self, key: &ObjectKey, limit: u64) -> Result<Vec<u8>, StoreError> {
        use tokio::io::AsyncReadExt as _;
        let mut bytes = Vec::new();
        let mut body = self.get(key).await?.take(limit + 1);
        body.read_to_end(&mut bytes).await.map_err(|error| StoreError::from_read(key, error))?;
        if bytes.len() as u64 > limit {
            return Err(StoreError::TooLarge { key: key.clone(), limit });
        }
        Ok(bytes)
    }

    /// Deletes the objects; absent ones count as deleted. The answer for every key is checked; an error names the first
    /// key that still exists, and any of the others may be deleted or not.
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), StoreError>;

    /// Aborts uploads below `prefix` that began more than `older_than` ago and were never completed; says how many.
    /// A store that cannot list them answers 0.
    async fn sweep_unfinished(&self, prefix: &KeyPrefix, older_than: Duration) -> Result<u64, StoreError>;

    /// The store's own clock, to compare with [`ObjectMeta::modified`].
    async fn clock(&self) -> Result<Timestamp, StoreError>;

    /// The largest object this store takes in one `put`, in bytes.
    fn object_limit(&self) -> u64;

    /// For people: `s3://bucket/prefix at https://…` or a directory. Never a secret.
    fn describe(&self) -> String;
}

/// Opens the store that `settings` describe. Settings that cannot work are refused; no request is sent yet.
pub fn open(settings: &StoreSettings) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match settings {
        StoreSettings::S3(settings) => Arc::new(S3Store::open(settings)?),
        StoreSettings::Local(settings) => Arc::new(LocalStore::open(settings)?),
    })
}

/// Creates the directory of a directory store. Does nothing for a bucket, which its owner creates.
pub fn prepare(settings: &StoreSettings) -> Result<(), StoreError> {
    match settings {
        StoreSettings::S3(_) => Ok(()),
        StoreSettings::Local(settings) => LocalStore::create(settings),
    }
}

/// Stores `bytes` as one object, see [`Store::put`].
pub async fn write_small(
    store: &dyn Store,
    key: &ObjectKey,
    bytes: Vec<u8>,
    role: ObjectRole,
) -> Result<ObjectMeta, StoreError> {
    store.put(key, Box::pin(std::io::Cursor::new(bytes)), role).await
}
