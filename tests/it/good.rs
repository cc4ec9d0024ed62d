//! One notion of a good backup: what `@latest` means, and what happens when something beside a backup cannot be read.

use crate::bench::Bench;
use crate::place::Place;
use std::path::PathBuf;

fn folder(bench: &Bench, id: &str) -> PathBuf {
    bench.objects_folder().join("databases/shop/backups").join(id)
}

/// Damages the dump of a backup, and finds it bad.
fn spoil(bench: &Bench, id: &str) {
    let dump = bench.objects().into_keys().find(|key| key.contains(id) && key.contains("shop.dump")).unwrap();
    std::fs::write(bench.objects_folder().join(dump), "gone").unwrap();
    bench.run(&["verify", id, "--level", "checksum"]).expect(4);
}

fn rows(bench: &Bench) -> String {
    bench.postgres.psql("shop", "SELECT count(*) FROM item")
}

#[test]
fn a_restore_that_is_repeated_restores_the_same_backup_and_not_its_safety_copy() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    bench.postgres.psql("shop", "DELETE FROM sale; DELETE FROM item WHERE id > 10;");
    for _ in 0..2 {
        let report = bench.run(&["restore", "shop@latest", "--safety-backup", "--yes", "--json"]).ok().json();
        assert_eq!(report["backup"], id.as_str());
        assert_eq!(rows(&bench), "1000");
    }
    let listed = bench.listed();
    assert_eq!(
        (listed.len(), &listed[0]["purpose"], &listed[2]["purpose"]),
        (3, &"safety".into(), &"manual".into())
    );
    // By its id it is a backup like any other.
    bench.run(&["restore", listed[1]["id"].as_str().unwrap(), "--dbname", "shop", "--yes"]).ok();
    assert_eq!(rows(&bench), "10");
}

#[test]
fn a_backup_of_some_databases_is_what_a_reference_means_only_for_those() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.postgres.psql("postgres", "CREATE DATABASE wiki;");
    bench.write(
        &std::fs::read_to_string(bench.path("jagad.toml"))
            .unwrap()
            .replace("dbnames = [\"shop\"]", "dbnames = [\"shop\", \"wiki\"]"),
    );
    let whole = bench.back_up(&[]);
    let partial = bench.back_up(&["--dbname", "wiki"]);
    let means = |args: &[&str]| {
        let plan = bench.run(&[&["restore", "--db", "shop", "--plan", "--json"], args].concat()).ok();
        (plan.json()["backup"].as_str().unwrap().to_owned(), plan.stderr)
    };
    let (id, told) = means(&[]);
    assert_eq!(id, whole);
    assert!(told.contains(&format!("`shop@latest` passes over {partial}: it holds only some")), "{told}");
    assert_eq!(means(&["--dbname", "wiki"]).0, partial);
    assert_eq!(means(&["--dbname", "shop"]).0, whole);
    bench.run(&["restore", "shop@latest", "--dbname", "none", "--plan"]).expect(5).says("none").helps();
}

#[test]
fn latest_passes_over_what_was_found_bad_and_says_so() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let (good, bad) = (bench.back_up(&[]), bench.back_up(&[]));
    spoil(&bench, &bad);
    let plan = bench.run(&["restore", "shop@latest", "--plan", "--json"]).ok();
    assert_eq!(plan.json()["backup"], good.as_str());
    plan.says(&format!("passes over {bad}")).says("level checksum failed");
    // A look that is less deep does not make it good again.
    bench.run(&["verify", &bad, "--level", "exists"]);
    let listed = bench.listed();
    assert_eq!(
        (&listed[0]["verification"], &listed[1]["verification"]),
        (&"failed".into(), &"pending".into())
    );
    let status = bench.run(&["status", "--json"]).ok().json();
    assert_eq!(status["databases"][0]["last_good"]["id"], good.as_str());
    assert_eq!(status["databases"][0]["good_backups"], 1);

    spoil(&bench, &good);
    let none = bench.run(&["restore", "shop@latest", "--yes"]).expect(5);
    none.says("no good backup for `shop@latest`").says(&good).says(&bad).helps();
    assert_eq!(bench.run(&["status", "--json"]).ok().json()["databases"][0]["good_backups"], 0);
}

