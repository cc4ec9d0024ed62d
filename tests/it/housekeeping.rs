//! Clearing up that the store does not allow, a store that takes no writes, and one that is full: none of it stands in the way of
//! a backup, a restore or of making room.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::Run;
use crate::support::faulty::{Asked, Fault, error};
use http::Method;

fn is_list_of_uploads(asked: &Asked) -> bool {
    asked.method == Method::GET && asked.query.contains("uploads=")
}

fn is_batch_deletion(asked: &Asked) -> bool {
    asked.method == Method::POST && asked.query.starts_with("delete")
}

fn is_deletion(asked: &Asked) -> bool {
    asked.method == Method::DELETE || is_batch_deletion(asked)
}

fn is_write(asked: &Asked) -> bool {
    asked.method == Method::PUT || (asked.method == Method::POST && !is_batch_deletion(asked))
}

fn is_lease(asked: &Asked) -> bool {
    asked.path.contains("/lease/")
}

fn full(asked: &Asked) -> Fault {
    if is_write(asked) { error(403, "QuotaExceeded") } else { Fault::Pass }
}

fn read_only(asked: &Asked) -> Fault {
    if is_write(asked) || is_deletion(asked) { error(403, "AccessDenied") } else { Fault::Pass }
}

/// An upload of `id` that was begun long ago and is not ended.
fn unfinished_upload(id: &str) -> Fault {
    let upload = format!(
        "<Upload><Initiated>2020-01-01T00:00:00.000Z</Initiated><Key>pre/fix/databases/shop/backups/{id}/shop.dump.zst.enc</Key>\
         <StorageClass>STANDARD</StorageClass><UploadId>left</UploadId></Upload>"
    );
    Fault::Answer(
        200,
        format!(
            "<ListMultipartUploadsResult><Bucket>bkt</Bucket><IsTruncated>false</IsTruncated>{upload}</ListMultipartUploadsResult>"
        ),
    )
}

/// Ids of runs that have a folder in the bucket.
fn folders(bench: &Bench) -> Vec<String> {
    let backups = bench.objects_folder().join("databases/shop/backups");
    let mut names: Vec<String> = std::fs::read_dir(backups)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[cfg(feature = "crash-points")]
#[test]
fn a_bucket_that_forbids_to_clear_up_after_a_killed_upload_still_takes_backups() {
    for unlock in [false, true] {
        for forbidden in ["list", "abort", "delete"] {
            let Some(bench) = Bench::small(Place::server()) else { return };
            bench.killed_at(&["backup", "shop"], "after-part");
            let dead = folders(&bench)[0].clone();
            let id = dead.clone();
            bench.server().fail(move |asked: &Asked| match forbidden {
                "list" if is_list_of_uploads(asked) => error(403, "AccessDenied"),
                "abort" if is_list_of_uploads(asked) => unfinished_upload(&id),
                "abort" if asked.is_abort() => error(403, "AccessDenied"),
                "delete" if is_deletion(asked) => error(403, "AccessDenied"),
                _ => Fault::Pass,
            });
            if unlock {
                bench.run(&["unlock", "shop", "--yes"]).ok();
                bench.run(&["backup", "shop"]).ok();
            } else {
                let taken = bench.run(&["backup", "shop", "--wait", "20s"]).ok();
                taken.says("AccessDenied").says("`jagad prune` tries it again");
            }
            bench.run(&["backup", "shop"]).ok();
            assert_eq!(bench.statuses(), ["success", "success", "failed"], "{forbidden}");
            let failed = bench.listed()[2]["id"].clone();
            assert_eq!(failed, dead.as_str(), "{forbidden}");
        }
    }
}

#[cfg(feature = "crash-points")]
#[test]
fn what_could_not_be_removed_is_shown_by_status_until_it_is() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.add("[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\n");
    bench.run(&["policy", "attach", "prod", "shop"]).ok();
    bench.killed_at(&["backup", "shop"], "after-part");
    bench.server().fail(|asked| if is_deletion(asked) { error(403, "AccessDenied") } else { Fault::Pass });
    bench.run(&["backup", "shop", "--wait", "20s"]).ok();
    let status = bench.run(&["status", "--json"]).ok().json()["databases"][0].clone();
    assert!(status["leftover_bytes"].as_u64().unwrap() > 0, "{status}");
    assert!(status["warnings"].to_string().contains("AccessDenied"), "{status}");
    bench.run(&["status", "--check"]).ok();
    assert!(bench.run(&["status"]).ok().stdout.contains("warning: shop: could not be removed"));
    bench.server().end_faults();
    bench.run(&["prune", "--db", "shop"]).ok();
    let status = bench.run(&["status", "--json"]).ok().json()["databases"][0].clone();
    assert_eq!(
        (status["leftover_bytes"].as_u64(), status["warnings"].to_string()),
        (Some(0), "[]".to_owned())
    );
}

