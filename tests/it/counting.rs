//! What counts as a run that failed or succeeded, and what is done about it.

use crate::policy_bench::{PolicyBench, actions};
use crate::program::Run;
use crate::support::post::Post;
use serde_json::{Value, json};

const DAILY: &str =
    "[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 2 }\n";

/// Attached at noon of this day, under a daily policy that says `more`.
fn attached(names: &[&str], more: &str) -> Option<PolicyBench> {
    let bench = PolicyBench::new(names, &format!("{DAILY}{more}"))?;
    bench.at("2027-03-01T12:00:00Z", &["policy", "apply"]).ok();
    Some(bench)
}

/// Takes the entry's server away, or gives it back.
fn server(bench: &PolicyBench, there: bool) {
    let good = bench.entry("cache", "policy = \"prod\"");
    let gone = "[databases.cache]\nengine = \"redis\"\nsocket = \"gone\"\npolicy = \"prod\"\n";
    if there { bench.change(gone, &good) } else { bench.change(&good, gone) }
}

#[test]
fn a_failed_run_is_tried_again_and_counts_only_when_its_tries_are_used_up() {
    let Some(bench) = attached(&["cache"], "") else { return };
    server(&bench, false);
    let tick = |time: &str| bench.at(&format!("2027-03-02T{time}Z"), &["schedule", "run", "--json"]);
    assert_eq!(actions(&tick("02:00:00").ok().json()), ["retrying"]);
    assert_eq!(bench.state("cache")["failures"], 0);
    assert_eq!(actions(&tick("02:04:00").ok().json()), ["waiting"]);
    assert_eq!(actions(&tick("02:06:00").ok().json()), ["retrying"]);
    assert_eq!(actions(&tick("02:10:00").ok().json()), ["waiting"]);
    let last = tick("02:17:00").expect(1);
    assert_eq!(actions(&last.json()), ["failed"]);
    assert_eq!(bench.state("cache")["failures"], 1);
    assert_eq!(actions(&tick("02:40:00").ok().json()), ["waiting"], "the next one is that of the next day");
    // A try that succeeds is a success.
    assert_eq!(bench.tick("2027-03-03T02:00:00Z"), ["retrying"]);
    server(&bench, true);
    assert_eq!(bench.tick("2027-03-03T02:06:00Z"), ["backed_up"]);
    let state = bench.state("cache");
    assert_eq!((&state["failures"], &state["retry"]), (&0.into(), &Value::Null));
    assert_eq!(bench.tick("2027-03-03T02:07:00Z"), ["waiting"]);
}

#[test]
fn two_hosts_do_not_try_again_twice() {
    let Some(bench) = attached(&["cache"], "") else { return };
    server(&bench, false);
    let start = || {
        let mut command = bench.command(&["schedule", "run", "--json", "--wait", "30s"]);
        Run::start(command.env("JAGAD_CLOCK", "2027-03-02T02:00:00Z"))
    };
    let (one, other) = (start(), start());
    let done = [one, other].map(|run| actions(&run.wait().ok().json()).remove(0));
    assert!(done.contains(&"retrying".to_owned()), "{done:?}");
    assert!(done.iter().any(|action| ["waiting", "postponed"].contains(&action.as_str())), "{done:?}");
    assert_eq!(bench.backups("cache", "failed").len(), 1);
}

/// Makes every backup of the entry be damaged before it is verified, or not: the hook stands between the two.
fn spoiling(bench: &PolicyBench, on: bool) {
    let hook = format!(
        "[hooks]\nafter_backup = [\"/bin/sh\", \"-c\", \"for f in {}/databases/cache/backups/*/keys.rdb*; do echo gone > $f; done\"]\n",
        bench.path("store").display()
    );
    let text = std::fs::read_to_string(bench.path("jagad.toml")).unwrap().replace(&hook, "");
    let [settings, rest] = text.split("[keys.main]").collect::<Vec<_>>()[..] else { panic!("{text}") };
    let hook = if on { hook.as_str() } else { "" };
    bench.write(&format!("{settings}{hook}[keys.main]{rest}"));
}

fn pings(post: &Post) -> Vec<String> {
    let path = |request: Value| {
        let path = request["path"].as_str().unwrap().split('?').next().unwrap().to_owned();
        path.rsplit('/').next().unwrap().to_owned()
    };
    post.requests().into_iter().filter(|request| request["method"] == "POST").map(path).collect()
}

