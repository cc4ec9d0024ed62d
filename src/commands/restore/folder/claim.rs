//! The folders that a restore fills: new or empty, large enough, and not used by another restore.

use crate::commands::{Class, Failure};
use crate::engine::FilledFolder;
use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The file that marks a folder while it is being filled.
const CLAIM: &str = ".jagad-restore";
/// The file that is there while pgBackRest fills the folder.
const DELEGATED_CLAIM: &str = "backup.manifest";

/// Refuses a folder that is not empty, or a path that cannot be a folder.
pub(super) fn refuse_occupied(folder: &Path) -> Result<(), Failure> {
    let mut entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::from(error).doing(format!("look into `{}`", folder.display()))),
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let cut_short = folder.join(CLAIM).exists() || folder.join(DELEGATED_CLAIM).exists();
    let help = if cut_short {
        "A restore into it is under way, or was cut short. If none is running, empty it and restore again: no server starts on \
         what is there."
    } else {
        "Give a folder that is new or empty: nothing in it is ever overwritten."
    };
    Err(Failure::new(Class::Refused, format!("`{}` is not empty", folder.display())).help(help))
}

/// Folders that are being filled.
pub(super) struct Claimed {
    folders: Vec<PathBuf>,
    /// Those that were created for it.
    made: Vec<PathBuf>,
}

impl Claimed {
    /// Creates missing folders, accessible only to their owner, and marks each as taken.
    pub(super) fn take(folders: &[FilledFolder]) -> Result<Self, Failure> {
        let mut claimed = Self { folders: Vec::new(), made: Vec::new() };
        for folder in folders {
            if let Err(failure) = claimed.add(&folder.path) {
                claimed.clear();
                return Err(failure);
            }
        }
        Ok(claimed)
    }

    fn add(&mut self, folder: &Path) -> Result<(), Failure> {
        let doing = |error: std::io::Error| {
            Failure::from(error).doing(format!("prepare the folder `{}`", folder.display()))
        };
        if !folder.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(doing)?;
            self.made.push(folder.to_owned());
        }
        refuse_occupied(folder)?;
        let mark = folder.join(CLAIM);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&mark).map_err(doing)?;
        // Another restore may have filled it after the first check, and removed its own mark.
        if std::fs::read_dir(folder).map_err(doing)?.flatten().any(|entry| entry.file_name() != CLAIM) {
            std::fs::remove_file(mark).map_err(doing)?;
            refuse_occupied(folder)?;
        }
        self.folders.push(folder.to_owned());
        Ok(())
    }

    /// All files are complete: removes the marks.
    pub(super) fn release(self) -> Result<(), Failure> {
        for folder in &self.folders {
            match std::fs::remove_file(folder.join(CLAIM)) {
                // The tool that filled the folder has removed files that it does not know.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed?,
            }
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// The restore failed: removes what was written, so that each folder is as it was before. If something cannot be
    /// removed it stays, and no server starts on it.
    pub(super) fn clear(self) {
        for folder in &self.folders {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let path = entry.path();
                let removed =
                    if is_folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                if let Err(error) = removed {
                    tracing::warn!("`{}` could not be removed: {error}", path.display());
                }
            }
        }
        for folder in &self.made {
            if let Err(error) = std::fs::remove_dir(folder) {
                tracing::debug!("`{}` stays: {error}", folder.display());
            }
        }
    }
}
