//! What the options of a logical restore mean for a database out of the files of a physical backup, and what goes wrong on the way.

use crate::folder::open;
use crate::from_files::{assert_nothing_left, bench, take};

#[test]
fn one_database_that_cannot_be_dumped_keeps_no_other_from_coming_back() {
    let Some(bench) = bench(18) else { return };
    bench.postgres.psql("postgres", "CREATE DATABASE busy;");
    // Of another encoding and other rules of sorting than the rest.
    bench.postgres.psql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;");
    bench.postgres.psql("latin", "CREATE TABLE t AS SELECT chr(228) AS a;");
    let id = take(&bench, "full");
    let (shop, latin) = (bench.postgres.fingerprint("shop"), bench.postgres.fingerprint("latin"));
    bench.postgres.psql("shop", "DROP TABLE sale;");
    bench.postgres.psql("postgres", "DROP DATABASE latin;");
    let fails = "[ \"$PGDATABASE\" != busy ] || { echo 'no such library' >&2; exit 1; }; exec $real \"$@\"";
    let set = bench.with_tool("pg_dump", fails).replace("databases.shop", "databases.whole");
    let databases = ["--dbname", "busy", "--dbname", "shop", "--dbname", "latin"];
    let restore = [&["restore", id.as_str(), "--set", set.as_str(), "--yes"], &databases[..]].concat();
    let before = bench.fingerprint();
    bench.run(&restore).expect(1).says("dump busy out of the throw-away server").says("no such library");
    assert_eq!(bench.fingerprint(), before);
    let said = bench.run(&[&restore[..], &["--keep-going", "--json"]].concat()).expect(3).json();
    assert_eq!((&said["status"], &said["failed"][0]["database"]), (&"partial".into(), &"busy".into()));
    assert_eq!(bench.postgres.fingerprint("shop"), shop);
    assert_eq!(bench.postgres.fingerprint("latin"), latin);
    // Where nothing is left, nothing was restored.
    bench.run(&["restore", &id, "--set", &set, "--dbname", "busy", "--keep-going", "--yes"]).expect(1);
    assert_nothing_left(&bench, "tmp");
}

#[test]
fn what_is_replaced_out_of_files_can_be_backed_up_first() {
    let Some(bench) = bench(15) else { return };
    let id = take(&bench, "full");
    bench.postgres.psql("shop", "UPDATE item SET name = 'precious';");
    let before = bench.postgres.fingerprint("shop");
    bench.run(&["restore", &id, "--dbname", "shop", "--safety-backup", "--yes"]).ok().says("is pinned");
    assert_eq!(bench.postgres.psql("shop", "SELECT count(*) FROM item WHERE name = 'precious'").trim(), "0");
    let listed = bench.run(&["list", "whole", "--json"]).ok().json();
    let safety = listed["backups"][0]["id"].as_str().unwrap().to_owned();
    bench.run(&["restore", &safety, "--dbname", "shop", "--yes"]).ok();
    assert_eq!(bench.postgres.fingerprint("shop"), before);
    // The name means the good backup of the whole server, and not the safety copy.
    let plan = bench.run(&["restore", "whole@latest", "--dbname", "shop", "--plan", "--json"]).ok().json();
    assert_eq!(plan["backup"], id.as_str());
    bench.change("[databases.whole]\n", "[databases.whole]\nprotect = true\n");
    bench.run(&["restore", &id, "--dbname", "shop", "--yes"]).expect(6).says("is protected").helps();
}

/// Neither says anything about the backup.
#[test]
fn a_folder_that_is_too_small_or_closed_to_the_server_is_no_fault_of_the_backup() {
    let Some(bench) = bench(15) else { return };
    bench.fill(24);
    let id = take(&bench, "full");
    let before = bench.fingerprint();
    let plan = bench.run(&["restore", &id, "--dbname", "shop", "--plan", "--json"]).ok().json();
    // Room for the files, and for a part of the dump.
    let room = (plan["scratch"]["bytes"].as_u64().unwrap() >> 10) + 4096;
    let small = format!("mkdir -p small; mount -t tmpfs -o size={room}k none small");
    let restore = ["restore", &id, "--dbname", "shop", "--scratch", "small", "--yes"];
    let Some(output) = crate::housekeeping::among_mounts(&bench, &small, &restore) else { return };
    assert!([7, 14].contains(&output.code), "{output:?}");
    output.says("No space left on device").helps();
    assert_eq!(bench.fingerprint(), before);
    let closed = bench.path("closed");
    std::fs::create_dir(&closed).unwrap();
    open(&closed, 0o700);
    if nix::unistd::geteuid().is_root() {
        let closed = closed.to_str().unwrap();
        let output = bench.run(&["restore", &id, "--dbname", "shop", "--scratch", closed, "--yes"]);
        output.expect(7).says("start a throw-away server").says("Permission denied").helps();
        assert_nothing_left(&bench, "closed");
    }
}