#[test]
fn a_bucket_that_deletes_nothing_takes_one_backup_after_the_other() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.server().fail(|asked| if is_deletion(asked) { error(403, "AccessDenied") } else { Fault::Pass });
    for _ in 0..3 {
        bench.back_up(&[]);
    }
    assert_eq!(bench.statuses(), ["success"; 3]);
    bench.run(&["restore", "shop@latest", "--yes"]).ok();
}

#[test]
fn a_deletion_needs_no_batches() {
    for (status, code) in [(400, "InvalidArgument"), (403, "AccessDenied"), (501, "NotImplemented")] {
        let Some(bench) = Bench::small(Place::server()) else { return };
        let doomed = bench.back_up(&[]);
        bench.back_up(&[]);
        bench
            .server()
            .fail(move |asked| if is_batch_deletion(asked) { error(status, code) } else { Fault::Pass });
        bench.run(&["check", "main"]).ok();
        bench.run(&["delete", &doomed, "--yes"]).ok();
        assert!(!bench.objects().keys().any(|key| key.contains(&doomed)));
        bench.back_up(&[]);
    }
}

#[test]
fn a_check_sees_a_store_that_deletes_nothing() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.server().fail(|asked| if is_deletion(asked) { error(403, "AccessDenied") } else { Fault::Pass });
    assert!(bench.run(&["check", "main"]).expect(10).stdout.contains("delete 3 at once"));
    // One that says yes and does nothing.
    bench.server().fail(|asked| match (is_batch_deletion(asked), asked.method == Method::DELETE) {
        (true, _) => Fault::Answer(200, "<DeleteResult></DeleteResult>".to_owned()),
        (_, true) => Fault::Answer(204, String::new()),
        _ => Fault::Pass,
    });
    assert!(bench.run(&["check", "main"]).expect(10).stdout.contains("still has it"));
}

/// Lets everything be written but what a backup commits and what comes after that.
fn takes_no_records(asked: &Asked) -> Fault {
    let record = asked.path.ends_with("/manifest.json") || asked.path.ends_with("/log.txt");
    if asked.method == Method::PUT && record { error(403, "QuotaExceeded") } else { Fault::Pass }
}

#[test]
fn a_failed_run_that_is_recorded_late_leaves_no_data() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.server().fail(takes_no_records);
    let failed = bench.run(&["backup", "shop"]).expect(14);
    failed.says("QuotaExceeded: injected").says("recorded as soon as the store answers").helps();
    bench.server().end_faults();
    bench.run(&["backup", "shop"]).ok().says("which no store would take then");
    assert_eq!(bench.statuses(), ["success", "failed"]);
    let failed = bench.listed()[1]["id"].as_str().unwrap().to_owned();
    let left: Vec<_> = bench.leftovers().into_iter().filter(|key| key.contains(&failed)).collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn data_beside_a_failed_manifest_is_pruned_at_once() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.add("[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\n");
    bench.run(&["policy", "attach", "prod", "shop"]).ok();
    let set = bench.with_dump("exit 1");
    bench.run(&["backup", "shop", "--set", &set]).expect(1);
    let failed = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    let data = format!("databases/shop/backups/{failed}/shop.dump.zst.enc");
    std::fs::write(bench.objects_folder().join(&data), [7; 5000]).unwrap();
    let good = bench.back_up(&[]);
    let plan = bench.run(&["prune", "--dry-run", "--json"]).ok().json();
    assert_eq!(plan["databases"][0]["abandoned"], 1, "{plan}");
    bench.run(&["prune"]).ok();
    assert!(!bench.objects().contains_key(&data));
    assert!(bench.listed().iter().any(|row| row["id"] == failed.as_str()));
    bench.run(&["verify", &good, "--level", "read"]).ok();
}

#[cfg(feature = "crash-points")]
#[test]
fn a_full_store_can_be_unlocked() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.killed_at(&["backup", "shop"], "after-part");
    bench.server().fail(full);
    bench.run(&["unlock", "shop", "--yes"]).ok().says("could not be recorded as failed");
    assert!(!bench.objects().keys().any(|key| key.contains("/lease/")));
    bench.server().end_faults();
    bench.run(&["backup", "shop"]).ok().says("which no store would take then");
    assert_eq!(bench.statuses(), ["success", "failed"]);
    let failed = bench.listed()[1]["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.leftovers().iter().filter(|key| key.contains(&failed)).count(), 0);
}

#[test]
fn room_is_made_in_a_full_store_when_it_takes_a_lease_and_told_how_when_not() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.add("[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 1 }\n");
    bench.run(&["policy", "attach", "prod", "shop"]).ok();
    let ids: Vec<String> = (0..4).map(|_| bench.back_up(&[])).collect();
    bench.server().fail(full);
    let refused = bench.run(&["delete", &ids[0], "--yes"]).expect(14);
    refused
        .says("the lease, an object of some hundred bytes")
        .says("`manifest.json` before all else")
        .helps();
    bench.run(&["prune"]).expect(14).says("Raise the quota for a moment");
    bench.run(&["backup", "shop"]).expect(14).says("QuotaExceeded").helps();
    bench.server().fail(|asked| if is_lease(asked) { Fault::Pass } else { full(asked) });
    bench.run(&["delete", &ids[0], "--yes"]).ok();
    bench.run(&["prune"]).ok().says("could not be noted");
    bench.server().end_faults();
    let there: Vec<String> =
        bench.listed().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(there, [ids[3].as_str()]);
}

