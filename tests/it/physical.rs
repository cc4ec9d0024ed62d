//! Physical backups of PostgreSQL: chains by the program itself, and servers that start on what they become.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::postgres::Postgres;
use serde_json::Value;

/// A server with a database `shop` that can say what has changed, and the entry `whole` of its files.
fn bench(major: u32) -> Option<Bench> {
    let bench = Bench::with(Postgres::start_primary(major)?, Place::Local);
    bench.add(&bench.entry("whole", "method = \"physical\""));
    bench.open_shop();
    if major >= 17 {
        bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    }
    Some(bench)
}

fn backup(bench: &Bench, arguments: &[&str]) -> Value {
    let report = bench.run(&[&["backup", "whole", "--json"], arguments].concat()).ok().json();
    let id = report["backups"][0]["id"].as_str().unwrap().to_owned();
    bench.run(&["show", &id, "--json"]).ok().json()["manifest"].clone()
}

fn id(manifest: &Value) -> &str {
    manifest["id"].as_str().unwrap()
}

/// What a server on the files in `folder` holds, once it takes writes.
fn restored(bench: &Bench, major: u32, folder: &str) -> String {
    let server = Postgres::start_from(major, &bench.path(folder)).unwrap();
    crate::program::wait_until("the recovery has ended", || {
        server.psql("postgres", "SELECT pg_is_in_recovery();").trim() == "f"
    });
    server.fingerprint("shop")
}

#[test]
fn every_link_of_a_chain_comes_back() {
    let Some(bench) = bench(18) else { return };
    let state = || bench.postgres.fingerprint("shop");
    let mut moments = vec![(backup(&bench, &[]), state())];
    for change in [
        "INSERT INTO sale (item) SELECT id FROM item; UPDATE item SET name = 'changed' WHERE id < 500;",
        "CREATE TABLE fresh AS SELECT id, name FROM item; VACUUM item;",
        "TRUNCATE fresh; ALTER TABLE item ADD COLUMN price int DEFAULT 3; DROP INDEX item_name;",
        "DROP TABLE fresh; CREATE TABLE fresh (other int); INSERT INTO fresh VALUES (7); ALTER TABLE sale RENAME TO sold;",
        "DELETE FROM sold WHERE id > 10;",
    ] {
        bench.postgres.psql("shop", change);
        moments.push((backup(&bench, &["--type", "incremental"]), state()));
    }
    bench.postgres.psql("postgres", "DROP DATABASE shop;");
    for (number, (manifest, expected)) in moments.iter().enumerate() {
        let kind = if number == 0 { "full" } else { "incremental" };
        assert_eq!(
            (&manifest["kind"], &manifest["method"]),
            (&kind.into(), &"physical".into()),
            "{manifest}"
        );
        let folder = format!("files{number}");
        let plan =
            bench.run(&["restore", id(manifest), "--target-dir", &folder, "--plan", "--json"]).ok().json();
        assert_eq!(plan["folder"]["chain"].as_array().unwrap().len(), number + 1);
        assert!(plan["folder"]["bytes"].as_u64().unwrap() > 10 << 20, "{plan}");
        assert!(!bench.path(&folder).exists(), "a plan changes nothing");
        bench.run(&["restore", id(manifest), "--target-dir", &folder]).ok();
        assert_eq!(&restored(&bench, 18, &folder), expected, "link {number}");
    }
    let last = id(&moments[5].0);
    bench.run(&["verify", last, "--level", "read"]).ok();
    // The newest incremental goes by itself, and the full only with all that build on it.
    let going = bench.run(&["delete", id(&moments[0].0), "--dry-run", "--json"]).ok().json();
    assert_eq!(going["backups"].as_array().unwrap().len(), 6);
    assert_eq!(going["backups"][0]["id"], last);
}

