//! A dump much longer than the memory that the program may take. Alone in its process: the peak that the kernel tells is
//! that of every child that has ended.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what tests share, of which this uses a part"
)]

#[path = "it/bench.rs"]
mod bench;
#[path = "it/folder.rs"]
mod folder;
#[path = "it/place.rs"]
mod place;
#[path = "it/program.rs"]
mod program;
mod support;

use bench::Bench;
use nix::sys::resource::{UsageWho, getrusage};
use place::Place;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// The promise of the README, at default settings.
const LIMIT_KIB: i64 = 64 * 1024;
/// Some ten times the limit; `bench/run` does the same with 20 GiB.
const DUMP: &str = "600MiB";
const GENERATOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/synthetic-dump");

#[test]
fn a_long_dump_there_and_back_takes_no_more_than_64_mib() {
    long_dump_stays_within_the_limit(Place::Local);
    if let Some(gateway) = Place::gateway() {
        long_dump_stays_within_the_limit(gateway);
    }
}

fn long_dump_stays_within_the_limit(place: Place) {
    let gateway = matches!(place, Place::Gateway { .. });
    let Some(bench) = Bench::small(place) else { return };
    let tools = long_dumping_tools(&bench);
    let tools = format!("databases.shop.tools.bin_dir={tools}");
    let mut settings = vec!["--set", tools.as_str()];
    if gateway {
        // The defaults; tests have smaller ones.
        settings.extend(["--set", "stores.main.part_size=8MiB", "--set", "stores.main.uploads=4"]);
    }
    let id = bench.back_up(&settings);
    assert_peak("backup");
    bench.run(&["verify", &id, "--level", "read"]).ok();
    assert_peak("verify");
}

/// The programs of the server, save a pg_dump that writes [`DUMP`].
fn long_dumping_tools(bench: &Bench) -> String {
    let folder = bench.path("bin");
    let real = bench.postgres.bin();
    for program in ["psql", "pg_dumpall", "pg_restore"] {
        symlink(real.join(program), folder.join(program)).unwrap();
    }
    let script = format!(
        "#!/bin/sh\ncase $1 in --version) exec {}/pg_dump --version ;; esac\nexec {GENERATOR} {DUMP}\n",
        real.display()
    );
    let pg_dump = folder.join("pg_dump");
    std::fs::write(&pg_dump, script).unwrap();
    std::fs::set_permissions(&pg_dump, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.display().to_string()
}

#[track_caller]
fn assert_peak(what: &str) {
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    assert!(peak < LIMIT_KIB, "{what}: the largest process took {peak} KiB");
}
