//! Two places in a server's own log of changes.

use serde::{Deserialize, Serialize};

/// Two positions in a server's own log, in the engine's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins.
    pub start: String,
    /// Where it ends.
    pub end: String,
}
