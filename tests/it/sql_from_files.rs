//! Databases and tables of physical backups of MariaDB go into the live server.

use crate::sql_bench::SqlBench;
use crate::support::mysql::{Release, Sql};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A server with a database `shop`, and the entry `whole` of its files.
fn bench(release: Release) -> Option<SqlBench> {
    let bench = SqlBench::small(release)?;
    bench.add(&bench.entry("whole", "method = \"physical\""));
    Some(bench)
}

fn take(bench: &SqlBench, kind: &str) -> String {
    let report = bench.run(&["backup", "whole", "--type", kind, "--json"]).ok().json();
    report["backups"][0]["id"].as_str().unwrap().to_owned()
}

/// What a database holds. The next number of a column that counts is rounded by a server that starts.
fn contents(sql: &Sql, database: &str) -> String {
    let said = sql.fingerprint(database);
    let mut pieces = said.split(" AUTO_INCREMENT=");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[track_caller]
fn assert_nothing_left(bench: &SqlBench) {
    let left: Vec<_> =
        std::fs::read_dir(bench.path("t")).unwrap().flatten().map(|entry| entry.path()).collect();
    let jagads: Vec<_> = left.iter().filter(|path| path.to_string_lossy().contains("jagad-")).collect();
    assert!(jagads.is_empty(), "{jagads:?}");
}

fn databases_come_back_as_they_were(release: Release) {
    let Some(bench) = bench(release) else { return };
    let sql = &bench.sql;
    sql.run("", "CREATE DATABASE busy; CREATE TABLE busy.one (n INT AUTO_INCREMENT PRIMARY KEY); CREATE TABLE busy.two (n INT);");
    let end = Arc::new(AtomicBool::new(false));
    let mut moments = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !end.load(Ordering::Relaxed) {
                sql.run(
                    "busy",
                    "BEGIN; INSERT INTO one VALUES (); INSERT INTO two SELECT MAX(n) FROM one; COMMIT;",
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        for (kind, change) in [
            ("full", "DO 1;"),
            ("incremental", "UPDATE item SET name = 'changed' WHERE id < 300; CREATE TABLE fresh (a INT);"),
            ("incremental", "DELETE FROM sale WHERE id > 1500; DROP TABLE fresh;"),
        ] {
            sql.run("shop", change);
            let state = contents(sql, "shop");
            moments.push((take(&bench, kind), state));
        }
        end.store(true, Ordering::Relaxed);
    });
    sql.run("busy", "CREATE TABLE later (a INT); INSERT INTO later VALUES (1);");
    let sales = sql.run("shop", "SELECT COUNT(*) FROM sale");
    sql.run("shop", "UPDATE item SET name = 'lost'; DROP TABLE sale;");
    let newest = moments[2].0.as_str();
    bench.run(&["restore", newest, "--dbname", "busy", "--into", "copy", "--yes"]).ok();
    let differs = "SELECT COUNT(*) FROM one WHERE n NOT IN (SELECT n FROM two)";
    assert_eq!(sql.run("copy", differs).trim(), "0");
    assert_eq!(sql.run("busy", "SELECT a FROM later").trim(), "1");
    bench.run(&["restore", newest, "--dbname", "shop", "--table", "sale", "--yes"]).ok();
    assert_eq!(sql.run("shop", "SELECT COUNT(*) FROM sale"), sales);
    assert_eq!(sql.run("shop", "SELECT COUNT(*) FROM item WHERE name = 'lost'").trim(), "1000");
    for (number, (id, expected)) in moments.iter().enumerate() {
        bench.run(&["restore", id, "--dbname", "shop", "--yes"]).ok();
        assert_eq!(&contents(sql, "shop"), expected, "backup {number}");
    }
    assert_nothing_left(&bench);
}

#[test]
fn databases_and_tables_of_a_chain_of_mariadb_10_11_come_back_as_they_were() {
    databases_come_back_as_they_were(Release::MariaDb1011);
}

#[test]
fn databases_and_tables_of_a_chain_of_mariadb_11_8_come_back_as_they_were() {
    databases_come_back_as_they_were(Release::MariaDb118);
}

#[test]
fn accounts_of_files_come_back_and_those_of_the_throw_away_server_do_not() {
    let Some(bench) = bench(Release::MariaDb1011) else { return };
    let sql = &bench.sql;
    sql.run(
        "",
        "CREATE USER seller@localhost IDENTIFIED BY 'x'; GRANT SELECT ON shop.* TO seller@localhost;",
    );
    let id = take(&bench, "full");
    sql.run("", "DROP USER seller@localhost; DROP DATABASE shop;");
    bench.run(&["restore", &id, "--dbname", "shop", "--globals", "--yes"]).ok();
    let users = sql.run(
        "",
        "SELECT GROUP_CONCAT(user ORDER BY user) FROM mysql.user WHERE user IN ('seller', 'jagad_drill')",
    );
    assert_eq!(users.trim(), "seller");
    let wrong = bench.run(&["restore", &id, "--dbname", "other", "--yes"]).expect(5);
    wrong.says("holds no database `other`").says("shop");
    assert_nothing_left(&bench);
}

#[cfg(feature = "crash-points")]
#[test]
fn a_restore_out_of_files_that_is_killed_leaves_the_old_database_and_the_next_one_cleans_up() {
    let Some(bench) = bench(Release::MariaDb118) else { return };
    take(&bench, "full");
    bench.sql.run("shop", "UPDATE item SET name = 'then';");
    let expected = contents(&bench.sql, "shop");
    let last = take(&bench, "incremental");
    bench.sql.run("shop", "UPDATE item SET name = 'now';");
    let now = contents(&bench.sql, "shop");
    let restore = ["restore", last.as_str(), "--dbname", "shop", "--wait", "20s", "--yes"];
    for point in [
        "recovery-step-1",
        "recovery-step-6",
        "restore-scratch-files",
        "restore-scratch-started",
        "restore-scratch-dumped",
        "restore-after-lease",
    ] {
        bench.killed_at(&restore, point);
        assert_eq!(contents(&bench.sql, "shop"), now, "{point}");
    }
    // From here on it is the restore of a logical backup, which drops the database only when the dump has proven itself.
    bench.run(&restore).ok().says("which a killed run had left");
    assert_eq!(contents(&bench.sql, "shop"), expected);
    assert_nothing_left(&bench);
}

/// What a killed backup leaves of its copy tool's notes goes with the next start.
#[cfg(feature = "crash-points")]
#[test]
fn notes_of_the_copy_tool_that_a_killed_backup_leaves_are_removed() {
    let Some(bench) = bench(Release::MariaDb1011) else { return };
    bench.killed_at(&["backup", "whole"], "after-part");
    let notes = || {
        let left = std::fs::read_dir(bench.path("t")).unwrap().flatten();
        left.filter(|entry| entry.file_name().to_string_lossy().starts_with("jagad-copy-")).count()
    };
    assert_eq!(notes(), 1);
    bench.run(&["list"]).ok();
    assert_eq!(notes(), 0);
}

/// Files of a server that does not tell names apart by case need a server that does not either.
#[test]
fn a_server_that_folds_names_is_the_source_of_a_database() {
    let options = ["--lower-case-table-names=1", "--log-bin=binlog", "--server-id=1"];
    let Some(sql) = Sql::start_with(Release::MariaDb1011, &options) else { return };
    let bench = SqlBench::with(sql);
    bench.open_shop();
    bench.add(&bench.entry("whole", "method = \"physical\""));
    bench.sql.run("shop", "CREATE TABLE Mixed (Id INT); CREATE VIEW Shown AS SELECT Id FROM SHOP.MIXED;");
    let (id, expected) = (take(&bench, "full"), contents(&bench.sql, "shop"));
    let said = bench.run(&["restore", &id, "--target-dir", "files", "--plan"]).ok().stdout;
    assert!(said.contains("The server needs `lower_case_table_names = 1`"), "{said}");
    bench.sql.run("shop", "DROP TABLE Mixed; CREATE FUNCTION f () RETURNS INT DETERMINISTIC RETURN 1;");
    bench.run(&["verify", &id, "--level", "restore"]).ok();
    bench.run(&["restore", &id, "--dbname", "shop", "--yes"]).ok();
    assert_eq!(contents(&bench.sql, "shop"), expected);
}
