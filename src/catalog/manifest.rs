//! The records in the bucket.

use crate::model::{
    BackupId, BackupKind, BackupPurpose, BackupStatus, CipherKind, Codec, DatabaseName, EngineKind, Help,
    Integrity, LogPosition, Method, PartKind, PartName, RepositoryId, ServerRole, Sha256Digest, Span,
    Timestamp, digest,
};
use crate::store::ObjectKey;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Everything there is to know of one backup. Written once, last, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The backup.
    pub id: BackupId,
    /// The repository it was written for; part of every sealed object's identity.
    pub repository: RepositoryId,
    /// The inventory's name of the database entry.
    pub database: DatabaseName,
    /// Its engine.
    pub engine: EngineKind,
    /// The server; absent when the run failed before it was reached.
    pub server: Option<ServerRecord>,
    /// The dump tool and its version: "pg_dump 18.6".
    pub tool: Option<String>,
    /// Logical or physical.
    pub method: Method,
    /// Who answers for its data.
    #[serde(default, skip_serializing_if = "Integrity::is_own")]
    pub integrity: Integrity,
    /// Full or incremental.
    pub kind: BackupKind,
    /// Why it was taken.
    pub purpose: BackupPurpose,
    /// The backup an incremental builds on.
    pub parent: Option<BackupId>,
    /// Where it was taken from and why.
    pub source: Option<SourceRecord>,
    /// When the run began.
    pub started_at: Timestamp,
    /// When it was committed: the order of backups.
    pub finished_at: Timestamp,
    /// How long it took, by a monotonic clock.
    pub duration_ms: u64,
    /// Positions in the server's log between which the backup lies, where the engine has them.
    pub span: Option<Span>,
    /// What the engine needs to restore a physical backup, or to build on it; by engine in `docs/FORMAT.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical: Option<serde_json::Value>,
    /// The range of the server's own log that an incremental on a logical backup is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogRecord>,
    /// `success` or `failed`.
    pub status: BackupStatus,
    /// Why it failed.
    pub error: Option<FailureRecord>,
    /// Why a full was taken where an incremental was asked for.
    pub fallback_reason: Option<String>,
    /// It holds only those databases of its entry that somebody named: it fulfils no schedule and is no full for retention.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Databases of a server that was to be taken as a whole, and that could not be dumped, each with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, String>,
    /// The user's own words.
    pub note: Option<String>,
    /// Labels of the database entry.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Version of jagad.
    pub jagad: String,
    /// Host it ran on.
    pub host: String,
    /// How the parts are packed.
    pub recipe: RecipeRecord,
    /// The parts.
    pub parts: Vec<Part>,
}

/// A range of the server's own log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// The logical databases that it brings forward: those of the full below it.
    pub databases: Vec<String>,
    /// What the engine needs to build on it; by engine in `docs/FORMAT.md`.
    pub facts: serde_json::Value,
}

/// The dumped server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// Full version.
    pub version: String,
    /// Identity of its data, where it has one: the PostgreSQL system identifier.
    pub identity: Option<String>,
}

/// Which of several servers was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Its role.
    pub role: ServerRole,
    /// Its address.
    pub address: String,
    /// Why this one.
    pub reason: String,
}

/// The class of a run that was stopped or died.
pub const INTERRUPTED: &str = "interrupted";

/// A failure as it is recorded: enough to act on a week later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRecord {
    /// The class, as in the exit-code table: "prerequisite".
    pub class: String,
    /// The whole chain of causes on one line.
    pub message: String,
    /// What to do.
    #[serde(default, deserialize_with = "Help::read")]
    pub help: Option<Help>,
}

/// How parts are packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeRecord {
    /// Compression.
    pub codec: Codec,
    /// Its level.
    pub level: i32,
    /// Encryption; `null` for none.
    pub cipher: Option<CipherKind>,
    /// The master key that opens the objects, 32 hexadecimal digits.
    #[serde(default, deserialize_with = "key_id")]
    pub key_id: Option<String>,
}

/// One part: one stream, packed once, stored in one or more segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name: `shop.dump`. Bound into every sealed segment.
    pub name: PartName,
    /// What it holds.
    pub kind: PartKind,
    /// The logical database, exactly as the server names it.
    #[serde(default, deserialize_with = "logical_database")]
    pub database: Option<String>,
    /// Bytes as the tool wrote them.
    pub plain_bytes: u64,
    /// Bytes after compression.
    pub packed_bytes: u64,
    /// SHA-256 of the compressed stream: the checksum users know.
    pub packed_sha256: Sha256Digest,
    /// Bytes in the store, the sum over all segments.
    pub stored_bytes: u64,
    /// The objects, in order.
    pub segments: Vec<Segment>,
    /// Tables whose rows it carries, where they were counted.
    pub tables: Option<u64>,
    /// Rows in all of them.
    pub rows: Option<u64>,
    /// The place in the server's log that the part is a picture of, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<LogPosition>,
    /// The tool's command line; secrets are never in it.
    #[serde(default)]
    pub argv: Vec<String>,
    /// What the engine needs to create the database anew.
    #[serde(default)]
    pub properties: serde_json::Value,
}

