//! SIGKILL between the steps of a restore into MySQL and MariaDB: what is left tells that it is unfinished, and the next
//! restore makes it whole.

use crate::sql_bench::SqlBench;
use crate::support::mysql::Release;

fn a_restore_that_is_killed_leaves_its_mark(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    let before = bench.sql.fingerprint("shop");
    let id = bench.back_up(&[]);
    for point in ["restore-after-lease", "restore-before-feed", "restore-after-feed", "restore-after-step"] {
        bench.killed_at(&["restore", &id, "--yes", "--wait", "20s"], point);
        let unfinished = bench.sql.run("shop", "SHOW TABLES;").contains("__jagad_unfinished_");
        assert_eq!(unfinished, ["restore-before-feed", "restore-after-feed"].contains(&point), "{point}");
        bench.run(&["restore", &id, "--yes", "--wait", "20s"]).ok().says("RESTORE: OK");
        assert_eq!(bench.sql.fingerprint("shop"), before, "{point}");
    }
}

on_each!(a_restore_that_is_killed_leaves_its_mark as a_restore_that_is_killed_leaves_its_mark: MySql97, MariaDb1011);
