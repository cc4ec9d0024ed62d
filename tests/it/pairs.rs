//! Two runs at once.

use crate::bench::Bench;
use crate::host::{SetClock, app_that_waits};
use crate::place::Place;
use crate::policy_bench::PolicyBench;
use crate::program::wait_until;
use crate::support::faulty::{Asked, Fault};
use http::Method;
use jagad::commands::{Class, Mode, delete};
use jagad::config::{ConfigRequest, Inventory};
use std::sync::Arc;
use std::time::Duration;

/// A pg_dump that goes on only when the file `go` of the bench is there.
fn held(bench: &Bench) -> String {
    let folder = bench.path("tmp");
    bench.with_dump(&format!(
        "touch {0}/started; while [ ! -e {0}/go ]; do sleep 0.05; done; exec $real \"$@\"",
        folder.display()
    ))
}

#[test]
fn of_two_backups_of_one_database_one_is_busy_or_waits() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let set = held(&bench);
    let first = bench.program(&["backup", "shop", "--set", &set]);
    wait_until("the first dumps", || bench.path("tmp/started").exists());
    assert_eq!(bench.statuses(), ["running"]);
    bench.run(&["backup", "shop"]).expect(11).says("backup on host").helps();
    bench.run(&["restore", "shop@latest", "--yes"]).expect(5);
    let waiting = bench.program(&["backup", "shop", "--wait", "60s"]);
    // Busy again and again, for as long as a lease could live: it is renewed.
    std::thread::sleep(Duration::from_secs(6));
    bench.run(&["backup", "shop"]).expect(11);
    std::fs::write(bench.path("tmp/go"), "").unwrap();
    first.wait().ok();
    waiting.wait().ok();
    assert_eq!(bench.statuses(), ["success", "success"]);
}

#[test]
fn a_run_whose_lease_is_taken_away_commits_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let set = held(&bench);
    let live = bench.program(&["backup", "shop", "--set", &set]);
    wait_until("it dumps", || bench.path("tmp/started").exists());
    bench.run(&["unlock", "shop"]).expect(6).helps();
    bench.run(&["unlock", "shop", "--yes"]).ok();
    std::fs::write(bench.path("tmp/go"), "").unwrap();
    live.wait().expect(11).says("was removed by another process").helps();
    assert_eq!(bench.statuses(), ["failed"]);
    assert_eq!(bench.leftovers(), [""; 0]);
    bench.back_up(&[]);
}

#[test]
fn a_commit_that_comes_too_late_for_its_lease_is_none() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    let mut late = false;
    bench.server().fail(move |asked: &Asked| {
        let commits = asked.method == Method::PUT && asked.path.ends_with("/manifest.json");
        if commits && !std::mem::replace(&mut late, true) {
            Fault::Delay(Duration::from_secs(4))
        } else {
            Fault::Pass
        }
    });
    let live = bench.program(&["backup", "shop"]);
    let commits = |asked: &Asked| asked.method == Method::PUT && asked.path.ends_with("/manifest.json");
    wait_until("it commits", || bench.server().count(commits) > 0);
    bench.run(&["unlock", "shop", "--yes"]).ok().says("recorded backup");
    let output = live.wait();
    assert_ne!(output.code, 0, "{output:?}");
    assert_eq!(bench.statuses(), ["failed"]);
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[test]
fn first_runs_at_once_agree_on_one_repository() {
    for place in [Some(Place::Local), Some(Place::server()), Place::gateway()] {
        let Some(bench) = place.and_then(Bench::small) else { continue };
        // Of one program on many hosts, and of many entries in one program.
        let names = ["one", "two", "three", "four", "five"];
        for name in names {
            bench.add(&bench.entry(name, "dbnames = [\"shop\"]"));
        }
        let mut runs: Vec<_> =
            names[..2].iter().map(|name| bench.program(&["backup", name, "-j", "9"])).collect();
        runs.push(bench.program(&["backup", "three", "four", "five", "-j", "9"]));
        for run in runs {
            run.wait().ok();
        }
        for name in names {
            bench.run(&["verify", &format!("{name}@latest"), "--level", "read"]).ok();
        }
    }
}

#[test]
fn two_deletions_at_once_leave_a_good_backup() {
    let Some(bench) =
        PolicyBench::new(&["cache"], "[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\n")
    else {
        return;
    };
    let bench = Arc::new(bench);
    let ids: Vec<String> = (0..2)
        .map(|_| bench.run(&["backup", "cache", "--json"]).ok())
        .map(|run| run.json()["backups"][0]["id"].as_str().unwrap().to_owned())
        .collect();
    let request = ConfigRequest { path: Some(bench.path("jagad.toml")), set: Vec::new() };
    let inventory = Inventory::load(&request).unwrap();
    let (other, second) = (Arc::clone(&bench), ids[1].clone());
    let meanwhile = move || {
        other.run(&["delete", &second, "--yes"]).ok();
    };
    let app = app_that_waits(inventory, &SetClock::new("2027-03-01T00:00:00Z".parse().unwrap()), meanwhile);
    let request = delete::Request {
        backups: vec![ids[0].parse().unwrap()],
        store: None,
        last_good: delete::LastGood::Keep,
        mode: Mode::Run,
        wait: Duration::ZERO,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let failure = runtime.block_on(delete::run(&app, &request)).unwrap_err();
    assert_eq!(failure.class, Class::Refused, "{}", failure.message());
    assert_eq!(bench.backups("cache", "success"), ids[..1]);
    assert_eq!(std::fs::read_dir(bench.path("store/databases/cache/lease")).map_or(0, Iterator::count), 0);
}