#[test]
fn a_full_of_an_older_server_comes_back_and_an_incremental_of_it_is_a_full() {
    let Some(bench) = bench(15) else { return };
    backup(&bench, &[]);
    bench.postgres.psql("shop", "UPDATE item SET name = 'changed';");
    let state = bench.postgres.fingerprint("shop");
    let full = backup(&bench, &["--type", "incremental"]);
    assert_eq!((&full["kind"], &full["parent"]), (&"full".into(), &Value::Null));
    assert!(full["fallback_reason"].as_str().unwrap().contains("has no incremental backups"), "{full}");
    bench.run(&["restore", id(&full), "--target-dir", "files"]).ok();
    assert_eq!(restored(&bench, 15, "files"), state);
    // No run of the lost incremental is left: it became the full.
    let listed = bench.run(&["list", "whole", "--json"]).ok().json();
    assert_eq!(listed["backups"].as_array().unwrap().len(), 2, "{listed}");
}

#[test]
fn tablespaces_go_where_they_are_told_to() {
    let Some(bench) = bench(18) else { return };
    let outside = bench.postgres.new_folder("outside");
    bench.postgres.psql("postgres", &format!("CREATE TABLESPACE far LOCATION '{}';", outside.display()));
    bench
        .postgres
        .psql("shop", "CREATE TABLE away TABLESPACE far AS SELECT g FROM generate_series(1, 5000) g;");
    let state = bench.postgres.fingerprint("shop");
    let manifest = backup(&bench, &[]);
    let oid = manifest["physical"]["tablespaces"][0]["oid"].to_string();
    bench.run(&["restore", id(&manifest), "--target-dir", "files"]).expect(7).says("tablespace").helps();
    assert!(!bench.path("files").exists());
    let other = bench.path("far").display().to_string();
    let wrong = format!("1={other}");
    bench
        .run(&["restore", id(&manifest), "--target-dir", "files", "--tablespace", &wrong])
        .expect(5)
        .says(&oid);
    let right = format!("{oid}={other}");
    bench.run(&["restore", id(&manifest), "--target-dir", "files", "--tablespace", &right]).ok();
    assert_eq!(restored(&bench, 18, "files"), state);
}

/// What a server needs of the backup below may be gone or damaged without anybody having noticed.
#[test]
fn nothing_is_built_on_a_backup_whose_manifest_of_files_cannot_be_read() {
    let Some(bench) = bench(18) else { return };
    let stored = |manifest: &Value| {
        bench.path(&format!("store/databases/whole/backups/{}/backup_manifest.json.zst.enc", id(manifest)))
    };
    let full = backup(&bench, &[]);
    let mut bytes = std::fs::read(stored(&full)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    crate::folder::open(&stored(&full), 0o600);
    std::fs::write(stored(&full), bytes).unwrap();
    let next = backup(&bench, &["--type", "incremental"]);
    assert_eq!(next["kind"], "full");
    assert!(next["fallback_reason"].as_str().unwrap().contains(id(&full)), "{next}");
    std::fs::remove_file(stored(&next)).unwrap();
    let third = backup(&bench, &["--type", "incremental"]);
    assert_eq!(third["kind"], "full");
    assert!(third["fallback_reason"].as_str().unwrap().contains(id(&next)), "{third}");
    assert_eq!(backup(&bench, &["--type", "incremental"])["parent"], third["id"]);
    // Nothing of the runs that changed their minds is left on the server.
    let slots = bench.postgres.psql("postgres", "SELECT count(*) FROM pg_replication_slots;");
    assert_eq!(slots.trim(), "0");
}

/// Nothing starts on what a killed restore leaves, and nobody takes it for a folder that is free.
#[cfg(feature = "crash-points")]
#[test]
fn a_restore_that_is_killed_leaves_nothing_that_starts() {
    let Some(bench) = bench(18) else { return };
    backup(&bench, &[]);
    bench.postgres.psql("shop", "UPDATE item SET name = 'changed';");
    let expected = bench.postgres.fingerprint("shop");
    let last = backup(&bench, &["--type", "incremental"]);
    let folder = bench.path("files");
    // The configuration, the incremental and the full.
    for step in 0..3 {
        bench.killed_at(&["restore", id(&last), "--target-dir", "files"], &format!("recovery-step-{step}"));
        assert!(!folder.join("global/pg_control").exists(), "step {step}");
        bench.run(&["restore", id(&last), "--target-dir", "files"]).expect(6).says("was cut short").helps();
        std::fs::remove_dir_all(&folder).unwrap();
    }
    bench.run(&["restore", id(&last), "--target-dir", "files"]).ok();
    assert_eq!(restored(&bench, 18, "files"), expected);
}
