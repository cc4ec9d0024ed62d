//! What is written down of a range of the log.

use crate::model::LogPosition;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the next incremental has to know of this one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LogFacts {
    /// Where it ends.
    pub(super) end: LogPosition,
    /// When the file was begun that it ends in, by the clock of the server.
    pub(super) created: u32,
    /// Transactions that are prepared there (XA).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) prepared: BTreeSet<String>,
}

/// What is written down of a part of the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PartFacts {
    /// The file.
    pub(super) file: String,
    /// Where in it the part begins; it ends at the position of the part.
    pub(super) from: u64,
}
