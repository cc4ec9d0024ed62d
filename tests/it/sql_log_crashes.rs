//! SIGKILL between every two steps of an incremental of the binary log, and of its restore.

use crate::chain_crashes::STEPS;
use crate::program::wait_until;
use crate::sql_logs::{backup, bench, contents, id};
use crate::support::mysql::Release;
use serde_json::Value;

fn a_killed_incremental_leaves_nothing(release: Release) {
    let Some(bench) = bench(release, &[]) else { return };
    let change = || {
        drop(bench.sql.run(
            "shop",
            "INSERT INTO sale (item) VALUES (3); UPDATE item SET name = CONCAT(name, '+') WHERE id < 9;",
        ));
    };
    let mut newest = backup(&bench, &[]);
    for (point, committed) in STEPS {
        change();
        bench.killed_at(&["backup", "whole", "--type", "incremental"], point);
        let rows = bench.listed();
        let good = rows.iter().find(|row| row["status"] == "success" && row["database"] == "whole").unwrap();
        assert_eq!(good["id"] != newest["id"], committed, "{point}");
        let parent = good["id"].clone();
        change();
        newest = backup(&bench, &["--type", "incremental", "--wait", "20s"]);
        assert_eq!((&newest["kind"], &newest["parent"]), (&"incremental".into(), &parent), "{point}");
        for found in std::fs::read_dir(bench.path("store/databases/whole/backups")).unwrap() {
            let folder = found.unwrap().path();
            let manifest: Value =
                serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
            let names = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name());
            let data = names.filter(|name| name.to_string_lossy().ends_with(".enc")).count();
            assert_eq!(data > 0, manifest["status"] == "success", "{point}: {}", folder.display());
        }
    }
    // What had to become a full after parts of the log were stored.
    bench.sql.run("shop", "CREATE TABLE goes (id INT); RENAME TABLE goes TO other.gone;");
    for point in ["before-discard", "before-fallback", "after-fallback"] {
        bench.killed_at(&["backup", "whole", "--type", "incremental", "--wait", "20s"], point);
    }
    let full = backup(&bench, &["--type", "incremental", "--wait", "20s"]);
    assert_eq!(full["kind"], "full");
    bench.sql.run("shop", "DELETE FROM sale WHERE id < 50;");
    let newest = backup(&bench, &["--type", "incremental"]);
    let (expected, other) = (contents(&bench.sql, "shop"), bench.sql.fingerprint("other"));
    for point in [
        "restore-after-lease",
        "restore-before-feed",
        "restore-after-feed",
        "restore-before-log",
        "restore-after-log",
    ] {
        bench.killed_at(&["restore", id(&newest), "--yes", "--wait", "20s"], point);
        wait_until("the server has let go", || {
            let others = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID();";
            bench.sql.run("", others).trim() == "0"
        });
        if point == "restore-before-log" {
            // It can be seen that the database is not what it is to be.
            bench.run(&["check", "--db", "whole"]);
        }
        bench.run(&["restore", id(&newest), "--yes", "--wait", "20s"]).ok();
        assert_eq!(contents(&bench.sql, "shop"), expected, "{point}");
        assert_eq!(bench.sql.fingerprint("other"), other, "{point}");
    }
    // A database that the restore makes is gone when the log fails.
    bench.sql.run("", "DROP DATABASE shop; DROP DATABASE live;");
    bench.killed_at(&["restore", id(&newest), "--yes", "--wait", "20s"], "restore-before-log");
    bench.run(&["restore", id(&newest), "--yes", "--wait", "20s"]).ok();
    assert_eq!(contents(&bench.sql, "shop"), expected);
}

#[test]
fn a_killed_incremental_of_a_log_leaves_nothing_on_mysql_9_7() {
    a_killed_incremental_leaves_nothing(Release::MySql97);
}

#[test]
fn a_killed_incremental_of_a_log_leaves_nothing_on_mariadb_10_11() {
    a_killed_incremental_leaves_nothing(Release::MariaDb1011);
}
