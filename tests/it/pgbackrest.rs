//! Backups that pgBackRest takes and keeps, by the program itself, with both versions of pgBackRest.

use crate::pgbackrest_bench::{BackRest, id, label, prints};
use serde_json::Value;

/// A full, what was changed since, and again: each comes back as it was when it was taken.
fn every_backup_comes_back(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    let state = || bench.postgres.fingerprint("shop");
    let mut moments = vec![(bench.take(&["--type", "incremental"]), state())];
    let first = moments[0].0.clone();
    assert_eq!((&first["kind"], &first["method"]), (&"full".into(), &"pgbackrest".into()), "{first}");
    assert_eq!(first["integrity"], "delegated");
    assert!(first["fallback_reason"].as_str().unwrap().contains("no full backup"), "{first}");
    for change in ["UPDATE item SET name = 'changed' WHERE id < 500;", "DROP TABLE sale; VACUUM item;"] {
        bench.postgres.psql("shop", change);
        moments.push((bench.take(&["--type", "incremental"]), state()));
    }
    bench.postgres.psql("postgres", "DROP DATABASE shop;");
    for (number, (manifest, expected)) in moments.iter().enumerate() {
        let folder = format!("files{number}");
        let plan = bench.run(&["restore", id(manifest), "--target-dir", &folder, "--plan"]).ok();
        prints(&plan, &["--set=", "answers for it"]);
        assert!(!bench.path(&folder).exists(), "a plan changes nothing");
        bench.run(&["restore", id(manifest), "--target-dir", &folder]).ok();
        // It needs nothing more of the repository.
        let server = bench.started(&bench.path(&folder));
        assert_eq!(&server.fingerprint("shop"), expected, "backup {number}");
        assert_eq!(server.psql("postgres", "SHOW archive_mode;").trim(), "off");
    }
    let (last, middle) = (&moments[2].0, &moments[1].0);
    assert_eq!((&last["kind"], &last["parent"]), (&"incremental".into(), &middle["id"]), "{last}");
    assert_eq!(middle["parent"], first["id"]);
    assert_eq!(last["physical"]["type"], "incr");
    bench.run(&["verify", id(last), "--level", "checksum"]).ok().says("answers for it");
    bench.run(&["verify", id(last), "--level", "restore"]).ok().says("DRILL: shop");
    let listed = bench.listed();
    assert_eq!(listed[0]["integrity"], "delegated");
    assert!(listed[0]["stored_bytes"].as_u64().unwrap() > 0, "{}", listed[0]);
    prints(&bench.run(&["list"]).ok(), &["delegated to pgBackRest"]);
    prints(&bench.run(&["show", id(last)]).ok(), &["keeps the data and answers for it", label(last)]);
    let checked = bench.run(&["check", "whole"]).ok();
    prints(&checked, &["WAL reaches the repository", "3 of its backups, 3 of them"]);
}

on_each!(every_backup_comes_back as every_backup_is_restored: 15, 18);

/// What pgBackRest has expired shows as gone everywhere, and is never taken for good.
fn what_is_expired_is_gone(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    bench.configure("repo1-retention-full=1");
    let old = bench.take(&[]);
    let new = bench.take(&[]);
    let rows = bench.listed();
    let row = |id: &Value| rows.iter().find(|row| row["id"] == *id).unwrap();
    assert_eq!(row(&old["id"])["verification"], "gone", "{rows:?}");
    assert!(row(&old["id"])["error"].as_str().unwrap().contains(label(&old)));
    assert_eq!(row(&new["id"])["verification"], "pending");
    prints(&bench.run(&["show", id(&old)]).ok(), &["has no backup"]);
    bench.run(&["restore", id(&old), "--target-dir", "files"]).expect(5).says(label(&old)).helps();
    assert!(!bench.path("files").exists());
    bench.run(&["verify", id(&old), "--level", "exists"]).expect(4).says(label(&old));
    // What is left of it goes, and nothing of what is there.
    bench.add("[policies.p]\nfull = { every = \"daily\" }\nretention = { full = 1 }\n");
    bench.change("method = \"pgbackrest\"\n", "method = \"pgbackrest\"\npolicy = \"p\"\n");
    bench.run(&["prune", "--db", "whole"]).ok();
    let left: Vec<Value> = bench.listed().iter().map(|row| row["id"].clone()).collect();
    assert_eq!(left, [new["id"].clone()]);
    // Nothing there at all says more of the configuration than of the backups.
    let moved = bench.path("elsewhere");
    std::fs::rename(bench.repository().join("backup"), &moved).unwrap();
    bench.run(&["list"]).ok();
    bench.run(&["prune", "--db", "whole"]).ok();
    assert_eq!(bench.listed().len(), 1);
    std::fs::rename(&moved, bench.repository().join("backup")).unwrap();
    bench.run(&["restore", "whole@latest", "--target-dir", "files"]).ok();
}

on_each!(what_is_expired_is_gone as what_is_expired_shows_as_gone: 15, 18);

/// Damage of pgBackRest's repository is found, though it ends with 0.
fn damage_is_found(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    let full = bench.take(&[]);
    bench.run(&["verify", id(&full), "--level", "checksum"]).ok();
    let file = bench.stored_file(label(&full));
    let good = std::fs::read(&file).unwrap();
    let mut bent = good.clone();
    let middle = bent.len() / 2;
    bent[middle] ^= 0xff;
    std::fs::write(&file, &bent).unwrap();
    bench.run(&["verify", id(&full), "--level", "exists"]).ok();
    bench.run(&["verify", id(&full), "--level", "checksum"]).expect(4).says("files are bad");
    bench.run(&["restore", id(&full), "--target-dir", "files"]).expect(4).helps();
    assert!(!bench.path("files").exists(), "a restore that fails leaves nothing");
    bench.run(&["restore", "whole@latest", "--target-dir", "files"]).expect(5);
    // Nothing is built on what is bad.
    let next = bench.take(&["--type", "incremental"]);
    assert_eq!(next["kind"], "full");
    assert!(next["fallback_reason"].as_str().unwrap().contains(id(&full)), "{next}");
    std::fs::write(&file, &good).unwrap();
    bench.run(&["verify", id(&full), "--level", "checksum"]).ok();
    // A segment of WAL that the backup needs: pgBackRest's own verification says nothing of it.
    let wal = bench
        .repository()
        .join(format!("archive/main/{}/0000000100000000", full["physical"]["archive"].as_str().unwrap()));
    let needed = full["physical"]["wal_stop"].as_str().unwrap();
    let segment = std::fs::read_dir(&wal).unwrap().flatten();
    let segment = segment
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains(&format!("{needed}-")))
        .unwrap();
    std::fs::remove_file(segment).unwrap();
    bench.run(&["verify", id(&full), "--level", "exists"]).expect(4).says(needed);
}

on_each!(damage_is_found as damage_is_told: 15, 18);
