//! Runs on MySQL and MariaDB that fail. Each must say so, be recorded, leave nothing behind, and not be in the way of the
//! next.

use crate::program::{Run, wait_until};
use crate::sql_bench::SqlBench;
use crate::support::mysql::{Release, Sql};

/// What every failed backup must end in, and that the next one works.
#[track_caller]
fn a_dump_that(release: Release, body: &str, (code, class, words): (i32, &str, &str)) {
    let Some(bench) = SqlBench::small(release) else { return };
    let set = bench.with_dump(body);
    let output = bench.run(&["backup", "shop", "--set", &set]).expect(code);
    assert!(output.stderr.contains(words), "no `{words}` in {}", output.stderr);
    assert_eq!(bench.statuses(), ["failed"]);
    let id = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    let recorded = bench.run(&["show", &id, "--json"]).ok().json()["manifest"]["error"].clone();
    assert_eq!(recorded["class"], class, "{recorded}");
    assert_eq!(bench.data_objects(), [""; 0]);
    let id = bench.back_up(&[]);
    bench.run(&["verify", &id, "--level", "read"]).ok();
}

#[test]
fn a_dump_that_exits_3_after_a_whole_insert_is_no_backup() {
    // As when the connection is killed: the last line is a whole statement.
    let body = "$real \"$@\" | sed '/^INSERT INTO/q'; echo 'Error 2013: Lost connection' >&2; exit 3";
    a_dump_that(Release::MySql97, body, (1, "operation", "Lost connection"));
    a_dump_that(Release::MariaDb118, body, (1, "operation", "Lost connection"));
}

#[test]
fn a_dump_that_ends_between_statements_and_is_called_good_is_no_backup() {
    let body = "$real \"$@\" | sed '/^INSERT INTO/q'; exit 0";
    a_dump_that(Release::MySql97, body, (4, "integrity", "SQL dump"));
    a_dump_that(Release::MariaDb1011, body, (4, "integrity", "SQL dump"));
}

#[test]
fn a_dump_without_its_last_line_is_no_backup() {
    let body = "$real \"$@\" | sed '/^-- Dump completed/d'";
    a_dump_that(Release::MySql97, body, (4, "integrity", "Dump completed"));
    a_dump_that(Release::MariaDb118, body, (4, "integrity", "Dump completed"));
}

#[test]
fn a_dump_with_its_last_line_that_exits_2_is_no_backup() {
    // As with --force: everything is there but what failed.
    let body = "$real \"$@\"; echo 'Could not execute SHOW FIELDS (1356)' >&2; exit 2";
    a_dump_that(Release::MySql97, body, (1, "operation", "1356"));
}

#[test]
fn a_dump_that_is_killed_or_empty_is_no_backup() {
    a_dump_that(Release::MariaDb1011, "$real \"$@\" | head -c 20000; kill -9 $$", (1, "operation", "137"));
    a_dump_that(Release::MariaDb1011, "exit 0", (4, "integrity", "SQL dump"));
}

fn a_view_that_is_broken_stops_the_backup(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    bench.sql.run("shop", "DROP TABLE sale;");
    bench.run(&["backup", "shop"]).expect(7).says("the dump would stop at `sold`").helps();
    assert_eq!(bench.data_objects(), [""; 0]);
    bench.sql.run("shop", "DROP VIEW sold;");
    bench.back_up(&[]);
}

on_each!(a_view_that_is_broken_stops_the_backup as a_view_that_is_broken_stops_the_backup: MySql97, MariaDb118);

/// The dump tool waits at a table that a test holds, and then finds the next one gone.
fn a_table_that_is_dropped_during_the_dump_stops_it(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    bench.sql.run("shop", "CREATE TABLE zlast (a INT); INSERT INTO zlast VALUES (1);");
    let folder = bench.path("t").display().to_string();
    // The real tool writes into a pipe that nobody empties until the table is gone; its own status counts.
    let set = bench.with_dump(&format!(
        "mkfifo {folder}/pipe; $real \"$@\" > {folder}/pipe & tool=$!; exec 3< {folder}/pipe; head -c 3000 <&3
         touch {folder}/seen; while [ -e {folder}/seen ]; do sleep 0.05; done; cat <&3; wait $tool"
    ));
    let run = Run::start(&mut bench.command(&["backup", "shop", "--set", &set]));
    wait_until("the dump is under way", || bench.path("t/seen").exists());
    bench.sql.run("shop", "DROP TABLE zlast;");
    std::fs::remove_file(bench.path("t/seen")).unwrap();
    run.wait().expect(1).says("zlast");
    assert_eq!(bench.statuses(), ["failed"]);
    assert_eq!(bench.data_objects(), [""; 0]);
}

on_each!(a_table_that_is_dropped_during_the_dump_stops_it as a_table_that_is_dropped_during_the_dump_stops_it: MySql97, MariaDb118);

