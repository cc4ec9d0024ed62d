//! The program on Redis and Valkey, end to end.

use crate::folder::{Folder, open};
use crate::program::{Run, wait_until};
use crate::support::redis::{Answer, Cluster, KINDS, Kind, Server};
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;

/// A configuration with a local store; `cache` is one server, `other` another.
pub(crate) struct Bench {
    folder: Folder,
    pub(crate) source: Server,
    pub(crate) target: Server,
}

impl Deref for Bench {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

impl Bench {
    fn new(kind: Kind) -> Option<Self> {
        Some(Self::with(Server::start(kind)?, Server::start(kind)?))
    }

    pub(crate) fn with(source: Server, target: Server) -> Self {
        let bench = Self { folder: Folder::new("t", "cache"), source, target };
        let mut text =
            "version = 1\n[settings]\nlease_lifetime = \"5s\"\n[keys.main]\nkey_file = \"main.key\"\n\
                        [stores.main]\ntype = \"local\"\npath = \"store\"\n"
                .to_owned();
        for (name, server) in [("cache", &bench.source), ("other", &bench.target)] {
            text += &format!(
                "[databases.{name}]\nengine = \"redis\"\nsocket = \"{}\"\n",
                server.socket().display()
            );
            text += &format!("tools = {{ bin_dir = \"{}\" }}\n", bin_dir(server.kind).display());
        }
        bench.write(&text);
        bench
    }

