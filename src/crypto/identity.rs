//! Which object this is: bound into its header, so that a swapped or replayed object is noticed.

use crate::model::{BackupId, DatabaseName, RepositoryId};
use std::fmt;

/// The place of one stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectIdentity {
    /// The repository it belongs to.
    pub repository: RepositoryId,
    /// The inventory entry.
    pub database: DatabaseName,
    /// The backup.
    pub backup: BackupId,
    /// The name of the part, as in the manifest; at most 1,024 bytes.
    pub part: String,
    /// The number of the segment within the part, from 0.
    pub segment: u32,
}

impl ObjectIdentity {
    /// The same part, another segment.
    #[must_use]
    pub fn with_segment(&self, segment: u32) -> Self {
        Self { segment, ..self.clone() }
    }
}

impl fmt::Display for ObjectIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository, database, backup, part, segment } = self;
        write!(f, "{database}/{backup}/{part} segment {segment} of repository {repository}")
    }
}
