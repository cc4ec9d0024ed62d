//! Physical backups of MySQL by its own CLONE plugin, where XtraBackup is not installed.

use crate::sql_bench::SqlBench;
use crate::support::mysql::{Release, Sql};
use serde_json::Value;

/// A server with a database `shop` and the plugin, and the entry `whole` of its files.
fn bench() -> Option<SqlBench> {
    let bench = SqlBench::small(Release::MySql97)?;
    bench.sql.run("", "INSTALL PLUGIN clone SONAME 'mysql_clone.so';");
    let settings = format!("tmp_dir = \"{}\"\n", bench.path("t").display());
    bench.change("[settings]\n", &format!("[settings]\n{settings}"));
    bench.add(&bench.entry("whole", "method = \"physical\""));
    Some(bench)
}

fn take(bench: &SqlBench, kind: &str) -> Value {
    let report = bench.run(&["backup", "whole", "--type", kind, "--json"]).ok().json();
    let id = report["backups"][0]["id"].as_str().unwrap().to_owned();
    bench.run(&["show", &id, "--json"]).ok().json()["manifest"].clone()
}

/// What a database holds. The next number of a column that counts is rounded by a server that starts.
fn contents(sql: &Sql) -> String {
    let said = sql.fingerprint("shop");
    let mut pieces = said.split(" AUTO_INCREMENT=");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[track_caller]
fn assert_nothing_left(bench: &SqlBench) {
    let left = std::fs::read_dir(bench.path("t")).unwrap().flatten().map(|entry| entry.file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("jagad-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_clone_comes_back_as_a_server_and_as_a_database() {
    let Some(bench) = bench() else { return };
    let said = bench.run(&["check", "whole"]).ok().stdout;
    assert!(said.contains("CLONE plugin of the server, as XtraBackup is not installed"), "{said}");
    let expected = contents(&bench.sql);
    let full = take(&bench, "full");
    assert!(full["tool"].as_str().unwrap().starts_with("CLONE plugin 9.7"), "{full}");
    assert_nothing_left(&bench);
    bench.sql.run("shop", "UPDATE item SET name = 'changed';");
    // It has no incrementals.
    let changed = contents(&bench.sql);
    let next = take(&bench, "incremental");
    assert_eq!((&next["kind"], &next["parent"]), (&"full".into(), &Value::Null));
    assert!(next["fallback_reason"].as_str().unwrap().contains("XtraBackup is not installed"), "{next}");
    let id = full["id"].as_str().unwrap();
    bench.run(&["verify", id, "--level", "read"]).ok();
    bench.run(&["verify", id, "--level", "restore"]).ok().says("shop: 2 tables, 3000 rows restored");
    bench.run(&["restore", id, "--target-dir", "files"]).ok();
    assert_eq!(contents(&Sql::start_on(Release::MySql97, &bench.path("files"))), expected);
    bench.run(&["restore", id, "--dbname", "shop", "--yes"]).ok();
    assert_eq!(contents(&bench.sql), expected);
    bench.run(&["restore", "whole@latest", "--dbname", "shop", "--yes"]).ok();
    assert_eq!(contents(&bench.sql), changed);
    assert_nothing_left(&bench);
}

#[test]
fn a_clone_that_would_lose_something_is_refused() {
    let Some(bench) = bench() else { return };
    let sql = &bench.sql;
    sql.run("", "CREATE USER copier@localhost; GRANT PROCESS ON *.* TO copier@localhost;");
    let said = bench.run(&["check", "whole", "--set", "databases.whole.user=copier"]);
    assert_ne!(said.code, 0);
    assert!(said.stdout.contains("GRANT BACKUP_ADMIN, SELECT ON *.* TO"), "{said:?}");
    sql.run("", "GRANT BACKUP_ADMIN, SELECT ON *.* TO copier@localhost;");
    let with = ["backup", "whole", "--set", "databases.whole.user=copier"];
    bench.run(&with).ok();
    sql.run("shop", "CREATE TABLE old (a INT) ENGINE = MyISAM;");
    bench.run(&with).expect(7).says("CLONE copies InnoDB alone, and `shop.old` would be empty").helps();
    sql.run("shop", "DROP TABLE old;");
    let policy = "[policies.often]\nfull = { every = \"daily\", at = \"02:00\" }\nincremental = \"1h\"\n";
    bench.add(policy);
    let attach = bench.run(&["policy", "attach", "often", "whole"]).expect(6);
    attach.says("plans incremental backups").says("XtraBackup is not installed").helps();
    assert_nothing_left(&bench);
}

/// The files of the server once more are large: the next backup removes what a killed one left.
#[cfg(feature = "crash-points")]
#[test]
fn a_clone_that_a_killed_backup_leaves_is_removed_by_the_next() {
    let Some(bench) = bench() else { return };
    bench.killed_at(&["backup", "whole"], "after-part");
    let clones = || {
        let left = std::fs::read_dir(bench.path("t")).unwrap().flatten();
        left.filter(|entry| entry.file_name().to_string_lossy().starts_with("jagad-clone-")).count()
    };
    assert_eq!(clones(), 1);
    bench.run(&["backup", "whole", "--wait", "20s"]).ok();
    assert_eq!(clones(), 0);
}
