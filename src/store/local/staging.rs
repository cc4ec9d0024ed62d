//! Files that are still being written: invisible until they are whole and on disk.

use super::path::{Root, STAGING, is_closed, sync_folder};
use crate::model::{Clock as _, SystemClock, Timestamp};
use crate::store::{KeyPrefix, ObjectKey, ObjectRole};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;
use tempfile::NamedTempFile;

/// File names have a limit of 255 bytes on most file systems; the random ending takes some.
const NAME_LIMIT: usize = 200;

/// A folder may vanish between its creation and its use, when its last object is deleted at the same time.
const PUBLISH_TRIES: u32 = 5;

/// The name of `text`, a key or a prefix, in the staging folder. No key contains `!`.
fn flat(text: &str) -> String {
    let mut name = text.replace('/', "!");
    name.truncate(NAME_LIMIT);
    name
}

/// How the attempt to make a file visible ended.
pub(super) enum Published {
    /// It is there, and on disk.
    Done,
    /// The key exists already, with other content.
    Taken,
}

/// A file that is removed unless it is published.
#[derive(Debug)]
pub(super) struct Staged {
    file: NamedTempFile,
}

impl Staged {
    /// An empty file for `key`, readable by its owner alone.
    pub(super) fn create(root: &Root, key: &ObjectKey) -> io::Result<Self> {
        let name = format!("{}!", flat(key.as_str()));
        // The directory may be a copy of only the objects.
        std::fs::create_dir_all(root.staging())?;
        Ok(Self { file: tempfile::Builder::new().prefix(&name).tempfile_in(root.staging())? })
    }

    /// A second handle, to write with.
    pub(super) fn writer(&self) -> io::Result<std::fs::File> {
        self.file.as_file().try_clone()
    }

    /// Makes the file visible as `key`, whole and durable, or not at all.
    pub(super) fn publish(mut self, root: &Root, key: &ObjectKey, role: ObjectRole) -> io::Result<Published> {
        self.file.as_file().sync_all()?;
        let target = root.locate(key)?;
        let folder = target.parent().unwrap_or(root.path()).to_owned();
        let mut tries = 0;
        loop {
            tries += 1;
            create_folders(root, &folder)?;
            let persisted = match role {
                ObjectRole::Mutable => self.file.persist(&target),
                ObjectRole::Data | ObjectRole::Record => self.file.persist_noclobber(&target),
            };
            let Err(failed) = persisted else {
                sync_folder(&folder)?;
                return Ok(Published::Done);
            };
            match failed.error.kind() {
                io::ErrorKind::NotFound if tries < PUBLISH_TRIES => self.file = failed.file,
                io::ErrorKind::AlreadyExists if target.is_file() => {
                    // The same bytes again, for example after a power cut: nothing is left to do.
                    let same = same_content(failed.file.path(), &target)?;
                    return Ok(if same { Published::Done } else { Published::Taken });
                }
                _ => return Err(failed.error),
            }
        }
    }
}

/// Creates `folder` and what is missing above it, each entry durable.
fn create_folders(root: &Root, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let missing: Vec<_> = folder
        .ancestors()
        .take_while(|path| *path != root.path() && !path.is_dir())
        .map(Path::to_owned)
        .collect();
    std::fs::create_dir_all(folder)?;
    missing.iter().filter_map(|path| path.parent()).try_for_each(sync_folder)
}

fn same_content(left: &Path, right: &Path) -> io::Result<bool> {
    let (mut left, mut right) = (std::fs::File::open(left)?, std::fs::File::open(right)?);
    if left.metadata()?.len() != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let count = left.read(&mut one)?;
        if count == 0 {
            return Ok(true);
        }
        right.read_exact(&mut other[..count])?;
        if one[..count] != other[..count] {
            return Ok(false);
        }
    }
}

/// The file system's own clock: the time that a new file gets.
pub(super) fn clock(root: &Root) -> io::Result<Timestamp> {
    match tempfile::Builder::new().prefix("clock!").tempfile_in(root.staging()) {
        Ok(file) => Ok(Timestamp::from_system(file.as_file().metadata()?.modified()?)),
        // Its clock cannot be read without a write; no new objects are dated there either.
        Err(error) if is_closed(&error) => Ok(SystemClock.now()),
        Err(error) => Err(error),
    }
}

/// Removes staged files of keys below `prefix` that were last written more than `older_than` ago and returns how many.
pub(super) fn sweep(root: &Root, prefix: &KeyPrefix, older_than: Duration) -> io::Result<u64> {
    let (now, begin) = (clock(root)?, flat(prefix.as_str()));
    let mut swept = 0;
    for entry in std::fs::read_dir(root.path().join(STAGING))? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(&begin) {
            continue;
        }
        let written = match entry.metadata() {
            Ok(meta) => Timestamp::from_system(meta.modified()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if now.since(written) >= older_than {
            match std::fs::remove_file(entry.path()) {
                Ok(()) => swept += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(swept)
}
