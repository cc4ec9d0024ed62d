//! What somebody can do about a failure.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::ops::Deref;

/// Sentences that say what to do, one on each line. Never empty and without empty lines: a help that says nothing cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Help(String);

impl Help {
    /// `None` when there is nothing to say.
    pub fn new(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        (!lines.is_empty()).then(|| Self(lines.join("\n")))
    }

    /// For records: an empty text counts as none.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| Self::new(&text)))
    }
}

impl Deref for Help {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_that_says_nothing_cannot_be_made() {
        for nothing in ["", " ", "\n", " \n\t\n"] {
            assert_eq!(Help::new(nothing), None, "{nothing:?}");
        }
        assert_eq!(
            Help::new("Wait.\n\nThen try again. \n").map(|help| help.to_string()).as_deref(),
            Some("Wait.\nThen try again.")
        );
    }
}
