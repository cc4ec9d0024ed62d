//! Keys and prefixes: the only types that name a place in a store.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The key of one object, relative to the store's prefix: segments of `[A-Za-z0-9._-]` joined by single `/`,
/// no segment empty, `.` or `..`, at most 900 bytes in all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

/// A folder of keys. Always ends in `/` (or is the empty root), so that `a/b/` never covers `a/bc`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPrefix(String);

/// Why a key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key: segments of a-z, A-Z, 0-9, `.`, `_`, `-` joined by `/`")]
pub struct KeyError(String);

fn is_segment(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

impl ObjectKey {
    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl FromStr for ObjectKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() <= 900 && text.split('/').all(is_segment) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

impl KeyPrefix {
    /// The folder of everything.
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// The folder `name` in this one. `name` may hold several segments.
    pub fn folder(&self, name: &str) -> Result<Self, KeyError> {
        if name.split('/').all(is_segment) {
            Ok(Self(format!("{}{name}/", self.0)))
        } else {
            Err(KeyError(name.to_owned()))
        }
    }

    /// The object `name` in this folder.
    pub fn object(&self, name: &str) -> Result<ObjectKey, KeyError> {
        format!("{}{name}", self.0).parse()
    }

    /// The prefix's text: empty, or ending in `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `key` lies in this folder.
    pub fn covers(&self, key: &ObjectKey) -> bool {
        key.0.starts_with(&self.0)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_unsafe_segments_are_refused() {
        assert!(
            "databases/shop/backups/20261120T020000Z-full-k3v9x2/manifest.json".parse::<ObjectKey>().is_ok()
        );
        for bad in ["", "/", "a//b", "/a", "a/", "a/../b", "./a", "a b", "ä", "a\\b", &"x".repeat(901)] {
            assert!(bad.parse::<ObjectKey>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_folder_covers_its_own_keys_only() {
        let folder = KeyPrefix::root().folder("a/b").unwrap();
        assert!(folder.covers(&folder.object("c").unwrap()));
        assert!(!folder.covers(&"a/bc".parse().unwrap()));
        assert!(KeyPrefix::root().folder("..").is_err());
    }
}
