//! The objects below a prefix in key order, one folder in memory at a time.

use super::path::{Root, STAGING};
use crate::model::Timestamp;
use crate::store::{KeyPrefix, ObjectKey, ObjectMeta};
use std::io;
use std::path::Path;

/// Objects that one blocking step visits.
const PAGE: usize = 1000;

/// What is still to be visited; the top is next.
pub(super) struct Walk {
    root: Root,
    stack: Vec<WalkStep>,
}

enum WalkStep {
    /// A folder, named by its prefix: empty or ending in `/`.
    Folder(String),
    Object(ObjectKey),
}

impl Walk {
    pub(super) fn new(root: Root, prefix: &KeyPrefix) -> Self {
        Self { root, stack: vec![WalkStep::Folder(prefix.as_str().to_owned())] }
    }

    /// The next objects, none at the end; blocks.
    pub(super) fn page(&mut self) -> io::Result<Vec<ObjectMeta>> {
        let mut page = Vec::new();
        while page.len() < PAGE
            && let Some(meta) = self.next()?
        {
            page.push(meta);
        }
        Ok(page)
    }

    /// The next object; blocks. What is deleted during the walk is left out.
    fn next(&mut self) -> io::Result<Option<ObjectMeta>> {
        while let Some(step) = self.stack.pop() {
            match step {
                WalkStep::Folder(prefix) => self.open(&prefix)?,
                WalkStep::Object(key) => match self.root.path().join(key.as_str()).symlink_metadata() {
                    Ok(meta) => {
                        let modified = Timestamp::from_system(meta.modified()?);
                        return Ok(Some(ObjectMeta { key, bytes: meta.len(), modified }));
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(None)
    }

    /// Puts a folder's entries on the stack, the first in key order on top.
    fn open(&mut self, prefix: &str) -> io::Result<()> {
        let entries = match std::fs::read_dir(self.root.path().join(prefix)) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // A folder sorts as its name with a slash, which is how its keys begin: `a.b` comes before the keys of `a/`.
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_own = !(prefix.is_empty() && name == STAGING);
            if kind.is_dir() && is_own {
                names.push(format!("{prefix}{name}/"));
            } else if kind.is_file() {
                names.push(format!("{prefix}{name}"));
            }
        }
        names.sort_unstable_by(|left, right| right.cmp(left));
        self.stack.extend(names.into_iter().filter_map(|name| {
            if name.ends_with('/') {
                Some(WalkStep::Folder(name))
            } else {
                name.parse().ok().map(WalkStep::Object)
            }
        }));
        Ok(())
    }
}

/// The names of the folders directly below `prefix`; blocks.
pub(super) fn folders(root: &Root, prefix: &KeyPrefix) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(root.path().join(prefix.as_str())) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_own = !(prefix.as_str().is_empty() && name == STAGING);
        if is_own && entry.file_type()?.is_dir() {
            names.push(name);
        }
    }
    Ok(names)
}

/// Removes `folder` and those above it, as long as they are empty and below the root.
pub(super) fn remove_empty(root: &Root, folder: &Path) {
    for folder in folder.ancestors().take_while(|path| *path != root.path()) {
        if std::fs::remove_dir(folder).is_err() {
            return;
        }
    }
}
