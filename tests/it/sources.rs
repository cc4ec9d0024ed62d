//! Which server of PostgreSQL a backup is taken from, with real standbys.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::{Run, wait_until};
use crate::support::postgres::Postgres;
use crate::support::replicas::{catch_up, until_true};

const MAJOR: u32 = 18;

/// A bench whose `shop` has a standby.
fn pair() -> Option<(Bench, Postgres)> {
    let bench = Bench::with(Postgres::start_primary(MAJOR)?, Place::Local);
    let standby = bench.postgres.start_standby(MAJOR);
    bench.open_shop();
    catch_up(&bench.postgres, &standby, true);
    Some((bench, standby))
}

#[test]
fn a_healthy_standby_is_used_and_what_it_gives_is_whole() {
    let Some((bench, standby)) = pair() else { return };
    bench.declare_replica(standby.socket(), "");
    let address = format!("{}:5432", standby.socket().display());
    let id = bench.back_up(&[]);
    let taken = bench.source();
    assert_eq!((&taken["role"], &taken["address"]), (&"replica".into(), &address.into()), "{taken}");
    assert_eq!(taken["reason"], "lag 0 s");
    bench.run(&["verify", &id, "--level", "restore"]).ok();

    let plan = bench.run(&["backup", "shop", "--dry-run"]).ok().stdout;
    assert!(plan.contains("is used: lag 0 s"), "{plan}");
    let check = bench.run(&["check", "shop"]).ok().stdout;
    assert!(check.contains("it is used, lag 0 s"), "{check}");
    assert!(check.contains("hot_standby_feedback"), "{check}");

    bench.run(&["backup", "shop", "--source", "primary"]).ok().says("the primary was asked for");
    assert_eq!(bench.source()["role"], "primary");
    bench.run(&["backup", "shop", "--source", "replica"]).ok().says("SOURCE: replica");
}

#[test]
fn a_standby_that_does_not_receive_or_replay_is_passed_over() {
    let Some((bench, standby)) = pair() else { return };
    bench.declare_replica(standby.socket(), "max_lag = \"0s\"");
    bench.run(&["backup", "shop"]).ok().says("SOURCE: replica");

    // What is there and not replayed is a lag; an idle primary is none.
    standby.psql("postgres", "ALTER SYSTEM SET recovery_min_apply_delay = '1h';");
    standby.psql("postgres", "SELECT pg_reload_conf();");
    until_true(&standby, "SELECT current_setting('recovery_min_apply_delay') = '1h'");
    bench.postgres.psql("shop", "INSERT INTO sale (item) VALUES (1);");
    catch_up(&bench.postgres, &standby, false);
    bench.assert_primary("behind, and `max_lag` is 0s");
    let refused = bench.run(&["backup", "shop", "--source", "replica"]).expect(6);
    refused.says("no replica fits").says("`max_lag`").says("--source auto");

    standby.psql("postgres", "SELECT pg_wal_replay_pause();");
    bench.assert_primary("its replay is paused");

    standby.psql("postgres", "ALTER SYSTEM RESET recovery_min_apply_delay;");
    standby.psql("postgres", "SELECT pg_wal_replay_resume();");
    standby.psql("postgres", "ALTER SYSTEM SET primary_conninfo = '';");
    standby.psql("postgres", "SELECT pg_reload_conf();");
    until_true(&standby, "SELECT count(*) = 0 FROM pg_stat_wal_receiver");
    bench.assert_primary("no WAL receiver runs");
    let plan = bench.run(&["backup", "shop", "--dry-run"]).ok().stdout;
    assert!(plan.contains("is passed over: no WAL receiver runs"), "{plan}");
}

#[test]
fn strangers_primaries_and_absent_servers_are_passed_over_for_the_next_replica() {
    let Some((bench, standby)) = pair() else { return };
    let Some(other) = Postgres::start_stranger(MAJOR) else { return };
    let stranger = other.start_standby(MAJOR);
    bench.declare_replica(&bench.path("nowhere"), "");
    bench.declare_replica(other.socket(), "");
    bench.declare_replica(stranger.socket(), "");
    bench.assert_primary("it is of another system");
    drop(stranger);
    bench.declare_replica(standby.socket(), "");
    bench.run(&["backup", "shop"]).ok().says("SOURCE: replica").says("it has no primary");
    let taken = bench.source();
    assert_eq!(taken["role"], "replica", "{taken}");
    assert!(taken["reason"].as_str().unwrap().contains("passed over"), "{taken}");
}

#[test]
fn who_follows_a_promoted_copy_is_of_another_system() {
    let Some((bench, clone)) = pair() else { return };
    clone.psql("postgres", "SELECT pg_promote();");
    clone.set_hba("local all all trust\nlocal replication all trust\n");
    let follower = clone.start_standby(MAJOR);
    bench.declare_replica(follower.socket(), "");
    clone.psql("postgres", "CREATE TABLE since_then (a int);");
    catch_up(&clone, &follower, true);
    bench.assert_primary("it is of another system: it has the data of system");
    assert!(bench.source()["reason"].as_str().unwrap().contains("on timeline 2"), "{}", bench.source());
}

#[test]
fn a_standby_stands_in_for_a_primary_that_does_not_answer() {
    let Some((bench, standby)) = pair() else { return };
    bench.declare_replica(standby.socket(), "");
    let nowhere = format!("databases.shop.socket={}", bench.path("nowhere").display());
    bench.run(&["backup", "shop", "--set", &nowhere]).ok().says("the primary does not answer");
    assert_eq!(bench.source()["role"], "replica");
    drop(standby);
    let failed = bench.run(&["backup", "shop", "--set", &nowhere]).expect(1);
    failed.says("no replica fits").says("and the primary");
}

