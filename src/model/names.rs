//! Names that users choose in the inventory and that become key segments in the bucket.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name `{name}` is not usable: 1 to 63 characters of a-z, A-Z, 0-9, `-`, `_` and `.`, the first a letter or digit"
)]
pub struct NameError {
    name: String,
}

fn check(name: &str) -> Result<(), NameError> {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts_well = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if starts_well && name.len() <= 63 && name.chars().all(safe) {
        Ok(())
    } else {
        Err(NameError { name: name.to_owned() })
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as the user wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name_type! {
    /// The name of a `[databases.NAME]` entry: one server connection, not one logical database.
    DatabaseName
}
name_type! {
    /// The name of a `[stores.NAME]` entry.
    StoreName
}
name_type! {
    /// The name of a `[keys.NAME]` entry.
    KeyName
}
name_type! {
    /// The name of a `[policies.NAME]` entry.
    PolicyName
}
name_type! {
    /// The name of a `[notify.NAME]` entry.
    NotifierName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_safe_as_key_segments_parse_and_others_do_not() {
        for good in ["shop", "a", "Shop-2.eu_west", "0db", &"x".repeat(63)] {
            assert_eq!(good.parse::<DatabaseName>().map(String::from).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", "-a", "a/b", "a b", "ä", "a\n", "_x", &"x".repeat(64)] {
            assert!(bad.parse::<DatabaseName>().is_err(), "{bad:?} was accepted");
        }
    }
}
