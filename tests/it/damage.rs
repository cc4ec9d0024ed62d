//! What is damaged of one database harms neither its backups nor the other databases.

use crate::program::Run;
use crate::ward::{Wards, actions};
use std::time::{Duration, Instant};

const DAILY: &str =
    "[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 3 }\n";

fn attached() -> Option<Wards> {
    let wards = Wards::new(&["a", "b"], DAILY)?;
    wards.server.client().ok("CONFIG SET repl-diskless-sync-delay 0");
    wards.run(&["policy", "apply"]).ok();
    Some(wards)
}

fn damage(wards: &Wards, name: &str, file: &str) {
    std::fs::write(wards.path(&format!("store/databases/{name}/{file}")), "{\"for").unwrap();
}

#[test]
fn a_state_that_is_damaged_is_begun_anew() {
    let Some(wards) = attached() else { return };
    damage(&wards, "a", "state.json");
    wards.run(&["status", "a"]).ok().says("is damaged").says("are forgotten");
    wards.run(&["schedule", "run", "--db", "a", "--now"]).ok();
    assert_eq!(wards.backups("a", "success").len(), 2);
    assert_eq!(wards.state("a")["failures"], 0);
    wards.run(&["backup", "a"]).ok();
    damage(&wards, "a", "state.json");
    wards.run(&["policy", "pause", "a"]).ok();
    assert!(!wards.state("a")["paused"].is_null());
}

#[test]
fn a_state_of_a_newer_jagad_is_left_alone() {
    let Some(wards) = attached() else { return };
    let path = wards.path("store/databases/a/state.json");
    std::fs::write(&path, "{\"format\": 2}").unwrap();
    wards.run(&["policy", "pause", "a"]).expect(7).says("has format 2").helps();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "{\"format\": 2}");
}

#[test]
fn an_attachment_that_is_damaged_can_be_made_anew_and_harms_no_other_database() {
    let Some(wards) = attached() else { return };
    damage(&wards, "a", "attachment.json");
    wards.run(&["policy", "attach", "prod", "a"]).expect(4).says("is damaged").says("jagad policy detach");
    wards.run(&["backup", "a"]).ok().says("what became of the run is not counted");
    let ticked = wards.run(&["schedule", "run", "--json"]).ok().json();
    assert_eq!(actions(&ticked), ["unknown", "waiting"]);
    let shown = wards.run(&["policy", "show", "prod"]).ok().stdout;
    assert!(shown.starts_with("! a: cannot be checked: "), "{shown}");
    let listed = wards.run(&["policy", "list", "--json"]).ok().json();
    assert_eq!(listed["policies"][0]["unknown"][0]["database"], "a");
    let pruned = wards.run(&["prune", "--json"]).expect(3).json();
    assert_eq!(pruned["databases"][0]["database"], "b");
    assert_eq!(pruned["failures"][0]["database"], "a");
    wards.add(&wards.entry("c", "policy = \"prod\""));
    let applied = wards.run(&["policy", "apply", "--json"]).expect(3).json();
    assert_eq!(applied["changes"][0]["database"], "c");
    assert_eq!(applied["failures"][0]["database"], "a");

    wards.run(&["policy", "detach", "a"]).ok();
    wards.run(&["policy", "attach", "prod", "a"]).ok();
    assert_eq!(wards.backups("a", "success").len(), 3);
    wards.run(&["status", "--check"]).ok();
}

#[test]
fn lines_for_a_file_have_no_colours_at_any_level() {
    let Some(wards) = attached() else { return };
    wards.add("[notify.it]\ntype = \"exec\"\ncommand = [\"/bin/true\"]\n");
    let mut command = wards.command(&["backup", "a", "-vv", "--notify-on", "backup_succeeded"]);
    let ran = Run::start(command.env_remove("NO_COLOR")).wait().ok();
    assert!(ran.stderr.contains("told"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\x1b'), "{:?}", ran.stderr);
}

#[test]
fn a_store_that_hangs_keeps_no_database_of_another_store_from_its_backup() {
    let Some(wards) = attached() else { return };
    // It takes connections, and says nothing.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    wards.add(&format!(
        "{}[stores.deaf]\ntype = \"s3\"\nendpoint = \"http://{}\"\nallow_http = true\nbucket = \"b\"\nregion = \"r\"\n\
         access_key = \"a\"\nsecret_key = \"s\"\n",
        wards.entry("c", "policy = \"prod\"\nstore = \"deaf\""),
        deaf.local_addr().unwrap()
    ));
    wards.change("[policies.prod]\n", "[policies.prod]\nstore = \"main\"\n");
    let began = Instant::now();
    let ticked = wards.run(&["schedule", "run", "--now", "--json"]);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let report = ticked.json();
    assert_eq!(actions(&report), ["backed_up", "backed_up", "failed"]);
    let reason = report["databases"][2]["reason"].as_str().unwrap();
    assert!(reason.contains("store `deaf` did not answer within 30s"), "{reason}");
}
