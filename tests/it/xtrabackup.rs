//! Physical backups of MySQL by XtraBackup, by contract: a script stands in for it, which holds to what its documentation says.

use crate::folder::open;
use crate::sql_bench::SqlBench;
use crate::support::mysql::{Release, Sql};
use serde_json::Value;
use std::os::unix::fs::symlink;

/// A server with a database `shop`, and the entry `whole` of its files, whose folder of programs has the stand-in of `version`.
fn bench(version: &str) -> Option<SqlBench> {
    let bench = SqlBench::small(Release::MySql97)?;
    bench.sql.run("", "INSTALL PLUGIN clone SONAME 'mysql_clone.so';");
    let bin = bench.path("bin");
    for program in ["mysql", "mysqldump"] {
        symlink(bench.sql.bin().join(program), bin.join(program)).unwrap();
    }
    symlink(bench.sql.bin().join("../sbin/mysqld"), bin.join("mysqld")).unwrap();
    stand_in(&bench, version);
    let entry = bench.entry("whole", "method = \"physical\"");
    bench.add(&entry.replace(bench.sql.bin().to_str().unwrap(), bin.to_str().unwrap()));
    Some(bench)
}

/// Puts the stand-in of `version` in its place.
fn stand_in(bench: &SqlBench, version: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/xtrabackup.py");
    for program in ["xtrabackup", "xbstream"] {
        let path = bench.path("bin").join(program);
        let text = format!(
            "#!/bin/sh\nJAGAD_STANDIN={} exec python3 {script} {program} {version} \"$@\"\n",
            path.display()
        );
        std::fs::write(&path, text).unwrap();
        open(&path, 0o755);
    }
}

fn take(bench: &SqlBench, kind: &str) -> Value {
    let report = bench.run(&["backup", "whole", "--type", kind, "--json"]).ok().json();
    let id = report["backups"][0]["id"].as_str().unwrap().to_owned();
    bench.run(&["show", &id, "--json"]).ok().json()["manifest"].clone()
}

fn id(manifest: &Value) -> &str {
    manifest["id"].as_str().unwrap()
}

