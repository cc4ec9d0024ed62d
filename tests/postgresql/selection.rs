//! Some tables or schemas of a dump, with everything that belongs to them.

use super::support::definitions::{assert_same, definitions};
use super::support::plans::{Dump, dump, restore};
use super::support::postgres::Postgres;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{
    Engine as _, EngineError, Occupied, Ownership, RestoreTarget, Selection, Server, ServerSettings,
    TargetEffect,
};
use jagad::process::SystemRunner;

const MORE: &str = "ALTER TABLE sales.customer ENABLE ROW LEVEL SECURITY, ADD who text DEFAULT CURRENT_USER;
CREATE POLICY own ON sales.customer USING (who = CURRENT_USER) WITH CHECK (id > 0);
COMMENT ON POLICY own ON sales.customer IS 'own'; COMMENT ON TRIGGER touch ON sales.customer IS 'touches';
COMMENT ON CONSTRAINT customer_pkey ON sales.customer IS 'key'; COMMENT ON RULE no_delete ON sales.customer IS 'rule';
COMMENT ON COLUMN sales.orders.total IS 'sum'; COMMENT ON SEQUENCE sales.orders_id_seq IS 'numbers';
CREATE INDEX ON sales.orders_rest (customer); GRANT SELECT ON sales.orders_2025 TO reader;
CREATE TABLE public.\"a b\" (id int PRIMARY KEY); CREATE TABLE public.\"a\" (\"b c\" int CHECK (\"b c\" > 0), id int);
CREATE INDEX \"x y\" ON public.a (id); ALTER TABLE public.\"a b\" ADD CONSTRAINT \"c\" CHECK (id > 0);";

async fn inspect(postgres: &Postgres) -> Box<dyn Server> {
    postgres.engine().inspect(&SystemRunner).await.unwrap()
}

/// A server with the database `shop`, and its dump.
async fn shop(major: u32) -> Option<(Postgres, Dump)> {
    let postgres = Postgres::start(major)?;
    postgres.create_content("shop");
    postgres.psql("shop", MORE);
    let taken = dump(inspect(&postgres).await.as_ref(), "shop").await;
    Some((postgres, taken))
}

async fn refused(postgres: &Postgres, taken: &Dump, target: &RestoreTarget) -> EngineError {
    inspect(postgres).await.logical().load(&SystemRunner, target, taken).await.unwrap_err()
}

/// Drops what `drop` says, restores `tables`, and compares what pg_dump says of them before and after.
async fn check_tables(postgres: &Postgres, taken: &Dump, drop: &str, tables: &[&str]) {
    let choice: Vec<String> = tables.iter().map(|table| format!("--table={table}")).collect();
    let choice: Vec<&str> = choice.iter().map(String::as_str).collect();
    let before = definitions(postgres, "shop", &choice);
    postgres.psql("shop", drop);
    let (plan, _) =
        restore(inspect(postgres).await.as_ref(), taken, &taken.tables("shop", tables)).await.unwrap();
    assert_eq!(plan.effect, TargetEffect::AddsTo);
    assert_same(&before, &definitions(postgres, "shop", &choice));
}

async fn check_selections(major: u32) {
    let Some((postgres, taken)) = shop(major).await else { return };
    let everything = postgres.fingerprint("shop");

    check_tables(&postgres, &taken, "DROP TABLE public.hostile;", &["public.hostile"]).await;
    check_tables(
        &postgres,
        &taken,
        "DROP TABLE public.secret, public.every_type;",
        &["secret", "every_type"],
    )
    .await;
    assert_eq!(postgres.fingerprint("shop"), everything);
    // The orders' foreign key refers to the customers that are still there.
    let drop = "DROP MATERIALIZED VIEW sales.totals_now; DROP VIEW sales.totals; DROP TABLE sales.orders;";
    let partitions = "sales.orders*";
    let before = definitions(&postgres, "shop", &["--table", partitions]);
    postgres.psql("shop", drop);
    let server = inspect(&postgres).await;
    let orders = taken.tables("shop", &["sales.orders"]);
    restore(server.as_ref(), &taken, &orders).await.unwrap();
    assert_same(&before, &definitions(&postgres, "shop", &["--table", partitions]));
    let views = taken.tables("shop", &["sales.totals", "sales.totals_now"]);
    restore(server.as_ref(), &taken, &views).await.unwrap();
    assert_eq!(postgres.fingerprint("shop"), everything);
}

