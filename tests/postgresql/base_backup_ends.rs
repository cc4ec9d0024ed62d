//! Base backups that come to nothing, and say why.

use super::base_backup::{Taken, read, request, take};
use super::support::postgres::Postgres;
use jagad::engine::postgresql::base_backup::HeldBaseBackup;
use jagad::engine::{EngineError, ServerSettings};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::time::Instant;
use tokio::io::AsyncReadExt as _;

/// Waits until the server has ended what it did for backups.
fn wait_until_idle(postgres: &Postgres) {
    let began = Instant::now();
    let senders = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'";
    while postgres.psql("postgres", senders) != "0" {
        assert!(began.elapsed().as_secs() < 20, "the server goes on");
    }
    assert_eq!(postgres.psql("postgres", "SELECT count(*) FROM pg_replication_slots"), "0");
}

/// Pages on disk are changed behind the server's back.
async fn check_damaged(major: u32) {
    let postgres = Postgres::start_primary(major);
    let Some(mut postgres) = postgres else { return };
    if major < 18 {
        postgres.stop();
        let data = postgres.data();
        let (good, said) =
            postgres.run("pg_checksums", &["--enable".as_ref(), "-D".as_ref(), data.as_os_str()]);
        assert!(good, "{said}");
        postgres.start_again();
    }
    postgres.psql("postgres", "CREATE TABLE t AS SELECT generate_series(1, 10000) AS a; CHECKPOINT;");
    let path = postgres.data().join(postgres.psql("postgres", "SELECT pg_relation_filepath('t')"));
    let mut file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    for block in [3, 5] {
        file.seek(SeekFrom::Start(block * 8192 + 6000)).unwrap();
        let mut held = [0; 8];
        file.read_exact(&mut held).unwrap();
        file.seek(SeekFrom::Start(block * 8192 + 6000)).unwrap();
        file.write_all(&held.map(|byte| byte ^ 0xff)).unwrap();
    }
    drop(file);
    let error = take(&postgres, "damaged", None).await.err().expect("a refusal");
    let EngineError::Damaged { problem, help } = &error else { panic!("{error:?}") };
    for words in ["XX001", "block 3", "block 5", "checksum"] {
        assert!(problem.contains(words), "{words}: {problem}");
    }
    assert!(help.ends_with('.'));
}

on_each!(async check_damaged as damaged_pages_fail_the_backup_and_are_named: 15, 18);

/// So much that a server does not send it all into buffers at once.
fn fill(postgres: &Postgres) {
    postgres.psql(
        "postgres",
        "CREATE TABLE big AS SELECT repeat(md5(a::text), 30) FROM generate_series(1, 100000) AS a; CHECKPOINT;",
    );
}

#[tokio::test]
async fn a_server_that_ends_the_backup_in_the_middle_makes_a_read_error() {
    let Some(postgres) = Postgres::start_primary(15) else { return };
    fill(&postgres);
    let settings = postgres.settings();
    let mut run = HeldBaseBackup::begin(request(&settings, "ended", None)).await.unwrap();
    let arriving = run.next().await.unwrap().unwrap();
    let mut body = arriving.source.open().await.unwrap();
    body.read_exact(&mut vec![0; 100_000]).await.unwrap();
    let ended =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'walsender'";
    assert_eq!(postgres.psql("postgres", ended), "2");
    let error = tokio::io::copy(&mut body, &mut tokio::io::sink()).await.unwrap_err();
    let error = error.into_inner().unwrap().downcast::<EngineError>().unwrap();
    assert!(error.to_string().contains("BASE_BACKUP"), "{error:?}");
    drop(body);
    assert!(run.next().await.is_err());
    assert!(run.finish().await.is_err());
}

#[tokio::test]
async fn a_backup_that_is_given_up_ends_on_the_server_too() {
    let Some(postgres) = Postgres::start_primary(18) else { return };
    fill(&postgres);
    let settings = postgres.settings();
    let mut run = HeldBaseBackup::begin(request(&settings, "dropped", None)).await.unwrap();
    let arriving = run.next().await.unwrap().unwrap();
    let mut body = arriving.source.open().await.unwrap();
    body.read_exact(&mut vec![0; 100_000]).await.unwrap();
    drop((body, arriving, run));
    wait_until_idle(&postgres);
}

