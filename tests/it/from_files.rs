//! Databases, schemas and tables of physical backups of PostgreSQL go into the live server.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::postgres::Postgres;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A server with a database `shop`, and the entry `whole` of its files.
pub(crate) fn bench(major: u32) -> Option<Bench> {
    let bench = Bench::with(Postgres::start_primary(major)?, Place::Local);
    bench.add(&bench.entry("whole", "method = \"physical\""));
    bench.open_shop();
    if major >= 17 {
        bench.postgres.psql("postgres", "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();");
    }
    Some(bench)
}

/// Takes a backup of the files; its id.
pub(crate) fn take(bench: &Bench, kind: &str) -> String {
    let report = bench.run(&["backup", "whole", "--type", kind, "--json"]).ok().json();
    report["backups"][0]["id"].as_str().unwrap().to_owned()
}

/// Nothing of a throw-away server is left.
#[track_caller]
pub(crate) fn assert_nothing_left(bench: &Bench, folder: &str) {
    let left: Vec<_> = std::fs::read_dir(bench.path(folder)).unwrap().flatten().collect();
    let scratch: Vec<_> =
        left.iter().filter(|entry| entry.file_name().to_string_lossy().contains("jagad-drill-")).collect();
    assert!(scratch.is_empty(), "{scratch:?}");
}

/// Writes into the database `busy` until it is told to end: each number into both of two tables, in one transaction.
fn keep_writing(bench: &Bench, end: &Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    let mut client = bench.postgres.client("postgres", "busy");
    let end = Arc::clone(end);
    let sql = "BEGIN; INSERT INTO one DEFAULT VALUES; INSERT INTO two SELECT max(n) FROM one; COMMIT;";
    client.args(["-q", "-v", "ON_ERROR_STOP=1", "-c", sql]);
    std::thread::spawn(move || {
        while !end.load(Ordering::Relaxed) {
            assert!(client.status().unwrap().success());
            std::thread::sleep(Duration::from_millis(10));
        }
    })
}

/// A database that is written to while backups are taken, and one with everything that a database can have.
fn open_others(bench: &Bench) {
    let postgres = &bench.postgres;
    postgres.psql("postgres", "CREATE DATABASE busy;");
    postgres.psql("busy", "CREATE TABLE one (n int GENERATED ALWAYS AS IDENTITY); CREATE TABLE two (n int);");
    postgres.create_content("rich");
    postgres.psql("rich", "TRUNCATE public.unlogged;");
    let outside = postgres.new_folder("outside");
    postgres.psql("postgres", &format!("CREATE TABLESPACE far LOCATION '{}';", outside.display()));
    postgres.psql(
        "shop",
        "CREATE TABLE away TABLESPACE far AS SELECT g FROM generate_series(1, 500) g;
         CREATE SCHEMA books; CREATE TABLE books.entry AS SELECT g AS n, 'entry ' || g AS t FROM generate_series(1, 300) g;
         CREATE VIEW books.shown AS SELECT n FROM books.entry;
         CREATE UNLOGGED TABLE fleeting AS SELECT 1 AS a; SELECT lo_from_bytea(4711, '\\xdeadbeef');",
    );
}

/// What `shop` is in a physical backup: no rows of unlogged tables.
fn as_backed_up(bench: &Bench, database: &str) -> String {
    bench.postgres.psql(database, "TRUNCATE fleeting;");
    bench.postgres.fingerprint(database)
}

