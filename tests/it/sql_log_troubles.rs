//! What keeps a range of the binary log from being a backup, and what becomes of a damaged one.

use crate::folder::open;
use crate::program::wait_until;
use crate::sql_bench::SqlBench;
use crate::sql_logs::{backup, bench, contents, id};
use crate::support::mysql::Release;
use serde_json::Value;

/// Takes an incremental; why it is a full.
fn fallback(bench: &SqlBench) -> String {
    let manifest = backup(bench, &["--type", "incremental"]);
    assert_eq!((&manifest["kind"], &manifest["parent"]), (&"full".into(), &Value::Null), "{manifest}");
    let folder = bench.path("store/databases/whole/backups");
    for found in std::fs::read_dir(folder).unwrap() {
        assert!(found.as_ref().unwrap().path().join("manifest.json").exists(), "{found:?} was left");
    }
    manifest["fallback_reason"].as_str().unwrap().to_owned()
}

fn chained(bench: &SqlBench) -> Value {
    let manifest = backup(bench, &["--type", "incremental"]);
    assert_eq!((&manifest["kind"], &manifest["fallback_reason"]), (&"incremental".into(), &Value::Null));
    manifest
}

fn what_cannot_be_replayed_is_a_full(release: Release) {
    let Some(bench) = bench(release, &[]) else { return };
    let sql = &bench.sql;
    assert!(fallback(&bench).contains("there is no full logical backup yet"));
    chained(&bench);
    let mysql = release == Release::MySql97;
    let reset = if mysql { "RESET BINARY LOGS AND GTIDS;" } else { "RESET MASTER;" };
    let purge = "FLUSH BINARY LOGS; FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY;";
    for (database, change, reason) in [
        (
            "shop",
            "SET SESSION binlog_format = 'STATEMENT'; UPDATE item SET name = 'x' LIMIT 1;",
            "a statement changed rows",
        ),
        (
            "shop",
            "CREATE TABLE goes (id INT); RENAME TABLE goes TO other.gone;",
            "a statement changes `other` too",
        ),
        ("shop", "CREATE TABLE alike LIKE other.untouched;", "a table is made like one of `other`"),
        ("", purge, "has removed `binlog."),
        ("", reset, "has removed `binlog."),
        ("", reset, "another file of this name"),
        ("", "DROP DATABASE live;", "the database `live` is gone"),
    ] {
        if change.starts_with("DROP DATABASE") {
            bench.add(&bench.entry("all", "all_databases = true"));
            bench.run(&["backup", "all"]).ok();
            sql.run("", "CREATE DATABASE newer;");
            let report = bench.run(&["backup", "all", "--type", "incremental", "--json"]).ok().json();
            let why = report["backups"][0]["fallback_reason"].as_str().unwrap();
            assert!(why.contains("it does not hold the database `newer`"), "{why}");
            continue;
        }
        sql.run(database, change);
        // The server does not remove what somebody still reads, or what it needs itself for a moment.
        wait_until("the log is removed", || {
            let removed = change != purge || !sql.run("", "SHOW BINARY LOGS;").contains("binlog.000001");
            removed || sql.run("", change).contains("never")
        });
        let found = fallback(&bench);
        // Begun anew, the log may also end before what was there.
        let reset = change == reset && found.contains("begun anew");
        assert!(reset || found.contains(reason), "{change}: {found}");
        chained(&bench);
    }
}

#[test]
fn what_cannot_be_replayed_is_a_full_on_mysql_9_7() {
    what_cannot_be_replayed_is_a_full(Release::MySql97);
}

#[test]
fn what_cannot_be_replayed_is_a_full_on_mariadb_10_11() {
    what_cannot_be_replayed_is_a_full(Release::MariaDb1011);
}

/// What was prepared before the full is in nobody's dump, and its rows are in the log before it.
#[test]
fn a_transaction_that_was_prepared_before_the_full_and_committed_after_it_asks_for_a_full() {
    let Some(bench) = bench(Release::MySql97, &[]) else { return };
    bench.sql.run(
        "shop",
        "XA START 'early'; INSERT INTO sale (item) VALUES (7); XA END 'early'; XA PREPARE 'early';",
    );
    backup(&bench, &[]);
    bench.sql.run("shop", "XA COMMIT 'early';");
    assert!(fallback(&bench).contains("XA PREPARE"));
    // Between two links it is found by the chain.
    bench.sql.run(
        "shop",
        "XA START 'late'; INSERT INTO sale (item) VALUES (8); XA END 'late'; XA PREPARE 'late';",
    );
    let open = chained(&bench);
    let before = contents(&bench.sql, "shop");
    bench.sql.run("shop", "XA COMMIT 'late';");
    let (committed, after) = (chained(&bench), contents(&bench.sql, "shop"));
    for (manifest, expected) in [(&open, before), (&committed, after)] {
        bench.run(&["restore", id(manifest), "--yes"]).ok();
        assert_eq!(contents(&bench.sql, "shop"), expected);
    }
}

