//! Restores that fail in the middle: the database that was there must not notice.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::wait_until;
use crate::support::faulty::{Asked, Fault};
use crate::support::postgres::Postgres;
use crate::support::presence::skipped;
use http::Method;
use std::process::Command;

fn reads_the_dump(asked: &Asked) -> bool {
    asked.method == Method::GET && asked.path.ends_with("/shop.dump.enc")
}

/// A backup of some mebibytes on a server of the test, and a database that has changed since.
fn changed(place: Place) -> Option<(Bench, String)> {
    let bench = Bench::small(place)?;
    bench.fill(6);
    let id = bench.back_up(&["--compression", "none"]);
    bench.postgres.psql("shop", "CREATE TABLE later (a int);");
    Some((bench, id))
}

/// The last record of a restore.
fn recorded(bench: &Bench) -> serde_json::Value {
    let objects = bench.objects();
    let last = objects.iter().rfind(|(key, _)| key.ends_with("/restore.json"));
    serde_json::from_slice(last.expect("a record").1).unwrap()
}

#[test]
fn a_download_that_is_cut_now_and_then_goes_on_where_it_was() {
    let Some((bench, id)) = changed(Place::server()) else { return };
    bench.server().fail(|asked: &Asked| match (reads_the_dump(asked), asked.before) {
        (true, 0) => Fault::Truncate(1_000_000),
        (true, 1) => Fault::Drop,
        _ => Fault::Pass,
    });
    bench.run(&["restore", &id, "--yes"]).ok();
    assert_eq!(bench.postgres.psql("shop", "SELECT count(*) FROM filler"), (6 * 1024).to_string());
    assert_eq!(recorded(&bench)["status"], "success");
}

#[test]
fn a_download_that_breaks_off_for_good_leaves_the_database_as_it_was() {
    let Some((bench, id)) = changed(Place::server()) else { return };
    let before = bench.fingerprint();
    // After the plan has read the head of the archive.
    let mut reads = 0;
    bench.server().fail(move |asked: &Asked| {
        reads += usize::from(reads_the_dump(asked));
        match (reads_the_dump(asked), reads) {
            (true, 2) => Fault::Truncate(3_000_000),
            (true, 3..) => Fault::Drop,
            _ => Fault::Pass,
        }
    });
    let output = bench.run(&["restore", &id, "--yes"]);
    assert!([4, 10].contains(&output.code), "{output:?}");
    output.helps();
    assert_eq!(bench.fingerprint(), before);
    assert_eq!(bench.postgres.databases(), ["postgres", "shop"]);
    assert_eq!(recorded(&bench)["status"], "failed");
    bench.server().end_faults();
    bench.run(&["restore", &id, "--yes"]).ok();
}

#[test]
fn an_answer_that_ends_early_and_looks_whole_is_not_taken_for_the_end() {
    let Some((bench, id)) = changed(Place::server()) else { return };
    bench.server().fail(
        |asked: &Asked| {
            if reads_the_dump(asked) { Fault::Shorten(3_000_000) } else { Fault::Pass }
        },
    );
    bench.run(&["restore", &id, "--yes"]).ok();
    assert_eq!(bench.postgres.psql("shop", "SELECT count(*) FROM filler"), (6 * 1024).to_string());
}

#[test]
fn a_server_that_crashes_in_the_middle_has_its_database_afterwards() {
    let Some((mut bench, id)) = changed(Place::server()) else { return };
    // A crash makes sequences jump unless they are on disk.
    bench.postgres.psql("shop", "CHECKPOINT;");
    let before = bench.postgres.fingerprint("shop");
    bench.slow_down("/shop.dump.enc");
    let run = bench.program(&["restore", &id, "--yes"]);
    wait_until("the new database is being filled", || bench.filling().is_some());
    bench.postgres.crash();
    let output = run.wait().expect(1).says("RESTORE ERROR");
    bench.server().end_faults();
    bench.postgres.start_again();
    assert_eq!(bench.postgres.fingerprint("shop"), before);
    assert_eq!(recorded(&bench)["status"], "failed");
    // What could not be removed is told, now and by the next plan.
    let left = bench.filling().expect("the database that was being filled");
    assert!(output.stderr.contains("clean-up failed"), "{output:?}");
    assert!(bench.run(&["restore", &id, "--plan"]).ok().stdout.contains(&left));
    bench.run(&["restore", &id, "--yes"]).ok().says(&left);
    assert_eq!(bench.postgres.psql("shop", "SELECT to_regclass('later') IS NULL"), "t");
}

