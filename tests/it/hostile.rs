//! Backups that bring more than data: nothing of them runs on this host, gets out of its folder or reaches a terminal.

use crate::bench::Bench;
use crate::place::Place;
use crate::sql_bench::SqlBench;
use crate::support::mysql::Release;
use serde_json::{Value, json};

/// Changes the manifest of `id` as somebody does who can write to the bucket.
fn edit(bench: &Bench, id: &str, change: impl FnOnce(&mut Value)) {
    let path = bench.path("store/databases/shop/backups").join(id).join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(path, serde_json::to_vec_pretty(&manifest).unwrap()).unwrap();
}

fn database_part(manifest: &mut Value) -> &mut Value {
    let parts = manifest["parts"].as_array_mut().unwrap();
    parts.iter_mut().find(|part| part["kind"] == "database").unwrap()
}

/// A field of a part, and how it gets a text.
type Forgery = (&'static str, fn(&mut Value, &str));

#[test]
fn what_a_manifest_says_never_becomes_a_command_even_where_it_is_believed() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let mark = bench.path("bin/mark");
    let evil = format!("CONNECT ON DATABASE shop TO PUBLIC;\n\\! touch {}\n--", mark.display());
    let fields: [Forgery; 8] = [
        ("a right", |part, evil| {
            part["properties"]["acl"] = json!([{"grantee": null, "privilege": evil, "grantable": false}]);
        }),
        ("an encoding", |part, evil| part["properties"]["encoding"] = json!(evil)),
        ("a provider", |part, evil| part["properties"]["provider"] = json!(evil)),
        ("a collation", |part, evil| part["properties"]["collate"] = json!(format!("C'\n{evil}"))),
        ("a tablespace", |part, evil| part["properties"]["tablespace"] = json!(format!("t\"\n{evil}"))),
        ("an owner", |part, evil| part["properties"]["owner"] = json!(format!("o\"\n{evil}"))),
        ("a comment", |part, evil| part["properties"]["comment"] = json!(format!("\\'\n{evil}"))),
        ("a setting", |part, evil| {
            part["properties"]["settings"] =
                json!([{"role": null, "setting": format!("a.b\\\"\n{evil}=\\'\n{evil}")}]);
        }),
    ];
    for (what, change) in fields {
        let id = bench.back_up(&[]);
        edit(&bench, &id, |manifest| change(database_part(manifest), &evil));
        let output = bench.run(&["restore", &id, "--yes", "--allow-unauthenticated"]);
        assert!(!mark.exists(), "{what}: {output:?}");
        assert!(output.code == 0 || output.stderr.contains("error"), "{what}: {output:?}");
    }
}

#[test]
fn a_manifest_never_leads_into_a_template_of_the_server() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    for name in ["template1", "template0"] {
        edit(&bench, &id, |manifest| database_part(manifest)["database"] = json!(name));
        bench.run(&["restore", &id, "--yes", "--allow-unauthenticated"]).expect(6).says("is a template");
    }
    assert_eq!(bench.postgres.psql("template1", tables), "0");
}

#[test]
fn a_part_is_downloaded_into_its_folder_and_nowhere_else() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    for name in ["../escaped", "/tmp/escaped", ".bashrc", "a/b", "..", ""] {
        edit(&bench, &id, |manifest| database_part(manifest)["name"] = json!(name));
        for raw in [&[][..], &["--raw"]] {
            let args = [&["download", &id, "--allow-unauthenticated"][..], raw].concat();
            bench.run(&args).expect(4).says("cannot be named");
        }
    }
    assert!(!bench.path("../escaped").exists() && !bench.path(".bashrc").exists());
}

#[test]
fn a_manifest_names_no_objects_but_its_own() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let other = bench.back_up(&["--no-encrypt"]);
    let id = bench.back_up(&["--no-encrypt"]);
    let keys = [
        format!("databases/shop/backups/{other}/shop.dump.zst"),
        format!("databases/shop/backups/{id}/manifest.json"),
        format!("databases/shop/backups/{id}/.profile"),
        "jagad.json".to_owned(),
    ];
    for key in keys {
        edit(&bench, &id, |manifest| database_part(manifest)["segments"][0]["key"] = json!(key));
        bench.run(&["verify", &id, "--level", "exists", "--allow-unauthenticated"]).expect(4).says(&key);
    }
}

#[test]
fn backslashes_of_roles_and_databases_come_back_as_they_were_and_run_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let mark = bench.path("tmp/mark");
    let text = format!("a\\b!''\n\\! touch {}\n", mark.display());
    let setting = "c\\d!e";
    bench.postgres.psql(
        "postgres",
        &format!(
            "SET standard_conforming_strings = on; CREATE ROLE \"o\\d!d\"; COMMENT ON ROLE \"o\\d!d\" IS '{text}';
             ALTER ROLE \"o\\d!d\" SET my.x = '{setting}'; ALTER DATABASE shop SET my.y = '{setting}';
             COMMENT ON DATABASE shop IS '{text}';"
        ),
    );
    bench.postgres.psql("shop", "ALTER TABLE item OWNER TO \"o\\d!d\";");
    let asked = "SELECT shobj_description(oid, 'pg_authid'), rolconfig FROM pg_roles WHERE rolname LIKE 'o%';
         SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop';
         SELECT setconfig FROM pg_db_role_setting WHERE setdatabase <> 0;
         SELECT tableowner FROM pg_tables WHERE tablename = 'item';";
    let before = bench.postgres.psql("shop", asked);
    assert!(before.contains("o\\d!d") && before.contains("touch"), "{before}");
    let id = bench.back_up(&[]);
    bench.postgres.psql("postgres", "DROP DATABASE shop; DROP ROLE \"o\\d!d\";");
    bench.run(&["restore", &id, "--globals", "--yes"]).ok();
    assert_eq!(bench.postgres.psql("shop", asked), before);
    assert!(!mark.exists());
}

