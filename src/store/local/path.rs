//! From keys to paths, never out of the store's directory.

use crate::store::{ObjectKey, StoreError};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of files that are still being written. No key may begin with it and no listing shows it.
pub(super) const STAGING: &str = ".jagad-staging";

/// The store's directory, free of symbolic links.
#[derive(Debug, Clone)]
pub(super) struct Root(PathBuf);

impl Root {
    /// The directory must be there; the staging folder in it is created when it is absent.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        if path.exists() && !path.is_dir() {
            return Err(StoreError::Io {
                action: format!("open directory `{}`", path.display()),
                source: io::ErrorKind::NotADirectory.into(),
            });
        }
        if !path.is_dir() {
            return Err(StoreError::PlaceMissing { place: format!("directory `{}`", path.display()) });
        }
        let create = || {
            let root = path.canonicalize()?;
            match std::fs::create_dir_all(root.join(STAGING)) {
                // The objects can still be read; a write will report why it fails.
                Err(error) if is_closed(&error) => {}
                made => made?,
            }
            Ok(Self(root))
        };
        create().map_err(|source| StoreError::Io {
            action: format!("open directory `{}`", path.display()),
            source,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn staging(&self) -> PathBuf {
        self.0.join(STAGING)
    }

    /// Whether the directory is still there: a disk may have been unmounted.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        // Without the staging folder this is the empty mount point of a disk, unless it is a copy that cannot be
        // written to.
        if self.staging().is_dir() || (self.0.is_dir() && self.0.join("jagad.json").is_file()) {
            return Ok(());
        }
        Err(StoreError::PlaceMissing { place: format!("directory `{}`", self.0.display()) })
    }

    /// Where `key` is kept. A symbolic link on the way is refused, wherever it points: it is not jagad's.
    pub(super) fn locate(&self, key: &ObjectKey) -> io::Result<PathBuf> {
        if key.as_str().split('/').next() == Some(STAGING) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{STAGING}` is reserved")));
        }
        let mut path = self.0.clone();
        for segment in key.as_str().split('/') {
            path.push(segment);
            match path.symlink_metadata() {
                Ok(meta) if meta.is_symlink() => {
                    let text = format!("`{}` is a symbolic link", path.display());
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(path)
    }
}

/// Whether the error means that a directory cannot be written to: it is read-only, not ours, or full.
pub(super) fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
            | ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
    )
}

/// Makes the entries of `folder` survive a power cut. File systems that cannot (some network ones) answer "invalid
/// argument", which is ignored.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match std::fs::File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        other => other,
    }
}
