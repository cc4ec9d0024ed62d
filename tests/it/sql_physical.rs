//! Physical backups of MariaDB: chains by the program itself, and servers that start on what they become.

use crate::folder::open;
use crate::sql_bench::SqlBench;
use crate::support::mysql::{Release, Sql};

/// A server with a database `shop`, and the entry `whole` of its files.
fn bench(release: Release) -> Option<SqlBench> {
    let bench = SqlBench::small(release)?;
    bench.add(&bench.entry("whole", "method = \"physical\""));
    Some(bench)
}

fn backup(bench: &SqlBench, arguments: &[&str]) -> serde_json::Value {
    let report = bench.run(&[&["backup", "whole", "--json"], arguments].concat()).ok().json();
    let id = report["backups"][0]["id"].as_str().unwrap().to_owned();
    bench.run(&["show", &id, "--json"]).ok().json()
}

/// What `shop` holds. The next number of a column that counts is rounded by a server that starts.
pub(crate) fn contents(sql: &Sql) -> String {
    let said = sql.fingerprint("shop");
    let mut pieces = said.split(" AUTO_INCREMENT=");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn every_link_of_a_chain_comes_back(release: Release) {
    let Some(bench) = bench(release) else { return };
    let mut moments = vec![(backup(&bench, &[]), contents(&bench.sql))];
    for change in [
        "INSERT INTO sale (item) SELECT id FROM item; UPDATE item SET name = 'changed' WHERE id < 500;",
        "CREATE TABLE fresh (id INT PRIMARY KEY, text TEXT); INSERT INTO fresh SELECT id, name FROM item; DROP VIEW sold;",
        "TRUNCATE fresh; ALTER TABLE item ADD COLUMN price INT DEFAULT 3, DROP KEY name;",
        "DROP TABLE fresh; CREATE TABLE fresh (other INT); INSERT INTO fresh VALUES (7); RENAME TABLE sale TO sold;",
    ] {
        bench.sql.run("shop", change);
        moments.push((backup(&bench, &["--type", "incremental"]), contents(&bench.sql)));
    }
    bench.sql.run("", "DROP DATABASE shop;");
    for (number, (shown, expected)) in moments.iter().enumerate() {
        let manifest = &shown["manifest"];
        let kind = if number == 0 { "full" } else { "incremental" };
        assert_eq!(
            (&manifest["kind"], &manifest["method"]),
            (&kind.into(), &"physical".into()),
            "{manifest}"
        );
        let id = manifest["id"].as_str().unwrap();
        bench.run(&["verify", id, "--level", "read"]).ok();
        let folder = format!("files{number}");
        let plan = bench.run(&["restore", id, "--target-dir", &folder, "--plan", "--json"]).ok().json();
        assert_eq!(plan["folder"]["chain"].as_array().unwrap().len(), number + 1);
        assert!(!bench.path(&folder).exists(), "a plan changes nothing");
        bench.run(&["restore", id, "--target-dir", &folder]).ok();
        let server = Sql::start_on(release, &bench.path(&folder));
        assert_eq!(&contents(&server), expected, "link {number}");
    }
}

on_each!(every_link_of_a_chain_comes_back as every_link_of_a_chain_comes_back: MariaDb1011, MariaDb118);

/// What cannot be built on is followed by a full that says why.
#[test]
fn a_full_takes_the_place_of_an_incremental_that_cannot_be() {
    let Some(bench) = bench(Release::MariaDb1011) else { return };
    let incremental = || backup(&bench, &["--type", "incremental"])["manifest"].clone();
    let reason = |manifest: &serde_json::Value| {
        assert_eq!((&manifest["kind"], &manifest["parent"]), (&"full".into(), &serde_json::Value::Null));
        manifest["fallback_reason"].as_str().unwrap().to_owned()
    };
    assert!(reason(&incremental()).contains("there is no full physical backup yet"));
    let chained = incremental();
    assert_eq!(
        (&chained["kind"], &chained["fallback_reason"]),
        (&"incremental".into(), &serde_json::Value::Null)
    );
    // Found bad: nothing is built on it.
    let id = chained["id"].as_str().unwrap().to_owned();
    let stored = bench.path(&format!("store/databases/whole/backups/{id}/server.xbstream.zst.enc"));
    let mut bytes = std::fs::read(&stored).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    open(&stored, 0o600);
    std::fs::write(&stored, bytes).unwrap();
    bench.run(&["verify", &id]).expect(4);
    let full = incremental();
    assert!(reason(&full).contains("its verification at level checksum failed"), "{full}");
    let next = incremental();
    assert_eq!(next["parent"], full["id"]);
    // The chain stays together: the full goes only with what builds on it.
    let report = bench.run(&["delete", full["id"].as_str().unwrap(), "--dry-run", "--json"]).ok().json();
    let going: Vec<&str> =
        report["backups"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(going, [next["id"].as_str().unwrap(), full["id"].as_str().unwrap()]);
}

/// A restored server has its backup's identity, and a redo log that goes on as if nothing had happened since.
#[test]
fn nothing_is_built_on_a_backup_that_is_newer_than_what_the_server_was_restored_from() {
    let Some(mut bench) = bench(Release::MariaDb1011) else { return };
    let first = backup(&bench, &[])["manifest"].clone();
    bench.sql.run("shop", "UPDATE item SET name = 'lost again';");
    backup(&bench, &["--type", "incremental"]);
    bench.run(&["restore", first["id"].as_str().unwrap(), "--target-dir", "files"]).ok();
    let files = bench.path("files");
    bench.sql.replace_data(&files);
    bench.sql.run("shop", "UPDATE item SET name = 'anew';");
    let next = backup(&bench, &["--type", "incremental"])["manifest"].clone();
    assert_eq!(next["kind"], "full");
    assert!(next["fallback_reason"].as_str().unwrap().contains("was restored since"), "{next}");
}

/// What cannot work is refused with a reason and a way out, and touches nothing.
#[test]
fn what_a_physical_backup_cannot_be_is_refused() {
    let Some(bench) = bench(Release::MariaDb1011) else { return };
    bench.run(&["backup", "whole", "--dbname", "shop"]).expect(2).says("hold the whole server").helps();
    let manifest = backup(&bench, &[])["manifest"].clone();
    let id = manifest["id"].as_str().unwrap();
    bench.run(&["restore", id, "--yes"]).expect(6).says("cannot go into a running one").helps();
    std::fs::create_dir(bench.path("full")).unwrap();
    std::fs::write(bench.path("full/precious"), "data").unwrap();
    bench.run(&["restore", id, "--target-dir", "full"]).expect(6).says("is not empty").helps();
    assert_eq!(std::fs::read(bench.path("full/precious")).unwrap(), b"data");
    bench.run(&["restore", id, "--target-dir", "files", "--dbname", "shop"]).expect(2).helps();
    assert!(!bench.path("files").exists());
    for (setting, key) in [("dbnames=[\"shop\"]", "dbnames"), ("dump.globals=false", "dump.globals")] {
        let set = format!("databases.whole.{setting}");
        bench
            .run(&["backup", "whole", "--set", &set])
            .expect(2)
            .says(&format!("`{key}` is for logical backups"));
    }
}

/// A restore that fails leaves the folder as it was.
#[test]
fn a_restore_of_a_damaged_chain_leaves_no_files() {
    let Some(bench) = bench(Release::MariaDb1011) else { return };
    let full = backup(&bench, &[])["manifest"].clone();
    bench.sql.run("shop", "UPDATE item SET name = 'changed';");
    let last = backup(&bench, &["--type", "incremental"])["manifest"].clone();
    let stored = |manifest: &serde_json::Value| {
        bench.path(&format!(
            "store/databases/whole/backups/{}/server.xbstream.zst.enc",
            manifest["id"].as_str().unwrap()
        ))
    };
    let mut bytes = std::fs::read(stored(&last)).unwrap();
    let end = bytes.len() - 30;
    bytes[end] ^= 1;
    open(&stored(&last), 0o600);
    std::fs::write(stored(&last), bytes).unwrap();
    let id = last["id"].as_str().unwrap();
    bench.run(&["restore", id, "--target-dir", "files"]).expect(4);
    assert!(!bench.path("files").exists());
    std::fs::create_dir(bench.path("given")).unwrap();
    bench.run(&["restore", id, "--target-dir", "given"]).expect(4);
    assert_eq!(std::fs::read_dir(bench.path("given")).unwrap().count(), 0);
    // A link that is gone is known before anything is written.
    std::fs::remove_file(stored(&full)).unwrap();
    bench.run(&["restore", id, "--target-dir", "given"]).expect(4).says("is missing");
    bench.run(&["verify", id]).expect(4).says("which it builds on");
}

/// Nothing starts on what a killed restore leaves, and nobody takes it for a folder that is free.
#[cfg(feature = "crash-points")]
#[test]
fn a_restore_that_is_killed_leaves_nothing_that_starts() {
    let Some(bench) = bench(Release::MariaDb1011) else { return };
    backup(&bench, &[]);
    bench.sql.run("shop", "UPDATE item SET name = 'changed';");
    let expected = contents(&bench.sql);
    let last = backup(&bench, &["--type", "incremental"])["manifest"].clone();
    let id = last["id"].as_str().unwrap();
    let folder = bench.path("files");
    // Two folders are made, two parts unpacked and prepared, and one folder is removed.
    for step in 0..7 {
        bench.killed_at(&["restore", id, "--target-dir", "files"], &format!("recovery-step-{step}"));
        assert!(!folder.join("ibdata1").exists(), "step {step}");
        bench.run(&["restore", id, "--target-dir", "files"]).expect(6).says("was cut short").helps();
        std::fs::remove_dir_all(&folder).unwrap();
    }
    bench.run(&["restore", id, "--target-dir", "files"]).ok();
    assert_eq!(contents(&Sql::start_on(Release::MariaDb1011, &folder)), expected);
}
