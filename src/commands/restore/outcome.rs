//! The results of the parts of a restore.

use crate::catalog::FailureRecord;
use crate::commands::Failure;
use serde::Serialize;
use std::collections::BTreeMap;

/// The result of one part.
#[derive(Debug, Default)]
pub(super) struct LoadedPart {
    /// Errors that were ignored because that was asked for.
    pub(super) ignored: Vec<String>,
    /// Rows that were counted on the target, if they were.
    pub(super) rows: Option<u64>,
}

/// The results of all parts.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Errors that were ignored because that was asked for.
    pub(super) ignored: Vec<String>,
    /// Rows that were counted on the target, by the logical database there.
    pub(super) rows: BTreeMap<String, u64>,
    /// Databases that could not be restored while others were.
    pub(super) failed: Vec<FailedLoad>,
}

/// A database that could not be restored while others were.
#[derive(Debug, Clone, Serialize)]
pub struct FailedLoad {
    /// Its name on the target.
    pub database: String,
    /// Why.
    pub error: FailureRecord,
}

impl FailedLoad {
    pub(super) fn new(database: &str, failure: &Failure) -> Self {
        Self { database: database.to_owned(), error: failure.record() }
    }
}

impl Loaded {
    /// Whether all of the backup is on the target.
    pub(super) fn is_whole(&self) -> bool {
        self.ignored.is_empty() && self.failed.is_empty()
    }

    /// Adds the result of a part.
    pub(super) fn add(&mut self, database: &str, part: LoadedPart) {
        self.ignored.extend(part.ignored);
        self.rows.extend(part.rows.map(|rows| (database.to_owned(), rows)));
    }
}
