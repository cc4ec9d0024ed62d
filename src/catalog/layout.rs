//! The bucket's layout. No other file builds or reads a key.

use crate::model::{
    BackupId, CipherKind, Codec, DatabaseName, PartKind, PartName, RestoreId, Timestamp, digest,
};
use crate::store::{KeyPrefix, ObjectKey};

/// Builds a key from segments that each come from a checked type or from this file.
#[allow(clippy::expect_used)]
fn key(path: &str) -> ObjectKey {
    path.parse().expect("every segment is checked before it gets here")
}

#[allow(clippy::expect_used)]
fn folder(path: &str) -> KeyPrefix {
    KeyPrefix::root().folder(path).expect("every segment is checked before it gets here")
}

/// The repository's marker.
pub fn marker() -> ObjectKey {
    key("jagad.json")
}

/// Leases on the repository itself.
pub fn repository_leases() -> KeyPrefix {
    folder("lease")
}

/// Everything of all databases.
pub fn databases() -> KeyPrefix {
    folder("databases")
}

/// All backups of one database.
pub fn backups(database: &DatabaseName) -> KeyPrefix {
    folder(&format!("databases/{database}/backups"))
}

/// Everything of one backup.
pub fn backup(database: &DatabaseName, id: &BackupId) -> KeyPrefix {
    folder(&format!("databases/{database}/backups/{id}"))
}

/// A backup's manifest.
pub fn manifest(database: &DatabaseName, id: &BackupId) -> ObjectKey {
    key(&format!("databases/{database}/backups/{id}/manifest.json"))
}

/// The name of a backup's log in its folder.
pub const LOG: &str = "log.txt";

/// A backup's log.
pub fn log(database: &DatabaseName, id: &BackupId) -> ObjectKey {
    key(&format!("databases/{database}/backups/{id}/{LOG}"))
}

/// The mark that keeps a backup from being deleted.
pub fn pin(database: &DatabaseName, id: &BackupId) -> ObjectKey {
    key(&format!("databases/{database}/backups/{id}/pin.json"))
}

/// The result of a verification at `time`.
pub fn verification(database: &DatabaseName, id: &BackupId, time: Timestamp) -> ObjectKey {
    key(&format!("databases/{database}/backups/{id}/verified/{}.json", time.compact()))
}

/// The mark of a verification that is under way.
pub fn verifying(database: &DatabaseName, id: &BackupId) -> ObjectKey {
    key(&format!("databases/{database}/backups/{id}/verifying.json"))
}

/// One segment of a part. The first has no number, so that a small backup is one plainly named file.
pub fn segment(database: &DatabaseName, id: &BackupId, file: &str, index: u32) -> ObjectKey {
    let number = if index == 0 { String::new() } else { format!(".{index:04}") };
    key(&format!("databases/{database}/backups/{id}/{file}{number}"))
}

/// Which policy protects a database.
pub fn attachment(database: &DatabaseName) -> ObjectKey {
    key(&format!("databases/{database}/attachment.json"))
}

/// The state of a database's runs.
pub fn state(database: &DatabaseName) -> ObjectKey {
    key(&format!("databases/{database}/state.json"))
}

/// Leases on one database.
pub fn leases(database: &DatabaseName) -> KeyPrefix {
    folder(&format!("databases/{database}/lease"))
}

/// The database that `key` is a lease on; `None` for other keys.
pub fn leased_database(key: &ObjectKey) -> Option<DatabaseName> {
    let (name, _) = key.as_str().strip_prefix("databases/")?.split_once("/lease/")?;
    name.parse().ok()
}

/// Leases of readers of a database's backups.
pub fn readers(database: &DatabaseName) -> KeyPrefix {
    folder(&format!("databases/{database}/readers"))
}

/// Everything of all restores into `database`.
pub fn restores(database: &DatabaseName) -> KeyPrefix {
    folder(&format!("databases/{database}/restores"))
}

/// The record of how a restore into `database` ended.
pub fn restore(database: &DatabaseName, id: &RestoreId) -> ObjectKey {
    key(&format!("databases/{database}/restores/{id}/restore.json"))
}

/// The record of a restore that has begun.
pub fn restore_begun(database: &DatabaseName, id: &RestoreId) -> ObjectKey {
    key(&format!("databases/{database}/restores/{id}/begun.json"))
}

/// The log of a restore.
pub fn restore_log(database: &DatabaseName, id: &RestoreId) -> ObjectKey {
    key(&format!("databases/{database}/restores/{id}/log.txt"))
}

/// Which restore a record belongs to, and whether it is the final record; `None` for keys that are not a record of a
/// restore.
pub fn restore_item(key: &ObjectKey) -> Option<(DatabaseName, RestoreId, bool)> {
    let mut segments = key.as_str().splitn(5, '/');
    let ("databases", database, "restores", id, file @ ("begun.json" | "restore.json")) =
        (segments.next()?, segments.next()?, segments.next()?, segments.next()?, segments.next()?)
    else {
        return None;
    };
    Some((database.parse().ok()?, id.parse().ok()?, file == "restore.json"))
}