#[test]
fn latest_is_the_newest_of_all_stores() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    std::fs::create_dir(bench.path("second")).unwrap();
    bench.add("[stores.second]\ntype = \"local\"\npath = \"second\"\n");
    let latest = || {
        let shown = bench.run(&["show", "shop@latest", "--json"]).ok();
        (shown.json()["manifest"]["id"].as_str().unwrap().to_owned(), shown.stderr)
    };
    let old = bench.back_up(&[]);
    assert_eq!(latest(), (old.clone(), String::new()));
    let moved = bench.back_up(&["--store", "second"]);
    let (id, told) = latest();
    assert_eq!(id, moved);
    assert!(told.contains("means a backup in store `second`"), "{told}");
    bench.run(&["restore", "shop@latest", "--plan"]).ok().says("store `second`");
    // What another store may hold is told, and keeps nobody from what is at hand.
    std::fs::rename(bench.path("second"), bench.path("away")).unwrap();
    let (id, told) = latest();
    assert_eq!(id, old);
    assert!(told.contains("store `second` may hold a newer backup"), "{told}");
    std::fs::rename(bench.path("away"), bench.path("second")).unwrap();
    let newest = bench.back_up(&[]);
    assert_eq!(latest(), (newest, String::new()));
}

#[test]
fn a_backup_is_found_whatever_other_store_is_gone() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    std::fs::create_dir(bench.path("second")).unwrap();
    bench.add("[stores.second]\ntype = \"local\"\npath = \"second\"\n");
    let here = bench.back_up(&[]);
    let there = bench.back_up(&["--store", "second"]);
    let main = bench.path("store");
    std::fs::rename(&main, bench.path("away")).unwrap();
    for text in [there.as_str(), &there[..there.len() - 2]] {
        let shown = bench.run(&["show", text, "--json"]).ok().json();
        assert_eq!(shown["manifest"]["id"], there.as_str());
    }
    bench.run(&["restore", &there, "--plan"]).ok();
    // Whether its own store has a newer one is not known, so nobody decides that but the user.
    bench
        .run(&["show", "shop@latest"])
        .expect(10)
        .says("may mean a backup in store `main`")
        .says(&there)
        .helps();
    bench.run(&["restore", "shop@latest", "--plan"]).expect(10).says(&there).helps();
    bench.run(&["show", "shop@latest", "--store", "second"]).ok();
    // What no store at hand has may be in the one that is gone.
    bench.run(&["show", &here]).expect(10);
    bench.run(&["delete", &here, "--yes"]).expect(10);
    std::fs::rename(bench.path("away"), &main).unwrap();
    bench.run(&["show", &here]).ok();
}

#[test]
fn records_beside_a_manifest_that_cannot_be_read_hide_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let old = bench.back_up(&[]);
    let new = bench.back_up(&["--pin", "--verify", "checksum"]);
    let verified = std::fs::read_dir(folder(&bench, &new).join("verified")).unwrap().next().unwrap();
    for (file, words) in [
        (folder(&bench, &new).join("pin.json"), "so it stays pinned"),
        (verified.unwrap().path(), "the verification of"),
    ] {
        let whole = std::fs::read(&file).unwrap();
        for damage in [&b"{\"format\":2}"[..], b"", b"\xff\xff", b"[]"] {
            std::fs::write(&file, damage).unwrap();
            bench.run(&["list"]).ok().says(words);
            bench.run(&["show", &new]).ok().says(words);
            let plan = bench.run(&["restore", "shop@latest", "--plan", "--json"]).ok().json();
            assert_eq!(plan["backup"], new.as_str());
        }
        std::fs::write(&file, whole).unwrap();
        std::fs::write(&file, "{\"format\":2}").unwrap();
    }
    let listed = bench.listed();
    assert_eq!((&listed[0]["verification"], &listed[0]["pinned"]), (&"unknown".into(), &true.into()));
    bench.run(&["delete", &new, "--yes"]).expect(6).says("is pinned").helps();
    bench.run(&["delete", &old, "--yes"]).ok();
    bench.run(&["unpin", &new]).ok();
    bench.run(&["verify", &new, "--level", "checksum"]).ok();
    assert_eq!(bench.listed()[0]["verification"], "passed");
}

