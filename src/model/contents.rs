//! What a dump contains, and the check of its bytes that it is whole.

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
    /// Rows that may expire (Redis keys with a TTL): a restored server may have fewer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fleeting: bool,
}

impl TableRows {
    /// `schema.table`, or the table alone where there are no schemas.
    pub fn name(&self) -> String {
        if self.schema.is_empty() { self.table.clone() } else { format!("{}.{}", self.schema, self.table) }
    }
}

/// A position in a server's own log of changes: a later recovery begins there.
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
    /// The position in the server's log that the dump corresponds to, where the server has a log and the dump names the
    /// position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<LogPosition>,
    /// What its restore needs of a target.
    #[serde(default, skip_serializing_if = "Needs::is_empty")]
    pub needs: Needs,
}

impl Contents {
    /// The same contents with the table names in lower case, as a server with case-insensitive names stores them.
    #[must_use]
    pub fn folded(&self) -> Self {
        let mut folded = self.clone();
        for table in &mut folded.tables {
            table.table = table.table.to_lowercase();
        }
        folded
    }

    /// The sum of all row counts; `u64::MAX` when it is larger than that.
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

/// Checks the plain bytes of one dump as they pass, without copying them, and decides at the end whether the dump is
/// whole.
///
/// It must accept the stream cut at any byte into any pieces, keep bounded memory, and never panic on any input.
pub trait Witness: Send {
    /// Takes the next bytes. An error fails the stream for every later stage.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError>;

    /// Call once at the end of the stream: an error when it is not whole, `None` when this format version cannot be
    /// counted.
    fn finish(&mut self) -> Result<Option<Contents>, WitnessError>;
}
