//! Stores whose objects are not what they were. Nothing of it may pass, and no target may notice.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::Output;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Bytes of a chunk of a sealed object as it is stored.
const CHUNK: usize = (64 << 10) + 16;

struct Tampered {
    bench: Bench,
    first: String,
    second: String,
    before: String,
    /// More arguments.
    more: &'static [&'static str],
}

/// As somebody calls who believes the manifest.
const TRUSTING: &[&str] = &["--allow-unauthenticated"];

impl Tampered {
    /// Two backups of a database that has changed since, so that a restore of either would show.
    fn new() -> Option<Self> {
        let bench = Bench::small(Place::Local)?;
        bench.fill(1);
        let first = bench.back_up(&["--compression", "none"]);
        bench.postgres.psql("shop", "INSERT INTO item VALUES (0, 'new');");
        let second = bench.back_up(&["--compression", "none"]);
        bench.postgres.psql("shop", "CREATE TABLE later (a int);");
        let before = bench.fingerprint();
        Some(Self { bench, first, second, before, more: &[] })
    }

    fn run(&self, args: &[&str]) -> Output {
        self.bench.run(&[args, self.more].concat())
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.bench.path("store/databases/shop/backups").join(id)
    }

    /// Every level of verification that can see it, and a restore, end with `code`; the target is untouched.
    #[track_caller]
    fn is_refused(&self, levels: &[&str], code: i32, what: &str) {
        for level in levels {
            let output = self.run(&["verify", &self.first, "--level", level]);
            assert_eq!(output.code, code, "{what}: verify {level}: {output:?}");
        }
        let output = self.run(&["restore", &self.first, "--yes"]);
        assert_eq!(output.code, code, "{what}: restore: {output:?}");
        assert_eq!(self.bench.postgres.databases(), ["postgres", "shop"], "{what}");
        assert_eq!(self.bench.fingerprint(), self.before, "{what}");
    }
}

const ALL: [&str; 4] = ["exists", "checksum", "read", "restore"];
const BYTES: [&str; 2] = ["checksum", "read"];

/// Writes `bytes` for a while.
fn with_bytes(path: &Path, bytes: &[u8], act: impl FnOnce()) {
    let whole = std::fs::read(path).unwrap();
    assert!(whole != bytes, "nothing is changed");
    std::fs::write(path, bytes).unwrap();
    act();
    std::fs::write(path, whole).unwrap();
}

#[test]
fn no_object_can_be_bent_cut_or_taken_away() {
    let Some(tampered) = Tampered::new() else { return };
    let folder = tampered.folder(&tampered.first);
    for file in ["shop.dump.enc", "contents.json.enc"] {
        let path = folder.join(file);
        let whole = std::fs::read(&path).unwrap();
        let mut bent = whole.clone();
        let middle = bent.len() / 2;
        bent[middle] ^= 1;
        let levels = [&BYTES[..], &["restore"]].concat();
        with_bytes(&path, &bent, || tampered.is_refused(&levels, 4, "one bit flipped"));
        let cut =
            if whole.len() > 2 * CHUNK { whole.len() - (whole.len() - 200) % CHUNK } else { whole.len() - 1 };
        with_bytes(&path, &whole[..cut], || tampered.is_refused(&ALL, 4, "cut at a chunk"));
        std::fs::rename(&path, folder.join("away")).unwrap();
        tampered.is_refused(&["exists", "checksum"], 4, "missing");
        std::fs::rename(folder.join("away"), &path).unwrap();
    }
    tampered.bench.run(&["verify", &tampered.first, "--level", "restore"]).ok();
}

/// The manifest of `id`, changed by `change` while `act` runs.
fn with_manifest(tampered: &Tampered, change: impl FnOnce(&mut Value), act: impl FnOnce()) {
    let path = tampered.folder(&tampered.first).join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    with_bytes(&path, &serde_json::to_vec(&manifest).unwrap(), act);
}

