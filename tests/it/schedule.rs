//! Ticks: what is due is done once, whatever happens in between.

use crate::policy_bench::{PolicyBench, actions};
use crate::program::Run;

const DAILY: &str =
    "[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 2 }\nretries = 0\n";

/// Attached at noon of this day.
fn attached(names: &[&str]) -> Option<PolicyBench> {
    let bench = PolicyBench::new(names, DAILY)?;
    bench.at("2027-03-01T12:00:00Z", &["policy", "apply"]).ok();
    Some(bench)
}

#[test]
fn what_is_due_runs_once_and_one_missed_run_is_made_up_for() {
    let Some(bench) = attached(&["cache"]) else { return };
    assert_eq!(bench.tick("2027-03-01T12:01:00Z"), ["waiting"]);
    assert_eq!(bench.tick("2027-03-02T01:59:00Z"), ["waiting"]);
    let due = bench.at("2027-03-02T02:00:00Z", &["schedule", "run", "--dry-run"]).ok().stdout;
    assert_eq!(due, "cache: due, planned for 2027-03-02 02:00:00 UTC\n");
    assert_eq!(bench.tick("2027-03-02T02:00:00Z"), ["backed_up"]);
    assert_eq!(bench.tick("2027-03-02T02:01:00Z"), ["waiting"]);
    // The machine was off for a week: one run makes up for all of it.
    assert_eq!(bench.tick("2027-03-09T14:00:00Z"), ["backed_up"]);
    assert_eq!(
        bench.backups("cache", "success").len(),
        2,
        "retention keeps two, as soon as there is a third"
    );
    assert_eq!(bench.tick("2027-03-09T14:01:00Z"), ["waiting"]);
    // A clock that is set back makes nothing due again.
    assert_eq!(bench.tick("2027-03-09T02:00:00Z"), ["waiting"]);
    let listed =
        bench.at("2027-03-09T14:02:00Z", &["schedule", "list", "--count", "2", "--json"]).ok().json();
    assert_eq!(listed["runs"][0]["at"], "2027-03-10T02:00:00Z");
    assert_eq!(listed["runs"][1]["local"], "2027-03-11 02:00 UTC");
}

