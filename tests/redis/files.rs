//! Files that a server starts with.

use crate::content::fill;
use crate::round_trip::{assert_same, take};
use crate::support::redis::{KINDS, Kind, Server};
use jagad::engine::{
    Engine, EngineError, Recovery, RecoveryLink, RecoveryPart, RecoveryPoint, RecoveryRequest, RecoveryStep,
    StreamError,
};
use jagad::model::{EngineKind, PartKind};
use jagad::process::{SystemRunner, is_root};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

/// Lays `bytes` out in `folder` as a restore with `--target-dir` does.
pub(crate) async fn write(source: &Server, folder: &Path, bytes: Arc<[u8]>) -> Result<(), StreamError> {
    let recovery = recover(&source.engine(), &["keys"], folder).await.unwrap();
    let [RecoveryStep::Write(write)] = recovery.steps.as_slice() else { panic!("{recovery:?}") };
    write.consumer.take(&SystemRunner, Box::pin(std::io::Cursor::new(bytes))).await.map(|_| ())
}

/// How a backup with these parts becomes files in `folder`.
pub(crate) async fn recover(
    engine: &dyn Engine,
    databases: &[&str],
    folder: &Path,
) -> Result<Recovery, EngineError> {
    let part = |database: &&str| RecoveryPart {
        name: "keys.rdb".parse().unwrap(),
        kind: PartKind::Database,
        database: (*database).to_owned(),
        properties: serde_json::Value::Null,
        plain_bytes: 1,
    };
    let link = RecoveryLink {
        backup: "20261120T020000Z-full-k3v9x2".parse().unwrap(),
        server_version: String::new(),
        span: None,
        facts: serde_json::Value::Null,
        parts: databases.iter().map(part).collect(),
    };
    let request = RecoveryRequest {
        links: &[link],
        folder,
        tablespaces: &BTreeMap::new(),
        others: None,
        until: &RecoveryPoint::Backup,
    };
    engine.recover(&SystemRunner, &request).await
}

#[tokio::test]
async fn a_server_starts_with_the_files_whether_it_appends_or_not() {
    for kind in KINDS {
        for appends in ["yes", "no"] {
            let Some(source) = Server::start(kind) else { return };
            fill(&source);
            let folder = tempfile::Builder::new().prefix("jagad-redis").tempdir_in("/tmp").unwrap();
            write(&source, folder.path(), take(&source).await.bytes).await.unwrap();
            let started = Server::start_in(kind, folder, &["--appendonly", appends]).unwrap();
            assert_same(&started, &source);
        }
    }
}

#[tokio::test]
async fn what_is_torn_leaves_no_file_and_what_is_there_is_never_overwritten() {
    let Some(source) = Server::start(Kind::Redis7) else { return };
    fill(&source);
    let bytes = take(&source).await.bytes;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new");
    let torn: Arc<[u8]> = bytes[..bytes.len() - 1].into();
    let mut changed = bytes.to_vec();
    changed[5000] ^= 1;
    for wrong in [torn, changed.into()] {
        assert!(write(&source, &place, wrong).await.is_err());
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
    }
    write(&source, &place, Arc::clone(&bytes)).await.unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&place).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["appendonlydir", "dump.rdb"]);
    assert_eq!(std::fs::read(place.join("dump.rdb")).unwrap(), *bytes);
    assert!(write(&source, &place, Arc::clone(&bytes)).await.is_err());
    // A file of any name is in the way.
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("notes"), "mine").unwrap();
    assert!(write(&source, &other, bytes).await.is_err());
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
}

#[tokio::test]
async fn the_files_are_one_on_the_disk_and_belong_to_the_owner_of_the_folder_alone() {
    let Some(source) = Server::start(Kind::Redis7) else { return };
    let folder = tempfile::tempdir().unwrap();
    if is_root() {
        std::os::unix::fs::chown(folder.path(), Some(1), Some(1)).unwrap();
    }
    write(&source, folder.path(), take(&source).await.bytes).await.unwrap();
    let owner = std::fs::metadata(folder.path()).unwrap().uid();
    for (name, mode, links) in [
        ("dump.rdb", 0o100_640, Some(2)),
        ("appendonlydir", 0o040_750, None),
        ("appendonlydir/appendonly.aof.1.base.rdb", 0o100_640, Some(2)),
        ("appendonlydir/appendonly.aof.manifest", 0o100_640, Some(1)),
    ] {
        let found = std::fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!((found.mode(), found.uid()), (mode, owner), "{name}");
        assert_eq!(found.nlink(), links.unwrap_or(found.nlink()), "{name}");
    }
}

#[tokio::test]
async fn the_name_of_a_part_leads_into_no_other_folder() {
    let engine = jagad::engine::bare(EngineKind::Redis, None);
    let folder = Path::new("/nowhere");
    for (name, fits) in [("slots-0-5460", true), ("../other", false), ("a/b", false), ("", false)] {
        let recovery = recover(engine.as_ref(), &["slots-5461-16383", name], folder).await;
        assert_eq!(recovery.is_ok(), fits, "{name}");
    }
}