    pub(crate) fn fill(&self) {
        let mut c = self.source.client();
        c.ok("DEBUG POPULATE 3000 key 100");
        c.ok("HSET hash a 1 b 2");
        c.ok("SET passing 1 PXAT 4102444800000");
        c.ok("XADD stream 1-1 f v");
        c.ok("SELECT 9");
        c.ok("SET here nine");
        c.ask(&[
            b"FUNCTION",
            b"LOAD",
            b"#!lua name=one\nredis.register_function('f', function() return 1 end)",
        ]);
    }
}

fn bin_dir(kind: Kind) -> PathBuf {
    kind.program().unwrap().parent().unwrap().to_owned()
}

#[test]
fn a_backup_is_listed_verified_at_every_depth_and_comes_back() {
    for kind in KINDS {
        let Some(bench) = Bench::new(kind) else { return };
        bench.fill();
        let check = bench.run(&["check", "cache"]).ok();
        assert!(check.stdout.contains("read all keys"), "{}", check.stdout);
        let plan = bench.run(&["backup", "cache", "--dry-run"]).ok();
        assert!(plan.stdout.contains("SYNC"), "{}", plan.stdout);
        let id = bench.back_up(&[]);
        let listed = bench.run(&["list", "--json"]).ok().json();
        assert_eq!(listed["backups"][0]["status"], "success");
        let shown = bench.run(&["show", &id, "--json"]).ok().stdout;
        assert!(shown.contains("\"rows\": 3004") || shown.contains("\"rows\":3004"), "{shown}");
        for level in ["exists", "checksum", "read", "restore"] {
            bench.run(&["verify", &id, "--level", level]).ok();
        }

        let planned = bench.run(&["restore", &id, "--target", "other", "--plan"]).ok();
        assert!(planned.stdout.contains("is filled from"), "{}", planned.stdout);
        assert_eq!(bench.target.client().ok("DBSIZE"), Answer::Number(0));
        bench.run(&["restore", &id, "--target", "other", "--yes"]).ok();
        assert_eq!(bench.target.digest(), bench.source.digest());

        // Somebody else's data is in the way now.
        bench.target.client().ok("SET mine 1");
        let before = bench.target.digest();
        bench
            .run(&["restore", &id, "--target", "other", "--yes"])
            .expect(6)
            .says("it holds 3005 keys")
            .helps();
        assert_eq!(bench.target.digest(), before);
        let args = ["restore", &id, "--target", "other", "--clean", "--safety-backup", "--yes"];
        bench.run(&args).ok().says("safety backup").says("emptied first (3005 keys)");
        assert_eq!(bench.target.digest(), bench.source.digest());
        // What was removed is in the safety backup.
        let listed = bench.run(&["list", "other", "--json"]).ok().json();
        let safety = listed["backups"][0]["id"].as_str().unwrap().to_owned();
        bench.run(&["restore", &safety, "--clean", "--yes"]).ok();
        assert_eq!(bench.target.digest(), before);
    }
}

#[test]
fn a_restore_that_is_repeated_restores_the_same_backup_and_not_its_safety_copy() {
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    bench.fill();
    let id = bench.back_up(&[]);
    let before = bench.source.digest();
    bench.source.client().ok("DEL hash stream");
    for _ in 0..2 {
        let args = ["restore", "cache@latest", "--clean", "--safety-backup", "--yes", "--json"];
        assert_eq!(bench.run(&args).ok().json()["backup"], id.as_str());
        assert_eq!(bench.source.digest(), before);
    }
}

#[test]
fn files_are_written_for_a_server_that_appends() {
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    bench.fill();
    let id = bench.back_up(&[]);
    let planned = bench.run(&["restore", &id, "--target-dir", "files", "--plan"]).ok();
    assert!(planned.stdout.contains("would be written into `files`"), "{}", planned.stdout);
    assert!(!bench.path("files").exists());
    bench.run(&["restore", &id, "--target-dir", "files"]).ok();
    bench.run(&["restore", &id, "--target-dir", "files"]).expect(6).says("is not empty").helps();
    let folder = tempfile::Builder::new().prefix("jagad-redis").tempdir_in("/tmp").unwrap();
    let copied = Command::new("cp").arg("-a").arg(bench.path("files/.")).arg(folder.path()).status();
    assert!(copied.unwrap().success());
    let started = Server::start_in(Kind::Redis7, folder, &["--appendonly", "yes"]).unwrap();
    assert_eq!(started.digest(), bench.source.digest());
}

#[test]
fn wishes_for_other_engines_are_refused() {
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    bench.fill();
    let id = bench.back_up(&[]);
    let to_other = |more: &[&'static str]| {
        let mut args = vec!["restore", &id, "--target", "other", "--yes"];
        args.extend(more);
        bench.run(&args)
    };
    to_other(&["--into", "else"]).expect(6).says("another name");
    to_other(&["--table", "hash"]).expect(6).says("no schemas or tables");
    to_other(&["--schema", "db0"]).expect(6).says("no schemas");
    to_other(&["--globals"]).expect(5).says("no globals");
    to_other(&["--dbname", "shop"]).expect(5).says("It holds keys");
    assert_eq!(bench.target.client().ok("DBSIZE"), Answer::Number(0));
    bench.run(&["backup", "cache", "--dbname", "shop"]).expect(5).says("`shop`");
}

#[test]
fn a_restore_that_fails_half_way_says_that_the_server_is_incomplete() {
    // What is packed on one server and not on the other takes many times the memory there, which nobody can know before.
    let Some(source) = Server::start_with(Kind::Redis7, &["--hash-max-listpack-entries", "100000"]) else {
        return;
    };
    let Some(target) = Server::start_with(Kind::Redis7, &["--maxmemory", "5mb"]) else { return };
    let bench = Bench::with(source, target);
    let hashes = b"for key = 1, 100 do for field = 1, 1000 do redis.call('HSET', key, field, 1) end end";
    bench.source.client().ask(&[b"EVAL", hashes, b"0"]);
    let id = bench.back_up(&[]);
    let failed = bench.run(&["restore", &id, "--target", "other", "--yes"]).expect(7);
    failed.says("`keys` is incomplete now").says("Raise `maxmemory`");
    bench.target.client().ok("CONFIG SET maxmemory 0");
    bench.run(&["restore", &id, "--target", "other", "--yes"]).expect(6).says("--clean");
    bench.run(&["restore", &id, "--target", "other", "--yes", "--clean"]).ok();
    assert_eq!(bench.target.digest(), bench.source.digest());
}

#[test]
fn a_server_with_too_little_memory_is_neither_emptied_nor_filled() {
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    bench.source.client().ok("DEBUG POPULATE 20000 key 1000");
    let id = bench.back_up(&[]);
    bench.target.client().ok("CONFIG SET maxmemory 8mb");
    let to_other =
        |args: &[&str]| bench.run(&[&["restore", &id, "--target", "other", "--yes"], args].concat());
    for args in [&["--plan"][..], &[]] {
        to_other(args).expect(7).says("`maxmemory` of").says("CONFIG SET maxmemory").says("--allow-errors");
    }
    assert_eq!(bench.target.client().ok("DBSIZE"), Answer::Number(0));
    bench.target.client().ok("SET old 1");
    to_other(&["--clean"]).expect(7).says("keys would be refused");
    assert_eq!(bench.target.client().ok("GET old").text(), "1");
    // Who wants what fits gets it, and is told.
    to_other(&["--clean", "--allow-errors"]).expect(3).says("`maxmemory` of");
    assert!(bench.target.client().ok("DBSIZE") != Answer::Number(0));
}

#[test]
fn a_drill_without_a_server_that_is_new_enough_says_where_to_name_one() {
    let Some(bench) = Bench::new(Kind::Redis8) else { return };
    bench.fill();
    let id = bench.back_up(&[]);
    let old = format!("databases.cache.tools.bin_dir={}", bin_dir(Kind::Redis7).display());
    let drill = bench.run(&["verify", &id, "--level", "restore", "--set", &old]).expect(7);
    drill.says("the throw-away server is too old").says("`tools.bin_dir`");
    bench.run(&["verify", &id, "--level", "restore"]).ok();
}

#[test]
fn a_drill_finds_the_newest_server_that_reads_the_backup() {
    for kind in [Kind::Redis8, Kind::Valkey9] {
        let Some(bench) = Bench::new(kind) else { return };
        bench.fill();
        let id = bench.back_up(&[]);
        let old = format!("databases.cache.tools.bin_dir={}", bin_dir(Kind::Redis7).display());
        let mut command = bench.command(&["verify", &id, "--level", "restore", "--set", &old]);
        // The old one is where its packages put it, and so comes before the new one in every way.
        let path = format!("{}:{}", bin_dir(Kind::Redis7).display(), bin_dir(kind).display());
        Run::start(command.env("PATH", path)).wait().ok();
    }
}

#[test]
fn a_damaged_backup_removes_nothing() {
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    bench.fill();
    let args = ["backup", "cache", "--no-encrypt", "--compression", "none", "--json"];
    let report = bench.run(&args).ok().json();
    let id = report["backups"][0]["id"].as_str().unwrap().to_owned();
    let part = bench.path(&format!("store/databases/cache/backups/{id}/keys.rdb"));
    let mut bytes = std::fs::read(&part).unwrap();
    let end = bytes.len() - 100;
    bytes[end] ^= 1;
    open(&part, 0o600);
    std::fs::write(&part, bytes).unwrap();
    bench.run(&["verify", &id, "--level", "read"]).expect(4);
    bench.target.client().ok("SET mine 1");
    let before = bench.target.digest();
    bench.run(&["restore", &id, "--target", "other", "--clean", "--yes"]).expect(4);
    assert_eq!(bench.target.digest(), before);
    bench.run(&["restore", &id, "--target-dir", "files"]).expect(4);
    assert!(!bench.path("files/dump.rdb").exists());
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_a_failed_backup_and_no_data() {
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    // A child that takes its time between two keys.
    bench.source.client().ok("DEBUG POPULATE 100000 key 100");
    bench.source.client().ok("CONFIG SET rdb-key-save-delay 100");
    let run = Run::start(&mut bench.command(&["backup", "cache"]));
    wait_until("the server saves its keys", || {
        bench.source.client().ok("INFO persistence").text().contains("rdb_bgsave_in_progress:1")
    });
    let mut bench = bench;
    bench.source.crash();
    run.wait().expect(1).says("SYNC");
    let listed = bench.run(&["list", "--json"]).json();
    assert_eq!(listed["backups"][0]["status"], "failed");
    assert_eq!(listed["backups"][0]["stored_bytes"], 0);
}

#[test]
fn two_backups_of_one_entry_do_not_run_at_once() {
    let Some(source) = Server::start_with(Kind::Redis7, &[]) else { return };
    let Some(target) = Server::start(Kind::Redis7) else { return };
    let bench = Bench::with(source, target);
    bench.fill();
    bench.source.client().ok("CONFIG SET rdb-key-save-delay 500");
    let run = Run::start(&mut bench.command(&["backup", "cache"]));
    wait_until("it holds the lease", || run.stderr().contains("DUMP: redis started"));
    bench.run(&["backup", "cache", "--wait", "0s"]).expect(11);
    run.wait().ok();
}

#[test]
fn a_cluster_is_drilled_part_by_part_and_laid_out_in_folders() {
    let Some(cluster) = Cluster::start(Kind::Redis7, 3) else { return };
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    cluster.fill();
    let port = cluster.ports[0];
    let bin_dir = bin_dir(Kind::Redis7).display().to_string();
    bench.add(&format!(
        "[databases.cluster]\nengine = \"redis\"\nhost = \"127.0.0.1\"\nport = {port}\ntools = {{ bin_dir = \"{bin_dir}\" }}\n"
    ));
    bench.run(&["check", "cluster"]).ok();
    bench.run(&["backup", "cluster"]).ok();
    bench.run(&["verify", "cluster@latest", "--level", "restore"]).ok().says("slots-10922-16383");
    bench.run(&["restore", "cluster@latest", "--target-dir", "files"]).ok();
    assert!(bench.path("files/slots-0-5460/appendonlydir").is_dir());
    bench.run(&["restore", "cluster@latest", "--target", "other", "--yes"]).ok();
    assert_eq!(bench.target.client().ok("DBSIZE"), Answer::Number(1800));
    // And back, over what is there.
    bench.run(&["restore", "cluster@latest", "--clean", "--safety-backup", "--yes"]).ok();
    let sizes = cluster.nodes.iter().map(|node| node.client().ok("DBSIZE").text().parse::<u32>().unwrap());
    assert_eq!(sizes.sum::<u32>(), 1800);
}

#[cfg(feature = "crash-points")]
#[test]
fn a_restore_that_is_killed_is_told_and_can_be_done_again() {
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    bench.fill();
    let id = bench.back_up(&[]);
    for point in ["restore-after-lease", "restore-before-feed", "restore-after-feed"] {
        bench.target.client().ok("FLUSHALL");
        bench.target.client().ok("SET old 1");
        bench.killed_at(&["restore", &id, "--target", "other", "--clean", "--yes"], point);
        let emptied = bench.target.client().ok("GET old") == Answer::Nil;
        assert_eq!(emptied, point != "restore-after-lease", "{point}");
        let again = ["restore", &id, "--target", "other", "--clean", "--yes", "--wait", "20s"];
        bench
            .run(&again)
            .ok()
            .says("ended without a result")
            .says("may have left incomplete data on the server of `other`, until a restore into it succeeds");
        assert_eq!(bench.target.digest(), bench.source.digest(), "{point}");
    }
}

#[cfg(feature = "crash-points")]
#[test]
fn a_backup_that_is_killed_before_its_commit_is_none() {
    let Some(bench) = Bench::new(Kind::Redis7) else { return };
    bench.fill();
    for point in ["after-lease", "after-part", "before-commit"] {
        bench.killed_at(&["backup", "cache"], point);
        bench.run(&["backup", "cache", "--wait", "20s"]).ok().says("ended without a result");
        bench.run(&["verify", "cache@latest", "--level", "read"]).ok();
    }
}