/// Makes the record of `file` agree with what is stored, as somebody would who can write to the bucket and has no key.
fn agree(manifest: &mut Value, file: &str, bytes: &[u8]) {
    let parts = manifest["parts"].as_array_mut().unwrap();
    let segment = parts
        .iter_mut()
        .flat_map(|part| part["segments"].as_array_mut().unwrap())
        .find(|segment| segment["key"].as_str().unwrap().ends_with(file))
        .unwrap();
    segment["bytes"] = bytes.len().into();
    segment["sha256"] = jagad::model::digest::hex(&jagad::model::Sha256Digest::of(bytes).0).into();
}

#[test]
fn a_forged_record_does_not_make_a_foreign_object_pass_even_where_manifests_are_believed() {
    let Some(mut tampered) = Tampered::new() else { return };
    tampered.more = TRUSTING;
    let (first, second) = (tampered.folder(&tampered.first), tampered.folder(&tampered.second));
    let path = first.join("shop.dump.enc");
    let whole = std::fs::read(&path).unwrap();
    let other_backup = std::fs::read(second.join("shop.dump.enc")).unwrap();
    let other_part = std::fs::read(first.join("globals.sql.enc")).unwrap();
    let mut reordered = whole.clone();
    let last = (whole.len() - 4) % CHUNK;
    let begin = whole.len() - last - 4 * CHUNK;
    reordered[begin..begin + 2 * CHUNK].rotate_left(CHUNK);
    let ways =
        [("another backup's", &other_backup), ("another part's", &other_part), ("reordered", &reordered)];
    for (what, bytes) in ways {
        with_bytes(&path, bytes, || {
            with_manifest(
                &tampered,
                |manifest| agree(manifest, "shop.dump.enc", bytes),
                || {
                    tampered.is_refused(&BYTES, 4, what);
                },
            );
        });
    }
}

#[test]
fn an_edited_manifest_is_refused() {
    let Some(mut tampered) = Tampered::new() else { return };
    let other: Value = json!(tampered.second);
    let ways: [(&str, &str, Value, i32); 7] = [
        ("another host's", "/host", json!("elsewhere"), 4),
        ("not encrypted", "/recipe/cipher", Value::Null, 4),
        ("a newer format", "/format", json!(2), 7),
        ("another backup's name", "/id", other, 4),
        ("another database's name", "/database", json!("shopp"), 4),
        ("another repository's", "/repository", json!("00000000000000000000000000000000"), 4),
        ("no text", "/server", json!(7), 4),
    ];
    for (what, pointer, value, code) in ways {
        let change = |manifest: &mut Value| *manifest.pointer_mut(pointer).unwrap() = value;
        with_manifest(&tampered, change, || {
            tampered.is_refused(&ALL, code, what);
            // What cannot be read is told, never passed over in silence.
            let output = tampered.bench.run(&["list"]).ok();
            assert!(format!("{output:?}").contains(&tampered.first), "{what}: {output:?}");
        });
    }
    tampered.more = TRUSTING;
    let path = tampered.folder(&tampered.first).join("manifest.json");
    with_bytes(&path, b"{\"format\": 1, ", || tampered.is_refused(&ALL, 4, "half a manifest"));
}

type Change = fn(&mut Value);

#[test]
fn forged_numbers_in_a_manifest_are_found_even_where_it_is_believed() {
    let Some(mut tampered) = Tampered::new() else { return };
    tampered.more = TRUSTING;
    let ways: [(&str, &[&str], Change); 3] = [
        ("plain_bytes", &["read"], |part| part["plain_bytes"] = json!(7)),
        ("packed_bytes", &BYTES, |part| part["packed_bytes"] = json!(7)),
        ("no segments", &BYTES, |part| part["segments"] = json!([])),
    ];
    for (what, levels, change) in ways {
        let change = |manifest: &mut Value| {
            let parts = manifest["parts"].as_array_mut().unwrap();
            change(parts.iter_mut().find(|part| part["kind"] == "database").unwrap());
        };
        with_manifest(&tampered, change, || tampered.is_refused(levels, 4, what));
    }
}
