//! Manifests that no key of the configuration proves. None of them is believed unless somebody says so.

use crate::bench::Bench;
use crate::place::Place;
use jagad::model::{Sha256Digest, digest};
use serde_json::{Value, json};
use std::path::PathBuf;

const FORGED: &str = "20990101T000000Z-full-k3v9x2";

fn folder(bench: &Bench, id: &str) -> PathBuf {
    bench.path("store/databases/shop/backups").join(id)
}

/// A dump of a database that somebody else made.
fn foreign_dump(bench: &Bench) -> Vec<u8> {
    bench.postgres.psql("postgres", "CREATE DATABASE evil;");
    bench.postgres.psql("evil", "CREATE TABLE planted (a int); INSERT INTO planted VALUES (1);");
    let mut command = std::process::Command::new(bench.postgres.bin().join("pg_dump"));
    command.args(["-Fc", "-U", "postgres", "-h"]).arg(bench.postgres.socket()).arg("evil");
    let dump = command.output().unwrap();
    assert!(dump.status.success(), "{dump:?}");
    bench.postgres.psql("postgres", "DROP DATABASE evil;");
    dump.stdout
}

/// What somebody does who can write to the bucket and has no key: a newer backup, not encrypted, not compressed, with a dump
/// and digests of their own.
fn forge(bench: &Bench, real: &str) {
    let dump = foreign_dump(bench);
    let contents = br#"{"evil": {"tables": [{"schema": "public", "table": "planted", "rows": 1}], "owners": [], "extensions": []}}"#;
    let text = std::fs::read(folder(bench, real).join("manifest.json")).unwrap();
    let mut manifest: Value = serde_json::from_slice(&text).unwrap();
    let place = folder(bench, FORGED);
    std::fs::create_dir_all(&place).unwrap();
    let part = |name: &str, kind: &str, bytes: &[u8]| {
        std::fs::write(place.join(name), bytes).unwrap();
        let (digest, size) = (digest::hex(&Sha256Digest::of(bytes).0), bytes.len());
        let parts = manifest["parts"].as_array().unwrap();
        let mut part = parts.iter().find(|part| part["kind"] == kind).unwrap().clone();
        part["name"] = json!(name);
        for field in ["plain_bytes", "packed_bytes", "stored_bytes"] {
            part[field] = json!(size);
        }
        part["packed_sha256"] = json!(digest);
        part["segments"] = json!([{"key": format!("databases/shop/backups/{FORGED}/{name}"), "bytes": size, "sha256": digest}]);
        part
    };
    let mut database = part("evil.dump", "database", &dump);
    database["database"] = json!("evil");
    (database["tables"], database["rows"]) = (json!(1), json!(1));
    let parts = json!([database, part("contents.json", "contents", contents)]);
    manifest["id"] = json!(FORGED);
    manifest["finished_at"] = json!("2099-01-01T00:00:01Z");
    manifest["recipe"] = json!({"codec": "none", "level": 0, "cipher": null, "key_id": null});
    manifest["parts"] = parts;
    std::fs::write(place.join("manifest.json"), serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
}

#[test]
fn a_forged_backup_that_is_not_encrypted_is_neither_verified_nor_restored_nor_downloaded() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let real = bench.back_up(&[]);
    forge(&bench, &real);
    let before = bench.fingerprint();
    for level in ["exists", "checksum", "read", "restore"] {
        bench.run(&["verify", FORGED, "--level", level]).expect(4).says("is not authenticated").helps();
    }
    bench.run(&["restore", FORGED, "--yes"]).expect(4).says("is not authenticated").helps();
    bench.run(&["download", FORGED, "-o", "out"]).expect(4).says("is not authenticated");
    bench.run(&["show", FORGED]).expect(4);
    assert_eq!(bench.fingerprint(), before);
    assert!(!bench.path("out").exists());
    // It is shown for what it is, and the real one is still there.
    let rows = bench.listed();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!((&rows[0]["id"], &rows[0]["authenticated"]), (&json!(FORGED), &json!(false)));
    assert_eq!((&rows[1]["id"], &rows[1]["authenticated"]), (&json!(real), &json!(true)));
    assert!(bench.run(&["list"]).ok().stdout.contains("not authenticated"));
    bench.run(&["restore", &real, "--yes"]).ok();
    // Somebody who says so gets it: the same bytes are what a bucket without keys would hold.
    bench.run(&["verify", FORGED, "--level", "restore", "--allow-unauthenticated"]).ok();
    bench.run(&["delete", FORGED, "--yes", "--allow-unauthenticated"]).ok();
    assert_eq!(bench.listed().len(), 1);
}

#[test]
fn a_host_whose_key_is_away_lists_what_is_there_and_says_why_it_is_not_proven() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    bench.run(&["pin", &id]).ok();
    std::fs::rename(bench.path("main.key"), bench.path("away.key")).unwrap();
    assert_eq!(bench.listed()[0]["pinned"], true);
    let listed = bench.run(&["list"]).ok().says("main.key");
    assert!(listed.stdout.contains(&id) && listed.stdout.contains("not authenticated"), "{listed:?}");
    bench.run(&["restore", &id, "--yes"]).expect(12).says("main.key").helps();
    bench.run(&["backup", "shop"]).expect(12);
    // A failure promises nothing, so it is shown though nothing proves it.
    assert_eq!(bench.statuses(), ["failed", "success"]);
    std::fs::rename(bench.path("away.key"), bench.path("main.key")).unwrap();
    bench.run(&["restore", &id, "--yes"]).ok();
}

