//! SIGINT and SIGTERM in the middle: the run ends in good order, and soon.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::{assert_killed, wait_until};
use nix::sys::signal::Signal;

fn interrupted_backup(signal: Signal, code: i32, trap: &str) {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let pids = bench.path("tmp/pids");
    let body = format!(
        "{trap} sleep 1000 & echo $! $$ > {0}.new; $real \"$@\" | head -c 20000; mv {0}.new {0}; wait; sleep 1000",
        pids.display()
    );
    let set = bench.with_dump(&body);
    let run = bench.program(&["backup", "shop", "--set", &set]);
    wait_until("the tool is at work", || pids.exists());
    run.signal(signal);
    run.wait().expect(code).says("interrupted by");
    assert_killed(&std::fs::read_to_string(&pids).unwrap());
    assert_eq!(bench.statuses(), ["failed"]);
    let id = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    let recorded = bench.run(&["show", &id, "--json"]).ok().json()["manifest"]["error"].clone();
    assert_eq!(recorded["class"], "interrupted");
    assert_eq!(bench.leftovers(), [""; 0]);
    bench.back_up(&[]);
}

#[test]
fn a_backup_that_is_interrupted_ends_in_good_order() {
    interrupted_backup(Signal::SIGINT, 130, "");
}

#[test]
fn a_backup_that_is_terminated_ends_in_good_order() {
    interrupted_backup(Signal::SIGTERM, 143, "");
}

#[test]
fn a_backup_whose_terminal_is_closed_ends_in_good_order() {
    interrupted_backup(Signal::SIGHUP, 129, "");
}

#[test]
fn a_tool_that_does_not_listen_is_killed_before_the_program_ends() {
    interrupted_backup(Signal::SIGTERM, 143, "trap '' TERM INT;");
}

#[test]
fn a_restore_that_is_interrupted_leaves_the_database_as_it_was() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let Some(bench) = Bench::small(Place::server()) else { return };
        bench.fill(3);
        let id = bench.back_up(&["--compression", "none"]);
        bench.postgres.psql("shop", "CREATE TABLE later (a int);");
        let before = bench.fingerprint();
        bench.slow_down("/shop.dump.enc");
        let run = bench.program(&["restore", &id, "--yes"]);
        wait_until("the new database is being filled", || bench.filling().is_some());
        run.signal(signal);
        run.wait().expect(code).says("interrupted by");
        bench.server().end_faults();
        assert_eq!(bench.fingerprint(), before);
        assert_eq!(bench.postgres.databases(), ["postgres", "shop"]);
        let records: Vec<_> =
            bench.objects().into_iter().filter(|(key, _)| key.ends_with("/restore.json")).collect();
        let [(_, record)] = records.as_slice() else { panic!("{records:?}") };
        let record: serde_json::Value = serde_json::from_slice(record).unwrap();
        assert_eq!((&record["status"], &record["error"]["class"]), (&"failed".into(), &"interrupted".into()));
        bench.run(&["restore", &id, "--yes"]).ok();
    }
}

/// What pg_restore does at its end, such as making indexes, may take hours after it has read its last byte.
#[test]
fn a_restore_that_is_stopped_while_its_tool_works_on_ends_soon_and_changes_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    bench.postgres.psql("shop", "CREATE TABLE later (a int);");
    let before = bench.fingerprint();
    let pids = bench.path("tmp/pids");
    let body = format!("cat >/dev/null; echo $$ > {0}.new; mv {0}.new {0}; sleep 1000", pids.display());
    let set = bench.with_tool("pg_restore", &body);
    let run = bench.program(&["restore", &id, "--yes", "--set", &set]);
    wait_until("the tool has read everything", || pids.exists());
    run.signal(Signal::SIGTERM);
    run.wait().expect(143).says("interrupted by");
    assert_killed(&std::fs::read_to_string(&pids).unwrap());
    assert_eq!(bench.fingerprint(), before);
    assert_eq!(bench.postgres.databases(), ["postgres", "shop"]);
}
