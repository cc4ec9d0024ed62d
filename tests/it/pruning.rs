//! `prune`: the policy decides, the reasons are told, and whatever happens in between no backup is half there.

use crate::bench::Bench;
use crate::place::Place;
use std::process::Command;

/// A bench whose only database is under a policy that keeps `full` fulls.
fn bench(place: Place, full: u32) -> Option<Bench> {
    let bench = Bench::small(place)?;
    bench.add(&format!("[policies.prod]\nretention = {{ full = {full} }}\n"));
    let path = bench.path("jagad.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    bench.write(&text.replace("dbnames = [\"shop\"]", "dbnames = [\"shop\"]\npolicy = \"prod\""));
    Some(bench)
}

fn ids(bench: &Bench) -> Vec<String> {
    bench.listed().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_no_rule_keeps_goes_and_the_dry_run_said_so() {
    let Some(bench) = bench(Place::server(), 2) else { return };
    let (first, second, third, fourth) =
        (bench.back_up(&[]), bench.back_up(&["--pin"]), bench.back_up(&[]), bench.back_up(&[]));
    let before = bench.objects();
    let plan = bench.run(&["prune", "--dry-run", "--json"]).ok().json();
    assert_eq!(bench.objects(), before);
    let of = |id: &str| {
        let backups = plan["databases"][0]["backups"].as_array().unwrap();
        let one = backups.iter().find(|one| one["id"] == id).unwrap();
        (one["action"].as_str().unwrap().to_owned(), one["reasons"][0].as_str().unwrap().to_owned())
    };
    assert_eq!(of(&first), ("remove".into(), "enough fulls are newer".into()));
    assert_eq!(of(&second), ("keep".into(), "pinned".into()));
    assert_eq!(of(&third), ("keep".into(), "full 2 of the newest 2".into()));
    let shown = bench.run(&["prune", "--dry-run"]).ok().stdout;
    assert!(shown.contains("would remove 1 backup of 4"), "{shown}");

    bench.run(&["prune"]).ok().says("PRUNE: OK `shop`: 1 removed, 3 kept");
    assert_eq!(ids(&bench), [fourth, third, second]);
    assert!(!bench.objects().keys().any(|key| key.contains(&first)));
    // Again: nothing is left to do.
    bench.run(&["prune"]).ok().says("0 removed, 3 kept");
}

#[test]
fn a_backup_that_was_found_bad_does_not_count_and_the_last_good_one_stays() {
    let Some(bench) = bench(Place::Local, 1) else { return };
    let (good, bad) = (bench.back_up(&[]), bench.back_up(&[]));
    let dump =
        bench.objects().into_keys().find(|key| key.contains(&bad) && key.contains("shop.dump")).unwrap();
    std::fs::write(bench.objects_folder().join(dump), "gone").unwrap();
    bench.run(&["verify", &bad, "--level", "checksum"]).expect(4);
    bench.run(&["prune"]).ok();
    assert_eq!(ids(&bench), [bad.clone(), good.clone()]);
    let newest = bench.back_up(&[]);
    bench.run(&["prune"]).ok();
    assert_eq!(ids(&bench), [newest]);
}

#[test]
fn what_an_interrupted_run_left_goes_once_it_is_old() {
    let Some(bench) = bench(Place::Local, 1) else { return };
    let id = bench.back_up(&[]);
    let folder = bench.objects_folder().join("databases/shop/backups/20250101T020000Z-full-abcdef");
    std::fs::create_dir(&folder).unwrap();
    let left = folder.join("shop.dump.zst.enc");
    std::fs::write(&left, "half").unwrap();
    bench.run(&["prune"]).ok();
    assert!(left.exists(), "somebody may still be writing it");
    let aged = Command::new("touch").args(["-d", "2 days ago"]).arg(&left).status().unwrap();
    assert!(aged.success());
    let report = bench.run(&["prune", "--json"]).ok().json();
    assert_eq!(
        (&report["databases"][0]["abandoned"], &report["databases"][0]["freed_bytes"]),
        (&1.into(), &4.into())
    );
    assert!(!folder.exists());
    bench.run(&["restore", &id, "--yes"]).ok();
}

#[cfg(feature = "crash-points")]
#[test]
fn a_prune_that_is_killed_leaves_only_whole_backups_and_the_next_one_ends_it() {
    let Some(bench) = bench(Place::Local, 1) else { return };
    let made: Vec<String> = (0..3).map(|_| bench.back_up(&[])).collect();
    let mut command = bench.command(&["prune"]);
    command.env("JAGAD_CRASH_AT", "prune-after-delete");
    assert_eq!(crate::program::Run::start(&mut command).wait().code, 137);
    assert_eq!(ids(&bench).len(), 2);
    for id in ids(&bench) {
        bench.run(&["verify", &id, "--level", "checksum"]).ok();
    }
    bench.run(&["prune", "--wait", "20s"]).ok();
    assert_eq!(ids(&bench), [made[2].clone()]);
    assert_eq!(bench.leftovers().iter().filter(|key| !key.contains(&made[2])).count(), 0);
}

#[test]
fn nothing_is_pruned_that_no_policy_speaks_of() {
    let Some(bench) = bench(Place::Local, 1) else { return };
    bench
        .run(&["prune", "--policy", "prdo"])
        .expect(5)
        .says("no policy is named `prdo`")
        .says("Did you mean `prod`?");
    bench.add(&bench.entry("other", "dbnames = [\"shop\"]"));
    bench.run(&["prune", "--db", "other"]).expect(6).says("under no policy").helps();
    // Nothing was ever stored: nothing to do.
    bench.run(&["prune"]).ok();
}