/// One object of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its key, relative to the repository's prefix.
    pub key: ObjectKey,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its stored bytes: checks the bucket without the key.
    pub sha256: Sha256Digest,
}

/// The mark that keeps a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinRecord {
    /// [`super::FORMAT`].
    pub format: u32,
    /// When it was set.
    pub pinned_at: Timestamp,
    /// On which host.
    pub host: String,
    /// Why.
    pub note: Option<String>,
}

impl Manifest {
    /// Stored bytes of all parts, or what another tool stored; as many as can be said, where somebody wrote down more.
    pub fn stored_bytes(&self) -> u64 {
        if self.integrity == Integrity::Delegated {
            return self.delegated_bytes("stored_bytes");
        }
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.stored_bytes))
    }

    /// Plain bytes of all parts, likewise.
    pub fn plain_bytes(&self) -> u64 {
        if self.integrity == Integrity::Delegated {
            return self.delegated_bytes("bytes");
        }
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.plain_bytes))
    }

    /// What the tool that keeps its data said of the size.
    fn delegated_bytes(&self, key: &str) -> u64 {
        self.physical.as_ref().and_then(|facts| facts.get(key)?.as_u64()).unwrap_or(0)
    }

    /// Whether it needs no other backup that is recorded here: a full, and what another tool keeps with all that it needs.
    pub fn stands_alone(&self) -> bool {
        self.parent.is_none() && (self.kind == BackupKind::Full || self.integrity == Integrity::Delegated)
    }

    /// The logical databases that a restore of it brings back.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        let dumped = self.parts_of(PartKind::Database).filter_map(|part| part.database.as_deref());
        dumped.chain(self.log.iter().flat_map(|log| log.databases.iter().map(String::as_str)))
    }

    /// Parts of one kind.
    pub fn parts_of(&self, kind: PartKind) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.kind == kind)
    }
}

/// A name that a server can have: it goes into command lines and statements, where a zero would end it.
fn logical_database<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    match &name {
        Some(text) if text.is_empty() || text.len() > 1024 || text.contains('\0') => {
            Err(D::Error::custom("a database cannot have this name"))
        }
        _ => Ok(name),
    }
}

fn key_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let id = Option::<String>::deserialize(deserializer)?;
    match &id {
        Some(text) if digest::unhex(text).is_none_or(|bytes| bytes.len() != 16) => {
            Err(D::Error::custom("a key id has 32 hexadecimal digits"))
        }
        _ => Ok(id),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{parse, print};
    use super::*;
    use proptest::prelude::*;

    const MANIFEST: &str = r#"{"format":1,"id":"20260102T030405Z-full-abcdef",
"repository":"0123456789abcdef0123456789abcdef","database":"shop","engine":"postgresql",
"server":{"version":"18.6","identity":"7"},"tool":"pg_dump 18.6","method":"logical","kind":"full","purpose":"manual","parent":null,
"source":null,"started_at":"2026-01-02T03:04:05Z","finished_at":"2026-01-02T03:04:06Z","duration_ms":1000,"span":null,
"status":"success","error":null,"fallback_reason":null,"note":"n","labels":{"a":"b"},"jagad":"0.1.0","host":"h",
"recipe":{"codec":"zstd","level":3,"cipher":null,"key_id":null},"parts":[
{"name":"a.dump","kind":"database","database":"a","plain_bytes":18446744073709551615,"packed_bytes":1,
"packed_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","stored_bytes":18446744073709551615,
"segments":[{"key":"databases/shop/x","bytes":18446744073709551615,
"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"tables":1,"rows":2},
{"name":"b.dump","kind":"database","database":"b","plain_bytes":1,"packed_bytes":1,
"packed_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","stored_bytes":1,
"segments":[],"tables":null,"rows":null}]}"#;

    #[test]
    fn sizes_that_no_backup_has_do_not_overflow() {
        let key: ObjectKey = "manifest.json".parse().unwrap();
        let manifest: Manifest = parse(&key, MANIFEST.as_bytes()).unwrap();
        assert_eq!((manifest.stored_bytes(), manifest.plain_bytes()), (u64::MAX, u64::MAX));
    }

    proptest! {
        #[test]
        fn bent_manifests_are_read_back_as_printed_or_refused(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            keep in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let mut bytes = MANIFEST.as_bytes().to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if cut {
                bytes.truncate(keep.index(bytes.len()));
            }
            let key: ObjectKey = "manifest.json".parse().unwrap();
            if let Ok(manifest) = parse::<Manifest>(&key, &bytes) {
                prop_assert_eq!(parse::<Manifest>(&key, &print(&manifest)).unwrap(), manifest);
            }
        }
    }
}
