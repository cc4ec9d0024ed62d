//! Identifiers that jagad generates.

use super::kind::BackupKind;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `length` random characters of Crockford's base 32: readable aloud, safe in keys and in database names.
pub fn random_word(length: usize) -> String {
    (0..length).map(|_| char::from(ALPHABET[usize::from(rand::random::<u8>() % 32)])).collect()
}

/// The identity of one backup: `20261120T020000Z-full-k3v9x2`. Start, kind, six random characters.
///
/// Its text sorts by start; nothing may rely on that for order, which is the recorded commit time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupId {
    started: Timestamp,
    kind: BackupKind,
    word: String,
}

/// A text that is not a backup id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a backup id such as 20261120T020000Z-full-k3v9x2")]
pub struct IdError(String);

impl BackupId {
    /// A new identity for a run that starts now.
    pub fn new(started: Timestamp, kind: BackupKind) -> Self {
        let started = Timestamp::from_compact(&started.compact()).unwrap_or(started);
        Self { started, kind, word: random_word(6) }
    }

    /// When the run started, in whole seconds.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Full or incremental.
    pub fn kind(&self) -> BackupKind {
        self.kind
    }
}

impl FromStr for BackupId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let refused = || IdError(text.to_owned());
        let mut fields = text.split('-');
        let (Some(started), Some(kind), Some(word), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(refused());
        };
        let id = Self {
            started: Timestamp::from_compact(started).map_err(|_| refused())?,
            kind: kind.parse().map_err(|_| refused())?,
            word: word.to_owned(),
        };
        let word_is_ours = word.len() == 6 && word.bytes().all(|byte| ALPHABET.contains(&byte));
        if word_is_ours && id.to_string() == text { Ok(id) } else { Err(refused()) }
    }
}

impl TryFrom<String> for BackupId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<BackupId> for String {
    fn from(id: BackupId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}-{}", self.started.compact(), self.kind, self.word))
    }
}

impl fmt::Debug for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The identity of one restore: `20261120T020000Z-restore-k3v9x2`. Start and six random characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RestoreId(String);

impl RestoreId {
    /// The text between its start and its random characters.
    pub const MIDDLE: &'static str = "-restore-";

    /// A new identity for a restore that starts now.
    pub fn new(started: Timestamp) -> Self {
        Self(format!("{}{}{}", started.compact(), Self::MIDDLE, random_word(6)))
    }
}

impl FromStr for RestoreId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let ours = text.split_once(Self::MIDDLE).is_some_and(|(started, word)| {
            let whole = Timestamp::from_compact(started).is_ok_and(|time| time.compact() == started);
            whole && word.len() == 6 && word.bytes().all(|byte| ALPHABET.contains(&byte))
        });
        if ours { Ok(Self(text.to_owned())) } else { Err(format!("`{text}` is not the id of a restore")) }
    }
}

impl TryFrom<String> for RestoreId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RestoreId> for String {
    fn from(id: RestoreId) -> Self {
        id.0
    }
}

impl fmt::Display for RestoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The identity of a repository: 16 random bytes, written once into its marker. Text form is 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryId(pub [u8; 16]);

impl RepositoryId {
    /// A new random identity.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl TryFrom<String> for RepositoryId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        super::digest::unhex(&text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a repository id of 32 hexadecimal digits"))
    }
}

impl From<RepositoryId> for String {
    fn from(id: RepositoryId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for RepositoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::digest::hex(&self.0))
    }
}

impl fmt::Debug for RepositoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backup_ids_print_what_they_parse_and_refuse_the_malformed() {
        let text = "20261120T020000Z-full-k3v9x2";
        assert_eq!(text.parse::<BackupId>().unwrap().to_string(), text);
        let fresh = BackupId::new("2026-11-20T02:00:00.7Z".parse().unwrap(), BackupKind::Incremental);
        assert_eq!(fresh.to_string().parse(), Ok(fresh));
        for bad in [
            "",
            "20261120T020000Z-full-",
            "20261120T020000Z-full-k3v9x2-x",
            "20261120T020000Z-half-k3v9x2",
            "20261320T020000Z-full-k3v9x2",
            "20261120T020000Z-full-K3V9X2",
            "20261120T020000Z-full-../..x",
        ] {
            assert!(bad.parse::<BackupId>().is_err(), "{bad:?} was accepted");
        }
    }
}