#[test]
fn a_backup_that_does_not_pass_its_verification_is_a_failed_run_and_pings_no_success() {
    let Some(post) = Post::web("") else { return };
    let switch = format!(
        "retries = 0\npause_after_failures = 2\nnotify = [\"switch\"]\n[notify.switch]\ntype = \"healthchecks\"\n\
         url = \"http://127.0.0.1:{}/ping\"\nallow_plain = true\n",
        post.port
    );
    let Some(bench) = attached(&["cache"], &switch) else { return };
    assert_eq!(pings(&post), ["start", "ping"]);
    let good = bench.state("cache")["last_good"]["id"].clone();
    spoiling(&bench, true);
    for (day, failures) in [(2, 1), (3, 2)] {
        let ticked = bench.at(&format!("2027-03-0{day}T02:00:00Z"), &["schedule", "run", "--json"]).expect(4);
        assert_eq!(actions(&ticked.json()), ["failed"]);
        assert_eq!(bench.state("cache")["failures"], failures);
    }
    assert_eq!(pings(&post), ["start", "ping", "start", "fail", "start", "fail"]);
    let state = bench.state("cache");
    assert_eq!((&state["paused"]["cause"], &state["last_good"]["id"]), (&json!("failures"), &good));
    // The first good full is still the last good one, for everybody.
    let metrics = bench.at("2027-03-03T03:00:00Z", &["status", "--format", "prometheus"]).ok().stdout;
    let of = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(of("jagad_good_backups"), "1");
    // A few seconds after noon of the first day.
    let since = of("jagad_last_success_timestamp_seconds").parse::<u64>().unwrap() - 1_803_902_400;
    assert!(since < 60, "{since}");
    spoiling(&bench, false);
    bench.at("2027-03-03T04:00:00Z", &["policy", "resume", "cache", "--now"]).ok();
    assert_eq!(bench.tick("2027-03-03T04:01:00Z"), ["waiting"], "nothing was missed");
    assert_eq!(bench.tick("2027-03-04T02:00:00Z"), ["backed_up"]);
    assert_eq!(pings(&post).last().unwrap(), "ping");
}

#[test]
fn a_run_that_is_killed_before_its_verification_is_verified_and_told_by_the_next_tick() {
    let Some(post) = Post::web("") else { return };
    let switch = format!(
        "notify = [\"switch\"]\n[notify.switch]\ntype = \"healthchecks\"\nurl = \"http://127.0.0.1:{}/ping\"\nallow_plain = true\n",
        post.port
    );
    let Some(bench) = attached(&["cache"], &switch) else { return };
    let mut command = bench.command(&["schedule", "run"]);
    command.env("JAGAD_CLOCK", "2027-03-02T02:00:00Z").env("JAGAD_CRASH_AT", "before-verify");
    assert_eq!(Run::start(&mut command).wait().code, 137);
    assert_eq!(pings(&post), ["start", "ping", "start"]);
    assert_eq!(bench.tick("2027-03-02T02:01:00Z"), ["verified"]);
    assert_eq!(bench.tick("2027-03-02T02:02:00Z"), ["waiting"]);
    assert_eq!(pings(&post), ["start", "ping", "start", "ping"]);
    assert_eq!(bench.listed()[0]["verification"], "passed");
    assert!(bench.state("cache")["unverified"].is_null());
}

#[test]
fn resuming_does_not_start_what_was_missed_unless_that_is_asked_for() {
    let Some(bench) = attached(&["cache"], "") else { return };
    bench.at("2027-03-01T13:00:00Z", &["policy", "pause", "cache"]).ok();
    bench.at("2027-03-03T12:00:00Z", &["policy", "resume", "cache"]).ok();
    assert_eq!(bench.tick("2027-03-03T12:01:00Z"), ["waiting"]);
    assert_eq!(bench.tick("2027-03-04T02:00:00Z"), ["backed_up"]);
    bench.at("2027-03-04T13:00:00Z", &["policy", "pause", "cache"]).ok();
    bench.at("2027-03-06T12:00:00Z", &["policy", "resume", "cache", "--now"]).ok();
    assert_eq!(bench.tick("2027-03-06T12:01:00Z"), ["backed_up"]);
}

#[test]
fn a_state_of_a_newer_jagad_stops_no_backup_and_is_not_overwritten() {
    let Some(bench) = attached(&["cache"], "") else { return };
    let path = bench.path("store/databases/cache/state.json");
    let newer = "{\"format\": 2, \"failures\": {\"many\": true}}";
    std::fs::write(&path, newer).unwrap();
    bench.at("2027-03-01T13:00:00Z", &["backup", "cache"]).ok();
    let ticked = bench.at("2027-03-02T02:00:00Z", &["schedule", "run", "--json"]).ok();
    assert_eq!(actions(&ticked.json()), ["backed_up"]);
    ticked.says("the state of `cache` was written by a newer jagad");
    // What is there says that it was done, and the warning is not repeated.
    let again = bench.at("2027-03-02T02:01:00Z", &["schedule", "run", "--json"]).ok();
    assert_eq!(actions(&again.json()), ["waiting"]);
    assert!(!again.stderr.contains("newer jagad"), "{}", again.stderr);
    bench.at("2027-03-02T03:00:00Z", &["status", "cache"]).ok();
    // What could not be kept is not said to be done.
    bench.at("2027-03-02T03:00:00Z", &["policy", "resume", "cache"]).expect(7).helps();
    bench.at("2027-03-02T03:00:00Z", &["prune"]).ok();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
    assert_eq!(bench.tick("2027-03-03T02:00:00Z"), ["backed_up"]);
}

