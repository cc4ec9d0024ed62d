//! Restores to other places than the one a backup came from, and of less than all of it.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::postgres::Postgres;

/// Names that break whatever pastes names into options, connection strings, SQL, keys or paths.
const ODD: [&str; 5] = ["a b=c", "it's \"odd\"/ö;--", "日本", "..", "%s\\$(x)"];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[test]
fn every_database_of_a_server_comes_back_with_its_roles_whatever_its_name() {
    let Some(bench) = Bench::new(15, Place::Local) else { return };
    bench.add(&bench.entry("all", "all_databases = true"));
    let postgres = &bench.postgres;
    postgres.psql("postgres", "CREATE ROLE \"odd 'owner'\" LOGIN; CREATE ROLE member ROLE \"odd 'owner'\";");
    for name in ODD {
        postgres.psql("postgres", &format!("CREATE DATABASE {} OWNER \"odd 'owner'\";", quoted(name)));
        postgres
            .psql(name, "CREATE TABLE t (a int); ALTER TABLE t OWNER TO member; INSERT INTO t VALUES (1);");
    }
    let before = bench.fingerprint();
    let report = bench.run(&["backup", "all", "--json"]).ok().json();
    assert_eq!(report["backups"][0]["databases"].as_array().unwrap().len(), ODD.len() + 1);

    for name in ODD {
        postgres.psql("postgres", &format!("DROP DATABASE {};", quoted(name)));
    }
    postgres.psql("postgres", "DROP ROLE member; DROP ROLE \"odd 'owner'\";");
    // Without the roles nothing may be created that would belong to somebody else.
    bench.run(&["restore", "--db", "all", "--dbname", "日本", "--yes"]).expect(7).helps();
    let mut args = vec!["restore", "--db", "all", "--globals", "--yes"];
    for name in ODD {
        args.extend(["--dbname", name]);
    }
    bench.run(&args).ok();
    assert_eq!(bench.fingerprint(), before);
    assert_eq!(postgres.psql("postgres", "SELECT pg_has_role('odd ''owner''', 'member', 'MEMBER');"), "t");
}

#[test]
fn one_of_several_databases_goes_where_it_is_told() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let Some(other) = Postgres::start(18) else { return };
    bench.postgres.psql("postgres", "CREATE DATABASE second;");
    bench.add(&bench.entry("both", "dbnames = [\"shop\", \"second\"]"));
    bench.add(&format!(
        "[databases.other]\nengine = \"postgresql\"\nsocket = \"{}\"\nuser = \"postgres\"\ndbnames = [\"shop\"]\n\
         [databases.other.tools]\nbin_dir = \"{}\"\n",
        other.socket().display(),
        other.bin().display()
    ));
    let shop = bench.postgres.fingerprint("shop");
    bench.run(&["backup", "both"]).ok();

    bench.run(&["restore", "both@latest", "--into", "copy", "--yes"]).expect(2).helps();
    bench
        .run(&["restore", "both@latest", "--dbname", "shpo", "--yes"])
        .expect(5)
        .helps()
        .says("second, shop");
    bench.run(&["restore", "both@latest", "--dbname", "shop", "--into", "a 'copy'", "--yes"]).ok();
    assert_eq!(bench.postgres.databases(), ["a 'copy'", "postgres", "second", "shop"]);
    assert_eq!(bench.postgres.fingerprint("a 'copy'"), shop);
    bench.run(&["restore", "both@latest", "--dbname", "shop", "--target", "other", "--yes"]).ok();
    assert_eq!(other.databases(), ["postgres", "shop"]);
    assert_eq!(other.psql("shop", "SELECT count(*) FROM sale"), "2000");
    bench.run(&["restore", "both@latest", "--target", "nowhere", "--yes"]).expect(5).helps();
    // The record of a restore is kept where the target's backups are.
    assert!(bench.objects().keys().any(|key| key.starts_with("databases/other/restores/")));
}

#[test]
fn a_table_comes_back_with_its_indexes_and_constraints() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let before = bench.fingerprint();
    bench.back_up(&[]);
    // What is there is not overwritten, and nothing of it is touched.
    bench.run(&["restore", "shop@latest", "--table", "sale", "--yes"]).expect(6).helps();
    assert_eq!(bench.fingerprint(), before);
    bench.postgres.psql("shop", "DROP TABLE sale;");
    bench.run(&["restore", "shop@latest", "--table", "slae", "--yes"]).expect(5).says("`public.sale`");
    bench.run(&["restore", "shop@latest", "--table", "public.sale", "--yes"]).ok();
    assert_eq!(bench.fingerprint(), before);
    // Of a chain of tables only the chosen one is taken.
    bench.run(&["restore", "shop@latest", "--table", "item", "--into", "some", "--yes"]).ok();
    assert_eq!(bench.postgres.psql("some", "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "item item_name item_pkey");
}

#[test]
fn a_schema_comes_back_into_the_database_it_was_lost_from() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.postgres.psql("shop", "CREATE SCHEMA \"Side 'x\"; CREATE TABLE \"Side 'x\".t (a int); INSERT INTO \"Side 'x\".t VALUES (7);");
    let before = bench.fingerprint();
    bench.back_up(&[]);
    bench.postgres.psql("shop", "DROP SCHEMA \"Side 'x\" CASCADE;");
    bench.run(&["restore", "shop@latest", "--schema", "Side 'x", "--yes"]).ok();
    assert_eq!(bench.fingerprint(), before);
}

