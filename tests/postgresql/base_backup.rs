//! Base backups of real servers: whole by themselves, and judged by PostgreSQL's own tools.

use super::support::postgres::Postgres;
use jagad::engine::EngineError;
use jagad::engine::postgresql::base_backup::{
    Arriving, BackupRequest, BackupSpan, HeldBaseBackup, Member, Parent, System,
};
use jagad::model::{BackupId, ByteReader, WitnessError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::AsyncReadExt as _;

/// A backup in memory.
pub(crate) struct Taken {
    pub(crate) streams: BTreeMap<String, Vec<u8>>,
    pub(crate) order: Vec<Member>,
    pub(crate) estimates: Vec<u64>,
    pub(crate) span: BackupSpan,
    pub(crate) system: System,
    pub(crate) id: BackupId,
}

/// Some backup's identity.
pub(crate) fn backup_id() -> BackupId {
    "20261130T100000Z-full-k3v9x2".parse().unwrap()
}

/// What a backup of `postgres` is asked with.
pub(crate) fn request<'a>(
    settings: &'a jagad::engine::ServerSettings,
    id: &'a str,
    parent: Option<&'a Taken>,
) -> BackupRequest<'a> {
    let parent = parent.map(|taken| {
        let manifest: ByteReader<'a> = Box::pin(&taken.streams["backup_manifest"][..]);
        Parent { backup: &taken.id, manifest }
    });
    BackupRequest { settings, major: 0, system: None, id, parent }
}

/// Reads one stream to its end, past its witness.
pub(crate) async fn read(arriving: &mut Arriving) -> std::io::Result<Vec<u8>> {
    let mut body = arriving.source.open().await.map_err(std::io::Error::other)?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 100_000];
    loop {
        let count = body.read(&mut piece).await?;
        if count == 0 {
            arriving.witness.finish().map_err(std::io::Error::other)?;
            return Ok(bytes);
        }
        arriving.witness.feed(&piece[..count]).map_err(std::io::Error::other)?;
        bytes.extend_from_slice(&piece[..count]);
    }
}

/// Takes a backup, on top of `parent` if there is one.
pub(crate) async fn take(
    postgres: &Postgres,
    id: &str,
    parent: Option<&Taken>,
) -> Result<Taken, EngineError> {
    let settings = postgres.settings();
    let mut run = HeldBaseBackup::begin(request(&settings, id, parent)).await?;
    let (mut streams, mut order, mut estimates) = (BTreeMap::new(), Vec::new(), Vec::new());
    while let Some(mut arriving) = run.next().await? {
        let bytes = read(&mut arriving).await.unwrap();
        order.push(arriving.member);
        estimates.push(arriving.estimate);
        streams.insert(arriving.member.name(), bytes);
    }
    let system = run.system().clone();
    let span = run.finish().await?;
    Ok(Taken { streams, order, estimates, span, system, id: backup_id() })
}

/// The files of `taken` as a data directory, with its tablespaces beside it.
pub(crate) fn unpack(postgres: &Postgres, taken: &Taken, name: &str) -> PathBuf {
    let folder = postgres.new_folder(name);
    let data = postgres.new_folder(&format!("{name}-data"));
    for (stream, bytes) in &taken.streams {
        std::fs::write(folder.join(stream), bytes).unwrap();
    }
    untar(&folder.join("base.tar"), &data);
    for member in &taken.order {
        if let Member::Tablespace(oid) = member {
            let space = postgres.new_folder(&format!("{name}-{oid}"));
            untar(&folder.join(member.name()), &space);
            let link = data.join(format!("pg_tblspc/{oid}"));
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(&space, &link).unwrap();
        }
    }
    std::fs::copy(folder.join("backup_manifest"), data.join("backup_manifest")).unwrap();
    assert!(
        Command::new("chown")
            .args(["-hR", "--reference"])
            .arg(postgres.data())
            .arg(&data)
            .status()
            .unwrap()
            .success()
    );
    data
}

fn untar(archive: &Path, folder: &Path) {
    let unpacked = Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(folder).status().unwrap();
    let owner = Command::new("chown").args(["-hR", "--reference"]).args([folder, folder]).status().unwrap();
    assert!(unpacked.success() && owner.success());
}

