//! Schemas as applications and extensions make them: row-level security, many tables, extensions with data of their own.

use super::support::plans::{dump, restore};
use super::support::postgres::Postgres;
use jagad::engine::Engine as _;
use jagad::process::SystemRunner;

/// What a hosting platform's applications use: subqueries and functions in policies, written in every position of `TO`.
const POLICIES: &str = "
CREATE TABLE public.members (who text, team int);
CREATE TABLE public.notes (team int, owner text, at timestamptz DEFAULT now(), note text);
INSERT INTO public.notes SELECT g, 'o', now(), 'to whom' FROM generate_series(1, 7) g;
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY team ON public.notes USING (team IN (SELECT m.team FROM public.members m WHERE m.who = current_user));
CREATE POLICY weekday ON public.notes FOR UPDATE USING (extract(dow FROM now()) < 6);
CREATE POLICY trimmed ON public.notes FOR INSERT TO reader WITH CHECK (trim(both ' ' FROM owner) <> '');
CREATE POLICY \"TO nobody\" ON public.notes AS RESTRICTIVE TO reader, PUBLIC USING (true);
";

async fn check_policies(major: u32) {
    let (Some(source), Some(target)) = (Postgres::start(major), Postgres::start(major)) else { return };
    source.psql("postgres", "CREATE DATABASE shop; CREATE ROLE reader;");
    source.psql("shop", POLICIES);
    target.psql("postgres", "CREATE ROLE reader;");
    let taken = dump(source.engine().inspect(&SystemRunner).await.unwrap().as_ref(), "shop").await;
    let server = target.engine().inspect(&SystemRunner).await.unwrap();

    restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();

    let policies = "SELECT polname, polroles::regrole[], polqual IS NULL FROM pg_policy ORDER BY 1";
    assert_eq!(source.psql("shop", policies), target.psql("shop", policies));
    assert_eq!(target.psql("shop", "SELECT count(*) FROM public.notes"), "7");
}

on_each!(async check_policies as policies_with_subqueries_name_no_roles: 15, 18);

#[tokio::test]
async fn counting_does_not_depend_on_the_size_of_the_lock_table() {
    let Some(mut postgres) = Postgres::start(15) else { return };
    postgres.psql("postgres", "CREATE DATABASE shop;");
    // Each table has its own transaction, and eight indexes.
    let create = "DO $$ BEGIN FOR i IN 1..300 LOOP
        EXECUTE format('CREATE TABLE public.t%s AS SELECT 1 AS a', i);
        FOR j IN 1..8 LOOP EXECUTE format('CREATE INDEX ON public.t%s (a)', i); END LOOP;
        COMMIT; END LOOP; END $$;";
    postgres.psql("shop", create);
    postgres.psql("postgres", "ALTER SYSTEM SET max_locks_per_transaction = 10;");
    postgres.psql("postgres", "ALTER SYSTEM SET max_connections = 20;");
    postgres.crash();
    postgres.start_again();
    // What the count must not do: the server really is that small.
    let all: Vec<String> = (1..=300).map(|i| format!("SELECT a FROM public.t{i}")).collect();
    let refused = postgres.try_psql("postgres", "shop", &all.join(" UNION ALL ")).unwrap_err();
    assert!(refused.contains("out of shared memory"), "{refused}");

    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let counted = server.logical().count(&SystemRunner, "shop").await.unwrap();

    assert_eq!(counted.tables.len(), 300);
    assert!(counted.tables.iter().all(|table| table.rows == 1));
}

