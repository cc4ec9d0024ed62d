//! Files that a server starts with.

use crate::content::fill;
use crate::round_trip::{assert_same, take};
use crate::support::redis::{KINDS, Kind, Server};
use jagad::engine::{Engine as _, RecoveryPart, RecoveryRequest, StreamError};
use jagad::process::SystemRunner;
use std::path::Path;
use std::sync::Arc;

/// Lays `bytes` out in `folder` as a restore with `--target-dir` does.
pub(crate) async fn write(source: &Server, folder: &Path, bytes: Arc<[u8]>) -> Result<(), StreamError> {
    let part = RecoveryPart { name: "keys.rdb".parse().unwrap(), database: "keys".to_owned() };
    let recovery = source.engine().recover(&RecoveryRequest { parts: &[part], folder }).unwrap();
    recovery.writes[0].consumer.take(&SystemRunner, Box::pin(std::io::Cursor::new(bytes))).await.map(|_| ())
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
    assert!(write(&source, &place, bytes).await.is_err());
}