/// Everything that a server has of `database`, line by line, but for what recovery empties.
fn content(postgres: &Postgres, database: &str) -> Vec<String> {
    let fingerprint = postgres.fingerprint(database);
    fingerprint.lines().filter(|line| !line.contains("public.unlogged|")).map(str::to_owned).collect()
}

#[track_caller]
fn assert_same(left: &[String], right: &[String]) {
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left, right);
    }
    assert_eq!(left.len(), right.len());
}

/// PostgreSQL's own judgement of an unpacked full backup, and a server that starts on it.
fn judged(postgres: &Postgres, major: u32, data: &Path) -> Postgres {
    let (good, said) = postgres.run("pg_verifybackup", &[data.as_os_str()]);
    assert!(good, "{said}");
    // The server would point its links to where the tablespaces were.
    let _ = std::fs::remove_file(data.join("tablespace_map"));
    Postgres::start_from(major, data).unwrap()
}

async fn check_whole(major: u32) {
    let Some(postgres) = Postgres::start_primary(major) else { return };
    let space = postgres.new_folder("space");
    postgres.psql("postgres", &format!("CREATE TABLESPACE far LOCATION '{}';", space.display()));
    postgres.create_content("shop");
    postgres.psql(
        "shop",
        "CREATE TABLE far (a int) TABLESPACE far; INSERT INTO far SELECT generate_series(1, 100000); CHECKPOINT;",
    );
    let taken = take(&postgres, "20261130T100000Z-full-k3v9x2", None).await.unwrap();
    let [Member::Tablespace(oid), Member::Base, Member::Manifest] = taken.order[..] else {
        panic!("{:?}", taken.order)
    };
    assert_eq!(postgres.psql("shop", "SELECT oid FROM pg_tablespace WHERE spcname = 'far'"), oid.to_string());
    assert!(taken.estimates[0] > 3 << 20 && taken.estimates[1] > 10 << 20, "{:?}", taken.estimates);
    assert!(taken.span.start.lsn < taken.span.end.lsn);
    assert_eq!((taken.system.wal_segment_bytes, taken.system.block_bytes), (1 << 20, 8192));
    assert_eq!(taken.system.data_checksums, major >= 18);
    assert!(taken.system.version.starts_with(&major.to_string()));
    // It was whole before the slot went, which it does with the backup.
    let slots = "SELECT count(*) FROM pg_replication_slots";
    let began = std::time::Instant::now();
    while postgres.psql("postgres", slots) != "0" {
        assert!(began.elapsed().as_secs() < 20, "the slot stays");
    }

    let before = content(&postgres, "shop");
    let data = unpack(&postgres, &taken, "whole");
    let label = std::fs::read_to_string(data.join("backup_label")).unwrap();
    assert!(label.contains("LABEL: jagad 20261130T100000Z-full-k3v9x2"), "{label}");
    let restored = judged(&postgres, major, &data);
    assert_same(&content(&restored, "shop"), &before);
    assert_eq!(restored.psql("shop", "SELECT sum(a) FROM far"), "5000050000");
}

on_each!(async check_whole as a_base_backup_is_whole_by_itself: 15, 18);

#[tokio::test]
async fn the_wal_of_a_backup_is_held_however_much_is_written_meanwhile() {
    let Some(postgres) = Postgres::start_primary(18) else { return };
    postgres.psql(
        "postgres",
        "ALTER SYSTEM SET wal_keep_size = 0; ALTER SYSTEM SET max_wal_size = '4MB'; ALTER SYSTEM SET min_wal_size = '2MB';
         SELECT pg_reload_conf(); CREATE TABLE t (a text);",
    );
    let settings = postgres.settings();
    let mut run = HeldBaseBackup::begin(request(&settings, "held", None)).await.unwrap();
    let mut streams = BTreeMap::new();
    while let Some(mut arriving) = run.next().await.unwrap() {
        // 60 segments, and checkpoints that recycle all that nobody holds.
        for _ in 0..3 {
            postgres.psql(
                "postgres",
                "INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 20000); SELECT pg_switch_wal();",
            );
            postgres.psql("postgres", "CHECKPOINT");
        }
        let bytes = read(&mut arriving).await.unwrap();
        streams.insert(arriving.member.name(), bytes);
    }
    let system = run.system().clone();
    let span = run.finish().await.unwrap();
    let order = vec![Member::Base, Member::Manifest];
    let taken = Taken { streams, order, estimates: Vec::new(), span, system, id: backup_id() };
    let data = unpack(&postgres, &taken, "held");
    judged(&postgres, 18, &data);
}