#[test]
fn a_backup_that_finds_the_store_full_frees_what_it_had_taken() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.fill(12);
    let mut parts = 0;
    bench.server().fail(move |asked| {
        let data = asked.path.contains("/backups/") && !asked.path.ends_with("/manifest.json");
        parts += usize::from(asked.method == Method::PUT && data);
        if parts > 1 && is_write(asked) { error(403, "QuotaExceeded") } else { Fault::Pass }
    });
    bench.run(&["backup", "shop"]).expect(14).helps();
    bench.server().end_faults();
    assert_eq!(bench.leftovers(), [""; 0]);
    bench.run(&["backup", "shop"]).ok();
    assert_eq!(bench.statuses(), ["success", "failed"]);
}

#[test]
fn credentials_that_may_only_read_restore_and_verify() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    let (id, before) = (bench.back_up(&[]), bench.fingerprint());
    bench.postgres.psql("shop", "DROP TABLE sale;");
    bench.server().fail(read_only);
    bench.run(&["verify", &id, "--level", "read"]).ok().says("the verification was not recorded");
    bench.run(&["restore", &id, "--yes"]).ok().says("nothing will be recorded");
    assert_eq!(bench.fingerprint(), before);
    bench.run(&["list"]).ok();
    bench.run(&["download", &id, "-o", "out"]).ok();
    bench.run(&["backup", "shop"]).expect(10).says("AccessDenied: injected").helps();
}

/// The program in a namespace of its own, in which `mounts` were made. `None`, loudly, where that is not allowed.
pub(crate) fn among_mounts(bench: &Bench, mounts: &str, args: &[&str]) -> Option<crate::program::Output> {
    let possible = std::process::Command::new("unshare").args(["-rm", "true"]).status();
    if !possible.is_ok_and(|status| status.success()) {
        crate::support::presence::skipped("this machine lets nobody mount anything");
        return None;
    }
    let own = bench.command(args);
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "sh", "-ec", &format!("{mounts}; exec \"$0\" \"$@\"")]);
    command.arg(own.get_program()).args(own.get_args()).current_dir(bench.path("."));
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(Run::start(&mut command).wait())
}

#[test]
fn a_read_only_mount_restores_and_verifies() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let (id, before) = (bench.back_up(&[]), bench.fingerprint());
    for staging in [true, false] {
        if !staging {
            // A copy of the objects alone.
            std::fs::remove_dir_all(bench.path("store/.jagad-staging")).unwrap();
        }
        bench.postgres.psql("shop", "DROP TABLE sale;");
        let mounts = "mount --bind store store; mount -o remount,ro,bind store";
        let run = |args: &[&str]| among_mounts(&bench, mounts, args);
        let Some(verified) = run(&["verify", &id, "--level", "read"]) else { return };
        verified.ok().says("the verification was not recorded");
        run(&["restore", &id, "--yes"]).unwrap().ok().says("nothing will be recorded");
        assert_eq!(bench.fingerprint(), before);
        run(&["backup", "shop"]).unwrap().expect(10).helps();
    }
}

#[test]
fn a_full_disk_has_a_class_of_its_own() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.fill(6);
    let Some(output) = among_mounts(
        &bench,
        "mkdir -p store; mount -t tmpfs -o size=2m none store",
        &["backup", "shop", "--compression", "none"],
    ) else {
        return;
    };
    output.expect(14).says("No space left on device").helps();
}

#[test]
fn a_full_disk_of_this_host_keeps_nobody_from_making_room_in_the_store() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.add("[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 1 }\n");
    bench.run(&["policy", "attach", "prod", "shop"]).ok();
    let ids: Vec<String> = (0..3).map(|_| bench.back_up(&[])).collect();
    // What jagad keeps on this host, and where it puts files for a moment, has no room left.
    let mounts = "for d in state tmp; do mkdir -p $d; mount -t tmpfs -o size=16k none $d; \
                  dd if=/dev/zero of=$d/fill bs=4k 2>/dev/null || true; done";
    let run = |args: &[&str]| among_mounts(&bench, mounts, args);
    let Some(deleted) = run(&["delete", &ids[0], "--yes"]) else { return };
    deleted.ok();
    run(&["prune"]).unwrap().ok();
    run(&["unlock", "shop", "--yes"]).unwrap().ok();
    run(&["verify", &ids[2], "--level", "checksum"]).unwrap().ok();
    assert!(bench.listed().iter().any(|row| row["id"] == ids[2].as_str()));
    assert!(bench.listed().iter().all(|row| row["id"] != ids[0].as_str() && row["id"] != ids[1].as_str()));
}
