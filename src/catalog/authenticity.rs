//! Whether a manifest is ours: the record at its end proves every byte before it.

use super::error::Doubt;
use super::manifest::Manifest;
use super::record;
use crate::model::{Authentication, RepositoryId};
use std::fmt;

/// Begins the record that ends an authenticated manifest. A raw line feed cannot stand inside a JSON text, and the member
/// stands on the top level, so nothing in a manifest's content looks like this.
const MEMBER: &[u8] = b",\n  \"authentication\": ";
/// What follows the record.
const END: &[u8] = b"\n}\n";

/// Who can make and check the proof of a manifest. The catalogue knows no keys; whoever opens it does.
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Proof for `content`, the text of `manifest`; `None` when no key is at hand.
    fn authenticate(&self, manifest: &Manifest, content: &[u8]) -> Option<Authentication>;

    /// What is known of `content`, a manifest of `repository`, and of what is at its end.
    fn prove(&self, repository: RepositoryId, content: &[u8], record: Result<&Authentication, &str>)
    -> Proof;

    /// What happens with a manifest that is not proven.
    fn unproven(&self) -> UnprovenManifests;
}

/// What is known of where a manifest comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Somebody who has one of our keys wrote exactly this.
    Given,
    /// No key is configured, so nobody can tell.
    NotAsked,
    /// A key is configured and does not prove the manifest.
    Missing(Doubt),
}

/// What happens with a manifest that is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnprovenManifests {
    /// It is refused.
    Refused,
    /// It is believed, because somebody said so.
    Accepted,
}

/// Of a configuration without keys: its bucket is read by choice.
#[derive(Debug)]
pub struct NoKeys;

impl Authenticator for NoKeys {
    fn authenticate(&self, _: &Manifest, _: &[u8]) -> Option<Authentication> {
        None
    }

    fn prove(&self, _: RepositoryId, _: &[u8], _: Result<&Authentication, &str>) -> Proof {
        Proof::NotAsked
    }

    fn unproven(&self) -> UnprovenManifests {
        UnprovenManifests::Refused
    }
}

/// The bytes of a manifest, with its proof as the last member where there is one.
pub fn print(manifest: &Manifest, authenticator: &dyn Authenticator) -> Vec<u8> {
    let whole = record::print(manifest);
    let Some(content) = whole.strip_suffix(END) else { return whole };
    let Some(record) = authenticator.authenticate(manifest, content) else { return whole };
    let record = String::from_utf8_lossy(&record::print(&record)).trim_end().replace('\n', "\n  ");
    [content, MEMBER, record.as_bytes(), END].concat()
}

/// A manifest as it was stored, taken apart.
pub(super) struct Stored {
    /// The text that is proven, and the only one that is read as a manifest.
    pub(super) text: Vec<u8>,
    content: usize,
    record: Result<Authentication, String>,
}

impl Stored {
    /// Splits at the last record.
    pub(super) fn cut(bytes: Vec<u8>) -> Self {
        let Some(at) = memchr::memmem::rfind(&bytes, MEMBER) else {
            let content = bytes.len();
            return Self { text: bytes, content, record: Err("it has no authentication code".to_owned()) };
        };
        let malformed = || "its authentication is malformed".to_owned();
        let record = bytes[at + MEMBER.len()..].strip_suffix(END).ok_or_else(malformed);
        let record = record.and_then(|record| serde_json::from_slice(record).map_err(|_| malformed()));
        // What is read is what was proven, and the brace that closes it.
        let text = [&bytes[..at], END].concat();
        Self { text, content: at, record }
    }

    /// What is known of it.
    pub(super) fn proof(&self, repository: RepositoryId, authenticator: &dyn Authenticator) -> Proof {
        let record = self.record.as_ref().map_err(String::as_str);
        authenticator.prove(repository, &self.text[..self.content], record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Stored {
        Stored::cut(text.as_bytes().to_vec())
    }

    const RECORD: &str = "{\"kind\": \"k\", \"key_id\": \"i\", \"mac\": \"0000000000000000000000000000000000000000000000000000000000000000\"}";

    #[test]
    fn what_is_read_is_what_is_proven() {
        let whole = format!("{{\n  \"format\": 1,\n  \"authentication\": {RECORD}\n}}\n");
        let stored = split(&whole);
        assert_eq!(&stored.text[..stored.content], b"{\n  \"format\": 1");
        assert_eq!(stored.text, b"{\n  \"format\": 1\n}\n");
        assert_eq!(stored.record.unwrap().kind, "k");
    }

    #[test]
    fn a_record_with_anything_around_it_or_in_it_is_no_proof() {
        let content = "{\n  \"format\": 1";
        let end = "\n}\n";
        let key = ",\n  \"authentication\": ";
        for text in [
            format!("{content}{end}"),
            format!("{content}{key}{RECORD}{end} "),
            format!("{content}{key}{RECORD},\n  \"status\": \"success\"{end}"),
            format!("{content}{key}{RECORD}{key}null{end}"),
            format!("{content}{key}{{}}{end}"),
            format!("{content}{key}{}{end}", RECORD.replace("\"i\"", "\"i\", \"more\": 1")),
            format!("{content}{key}{}{end}", RECORD.replace("00\"", "\"")),
            format!("{content}, \"authentication\": {RECORD}{end}"),
            String::new(),
        ] {
            assert!(split(&text).record.is_err(), "{text}");
        }
        // A second record proves what stands before it, the first one too.
        let stored = split(&format!("{content}{key}{RECORD}{key}{RECORD}{end}"));
        assert_eq!(stored.content, content.len() + key.len() + RECORD.len());
    }
}
