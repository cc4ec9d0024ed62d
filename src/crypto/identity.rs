//! Which object this is. The header authenticates it, so that a swapped or replayed object is detected.

use crate::model::{BackupId, DatabaseName, PartName, RepositoryId};
use std::fmt;

/// The place of one stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectIdentity {
    /// The repository it belongs to.
    pub repository: RepositoryId,
    /// Its place there.
    pub place: ObjectPlace,
}

/// A place in a repository. Its kind is a byte of the header, so that an object of one kind never passes for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectPlace {
    /// One segment of a part of a backup.
    Part {
        /// The inventory entry.
        database: DatabaseName,
        /// The backup.
        backup: BackupId,
        /// The name of the part, as in the manifest.
        part: PartName,
        /// The number of the segment within the part, from 0.
        segment: u32,
    },
}

impl ObjectIdentity {
    /// The same part, another segment.
    #[must_use]
    pub fn with_segment(&self, number: u32) -> Self {
        let mut identity = self.clone();
        let ObjectPlace::Part { segment, .. } = &mut identity.place;
        *segment = number;
        identity
    }
}

impl fmt::Display for ObjectIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of repository {}", self.place, self.repository)
    }
}

impl fmt::Display for ObjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Part { database, backup, part, segment } = self;
        write!(f, "{database}/{backup}/{part} segment {segment}")
    }
}