on_each!(async check_selections as tables_come_back_with_all_that_belongs_to_them: 15, 18);

#[tokio::test]
async fn one_table_of_two_with_names_that_begin_alike_comes_back_alone() {
    let Some((postgres, taken)) = shop(15).await else { return };
    let server = inspect(&postgres).await;
    let all = definitions(&postgres, "shop", &["--table=public.a*"]);
    let counts =
        "SELECT (SELECT count(*) FROM pg_index WHERE indrelid = c.oid), (SELECT count(*) FROM pg_constraint
        WHERE conrelid = c.oid AND contype = 'c') FROM pg_class c WHERE relname = ";
    for (name, other) in [("a", "a b"), ("a b", "a")] {
        postgres.psql(
            "shop",
            &format!("DROP TABLE public.a, public.\"a b\"; CREATE TABLE public.\"{other}\" ();"),
        );
        let one = taken.tables("shop", &[&format!("public.{name}")]);
        restore(server.as_ref(), &taken, &one).await.unwrap();
        assert_eq!(postgres.psql("shop", &format!("{counts}'{name}'")), "1|1", "{name}");
        assert_eq!(postgres.psql("shop", &format!("{counts}'{other}'")), "0|0", "{other}");
    }
    postgres.psql("shop", "DROP TABLE public.a, public.\"a b\"");
    restore(server.as_ref(), &taken, &taken.tables("shop", &["a b", "a"])).await.unwrap();
    assert_same(&all, &definitions(&postgres, "shop", &["--table=public.a*"]));
}

async fn check_schema(major: u32) {
    let Some((postgres, taken)) = shop(major).await else { return };
    let everything = postgres.fingerprint("shop");
    let choice = Selection { schemas: vec!["sales".to_owned()], tables: Vec::new() };
    let sales = RestoreTarget { selection: choice, ..taken.target("shop") };
    let error = refused(&postgres, &taken, &sales).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("sales.")),
        "{error:?}"
    );
    postgres.psql("shop", "DROP SCHEMA sales CASCADE;");
    restore(inspect(&postgres).await.as_ref(), &taken, &sales).await.unwrap();
    assert_eq!(postgres.fingerprint("shop"), everything);

    // Into a database that is not there yet, with the functions, types and extensions that it needs.
    let apart = RestoreTarget { database: "apart".to_owned(), ..sales };
    let (plan, counted) = restore(inspect(&postgres).await.as_ref(), &taken, &apart).await.unwrap();
    assert_eq!(plan.effect, TargetEffect::Creates);
    let expected = taken.contents.unwrap().tables.into_iter().filter(|rows| rows.schema == "sales");
    assert_eq!(counted.unwrap().tables, expected.collect::<Vec<_>>());
    let sales = ["--schema=sales"];
    assert_same(&definitions(&postgres, "shop", &sales), &definitions(&postgres, "apart", &sales));
}

on_each!(async check_schema as a_schema_comes_back_with_all_that_is_in_it: 15, 18);

#[tokio::test]
async fn a_table_alone_can_be_had_in_a_new_database() {
    let Some((postgres, taken)) = shop(15).await else { return };
    let server = inspect(&postgres).await;
    let orders = taken.tables("apart", &["sales.orders"]);
    let (plan, counted) = restore(server.as_ref(), &taken, &orders).await.unwrap();
    assert_eq!(counted.unwrap().rows(), 400);
    assert!(plan.notes.iter().any(|note| note.contains("orders_customer_fkey")), "{:?}", plan.notes);
    let kinds = taken.tables("kinds", &["every_type"]);
    restore(server.as_ref(), &taken, &kinds).await.unwrap();
    let rows = "SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM public.every_type t";
    assert_eq!(postgres.psql("kinds", rows), postgres.psql("shop", rows));
}

