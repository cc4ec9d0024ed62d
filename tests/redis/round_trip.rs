//! What goes out comes back, between all servers that take each other's data.

use crate::content::{fill, portrait};
use crate::support::plans::{Dump, dump_all, restore};
use crate::support::redis::{KINDS, Kind, Server};
use jagad::engine::plan::DatabaseChoice;
use jagad::engine::{Engine as _, Occupied, RestoreTarget, Scope, TargetEffect};
use jagad::model::Contents;
use jagad::process::SystemRunner;

pub(crate) const ALL: Scope =
    Scope { databases: DatabaseChoice::All { exclude: Vec::new() }, globals: false };

/// The one part of a server.
pub(crate) async fn take(server: &Server) -> Dump {
    let inspected = server.engine().inspect(&SystemRunner).await.unwrap();
    dump_all(inspected.as_ref(), &ALL).await.unwrap().remove(0)
}

/// Puts it back; what was counted.
pub(crate) async fn put(dump: &Dump, target: &RestoreTarget, server: &Server) -> Result<Contents, String> {
    let inspected = server.engine().inspect(&SystemRunner).await.unwrap();
    restore(inspected.as_ref(), dump, target).await.map(|(_, counted)| counted.unwrap())
}

fn rows(contents: &Contents, name: &str) -> u64 {
    contents.tables.iter().find(|table| table.name() == name).map_or(0, |table| table.rows)
}

/// Fails the test at the first line that differs.
#[track_caller]
pub(crate) fn assert_same(target: &Server, source: &Server) {
    let (now, then) = (portrait(target), portrait(source));
    for (now, then) in now.lines().zip(then.lines()) {
        assert_eq!(now, then);
    }
    assert_eq!(now.lines().count(), then.lines().count());
}

async fn comes_back(from: Kind, to: Kind) {
    let (Some(source), Some(target)) = (Server::start(from), Server::start(to)) else { return };
    fill(&source);
    let dump = take(&source).await;
    let counted = put(&dump, &dump.target("keys"), &target).await.unwrap();
    assert_same(&target, &source);
    let expected = dump.contents.as_ref().unwrap();
    let names = |contents: &Contents| {
        contents.tables.iter().map(|table| (table.name(), table.rows)).collect::<Vec<_>>()
    };
    assert_eq!(names(&counted), names(expected));
    assert_eq!(rows(expected, "db0.stream"), 2);
    assert_eq!(rows(expected, "db15.string"), 1);
    assert_eq!(rows(expected, "db0.string with a time to live"), 1);
}

#[tokio::test]
async fn everything_of_redis_7_comes_back_into_redis_7() {
    comes_back(Kind::Redis7, Kind::Redis7).await;
}

#[tokio::test]
async fn everything_of_redis_7_comes_back_into_redis_8() {
    comes_back(Kind::Redis7, Kind::Redis8).await;
}

#[tokio::test]
async fn everything_of_redis_7_comes_back_into_valkey_9() {
    comes_back(Kind::Redis7, Kind::Valkey9).await;
}

#[tokio::test]
async fn everything_of_redis_8_comes_back_into_redis_8() {
    comes_back(Kind::Redis8, Kind::Redis8).await;
}

#[tokio::test]
async fn everything_of_valkey_9_comes_back_into_valkey_9() {
    comes_back(Kind::Valkey9, Kind::Valkey9).await;
}

#[tokio::test]
async fn an_empty_server_is_a_backup_too() {
    for kind in KINDS {
        let (Some(source), Some(target)) = (Server::start(kind), Server::start(kind)) else { return };
        let dump = take(&source).await;
        assert_eq!(dump.contents, Some(Contents::default()));
        let counted = put(&dump, &dump.target("keys"), &target).await.unwrap();
        assert_eq!(counted, Contents::default());
    }
}

#[tokio::test]
async fn a_server_that_writes_a_file_first_gives_the_same() {
    for kind in KINDS {
        let Some(source) = Server::start_with(kind, &["--repl-diskless-sync", "no"]) else { return };
        let Some(target) = Server::start(kind) else { return };
        fill(&source);
        let dump = take(&source).await;
        put(&dump, &dump.target("keys"), &target).await.unwrap();
        assert_same(&target, &source);
    }
}

#[tokio::test]
async fn a_server_that_computes_no_checksum_gives_the_same() {
    let Some(source) = Server::start_with(Kind::Redis7, &["--rdbchecksum", "no"]) else { return };
    let Some(target) = Server::start(Kind::Redis7) else { return };
    fill(&source);
    let dump = take(&source).await;
    assert_eq!(dump.bytes[dump.bytes.len() - 8..], [0; 8]);
    put(&dump, &dump.target("keys"), &target).await.unwrap();
    assert_eq!(target.digest(), source.digest());
}

#[tokio::test]
async fn a_value_of_many_mebibytes_comes_back() {
    let (Some(source), Some(target)) = (Server::start(Kind::Redis7), Server::start(Kind::Redis8)) else {
        return;
    };
    let mixed = |n: u32| (n.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0];
    let noise: Vec<u8> = (0..70u32 << 20).map(mixed).collect();
    source.client().ask(&[b"SET", b"large", &noise]);
    source.client().ok("SET small 1");
    let dump = take(&source).await;
    put(&dump, &dump.target("keys"), &target).await.unwrap();
    assert_eq!(target.digest(), source.digest());
}

#[tokio::test]
async fn how_often_keys_are_used_comes_back_where_the_server_counts_it() {
    let lfu = ["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "1gb"];
    let Some(source) = Server::start_with(Kind::Redis8, &lfu) else { return };
    let Some(target) = Server::start_with(Kind::Redis8, &lfu) else { return };
    let mut c = source.client();
    c.ok("SET hot 1");
    for _ in 0..3000 {
        c.ok("GET hot");
    }
    let dump = take(&source).await;
    put(&dump, &dump.target("keys"), &target).await.unwrap();
    assert_eq!(target.client().ok("OBJECT FREQ hot"), source.client().ok("OBJECT FREQ hot"));
}

#[tokio::test]
async fn a_target_that_holds_keys_is_emptied_only_when_that_is_asked_for() {
    let (Some(source), Some(target)) = (Server::start(Kind::Redis7), Server::start(Kind::Redis7)) else {
        return;
    };
    fill(&source);
    target.client().ok("SET old 1");
    target.client().ask(&[
        b"FUNCTION",
        b"LOAD",
        b"#!lua name=old\nredis.register_function('o', function() return 1 end)",
    ]);
    let dump = take(&source).await;
    let before = target.digest();
    let refused = put(&dump, &dump.target("keys"), &target).await.unwrap_err();
    assert!(refused.contains("it holds 1 key") && refused.contains("--clean"), "{refused}");
    assert_eq!(target.digest(), before);

    let clean = RestoreTarget { occupied: Occupied::Clean, ..dump.target("keys") };
    let inspected = target.engine().inspect(&SystemRunner).await.unwrap();
    let plan = inspected.logical().load(&SystemRunner, &clean, &dump).await.unwrap();
    assert_eq!(plan.effect, TargetEffect::Overwrites { holds: "1 key".to_owned() });
    assert_eq!(target.digest(), before);
    put(&dump, &clean, &target).await.unwrap();
    assert_same(&target, &source);
}
