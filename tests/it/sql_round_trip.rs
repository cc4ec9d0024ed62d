//! The main job on MySQL and MariaDB: what was backed up comes back, under its own name and another, and into a newer
//! server.

use crate::sql_bench::{SqlBench, entry_of};
use crate::support::mysql::{Release, Sql};

/// Backs up everything there is, looks at it in every way, loses something, and gets it back.
fn everything_comes_back(release: Release) {
    let Some(bench) = SqlBench::new(release) else { return };
    bench.sql.create_content("shop");
    let before = bench.sql.fingerprint("shop");

    let report = bench.run(&["backup", "shop", "--json"]).ok().json();
    let report = &report["backups"][0];
    assert!(report["rows"].as_u64().unwrap() > 64000, "{report}");
    let id = report["id"].as_str().unwrap();
    let manifest = bench.run(&["show", id, "--json"]).ok().json()["manifest"].clone();
    assert_eq!(manifest["engine"], release.kind().as_str());
    assert!(!manifest["server"]["identity"].is_null() || release == Release::MariaDb1011, "{manifest}");
    let parts = manifest["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["kind"] == "database").unwrap();
    assert!(part["position"]["file"].as_str().unwrap().starts_with("binlog."), "{part}");
    assert!(part["position"]["gtid"].is_string(), "{part}");
    let shown = bench.run(&["show", id]).ok().stdout;
    assert!(shown.contains("position ") && shown.contains(" shop: binlog."), "{shown}");
    assert!(!manifest.to_string().contains("[client]"));
    for level in ["exists", "checksum", "read", "restore"] {
        let verified = bench.run(&["verify", id, "--level", level, "--json"]).ok().json();
        assert_eq!(verified["verified"][0]["status"], "passed", "{level}");
    }

    bench.sql.run("shop", "DROP TABLE hostile; DELETE FROM many; CREATE TABLE later (a int);");
    let restored = bench.run(&["restore", "--db", "shop", "--yes", "--json"]).ok().says("RESTORE: OK").json();
    assert_eq!(restored["status"], "success");
    assert_eq!(bench.sql.fingerprint("shop"), before);
    bench.run(&["restore", id, "--into", "the copy", "--yes"]).ok();
    // Events of a copy stay disabled.
    assert_eq!(bench.sql.fingerprint("the copy"), before.replace("\tENABLED\t", "\tDISABLED\t"));
    assert_eq!(bench.sql.databases(), ["shop", "the copy"]);
}

on_each!(everything_comes_back as everything_comes_back: MySql97, MariaDb1011, MariaDb118);

#[test]
fn a_backup_of_mariadb_10_11_goes_into_11_8_and_not_back() {
    let (Some(old), Some(new)) = (SqlBench::new(Release::MariaDb1011), Sql::start(Release::MariaDb118))
    else {
        return;
    };
    old.sql.create_content("shop");
    old.add(&entry_of(&new, "newer", "dbnames = [\"shop\"]"));
    let id = old.back_up(&[]);
    old.run(&["restore", &id, "--target", "newer", "--yes"]).ok().says("RESTORE: OK");
    let rows = |sql: &Sql| {
        sql.run("shop", "SELECT * FROM many ORDER BY id; SELECT HEX(b) FROM hostile; SELECT * FROM doc;")
    };
    assert_eq!(rows(&new), rows(&old.sql));
    let report = old.run(&["backup", "newer", "--json"]).ok().json();
    let newer = report["backups"][0]["id"].as_str().unwrap();
    old.run(&["restore", newer, "--target", "shop", "--yes"])
        .expect(7)
        .says("does not fit into the older")
        .helps();
}

#[test]
fn a_backup_never_goes_into_the_other_family() {
    let (Some(bench), Some(other)) = (SqlBench::small(Release::MySql97), Sql::start(Release::MariaDb118))
    else {
        return;
    };
    bench.add(&entry_of(&other, "other", "dbnames = [\"shop\"]"));
    let id = bench.back_up(&[]);
    let refused = bench.run(&["restore", &id, "--target", "other", "--yes"]).expect(6).helps();
    assert!(refused.stderr.contains("the backup is of mysql, `other` is mariadb"), "{}", refused.stderr);
    // An entry that says one family and reaches the other.
    let wrong = entry_of(&bench.sql, "wrong", "dbnames = [\"shop\"]").replace("\"mysql\"", "\"mariadb\"");
    bench.add(&wrong.replace(&*bench.sql.bin().to_string_lossy(), &other.bin().to_string_lossy()));
    bench.run(&["backup", "wrong"]).expect(7).says("engine = \"mysql\"");
}

/// MariaDB removes at its start what looks like temporary tables of a dead server from the folder for temporary files: of
/// a living one too, whose queries then fail.
fn a_drill_leaves_nothing_and_takes_nothing_away(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    let id = bench.back_up(&[]);
    let of_another_server = bench.path("t").join("#sql-temptable-1-2-3.MAI");
    std::fs::write(&of_another_server, "in use").unwrap();
    // Servers of one machine run as one user.
    if let Ok(Some(user)) = nix::unistd::User::from_name("mysql") {
        nix::unistd::chown(&of_another_server, Some(user.uid), Some(user.gid)).unwrap();
    }
    bench.run(&["verify", &id, "--level", "restore"]).ok();
    assert!(of_another_server.exists(), "the throw-away server removed a file of another one");
    let left: Vec<_> =
        std::fs::read_dir(bench.path("t")).unwrap().flatten().map(|entry| entry.path()).collect();
    let drills = left.iter().filter(|path| path.to_string_lossy().contains("jagad-drill-"));
    assert_eq!(drills.count(), 0, "{left:?}");
}

on_each!(a_drill_leaves_nothing_and_takes_nothing_away as a_drill_leaves_nothing_and_takes_nothing_away: MySql97, MariaDb118);

fn a_restore_that_is_repeated_restores_the_same_backup(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    let id = bench.back_up(&[]);
    let before = bench.sql.fingerprint("shop");
    bench.sql.run("shop", "DELETE FROM sale; DELETE FROM item WHERE id > 10;");
    for _ in 0..2 {
        let args = ["restore", "shop@latest", "--safety-backup", "--yes", "--json"];
        assert_eq!(bench.run(&args).ok().json()["backup"], id.as_str());
        assert_eq!(bench.sql.fingerprint("shop"), before);
    }
    // A manifest that somebody else wrote leads into no database of the server's own either.
    let path = bench.path("store/databases/shop/backups").join(&id).join("manifest.json");
    let manifest = std::fs::read_to_string(&path).unwrap();
    for name in ["mysql", "sys", "MySQL", "information_schema", "performance_schema"] {
        std::fs::write(
            &path,
            manifest.replace(
                "\"database\": \"shop\",\n      \"",
                &format!("\"database\": \"{name}\",\n      \""),
            ),
        )
        .unwrap();
        let args = ["restore", &id, "--yes", "--allow-unauthenticated"];
        bench.run(&args).expect(6).says("is the server's own");
    }
}

on_each!(a_restore_that_is_repeated_restores_the_same_backup as a_restore_that_is_repeated_restores_the_same_backup: MySql97, MariaDb118);