fn databases_come_back_as_they_were(major: u32) {
    let Some(bench) = bench(major) else { return };
    let postgres = &bench.postgres;
    open_others(&bench);
    let end = Arc::new(AtomicBool::new(false));
    let writer = keep_writing(&bench, &end);
    let (mut moments, rich) = (Vec::new(), postgres.fingerprint("rich"));
    for (kind, change) in [
        ("full", "SELECT 1;"),
        (
            "incremental",
            "UPDATE item SET name = 'changed' WHERE id < 300; INSERT INTO books.entry VALUES (0, 'new');",
        ),
        (
            "incremental",
            "DELETE FROM sale WHERE id > 1500; CREATE TABLE fresh AS SELECT 7 AS seven; VACUUM item;",
        ),
    ] {
        postgres.psql("shop", change);
        let state = as_backed_up(&bench, "shop");
        moments.push((take(&bench, kind), state));
    }
    end.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    postgres.psql("busy", "CREATE TABLE later AS SELECT 1 AS n;");
    postgres.psql("shop", "DROP TABLE away; UPDATE item SET name = 'lost'; DROP SCHEMA books CASCADE;");

    for (number, (id, expected)) in moments.iter().enumerate() {
        let copy = format!("copy{number}");
        bench.run(&["restore", id, "--dbname", "shop", "--into", &copy, "--yes"]).ok();
        assert_eq!(&postgres.fingerprint(&copy), expected, "backup {number}");
        postgres.psql("postgres", &format!("DROP DATABASE {copy};"));
    }
    let newest = moments[2].0.as_str();
    // Several at once; what is not chosen stays as it is.
    let lost = postgres.fingerprint("shop");
    postgres.psql("rich", "CREATE TABLE later ();");
    bench.run(&["restore", "whole@latest", "--dbname", "rich", "--yes"]).ok();
    assert_eq!((postgres.fingerprint("rich"), postgres.fingerprint("shop")), (rich, lost));
    assert_eq!(postgres.psql("busy", "SELECT n FROM later").trim(), "1");
    // Each transaction is there or not: those of the moment at which the backup ended.
    bench.run(&["restore", newest, "--dbname", "busy", "--into", "then", "--yes"]).ok();
    let differs = "SELECT count(*) FROM one FULL JOIN two USING (n) WHERE one IS NULL OR two IS NULL";
    assert_eq!(postgres.psql("then", differs).trim(), "0");
    assert_ne!(postgres.psql("then", "SELECT count(*) FROM one").trim(), "0");
    // A schema and a table, into the database that has lost them.
    bench.run(&["restore", newest, "--dbname", "shop", "--schema", "books", "--yes"]).ok();
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM books.shown").trim(), "301");
    bench.run(&["restore", newest, "--dbname", "shop", "--table", "away", "--yes"]).ok();
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM away").trim(), "500");
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM item WHERE name = 'lost'").trim(), "1000");
    let occupied = bench.run(&["restore", newest, "--dbname", "shop", "--table", "away", "--yes"]);
    occupied.expect(6).says("already exists").helps();
    bench.run(&["restore", newest, "--dbname", "shop", "--yes"]).ok();
    assert_eq!(postgres.fingerprint("shop"), moments[2].1);
    assert_nothing_left(&bench, "tmp");
    let restores = bench.run(&["list", "--restores", "--json"]).ok().json();
    let newest = &restores["restores"][0];
    assert_eq!((&newest["status"], &newest["backup"]), (&"success".into(), &moments[2].0.as_str().into()));
}

#[test]
fn databases_schemas_and_tables_of_a_chain_of_postgresql_18_come_back_as_they_were() {
    databases_come_back_as_they_were(18);
}

/// An incremental of an older server is a full.
#[test]
fn databases_schemas_and_tables_of_fulls_of_postgresql_15_come_back_as_they_were() {
    databases_come_back_as_they_were(15);
}

#[test]
fn a_plan_makes_no_server_and_says_what_it_cannot_know() {
    let Some(bench) = bench(18) else { return };
    let full = take(&bench, "full");
    let last = take(&bench, "incremental");
    let before = bench.fingerprint();
    let said = bench.run(&["restore", &last, "--dbname", "shop", "--plan"]).ok();
    let said = crate::program::Output { stderr: said.stdout.clone(), ..said };
    let said = said.says(&format!("{last} on {full}")).says("disk: about").says("Database \"shop\"");
    said.says("is replaced").says("is known when the throw-away server runs");
    let plan =
        bench.run(&["restore", &last, "--dbname", "none", "--into", "other", "--plan", "--json"]).ok().json();
    assert_eq!(plan["scratch"]["chain"].as_array().unwrap().len(), 2);
    assert!(plan["scratch"]["bytes"].as_u64().unwrap() > 10 << 20, "{plan}");
    assert_eq!(plan["loads"][0]["database"], "other");
    assert_eq!(bench.fingerprint(), before);
    assert_nothing_left(&bench, "tmp");
}

