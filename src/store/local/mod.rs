//! A directory as a store, such as a NAS.

mod listing;
mod path;
mod staging;
mod whole_file;

use super::{KeyPrefix, LocalSettings, ObjectKey, ObjectMeta, ObjectRole, Store, StoreError};
use crate::model::{ByteReader, Timestamp};
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use listing::{Walk, remove_empty};
use path::{Root, sync_folder};
use staging::{Published, Staged};
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use whole_file::{Whole, WholeFile};

/// Bytes read from a body at once.
const COPY_BYTES: usize = 256 << 10;

/// A directory. Objects are files of the same name, readable by their owner alone; a file appears whole or not at
/// all, and survives a power cut once `put` has returned.
///
/// One difference to a bucket: keys `a` and `a/b` cannot both exist.
#[derive(Debug)]
pub struct LocalStore {
    root: Root,
}

/// Runs `work`, which blocks, on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn named(verb: &str, key: &ObjectKey) -> impl FnOnce(io::Error) -> StoreError {
    let action = format!("{verb} `{key}`");
    move |source| StoreError::Io { action, source }
}

fn found(path: &std::path::Path, key: &ObjectKey) -> io::Result<Option<ObjectMeta>> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() => {
            let modified = Timestamp::from_system(meta.modified()?);
            Ok(Some(ObjectMeta { key: key.clone(), bytes: meta.len(), modified }))
        }
        Ok(_) => Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl LocalStore {
    /// Makes the directory when it is absent.
    pub fn create(settings: &LocalSettings) -> Result<(), StoreError> {
        let action = format!("create directory `{}`", settings.path.display());
        std::fs::create_dir_all(&settings.path).map_err(|source| StoreError::Io { action, source })
    }

    /// Opens the directory, which must be there: one that is absent may be a disk that is not mounted. Blocks for a moment.
    pub fn open(settings: &LocalSettings) -> Result<Self, StoreError> {
        Root::open(&settings.path).map(|root| Self { root })
    }

    /// Copies `body` into `staged`. An error of the body is [`StoreError::Body`], one of the disk [`StoreError::Io`].
    async fn fill(key: &ObjectKey, mut body: ByteReader<'_>, staged: &Staged) -> Result<(), StoreError> {
        let mut file = tokio::fs::File::from_std(staged.writer().map_err(named("put", key))?);
        let mut buffer = bytes::BytesMut::with_capacity(COPY_BYTES);
        loop {
            let read = body.read_buf(&mut buffer).await;
            if read.map_err(|source| StoreError::Body { key: key.clone(), source })? == 0 {
                return file.flush().await.map_err(named("put", key));
            }
            file.write_all_buf(&mut buffer).await.map_err(named("put", key))?;
            buffer.reserve(COPY_BYTES);
        }
    }
}

#[async_trait]
impl Store for LocalStore {
    async fn put(
        &self,
        key: &ObjectKey,
        body: ByteReader<'_>,
        role: ObjectRole,
    ) -> Result<ObjectMeta, StoreError> {
        self.root.check()?;
        self.root.locate(key).map_err(named("put", key))?;
        let staged = Staged::create(&self.root, key).map_err(named("put", key))?;
        Self::fill(key, body, &staged).await?;
        let (root, target) = (self.root.clone(), key.clone());
        let published =
            blocking(move || staged.publish(&root, &target, role)).await.map_err(named("put", key))?;
        match published {
            Published::Taken => Err(StoreError::AlreadyExists { key: key.clone() }),
            Published::Done => self.head(key).await?.ok_or_else(|| StoreError::NotFound { key: key.clone() }),
        }
    }