#[tokio::test]
async fn tables_are_counted_page_by_page() {
    let Some(postgres) = Postgres::start(18) else { return };
    postgres.psql("postgres", "CREATE DATABASE shop;");
    // More than two pages of the longest names, each letter of which takes six bytes in an answer.
    let name = "\u{1}".repeat(57);
    let create = format!(
        "DO $$ BEGIN FOR i IN 10001..20100 LOOP
        EXECUTE format('CREATE TABLE public.%I ()', '{name}' || i);
        IF i % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$;"
    );
    postgres.psql("shop", &create);

    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let counted = server.logical().count(&SystemRunner, "shop").await.unwrap();

    assert_eq!(counted.tables.len(), 10_100);
    assert!(counted.tables.windows(2).all(|pair| pair[0] < pair[1]), "sorted, and none twice");
}

/// An extension with rows of its own and rows of its users in the same table, as PostGIS, pg_partman and pg_cron have.
#[tokio::test]
async fn rows_that_users_keep_in_tables_of_an_extension_are_counted() {
    let (Some(source), Some(target)) = (Postgres::start(18), Postgres::start(18)) else { return };
    for postgres in [&source, &target] {
        install_extension(postgres);
    }
    source.psql("postgres", "CREATE DATABASE shop;");
    source.psql("shop", "CREATE SCHEMA ext; CREATE EXTENSION systems SCHEMA ext;");
    source.psql("shop", "INSERT INTO ext.reference VALUES (9001, 'own'), (9002, 'own');");
    source.psql("shop", "INSERT INTO ext.jobs VALUES ('nightly');");
    let taken = dump(source.engine().inspect(&SystemRunner).await.unwrap().as_ref(), "shop").await;
    let dumped = &taken.contents.as_ref().unwrap().tables;
    let rows: Vec<(&str, u64)> = dumped.iter().map(|table| (table.table.as_str(), table.rows)).collect();
    assert_eq!(rows, [("jobs", 1), ("reference", 2)], "this is what pg_dump dumps of it");

    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    let (_, counted) = restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();

    assert_eq!(&counted.unwrap().tables, dumped);
    assert_eq!(target.psql("shop", "SELECT count(*) FROM ext.reference"), "3");
}

fn install_extension(postgres: &Postgres) {
    let place = postgres.socket().join("share/extension");
    std::fs::create_dir_all(&place).unwrap();
    let control = "default_version = '1'\nrelocatable = false\n";
    std::fs::write(place.join("systems.control"), control).unwrap();
    let script = "CREATE TABLE reference (id int, name text);
        INSERT INTO reference VALUES (1, 'shipped');
        CREATE TABLE jobs (name text);
        CREATE TABLE cache (name text);
        INSERT INTO cache VALUES ('not dumped');
        SELECT pg_extension_config_dump('reference', 'WHERE id > 9000');
        SELECT pg_extension_config_dump('jobs', '');";
    std::fs::write(place.join("systems--1.sql"), script).unwrap();
    let path = format!("{}:$system", postgres.socket().join("share").display());
    postgres.psql("postgres", &format!("ALTER SYSTEM SET extension_control_path = '{path}';"));
    postgres.psql("postgres", "SELECT pg_reload_conf();");
}

async fn check_large_objects(major: u32) {
    let Some(postgres) = Postgres::start(major) else { return };
    postgres.psql("postgres", "CREATE DATABASE shop;");
    // One of them is empty, one is long, and two thousand more fill several groups.
    postgres
        .psql("shop", "SELECT lo_create(0); SELECT lo_from_bytea(0, decode(repeat('ab', 300000), 'hex'));");
    postgres.psql("shop", "SELECT count(lo_from_bytea(0, '\\x01')) FROM generate_series(1, 2000);");
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let taken = dump(server.as_ref(), "shop").await;
    assert_eq!(taken.contents.as_ref().unwrap().large_objects, Some(2002));

    let (_, counted) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();

    assert_eq!(counted.unwrap().large_objects, Some(2002));
    postgres.psql("copy", "SELECT lo_unlink(min(oid)) FROM pg_largeobject_metadata;");
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    assert_eq!(server.logical().count(&SystemRunner, "copy").await.unwrap().large_objects, Some(2001));
}

on_each!(async check_large_objects as large_objects_are_counted: 15, 18);
