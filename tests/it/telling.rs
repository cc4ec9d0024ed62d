//! Who is told of what, end to end: real mail and web servers, and a program that fails in every way it can.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::post::{PASSWORD, Post};
use serde_json::Value;
use std::time::{Duration, Instant};

const FAILS: &str = "echo 'pg_dump: error: late trouble' >&2; exit 1";

/// A bench whose entry `shop` is under the policy `prod`, which tells `names`.
fn bench(names: &str, notifiers: &str) -> Option<Bench> {
    let bench = Bench::small(Place::Local)?;
    let text = std::fs::read_to_string(bench.path("jagad.toml")).unwrap();
    bench.write(&text.replace("dbnames = [\"shop\"]", "dbnames = [\"shop\"]\npolicy = \"prod\""));
    bench.add(&format!("[policies.prod]\nnotify = [{names}]\n{notifiers}"));
    Some(bench)
}

/// A web notifier whose address and token are secrets.
fn web(name: &str, post: &Post, more: &str) -> String {
    format!(
        "[notify.{name}]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{}/{PASSWORD}\"\ntoken = \"{PASSWORD}\"\n\
         allow_plain = true\n{more}\n",
        post.port
    )
}

const ALL: &str = "on = [\"backup_started\", \"backup_succeeded\", \"backup_failed\", \"verify_failed\", \
                   \"restore_finished\", \"restore_failed\", \"prune_failed\"]";

/// The events that a web service took.
fn events(post: &Post) -> Vec<Value> {
    let bodies = post.requests().into_iter().filter(|request| request["method"] == "POST");
    bodies.map(|request| serde_json::from_str(request["body"].as_str().unwrap()).unwrap()).collect()
}

fn kinds(post: &Post) -> Vec<String> {
    events(post).iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_backup_that_fails_is_mailed_once_also_when_the_store_is_gone() {
    let Some(mail) = Post::mail("smtps", Some("jagad")) else { return };
    let table = format!(
        "[notify.ops]\ntype = \"email\"\nsmtp = \"smtps://localhost:{}\"\nsmtp_user = \"jagad\"\npassword = \"{PASSWORD}\"\n\
         tls_ca = \"{}\"\nfrom = \"jagad@example.com\"\nto = [\"ops@example.com\"]\n",
        mail.port,
        mail.authority().display()
    );
    let Some(bench) = bench("\"ops\"", &table) else { return };
    let set = bench.with_dump(FAILS);
    bench.back_up(&[]);
    assert_eq!(mail.mails().len(), 0, "a success is no news");
    bench.run(&["backup", "shop", "--set", &set]).expect(1).says("late trouble");
    let mails = mail.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("Backup Failed shop") && mails[0].contains("late trouble"), "{}", mails[0]);
    assert!(mails[0].contains("policy     prod") && mails[0].contains("BACKUP: streaming"), "{}", mails[0]);

    std::fs::rename(bench.path("store"), bench.path("gone")).unwrap();
    std::fs::write(bench.path("store"), "a file").unwrap();
    let code = bench.run(&["backup", "shop"]).code;
    assert!(code != 0);
    let mails = mail.mails();
    assert_eq!(mails.len(), 2, "the store is gone, and nobody was told");
    bench.run(&["backup", "shop", "--no-notify"]).expect(code);
    assert_eq!(mail.mails().len(), 2, "--no-notify told somebody");
}

#[test]
fn a_notifier_that_hangs_or_is_not_there_never_costs_the_backup() {
    let Some(deaf) = Post::mail("deaf", None) else { return };
    let Some(good) = Post::web("") else { return };
    let table = format!(
        "[notify.deaf]\ntype = \"email\"\nsmtp = \"smtp://127.0.0.1:{}\"\nallow_plain = true\nfrom = \"a@b.c\"\n\
         to = [\"d@e.f\"]\ntimeout = \"1s\"\non = [\"backup_started\", \"backup_succeeded\"]\n\
         [notify.absent]\ntype = \"exec\"\ncommand = [\"jagad-no-such-program\"]\non = [\"backup_succeeded\"]\n\
         [notify.lost]\ntype = \"webhook\"\nurl_file = \"no-such-file\"\non = [\"backup_succeeded\"]\n{}",
        deaf.port,
        web("good", &good, ALL)
    );
    let Some(bench) = bench("\"deaf\", \"absent\", \"lost\", \"good\"", &table) else { return };
    let began = Instant::now();
    let output = bench.run(&["backup", "shop"]).ok();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    for words in [
        "notifier `deaf` was not told of backup_started: smtp://127.0.0.1",
        "notifier `deaf` was not told of backup_succeeded: smtp://127.0.0.1",
        "notifier `absent` was not told of backup_succeeded: cannot start `jagad-no-such-program`",
        "notifier `lost` was not told of backup_succeeded: notify.lost.url_file: cannot read",
    ] {
        assert!(output.stderr.contains(words), "no `{words}` in {}", output.stderr);
    }
    assert_eq!(kinds(&good), ["backup_started", "backup_succeeded"]);
    assert_eq!(bench.statuses(), ["success"]);
}

