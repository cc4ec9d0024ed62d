//! A month in which stores misbehave: a bucket that deletes nothing, one that accepts and never answers for days, and a disk that is
//! not mounted for one. What is planned is taken wherever a store takes it, what is not is told and made up for, and no tick
//! waits for long. A week by default; `scripts/test --soak` runs the month.

use crate::host::{SetClock, app, whole_tick};
use crate::place::Server;
use crate::policy_bench::PolicyBench;
use crate::support::faulty::{Asked, BUCKET, Fault, error};
use http::Method;
use jagad::commands::App;
use jagad::commands::schedule::{self, TickAction};
use jagad::config::{ConfigRequest, Inventory};
use jagad::model::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const START: &str = "2027-03-08T12:00:00Z";
const HOUR: u64 = 3600;
/// No tick may take longer, whatever a store does: the names, the tries of one call, and what each database asks take some 30 s
/// on a machine that has nothing else to do; without bounds it was 21 minutes.
const LONGEST_TICK: Duration = Duration::from_secs(45);

fn days() -> u64 {
    if std::env::var_os("JAGAD_SOAK").is_some() { 30 } else { 7 }
}

/// A store on `server`. Only one that hangs needs to be given up soon: a server that works may be slow on a busy machine.
fn table(name: &str, server: &Server, more: &str) -> String {
    format!(
        "[stores.{name}]\ntype = \"s3\"\nendpoint = \"{}\"\nbucket = \"{BUCKET}\"\nregion = \"us-east-1\"\nprefix = \"p\"\n\
         access_key = \"AK\"\nsecret_key = \"SK\"\nallow_http = true\n{more}\n",
        server.endpoint()
    )
}

fn policy(name: &str, store: &str) -> String {
    format!(
        "[policies.{name}]\nstore = \"{store}\"\nfull = {{ every = \"daily\", at = \"02:00\" }}\npause_after_failures = 0\n\
         retention = {{ full = 3 }}\n"
    )
}

/// How often each thing happened to each database.
type Tally = BTreeMap<(String, &'static str), usize>;

fn tick(app: &App, runtime: &tokio::runtime::Runtime, tally: &mut Tally) {
    let began = Instant::now();
    let report = runtime.block_on(schedule::run(app, &whole_tick())).unwrap();
    assert!(began.elapsed() < LONGEST_TICK, "a tick at {} took {:?}", report.at, began.elapsed());
    for one in &report.databases {
        let what = match one.action {
            TickAction::BackedUp => "good",
            // An empty place where the disk should be has no attachment.
            TickAction::Failed | TickAction::Unprotected => "bad",
            _ => "other",
        };
        *tally.entry((one.database.to_string(), what)).or_default() += 1;
    }
}

#[test]
fn a_month_of_stores_in_trouble_loses_no_backup_and_no_time() {
    let (keeps, hangs) = (Server::start(), Server::start());
    let policies = [
        policy("prod", "main"),
        policy("keeping", "keeps"),
        policy("hanging", "hangs"),
        table("keeps", &keeps, ""),
        table("hangs", &hangs, "answer_timeout = \"1s\""),
    ];
    let Some(bench) = PolicyBench::new(&["plain"], &policies.concat()) else { return };
    // What a busy machine does late is no trouble of a store.
    bench.change("lease_lifetime = \"5s\"", "lease_lifetime = \"60s\"");
    bench.add(&bench.entry("kept", "policy = \"keeping\""));
    bench.add(&bench.entry("hung", "policy = \"hanging\""));
    // Nothing is ever deleted from this bucket.
    keeps.fail(|asked: &Asked| {
        let deletes = asked.method == Method::DELETE
            || (asked.method == Method::POST && asked.query.starts_with("delete"));
        if deletes { error(403, "AccessDenied") } else { Fault::Pass }
    });
    let silent = Arc::new(AtomicBool::new(false));
    let is_silent = Arc::clone(&silent);
    hangs.fail(move |_| {
        let silent = is_silent.load(Ordering::SeqCst);
        if silent { Fault::Delay(Duration::from_secs(24 * HOUR)) } else { Fault::Pass }
    });
    bench.at(START, &["policy", "apply"]).ok();

    let start: Timestamp = START.parse().unwrap();
    let clock = SetClock::new(start);
    let request = ConfigRequest { path: Some(bench.path("jagad.toml")), set: Vec::new() };
    let app = app(Inventory::load(&request).unwrap(), &clock);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (mut tally, days) = (Tally::new(), days());
    for day in 0..days {
        silent.store((2..4).contains(&day), Ordering::SeqCst);
        let away = day == 4;
        let (store, elsewhere) = (bench.path("store"), bench.path("elsewhere"));
        if away {
            std::fs::rename(&store, &elsewhere).unwrap();
        }
        for hour in [4, 16] {
            clock.set(start.plus(Duration::from_secs(day * 24 * HOUR + (hour + 12) * HOUR)));
            tick(&app, &runtime, &mut tally);
        }
        if away {
            assert!(!store.join("jagad.json").exists(), "an empty place became a repository");
            if store.exists() {
                std::fs::remove_dir_all(&store).unwrap();
            }
            std::fs::rename(&elsewhere, &store).unwrap();
        }
    }
    silent.store(false, Ordering::SeqCst);
    clock.set(start.plus(Duration::from_secs(days * 24 * HOUR + 17 * HOUR)));
    tick(&app, &runtime, &mut tally);

    let of =
        |name: &str, what: &'static str| tally.get(&(name.to_owned(), what)).copied().unwrap_or_default();
    let planned = usize::try_from(days).unwrap() + 1;
    assert_eq!(
        (of("kept", "good"), of("kept", "bad")),
        (planned, 0),
        "a bucket that deletes nothing: {tally:?}"
    );
    assert_eq!(of("plain", "good"), planned - 1, "a day without its disk: {tally:?}");
    assert!((1..=2).contains(&of("plain", "bad")), "a day without its disk: {tally:?}");
    assert_eq!((of("hung", "bad"), of("hung", "good")), (2, planned - 2), "two days of silence: {tally:?}");
    // The first full of each was taken when it was attached.
    let listed = bench.run(&["list", "kept", "--store", "keeps", "--limit", "100", "--json"]).ok().json();
    assert_eq!(
        listed["backups"].as_array().unwrap().len(),
        planned + 1,
        "none was lost or tried again: {listed}"
    );
    let args = ["list", "hung", "--store", "hangs", "--status", "failed", "--limit", "100", "--json"];
    let failed = bench.run(&args).ok().json()["backups"].as_array().unwrap().len();
    assert_eq!(failed, of("hung", "bad"), "each failure is recorded once");
    let status = bench.at(
        &start.plus(Duration::from_secs(days * 24 * HOUR + 17 * HOUR)).to_string(),
        &["status", "--json"],
    );
    for one in status.ok().json()["databases"].as_array().unwrap() {
        assert_eq!(one["problems"].to_string(), "[]", "{one}");
    }
    bench.run(&["verify", "--all", "--level", "read"]).ok();
}