/// What a database holds. The next number of a column that counts is rounded by a server that starts.
fn contents(sql: &Sql, database: &str) -> String {
    let said = sql.fingerprint(database);
    let mut pieces = said.split(" AUTO_INCREMENT=");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn every_link_of_a_chain_of_mysql_comes_back() {
    let Some(bench) = bench("9.7.2") else { return };
    let mut moments = vec![(take(&bench, "full"), contents(&bench.sql, "shop"))];
    for change in [
        "UPDATE item SET name = 'changed' WHERE id < 500; DROP VIEW sold;",
        "CREATE TABLE fresh (a INT); DELETE FROM sale WHERE id > 1500;",
    ] {
        bench.sql.run("shop", change);
        moments.push((take(&bench, "incremental"), contents(&bench.sql, "shop")));
    }
    for (number, (manifest, expected)) in moments.iter().enumerate() {
        let kind = if number == 0 { "full" } else { "incremental" };
        assert_eq!((&manifest["kind"], &manifest["method"]), (&kind.into(), &"physical".into()));
        assert!(manifest["tool"].as_str().unwrap().starts_with("xtrabackup 9.7"), "{manifest}");
        let folder = format!("files{number}");
        let plan = bench.run(&["restore", id(manifest), "--target-dir", &folder, "--plan"]).ok().stdout;
        assert_eq!(plan.matches("--apply-log-only").count(), number, "on all but the last: {plan}");
        bench.run(&["restore", id(manifest), "--target-dir", &folder]).ok();
        let server = Sql::start_on(Release::MySql97, &bench.path(&folder));
        assert_eq!(&contents(&server, "shop"), expected, "link {number}");
    }
    let newest = id(&moments[2].0);
    bench.run(&["verify", newest, "--level", "read"]).ok();
    bench
        .run(&["verify", newest, "--level", "restore"])
        .ok()
        .says("CHECK TABLE has read")
        .says("shop: 3 tables");
    // One database out of the files, into the server that has lost it.
    bench.sql.run("", "DROP DATABASE shop; CREATE DATABASE other; CREATE TABLE other.t (a INT);");
    bench.run(&["restore", newest, "--dbname", "shop", "--yes"]).ok();
    assert_eq!(contents(&bench.sql, "shop"), moments[2].1);
    assert_eq!(bench.sql.run("other", "SHOW TABLES").trim(), "t");
}

#[test]
fn a_tool_of_another_series_is_refused_and_rights_are_named() {
    let Some(bench) = bench("8.4.0") else { return };
    let refused = bench.run(&["backup", "whole"]).expect(7);
    refused.says("xtrabackup here is of version 8.4.0, and the server").says("percona-xtrabackup-97");
    std::fs::remove_file(bench.path("bin/xtrabackup")).unwrap();
    bench.sql.run("", "UNINSTALL PLUGIN clone;");
    let missing = bench.run(&["backup", "whole"]).expect(7);
    missing.says("xtrabackup for MySQL 9.7").says("percona-xtrabackup-97").says("INSTALL PLUGIN clone");
    bench.sql.run("", "INSTALL PLUGIN clone SONAME 'mysql_clone.so';");
    stand_in(&bench, "9.7.2");
    bench.sql.run("", "CREATE USER copier@localhost; GRANT SELECT, PROCESS ON *.* TO copier@localhost;");
    let said = bench.run(&["check", "whole", "--set", "databases.whole.user=copier"]);
    assert_ne!(said.code, 0);
    assert!(
        said.stdout.contains("GRANT BACKUP_ADMIN, RELOAD, LOCK TABLES, REPLICATION CLIENT ON *.*"),
        "{said:?}"
    );
    bench.sql.run(
        "",
        "REVOKE SELECT ON *.* FROM copier@localhost;
         GRANT BACKUP_ADMIN, RELOAD, LOCK TABLES, REPLICATION CLIENT ON *.* TO copier@localhost;",
    );
    let said = bench.run(&["check", "whole", "--set", "databases.whole.user=copier"]);
    assert!(said.stdout.contains("GRANT SELECT ON performance_schema.log_status"), "{said:?}");
}

/// What the tool itself does not notice.
#[test]
fn a_copy_that_began_elsewhere_than_it_should_is_no_backup() {
    let Some(bench) = bench("9.7.2") else { return };
    take(&bench, "full");
    let path = bench.path("bin/xtrabackup");
    let real = std::fs::read_to_string(&path).unwrap();
    let bend = r#"
        for word; do case $word in --extra-lsndir=*) notes=${word#*=} ;; esac; done
        "$0.real" "$@" || exit
        [ -z "$notes" ] || sed -i 's/^from_lsn.*/from_lsn = 7/' "$notes/xtrabackup_checkpoints"
    "#;
    std::fs::write(bench.path("bin/xtrabackup.real"), &real).unwrap();
    open(&bench.path("bin/xtrabackup.real"), 0o755);
    std::fs::write(&path, format!("#!/bin/sh\n{bend}")).unwrap();
    bench.run(&["backup", "whole", "--type", "incremental"]).expect(1).says("was to begin at");
    // One that fails at its end leaves nothing either.
    let fails = "case \"$*\" in *--backup*) echo failed >&2; exit 1 ;; esac; JAGAD_STANDIN";
    std::fs::write(&path, real.replacen("JAGAD_STANDIN", fails, 1)).unwrap();
    bench.run(&["backup", "whole"]).expect(1);
    let statuses: Vec<_> =
        bench.run(&["list", "whole", "--json"]).ok().json()["backups"].as_array().unwrap().clone();
    assert_eq!(statuses.iter().filter(|row| row["status"] == "success").count(), 1);
}