#[tokio::test]
async fn a_table_that_exists_is_refused_and_stays() {
    let Some((postgres, taken)) = shop(15).await else { return };
    let before = postgres.fingerprint("shop");
    let error = refused(&postgres, &taken, &taken.tables("shop", &["empty", "hostile"])).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("`public.empty`") && problem.contains("more")),
        "{error:?}"
    );
    // The sequence of a column alone is in the way as well.
    postgres.psql(
        "shop",
        "CREATE TABLE keep AS SELECT * FROM hostile; DROP TABLE hostile; CREATE SEQUENCE hostile_n_seq;",
    );
    let error = refused(&postgres, &taken, &taken.tables("shop", &["hostile"])).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("hostile_n_seq")),
        "{error:?}"
    );
    postgres.psql("shop", "DROP SEQUENCE hostile_n_seq;");
    restore(inspect(&postgres).await.as_ref(), &taken, &taken.tables("shop", &["hostile"])).await.unwrap();
    postgres.psql("shop", "DROP TABLE keep;");
    assert_eq!(postgres.fingerprint("shop"), before);
}

#[tokio::test]
async fn a_choice_that_fails_on_the_way_leaves_nothing() {
    let Some((postgres, taken)) = shop(15).await else { return };
    postgres.psql("shop", "DROP TABLE public.hostile, public.empty; CREATE TABLE public.other (a int);");
    // The name of the index that belongs to the chosen table is taken, which no question finds.
    postgres.psql("shop", "CREATE INDEX empty_pkey ON public.other (a);");
    let before = postgres.fingerprint("shop");
    let chosen = taken.tables("shop", &["public.hostile", "public.empty"]);
    let said = restore(inspect(&postgres).await.as_ref(), &taken, &chosen).await.unwrap_err();
    assert!(said.contains("empty_pkey"), "{said}");
    assert_eq!(postgres.fingerprint("shop"), before);
}

#[tokio::test]
async fn unknown_names_are_answered_with_close_ones() {
    let Some((postgres, taken)) = shop(15).await else { return };
    let error = refused(&postgres, &taken, &taken.tables("shop", &["sales.custmer"])).await;
    assert!(
        matches!(&error, EngineError::NotFound { help, .. } if help.contains("`sales.customer`")),
        "{error:?}"
    );
    let choice = Selection { schemas: vec!["sale".to_owned()], tables: Vec::new() };
    let error =
        refused(&postgres, &taken, &RestoreTarget { selection: choice, ..taken.target("shop") }).await;
    assert!(matches!(&error, EngineError::NotFound { help, .. } if help.contains("`sales`")), "{error:?}");
}

#[tokio::test]
async fn a_choice_of_objects_is_refused_together_with_clean() {
    let Some((postgres, taken)) = published(15).await else { return };
    postgres.psql("shop", "DROP TABLE sales.a; CREATE TABLE public.other (x int);");
    let before = postgres.fingerprint("shop");
    let target = RestoreTarget { occupied: Occupied::Clean, ..taken.tables("shop", &["sales.a"]) };
    let error = refused(&postgres, &taken, &target).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("--clean")),
        "{error:?}"
    );
    assert_eq!(postgres.fingerprint("shop"), before);
}

