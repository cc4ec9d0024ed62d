//! What becomes of a chain that grows old, loses a link, or is built on: retention and deletion.

use crate::chains::{Chain, id, mariadb};
use crate::folder::open;
use crate::host::{SetClock, app_that_waits};
use crate::program::{Run, wait_until};
use jagad::commands::{Class, Mode, delete};
use jagad::config::{ConfigRequest, Inventory};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Whether each stays, and why, as `prune --dry-run` says it.
fn planned(chain: &Chain<'_>, time: &str, named: &[&Value]) -> Vec<(bool, String)> {
    let report = chain.at(time, &["prune", "--db", "whole", "--dry-run", "--json"]).ok().json();
    let rows = report["databases"][0]["backups"].as_array().unwrap();
    let of = |manifest: &&Value| {
        let row = rows.iter().find(|row| row["id"] == manifest["id"]).unwrap();
        (row["action"] == "keep", row["reasons"].to_string())
    };
    named.iter().map(of).collect()
}

#[test]
fn retention_keeps_incrementals_by_number_and_age_and_whatever_they_build_on() {
    let Some(bench) = mariadb() else { return };
    let chain = Chain::attached(&bench, "retention = { full = 1, incremental = 2 }");
    let full = chain.newest();
    let time = |minute: u32| format!("2027-03-01T12:{minute}:00Z");
    let [one, two, three] = [20, 30, 40].map(|minute| chain.take(&time(minute), "incremental"));
    let all = [&full, &one, &two, &three];
    let kept = |plan: &[(bool, String)]| plan.iter().map(|(kept, _)| *kept).collect::<Vec<bool>>();
    let plan = planned(&chain, &time(41), &all);
    assert_eq!(kept(&plan), [true; 4], "{plan:?}");
    assert!(plan[1].1.contains("builds on it"), "past its number, and needed: {plan:?}");
    // Differentials that nothing builds on go one by one.
    chain.change("incremental = 2", "incremental = \"30m\"");
    chain.change("retries = 0", "retries = 0\nincremental_base = \"full\"");
    let [four, five] = [42, 50].map(|minute| chain.take(&time(minute), "incremental"));
    assert_eq!((&four["parent"], &five["parent"]), (&full["id"], &full["id"]));
    chain.at(&time(51), &["prune", "--db", "whole", "--yes"]).ok();
    assert_eq!(chain.good().len(), 6, "each is of the last half hour, or needed");
    // By its age alone: the newest chain that is young enough, with all below it, and the full for itself.
    let plan = planned(&chain, "2027-03-01T13:15:00Z", &[&full, &one, &two, &three, &four, &five]);
    assert_eq!(kept(&plan), [true, false, false, false, false, true], "{plan:?}");
    assert!(plan[3].1.contains("past its retention"), "{plan:?}");
    // A pin keeps its chain when the next full takes the place of the old one; the rest goes with that one.
    bench.run(&["pin", id(&two)]).ok();
    let next = chain.take("2027-03-01T13:30:00Z", "full");
    let left = |minute: u32| {
        chain.at(&format!("2027-03-01T13:{minute}:00Z"), &["prune", "--db", "whole", "--yes"]).ok();
        chain.good().iter().map(|manifest| manifest["id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(left(31), [&full, &one, &two, &next].map(|manifest| manifest["id"].clone()));
    bench.run(&["unpin", id(&two)]).ok();
    assert_eq!(left(32), [next["id"].clone()]);
}

#[test]
fn an_incremental_goes_when_its_parent_is_gone_and_stays_when_that_cannot_be_read() {
    let Some(bench) = mariadb() else { return };
    let chain = Chain::attached(&bench, "retention = { full = 1 }");
    let full = chain.newest();
    let first = chain.take("2027-03-01T12:20:00Z", "incremental");
    let second = chain.take("2027-03-01T12:30:00Z", "incremental");
    let manifest = bench.path(&format!("store/databases/whole/backups/{}/manifest.json", id(&full)));
    let bytes = std::fs::read(&manifest).unwrap();
    open(&manifest, 0o600);
    std::fs::write(&manifest, "{").unwrap();
    for (kept, reason) in planned(&chain, "2027-03-01T12:31:00Z", &[&first, &second]) {
        assert!(kept && reason.contains("cannot be read"), "{reason}");
    }
    std::fs::write(&manifest, bytes).unwrap();
    let plan = planned(&chain, "2027-03-01T12:32:00Z", &[&full, &first, &second]);
    assert!(plan.iter().all(|(kept, _)| *kept), "{plan:?}");
    std::fs::remove_dir_all(manifest.parent().unwrap()).unwrap();
    let plan = planned(&chain, "2027-03-01T12:33:00Z", &[&first, &second]);
    assert!(plan.iter().all(|(kept, reason)| !kept && reason.contains("removed or missing")), "{plan:?}");
    let next = chain.take("2027-03-01T12:40:00Z", "incremental");
    assert!(next["fallback_reason"].as_str().unwrap().contains("missing or not good"), "{next}");
    chain.at("2027-03-01T12:41:00Z", &["prune", "--db", "whole", "--yes"]).ok();
    let left: Vec<Value> = chain.good().iter().map(|manifest| manifest["id"].clone()).collect();
    assert_eq!(left, [next["id"].clone()]);
}

/// Whoever builds on a backup keeps it: from retention, from a deletion, and from one that was asked for before.
#[test]
fn a_parent_of_a_run_that_is_under_way_is_not_deleted() {
    let Some(bench) = mariadb() else { return };
    let chain = Chain::attached(&bench, "retention = { full = 1, incremental = 0 }");
    let parent = chain.take("2027-03-01T12:20:00Z", "incremental");
    let gate = bench.path("gate");
    bench.add(&format!(
        "[databases.whole.hooks]\nbefore_backup = [\"/bin/sh\", \"-c\", \"touch {0}.reached; while [ ! -e {0} ]; do sleep 0.05; done\"]\n",
        gate.display()
    ));
    let run = {
        let mut command = bench.command(&["backup", "whole", "--type", "incremental"]);
        Run::start(command.env("JAGAD_CLOCK", "2027-03-01T12:30:00Z"))
    };
    wait_until("the run holds the database", || bench.path("gate.reached").exists());
    let plan = planned(&chain, "2027-03-01T12:30:01Z", &[&parent]);
    assert!(plan[0].0 && plan[0].1.contains("in use"), "{plan:?}");
    let time = "2027-03-01T12:30:02Z";
    assert_ne!(chain.at(time, &["prune", "--db", "whole", "--yes"]).code, 0);
    chain.at(time, &["delete", id(&parent), "--yes"]).expect(11);
    let row = chain.listed().into_iter().find(|row| row["status"] == "running").unwrap();
    assert_eq!((&row["parent"], &row["kind"]), (&parent["id"], &"incremental".into()));
    std::fs::write(&gate, "").unwrap();
    run.wait().ok();
    let newest = chain.newest();
    assert_eq!(newest["parent"], parent["id"]);
    bench.run(&["verify", id(&newest), "--level", "read"]).ok();
}

#[test]
fn a_deletion_is_refused_where_somebody_has_built_on_the_backup_since_it_was_asked_for() {
    let Some(bench) = mariadb().map(Arc::new) else { return };
    Chain(&bench).take("2027-03-01T12:20:00Z", "full");
    let doomed = Chain(&bench).take("2027-03-01T12:30:00Z", "incremental");
    let request = ConfigRequest { path: Some(bench.path("jagad.toml")), set: Vec::new() };
    let inventory = Inventory::load(&request).unwrap();
    let other = Arc::clone(&bench);
    let meanwhile = move || drop(Chain(&other).take("2027-03-01T12:40:00Z", "incremental"));
    let app = app_that_waits(inventory, &SetClock::new("2027-03-01T12:41:00Z".parse().unwrap()), meanwhile);
    let request = delete::Request {
        backups: vec![id(&doomed).parse().unwrap()],
        store: None,
        last_good: delete::LastGood::Keep,
        mode: Mode::Run,
        wait: Duration::ZERO,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let failure = runtime.block_on(delete::run(&app, &request)).unwrap_err();
    assert_eq!(failure.class, Class::Busy, "{}", failure.message());
    let newest = Chain(&bench).newest();
    assert_eq!(newest["parent"], doomed["id"]);
    bench.run(&["verify", id(&newest), "--level", "read"]).ok();
}
