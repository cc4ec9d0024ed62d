//! Keys over the years, and backups that are kept or deleted by hand.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::faulty::{Asked, Fault, error};

#[test]
fn a_rotated_key_still_opens_old_backups() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let old = bench.back_up(&[]);
    let rotated = bench.run(&["key", "rotate", "main", "--yes", "--json"]).ok().json();
    let new = bench.back_up(&[]);
    let key =
        |id: &str| bench.run(&["show", id, "--json"]).ok().json()["manifest"]["recipe"]["key_id"].clone();
    assert_ne!(key(&old), key(&new));
    assert_eq!(key(&new), rotated["active"]["id"]);
    for id in [&old, &new] {
        bench.run(&["restore", id, "--yes"]).ok();
    }
    bench.run(&["backup", "shop", "--key", "main"]).expect(12);
}

#[test]
fn without_its_key_a_backup_is_refused_and_nothing_is_touched() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    bench.run(&["key", "generate", "other", "-o", "other.key"]).ok();
    std::fs::rename(bench.path("other.key"), bench.path("main.key")).unwrap();
    bench.postgres.psql("shop", "CREATE TABLE later (a int);");
    let before = bench.fingerprint();
    bench.run(&["restore", &id, "--yes"]).expect(12).says("DECRYPT ERROR").helps();
    bench.run(&["verify", &id, "--level", "read"]).expect(12).helps();
    bench.run(&["verify", &id, "--level", "restore"]).expect(12).helps();
    bench.run(&["download", &id, "-o", "out"]).expect(12).helps();
    // What needs no key works without it.
    let trusting = ["verify", &id, "--level", "checksum", "--allow-unauthenticated"];
    bench.run(&trusting).ok().says("only the stored bytes were checked");
    assert_eq!(bench.fingerprint(), before);
    assert!(!bench.path("out").exists());
    std::fs::remove_file(bench.path("main.key")).unwrap();
    bench.run(&["backup", "shop"]).expect(12).helps();
}

#[test]
fn a_passphrase_is_a_key() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let before = bench.fingerprint();
    std::fs::write(bench.path("words"), "correct horse battery staple\n").unwrap();
    bench.add("[keys.words]\npassphrase_file = \"words\"\n");
    let id = bench.back_up(&["--key", "words"]);
    bench.postgres.psql("shop", "DROP TABLE sale;");
    bench.run(&["restore", &id, "--yes"]).ok();
    assert_eq!(bench.fingerprint(), before);
    std::fs::write(bench.path("words"), "correct horse battery stable\n").unwrap();
    bench.run(&["restore", &id, "--yes"]).expect(12).helps();
}

#[test]
fn what_is_pinned_stays_and_what_is_deleted_is_gone() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let (first, second) = (bench.back_up(&[]), bench.back_up(&["--pin"]));
    let count = bench.objects().len();
    bench.run(&["delete", &first, &second, "--yes"]).expect(6).says("is pinned").helps();
    assert_eq!(bench.objects().len(), count);
    bench.run(&["delete", &first, "--yes"]).ok();
    assert!(!bench.objects().keys().any(|key| key.contains(&first)));
    bench.run(&["restore", &first, "--yes"]).expect(5).helps();
    bench.run(&["unpin", &second]).ok();
    bench.run(&["pin", &second, "--note", "before the move"]).ok();
    assert_eq!(bench.listed()[0]["pinned"], true);
    bench.run(&["unpin", &second]).ok();
    bench.run(&["delete", &second, "--yes", "--delete-last-good"]).ok();
    assert!(bench.listed().is_empty());
    let left: Vec<String> = bench.objects().into_keys().collect();
    assert_eq!(left, ["jagad.json"]);
}

#[test]
fn what_a_delete_could_not_remove_goes_with_the_next_run() {
    let Some(bench) = Bench::small(Place::server()) else { return };
    let (doomed, kept) = (bench.back_up(&[]), bench.back_up(&[]));
    bench.server().fail(|asked: &Asked| {
        let many = asked.method == http::Method::POST && asked.query.starts_with("delete");
        let data = asked.method == http::Method::DELETE && asked.path.contains(".dump");
        if many || data { error(403, "AccessDenied") } else { Fault::Pass }
    });
    let output = bench.run(&["delete", &doomed, "--yes"]);
    assert_ne!(output.code, 0, "{output:?}");
    output.says("the next run on `shop`");
    bench.server().end_faults();
    assert!(bench.listed().iter().all(|row| row["id"] != doomed.as_str()));
    assert!(bench.objects().keys().any(|key| key.contains(&doomed)));
    bench.run(&["delete", &kept, "--yes", "--delete-last-good", "--wait", "20s"]).ok();
    assert!(!bench.objects().keys().any(|key| key.starts_with("databases/")), "{:?}", bench.objects().keys());
}
