//! What the failures of a protected database sound like: the first, repeats, the pause, the way back, and a store that is gone.

use crate::policy_bench::PolicyBench;
use crate::support::post::Post;
use crate::support::redis::Kind;
use crate::support::replicas::{redis_primary, redis_replica};
use serde_json::Value;

/// Kind and count of the events since the last look.
fn heard(post: &Post, seen: &mut usize) -> Vec<(String, u64)> {
    let bodies = post.requests().into_iter().skip(*seen);
    let events: Vec<Value> =
        bodies.map(|request| serde_json::from_str(request["body"].as_str().unwrap()).unwrap()).collect();
    *seen += events.len();
    let told = |event: &Value| {
        assert_eq!((&event["database"], &event["policy"]), (&"cache".into(), &"prod".into()), "{event}");
        (event["event"].as_str().unwrap().to_owned(), event["failures_in_a_row"].as_u64().unwrap())
    };
    events.iter().map(told).collect()
}

#[track_caller]
fn assert_heard(heard: &[(String, u64)], wanted: &[(&str, u64)]) {
    let heard: Vec<(&str, u64)> = heard.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(heard, wanted);
}

#[test]
fn failures_in_a_row_are_counted_the_pause_is_told_and_so_is_its_end() {
    let Some(post) = Post::web("") else { return };
    let policy = format!(
        "[policies.prod]\nfull = {{ every = \"daily\", at = \"02:00\" }}\nretries = 0\nnotify = [\"ops\"]\n[notify.ops]\n\
         type = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\nallow_plain = true\n\
         on = [\"backup_failed\", \"policy_paused\", \"policy_resumed\", \"overdue\"]\n",
        post.port
    );
    let Some(bench) = PolicyBench::new(&["cache"], &policy) else { return };
    let mut seen = 0;
    bench.at("2027-03-01T12:00:00Z", &["policy", "attach", "prod", "cache"]).ok();
    assert_heard(&heard(&post, &mut seen), &[]);

    let entry = bench.entry("cache", "policy = \"prod\"");
    let gone = "[databases.cache]\nengine = \"redis\"\nsocket = \"gone\"\npolicy = \"prod\"\n";
    bench.change(&entry, gone);
    for day in 2..6 {
        bench.at(&format!("2027-03-0{day}T02:00:00Z"), &["schedule", "run"]);
    }
    assert_heard(
        &heard(&post, &mut seen),
        &[("backup_failed", 1), ("backup_failed", 2), ("backup_failed", 3), ("policy_paused", 0)],
    );
    bench.change(gone, &entry);
    bench.at("2027-03-06T12:00:00Z", &["backup", "cache"]).ok();
    assert_heard(&heard(&post, &mut seen), &[("policy_resumed", 0)]);

    bench.change("path = \"store\"", "path = \"main.key/store\"");
    for (day, minute) in [(7, 0), (7, 1), (8, 0)] {
        bench.at(&format!("2027-03-0{day}T02:0{minute}:00Z"), &["schedule", "run"]);
    }
    assert_heard(&heard(&post, &mut seen), &[("backup_failed", 1), ("backup_failed", 2)]);
    bench.change("path = \"main.key/store\"", "path = \"store\"");
    bench.at("2027-03-08T13:00:00Z", &["schedule", "run"]).ok();
    assert_heard(&heard(&post, &mut seen), &[]);
}

#[test]
fn what_is_overdue_is_told_once_a_day_by_all_hosts_together() {
    let Some(post) = Post::web("") else { return };
    let policy = format!(
        "[policies.prod]\nfull = {{ every = \"hourly\" }}\nnotify = [\"ops\"]\noverdue_after = \"2h\"\n[notify.ops]\n\
         type = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\nallow_plain = true\non = [\"overdue\"]\n",
        post.port
    );
    let Some(bench) = PolicyBench::new(&["cache"], &policy) else { return };
    let mut seen = 0;
    bench.at("2027-03-01T12:00:00Z", &["policy", "attach", "prod", "cache"]).ok();
    bench.at("2027-03-01T12:10:00Z", &["policy", "pause", "cache"]).ok();
    // The first that was missed is that of 13:00, and its grace ends at 15:00.
    bench.tick("2027-03-01T14:59:00Z");
    assert_heard(&heard(&post, &mut seen), &[]);
    for time in
        ["2027-03-01T15:00:00Z", "2027-03-01T15:01:00Z", "2027-03-01T23:00:00Z", "2027-03-02T14:59:00Z"]
    {
        bench.tick(time);
    }
    assert_heard(&heard(&post, &mut seen), &[("overdue", 0)]);
    bench.tick("2027-03-02T15:00:00Z");
    assert_heard(&heard(&post, &mut seen), &[("overdue", 0)]);
    bench.at("2027-03-02T15:10:00Z", &["policy", "resume", "cache", "--now"]).ok();
    assert_eq!(bench.tick("2027-03-02T15:11:00Z"), ["backed_up"]);
    bench.tick("2027-03-02T15:12:00Z");
    assert_heard(&heard(&post, &mut seen), &[]);
}

#[test]
fn who_was_told_by_a_clock_far_ahead_is_told_again() {
    let Some(post) = Post::web("") else { return };
    let policy = format!(
        "[policies.prod]\nfull = {{ every = \"daily\" }}\nnotify = [\"ops\"]\n[notify.ops]\n\
         type = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\nallow_plain = true\non = [\"overdue\"]\n",
        post.port
    );
    let Some(bench) = PolicyBench::new(&["cache"], &policy) else { return };
    let mut seen = 0;
    bench.at("2027-03-01T12:00:00Z", &["policy", "attach", "prod", "cache"]).ok();
    bench.at("2027-03-01T12:10:00Z", &["policy", "pause", "cache"]).ok();
    for time in ["2031-01-01T15:00:00Z", "2027-03-02T15:00:00Z"] {
        bench.tick(time);
        assert_heard(&heard(&post, &mut seen), &[("overdue", 0)]);
    }
}

#[test]
fn a_change_of_the_source_is_told() {
    let Some((primary, port)) = redis_primary(Kind::Redis8) else { return };
    let Some(replica) = redis_replica(Kind::Redis8, port) else { return };
    let Some(mailbox) = Post::web("") else { return };
    let policy = format!(
        "[policies.prod]\nnotify = [\"ops\"]\n[notify.ops]\ntype = \"webhook\"\n\
         url = \"http://127.0.0.1:{}/\"\nallow_plain = true\n",
        mailbox.port
    );
    let Some(bench) = PolicyBench::new(&[], &policy) else { return };
    let entry = format!("[databases.cache]\nengine = \"redis\"\nsocket = \"{}\"", primary.socket().display());
    bench.add(&format!("{entry}\npolicy = \"prod\""));
    bench.declare_replica(&replica.socket(), "");
    let mut seen = 0;
    bench.run(&["policy", "attach", "prod", "cache"]).ok().says("SOURCE: replica");
    bench.run(&["backup", "cache"]).ok().says("SOURCE: replica");
    assert_heard(&heard(&mailbox, &mut seen), &[]);
    drop(replica);
    bench.run(&["backup", "cache"]).ok().says("SOURCE: primary");
    assert_heard(&heard(&mailbox, &mut seen), &[("source_changed", 0)]);
    let event = mailbox.requests().pop().unwrap()["body"].as_str().unwrap().to_owned();
    assert!(event.contains(&primary.socket().display().to_string()), "{event}");
    bench.run(&["backup", "cache"]).ok();
    assert_heard(&heard(&mailbox, &mut seen), &[]);
}
