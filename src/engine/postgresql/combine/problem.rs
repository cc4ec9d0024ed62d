//! The two ways in which a merge fails: the backup is damaged, or its files cannot be written.

use crate::engine::EngineError;
use crate::engine::postgresql::tar::EntryPath;
use std::io;
use std::path::Path;

/// The backup is not what PostgreSQL writes.
pub(super) fn damaged(problem: String) -> EngineError {
    EngineError::Archive { problem }
}

/// A path that an archive or this code gives, below the folder.
pub(super) fn path(raw: &[u8]) -> Result<EntryPath, EngineError> {
    EntryPath::parse(raw).map_err(damaged)
}

/// A file or folder of the target cannot be written.
pub(super) fn unwritten(path: &Path, source: io::Error) -> EngineError {
    EngineError::Read { doing: format!("write `{}`", path.display()), source }
}