#[test]
fn a_server_that_logs_statements_gives_no_incrementals_and_says_how_it_would() {
    let Some(bench) = bench(Release::MariaDb1011, &[]) else { return };
    bench.sql.run("", "SET GLOBAL binlog_format = 'MIXED';");
    bench.add("[policies.hourly]\nfull = { every = \"daily\", at = \"02:00\" }\nincremental = \"1h\"\n");
    let refused = bench.run(&["policy", "attach", "hourly", "whole"]).expect(6);
    refused.says("binlog_format is MIXED").says("SET GLOBAL binlog_format = 'ROW'");
    backup(&bench, &[]);
    assert!(fallback(&bench).contains("binlog_format is MIXED"));
    bench.sql.run("", "SET GLOBAL binlog_format = 'ROW';");
    bench.run(&["policy", "attach", "hourly", "whole"]).ok();
    chained(&bench);
    // Part of the entry, and pieces of what it holds.
    bench.run(&["backup", "whole", "--type", "incremental", "--dbname", "shop"]).expect(2);
    bench
        .run(&["restore", "whole@latest", "--dbname", "shop", "--table", "item", "--plan"])
        .expect(6)
        .says("--into");
}

/// Where only one of two databases is restored, nothing of the other is touched; what concerns both stops it beforehand.
#[test]
fn a_statement_that_concerns_two_databases_needs_both() {
    let Some(bench) = bench(Release::MariaDb118, &[]) else { return };
    backup(&bench, &[]);
    bench.sql.run("live", "INSERT INTO step VALUES (1, 'one');");
    chained(&bench);
    bench.sql.run("live", "RENAME TABLE step TO shop.step;");
    let both = chained(&bench);
    let (shop, live) = (contents(&bench.sql, "shop"), contents(&bench.sql, "live"));
    for arguments in [&["--plan"][..], &["--yes"][..]] {
        let run = bench.run(&[&["restore", id(&both), "--dbname", "shop"], arguments].concat());
        run.expect(6).says("a statement changes `live` too");
    }
    assert_eq!(contents(&bench.sql, "shop"), shop, "nothing was dropped");
    bench.sql.run("", "DROP DATABASE live; DROP DATABASE shop;");
    bench.run(&["restore", id(&both), "--yes"]).ok();
    assert_eq!((contents(&bench.sql, "shop"), contents(&bench.sql, "live")), (shop, live));
}

#[test]
fn a_damaged_or_missing_part_of_a_log_is_found_and_refused_before_anything_is_dropped() {
    let Some(bench) = bench(Release::MySql97, &[]) else { return };
    backup(&bench, &[]);
    let mut links = Vec::new();
    for change in ["INSERT INTO sale (item) VALUES (1), (2);", "DELETE FROM sale WHERE id < 20;"] {
        bench.sql.run("shop", change);
        links.push(chained(&bench));
    }
    let expected = contents(&bench.sql, "shop");
    let key = links[0]["parts"][0]["segments"][0]["key"].as_str().unwrap();
    let stored = bench.path(&format!("store/{key}"));
    let whole = std::fs::read(&stored).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    open(&stored, 0o600);
    std::fs::write(&stored, damaged).unwrap();
    let last = id(&links[1]);
    bench.run(&["restore", last, "--yes"]).expect(4);
    assert_eq!(contents(&bench.sql, "shop"), expected, "nothing was dropped");
    bench.run(&["verify", last]).expect(4);
    std::fs::remove_file(&stored).unwrap();
    bench.run(&["restore", last, "--yes"]).expect(4).says("is missing");
    assert_eq!(contents(&bench.sql, "shop"), expected, "nothing was dropped");
    std::fs::write(&stored, whole).unwrap();
    bench.run(&["verify", last, "--level", "read"]).ok();
    bench.run(&["restore", last, "--yes"]).ok();
    assert_eq!(contents(&bench.sql, "shop"), expected);
    // The chain goes as a whole, and nothing of it stays.
    let full = links[0]["parent"].as_str().unwrap();
    bench.run(&["delete", full, "--delete-last-good", "--yes"]).ok();
    let left = std::fs::read_dir(bench.path("store/databases/whole/backups")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[cfg(feature = "crash-points")]
#[test]
fn a_policy_takes_ranges_of_the_log_between_fulls() {
    let Some(bench) = bench(Release::MySql97, &[]) else { return };
    let chain = crate::chains::Chain::attached(&bench, "incremental_base = \"full\"");
    for time in ["2027-03-01T13:05:00Z", "2027-03-01T14:05:00Z"] {
        bench.sql.run("shop", "INSERT INTO sale (item) VALUES (9);");
        let before = chain.newest();
        chain.tick(time);
        let newest = chain.newest();
        assert_eq!((&newest["kind"], &newest["parent"]), (&"incremental".into(), &before["id"]), "{newest}");
        assert_eq!(newest["purpose"], "scheduled");
    }
    let expected = contents(&bench.sql, "shop");
    bench.run(&["restore", "whole@latest", "--yes", "--dbname", "shop"]).ok();
    assert_eq!(contents(&bench.sql, "shop"), expected);
}
