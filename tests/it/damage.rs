//! What is damaged of one database harms neither its backups nor the other databases.

use crate::policy_bench::{PolicyBench, actions};
use crate::program::Run;
use std::time::{Duration, Instant};

const DAILY: &str =
    "[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 3 }\n";

fn attached() -> Option<PolicyBench> {
    let bench = PolicyBench::new(&["a", "b"], DAILY)?;
    bench.server.client().ok("CONFIG SET repl-diskless-sync-delay 0");
    bench.run(&["policy", "apply"]).ok();
    Some(bench)
}

fn damage(bench: &PolicyBench, name: &str, file: &str) {
    std::fs::write(bench.path(&format!("store/databases/{name}/{file}")), "{\"for").unwrap();
}

#[test]
fn a_state_that_is_damaged_is_begun_anew() {
    let Some(bench) = attached() else { return };
    damage(&bench, "a", "state.json");
    bench.run(&["status", "a"]).ok().says("is damaged").says("are forgotten");
    bench.run(&["schedule", "run", "--db", "a", "--now"]).ok();
    assert_eq!(bench.backups("a", "success").len(), 2);
    assert_eq!(bench.state("a")["failures"], 0);
    bench.run(&["backup", "a"]).ok();
    damage(&bench, "a", "state.json");
    bench.run(&["policy", "pause", "a"]).ok();
    assert!(!bench.state("a")["paused"].is_null());
}

#[test]
fn a_state_of_a_newer_jagad_is_left_alone() {
    let Some(bench) = attached() else { return };
    let path = bench.path("store/databases/a/state.json");
    std::fs::write(&path, "{\"format\": 2}").unwrap();
    bench.run(&["policy", "pause", "a"]).expect(7).says("has format 2").helps();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "{\"format\": 2}");
}

#[test]
fn an_attachment_that_is_damaged_can_be_made_anew_and_harms_no_other_database() {
    let Some(bench) = attached() else { return };
    damage(&bench, "a", "attachment.json");
    bench.run(&["policy", "attach", "prod", "a"]).expect(4).says("is damaged").says("jagad policy detach");
    bench.run(&["backup", "a"]).ok().says("the run is not counted");
    let ticked = bench.run(&["schedule", "run", "--json"]).ok().json();
    assert_eq!(actions(&ticked), ["unknown", "waiting"]);
    let shown = bench.run(&["policy", "show", "prod"]).ok().stdout;
    assert!(shown.starts_with("! a: cannot be checked: "), "{shown}");
    let listed = bench.run(&["policy", "list", "--json"]).ok().json();
    assert_eq!(listed["policies"][0]["unknown"][0]["database"], "a");
    let pruned = bench.run(&["prune", "--json"]).expect(3).json();
    assert_eq!(pruned["databases"][0]["database"], "b");
    assert_eq!(pruned["failures"][0]["database"], "a");
    bench.add(&bench.entry("c", "policy = \"prod\""));
    let applied = bench.run(&["policy", "apply", "--json"]).expect(3).json();
    assert_eq!(applied["changes"][0]["database"], "c");
    assert_eq!(applied["failures"][0]["database"], "a");

    bench.run(&["policy", "detach", "a"]).ok();
    bench.run(&["policy", "attach", "prod", "a"]).ok();
    assert_eq!(bench.backups("a", "success").len(), 3);
    bench.run(&["status", "--check"]).ok();
}

#[test]
fn lines_for_a_file_have_no_colours_at_any_level() {
    let Some(bench) = attached() else { return };
    bench.add("[notify.it]\ntype = \"exec\"\ncommand = [\"/bin/true\"]\n");
    let mut command = bench.command(&["backup", "a", "-vv", "--notify-on", "backup_succeeded"]);
    let ran = Run::start(command.env_remove("NO_COLOR")).wait().ok();
    assert!(ran.stderr.contains("told"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\x1b'), "{:?}", ran.stderr);
}

#[test]
fn a_store_that_hangs_keeps_no_database_of_another_store_from_its_backup() {
    let Some(bench) = attached() else { return };
    // It takes connections, and says nothing.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    bench.add(&format!(
        "{}[stores.deaf]\ntype = \"s3\"\nendpoint = \"http://{}\"\nallow_http = true\nbucket = \"b\"\nregion = \"r\"\n\
         access_key = \"a\"\nsecret_key = \"s\"\n",
        bench.entry("c", "policy = \"prod\"\nstore = \"deaf\""),
        deaf.local_addr().unwrap()
    ));
    bench.change("[policies.prod]\n", "[policies.prod]\nstore = \"main\"\n");
    let began = Instant::now();
    let ticked = bench.run(&["schedule", "run", "--now", "--json"]);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let report = ticked.json();
    assert_eq!(actions(&report), ["backed_up", "backed_up", "failed"]);
    let reason = report["databases"][2]["reason"].as_str().unwrap();
    assert!(reason.contains("store `deaf` did not answer within 30s"), "{reason}");
}
