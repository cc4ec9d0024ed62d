//! The path of an entry in an archive: below the folder that it is written into, whatever the archive says.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

/// PostgreSQL's own folders are three deep; those of users may be in the data directory too.
const DEPTH_LIMIT: usize = 32;

/// A path without `.`, `..`, empty names and a slash at either end. Ordered and compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::postgresql) struct EntryPath(Vec<u8>);

impl EntryPath {
    /// As archives write it: some names begin with `./`, and those of folders end with a slash.
    pub(in crate::engine::postgresql) fn parse(raw: &[u8]) -> Result<Self, String> {
        let path = raw.strip_prefix(b"./").unwrap_or(raw);
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let safe = |name: &[u8]| !name.is_empty() && name != b"." && name != b".." && !name.contains(&0);
        let names = || path.split(|byte| *byte == b'/');
        if !names().all(safe) || names().count() > DEPTH_LIMIT {
            let shown = String::from_utf8_lossy(raw);
            return Err(format!("the path `{shown}` in it could be outside of the folder"));
        }
        Ok(Self(path.to_owned()))
    }

    pub(in crate::engine::postgresql) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(in crate::engine::postgresql) fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// The folder that it is in, empty for the outermost, and its own name.
    pub(in crate::engine::postgresql) fn split(&self) -> SplitPath<'_> {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(at) => SplitPath { folder: &self.0[..at], name: &self.0[at + 1..] },
            None => SplitPath { folder: &[], name: &self.0 },
        }
    }

    /// The file `name` in the same folder.
    pub(in crate::engine::postgresql) fn beside(&self, name: &[u8]) -> Self {
        let folder = self.split().folder;
        let join: &[u8] = if folder.is_empty() { b"" } else { b"/" };
        Self([folder, join, name].concat())
    }
}

/// The two halves of a path.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine::postgresql) struct SplitPath<'p> {
    pub(in crate::engine::postgresql) folder: &'p [u8],
    pub(in crate::engine::postgresql) name: &'p [u8],
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}