#[test]
fn a_verification_of_a_clock_that_was_far_ahead_does_not_hide_the_later_ones() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&["--verify", "checksum"]);
    let verified = folder(&bench, &id).join("verified");
    let first = std::fs::read_dir(&verified).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&first).unwrap();
    let year = &text[text.find("\"verified_at\": \"").unwrap() + 16..][..4];
    std::fs::write(verified.join("20990101T000000Z.json"), text.replace(&format!("\"{year}-"), "\"2099-"))
        .unwrap();
    std::fs::write(verified.join("zzz.txt"), "left by somebody").unwrap();
    std::fs::remove_file(first).unwrap();
    let state = || bench.listed()[0]["verification"].as_str().unwrap().to_owned();
    assert_eq!(state(), "passed");
    bench.run(&["verify", "--db", "shop", "--max-age", "1d"]).ok().says("VERIFY: OK");
    spoil(&bench, &id);
    assert_eq!(state(), "failed");
    bench.run(&["restore", "shop@latest", "--plan"]).expect(5).says("no good backup");
}

#[test]
fn a_copy_of_a_backup_under_another_database_hides_it_not() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    for other in ["aaa", "zzz"] {
        let copy = bench.path(&format!("store/databases/{other}/backups")).join(&id);
        std::fs::create_dir_all(&copy).unwrap();
        for file in std::fs::read_dir(folder(&bench, &id)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
    }
    assert_eq!(bench.run(&["show", &id, "--json"]).ok().json()["manifest"]["database"], "shop");
    bench.run(&["verify", &id]).ok();
    bench.run(&["restore", &id, "--plan"]).ok();
    assert!(bench.run(&["delete", &id, "--dry-run"]).ok().stdout.contains("of `shop`"));
    std::fs::remove_file(folder(&bench, &id).join("manifest.json")).unwrap();
    bench.run(&["restore", &id, "--yes"]).expect(4).says("is in the wrong place");
}

#[test]
fn a_newer_backup_that_cannot_be_read_is_not_passed_over_in_silence() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    // Ids tell seconds, and which of two of one second is newer cannot be told from them.
    let (mut old, mut new) = (bench.back_up(&[]), bench.back_up(&[]));
    while new[..16] == old[..16] {
        old = std::mem::replace(&mut new, bench.back_up(&[]));
    }
    let manifest = folder(&bench, &new).join("manifest.json");
    let whole = std::fs::read(&manifest).unwrap();
    for (damage, code) in [("{\"format\":2}", 7), ("{\"format\":1,", 4)] {
        std::fs::write(&manifest, damage).unwrap();
        let refused = bench.run(&["restore", "shop@latest", "--yes"]).expect(code);
        refused
            .says("`shop@latest` is ambiguous")
            .says(&new)
            .says(&format!("that can be read is {old}"))
            .helps();
        bench.run(&["restore", &old, "--plan"]).ok();
        bench.run(&["list"]).ok().says(&format!("backup {new} of `shop` cannot be read"));
    }
    bench.run(&["delete", &new, "--dry-run"]).ok();
    std::fs::write(&manifest, whole).unwrap();
    std::fs::write(folder(&bench, &old).join("manifest.json"), "{\"format\":2}").unwrap();
    bench.run(&["restore", "shop@latest", "--plan"]).ok();
    let deleted = bench.run(&["delete", &old, "--yes", "--json"]).ok().json();
    assert_eq!(deleted["backups"][0]["readable"], false);
    assert!(!folder(&bench, &old).exists());
}

#[test]
fn the_last_good_backup_is_not_deleted_by_a_yes_alone() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let (good, bad) = (bench.back_up(&[]), bench.back_up(&[]));
    spoil(&bench, &bad);
    let newer = bench.back_up(&[]);
    // The newest first, and in one command: it is the same loss.
    for ids in [&[&good, &newer][..], &[&newer, &good]] {
        let args: Vec<&str> = ["delete"].into_iter().chain(ids.iter().map(|id| id.as_str())).collect();
        let refused = bench.run(&[&args[..], &["--yes"]].concat()).expect(6);
        refused.says("the last good backup of `shop`").says("--delete-last-good").helps();
    }
    assert_eq!(bench.listed().len(), 3);
    bench.run(&["delete", &newer, "--yes"]).ok();
    bench.run(&["delete", &good, "--yes"]).expect(6);
    bench.run(&["delete", &bad, "--yes"]).ok();
    bench.run(&["delete", &good, "--delete-last-good"]).expect(6).says("there is no terminal");
    bench.run(&["delete", &good, "--yes", "--delete-last-good"]).ok();
}

