//! Where backups of pgBackRest can be restored to: a moment, tablespaces, a running server.

use crate::pgbackrest_bench::{BackRest, id, prints};
use std::time::Duration;

/// Rows of the table `step`, restored by `arguments`.
fn steps(bench: &BackRest, backup: &str, folder: &str, arguments: &[&str]) -> String {
    let command = [&["restore", backup, "--target-dir", folder], arguments].concat();
    bench.run(&command).ok();
    bench.started_in(folder).psql("shop", "SELECT string_agg(n::text, ',' ORDER BY n) FROM step;")
}

fn a_moment_comes_back(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    let ask = |sql: &str| bench.postgres.psql("shop", sql).trim().to_owned();
    ask("CREATE TABLE step (n int); INSERT INTO step VALUES (0);");
    let backup = bench.take(&[]);
    let backup = id(&backup);
    ask("INSERT INTO step VALUES (1);");
    // pgBackRest's clock and the server's have whole seconds in common.
    std::thread::sleep(Duration::from_millis(1100));
    let time =
        ask("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"');");
    let lsn = ask("INSERT INTO step VALUES (2); SELECT pg_current_wal_insert_lsn();");
    ask("SELECT pg_create_restore_point('before three');");
    let xid = ask("BEGIN; INSERT INTO step VALUES (3); SELECT pg_current_xact_id(); COMMIT;");
    ask("INSERT INTO step VALUES (4); SELECT pg_switch_wal();");
    bench.wait_for_archive();
    for (number, (target, expected)) in [
        (vec![], "0"),
        (vec!["--to-time", &time], "0,1"),
        (vec!["--to-lsn", &lsn], "0,1,2"),
        (vec!["--to-name", "before three"], "0,1,2"),
        (vec!["--to-xid", &xid], "0,1,2,3"),
        (vec!["--to-xid", &xid, "--exclusive"], "0,1,2"),
        (vec!["--to-latest"], "0,1,2,3,4"),
    ]
    .iter()
    .enumerate()
    {
        let found = steps(&bench, backup, &format!("files{number}"), target);
        assert_eq!(found.trim(), *expected, "{target:?}");
    }
    // A server would stop later than it was told to.
    for early in [["--to-time", "2026-01-01T00:00:00Z"], ["--to-lsn", "0/100028"]] {
        let command = [&["restore", backup, "--target-dir", "early"], &early[..]].concat();
        bench.run(&command).expect(6).says("the backup ended").helps();
        assert!(!bench.path("early").exists());
    }
    bench.run(&["restore", backup, "--to-latest"]).expect(2);
    bench.run(&["restore", backup, "--target-dir", "x", "--to-latest", "--to-xid", "7"]).expect(2);
    bench.run(&["restore", backup, "--target-dir", "x", "--exclusive"]).expect(2);
    bench.run(&["restore", backup, "--target-dir", "x", "--to-name", "a'b"]).expect(2);
    // What has no archive can only be restored as it was.
    bench.add(&bench.entry("files", "method = \"physical\""));
    bench.run(&["backup", "files"]).ok();
    bench.run(&["restore", "files@latest", "--target-dir", "x", "--to-latest"]).expect(6).helps();
}

on_each!(a_moment_comes_back as a_moment_is_restored: 15, 18);

fn tablespaces_and_databases_go_where_they_are_told_to(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    let outside = bench.postgres.new_folder("outside");
    bench.postgres.psql("postgres", &format!("CREATE TABLESPACE away LOCATION '{}';", outside.display()));
    bench
        .postgres
        .psql("shop", "CREATE TABLE apart TABLESPACE away AS SELECT g FROM generate_series(1, 5000) g;");
    let state = bench.postgres.fingerprint("shop");
    let backup = bench.take(&[]);
    let oid = bench.postgres.psql("postgres", "SELECT oid FROM pg_tablespace WHERE spcname = 'away';");
    let oid = oid.trim();
    let restore = ["restore", id(&backup), "--target-dir", "files"];
    bench.run(&restore).expect(6).says(&outside.display().to_string()).helps();
    assert!(!bench.path("files").exists());
    bench
        .run(&[&restore[..], &["--tablespace", "1=/tmp/x"]].concat())
        .expect(5)
        .says("tablespace `1`")
        .helps();
    let other = bench.path("spaces");
    let mapped = format!("{oid}={}", other.display());
    bench.run(&[&restore[..], &["--tablespace", &mapped]].concat()).ok();
    assert_eq!(bench.started(&bench.path("files")).fingerprint("shop"), state);
    assert!(std::fs::read_dir(&other).unwrap().count() > 0);
    bench.run(&["verify", id(&backup), "--level", "restore"]).ok().says("DRILL: shop");
    // Out of the files of the whole server, one database goes into the running one.
    bench
        .run(&["restore", id(&backup), "--dbname", "shop", "--into", "shop_old", "--no-tablespaces", "--yes"])
        .ok();
    assert_eq!(bench.postgres.psql("shop_old", "SELECT count(*) FROM item;").trim(), "1000");
    let plan = bench.run(&["restore", id(&backup), "--dbname", "shop", "--plan"]).ok();
    prints(&plan, &["--set="]);
}

on_each!(tablespaces_and_databases_go_where_they_are_told_to as tablespaces_and_databases_are_placed: 15, 18);