    async fn get(&self, key: &ObjectKey) -> Result<ByteReader<'static>, StoreError> {
        self.root.check()?;
        let path = self.root.locate(key).map_err(named("get", key))?;
        let Some(meta) = found(&path, key).map_err(named("get", key))? else {
            return Err(StoreError::NotFound { key: key.clone() });
        };
        match tokio::fs::File::open(path).await {
            Ok(file) => {
                // The open file's own size: it may have been replaced since it was looked up.
                let bytes = file.metadata().await.map_or(meta.bytes, |meta| meta.len());
                Ok(Box::pin(WholeFile::new(key.clone(), file, bytes)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::NotFound { key: key.clone() })
            }
            Err(error) => Err(named("get", key)(error)),
        }
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        self.root.check()?;
        let path = self.root.locate(key).map_err(named("look up", key))?;
        found(&path, key).map_err(named("look up", key))
    }

    fn list<'a>(&'a self, prefix: &'a KeyPrefix) -> BoxStream<'a, Result<ObjectMeta, StoreError>> {
        let action = format!("list `{}`", self.root.path().join(prefix.as_str()).display());
        let walk = self.root.check().map(|()| Walk::new(self.root.clone(), prefix));
        let pages = stream::try_unfold((Some(walk), action), |(walk, action)| async move {
            let Some(walk) = walk else { return Ok(None) };
            let mut walk = walk?;
            let page = blocking(move || walk.page().map(|page| (page, walk))).await;
            match page {
                Ok((page, _)) if page.is_empty() => Ok(None),
                Ok((page, walk)) => {
                    Ok(Some((stream::iter(page.into_iter().map(Ok)), (Some(Ok(walk)), action))))
                }
                Err(source) => Err(StoreError::Io { action, source }),
            }
        });
        pages.try_flatten().boxed()
    }

    async fn folders(&self, prefix: &KeyPrefix) -> Result<Vec<String>, StoreError> {
        self.root.check()?;
        let action = format!("list `{}`", self.root.path().join(prefix.as_str()).display());
        let (root, prefix) = (self.root.clone(), prefix.clone());
        let names = blocking(move || listing::folders(&root, &prefix)).await;
        names.map_err(|source| StoreError::Io { action, source })
    }

    /// In one step: a catalogue reads thousands of records.
    async fn read(&self, key: &ObjectKey, limit: u64) -> Result<Vec<u8>, StoreError> {
        self.root.check()?;
        let path = self.root.locate(key).map_err(named("get", key))?;
        let read = blocking(move || whole_file::read(&path, limit)).await.map_err(named("get", key))?;
        match read {
            Whole::Absent => Err(StoreError::NotFound { key: key.clone() }),
            Whole::TooLarge => Err(StoreError::TooLarge { key: key.clone(), limit }),
            Whole::Bytes(bytes) => Ok(bytes),
        }
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), StoreError> {
        self.root.check()?;
        let mut folders = BTreeSet::new();
        for key in keys {
            let path = self.root.locate(key).map_err(named("delete", key))?;
            match tokio::fs::remove_file(&path).await {
                Ok(()) => folders.extend(path.parent().map(std::path::Path::to_owned)),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => return Err(named("delete", key)(error)),
            }
        }
        let (root, action) = (self.root.clone(), format!("delete in `{}`", self.root.path().display()));
        let settle = move || {
            for folder in folders {
                match sync_folder(&folder) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => remove_empty(&root, &folder),
                }
            }
            Ok(())
        };
        blocking(settle).await.map_err(|source| StoreError::Io { action, source })
    }

    async fn sweep_unfinished(&self, prefix: &KeyPrefix, older_than: Duration) -> Result<u64, StoreError> {
        self.root.check()?;
        let (root, prefix) = (self.root.clone(), prefix.clone());
        let action = format!("sweep `{}`", self.root.staging().display());
        blocking(move || staging::sweep(&root, &prefix, older_than))
            .await
            .map_err(|source| StoreError::Io { action, source })
    }

    async fn clock(&self) -> Result<Timestamp, StoreError> {
        self.root.check()?;
        let root = self.root.clone();
        let action = format!("ask the clock of `{}`", self.root.path().display());
        blocking(move || staging::clock(&root)).await.map_err(|source| StoreError::Io { action, source })
    }

    fn object_limit(&self) -> u64 {
        // The largest file offset.
        i64::MAX.unsigned_abs()
    }

    fn describe(&self) -> String {
        format!("directory {}", self.root.path().display())
    }
}
