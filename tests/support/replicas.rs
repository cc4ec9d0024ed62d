//! Servers that follow others, and waiting until they do.

use super::mysql::{Release, Sql};
use super::postgres::Postgres;
use super::redis::{Kind, Server, free_port};
use std::time::{Duration, Instant};

/// Waits until `done`; fails the test when that takes too long.
#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(30), "still not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the standby has received all that the primary has written, and, where `replayed`, replayed it.
#[track_caller]
pub(crate) fn catch_up(primary: &Postgres, standby: &Postgres, replayed: bool) {
    let written = primary.psql("postgres", "SELECT pg_current_wal_flush_lsn();");
    let function = if replayed { "pg_last_wal_replay_lsn" } else { "pg_last_wal_receive_lsn" };
    let sql = format!("SELECT {function}() >= '{written}';");
    until("the standby has caught up", || standby.psql("postgres", &sql) == "t");
}

/// Waits until the answer of the standby to `sql` is `t`.
#[track_caller]
pub(crate) fn until_true(standby: &Postgres, sql: &str) {
    until(sql, || standby.psql("postgres", sql) == "t");
}

/// A primary of either family that listens at a port of its own.
pub(crate) fn sql_primary(release: Release) -> Option<(Sql, u16)> {
    let port = free_port();
    let primary = listening(release, port, "1")?;
    let user = "CREATE USER repl@'%' IDENTIFIED BY 'pw'; GRANT REPLICATION SLAVE ON *.* TO repl@'%';";
    primary.run("", user);
    Some((primary, port))
}

/// A replica of what listens at `port`, once it has caught up.
pub(crate) fn sql_replica((primary, port): (&Sql, u16)) -> Option<Sql> {
    let replica = listening(primary.release, free_port(), "2")?;
    let sql = if primary.release == Release::MySql97 {
        format!(
            "CHANGE REPLICATION SOURCE TO source_host='127.0.0.1', source_port={port}, source_user='repl',
             source_password='pw', source_auto_position=1, get_source_public_key=1; START REPLICA;"
        )
    } else {
        let verify =
            if primary.release == Release::MariaDb118 { ", master_ssl_verify_server_cert=0" } else { "" };
        format!(
            "CHANGE MASTER TO master_host='127.0.0.1', master_port={port}, master_user='repl',
             master_password='pw', master_use_gtid=slave_pos{verify}; START SLAVE;"
        )
    };
    replica.run("", &sql);
    sql_catch_up(primary, &replica);
    Some(replica)
}

/// Waits until the replica has what the primary wrote before.
#[track_caller]
pub(crate) fn sql_catch_up(primary: &Sql, replica: &Sql) {
    primary.run("", "CREATE DATABASE IF NOT EXISTS beat; CREATE TABLE IF NOT EXISTS beat.t (n INT);");
    primary.run("beat", "INSERT INTO t VALUES (1);");
    let count = |server: &Sql| server.try_run("root", "beat", "SELECT COUNT(*) FROM t;").ok();
    until("the replica has caught up", || count(replica) == count(primary));
}

/// Stops one thread of the replica: `SQL_THREAD` or `IO_THREAD`.
pub(crate) fn sql_stop(replica: &Sql, thread: &str) {
    let word = if replica.release == Release::MySql97 { "REPLICA" } else { "SLAVE" };
    replica.run("", &format!("STOP {word} {thread};"));
}

fn listening(release: Release, port: u16, id: &str) -> Option<Sql> {
    let (port, id) = (format!("--port={port}"), format!("--server-id={id}"));
    let mut options = vec!["--log-bin=binlog", "--bind-address=127.0.0.1", &port, &id];
    if release == Release::MySql97 {
        options.extend(["--gtid-mode=ON", "--enforce-gtid-consistency=ON"]);
    }
    Sql::start_with(release, &options)
}

/// A primary that listens at a port of its own.
pub(crate) fn redis_primary(kind: Kind) -> Option<(Server, u16)> {
    let port = free_port();
    let server = Server::start_with(kind, &["--port", &port.to_string(), "--bind", "127.0.0.1"])?;
    Some((server, port))
}

/// A replica of what listens at `port`, once its link is up.
pub(crate) fn redis_replica(kind: Kind, port: u16) -> Option<Server> {
    let replica = Server::start_with(kind, &["--replicaof", &format!("127.0.0.1 {port}")])?;
    let info = || replica.client().ok("INFO replication").text();
    until("the link is up", || info().contains("master_link_status:up"));
    Some(replica)
}
