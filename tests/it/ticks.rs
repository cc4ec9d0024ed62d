//! A tick that takes long: whatever becomes due meanwhile is begun all the same.

use crate::host::{SetClock, app, whole_tick};
use crate::policy_bench::PolicyBench;
use jagad::commands::App;
use jagad::commands::schedule::{self, TickAction};
use jagad::config::{ConfigRequest, Inventory};
use jagad::model::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A host with its own memory.
fn host(bench: &PolicyBench, name: &str, clock: &Arc<SetClock>) -> App {
    let folder = bench.path(name);
    std::fs::create_dir(&folder).unwrap();
    let set = ["state_dir", "tmp_dir"].map(|key| format!("settings.{key}={}", folder.display()));
    let request = ConfigRequest { path: Some(bench.path("jagad.toml")), set: set.to_vec() };
    app(Inventory::load(&request).unwrap(), clock)
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "still not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_begins_what_becomes_due_while_its_slowest_backup_runs() {
    let hourly = "[policies.prod]\nfull = { every = \"hourly\" }\nretention = { full = 9 }\n";
    let Some(bench) = PolicyBench::new(&["fast"], hourly) else { return };
    let gate = bench.path("gate");
    // It is begun, and waits for the gate.
    bench.add(&bench.entry("slow", "policy = \"prod\""));
    bench.add(&format!(
        "[databases.slow.hooks]\nbefore_backup = [\"/bin/sh\", \"-c\", \"touch {0}.reached; while [ ! -e {0} ]; do sleep 0.05; done\"]\n",
        gate.display()
    ));
    std::fs::write(&gate, "").unwrap();
    bench.at("2027-03-01T12:30:00Z", &["policy", "apply"]).ok();
    std::fs::remove_file(&gate).unwrap();
    std::fs::remove_file(bench.path("gate.reached")).unwrap();

    let clock = SetClock::new(at("2027-03-01T13:00:00Z"));
    let (one, other) = (host(&bench, "one", &clock), host(&bench, "other", &clock));
    let long = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(schedule::run(&one, &whole_tick())).unwrap()
    });
    let good = |name: &str| bench.backups(name, "success").len();
    until("both backups of 13:00 are begun", || bench.path("gate.reached").exists() && good("fast") == 2)
        .await;
    for (hour, count) in [(14, 3), (15, 4)] {
        clock.set(at(&format!("2027-03-01T{hour}:00:00Z")));
        until("the tick takes what has become due", || good("fast") == count).await;
    }
    // Another tick finds nothing to do that the first has not begun.
    let second = schedule::run(&other, &whole_tick()).await.unwrap();
    let actions: Vec<TickAction> = second.databases.iter().map(|one| one.action).collect();
    assert_eq!(actions, [TickAction::Waiting, TickAction::Postponed]);
    std::fs::write(&gate, "").unwrap();
    let report = long.join().unwrap();
    // What the slow one missed is made up for by the same tick, once.
    let taken = |name: &str| {
        let rows = report.databases.iter().filter(|one| one.database.as_str() == name);
        rows.filter(|one| one.action == TickAction::BackedUp).count()
    };
    assert_eq!((taken("fast"), taken("slow")), (3, 2), "{:?}", report.databases);
    assert_eq!((good("fast"), good("slow")), (4, 3));
}
