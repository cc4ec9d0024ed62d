//! What a dump holds, and the proof in its own bytes that it is whole.

use super::needs::Needs;
use serde::{Deserialize, Serialize};

/// The rows of one table as counted in the stream, or in a restored server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableRows {
    /// The schema, for engines that have schemas; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schema: String,
    /// The table's name.
    pub table: String,
    /// Number of rows.
    pub rows: u64,
    /// Rows that vanish by themselves when their time comes: a restored server may have fewer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fleeting: bool,
}

impl TableRows {
    /// `schema.table`, or the table alone where there are no schemas.
    pub fn name(&self) -> String {
        if self.schema.is_empty() { self.table.clone() } else { format!("{}.{}", self.schema, self.table) }
    }
}

/// A place in a server's own log of changes: where a later recovery begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// The log file: `binlog.000003`.
    pub file: String,
    /// Offset in it.
    pub offset: u64,
    /// Transactions that are in the dump, where the server numbers them, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtid: Option<String>,
}

/// What one logical database held at the moment of its dump.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Every table whose rows the dump carries, sorted by schema and name.
    pub tables: Vec<TableRows>,
    /// Roles or users that own something in it, sorted: they must exist before owners can be restored.
    #[serde(default)]
    pub owners: Vec<String>,
    /// Large objects, which are in no table; absent where the engine has none, or a dump cannot be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large_objects: Option<u64>,
    /// Extensions or modules it needs, sorted.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// The place in the server's log that the dump is a picture of, where the server keeps one and the dump says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<LogPosition>,
    /// What its restore needs of a target.
    #[serde(default, skip_serializing_if = "Needs::is_empty")]
    pub needs: Needs,
}

impl Contents {
    /// The same where the server does not tell names apart by case, and keeps them in lower case.
    #[must_use]
    pub fn folded(&self) -> Self {
        let mut folded = self.clone();
        for table in &mut folded.tables {
            table.table = table.table.to_lowercase();
        }
        folded
    }

    /// The sum of all row counts, as far as it can be said.
    pub fn rows(&self) -> u64 {
        self.tables.iter().fold(0, |sum, table| sum.saturating_add(table.rows))
    }
}

/// Why the bytes of a dump are not a whole dump.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The stream ended in the middle of the format's own structure, or without its completion proof.
    #[error("the {format} stream is not complete: {problem}")]
    Incomplete {
        /// For people: "PostgreSQL archive".
        format: &'static str,
        /// What is missing, and at which byte.
        problem: String,
    },
    /// The stream breaks the rules of its format.
    #[error("the {format} stream is malformed: {problem}")]
    Malformed {
        /// For people: "PostgreSQL archive".
        format: &'static str,
        /// What was found, and at which byte.
        problem: String,
    },
}

/// Watches the plain bytes of one dump go by, without copying them, and says at the end whether they were whole.
///
/// It must accept the stream cut at any byte into any pieces, keep bounded memory, and never panic on any input.
pub trait Witness: Send {
    /// The next bytes. An error ends the stream for every stage above.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError>;

    /// The stream has ended: is it whole? `None` when this format version cannot be counted.
    fn finish(&mut self) -> Result<Option<Contents>, WitnessError>;
}