/// A restore whose server goes away: it fails, and a database that it made itself is told to be incomplete by its mark.
fn a_server_that_goes_away_fails_the_restore(release: Release) {
    let Some(mut bench) = SqlBench::small(release) else { return };
    bench.fill(24);
    let id = bench.back_up(&[]);
    let run = Run::start(&mut bench.command(&["restore", &id, "--into", "copy", "--yes"]));
    let loading = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'copy' AND TABLE_NAME = 'filler';";
    wait_until("rows are loaded", || bench.sql.run("", loading) == "1");
    bench.sql.crash();
    let output = run.wait();
    assert!(output.code == 1, "{output:?}");
    assert!(!output.stderr.contains("RESTORE: OK"), "{output:?}");
    bench.sql.start_again();
    let marks =
        bench.sql.run("", "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'copy';");
    assert!(marks.contains("__jagad_unfinished_"), "{marks}");
    bench.run(&["restore", &id, "--into", "copy", "--yes", "--wait", "20s"]).ok().says("RESTORE: OK");
    assert_eq!(bench.sql.run("copy", "SELECT COUNT(*) FROM sale;"), "2000");
    assert!(!bench.sql.run("copy", "SHOW TABLES;").contains("__jagad"));
}

on_each!(a_server_that_goes_away_fails_the_restore as a_server_that_goes_away_fails_the_restore: MySql97, MariaDb118);

/// Damage in the store is found before anything of the target is removed.
#[test]
fn a_damaged_backup_never_costs_the_database_that_is_there() {
    let Some(bench) = SqlBench::small(Release::MariaDb118) else { return };
    let id = bench.back_up(&[]);
    let before = bench.sql.fingerprint("shop");
    let part = bench.data_objects().into_iter().find(|key| key.contains("shop.sql")).unwrap();
    let mut bytes = std::fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&part, mode).unwrap();
    std::fs::write(&part, bytes).unwrap();
    bench.run(&["restore", &id, "--yes"]).expect(4);
    assert_eq!(bench.sql.fingerprint("shop"), before);
}

#[test]
fn a_safety_backup_is_taken_before_a_database_is_overwritten_and_users_come_first() {
    for release in Release::ALL {
        let Some(bench) = SqlBench::small(release) else { return };
        bench.sql.run(
            "",
            "CREATE USER app@localhost IDENTIFIED BY 'x'; GRANT SELECT ON shop.item TO app@localhost;",
        );
        let id = bench.back_up(&[]);
        bench.sql.run("", "DROP USER app@localhost;");
        bench.sql.run("shop", "DELETE FROM sale;");
        bench
            .run(&["restore", &id, "--globals", "--safety-backup", "--yes"])
            .ok()
            .says("is pinned")
            .says("RESTORE: OK");
        assert_eq!(bench.statuses(), ["success", "success"]);
        assert_eq!(bench.sql.run("shop", "SELECT COUNT(*) FROM sale;"), "2000");
        let grants = bench.sql.run("", "SHOW GRANTS FOR app@localhost;");
        assert!(grants.contains("ON `shop`.`item`"), "{grants}");
    }
}

#[test]
fn a_missing_right_stops_the_backup_with_the_statement_that_mends_it() {
    for release in [Release::MySql97, Release::MariaDb1011] {
        let Some(bench) = SqlBench::small(release) else { return };
        bench.sql.run(
            "",
            "CREATE USER j@localhost IDENTIFIED BY 'pw'; GRANT SELECT, SHOW VIEW ON shop.* TO j@localhost;",
        );
        let entry = bench.entry("j", "dbnames = [\"shop\"]\npassword = \"pw\"").replace("\"root\"", "\"j\"");
        bench.add(&entry);
        let help = "GRANT TRIGGER, EVENT ON `shop`.* TO `j`@`localhost`;";
        bench.run(&["backup", "j"]).expect(7).says(help);
        let checked = bench.run(&["check", "j"]).expect(7);
        assert!(checked.stdout.contains(help), "{checked:?}");
        bench.run(&["check", "shop"]).ok();
        bench.sql.run("", "ALTER USER j@localhost IDENTIFIED BY 'other';");
        bench.run(&["backup", "j"]).expect(1).says("1045").helps();
    }
}

#[test]
fn two_backups_at_once_wait_for_each_other() {
    let Some(bench) = SqlBench::small(Release::MariaDb118) else { return };
    let start = || Run::start(&mut bench.command(&["backup", "shop", "--wait", "30s"]));
    let (one, two) = (start(), start());
    one.wait().ok();
    two.wait().ok();
    assert_eq!(bench.statuses(), ["success", "success"]);
    // And the server keeps no session of theirs.
    let sessions = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Daemon' AND ID <> CONNECTION_ID();";
    wait_until("no session is left", || bench.sql.run("", sessions) == "0");
    assert!(Sql::start(Release::MariaDb118).is_some());
}

#[test]
fn a_restore_that_fails_before_it_removes_anything_does_not_call_the_database_incomplete() {
    let Some(bench) = SqlBench::small(Release::MariaDb1011) else { return };
    let id = bench.back_up(&[]);
    let before = bench.sql.fingerprint("shop");
    // May do everything but drop.
    let rights = "SELECT, INSERT, CREATE, SHOW VIEW, TRIGGER, EVENT";
    bench
        .sql
        .run("", &format!("CREATE USER weak@'%' IDENTIFIED BY 'pw'; GRANT {rights} ON *.* TO weak@'%';"));
    let set = ["--set", "databases.shop.user=weak", "--set", "databases.shop.password=pw"];
    let args: Vec<&str> = ["restore", &id, "--yes"].iter().chain(&set).copied().collect();
    let failed = bench.run(&args).expect(7).says("fails half-way").says("GRANT DROP, ALTER");
    assert!(!failed.stderr.contains("is incomplete now"), "{}", failed.stderr);
    assert_eq!(bench.sql.fingerprint("shop"), before);
}
