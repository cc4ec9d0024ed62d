//! What the restore of a logical database needs of its target, beyond a server that is new enough.

use serde::{Deserialize, Serialize};

/// What the restore of one logical database needs, as far as it was seen while the database was dumped. A field that is
/// empty means that nothing is needed, or that the backup is older than the field: either way nothing can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Needs {
    /// PostgreSQL: libraries that the dumped server loads at its start (`shared_preload_libraries`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preloaded: Vec<String>,
}

impl Needs {
    /// Whether nothing is known to be needed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