#[test]
fn what_cannot_be_restored_out_of_files_is_refused_and_touches_nothing() {
    let Some(bench) = bench(18) else { return };
    let id = take(&bench, "full");
    let logical = bench.back_up(&[]);
    let before = bench.fingerprint();
    let both = bench.run(&["restore", &id, "--yes"]).expect(6);
    both.says("cannot go into a running one").says("--dbname NAME").says("--target-dir DIR");
    bench.run(&["restore", &logical, "--scratch", "tmp", "--yes"]).expect(2).helps();
    bench.run(&["restore", &id, "--dbname", "shop", "--scratch", "nowhere", "--yes"]).expect(1).helps();
    // Without somebody to ask nothing is made at all.
    bench.run(&["restore", &id, "--dbname", "shop"]).expect(6).says("no terminal").helps();
    bench
        .run(&["restore", &id, "--dbname", "shop", "--into", "a", "--dbname", "b", "--yes"])
        .expect(2)
        .helps();
    let wrong = bench.run(&["restore", "whole@latest", "--dbname", "shopp", "--yes"]).expect(5);
    wrong.says("holds no database `shopp`").says("postgres, shop");
    let none = format!("databases.whole.tools.bin_dir={}", bench.path("bin").display());
    bench.add(&bench.entry("other", "dbnames = [\"shop\"]"));
    let missing =
        bench.run(&["restore", &id, "--dbname", "shop", "--target", "other", "--set", &none, "--yes"]);
    missing.expect(7).says("postgres 18 is not installed").helps();
    // The chain is damaged.
    let stored = bench.path(&format!("store/databases/whole/backups/{id}/base.tar.zst.enc"));
    let mut bytes = std::fs::read(&stored).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    crate::folder::open(&stored, 0o600);
    std::fs::write(&stored, bytes).unwrap();
    bench.run(&["restore", &id, "--dbname", "shop", "--yes"]).expect(4);
    std::fs::remove_file(&stored).unwrap();
    bench.run(&["restore", &id, "--dbname", "shop", "--yes"]).expect(4).says("is missing");
    assert_eq!(bench.fingerprint(), before);
    assert_nothing_left(&bench, "tmp");
}

#[test]
fn a_throw_away_server_without_room_is_refused_before_anything_is_written() {
    let Some(bench) = bench(18) else { return };
    let id = take(&bench, "full");
    let before = bench.fingerprint();
    let small = "mkdir -p small; mount -t tmpfs -o size=20m none small";
    let restore = ["restore", &id, "--dbname", "shop", "--scratch", "small", "--yes"];
    let Some(output) = crate::housekeeping::among_mounts(&bench, small, &restore) else { return };
    output.expect(14).says("the backup needs").helps();
    assert_eq!(bench.fingerprint(), before);
}

/// A stop in the middle of the dump leaves neither the server nor its files, and the database as it was.
#[test]
fn a_restore_out_of_files_that_is_stopped_leaves_nothing() {
    let Some(bench) = bench(15) else { return };
    let id = take(&bench, "full");
    let before = bench.fingerprint();
    let hangs = format!("touch {}; exec sleep 60", bench.path("dumping").display());
    let set = bench.with_tool(
        "pg_dump",
        &format!("case \"$*\" in *--version*) ;; *) {hangs} ;; esac; exec $real \"$@\""),
    );
    let set = set.replace("databases.shop", "databases.whole");
    let run = bench.program(&["restore", &id, "--dbname", "shop", "--set", &set, "--yes"]);
    crate::program::wait_until("the dump has begun", || bench.path("dumping").exists());
    let server = scratch_folder(&bench).join("data/postmaster.pid");
    let server = std::fs::read_to_string(server).unwrap().lines().next().unwrap().to_owned();
    run.signal(nix::sys::signal::Signal::SIGINT);
    run.wait().expect(130);
    assert_eq!(bench.fingerprint(), before);
    assert_nothing_left(&bench, "tmp");
    crate::program::assert_killed(&server);
}

