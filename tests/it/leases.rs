//! Leases and announcements of readers that say nothing that can be understood: they hide no backup, let nobody in while their
//! holder may be alive, and stop nobody for ever.

use crate::bench::Bench;
use crate::place::Place;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const UNREADABLE: [&[u8]; 5] = [b"{\"format\":2}", b"{\"format\":1", b"\xff\xff", b"[]", &[b' '; 70_000]];

fn put(folder: &Path, bytes: &[u8]) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join("abcdefgh.json");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn age(path: &Path, seconds: u64) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

#[test]
fn a_lease_that_cannot_be_read_hides_nothing_lets_nobody_in_and_runs_out() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.add("[policies.prod]\nfull = { cron = \"0 3 * * *\" }\nretention = { full = 5 }\n");
    bench.run(&["policy", "attach", "prod", "shop"]).ok();
    let id = bench.back_up(&[]);
    let folder = bench.path("store/databases/shop/lease");
    for bytes in UNREADABLE {
        let lease = put(&folder, bytes);
        assert!(bench.listed().iter().any(|row| row["id"] == id.as_str()));
        bench.run(&["show", &id]).ok();
        bench.run(&["status"]).ok();
        bench.run(&["schedule", "list"]).ok();
        bench.run(&["restore", "shop@latest", "--plan"]).ok();
        for args in [&["backup", "shop"][..], &["delete", &id, "--yes", "--delete-last-good"]] {
            bench.run(args).expect(11).says("whose lease cannot be read").helps();
        }
        // Longer than any lease of this configuration, and not as long as one can be.
        age(&lease, 3000);
        bench.run(&["backup", "shop"]).expect(11);
        age(&lease, 3700);
        bench.run(&["backup", "shop"]).ok().says("cannot be read");
        assert!(!lease.exists());
        let lease = put(&folder, bytes);
        bench.run(&["unlock", "shop", "--yes"]).ok();
        assert!(!lease.exists());
    }
}

#[test]
fn a_lease_lives_no_longer_than_one_can_whatever_it_says() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.back_up(&[]);
    let record = serde_json::json!({"format": 1, "host": "gone\nshop is free", "pid": 1, "operation": "restore", "backup": null,
        "started": "2026-01-02T03:04:05Z", "lifetime_seconds": u64::MAX});
    let lease = put(&bench.path("store/databases/shop/lease"), record.to_string().as_bytes());
    for args in [&["backup", "shop"][..], &["unlock", "shop"]] {
        let output = bench.run(args);
        output.says("on host gone shop is free").says("expires in 3");
    }
    bench.run(&["backup", "shop"]).expect(11);
    age(&lease, 3700);
    bench.run(&["backup", "shop"]).ok();
}

#[test]
fn a_reader_that_cannot_be_read_may_be_reading_anything_until_it_runs_out() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.add("[policies.prod]\nretention = { full = 1 }\n");
    let (old, _new) = (bench.back_up(&[]), bench.back_up(&[]));
    let reader = put(&bench.path("store/databases/shop/readers"), b"{\"format\":2}");
    bench.run(&["delete", &old, "--yes"]).expect(11).says("cannot be read");
    bench.run(&["prune", "--set", "databases.shop.policy=prod"]).ok();
    assert_eq!(bench.listed().len(), 2);
    age(&reader, 3700);
    bench.run(&["prune", "--set", "databases.shop.policy=prod"]).ok();
    assert_eq!(bench.listed().len(), 1);
    assert!(!reader.exists());
}
