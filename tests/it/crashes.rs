//! SIGKILL between every two steps: what a dead run leaves never passes for a backup, and the next run clears it away.

use crate::bench::Bench;
use crate::place::Place;

/// The points of a backup after which no manifest may be there.
const BEFORE_COMMIT: [&str; 5] =
    ["before-lease", "after-lease", "after-part", "after-contents", "before-commit"];

/// Keys of data, leases and uploads that do not belong to the newest backup.
fn garbage(bench: &Bench) -> Vec<String> {
    let newest = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    bench.leftovers().into_iter().filter(|key| !key.contains(&newest)).collect()
}

#[test]
fn a_backup_that_is_killed_before_its_commit_is_none_and_the_next_one_says_so() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    for point in BEFORE_COMMIT {
        let before = bench.objects().keys().filter(|key| key.ends_with("manifest.json")).count();
        bench.killed_at(&["backup", "shop"], point);
        let manifests = bench.objects().keys().filter(|key| key.ends_with("manifest.json")).count();
        assert_eq!(manifests, before, "{point}");
        let output = bench.run(&["backup", "shop", "--wait", "20s"]).ok();
        if point == "before-lease" {
            assert!(!output.stderr.contains("ended without a result"), "{output:?}");
        } else {
            output.says("ended without a result").says("recorded backup");
            let dead = &bench.listed()[1];
            assert_eq!((&dead["status"], &dead["stored_bytes"]), (&"failed".into(), &0.into()), "{point}");
            let error = bench.run(&["logs", dead["id"].as_str().unwrap()]).ok().stdout;
            assert!(error.contains("ended without a result") || error.contains("BACKUP"), "{point}: {error}");
        }
        let id = bench.listed()[0]["id"].as_str().unwrap().to_owned();
        bench.run(&["verify", &id, "--level", "read"]).ok();
        bench.run(&["delete", &id, "--yes", "--delete-last-good"]).ok();
        assert_eq!(bench.leftovers(), [""; 0], "{point}");
    }
}

#[test]
fn a_backup_that_is_killed_right_after_its_commit_is_good() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.killed_at(&["backup", "shop"], "after-commit");
    assert_eq!(bench.statuses(), ["success"]);
    bench.run(&["verify", "shop@latest", "--level", "read"]).ok();
    bench.run(&["backup", "shop", "--wait", "20s"]).ok().says("had been committed");
    assert_eq!(bench.statuses(), ["success", "success"]);
    assert_eq!(bench.leftovers().iter().filter(|key| key.contains("lease")).count(), 0);
}

#[test]
fn what_a_failed_run_stored_goes_even_when_it_is_killed_while_it_clears_up() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let set = bench.with_dump("$real \"$@\" | head -c 20000; exit 1");
    bench.killed_at(&["backup", "shop", "--set", &set], "after-failure");
    assert_eq!(bench.statuses(), ["failed"]);
    bench.run(&["backup", "shop", "--wait", "20s"]).ok();
    assert_eq!(garbage(&bench), [""; 0]);
    assert_eq!(bench.statuses(), ["success", "failed"]);
}

#[test]
fn an_upload_that_a_dead_run_left_is_aborted() {
    let Some(bench) = Place::gateway().and_then(Bench::small) else { return };
    bench.fill(12);
    // The tool stops in the middle of the second object, and the run is killed there.
    let set =
        bench.with_dump("$real \"$@\" | head -c 11000000; while [ -d /proc/$PPID ]; do sleep 0.1; done");
    let run = bench.program(&["backup", "shop", "--set", &set, "--compression", "none"]);
    crate::program::wait_until("an upload is under way", || bench.place.unfinished() == 1);
    run.signal(nix::sys::signal::Signal::SIGKILL);
    assert_eq!(run.wait().code, 137);
    bench.run(&["backup", "shop", "--wait", "20s"]).ok().says("aborted 1 unfinished upload");
    assert_eq!(bench.place.unfinished(), 0);
}

/// The database is either as it was or as the backup has it, and nothing else.
fn is_old_or_new(bench: &Bench, (old, new): (&str, &str), point: &str) -> bool {
    let now = bench.postgres.fingerprint("shop");
    assert!(now == old || now == new, "{point}: neither the old nor the new database");
    now == new
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_database_or_the_new_one() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    let new = bench.postgres.fingerprint("shop");
    for (point, replaced) in [
        ("restore-after-lease", false),
        ("restore-before-feed", false),
        ("restore-after-feed", false),
        ("restore-after-step", true),
    ] {
        bench.postgres.psql("shop", "CREATE TABLE later AS SELECT 1 AS a;");
        let old = bench.postgres.fingerprint("shop");
        bench.killed_at(&["restore", &id, "--yes"], point);
        assert_eq!(is_old_or_new(&bench, (&old, &new), point), replaced, "{point}");
        // What the dead one left is told, with the statement that removes it.
        let left = bench.postgres.databases().into_iter().find(|name| name != "shop" && name != "postgres");
        let output = bench.run(&["restore", &id, "--yes", "--wait", "20s"]).ok();
        let output = output.says("ended without a result");
        assert_eq!(bench.postgres.fingerprint("shop"), new, "{point}");
        if let Some(left) = left {
            assert!(output.stderr.contains(&left), "{point}: `{left}` is not told: {}", output.stderr);
            bench.postgres.psql("postgres", &format!("DROP DATABASE \"{left}\";"));
        }
        assert_eq!(bench.postgres.databases(), ["postgres", "shop"], "{point}");
    }
}

#[test]
fn a_delete_that_is_killed_leaves_a_good_backup_or_none_and_the_next_run_clears_up() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    for (point, gone) in [
        ("delete-before-lease", false),
        ("delete-after-lease", false),
        ("delete-after-manifest", true),
        ("delete-after-data", true),
        ("delete-after-release", true),
    ] {
        let (doomed, kept) = (bench.back_up(&[]), bench.back_up(&[]));
        bench.killed_at(&["delete", &doomed, "--yes"], point);
        let listed = bench.listed();
        assert_eq!(listed.iter().all(|row| row["id"] != doomed.as_str()), gone, "{point}");
        for row in &listed {
            bench.run(&["verify", row["id"].as_str().unwrap(), "--level", "read"]).ok();
        }
        let again = bench.run(&["delete", &doomed, "--yes", "--wait", "20s"]);
        again.expect(if gone { 5 } else { 0 });
        // Whatever the next run does, it finds the lease of the dead one.
        bench.run(&["delete", &kept, "--yes", "--delete-last-good", "--wait", "20s"]).ok();
        assert!(bench.listed().is_empty(), "{point}");
        let left: Vec<String> = bench.objects().into_keys().collect();
        assert_eq!(left, ["jagad.json"], "{point}");
    }
}