/// Whether a terminal would obey something in `text`.
fn commands_a_terminal(text: &str) -> bool {
    text.contains(|c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || c == '\u{202e}')
}

#[test]
fn no_text_that_others_wrote_commands_a_terminal() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let evil = "a\x1b]0;title\x07b\u{9b}2Jc\rd\u{202e}e\nstatus         success";
    let id = bench.back_up(&["--note", evil]);
    let other = bench.back_up(&[]);
    edit(&bench, &other, |manifest| {
        manifest["status"] = json!("failed");
        manifest["parts"] = json!([]);
        manifest["error"] = json!({"class": evil, "message": evil, "help": evil});
        manifest["labels"] = json!({evil: evil});
        for field in ["host", "jagad", "tool", "note"] {
            manifest[field] = json!(evil);
        }
        manifest["server"] = json!({"version": evil, "identity": evil});
    });
    std::fs::remove_file(bench.path("store/databases/shop/backups").join(&other).join("log.txt")).unwrap();
    for id in [&id, &other] {
        for args in
            [&["show", id][..], &["show", id, "--json"], &["logs", id], &["restore", id, "--yes", "-n"]]
        {
            let output = bench.run(args);
            assert!(
                !commands_a_terminal(&format!("{}{}", output.stdout, output.stderr)),
                "{args:?}: {output:?}"
            );
        }
        let shown = bench.run(&["show", id]).stdout;
        let statuses = shown.lines().filter(|line| line.starts_with("status")).count();
        assert_eq!(statuses, 1, "{shown}");
        assert!(bench.run(&["show", id, "--json"]).ok().json()["manifest"]["note"] == json!(evil));
    }
    for args in [&["list"][..], &["list", "--json"], &["status"], &["status", "--format", "csv"]] {
        let output = bench.run(args).ok();
        assert!(!commands_a_terminal(&format!("{}{}", output.stdout, output.stderr)), "{args:?}: {output:?}");
    }
    bench.postgres.psql("postgres", "CREATE DATABASE \"x\u{1b}[2Jy\";");
    let output = bench.run(&["backup", "shop", "--set", "databases.shop.dbnames=[\"x\\u001b[2Jy\"]"]);
    assert!(!commands_a_terminal(&output.stderr), "{output:?}");
}

/// The client of `release` takes a dump with `line` in it, whatever that leads to.
fn a_dump_with(bench: &SqlBench, line: &str) {
    std::fs::write(bench.path("bin/inject"), format!("{line}\n")).unwrap();
    let folder = bench.path("bin");
    let folder = folder.display();
    let body = format!(
        "$real \"$@\" > {folder}/whole.$$ || exit 1; head -n -1 {folder}/whole.$$; cat {folder}/inject; tail -n 1 {folder}/whole.$$; rm {folder}/whole.$$"
    );
    let set = bench.with_dump(&body);
    let taken = bench.run(&["backup", "shop", "--set", &set, "--json"]);
    if taken.code == 0 {
        let id = taken.json()["backups"][0]["id"].as_str().unwrap().to_owned();
        bench.run(&["restore", &id, "--yes", "--skip-verify"]);
    }
}

fn a_dump_runs_nothing_here(release: Release) {
    let Some(bench) = SqlBench::small(release) else { return };
    let mark = bench.path("bin/mark");
    let path = mark.display().to_string();
    std::fs::write(bench.path("bin/script"), format!("\\! touch {path}\n")).unwrap();
    let script = bench.path("bin/script").display().to_string();
    for line in [
        format!("\\! touch {path}"),
        format!("system touch {path}"),
        format!("SELECT 1\\! touch {path}\n;"),
        format!("\\. {script}"),
        format!("source {script}"),
        format!("tee {path}"),
        format!("\\T {path}"),
        format!("pager touch {path}\nSELECT 1;"),
        format!("delimiter \\!\n\\! touch {path}\n\\!\ndelimiter ;"),
    ] {
        a_dump_with(&bench, &line);
        assert!(!mark.exists(), "{release:?}: {line}");
    }
    // Nor does it read files of this host.
    std::fs::write(bench.path("bin/secret"), "secret of the host\n").unwrap();
    let secret = bench.path("bin/secret").display().to_string();
    bench.sql.run("", "SET GLOBAL local_infile = 1;");
    a_dump_with(
        &bench,
        &format!("LOAD DATA LOCAL INFILE '{secret}' INTO TABLE item (name) SET id = 100000;"),
    );
    let found = bench.sql.run(
        "",
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'item';",
    );
    if found.trim() == "1" {
        let rows = bench.sql.run("shop", "SELECT COUNT(*) FROM item WHERE name LIKE '%secret%';");
        assert_eq!(rows.trim(), "0", "{release:?}");
    }
}

#[test]
fn a_dump_of_mysql_runs_nothing_on_this_host() {
    a_dump_runs_nothing_here(Release::MySql97);
}

#[test]
fn a_dump_of_mariadb_runs_nothing_on_this_host() {
    a_dump_runs_nothing_here(Release::MariaDb1011);
    a_dump_runs_nothing_here(Release::MariaDb118);
}
