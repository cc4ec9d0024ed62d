//! Names of the parts of a backup.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

/// The name of a part: `shop.dump`. It becomes a file name when a backup is downloaded, so it cannot lead out of the
/// folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartName(String);

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a part cannot be named `{0}`: 1 to 128 characters of a-z, A-Z, 0-9, `-`, `_` and `.`, the first not `.`"
)]
pub struct PartNameError(String);

impl FromStr for PartName {
    type Err = PartNameError;
    fn from_str(text: &str) -> Result<Self, PartNameError> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if (1..=128).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(safe) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PartNameError(text.to_owned()))
        }
    }
}

impl Deref for PartName {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PartName {
    type Error = PartNameError;
    fn try_from(text: String) -> Result<Self, PartNameError> {
        text.parse()
    }
}

impl From<PartName> for String {
    fn from(name: PartName) -> Self {
        name.0
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_to_other_places_are_refused() {
        for good in ["shop.dump", "slots-0-5460.rdb", "_a-1b2c3d4e.sql", "-x.dump", "a"] {
            assert_eq!(good.parse::<PartName>().as_deref(), Ok(good));
        }
        let long = "x".repeat(129);
        for bad in [
            "",
            ".",
            "..",
            "../cron.d-evil",
            "/etc/passwd",
            ".bashrc",
            "a/b",
            "a\\b",
            "a b",
            "a\n",
            "ä",
            &long,
        ] {
            assert!(bad.parse::<PartName>().is_err(), "{bad:?} was accepted");
        }
    }
}
