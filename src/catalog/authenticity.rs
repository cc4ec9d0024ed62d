//! Whether a manifest was written with our key: the record at its end authenticates every byte before it.

use super::error::Doubt;
use super::manifest::Manifest;
use super::record;
use crate::model::{Authentication, RepositoryId};
use std::fmt;

/// The beginning of the record at the end of an authenticated manifest. A JSON string cannot contain a raw line feed,
/// and the member is on the top level, so nothing in a manifest's content looks like this.
const MEMBER: &[u8] = b",\n  \"authentication\": ";
/// What follows the record.
const END: &[u8] = b"\n}\n";

/// Makes and checks the authentication of manifests. The catalogue knows no keys; the caller that opens it does.
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// The authentication of `content`, the text of `manifest`; `None` when no key is configured.
    fn authenticate(&self, manifest: &Manifest, content: &[u8]) -> Option<Authentication>;

    /// Checks `content`, a manifest of `repository`, against the record at its end.
    fn prove(&self, repository: RepositoryId, content: &[u8], record: Result<&Authentication, &str>)
    -> Proof;

    /// What happens with a manifest that is not authenticated.
    fn unproven(&self) -> UnprovenManifests;
}

/// Whether a manifest is authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A configured key authenticates it.
    Given,
    /// No key is configured, so this was not checked.
    NotAsked,
    /// A key is configured and does not authenticate it.
    Missing(Doubt),
}

/// What happens with a manifest that is not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnprovenManifests {
    /// It is an error.
    Refused,
    /// It is used, because the user allowed that.
    Accepted,
}

/// For a configuration without keys: all manifests of its bucket are accepted.
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

/// The bytes of a manifest, with its authentication as the last member if there is one.
pub fn print(manifest: &Manifest, authenticator: &dyn Authenticator) -> Vec<u8> {
    let whole = record::print(manifest);
    let Some(content) = whole.strip_suffix(END) else { return whole };
    let Some(record) = authenticator.authenticate(manifest, content) else { return whole };
    let record = String::from_utf8_lossy(&record::print(&record)).trim_end().replace('\n', "\n  ");
    [content, MEMBER, record.as_bytes(), END].concat()
}

/// A stored manifest, split into content and authentication.
pub(super) struct Stored {
    /// The authenticated text, and the only one that is parsed as a manifest.
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
        // Only the authenticated bytes are parsed, with the brace that closes them.
        let text = [&bytes[..at], END].concat();
        Self { text, content: at, record }
    }

    /// Whether it is authenticated.
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
    fn only_the_authenticated_text_is_parsed() {
        let whole = format!("{{\n  \"format\": 1,\n  \"authentication\": {RECORD}\n}}\n");
        let stored = split(&whole);
        assert_eq!(&stored.text[..stored.content], b"{\n  \"format\": 1");
        assert_eq!(stored.text, b"{\n  \"format\": 1\n}\n");
        assert_eq!(stored.record.unwrap().kind, "k");
    }

    #[test]
    fn a_record_with_anything_around_it_or_in_it_authenticates_nothing() {
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
        // A second record authenticates everything before it, the first one included.
        let stored = split(&format!("{content}{key}{RECORD}{key}{RECORD}{end}"));
        assert_eq!(stored.content, content.len() + key.len() + RECORD.len());
    }
}
