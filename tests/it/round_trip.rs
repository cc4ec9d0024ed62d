//! The main job: what was backed up comes back, from every store and on every version.

use crate::bench::Bench;
use crate::place::Place;

/// Backs up everything there is, looks at it in every way, loses something, and gets it back.
fn everything_comes_back(major: u32, place: Option<Place>) {
    let Some(bench) = place.and_then(|place| Bench::new(major, place)) else { return };
    bench.postgres.create_content("shop");
    let before = bench.postgres.fingerprint("shop");

    let report = bench.run(&["backup", "shop", "--json", "--note", "first"]).ok().json();
    let report = &report["backups"][0];
    assert_eq!((&report["status"], &report["database"]), (&"success".into(), &"shop".into()));
    assert!(report["rows"].as_u64().unwrap() > 500, "{report}");
    let id = report["id"].as_str().unwrap();

    let listed = bench.listed();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&id.into(), &"success".into()));
    assert_eq!((&listed[0]["note"], &listed[0]["store"]), (&"first".into(), &"main".into()));
    let detail = bench.run(&["show", &id[..id.len() - 3], "--json"]).ok().json();
    assert_eq!(detail["manifest"]["recipe"]["cipher"], "aes-256-gcm");
    assert_eq!(
        detail["manifest"]["server"]["version"].as_str().unwrap().split('.').next(),
        Some(major.to_string().as_str())
    );
    let log = bench.run(&["logs", "shop@latest"]).ok().stdout;
    for line in
        ["BACKUP: streaming postgresql shop", "DUMP: postgresql started", "bytes uncompressed", "BACKUP: OK"]
    {
        assert!(log.contains(line), "no `{line}` in {log}");
    }
    for level in ["exists", "checksum", "read", "restore"] {
        let verified = bench.run(&["verify", id, "--level", level, "--json"]).ok().json();
        assert_eq!(
            (&verified["verified"][0]["level"], &verified["verified"][0]["status"]),
            (&level.into(), &"passed".into())
        );
    }

    bench.postgres.psql(
        "shop",
        "DROP TABLE sales.orders CASCADE; DELETE FROM public.hostile; CREATE TABLE later (a int);",
    );
    let restored = bench.run(&["restore", "--db", "shop", "--yes", "--json"]).ok().says("RESTORE: OK").json();
    assert_eq!(restored["status"], "success");
    assert_eq!(bench.postgres.fingerprint("shop"), before);
    assert_eq!(bench.postgres.databases(), ["postgres", "shop"]);
}

#[test]
fn everything_comes_back_from_a_directory_on_postgresql_15() {
    everything_comes_back(15, Some(Place::Local));
}

#[test]
fn everything_comes_back_from_a_directory_on_postgresql_18() {
    everything_comes_back(18, Some(Place::Local));
}

#[test]
fn everything_comes_back_from_an_s3_server_on_postgresql_15() {
    everything_comes_back(15, Some(Place::server()));
}

#[test]
fn everything_comes_back_from_an_s3_server_on_postgresql_18() {
    everything_comes_back(18, Some(Place::server()));
}

#[test]
fn everything_comes_back_from_the_rados_gateway() {
    everything_comes_back(18, Place::gateway());
}