#[test]
fn without_the_roles_of_its_policies_a_backup_can_be_drilled_and_not_restored() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let postgres = &bench.postgres;
    postgres.psql("postgres", "CREATE ROLE \"it's me\"; CREATE DATABASE second;");
    for database in ["shop", "second"] {
        postgres.psql(
            database,
            "CREATE TABLE own (a int); ALTER TABLE own ENABLE ROW LEVEL SECURITY;
             CREATE POLICY mine ON own TO \"it's me\" USING (a > 0);",
        );
    }
    bench.add(&bench.entry("both", "dbnames = [\"shop\", \"second\"]\ndump.globals = false"));
    bench.run(&["backup", "both", "--verify", "restore"]).ok();
    for database in ["shop", "second"] {
        postgres.psql(database, "DROP TABLE own;");
    }
    postgres.psql("postgres", "DROP ROLE \"it's me\";");
    bench.run(&["verify", "both@latest", "--level", "restore"]).ok();
    let args = ["restore", "both@latest", "--dbname", "shop", "--into", "copy", "--yes"];
    bench.run(&args).expect(7).says("`it's me`").helps();
}

#[test]
fn owners_can_be_left_out() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench
        .postgres
        .psql("shop", "CREATE ROLE app; ALTER TABLE item OWNER TO app; ALTER DATABASE shop OWNER TO app;");
    bench.back_up(&[]);
    bench.run(&["restore", "shop@latest", "--into", "copy", "--no-owner", "--yes"]).ok();
    assert_eq!(
        bench.postgres.psql("copy", "SELECT relowner::regrole FROM pg_class WHERE relname = 'item'"),
        "postgres"
    );
}

#[test]
fn a_plan_touches_nothing() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.run(&["backup", "shop", "-n"]).ok();
    assert!(bench.objects().is_empty());
    let id = bench.back_up(&[]);
    let state = || (bench.fingerprint(), bench.objects());
    let before = state();
    let plan = bench.run(&["backup", "shop", "--dry-run", "--json"]).ok().json();
    assert_eq!(plan["databases"][0]["parts"].as_array().unwrap().len(), 2, "{plan}");
    for extra in ["--plan", "-n"] {
        let plan = bench.run(&["restore", &id, extra, "--globals", "--json"]).ok().json();
        assert_eq!((&plan["status"], &plan["backup"]), (&"planned".into(), &id.as_str().into()));
        bench.run(&["delete", &id, extra]).ok();
    }
    assert_eq!(state(), before);
}

#[test]
fn nothing_is_overwritten_without_a_yes() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    bench.postgres.psql("shop", "CREATE TABLE later (a int);");
    let state = || (bench.fingerprint(), bench.objects());
    let before = state();
    bench.run(&["restore", &id]).expect(6).says("there is no terminal").helps();
    bench.run(&["delete", &id, "--delete-last-good"]).expect(6).says("there is no terminal").helps();
    assert_eq!(state(), before);
}

#[test]
fn a_protected_entry_is_overwritten_only_by_force_and_a_safety_backup_is_pinned() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let id = bench.back_up(&[]);
    bench.postgres.psql("shop", "CREATE TABLE later (a int);");
    let before = bench.fingerprint();
    let protected = ["--set", "databases.shop.protect=true"];
    let restore = |more: &[&str]| {
        let args: Vec<&str> =
            ["restore", &id, "--yes"].iter().chain(&protected).chain(more).copied().collect();
        bench.run(&args)
    };
    restore(&[]).expect(6).helps().says("protected");
    assert_eq!(bench.fingerprint(), before);
    restore(&["--force", "--safety-backup"]).ok();
    assert_eq!(bench.postgres.psql("shop", "SELECT to_regclass('later') IS NULL"), "t");

    let listed = bench.listed();
    let safety: Vec<_> = listed.iter().filter(|row| row["pinned"] == true).collect();
    let [safety] = safety.as_slice() else { panic!("{listed:?}") };
    let safety = safety["id"].as_str().unwrap();
    bench.run(&["restore", safety, "--yes"]).ok();
    assert_eq!(bench.fingerprint(), before);
}