#[test]
fn a_database_that_moves_to_another_policy_is_protected_all_the_time() {
    let more = "[policies.other]\nfull = { every = \"daily\", at = \"03:00\" }\n";
    let Some(bench) = attached(&["cache"], more) else { return };
    let before = bench.backups("cache", "success");
    bench.change("policy = \"prod\"", "policy = \"other\"");
    let there = bench.entry("cache", "policy = \"other\"");
    bench.change(&there, "[databases.cache]\nengine = \"redis\"\nsocket = \"gone\"\npolicy = \"other\"\n");
    bench.at("2027-03-01T14:00:00Z", &["policy", "apply", "--yes"]).ok();
    let attachment = std::fs::read(bench.path("store/databases/cache/attachment.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&attachment).unwrap()["policy"], "other");
    assert_eq!(bench.backups("cache", "success"), before, "no new backup is needed");
    bench.change("[databases.cache]\nengine = \"redis\"\nsocket = \"gone\"\npolicy = \"other\"\n", &there);
    assert_eq!(bench.tick("2027-03-02T02:30:00Z"), ["waiting"]);
    assert_eq!(bench.tick("2027-03-02T03:00:00Z"), ["backed_up"]);
}

#[test]
fn a_database_that_moves_to_another_store_is_attached_there_before_it_is_detached_here() {
    let more = "[stores.second]\ntype = \"local\"\npath = \"second\"\n[policies.other]\nstore = \"second\"\n\
                full = { every = \"daily\", at = \"03:00\" }\n";
    let Some(bench) = PolicyBench::new(&["cache"], &format!("{DAILY}store = \"main\"\n{more}")) else {
        return;
    };
    std::fs::create_dir(bench.path("second")).unwrap();
    bench.at("2027-03-01T12:00:00Z", &["policy", "apply"]).ok();
    bench.change("policy = \"prod\"", "policy = \"other\"");
    let there = bench.entry("cache", "policy = \"other\"");
    let gone = "[databases.cache]\nengine = \"redis\"\nsocket = \"gone\"\npolicy = \"other\"\n";
    let here = bench.path("store/databases/cache/attachment.json");
    bench.change(&there, gone);
    assert_ne!(bench.at("2027-03-01T14:00:00Z", &["policy", "apply", "--yes"]).code, 0);
    assert!(here.exists(), "it was left unprotected");
    bench.change(gone, &there);
    bench.at("2027-03-01T14:00:00Z", &["policy", "apply", "--yes"]).ok();
    assert!(!here.exists() && bench.path("second/databases/cache/attachment.json").exists());
}

#[test]
fn what_every_tick_would_say_is_said_once_a_day() {
    let Some(bench) = attached(&["cache"], "") else { return };
    bench.at("2027-03-01T13:00:00Z", &["policy", "pause", "cache"]).ok();
    let warned = |time: &str| bench.at(time, &["schedule", "run"]).ok().stderr.contains("nothing runs until");
    assert!(warned("2027-03-02T02:00:00Z"));
    assert!(!warned("2027-03-02T02:01:00Z") && !warned("2027-03-03T01:59:00Z"));
    assert!(warned("2027-03-03T02:01:00Z"));
}

#[test]
fn a_shallow_look_does_not_stand_for_the_one_that_the_policy_wants() {
    let Some(bench) =
        PolicyBench::new(&["cache"], "[policies.prod]\nverify = \"read\"\nmax_unverified = \"1d\"\n")
    else {
        return;
    };
    bench.at("2027-03-01T12:00:00Z", &["policy", "apply"]).ok();
    bench.at("2027-03-02T12:00:00Z", &["backup", "cache"]).ok();
    bench.at("2027-03-05T12:00:00Z", &["verify", "cache@latest", "--level", "exists"]).ok();
    let problems = |code: i32| {
        let status = bench.at("2027-03-05T13:00:00Z", &["status", "--check", "--json"]).expect(code).json();
        status["databases"][0]["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["kind"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(problems(20), ["unverified"]);
    bench.at("2027-03-05T12:30:00Z", &["verify", "cache@latest", "--level", "read"]).ok();
    assert!(problems(0).is_empty());
}
