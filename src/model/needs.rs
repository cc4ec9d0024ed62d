//! What the restore of a logical database needs of its target, beyond a server that is new enough.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the restore of one logical database needs, as far as it was seen while the database was dumped. An empty field
/// means that nothing is needed, or that the backup is older than the field: either way there is nothing to check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Needs {
    /// PostgreSQL: libraries that the dumped server loads at its start (`shared_preload_libraries`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preloaded: Vec<String>,
    /// Kinds of objects that need a privilege of their own (`view`, `trigger`, `function`, `foreign key` …), each with
    /// one object of the kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, String>,
    /// Storage engines, each with a table of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub engines: BTreeMap<String, String>,
    /// Databases that views refer to, its own included, each with such a view.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub databases: BTreeMap<String, String>,
    /// The same for tables: foreign keys, defaults.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub referenced: BTreeMap<String, String>,
    /// Tablespaces by name, each with a table that is stored in it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tablespaces: BTreeMap<String, String>,
    /// Directories outside the server's data directory in which tables are stored, each with a table.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub directories: BTreeMap<String, String>,
    /// Words in front of dots in texts of routines, triggers and events, each with an object that has such a text: where one
    /// is the name of the database, a copy may still mean the original.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    /// Whether names on the dumped server are case-insensitive.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub folds_names: bool,
    /// Table options that a server may be configured to refuse (`no key`, `compressed`, `lenient` …), each with a
    /// table.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, String>,
    /// Bytes of the longest statement, where a dump is made of statements: the target must accept it.
    #[serde(skip_serializing_if = "is_zero")]
    pub longest_statement: u64,
    /// Bytes of the longest statement without the escapes that the target does not need.
    #[serde(skip_serializing_if = "is_zero")]
    pub longest_unescaped: u64,
    /// Bytes of the longest statement that the dumped server accepts.
    #[serde(skip_serializing_if = "is_zero")]
    pub statement_limit: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Needs {
    /// Whether nothing is known to be needed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
