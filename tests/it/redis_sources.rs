//! Which server of Redis and Valkey a backup is taken from, with real replicas.

use crate::program::{Run, wait_until};
use crate::redis::Bench;
use crate::support::redis::{Kind, Server};
use crate::support::replicas::{redis_primary, redis_replica};
use nix::sys::signal::{Signal, kill};

/// A bench whose `cache` is a primary, and its replica.
fn pair(kind: Kind) -> Option<(Bench, Server)> {
    let (primary, port) = redis_primary(kind)?;
    let bench = Bench::with(primary, Server::start(kind)?);
    bench.fill();
    Some((bench, redis_replica(kind, port)?))
}

#[test]
fn a_healthy_replica_is_used_and_one_without_its_primary_is_not() {
    for kind in [Kind::Redis8, Kind::Valkey9] {
        let Some((bench, replica)) = pair(kind) else { return };
        bench.declare_replica(&replica.socket(), "");
        bench.run(&["backup", "cache"]).ok().says("SOURCE: replica").says("lag");
        assert_eq!(bench.source()["address"], replica.socket().display().to_string().as_str());
        bench.run(&["restore", "cache@latest", "--target", "other", "--yes"]).ok();
        assert_eq!(bench.target.digest(), bench.source.digest());
        let plan = bench.run(&["backup", "cache", "--dry-run"]).ok().stdout;
        assert!(plan.contains("is used: lag"), "{plan}");

        // Somebody pointed it at a server that is not there.
        replica.client().ok("REPLICAOF 127.0.0.1 1");
        bench.assert_primary("the link to its primary is down");
        bench.run(&["backup", "cache", "--source", "replica"]).expect(6).says("no replica fits").helps();
        replica.client().ok("REPLICAOF NO ONE");
        bench.assert_primary("it has no primary");
    }
}

#[test]
fn a_replica_of_another_server_is_passed_over() {
    let Some((bench, replica)) = pair(Kind::Redis8) else { return };
    let Some((_other, port)) = redis_primary(Kind::Redis8) else { return };
    let Some(stranger) = redis_replica(Kind::Redis8, port) else { return };
    bench.declare_replica(&stranger.socket(), "");
    bench.assert_primary("it is of another system");
    bench.declare_replica(&replica.socket(), "");
    bench.run(&["backup", "cache"]).ok().says("SOURCE: replica").says("passed over");
}

#[test]
fn a_replica_that_goes_away_in_the_middle_is_replaced_by_the_primary() {
    let Some((bench, mut replica)) = pair(Kind::Redis8) else { return };
    bench.declare_replica(&replica.socket(), "");
    // A child that takes its time between two keys.
    replica.client().ok("CONFIG SET rdb-key-save-delay 5000");
    let run = Run::start(&mut bench.command(&["backup", "cache"]));
    wait_until("the stream has begun", || run.stderr().contains("DUMP: redis started"));
    replica.crash();
    run.wait().ok().says("it is taken again from the primary");
    assert_eq!(bench.source()["role"], "primary");
    bench.run(&["restore", "cache@latest", "--target", "other", "--yes"]).ok();
    assert_eq!(bench.target.digest(), bench.source.digest());
}

#[test]
fn a_primary_that_stands_still_is_replaced_by_its_replica_and_one_that_is_gone_is_not() {
    let Some((mut bench, replica)) = pair(Kind::Redis8) else { return };
    bench.declare_replica(&replica.socket(), "");
    kill(bench.source.pid(), Signal::SIGSTOP).unwrap();
    let run = bench.run(&["backup", "cache"]);
    kill(bench.source.pid(), Signal::SIGCONT).unwrap();
    run.ok().says("SOURCE: replica").says("the primary does not answer");
    assert_eq!(bench.source()["address"], replica.socket().display().to_string().as_str());
    bench.source.crash();
    wait_until("the replica knows", || {
        replica.client().ok("INFO").text().contains("master_link_status:down")
    });
    // It is refused at once, with the reason: it would send nothing.
    let refused = bench.run(&["backup", "cache"]).expect(1);
    refused.says("the link to its primary is down").says("and the primary");
}