#[test]
fn secrets_of_notifiers_are_in_no_output_at_any_level() {
    let Some(refuses) = Post::web("403,500,500,302=http://localhost:1/x,drop,drop") else { return };
    let Some(bench) = bench("\"ops\"", &web("ops", &refuses, ALL)) else { return };
    let set = bench.with_dump(FAILS);
    let mut said = String::new();
    for args in [
        &["backup", "shop", "-vv"][..],
        &["backup", "shop", "-vv", "--log-format", "json", "--set", &set],
        &["check", "ops", "-vv"],
        &["check", "ops", "--send-test", "--json"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["logs", "shop@latest"],
    ] {
        let output = bench.run(args);
        said.push_str(&output.stdout);
        said.push_str(&output.stderr);
    }
    assert!(said.contains("answered 403 Forbidden") && said.contains("notifier `ops`"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    for (key, object) in bench.objects() {
        assert!(!String::from_utf8_lossy(&object).contains(PASSWORD), "{key}");
    }
}

#[test]
fn verifications_restores_and_prunes_are_told_to_those_who_are_told_of_the_database() {
    let Some(ops) = Post::web("") else { return };
    let Some(quiet) = Post::web("") else { return };
    let table = web("ops", &ops, ALL) + &web("quiet", &quiet, "on = [\"overdue\"]");
    let Some(bench) = bench("\"ops\", \"quiet\"", &table) else { return };
    let id = bench.back_up(&[]);
    bench.run(&["restore", &id, "--yes"]).ok();
    bench.run(&["restore", "shop@latest", "--dbname", "nothing", "--yes"]).expect(5);
    bench.run(&["restore", &id, "--plan"]).ok();
    bench.run(&["verify", &id]).ok();
    let data = bench.objects().into_keys().find(|key| key.contains("shop.dump")).unwrap();
    std::fs::remove_file(bench.objects_folder().join(data)).unwrap();
    bench.run(&["verify", &id]).expect(4);
    std::fs::rename(bench.path("store"), bench.path("gone")).unwrap();
    std::fs::write(bench.path("store"), "a file").unwrap();
    assert!(bench.run(&["verify", "--all"]).code != 0);
    assert!(bench.run(&["prune"]).code != 0);
    assert_eq!(
        kinds(&ops),
        [
            "backup_started",
            "backup_succeeded",
            "restore_finished",
            "restore_failed",
            "verify_failed",
            "verify_failed",
            "prune_failed"
        ]
    );
    let told = events(&ops);
    for event in &told[..4] {
        assert_eq!((&event["database"], &event["policy"]), (&"shop".into(), &"prod".into()), "{event}");
    }
    assert_eq!((&told[1]["backup"], &told[4]["backup"]), (&id.as_str().into(), &id.as_str().into()));
    assert_eq!(kinds(&quiet), [""; 0]);
}

#[test]
fn a_dead_mans_switch_hears_of_start_and_end_of_one_run_under_one_id() {
    let Some(post) = Post::web("") else { return };
    let table = "[notify.switch]\ntype = \"healthchecks\"\nurl_env = \"SWITCH\"\nallow_plain = true\n[notify.unnamed]\n\
                 type = \"exec\"\ncommand = \"false\"\n";
    let Some(bench) = bench("\"switch\"", table) else { return };
    let url = format!("http://127.0.0.1:{}/ping/{PASSWORD}", post.port);
    let set = bench.with_dump(FAILS);
    for args in [&["backup", "shop"][..], &["backup", "shop", "--set", &set]] {
        crate::program::Run::start(bench.command(args).env("SWITCH", &url)).wait();
    }
    let paths: Vec<String> =
        post.requests().iter().map(|request| request["path"].as_str().unwrap().to_owned()).collect();
    let (first, ids): (Vec<&str>, Vec<&str>) =
        paths.iter().map(|path| path.split_once("?rid=").unwrap()).unzip();
    let base = format!("/ping/{PASSWORD}");
    let suffixes: Vec<&str> = first.iter().map(|path| path.strip_prefix(base.as_str()).unwrap()).collect();
    assert_eq!(suffixes, ["/start", "", "/start", "/fail"]);
    assert!(ids[0] == ids[1] && ids[2] == ids[3] && ids[1] != ids[2], "{ids:?}");
    let last = post.requests().pop().unwrap()["body"].as_str().unwrap().to_owned();
    assert!(last.contains("late trouble") && last.contains("BACKUP: failed"), "{last}");
}

#[test]
#[cfg(feature = "crash-points")]
fn a_run_that_was_killed_is_told_by_the_next_one() {
    let Some(post) = Post::web("") else { return };
    let Some(bench) = bench("\"ops\"", &web("ops", &post, "")) else { return };
    crate::program::Run::start(bench.command(&["backup", "shop"]).env("JAGAD_CRASH_AT", "after-part")).wait();
    assert_eq!(kinds(&post), [""; 0]);
    bench.run(&["backup", "shop", "--wait", "20s"]).ok();
    let told = events(&post);
    assert_eq!(kinds(&post), ["backup_failed"]);
    assert!(told[0]["message"].as_str().unwrap().contains("ended without a result"), "{told:?}");
}

#[test]
fn one_run_can_tell_everybody_of_an_entry_under_no_policy() {
    let Some(post) = Post::web("") else { return };
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.add(&web("ops", &post, ""));
    bench.back_up(&[]);
    assert_eq!(kinds(&post), [""; 0]);
    bench.back_up(&["--notify-on", "backup_succeeded,backup_failed"]);
    let set = bench.with_dump(FAILS);
    let notify = "--notify-on=backup_failed";
    bench.run(&["backup", "shop", notify, "--set", &set]).expect(1);
    bench.run(&["backup", "shop", notify, "--set", &set, "--no-notify"]).expect(1);
    bench.run(&["backup", "shop", "--notify-on", "lunch"]).expect(2);
    assert_eq!(kinds(&post), ["backup_succeeded", "backup_failed"]);
}

#[test]
fn a_check_tries_notifiers_and_sends_a_test_only_when_asked() {
    let Some(post) = Post::web("") else { return };
    let Some(mail) = Post::mail("smtps", Some("jagad")) else { return };
    let Some(bench) = Bench::small(Place::Local) else { return };
    let table = |password: &str| {
        format!(
            "[notify.post]\ntype = \"email\"\nsmtp = \"smtps://localhost:{}\"\nsmtp_user = \"jagad\"\n\
             password = \"{password}\"\ntls_ca = \"{}\"\nfrom = \"jagad@example.com\"\nto = [\"ops@example.com\"]\n\
             [notify.gone]\ntype = \"exec\"\ncommand = [\"jagad-no-such-program\"]\n",
            mail.port,
            mail.authority().display()
        )
    };
    bench.add(&(web("ops", &post, "") + &table(PASSWORD)));
    let output = bench.run(&["check", "ops", "post"]).ok();
    assert!(output.stdout.contains("notifier ops (http://127.0.0.1:"), "{}", output.stdout);
    assert_eq!((kinds(&post).len(), mail.mails().len()), (0, 0));
    bench.run(&["check", "ops", "post", "--send-test"]).ok();
    assert_eq!((kinds(&post), mail.mails().len()), (vec!["test".to_owned()], 1));
    let output = bench.run(&["check", "gone"]).expect(1);
    assert!(output.stdout.contains("help: Correct `command` of the notifier"), "{}", output.stdout);
    let output = bench.run(&["check", "post", "--set", "notify.post.password=wrong-one"]).expect(1);
    assert!(output.stdout.contains("help: Correct `smtp_user` and the password"), "{}", output.stdout);
    assert!(!output.stdout.contains("wrong-one"), "{}", output.stdout);
    bench.run(&["check", "nobody"]).expect(5);
}