#[tokio::test]
async fn a_standby_is_a_source_too() {
    for major in [15, 18] {
        let Some(primary) = Postgres::start_primary(major) else { return };
        primary.create_content("shop");
        let standby = primary.start_standby(major);
        standby.set_hba("local all all trust\nlocal replication all trust\n");
        primary.psql("shop", "CHECKPOINT");
        let taken = take(&standby, "standby", None).await.unwrap();
        let data = unpack(&standby, &taken, "copy");
        std::fs::remove_file(data.join("standby.signal")).unwrap_or_default();
        let restored = judged(&standby, major, &data);
        assert_same(&content(&restored, "shop"), &content(&primary, "shop"));
    }
}

#[tokio::test]
async fn an_incremental_holds_what_has_changed_since_its_parent() {
    let Some(postgres) = Postgres::start_primary(18) else { return };
    postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    postgres.psql("postgres", "CREATE TABLE t AS SELECT generate_series(1, 300000) AS a; CHECKPOINT;");
    let full = take(&postgres, "full", None).await.unwrap();
    postgres.psql("postgres", "UPDATE t SET a = -a WHERE a < 100; CREATE TABLE u AS SELECT 7 AS b;");
    let first = take(&postgres, "first", Some(&full)).await.unwrap();
    postgres.psql("postgres", "INSERT INTO u VALUES (8)");
    let second = take(&postgres, "second", Some(&first)).await.unwrap();
    let bytes = |taken: &Taken| taken.streams["base.tar"].len();
    assert!(bytes(&second) < bytes(&full) / 2, "{} of {}", bytes(&second), bytes(&full));

    let folders =
        [("f", &full), ("i", &first), ("j", &second)].map(|(name, taken)| unpack(&postgres, taken, name));
    let combined = postgres.new_folder("out").join("combined");
    let args: Vec<&std::ffi::OsStr> = folders
        .iter()
        .map(|folder| folder.as_os_str())
        .chain(["-o".as_ref(), combined.as_os_str()])
        .collect();
    let (good, said) = postgres.run("pg_combinebackup", &args);
    assert!(good, "{said}");
    let restored = judged(&postgres, 18, &combined);
    assert_eq!(
        restored.psql("postgres", "SELECT sum(a) FROM t"),
        postgres.psql("postgres", "SELECT sum(a) FROM t")
    );
    assert_eq!(restored.psql("postgres", "SELECT sum(b) FROM u"), "15");
}

/// A stream with one byte changed is refused by its witness, or the change is in the contents of a file.
#[tokio::test]
async fn a_stream_that_is_cut_or_damaged_is_no_backup() {
    let Some(postgres) = Postgres::start_primary(18) else { return };
    let settings = postgres.settings();
    let mut run = HeldBaseBackup::begin(request(&settings, "cut", None)).await.unwrap();
    while let Some(mut arriving) = run.next().await.unwrap() {
        let bytes = read(&mut arriving).await.unwrap();
        let judge = |bytes: &[u8], piece: usize| -> Result<(), WitnessError> {
            use jagad::engine::postgresql::base_backup::{
                ManifestWitness, SeenManifest, SeenWal, TarWitness,
            };
            use jagad::model::Witness;
            let mut witness: Box<dyn Witness> = match arriving.member {
                Member::Manifest => Box::new(ManifestWitness::new(SeenManifest::default())),
                _ => Box::new(TarWitness::base(SeenWal::default())),
            };
            bytes.chunks(piece).try_for_each(|piece| witness.feed(piece))?;
            witness.finish().map(|_| ())
        };
        judge(&bytes, 1 << 20).unwrap();
        judge(&bytes, 511).unwrap();
        let end = bytes.len();
        for cut in [0, 1, 511, 512, 513, end / 2, end - 1025, end - 1024, end - 512, end - 1] {
            assert!(judge(&bytes[..cut], 4096).is_err(), "{:?} cut at {cut}", arriving.member);
        }
        let mut more = bytes.clone();
        more.extend_from_slice(b"more");
        assert!(judge(&more, 4096).is_err());
        for at in [0, 100, 130, 150, end - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 0x11;
            assert!(judge(&changed, 4096).is_err(), "{:?} changed at {at}", arriving.member);
        }
    }
    run.finish().await.unwrap();
}
