//! What the manifest of such a backup says of it: docs/FORMAT.md lists the keys.

use crate::engine::EngineError;
use crate::engine::postgresql::combine::MinimumSettings;
use crate::model::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is recorded of a backup that pgBackRest keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::engine::postgresql) struct DelegatedFacts {
    /// The name of the server in pgBackRest's configuration.
    pub(super) stanza: StanzaName,
    /// The name of the backup there.
    pub(super) label: Label,
    /// `full`, `diff` or `incr`.
    pub(super) r#type: String,
    /// The one that it builds on.
    pub(super) prior: Option<Label>,
    /// Number of the repository in pgBackRest's configuration.
    pub(super) repository: u32,
    pub(super) system_id: String,
    /// Folder of the WAL in the repository: `15-1`.
    pub(super) archive: ArchiveName,
    pub(super) wal_segment_size: u64,
    pub(super) wal_start: Segment,
    pub(super) wal_stop: Segment,
    pub(super) start_lsn: String,
    pub(super) end_lsn: String,
    /// When it ended, by the clock of pgBackRest's host.
    pub(super) stopped_at: Timestamp,
    /// Bytes of the files of the server.
    pub(super) bytes: u64,
    /// Bytes that it added to the repository.
    pub(super) stored_bytes: u64,
    pub(super) minimum_settings: MinimumSettings,
}

impl DelegatedFacts {
    /// From a manifest.
    pub(super) fn read(facts: &serde_json::Value) -> Result<Self, EngineError> {
        serde_json::from_value(facts.clone()).map_err(|error| EngineError::Archive {
            problem: format!("the manifest does not say which backup of pgBackRest it is: {error}"),
        })
    }

    /// Whether these are the facts of such a backup.
    pub(in crate::engine::postgresql) fn are(facts: &serde_json::Value) -> bool {
        facts.get("stanza").is_some()
    }
}

/// A text that goes into command lines and paths of pgBackRest, and has a form that can do no harm there.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub(super) struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                let check: fn(&str) -> bool = $check;
                if check(&text) {
                    return Ok(Self(text));
                }
                Err(format!("`{}` is no {}", text.chars().take(80).collect::<String>(), stringify!($name)))
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

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
    };
}

fn is_word(text: &str, more: &[char]) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    begins && text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
}

checked_text! {
    /// The name of a backup: `20261130-142717F`, `20261130-142717F_20261130-142725I`.
    Label, |text| is_word(text, &['-', '_'])
}
checked_text! {
    /// The name of a server.
    StanzaName, |text| is_word(text, &['-', '_', '.'])
}
checked_text! {
    /// The folder of the WAL of a server: `15-1`.
    ArchiveName, |text| is_word(text, &['-', '.'])
}
checked_text! {
    /// The name of a segment of WAL: 24 hexadecimal digits.
    Segment, |text| {
        text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
    }
}
