//! Incrementals of the binary log with the rights that the README grants, and no others.

use crate::sql_bench::SqlBench;
use crate::sql_logs::{bench, contents, id};
use crate::support::mysql::Release;
use crate::support::presence::{Need, server_from};
use std::process::Command;

/// The grants of the README for this family: of who backs up, and of who restores.
fn grants(release: Release) -> (Vec<String>, Vec<String>) {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, section) =
        readme.split_once(if release == Release::MySql97 { "### MySQL" } else { "### MariaDB" }).unwrap();
    let section = section.split("\n### ").next().unwrap();
    let of = |user: &str| {
        let statements =
            section.lines().filter_map(|line| line.split_once(';').map(|(statement, _)| statement));
        let own = statements.filter(|statement| {
            statement.starts_with("GRANT ") && statement.ends_with(&format!(" TO {user}@'%'"))
        });
        own.map(str::to_owned).collect::<Vec<String>>()
    };
    (of("jagad"), of("jagad_restore"))
}

fn the_readme_grants_what_it_takes(release: Release) {
    let Some(bench) = bench(release, &[]) else { return };
    let sql = &bench.sql;
    let (backs_up, restores) = grants(release);
    for user in ["jagad", "jagad_restore"] {
        sql.run("", &format!("CREATE USER {user}@'%' IDENTIFIED BY 'right';"));
    }
    for grant in backs_up.iter().chain(&restores) {
        sql.run("", &format!("{grant};"));
    }
    std::fs::write(bench.path("password"), "right").unwrap();
    crate::folder::open(&bench.path("password"), 0o600);
    let entry = |name: &str, user: &str| {
        let entry =
            bench.entry(name, "dbnames = [\"shop\"]\ndump.globals = false\npassword_file = \"password\"");
        bench.add(&entry.replace("user = \"root\"", &format!("user = \"{user}\"")));
    };
    entry("mine", "jagad");
    entry("back", "jagad_restore");
    let take = |kind: &str| taken(&bench, kind);
    take("full");
    sql.run("shop", "CREATE TABLE more (id INT PRIMARY KEY, n INT); INSERT INTO more VALUES (1, 1), (2, 2); CREATE INDEX n ON more (n);
        DROP VIEW sold; CREATE VIEW seen AS SELECT * FROM item; CREATE TRIGGER m BEFORE INSERT ON more FOR EACH ROW SET NEW.n = 5;
        INSERT INTO more VALUES (3, 3); CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1;
        CREATE EVENT tick ON SCHEDULE EVERY 1 DAY DO SET @x = 1; ALTER TABLE more ADD COLUMN o INT; TRUNCATE TABLE sale;
        RENAME TABLE more TO fewer; UPDATE item SET name = 'y'; DELETE FROM item WHERE id > 500;");
    let (newest, expected) = (take("incremental"), contents(sql, "shop"));
    assert_eq!(newest["kind"], "incremental", "{newest}");
    let globals = newest["parts"].as_array().unwrap().iter().any(|part| part["kind"] == "globals");
    assert!(!globals);
    bench.run(&["restore", id(&newest), "--target", "back", "--yes"]).ok();
    assert_eq!(contents(sql, "shop"), expected);
    // A row that does not fit into a statement of the target is found before too.
    sql.run("", "SET GLOBAL max_allowed_packet = 131072;");
    bench.run(&["restore", id(&newest), "--target", "back", "--plan"]).ok();
    sql.run("shop", "CREATE TABLE wide (t LONGTEXT); INSERT INTO wide VALUES (REPEAT('x', 110000));");
    let wide = take("incremental");
    bench
        .run(&["restore", id(&wide), "--target", "back", "--plan"])
        .expect(7)
        .says("SET GLOBAL max_allowed_packet = 1048576;");
    sql.run("", "SET GLOBAL max_allowed_packet = 1048576; DROP TABLE shop.wide;");
    // Without one of them nothing is dropped.
    sql.run("", "REVOKE EVENT ON shop.* FROM jagad_restore@'%';");
    bench.run(&["restore", id(&newest), "--target", "back", "--yes"]).expect(7).says("GRANT EVENT ON");
    assert_eq!(contents(sql, "shop"), expected);
}

fn taken(bench: &SqlBench, kind: &str) -> serde_json::Value {
    let report = bench.run(&["backup", "mine", "--type", kind, "--json"]).ok().json();
    let id = report["backups"][0]["id"].as_str().unwrap().to_owned();
    bench.run(&["show", &id, "--json"]).ok().json()["manifest"].clone()
}

#[test]
fn the_readme_grants_what_a_log_takes_on_mysql_9_7() {
    the_readme_grants_what_it_takes(Release::MySql97);
}

#[test]
fn the_readme_grants_what_a_log_takes_on_mariadb_10_11() {
    the_readme_grants_what_it_takes(Release::MariaDb1011);
}

/// What docs/FORMAT.md says: with the bucket, the key, the decoder and the server's own programs, and without jagad.
fn a_chain_is_restored_by_hand(release: Release) {
    let Some(bench) = bench(release, &[]) else { return };
    let sql = &bench.sql;
    let Some(python) = server_from("JAGAD_TEST_PYTHON", Need::Required) else { return };
    bench.add(&bench.entry("mine", "dbnames = [\"shop\"]"));
    let mut chain = vec![taken(&bench, "full")];
    for change in [
        "CREATE TABLE more (id INT PRIMARY KEY, n INT); INSERT INTO more VALUES (1, 1), (2, 2); UPDATE item SET name = 'y';",
        "FLUSH BINARY LOGS; DELETE FROM sale WHERE id > 500; ALTER TABLE more ADD COLUMN o INT; INSERT INTO more VALUES (3, 3, 3);",
    ] {
        sql.run("shop", change);
        chain.push(taken(&bench, "incremental"));
    }
    let expected = contents(sql, "shop");
    let decoder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/decoder/decode.py");
    let mut files = Vec::new();
    for manifest in &chain {
        let out = bench.path(&format!("out/{}", id(manifest)));
        std::fs::create_dir_all(bench.path("out")).unwrap();
        let folder = bench.path(&format!("store/databases/mine/backups/{}", id(manifest)));
        let mut decode = Command::new(&python);
        decode.arg(decoder).arg("--key-file").arg(bench.path("main.key")).arg(folder).arg(&out);
        let written = decode.output().unwrap();
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        let parts = manifest["parts"].as_array().unwrap().iter().filter(|part| part["kind"] == "log");
        files.extend(parts.map(|part| out.join(part["name"].as_str().unwrap())));
    }
    assert_eq!(files.len(), 3, "one file, and two of the last link");
    sql.run("", "DROP DATABASE shop; CREATE DATABASE shop;");
    let dump = std::fs::read_to_string(bench.path(&format!("out/{}/shop.sql", id(&chain[0])))).unwrap();
    sql.run("shop", &dump);
    let mysql = release == Release::MySql97;
    let mut binlog = Command::new(sql.bin().join(if mysql { "mysqlbinlog" } else { "mariadb-binlog" }));
    binlog
        .arg("--no-defaults")
        .arg(if mysql { "--skip-gtids" } else { "--skip-gtid-strict-mode" })
        .args(&files);
    let said = binlog.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    sql.run("", &String::from_utf8_lossy(&said.stdout));
    assert_eq!(contents(sql, "shop"), expected);
}

#[test]
fn a_chain_of_a_log_is_restored_by_hand_on_mysql_9_7() {
    a_chain_is_restored_by_hand(Release::MySql97);
}

#[test]
fn a_chain_of_a_log_is_restored_by_hand_on_mariadb_11_8() {
    a_chain_is_restored_by_hand(Release::MariaDb118);
}