#[test]
fn backups_that_are_not_encrypted_are_proven_where_there_is_a_key_and_read_where_there_is_none() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let proven = bench.back_up(&["--no-encrypt"]);
    let shown = bench.run(&["show", &proven, "--json"]).ok().json();
    assert_eq!(
        (&shown["authenticated"], &shown["manifest"]["recipe"]["cipher"]),
        (&json!(true), &Value::Null)
    );
    bench.run(&["verify", &proven, "--level", "restore"]).ok();
    bench.run(&["restore", &proven, "--yes"]).ok();
    let with_key = std::fs::read_to_string(bench.path("jagad.toml")).unwrap();
    bench.write(&with_key.replace("[keys.main]\nkey_file = \"main.key\"\n", ""));
    let bare = bench.back_up(&["--no-encrypt"]);
    for id in [&proven, &bare] {
        bench.run(&["verify", id, "--level", "restore"]).ok();
        bench.run(&["restore", id, "--yes"]).ok();
    }
    assert!(bench.listed().iter().all(|row| row["authenticated"].is_null()));
    bench.write(&with_key);
    bench.run(&["restore", &bare, "--yes"]).expect(4).says("it has no authentication code").helps();
    bench.run(&["restore", &bare, "--yes", "--allow-unauthenticated"]).ok();
}

#[test]
fn a_passphrase_proves_many_manifests_for_the_price_of_one() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let text = std::fs::read_to_string(bench.path("jagad.toml")).unwrap();
    bench.write(&text.replace("key_file = \"main.key\"", "passphrase = \"correct horse\""));
    let id = bench.back_up(&[]);
    assert!(bench.listed()[0]["authenticated"].as_bool().unwrap());
    bench.run(&["restore", &id, "--yes"]).ok();
    bench.write(&text.replace("key_file = \"main.key\"", "passphrase = \"wrong horse\""));
    bench.run(&["restore", &id, "--yes"]).expect(12).says("without the key").helps();
    assert_eq!(bench.listed()[0]["authenticated"], json!(false));
}

#[test]
fn a_dead_runs_forged_manifest_does_not_stop_the_backups_after_it() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let real = bench.back_up(&[]);
    forge(&bench, &real);
    let lease = json!({"format": 1, "host": "gone", "pid": 1, "operation": "backup", "backup": FORGED, "parents": [],
        "started": "2026-01-01T00:00:00Z", "lifetime_seconds": 1});
    std::fs::create_dir_all(bench.path("store/databases/shop/lease")).unwrap();
    std::fs::write(bench.path("store/databases/shop/lease/abcdefgh.json"), lease.to_string()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    bench.run(&["backup", "shop"]).ok().says("is not authenticated");
}

/// With a policy that keeps one full, and one backup under it; its id.
fn protected(bench: &Bench) -> String {
    bench.add("[policies.p]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 1 }\n");
    bench.run(&["policy", "attach", "p", "shop"]).ok();
    bench.listed()[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_forged_backup_pushes_no_real_one_out() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let real = protected(&bench);
    forge(&bench, &real);
    let pruned = bench.run(&["prune", "--json"]).ok().json();
    assert_eq!(pruned["databases"][0]["backups"].as_array().unwrap().len(), 1, "{pruned}");
    assert!(folder(&bench, &real).join("manifest.json").exists());
    assert!(folder(&bench, FORGED).join("manifest.json").exists(), "it is for people to look at");
    bench.run(&["restore", &real, "--yes"]).ok();
}

#[test]
fn a_bucket_that_was_emptied_is_not_called_safe() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    protected(&bench);
    bench.run(&["status", "--check"]).ok();
    std::fs::remove_dir_all(bench.path("store/databases/shop/backups")).unwrap();
    let status = bench.run(&["status", "--check", "--json"]).expect(20).json();
    assert_eq!(status["databases"][0]["problems"][0]["kind"], "no_backup", "{status}");
}

#[test]
fn a_failure_that_is_laid_over_a_backup_is_told() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let (older, newer) = (bench.back_up(&[]), bench.back_up(&[]));
    let path = folder(&bench, &newer).join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    manifest["status"] = json!("failed");
    manifest["parts"] = json!([]);
    manifest["error"] = json!({"class": "operation", "message": "so they say", "help": null});
    std::fs::write(&path, manifest.to_string()).unwrap();
    assert_eq!(bench.statuses(), ["failed", "success"]);
    assert!(bench.run(&["list"]).ok().stdout.contains("so they say"));
    assert!(bench.run(&["restore", "shop@latest", "--plan"]).ok().stdout.contains(&older));
    // With parts it would promise something: it is refused.
    manifest["status"] = json!("success");
    std::fs::write(&path, manifest.to_string()).unwrap();
    bench.run(&["show", &newer]).expect(4).says("is not authenticated");
}
