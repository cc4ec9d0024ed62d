//! What the user can do about a failure.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::ops::Deref;

/// Sentences that say what to do, one on each line. Never empty and without empty lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Help(String);

/// A [`Help`] from a text that is written in the code, with the arguments of `format!`. A text that is not a sentence
/// (a capital first, a full stop last), a question or a statement (a semicolon last) does not compile.
macro_rules! help {
    ($text:literal $(, $($arguments:tt)*)?) => {{
        const { assert!($crate::model::Help::is_sentence($text), "a help is a sentence or a statement") }
        $crate::model::Help::written(format!($text $(, $($arguments)*)?))
    }};
}
pub(crate) use help;

impl Help {
    /// `None` when there is nothing to say.
    pub fn new(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        (!lines.is_empty()).then(|| Self(lines.join("\n")))
    }

    /// For [`help!`] only, which has checked the text.
    pub(crate) const fn written(text: String) -> Self {
        Self(text)
    }

    /// Whether `text`, which may be that of a `format!`, begins and ends like a sentence or a statement.
    pub(crate) const fn is_sentence(text: &str) -> bool {
        let bytes = text.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
        matches!(first, b'A'..=b'Z' | b'`' | b'{') && matches!(last, b'.' | b'?' | b';')
    }

    /// For records: an empty text counts as none.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| Self::new(&text)))
    }
}

impl PartialEq<str> for Help {
    fn eq(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl PartialEq<&str> for Help {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

impl AsRef<str> for Help {
    fn as_ref(&self) -> &str {
        &self.0
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
    fn an_empty_help_cannot_be_made() {
        for nothing in ["", " ", "\n", " \n\t\n"] {
            assert_eq!(Help::new(nothing), None, "{nothing:?}");
        }
        assert_eq!(
            Help::new("Wait.\n\nThen try again. \n").map(|help| help.to_string()).as_deref(),
            Some("Wait.\nThen try again.")
        );
    }

    #[test]
    fn a_help_is_a_sentence_or_a_statement() {
        for good in
            ["Wait.", "GRANT {right} ON *.* TO {user};", "`jagad check` names it.", "{statement} or wait."]
        {
            assert!(Help::is_sentence(good), "{good}");
        }
        for bad in ["", "wait.", "Wait", "Choose {table}", " Wait."] {
            assert!(!Help::is_sentence(bad), "{bad}");
        }
        let name = "shop";
        assert_eq!(&*help!("Look at `{name}` and `{}`.", 1), "Look at `shop` and `1`.");
    }
}
