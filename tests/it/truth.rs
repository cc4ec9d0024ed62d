//! What is said is true: a success is one only when it is in the store, and a failure shows what went wrong.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::faulty::{Asked, Fault, error};
use crate::support::post::Post;
use http::Method;

fn puts(asked: &Asked, end: &str) -> bool {
    asked.method == Method::PUT && asked.path.ends_with(end)
}

#[test]
fn a_store_that_says_yes_and_keeps_nothing_has_no_backup() {
    for end in [".dump.zst.enc", "/contents.json.zst.enc", "/manifest.json"] {
        let Some(bench) = Bench::small(Place::server()) else { return };
        bench.server().fail(move |asked| if puts(asked, end) { Fault::Swallow } else { Fault::Pass });
        let failed = bench.run(&["backup", "shop"]).expect(10);
        failed.says("the store accepted").says("but it is not there").helps();
        bench.server().end_faults();
        assert!(bench.statuses().iter().all(|status| status == "failed"), "{end}: {:?}", bench.statuses());
        bench.run(&["backup", "shop"]).ok();
        assert_eq!(bench.statuses(), ["success", "failed"], "{end}");
        bench.run(&["verify", "shop@latest", "--level", "read"]).ok();
    }
}

#[test]
fn a_store_that_loses_leases_holds_nobody_off_and_is_told() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.back_up(&[]);
    bench.server().fail(|asked| {
        if asked.path.contains("/lease/") && asked.method == Method::PUT {
            Fault::Swallow
        } else {
            Fault::Pass
        }
    });
    bench.run(&["backup", "shop"]).expect(10).says("the store accepted").says("but it is not there");
}

#[test]
fn a_run_says_ok_after_its_commit_and_only_then() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    let output = bench.run(&["backup", "shop", "--json"]).ok();
    assert!(output.stderr.contains("BACKUP: OK"));
    let id = output.json()["backups"][0]["id"].as_str().unwrap().to_owned();
    let log = bench.run(&["logs", &id]).ok().stdout;
    assert!(log.lines().last().unwrap().ends_with(&format!("BACKUP: OK {id}")), "{log}");

    let mut denied = false;
    bench.server().fail(move |asked| {
        if puts(asked, "/manifest.json") && !std::mem::replace(&mut denied, true) {
            return error(403, "AccessDenied");
        }
        Fault::Pass
    });
    let failed = bench.run(&["backup", "shop"]).expect(10);
    assert!(!failed.stderr.contains("BACKUP: OK"), "{}", failed.stderr);
    let id = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    let log = bench.run(&["logs", &id]).ok().stdout;
    assert!(!log.contains("BACKUP: OK") && log.contains("BACKUP: failed: "), "{log}");
    let key = bench.objects().into_keys().find(|key| key.contains(&id) && key.ends_with("log.txt")).unwrap();
    assert!(!String::from_utf8_lossy(&bench.objects()[&key]).contains("BACKUP: OK"));
}

#[test]
fn a_tools_first_error_is_shown_and_all_of_its_words_are_in_the_log() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let body = "echo 'pg_dump: note: begin' >&2; echo 'pg_dump: error: the first trouble' >&2; \
                for i in $(seq 200); do echo \"line $i\" >&2; done; exit 1";
    let set = bench.with_dump(body);
    let failed = bench.run(&["backup", "shop", "--set", &set]).expect(1);
    assert!(failed.stderr.contains("pg_dump: error: the first trouble; line 1; line 2"), "{}", failed.stderr);
    assert!(!failed.stderr.contains("line 100"), "{}", failed.stderr);
    let id = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    let log = bench.run(&["logs", &id]).ok().stdout;
    for line in ["TOOL: pg_dump: note: begin", "TOOL: line 1", "TOOL: line 100", "TOOL: line 200"] {
        assert!(log.contains(line), "no `{line}` in {log}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_no_failed_run() {
    let Some(post) = Post::web("") else { return };
    let Some(bench) = Bench::small(Place::Local) else { return };
    let text = std::fs::read_to_string(bench.path("jagad.toml")).unwrap();
    let text = text.replace(
        "dbnames = [\"shop\"]",
        "dbnames = [\"shop\"]\npolicy = \"prod\"\npassword_file = \"no-such-file\"",
    );
    bench.write(&text);
    bench.add(&format!(
        "[policies.prod]\nnotify = [\"ops\"]\n[notify.ops]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\nallow_plain = true\n\
         on = [\"backup_failed\", \"verify_failed\", \"prune_failed\"]\n",
        post.port
    ));
    bench.run(&["backup", "shop"]).expect(2).says("no-such-file");
    assert_eq!(post.requests().len(), 0, "{:?}", post.requests());
    assert_eq!(bench.statuses(), [""; 0]);
    assert!(!bench.path("state/unrecorded").exists());
    assert_eq!(bench.leftovers(), [""; 0]);
    bench.write(&text.replace("password_file = \"no-such-file\"", "").replace("policy = \"prod\"", ""));
    bench.run(&["backup", "shop"]).ok();
}
