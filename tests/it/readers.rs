//! Who reads a backup keeps it from being deleted, and whose lease is taken away stops.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::wait_until;
use crate::support::faulty::{Asked, Fault, error};
use http::Method;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// What is left of readers in the store.
fn announced(bench: &Bench) -> Vec<String> {
    bench.objects().into_keys().filter(|key| key.contains("/readers/") && !key.contains(".bucket-")).collect()
}

#[test]
fn a_backup_that_is_restored_into_another_entry_is_not_deleted_meanwhile() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.add(&bench.entry("copy", "dbnames = [\"copied\"]"));
    bench.fill(2);
    let id = bench.back_up(&["--compression", "none"]);
    bench.back_up(&[]);
    for args in [
        &["restore", &id, "--target", "copy", "--into", "copied", "--yes"][..],
        &["verify", &id, "--level", "read"],
        &["download", &id, "-o", "out"],
    ] {
        bench.server().fail(|asked: &Asked| {
            let slow = asked.method == Method::GET && asked.path.ends_with("/shop.dump.enc");
            if slow { Fault::Delay(Duration::from_secs(5)) } else { Fault::Pass }
        });
        let run = bench.program(args);
        wait_until("the reader has announced itself", || !announced(&bench).is_empty());
        bench.run(&["delete", &id, "--yes"]).expect(11).says("is being read").helps();
        bench.server().end_faults();
        run.wait().ok();
        assert_eq!(announced(&bench), [""; 0], "{args:?}");
    }
    bench.run(&["delete", &id, "--yes"]).ok();
}

#[test]
fn a_dead_reader_keeps_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    bench.back_up(&[]);
    let folder = bench.path("store/databases/shop/readers");
    std::fs::create_dir_all(&folder).unwrap();
    let record = json!({"format": 1, "host": "gone", "pid": 1, "operation": "restore", "backup": id, "parents": [],
        "started": "2026-01-01T00:00:00Z", "lifetime_seconds": 60});
    let path = folder.join("abcdefgh.json");
    std::fs::write(&path, record.to_string()).unwrap();
    bench.run(&["delete", &id, "--yes"]).expect(11).says("restore on host gone");
    let long_ago = SystemTime::now() - Duration::from_secs(100);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    bench.run(&["delete", &id, "--yes"]).ok();
    assert!(!path.exists());
}

#[test]
fn who_may_not_write_reads_all_the_same() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    let id = bench.back_up(&[]);
    bench.server().fail(|asked: &Asked| {
        let announces = asked.method == Method::PUT && asked.path.contains("/readers/");
        if announces { error(403, "AccessDenied") } else { Fault::Pass }
    });
    bench.run(&["download", &id, "-o", "out"]).ok().says("it may be deleted during that time");
}

#[test]
fn a_backup_whose_lease_is_taken_away_stops_and_commits_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let begun = bench.path("tmp/begun");
    let set = bench.with_dump(&format!("touch {}; sleep 60; $real \"$@\"", begun.display()));
    let run = bench.program(&["backup", "shop", "--set", &set]);
    wait_until("the tool is at work", || begun.exists());
    bench.run(&["unlock", "shop", "--yes"]).ok();
    run.wait().expect(11).says("the lease was taken away").helps();
    assert_eq!(bench.statuses(), ["failed"]);
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[test]
fn a_restore_whose_lease_is_taken_away_stops_and_changes_nothing() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.fill(3);
    let id = bench.back_up(&["--compression", "none"]);
    bench.postgres.psql("shop", "CREATE TABLE later (a int);");
    let before = bench.fingerprint();
    bench.server().fail(|asked: &Asked| {
        let slow = asked.method == Method::GET && asked.path.ends_with("/shop.dump.enc");
        if slow { Fault::Delay(Duration::from_secs(6)) } else { Fault::Pass }
    });
    let run = bench.program(&["restore", &id, "--yes", "--skip-verify"]);
    wait_until("the new database is being filled", || bench.filling().is_some());
    bench.run(&["unlock", "shop", "--yes"]).ok();
    run.wait().expect(11).says("the lease was taken away");
    bench.server().end_faults();
    assert_eq!(bench.fingerprint(), before);
}

#[test]
fn a_restore_whose_lease_is_taken_away_after_the_load_shows_nothing_of_it() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    bench.postgres.psql("shop", "CREATE TABLE later (a int);");
    let before = bench.fingerprint();
    let (loaded, go) = (bench.path("tmp/loaded"), bench.path("tmp/go"));
    let script = format!(
        "$real \"$@\" || exit 1; case \"$*\" in *--dbname=*) touch {}; while [ ! -e {} ]; do sleep 0.05; done ;; esac",
        loaded.display(),
        go.display()
    );
    // So long that no renewal notices it.
    let set = bench.with_tool("pg_restore", &script);
    let run =
        bench.program(&["restore", &id, "--yes", "--set", &set, "--set", "settings.lease_lifetime=10m"]);
    wait_until("everything is loaded", || loaded.exists());
    bench.run(&["unlock", "shop", "--yes"]).ok();
    std::fs::write(&go, "").unwrap();
    run.wait().expect(11).says("the lease").helps();
    assert_eq!(bench.fingerprint(), before);
    assert_eq!(bench.postgres.databases(), ["postgres", "shop"]);
}

#[test]
fn a_deletion_whose_lease_is_taken_away_deletes_nothing() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    let ids = [bench.back_up(&[]), bench.back_up(&[])];
    // Under its lease it asks who reads the backup: there it waits.
    bench.server().fail(|asked: &Asked| {
        let asks = asked.method == Method::GET && asked.query.contains("readers");
        if asks { Fault::Delay(Duration::from_secs(3)) } else { Fault::Pass }
    });
    let run = bench.program(&["delete", &ids[0], "--yes", "--set", "settings.lease_lifetime=10m"]);
    let asks = |asked: &Asked| asked.method == Method::GET && asked.query.contains("readers");
    wait_until("it holds its lease", || bench.server().count(asks) > 0);
    bench.server().end_faults();
    bench.run(&["unlock", "shop", "--yes"]).ok();
    run.wait().expect(11).says("the lease").helps();
    assert_eq!(bench.statuses(), ["success", "success"]);
    bench.run(&["verify", &ids[0], "--level", "read"]).ok();
}

#[test]
fn two_verifications_at_once_both_end() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    let runs =
        ["read", "restore"].map(|level| bench.program(&["verify", &id, "--level", level, "--wait", "60s"]));
    for run in runs {
        run.wait().ok();
    }
    assert_eq!(bench.listed()[0]["verification"], "passed");
    assert_eq!(bench.listed()[0]["verified_level"], "restore");
}