#[tokio::test]
async fn a_stream_that_is_not_read_to_its_end_makes_no_backup() {
    let Some(postgres) = Postgres::start_primary(18) else { return };
    fill(&postgres);
    let settings = postgres.settings();
    let mut run = HeldBaseBackup::begin(request(&settings, "skipped", None)).await.unwrap();
    let arriving = run.next().await.unwrap().unwrap();
    let mut body = arriving.source.open().await.unwrap();
    body.read_exact(&mut [0; 1000]).await.unwrap();
    // While it is read nobody else has the connection.
    assert!(run.next().await.is_err());
    assert!(arriving.source.open().await.is_err());
    drop(body);
    assert!(run.next().await.is_err());
    drop(run);
    wait_until_idle(&postgres);
    let mut run = HeldBaseBackup::begin(request(&settings, "early", None)).await.unwrap();
    let mut arriving = run.next().await.unwrap().unwrap();
    read(&mut arriving).await.unwrap();
    assert!(run.finish().await.is_err(), "the manifest has not come");
}

fn needs_full(result: Result<Taken, EngineError>, words: &str) {
    let error = result.err().expect("a refusal");
    let EngineError::NoBase { reason, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains(words) && !reason.ends_with('.'), "{reason}");
}

#[tokio::test]
async fn a_parent_that_cannot_be_added_to_needs_a_full_backup() {
    let Some(postgres) = Postgres::start_primary(18) else { return };
    let full = take(&postgres, "full", None).await.unwrap();
    needs_full(take(&postgres, "none", Some(&full)).await, "summarization");
    postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    let Some(stranger) = Postgres::start_stranger(18) else { return };
    let other = take(&stranger, "other", None).await.unwrap();
    needs_full(take(&postgres, "strange", Some(&other)).await, "system identifier");
    let mut torn = take(&postgres, "again", None).await.unwrap();
    torn.streams.get_mut("backup_manifest").unwrap().truncate(2000);
    needs_full(take(&postgres, "torn", Some(&torn)).await, "manifest");
    wait_until_idle(&postgres);
}

#[tokio::test]
async fn an_older_server_has_no_incremental_backups() {
    let Some(postgres) = Postgres::start_primary(15) else { return };
    let full = take(&postgres, "full", None).await.unwrap();
    let error = take(&postgres, "more", Some(&full)).await.err().expect("a refusal");
    assert!(matches!(&error, EngineError::Version { problem, .. } if problem.contains("15")), "{error:?}");
    let settings = postgres.settings();
    let other = jagad::engine::postgresql::base_backup::BackupRequest {
        system: Some("1"),
        ..request(&settings, "strange", None)
    };
    let error = HeldBaseBackup::begin(other).await.err().expect("a refusal");
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("another server")),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_the_server_lacks_is_said_with_what_fixes_it() {
    let Some(mut postgres) = Postgres::start_primary(15) else { return };
    postgres.psql("postgres", "CREATE ROLE bk LOGIN; CREATE ROLE rep LOGIN REPLICATION;");
    let as_role =
        |postgres: &Postgres, role: &str| ServerSettings { user: role.to_owned(), ..postgres.settings() };
    let refused = async |settings: ServerSettings| {
        HeldBaseBackup::begin(request(&settings, "refused", None)).await.err().expect("a refusal")
    };
    let error = refused(as_role(&postgres, "bk")).await;
    assert!(
        matches!(&error, EngineError::Privilege { help, .. } if help == "ALTER ROLE \"bk\" REPLICATION;"),
        "{error:?}"
    );
    let settings = as_role(&postgres, "rep");
    let run = HeldBaseBackup::begin(request(&settings, "allowed", None)).await.unwrap();
    drop(run);
    postgres.psql(
        "postgres",
        "ALTER SYSTEM SET max_replication_slots = 0; ALTER SYSTEM SET max_wal_senders = 1;",
    );
    postgres.crash();
    postgres.start_again();
    let error = refused(postgres.settings()).await;
    assert!(
        matches!(&error, EngineError::Prerequisite { help, .. } if help.contains("max_wal_senders")),
        "{error:?}"
    );
    postgres.psql("postgres", "ALTER SYSTEM RESET max_wal_senders;");
    postgres.crash();
    postgres.start_again();
    let error = refused(postgres.settings()).await;
    assert!(
        matches!(&error, EngineError::Prerequisite { help, .. } if help.contains("max_replication_slots")),
        "{error:?}"
    );
    postgres.set_hba("local all all trust\n");
    let began = Instant::now();
    let error = loop {
        let error = refused(postgres.settings()).await;
        if error.to_string().contains("pg_hba.conf") || began.elapsed().as_secs() > 20 {
            break error;
        }
    };
    assert!(
        matches!(&error, EngineError::Prerequisite { help, .. } if help.contains("replication") && help.ends_with('.')),
        "{error:?}"
    );
}