#[test]
fn a_verification_under_way_is_seen_and_a_dead_one_is_not() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    bench.fill(6);
    let id = bench.back_up(&["--compression", "none"]);
    let state = || bench.listed()[0]["verification"].as_str().unwrap().to_owned();
    assert_eq!(state(), "pending");
    bench.slow_down("/shop.dump.enc");
    let run = bench.program(&["verify", &id, "--level", "checksum"]);
    crate::program::wait_until("the verification is seen", || state() == "verifying");
    assert!(bench.run(&["show", &id]).ok().stdout.contains("verifying"));
    run.signal(nix::sys::signal::Signal::SIGKILL);
    run.wait();
    bench.server().end_faults();
    crate::program::wait_until("the dead one is forgotten", || state() == "pending");
    bench.run(&["verify", &id]).ok();
    assert_eq!(state(), "passed");
    assert!(!bench.objects().keys().any(|key| key.contains("verifying")));
    std::fs::write(folder(&bench, &id).join("verifying.json"), "{").unwrap();
    assert_eq!(state(), "passed");
}

#[test]
fn a_drill_whose_server_died_or_whose_disk_is_full_proves_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&["--verify", "checksum"]);
    for (what, words) in
        [("died", "server closed the connection unexpectedly"), ("full", "No space left on device")]
    {
        let set = bench.with_tool("pg_restore", &format!("echo '{words}' >&2; exit 1"));
        let output = bench.run(&["verify", &id, "--level", "restore", "--set", &set]);
        assert!(![0, 4].contains(&output.code), "{what}: {output:?}");
        output.says("VERIFY: INCONCLUSIVE").says(words);
        let row = &bench.listed()[0];
        assert_eq!(
            (&row["verification"], &row["verified_level"]),
            (&"inconclusive".into(), &"restore".into())
        );
    }
    assert_eq!(bench.run(&["restore", "shop@latest", "--plan", "--json"]).ok().json()["backup"], id.as_str());
    bench.run(&["verify", &id, "--level", "restore"]).ok();
}

#[test]
fn a_drill_whose_server_is_killed_proves_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    let server = bench.path("tmp/jagad-drill-*/data/postmaster.pid");
    let kill = format!(
        "case \"$*\" in *--list*) ;; *) kill -9 $(head -n 1 {}) ;; esac; exec $real \"$@\"",
        server.display()
    );
    let set = bench.with_tool("pg_restore", &kill);
    let output = bench.run(&["verify", &id, "--level", "restore", "--set", &set]);
    assert!(![0, 4].contains(&output.code), "{output:?}");
    output.says("VERIFY: INCONCLUSIVE");
    assert_eq!(bench.listed()[0]["verification"], "inconclusive");
}

#[test]
fn a_backup_that_is_being_made_is_shown() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let gate = bench.path("gate");
    let set =
        bench.with_dump(&format!("while [ ! -e {} ]; do sleep 0.1; done; exec $real \"$@\"", gate.display()));
    let run = bench.program(&["backup", "shop", "--set", &set]);
    crate::program::wait_until("it is listed", || !bench.listed().is_empty());
    let id = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.run(&["show", &id, "--json"]).ok().json()["status"], "running");
    assert!(bench.run(&["show", &id]).ok().stdout.contains("status      running"));
    std::fs::write(gate, "").unwrap();
    run.wait().ok();
    assert_eq!(bench.run(&["show", &id, "--json"]).ok().json()["manifest"]["status"], "success");
}

#[test]
fn a_full_that_cannot_be_read_stays_and_keeps_nothing_else_from_being_pruned() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.add("[policies.prod]\nretention = { full = 1 }\n");
    let made: Vec<String> = (0..3).map(|_| bench.back_up(&[])).collect();
    std::fs::write(folder(&bench, &made[0]).join("manifest.json"), "{\"format\":2}").unwrap();
    let prune = ["prune", "--set", "databases.shop.policy=prod"];
    bench.run(&prune).ok();
    assert!(folder(&bench, &made[0]).exists() && !folder(&bench, &made[1]).exists());
    // What an incremental builds on is not known without its manifest.
    let hidden = folder(&bench, "20260101T020000Z-incremental-abcdef");
    std::fs::create_dir(&hidden).unwrap();
    std::fs::write(hidden.join("manifest.json"), "{\"format\":2}").unwrap();
    bench
        .run(&prune)
        .expect(7)
        .says("nothing is removed while 20260101T020000Z-incremental-abcdef cannot be read");
}
