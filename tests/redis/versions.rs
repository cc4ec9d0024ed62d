//! RDB files of every version and age, from the tests of Redis and Valkey and from a program that follows the description of the form:
//! what a server makes of a file by itself is what it holds when jagad has brought it there.

use crate::files::write;
use crate::round_trip::{assert_same, put, take};
use crate::support::plans::Dump;
use crate::support::presence::{Need, server_from};
use crate::support::redis::{KINDS, Kind, Server};
use jagad::engine::bare;
use jagad::model::{Contents, EngineKind, PartKind, WitnessError};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Files of the suites that are broken on purpose, and those of versions that no server loads.
const UNFIT: [&str; 3] = ["corrupt_", "rdb75", "rdb987"];

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "rdb")).collect();
    files.sort();
    files
}

/// One file for each version from 1 to 12, with all that servers of that version wrote.
fn generated() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let python =
        std::env::var_os("JAGAD_TEST_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/rdb.py");
    assert!(Command::new(python).arg(script).arg(folder.path()).status().unwrap().success());
    folder
}

/// Whether a server loads such a file.
fn fits(kind: Kind, bytes: &[u8]) -> bool {
    let newest = match kind {
        Kind::Redis7 => 10,
        Kind::Redis8 => 12,
        Kind::Valkey9 => 11,
    };
    let version = bytes.strip_prefix(b"REDIS").and_then(|rest| std::str::from_utf8(&rest[..4]).ok());
    version.is_some_and(|version| version.parse::<u32>().unwrap() <= newest)
}

fn walk(bytes: &[u8]) -> Result<Option<Contents>, WitnessError> {
    let mut witness = bare(EngineKind::Redis, None).reading(PartKind::Database, "").unwrap().witness;
    bytes.chunks(7).try_for_each(|piece| witness.feed(piece))?;
    witness.finish()
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("jagad-redis").tempdir_in("/tmp").unwrap()
}

/// A server that has loaded the file by itself.
fn loaded(kind: Kind, bytes: &[u8]) -> Option<Server> {
    let folder = folder();
    std::fs::write(folder.path().join("dump.rdb"), bytes).unwrap();
    Server::start_in(kind, folder, &[])
}

/// A backup whose stream is this file.
fn as_backup(bytes: &[u8], contents: Option<Contents>) -> Dump {
    Dump {
        bytes: bytes.into(),
        contents,
        properties: serde_json::Value::Null,
        server_version: "7.0".to_owned(),
        database: "keys".to_owned(),
        kind: PartKind::Database,
    }
}

/// Walks the file, brings it into a server of `kind` and into the files of one, then takes a backup of it and brings that
/// there too.
async fn check_on(kind: Kind, name: &str, bytes: &[u8]) -> Option<()> {
    let contents = walk(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let source = loaded(kind, bytes)?;
    for dump in [as_backup(bytes, contents), take(&source).await] {
        let target = Server::start(kind)?;
        let counted = put(&dump, &dump.target("keys"), &target).await;
        let counted = counted.unwrap_or_else(|error| panic!("{name} on {kind:?}: {error}"));
        assert_same(&target, &source);
        assert_eq!(target.digest(), source.digest(), "{name} on {kind:?}");
        let rows = |contents: &Contents| contents.tables.iter().map(|table| table.rows).sum::<u64>();
        assert_eq!(Some(rows(&counted)), dump.contents.as_ref().map(rows), "{name} on {kind:?}");

        let folder = folder();
        write(&source, folder.path(), dump.bytes).await.unwrap();
        let started = Server::start_in(kind, folder, &["--appendonly", "yes"])?;
        assert_eq!(started.digest(), source.digest(), "{name} on {kind:?}");
    }
    Some(())
}

async fn check(files: &[PathBuf]) {
    assert!(files.len() > 5, "{files:?}");
    for path in files {
        let (name, bytes) = (path.file_name().unwrap().to_string_lossy(), std::fs::read(path).unwrap());
        let unfit = UNFIT.iter().any(|word| name.contains(word));
        let mut tried = 0;
        for kind in KINDS.into_iter().filter(|kind| !unfit && fits(*kind, &bytes)) {
            if check_on(kind, &name, &bytes).await.is_none() {
                return;
            }
            tried += 1;
        }
        assert!(unfit || tried > 0, "{name} was tried nowhere");
    }
}

#[tokio::test]
async fn files_of_every_version_come_back() {
    check(&files_of(generated().path())).await;
}

#[tokio::test]
async fn files_of_the_tests_of_redis_come_back() {
    let Some(folder) = server_from("JAGAD_TEST_REDISFILES", Need::Required) else { return };
    check(&files_of(Path::new(&folder))).await;
}

#[tokio::test]
async fn files_of_the_tests_of_valkey_come_back() {
    let Some(folder) = server_from("JAGAD_TEST_VALKEYFILES", Need::Required) else { return };
    check(&files_of(Path::new(&folder))).await;
}

/// What a module wrote can be walked over without the module.
#[test]
fn auxiliary_fields_of_modules_are_walked_over() {
    let folder = generated();
    let newest = std::fs::read(folder.path().join("version-12.rdb")).unwrap();
    let header = newest.split_at(9).0;
    // The module's number, when it is written, and items of every type up to the end mark.
    let mut field = vec![247, 0x81];
    field.extend_from_slice(&0x8126_3a11_9c4f_0401_u64.to_be_bytes());
    field.extend_from_slice(&[
        2, 1, 1, 7, 2, 0x40, 200, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 5, 3, b'a', b'b', b'c', 0,
    ]);
    // Without a checksum, which no server misses that was told to write none.
    let bytes = [header, &field, &newest[9..newest.len() - 8], &[0; 8]].concat();
    assert_eq!(walk(&bytes).unwrap(), walk(&newest).unwrap());
    assert!(walk(&bytes[..40]).is_err());
}

/// Files of before the checksum end with their end mark, and nowhere before it.
#[test]
fn a_file_without_a_checksum_is_whole_at_its_end_mark_alone() {
    for version in 1..=4 {
        let bytes = std::fs::read(generated().path().join(format!("version-{version:02}.rdb"))).unwrap();
        assert!(walk(&bytes).unwrap().is_some());
        for length in 0..bytes.len() {
            assert!(walk(&bytes[..length]).is_err(), "{length}");
        }
        assert!(walk(&[&bytes[..], &[0]].concat()).is_err());
    }
}