/// A dump that stops when its first bytes have come, until it is told to go on.
const WAITS: &str = "exec /bin/bash -c 'set -o pipefail; \"$@\" | {
  head -c 4096; : > GATE.reached; while [ ! -e GATE.go ]; do sleep 0.02; done; cat; }' - $real \"$@\"";

/// Waits until recovery has gone past all that the primary wrote, and so past whoever was in its way, or waits for one that is
/// blocked by its slow reader and notices as soon as that reads on: the server shows that in the name of its process.
#[track_caller]
fn until_in_conflict(bench: &Bench, standby: &Postgres) {
    let written = bench.postgres.psql("postgres", "SELECT pg_current_wal_flush_lsn();");
    let past = format!("SELECT pg_last_wal_replay_lsn() >= '{written}';");
    let startup =
        standby.psql("postgres", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup';");
    let waits = || {
        let title = std::fs::read(format!("/proc/{}/cmdline", startup.trim())).unwrap_or_default();
        String::from_utf8_lossy(&title).contains("waiting")
    };
    wait_until("recovery meets the dump", || waits() || standby.psql("postgres", &past).trim() == "t");
}

#[test]
fn a_dump_that_recovery_cancels_is_taken_again_from_the_primary() {
    let Some((bench, standby)) = pair() else { return };
    bench.fill(8);
    standby.psql("postgres", "ALTER SYSTEM SET max_standby_streaming_delay = 0;");
    standby.psql("postgres", "SELECT pg_reload_conf();");
    until_true(&standby, "SELECT current_setting('max_standby_streaming_delay') = '0'");
    catch_up(&bench.postgres, &standby, true);
    bench.declare_replica(standby.socket(), "");
    let gate = bench.path("tmp/gate");
    let set = bench.with_dump(&WAITS.replace("GATE", &gate.display().to_string()));
    let run = Run::start(&mut bench.command(&["backup", "shop", "--set", &set]));
    wait_until("the dump has begun", || gate.with_extension("reached").exists());
    bench.postgres.psql("shop", "DELETE FROM filler;");
    bench.postgres.psql("shop", "VACUUM filler;");
    until_in_conflict(&bench, &standby);
    std::fs::write(gate.with_extension("go"), "").unwrap();
    let output = run.wait().ok();
    let output = output.says("conflict with recovery").says("hot_standby_feedback").says("it is taken again");
    assert!(!output.stderr.contains("panicked"));
    let taken = bench.source();
    assert_eq!(taken["role"], "primary", "{taken}");
    assert!(taken["reason"].as_str().unwrap().contains("conflict with recovery"), "{taken}");
    assert_eq!(bench.statuses(), ["success"]);
    bench.run(&["verify", "shop@latest", "--level", "restore"]).ok();

    // Who wants replicas alone gets no primary.
    for end in ["reached", "go"] {
        std::fs::remove_file(gate.with_extension(end)).unwrap();
    }
    bench.postgres.psql(
        "shop",
        "INSERT INTO filler SELECT g, repeat(md5(g::text), 64) FROM generate_series(1, 4096) g;",
    );
    catch_up(&bench.postgres, &standby, true);
    let run = Run::start(&mut bench.command(&["backup", "shop", "--source", "replica", "--set", &set]));
    wait_until("the dump has begun", || gate.with_extension("reached").exists());
    bench.postgres.psql("shop", "DELETE FROM filler;");
    bench.postgres.psql("shop", "VACUUM filler;");
    until_in_conflict(&bench, &standby);
    std::fs::write(gate.with_extension("go"), "").unwrap();
    run.wait().expect(1).says("conflict with recovery").helps();
    assert_eq!(bench.statuses(), ["failed", "success"]);
}

#[cfg(feature = "crash-points")]
#[test]
fn what_a_replica_gave_is_cleared_away_when_the_run_is_killed_before_the_primary_takes_over() {
    let Some((bench, standby)) = pair() else { return };
    bench.declare_replica(standby.socket(), "");
    let socket = standby.socket().display();
    let set = bench.with_dump(&format!(
        "case $PGHOST in {socket}) $real \"$@\" | head -c 20000; exit 1 ;; esac; exec $real \"$@\""
    ));
    bench.killed_at(&["backup", "shop", "--set", &set], "between-sources");
    bench.run(&["backup", "shop", "--wait", "20s", "--set", &set]).ok().says("ended without a result");
    assert_eq!(bench.source()["role"], "primary");
    let newest = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    let garbage: Vec<String> = bench.leftovers().into_iter().filter(|key| !key.contains(&newest)).collect();
    assert_eq!(garbage, [""; 0]);
    assert_eq!(bench.statuses(), ["success", "failed"]);
}

/// The primary answers as soon as the replica has been asked, which is after its patience: it was only slow.
#[test]
fn a_primary_that_was_only_slow_is_asked_again_when_no_replica_fits() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let nowhere = bench.path("nowhere");
    bench.declare_replica(&nowhere, "");
    let gate = bench.path("tmp/asked");
    let slow = format!(
        "case $PGHOST in {}) : > {gate}; exec $real \"$@\" ;; esac\nwhile [ ! -e {gate} ]; do sleep 0.05; done\nexec $real \"$@\"",
        nowhere.display(),
        gate = gate.display()
    );
    let set = bench.with_tool("psql", &slow);
    let run = bench.run(&["backup", "shop", "--set", &set]).ok();
    run.says("SOURCE: primary");
    let taken = bench.source();
    assert_eq!(taken["role"], "primary", "{taken}");
    assert!(gate.exists(), "the primary did not run out of patience");
}