/// The name of a part: what it is of (a logical database, or an archive of files) made safe for a key, and what its plain
/// bytes are (`shop.dump`, `base.tar`).
///
/// A name that had to be changed gets eight digits of its hash, so that no two databases share a part.
pub fn part_name(kind: PartKind, of: Option<&str>, extension: &str) -> PartName {
    let stem = of.unwrap_or(kind.as_str());
    let safe: String = stem
        .chars()
        .take(64)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .collect();
    let name = if safe == stem && !safe.is_empty() {
        format!("{safe}.{extension}")
    } else {
        let hash = digest::hex(&crate::model::Sha256Digest::of(stem.as_bytes()).0[..4]);
        format!("{safe}-{hash}.{extension}")
    };
    safe_part(&name)
}

#[allow(clippy::expect_used)]
fn safe_part(name: &str) -> PartName {
    name.parse().expect("every character was made safe")
}

/// The file name of a part's first segment: the part's name and how it was packed (`shop.dump.zst.enc`).
pub fn part_file(part: &str, codec: Codec, cipher: Option<CipherKind>) -> String {
    let packed = match codec {
        Codec::Zstd => ".zst",
        Codec::Gzip => ".gz",
        Codec::None => "",
    };
    format!("{part}{packed}{}", if cipher.is_some() { ".enc" } else { "" })
}

/// Whether a file of a backup's folder is a record and not a segment of a part.
pub(super) fn is_record(file: &str) -> bool {
    matches!(file, "manifest.json" | "pin.json" | "log.txt")
}

/// What an object inside a database's `backups/` folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'k> {
    /// The manifest.
    Manifest,
    /// The pin.
    Pin,
    /// A verification result, and when it ended by the clock of its host.
    Verification(Timestamp),
    /// The mark of a verification that is under way.
    Verifying,
    /// The log, or a segment of a part.
    Other(&'k str),
}

/// Which backup an object belongs to, and what it is; `None` for keys that are not of a backup.
pub fn backup_item(key: &ObjectKey) -> Option<(DatabaseName, BackupId, Item<'_>)> {
    let mut segments = key.as_str().splitn(5, '/');
    let ("databases", database, "backups", id, rest) =
        (segments.next()?, segments.next()?, segments.next()?, segments.next()?, segments.next()?)
    else {
        return None;
    };
    let item = match rest {
        "manifest.json" => Item::Manifest,
        "pin.json" => Item::Pin,
        "verifying.json" => Item::Verifying,
        _ => match verified_at(rest) {
            Some(time) => Item::Verification(time),
            None => Item::Other(rest),
        },
    };
    Some((database.parse().ok()?, id.parse().ok()?, item))
}

/// The time in the name of a verification result.
fn verified_at(file: &str) -> Option<Timestamp> {
    Timestamp::from_compact(file.strip_prefix("verified/")?.strip_suffix(".json")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_names_are_safe_and_distinct() {
        let name = |database| part_name(PartKind::Database, Some(database), "dump");
        assert_eq!(&*name("shop"), "shop.dump");
        assert_eq!(&*part_name(PartKind::Globals, None, "sql"), "globals.sql");
        assert_ne!(name("a/b"), name("a b"));
        for odd in ["a/b", "größe", "", "..", "a'b\"c", "日本", &"x".repeat(200)] {
            let file = part_file(&name(odd), Codec::Zstd, Some(CipherKind::Aes256Gcm));
            assert!(file.parse::<ObjectKey>().is_ok(), "{odd:?} gave {file}");
            assert!(file.len() < 100 && file.ends_with(".dump.zst.enc"));
        }
    }

    #[test]
    fn keys_of_a_backup_tell_what_they_are() {
        let database: DatabaseName = "shop".parse().unwrap();
        let id: BackupId = "20261120T020000Z-full-k3v9x2".parse().unwrap();
        let of = |key: &ObjectKey| backup_item(key).map(|(d, i, item)| (d, i, format!("{item:?}")));
        let ours = |item: &str| Some((database.clone(), id.clone(), item.to_owned()));
        assert_eq!(of(&manifest(&database, &id)), ours("Manifest"));
        assert_eq!(of(&pin(&database, &id)), ours("Pin"));
        let time = "2026-11-21T00:00:00Z".parse().unwrap();
        assert_eq!(of(&verification(&database, &id, time)), ours("Verification(2026-11-21T00:00:00Z)"));
        assert_eq!(of(&segment(&database, &id, "shop.dump", 1)), ours("Other(\"shop.dump.0001\")"));
        assert_eq!(of(&marker()), None);
        assert_eq!(of(&key("databases/shop/lease/abc.json")), None);
    }
}