/// The folder of the throw-away server.
fn scratch_folder(bench: &Bench) -> std::path::PathBuf {
    let mut entries = std::fs::read_dir(bench.path("tmp")).unwrap().flatten();
    entries.find(|entry| entry.file_name().to_string_lossy().starts_with("jagad-drill-")).unwrap().path()
}

/// Roles come with `--globals`; the superuser of the throw-away server does not.
#[test]
fn roles_of_files_come_back_and_those_of_the_throw_away_server_do_not() {
    let Some(bench) = bench(15) else { return };
    let postgres = &bench.postgres;
    postgres
        .psql("postgres", "CREATE ROLE seller LOGIN PASSWORD 'x'; CREATE ROLE clerk; GRANT clerk TO seller;");
    postgres.psql("shop", "ALTER TABLE item OWNER TO seller;");
    let outside = postgres.new_folder("outside");
    postgres.psql("postgres", &format!("CREATE TABLESPACE far LOCATION '{}';", outside.display()));
    let id = take(&bench, "full");
    let expected = postgres.fingerprint("shop");
    postgres.psql("postgres", "DROP DATABASE shop;");
    postgres.psql("postgres", "DROP ROLE seller; DROP TABLESPACE far;");
    let refused = bench.run(&["restore", &id, "--dbname", "shop", "--yes"]).expect(7);
    refused.says("seller").helps();
    bench.run(&["restore", &id, "--dbname", "shop", "--globals", "--yes"]).ok();
    assert_eq!(postgres.fingerprint("shop"), expected);
    let roles = postgres.psql(
        "postgres",
        "SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'",
    );
    assert_eq!(roles.trim(), "clerk,postgres,seller");
    assert_eq!(postgres.psql("postgres", "SELECT count(*) FROM pg_tablespace").trim(), "2");
}

#[cfg(feature = "crash-points")]
#[test]
fn a_restore_out_of_files_that_is_killed_leaves_the_old_database_and_the_next_one_cleans_up() {
    let Some(bench) = bench(18) else { return };
    take(&bench, "full");
    bench.postgres.psql("shop", "UPDATE item SET name = 'then';");
    let expected = bench.postgres.fingerprint("shop");
    let last = take(&bench, "incremental");
    bench.postgres.psql("shop", "UPDATE item SET name = 'now';");
    let now = bench.postgres.fingerprint("shop");
    let other = bench.path("far").display().to_string();
    let restore =
        ["restore", last.as_str(), "--dbname", "shop", "--scratch", other.as_str(), "--wait", "20s", "--yes"];
    for point in [
        "recovery-step-0",
        "recovery-step-1",
        "recovery-step-2",
        "restore-scratch-files",
        "restore-scratch-started",
        "restore-scratch-dumped",
        "restore-after-lease",
        "restore-before-feed",
        "restore-after-feed",
    ] {
        bench.killed_at(&restore, point);
        assert_eq!(bench.postgres.fingerprint("shop"), now, "{point}");
        assert_eq!(scratch_folders(&bench).len(), 1, "{point}: what the runs before left is gone");
    }
    bench.run(&restore).ok().says("which a killed run had left");
    assert_eq!(bench.postgres.fingerprint("shop"), expected);
    assert!(scratch_folders(&bench).is_empty());
}

#[cfg(feature = "crash-points")]
fn scratch_folders(bench: &Bench) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(bench.path("far")).unwrap().flatten().map(|entry| entry.path()).collect()
}