/// A file system in memory, gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("jagad-disk-").tempdir_in("/tmp").unwrap();
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", &format!("mode=755,size={mebibytes}m"), "tmpfs"]);
        let mounted = nix::unistd::geteuid().is_root()
            && mount.arg(folder.path()).output().is_ok_and(|run| run.status.success());
        if !mounted {
            skipped("a full disk needs root and the right to mount");
            return None;
        }
        Some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_of_the_target_server_costs_nothing_but_the_restore() {
    let Some(disk) = SmallDisk::mount(122) else { return };
    let Some(postgres) = Postgres::start_on(15, disk.0.path()) else { return };
    let bench = Bench::with(postgres, Place::Local);
    // The comparison of contents must not need the disk.
    bench.postgres.psql("postgres", "ALTER ROLE postgres SET work_mem = '256MB';");
    bench.open_shop();
    bench.fill(14);
    let id = bench.back_up(&[]);
    bench
        .postgres
        .psql("shop", "CREATE TABLE later (a int); CREATE TABLE bigger AS TABLE filler; CHECKPOINT;");
    let before = bench.fingerprint();
    bench.run(&["restore", &id, "--yes"]).expect(14).says("No space left on device").helps();
    assert_eq!(bench.fingerprint(), before);
    assert_eq!(bench.postgres.databases(), ["postgres", "shop"]);
    bench.postgres.psql("shop", "DROP TABLE bigger; CHECKPOINT;");
    bench.run(&["restore", &id, "--yes"]).ok();
    assert_eq!(bench.postgres.psql("shop", "SELECT to_regclass('later') IS NULL"), "t");
}

#[test]
fn restores_are_seen_while_they_run_and_after_they_have_ended() {
    let Some((bench, id)) = changed(Place::server()) else { return };
    let listed = |args: &[&str]| {
        let report = bench.run(&[args, &["--json"]].concat()).ok().json();
        report["restores"].as_array().unwrap().clone()
    };
    assert!(listed(&["list", "--restores"]).is_empty());
    bench.run(&["restore", &id, "--yes"]).ok();
    bench.slow_down("/shop.dump.enc");
    let run = bench.program(&["restore", &id, "--yes"]);
    let newest = || listed(&["list", "restores"])[0].clone();
    wait_until("the restore is seen", || listed(&["list", "restores"]).len() == 2);
    assert_eq!(
        (&newest()["status"], &newest()["finished_at"]),
        (&"running".into(), &serde_json::Value::Null)
    );
    run.signal(nix::sys::signal::Signal::SIGKILL);
    run.wait();
    bench.server().end_faults();
    wait_until("the dead one is known to be dead", || newest()["status"] == "died");
    let dead = newest()["id"].as_str().unwrap().to_owned();
    bench.run(&["logs", &dead]).expect(5).says("it was killed before its log was stored").helps();
    assert!(bench.run(&["show", &dead]).ok().stdout.contains("died"));

    let set = bench.with_tool(
        "pg_restore",
        "case \"$*\" in *--list*) exec $real \"$@\" ;; esac; cat > /dev/null; exit 3",
    );
    bench.run(&["restore", &id, "--yes", "--wait", "20s", "--set", &set]);
    let rows = listed(&["list", "--restores", "shop"]);
    let statuses: Vec<&str> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["failed", "died", "success"]);
    assert_eq!(listed(&["list", "--restores", "--status", "success"]).len(), 1);
    let (failed, good) = (rows[0]["id"].as_str().unwrap(), rows[2]["id"].as_str().unwrap());
    assert!(bench.run(&["logs", good]).ok().stdout.contains("RESTORE: OK"));
    assert!(bench.run(&["logs", &failed[..28]]).ok().stdout.contains("RESTORE: failed"));
    let shown = bench.run(&["show", failed, "--json"]).ok().json();
    assert_eq!(
        (&shown["restore"]["backup"], &shown["restore"]["target"]),
        (&id.as_str().into(), &"shop".into())
    );
    bench.run(&["show", "20200101T000000Z-restore-abcdef"]).expect(5).says("restore not found").helps();
}
