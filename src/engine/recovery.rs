//! A backup becomes the files of a server: no server is asked, and none runs.

use super::stream::Consumer;
use crate::model::PartName;
use std::path::{Path, PathBuf};

/// What is to become files, and where.
#[derive(Debug, Clone, Copy)]
pub struct RecoveryRequest<'a> {
    /// The parts of the backup that are wanted, in its order.
    pub parts: &'a [RecoveryPart],
    /// A folder that is new or empty.
    pub folder: &'a Path,
}

/// A part of a backup as an engine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryPart {
    /// Its name in the backup.
    pub name: PartName,
    /// What the server calls it: a logical database, or a node of a cluster.
    pub database: String,
}

/// How a backup becomes files.
#[derive(Debug)]
pub struct Recovery {
    /// One for each part of the request, in its order.
    pub writes: Vec<RecoveryWrite>,
}

/// How one part becomes files.
#[derive(Debug)]
pub struct RecoveryWrite {
    /// Where its files will be.
    pub folder: PathBuf,
    /// Takes its plain bytes. No file has its name before all of them have proven to be whole.
    pub consumer: Consumer,
}