#[tokio::test]
async fn types_and_routines_that_exist_are_refused_and_passed_over_when_errors_are_allowed() {
    let Some(postgres) = Postgres::start(15) else { return };
    let (word, function) =
        ("TYPE sales.word AS ENUM ('x')", "FUNCTION sales.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'");
    postgres.psql("postgres", "CREATE DATABASE shop;");
    postgres.psql("shop", &format!("CREATE SCHEMA sales; CREATE {word}; CREATE {function};"));
    let taken = dump(inspect(&postgres).await.as_ref(), "shop").await;
    let choice = Selection { schemas: vec!["sales".to_owned()], tables: Vec::new() };
    let sales = RestoreTarget { selection: choice, ..taken.target("shop") };
    for (existing, name) in [(word, "`sales.word`"), (function, "`sales.f(integer)`")] {
        postgres.psql("shop", &format!("DROP SCHEMA sales CASCADE; CREATE SCHEMA sales; CREATE {existing};"));
        let error = refused(&postgres, &taken, &sales).await;
        assert!(
            matches!(&error, EngineError::Refused { problem, .. } if problem.contains(name)),
            "{error:?}"
        );
        let tolerant = RestoreTarget { stop_at_first_error: false, ..sales.clone() };
        inspect(&postgres).await.logical().load(&SystemRunner, &tolerant, &taken).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_target_lacks_for_a_chosen_table_is_found_beforehand() {
    let (Some(source), Some(target)) = (Postgres::start(15), Postgres::start(15)) else { return };
    source.psql(
        "postgres",
        "CREATE ROLE gone; CREATE TABLE public.news (); ALTER TABLE public.news OWNER TO gone;",
    );
    let taken = dump(inspect(&source).await.as_ref(), "postgres").await;
    let table = taken.tables("postgres", &["public.news"]);
    let plan = inspect(&target).await.logical().load(&SystemRunner, &table, &taken).await.unwrap();
    assert!(plan.findings.iter().any(|finding| finding.problem.contains("`gone`")), "{:?}", plan.findings);
}

#[tokio::test]
async fn a_table_comes_back_with_a_schema_that_the_database_has_lost() {
    let Some((postgres, taken)) = published(15).await else { return };
    postgres.psql("shop", "DROP SCHEMA sales CASCADE;");
    let table = taken.tables("shop", &["sales.a"]);
    restore(inspect(&postgres).await.as_ref(), &taken, &table).await.unwrap();
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM sales.a"), "0");
}

#[tokio::test]
async fn a_new_database_for_a_choice_of_tables_takes_the_right_to_create_one() {
    let Some((postgres, taken)) = published(15).await else { return };
    postgres.psql("postgres", "CREATE ROLE plain LOGIN;");
    let settings = ServerSettings { user: "plain".to_owned(), ..postgres.settings() };
    let plain = PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap();
    let apart = taken.tables("apart", &["sales.a"]);
    let error = plain.logical().load(&SystemRunner, &apart, &taken).await.unwrap_err();
    assert!(matches!(&error, EngineError::Privilege { help, .. } if help.contains("CREATEDB")), "{error:?}");
}

#[tokio::test]
async fn a_table_goes_into_a_database_whose_own_owner_is_another() {
    let Some(postgres) = Postgres::start(15) else { return };
    postgres.psql("postgres", "CREATE ROLE gone; CREATE DATABASE shop OWNER gone;");
    postgres.psql("shop", "CREATE TABLE public.news AS SELECT 1 AS id;");
    let taken = dump(inspect(&postgres).await.as_ref(), "shop").await;
    postgres.psql("shop", "DROP TABLE public.news;");
    postgres.psql("postgres", "ALTER DATABASE shop OWNER TO postgres; DROP ROLE gone;");
    let target = taken.tables("shop", &["public.news"]);
    restore(inspect(&postgres).await.as_ref(), &taken, &target).await.unwrap();
    postgres.psql("shop", "DO $$ BEGIN ASSERT (SELECT count(*) FROM public.news) = 1; END $$;");
}

const PUBLISHED: &str = "CREATE SCHEMA sales; CREATE TABLE sales.a (x int); CREATE TABLE sales.b (x int);
CREATE PUBLICATION \"the \"\"pub\"\"\" FOR TABLE sales.a; CREATE PUBLICATION other FOR TABLE sales.a, sales.b;
CREATE PUBLICATION whole FOR TABLES IN SCHEMA sales;";
const MEMBERS: &str = "SELECT coalesce(string_agg(p.pubname || ' ' || m.name, ',' ORDER BY p.pubname, m.name), '') FROM pg_publication p JOIN (
    SELECT prpubid, prrelid::regclass::text FROM pg_publication_rel UNION ALL
    SELECT pnpubid, pnnspid::regnamespace::text FROM pg_publication_namespace) m (pub, name) ON m.pub = p.oid;";
const ALL_MEMBERS: &str = "other sales.a,other sales.b,the \"pub\" sales.a,whole sales";

/// A dump of published tables.
async fn published(major: u32) -> Option<(Postgres, Dump)> {
    let postgres = Postgres::start(major)?;
    postgres.psql("postgres", "CREATE DATABASE shop;");
    postgres.psql("shop", PUBLISHED);
    let taken = dump(inspect(&postgres).await.as_ref(), "shop").await;
    Some((postgres, taken))
}

async fn check_published(major: u32) {
    let Some((postgres, taken)) = published(major).await else { return };
    assert_eq!(postgres.psql("shop", MEMBERS), ALL_MEMBERS);
    let choice = Selection { schemas: vec!["sales".to_owned()], tables: Vec::new() };
    let sales = RestoreTarget { selection: choice, ..taken.target("shop") };
    let server = inspect(&postgres).await;

    postgres.psql("shop", "DROP TABLE sales.a;");
    restore(server.as_ref(), &taken, &taken.tables("shop", &["sales.a"])).await.unwrap();
    assert_eq!(postgres.psql("shop", MEMBERS), ALL_MEMBERS);
    postgres.psql("shop", "DROP TABLE sales.a, sales.b;");
    restore(server.as_ref(), &taken, &sales).await.unwrap();
    assert_eq!(postgres.psql("shop", MEMBERS), ALL_MEMBERS);
    postgres.psql("shop", "DROP SCHEMA sales CASCADE;");
    restore(server.as_ref(), &taken, &sales).await.unwrap();
    assert_eq!(postgres.psql("shop", MEMBERS), ALL_MEMBERS);

    // A publication that is gone, one that takes no single tables any more, and one that stayed.
    postgres.psql(
        "shop",
        "DROP SCHEMA sales CASCADE; DROP PUBLICATION \"the \"\"pub\"\"\"; DROP PUBLICATION whole;
         CREATE PUBLICATION whole FOR ALL TABLES;",
    );
    let (plan, _) = restore(server.as_ref(), &taken, &sales).await.unwrap();
    assert_eq!(postgres.psql("shop", MEMBERS), "other sales.a,other sales.b");
    for name in ["`the \"pub\"`", "`whole`"] {
        assert!(plan.notes.iter().any(|note| note.contains(name)), "{name}: {:?}", plan.notes);
    }
    // A database of its own for some objects publishes nothing.
    let apart = RestoreTarget { database: "apart".to_owned(), ..sales };
    restore(server.as_ref(), &taken, &apart).await.unwrap();
    assert_eq!(postgres.psql("apart", "SELECT count(*) FROM pg_publication"), "0");
}

on_each!(async check_published as tables_return_to_the_publications_that_are_there: 15, 18);

#[tokio::test]
async fn a_publication_of_another_role_does_not_stop_a_table_from_coming_back() {
    let Some((postgres, taken)) = published(15).await else { return };
    postgres.psql(
        "shop",
        "DROP SCHEMA sales CASCADE; CREATE ROLE app LOGIN; GRANT CREATE ON DATABASE shop TO app;
         ALTER PUBLICATION other OWNER TO app;",
    );
    let settings = ServerSettings { user: "app".to_owned(), ..postgres.settings() };
    let server = PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap();
    let choice = Selection { schemas: vec!["sales".to_owned()], tables: Vec::new() };
    let sales = RestoreTarget {
        selection: choice,
        owners: Ownership::Skip,
        privileges: Ownership::Skip,
        ..taken.target("shop")
    };
    let (plan, _) = restore(server.as_ref(), &taken, &sales).await.unwrap();
    assert_eq!(postgres.psql("shop", MEMBERS), "other sales.a,other sales.b");
    assert_eq!(plan.notes.len(), 2, "{:?}", plan.notes);
}