#[test]
fn three_failures_in_a_row_pause_a_database_and_leave_the_others_alone() {
    let Some(bench) = attached(&["bad", "good"]) else { return };
    // Its server goes away; the other entry has an address of its own for the same one.
    let bad = bench.entry("bad", "policy = \"prod\"");
    bench.change(&bad, "[databases.bad]\nengine = \"redis\"\nsocket = \"gone\"\npolicy = \"prod\"\n");
    for day in 2..5 {
        let ticked = bench.at(&format!("2027-03-0{day}T02:00:00Z"), &["schedule", "run", "--json"]).expect(3);
        assert_eq!(actions(&ticked.json()), ["failed", "backed_up"]);
        assert_eq!(bench.state("bad")["failures"], day - 1);
        assert_eq!(bench.tick(&format!("2027-03-0{day}T02:01:00Z")).len(), 2);
    }
    assert_eq!(bench.state("bad")["paused"]["cause"], "failures");
    assert_eq!(bench.tick("2027-03-05T02:00:00Z"), ["paused", "backed_up"]);
    assert_eq!(bench.backups("bad", "failed").len(), 3);
    let status = bench.at("2027-03-05T03:00:00Z", &["status", "--check", "--json"]).expect(20).json();
    let kinds = |row: usize| -> Vec<String> {
        let problems = status["databases"][row]["problems"].as_array().unwrap();
        problems.iter().map(|problem| problem["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(0), ["paused", "failing", "overdue"], "{status}");
    assert_eq!(kinds(1), [""; 0]);

    bench.change("[databases.bad]\nengine = \"redis\"\nsocket = \"gone\"\npolicy = \"prod\"\n", &bad);
    // A success by hand ends the pause.
    bench.at("2027-03-05T04:00:00Z", &["backup", "bad"]).ok();
    assert!(bench.state("bad")["paused"].is_null());
    assert_eq!(bench.tick("2027-03-06T02:00:00Z"), ["backed_up", "backed_up"]);
    bench.at("2027-03-06T03:00:00Z", &["status", "--check"]).ok();
}

#[test]
fn two_ticks_at_once_take_one_backup() {
    let Some(bench) = attached(&["a", "b"]) else { return };
    for day in 2..6 {
        let time = format!("2027-03-0{day}T02:00:00Z");
        let start = || {
            let mut command = bench.command(&["schedule", "run", "--json"]);
            Run::start(command.env("JAGAD_CLOCK", &time))
        };
        let (one, other, third) = (start(), start(), start());
        let reports = [one, other, third].map(|run| run.wait().ok().json());
        let taken: usize = reports
            .iter()
            .map(|report| actions(report).iter().filter(|action| *action == "backed_up").count())
            .sum();
        assert_eq!(taken, 2, "{reports:?}");
        assert_eq!(bench.tick(&format!("2027-03-0{day}T02:05:00Z")), ["waiting", "waiting"]);
    }
    assert!(bench.backups("a", "failed").is_empty());
}

#[test]
fn a_tick_that_is_killed_anywhere_is_counted_once_by_the_next() {
    let Some(bench) = attached(&["cache"]) else { return };
    // What the next tick does, and how many runs are recorded as failed by then: what died before its commit is made up for.
    let points = [
        ("before-lease", "backed_up", 0),
        ("after-lease", "backed_up", 1),
        ("after-part", "backed_up", 2),
        ("before-commit", "backed_up", 3),
        ("after-commit", "verified", 3),
        ("before-note", "verified", 3),
        ("before-verify", "verified", 3),
    ];
    for (day, (point, next, failed)) in (2..).zip(points) {
        let time = format!("2027-03-{day:02}T02:00:00Z");
        let mut command = bench.command(&["schedule", "run"]);
        let killed = Run::start(command.env("JAGAD_CLOCK", &time).env("JAGAD_CRASH_AT", point)).wait();
        assert_eq!(killed.code, 137, "{point}: {killed:?}");
        // What unlocks by hand does what the next run does when the lease has run out.
        bench.at(&time, &["unlock", "cache", "--yes"]).ok();
        assert_eq!(bench.tick(&format!("2027-03-{day:02}T02:01:00Z")), [next], "{point}");
        assert_eq!(bench.backups("cache", "failed").len(), failed, "{point}");
        assert_eq!(bench.state("cache")["failures"], 0, "{point}");
        assert_eq!(bench.tick(&format!("2027-03-{day:02}T02:02:00Z")), ["waiting"], "{point}");
    }
}

#[test]
fn a_retry_that_waits_for_its_verification_is_not_taken_again() {
    let Some(bench) = attached(&["cache"]) else { return };
    for (time, point) in [("2027-03-02T02:00:00Z", "after-part"), ("2027-03-02T02:01:00Z", "before-verify")] {
        let mut command = bench.command(&["schedule", "run"]);
        let killed = Run::start(command.env("JAGAD_CLOCK", time).env("JAGAD_CRASH_AT", point)).wait();
        assert_eq!(killed.code, 137, "{point}: {killed:?}");
        bench.at(time, &["unlock", "cache", "--yes"]).ok();
    }
    let good = bench.backups("cache", "success");
    // Whoever took it may still be about to verify it.
    assert_eq!(bench.tick("2027-03-02T02:01:05Z"), ["waiting"]);
    assert_eq!(bench.tick("2027-03-02T02:02:00Z"), ["verified"]);
    assert_eq!(bench.backups("cache", "success"), good);
}

#[test]
fn what_kills_its_host_every_time_is_tried_again_a_few_times_and_is_never_paused() {
    let Some(bench) = attached(&["cache"]) else { return };
    bench.change("retries = 0", "retries = 2\npause_after_failures = 1");
    // At once, as after a reboot; then after ten minutes; then with the next plan.
    for (time, ran) in [
        ("2027-03-02T02:00:00Z", true),
        ("2027-03-02T02:01:00Z", true),
        ("2027-03-02T02:02:00Z", false),
        ("2027-03-02T02:12:00Z", true),
        ("2027-03-02T23:00:00Z", false),
        ("2027-03-03T02:00:00Z", true),
    ] {
        let mut command = bench.command(&["schedule", "run"]);
        let run = Run::start(command.env("JAGAD_CLOCK", time).env("JAGAD_CRASH_AT", "after-part")).wait();
        assert_eq!(run.code, if ran { 137 } else { 0 }, "{time}: {run:?}");
        let told = bench.at(time, &["unlock", "cache", "--yes"]).ok();
        assert_eq!(told.stderr.contains("ended without a result"), ran, "{time}");
    }
    let state = bench.state("cache");
    assert_eq!((&state["failures"], &state["paused"]), (&0.into(), &serde_json::Value::Null));
    assert_eq!(state["last_error"]["class"], "interrupted");
}

#[test]
fn a_policy_that_is_gone_is_told_of_at_each_time_that_was_planned() {
    let Some(bench) = attached(&["cache"]) else { return };
    bench.change("[policies.prod]", "[policies.nightly]");
    bench.change("policy = \"prod\"", "policy = \"nightly\"");
    let failed = bench.at("2027-03-02T02:00:00Z", &["schedule", "run"]).expect(6);
    failed.says("it is attached to the policy `prod`").says("jagad policy apply");
    assert_eq!(bench.tick("2027-03-02T02:01:00Z"), ["unprotected"]);
    bench.at("2027-03-02T02:02:00Z", &["schedule", "run"]).ok();
    bench.at("2027-03-02T03:00:00Z", &["policy", "apply", "--yes"]).ok();
    assert_eq!(bench.tick("2027-03-03T02:00:00Z"), ["backed_up"]);
}

#[test]
fn a_store_that_is_down_is_told_of_once_for_each_plan_and_counted_when_it_is_back() {
    let Some(bench) = attached(&["cache"]) else { return };
    bench.change("path = \"store\"", "path = \"main.key/store\"");
    for day in 2..4 {
        let time = |minute: u32| format!("2027-03-0{day}T02:0{minute}:00Z");
        let failed = bench.at(&time(0), &["schedule", "run"]);
        assert_eq!(failed.code, 10, "{failed:?}");
        let failed = failed.says("back up what was planned for 2027-03-0").helps();
        assert!(failed.stderr.contains("recorded as soon as the store answers again"), "{}", failed.stderr);
        assert_eq!(bench.tick(&time(1)), ["unknown"]);
        assert_eq!(bench.tick(&time(2)), ["unknown"]);
    }
    // By hand it is no different.
    bench.at("2027-03-03T12:00:00Z", &["backup", "cache"]).expect(10).says("recorded as soon as");
    bench.change("path = \"main.key/store\"", "path = \"store\"");
    assert_eq!(bench.tick("2027-03-03T13:00:00Z"), ["backed_up"], "what was planned is made up for at once");
    assert_eq!(bench.backups("cache", "failed").len(), 3);
    assert_eq!(bench.state("cache")["failures"], 0);
    let kept = std::fs::read_dir(bench.path("state/unrecorded")).unwrap().flatten();
    let kept = kept.filter_map(|one| std::fs::read_dir(one.path().join("cache")).ok());
    assert_eq!(kept.map(Iterator::count).sum::<usize>(), 0);
}

#[test]
fn failures_that_could_not_be_recorded_pause_a_database_with_those_that_could() {
    let Some(bench) = attached(&["cache"]) else { return };
    bench.change("path = \"store\"", "path = \"main.key/store\"");
    for day in 2..4 {
        bench.at(&format!("2027-03-0{day}T02:00:00Z"), &["schedule", "run"]).expect(10);
    }
    bench.change("path = \"main.key/store\"", "path = \"store\"");
    let entry = bench.entry("cache", "policy = \"prod\"");
    bench.change(&entry, "[databases.cache]\nengine = \"redis\"\nsocket = \"gone\"\npolicy = \"prod\"\n");
    bench.at("2027-03-04T02:00:00Z", &["schedule", "run"]).expect(1);
    assert_eq!(bench.state("cache")["failures"], 3);
    assert_eq!(bench.tick("2027-03-05T02:00:00Z"), ["paused"]);
}

#[test]
fn retention_never_takes_what_was_just_taken_whatever_the_clock_did() {
    let Some(bench) = attached(&["cache"]) else { return };
    for day in 1..4 {
        bench.at(&format!("2031-01-0{day}T02:00:00Z"), &["backup", "cache"]).ok();
    }
    let ticked = bench.at("2027-03-02T02:00:00Z", &["schedule", "run", "--json"]).ok().json();
    let id = ticked["databases"][0]["backup"].as_str().unwrap().to_owned();
    assert!(bench.backups("cache", "success").contains(&id));
    // An entry with another name is another database: nothing of the old one goes with it.
    let kept = bench.backups("cache", "success");
    bench.change("[databases.cache]", "[databases.renamed]");
    bench.at("2027-03-02T03:00:00Z", &["policy", "apply"]).ok();
    bench.at("2027-03-03T02:00:00Z", &["schedule", "run"]).ok();
    bench.add(&bench.entry("cache", ""));
    assert_eq!(bench.backups("cache", "success"), kept);
}

#[test]
fn an_empty_store_is_no_reason_to_be_silent() {
    let Some(bench) = attached(&["cache"]) else { return };
    std::fs::rename(bench.path("store"), bench.path("unmounted")).unwrap();
    bench.at("2027-03-02T02:00:00Z", &["schedule", "run"]).expect(10).says("does not exist").helps();
    assert_eq!(bench.tick("2027-03-02T02:01:00Z"), ["unknown"]);
    bench.at("2027-03-02T02:02:00Z", &["status", "--check"]).expect(20);
    bench.at("2027-03-03T02:00:00Z", &["schedule", "run"]).expect(10);
    // The folder is there, and the disk is not: it looks like a store that nobody has used.
    std::fs::create_dir(bench.path("store")).unwrap();
    let failed = bench.at("2027-03-04T02:00:00Z", &["schedule", "run"]);
    assert_ne!(failed.code, 0, "{failed:?}");
    failed.helps();
}

#[test]
fn a_clock_that_was_far_ahead_leaves_no_database_unprotected() {
    let Some(bench) = attached(&["cache"]) else { return };
    assert_eq!(bench.tick("2031-01-01T02:00:00Z"), ["backed_up"]);
    assert_eq!(bench.tick("2027-03-02T02:00:00Z"), ["backed_up"]);
    assert_eq!(bench.tick("2027-03-02T02:01:00Z"), ["waiting"]);
    assert_eq!(bench.tick("2027-03-03T02:00:00Z"), ["backed_up"]);
    bench.at("2027-03-03T10:00:00Z", &["status", "--check"]).ok();
    bench.at("2027-03-05T10:00:00Z", &["status", "--check"]).expect(20);
    // What this host remembers of that time keeps no failure from being told either.
    std::fs::write(bench.path("state/seen/cache"), "2031-01-01T02:00:00Z").unwrap();
    bench.change("path = \"store\"", "path = \"main.key/store\"");
    bench.at("2027-03-06T02:00:00Z", &["schedule", "run"]).expect(10);
}
