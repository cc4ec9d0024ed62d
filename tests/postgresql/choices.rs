//! Chosen tables that are bound to others: by keys, by inheritance, by what they show.

use super::support::plans::{dump, restore};
use super::support::postgres::Postgres;
use jagad::engine::{Engine as _, EngineError, RestoreTarget, Selection};
use jagad::process::SystemRunner;

const BOUND: &str = "
CREATE TABLE public.customer (id int PRIMARY KEY); INSERT INTO public.customer SELECT generate_series(1, 3);
CREATE TABLE public.orders (id int PRIMARY KEY, customer int CONSTRAINT \"to them\" REFERENCES public.customer);
COMMENT ON CONSTRAINT \"to them\" ON public.orders IS 'who';
INSERT INTO public.orders SELECT g, 1 + g % 3 FROM generate_series(1, 10) g;
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE public.parted (a int PRIMARY KEY, b int REFERENCES public.customer) PARTITION BY RANGE (a);
CREATE TRIGGER watch BEFORE INSERT ON public.parted FOR EACH ROW EXECUTE FUNCTION public.nothing();
CREATE TABLE public.low PARTITION OF public.parted FOR VALUES FROM (0) TO (10);
CREATE TABLE public.high PARTITION OF public.parted FOR VALUES FROM (10) TO (20);
CREATE TRIGGER own BEFORE UPDATE ON public.low FOR EACH ROW EXECUTE FUNCTION public.nothing();
ALTER TABLE public.low DISABLE TRIGGER own;
ALTER TABLE public.low DISABLE TRIGGER watch;
INSERT INTO public.parted SELECT g, 1 FROM generate_series(1, 15) g;
CREATE TABLE public.old (a int); CREATE TABLE public.older () INHERITS (public.old);
INSERT INTO public.old VALUES (1); INSERT INTO public.older VALUES (2), (3);
CREATE VIEW public.all_old AS SELECT a FROM public.old;
CREATE MATERIALIZED VIEW public.sums AS SELECT (SELECT sum(a) FROM public.all_old) AS old,
  (SELECT count(*) FROM public.parted) AS parted, (SELECT count(*) FROM public.orders) AS orders;
CREATE VIEW public.shown AS SELECT old + parted + orders AS n FROM public.sums;
CREATE TABLE public.numbered (id serial PRIMARY KEY); SELECT setval('public.numbered_id_seq', 42);
CREATE VIEW public.numbers AS SELECT last_value FROM public.numbered_id_seq;
";

async fn check_bound(major: u32) {
    let Some(postgres) = Postgres::start(major) else { return };
    postgres.psql("postgres", "CREATE DATABASE shop;");
    postgres.psql("shop", BOUND);
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let taken = dump(server.as_ref(), "shop").await;
    let restored = async |into: &str, tables: &[&str]| {
        restore(server.as_ref(), &taken, &taken.tables(into, tables)).await.unwrap().0
    };

    // A key is left out with what is said about it.
    let plan = restored("orders", &["orders"]).await;
    assert!(plan.notes.iter().any(|note| note.contains("to them")), "{:?}", plan.notes);
    assert_eq!(postgres.psql("orders", "SELECT count(*) FROM public.orders"), "10");
    let plan = restored("both", &["orders", "customer"]).await;
    assert_eq!(plan.notes, [""; 0]);
    let comment = "SELECT obj_description(oid) FROM pg_constraint WHERE conname = 'to them'";
    assert_eq!(postgres.psql("both", comment), "who");

    // A partition becomes a table of its own, with its own trigger and without that of its table.
    let plan = restored("low", &["low"]).await;
    assert!(plan.notes.iter().any(|note| note.contains("`public.parted`")), "{:?}", plan.notes);
    let triggers = "SELECT string_agg(tgname || tgenabled::text, ' ') FROM pg_trigger WHERE NOT tgisinternal";
    assert_eq!(postgres.psql("low", triggers), "ownD");
    assert_eq!(postgres.psql("low", "SELECT count(*) FROM public.low"), "9");
    postgres.psql("postgres", "CREATE DATABASE there;");
    postgres.psql(
        "there",
        "CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';",
    );
    restored("there", &["low"]).await;
    assert_eq!(postgres.psql("there", triggers), "ownD");
    // A key to a table that the database does not have is left out.
    let plan = restored("there", &["orders"]).await;
    assert!(plan.notes.iter().any(|note| note.contains("to them")), "{:?}", plan.notes);
    assert_eq!(postgres.psql("there", "SELECT count(*) FROM public.orders"), "10");
    // With its table it is as it was.
    restored("parted", &["parted", "customer"]).await;
    assert_eq!(
        postgres.psql("parted", "SELECT count(*) FROM pg_trigger WHERE tgname = 'watch' AND tgenabled = 'D'"),
        "1"
    );

    // What a view shows comes along, however far away.
    for (view, query) in
        [("shown", "SELECT n FROM public.shown"), ("sums", "SELECT old + parted + orders FROM public.sums")]
    {
        let plan = restored(view, &[view]).await;
        assert_eq!(postgres.psql(view, query), "31", "{view}");
        assert!(
            plan.notes.iter().any(|note| note.contains("`public.older` is restored too")),
            "{:?}",
            plan.notes
        );
        let tables = plan.tables.unwrap();
        assert_eq!(tables.len(), 5, "{tables:?}");
        let counted = server.logical().count_tables(&SystemRunner, view, &tables).await.unwrap();
        assert_eq!(counted.rows(), 10 + 15 + 3);
    }

    let plan = restored("numbers", &["numbers"]).await;
    assert!(
        plan.notes.iter().any(|note| note.contains("`public.numbered_id_seq` is restored too")),
        "{:?}",
        plan.notes
    );
    assert_eq!(postgres.psql("numbers", "SELECT last_value FROM public.numbers"), "42");
    assert_eq!(postgres.psql("numbers", "SELECT to_regclass('public.numbered')"), "");

    // The sequence of a column comes along, with its value.
    restored("serial", &["numbered"]).await;
    assert_eq!(postgres.psql("serial", "SELECT nextval('public.numbered_id_seq')"), "43");
    postgres.psql("serial", "INSERT INTO public.numbered DEFAULT VALUES");
    assert_eq!(postgres.psql("serial", "SELECT id FROM public.numbered"), "44");

    // In a database that is there the view shows what is there, or is refused.
    postgres.psql(
        "shop",
        "DROP VIEW public.shown; DROP MATERIALIZED VIEW public.sums; DELETE FROM public.orders WHERE id > 5;",
    );
    let plan = restored("shop", &["sums"]).await;
    assert!(plan.notes.iter().any(|note| note.contains("`public.orders`: it shows")), "{:?}", plan.notes);
    assert_eq!(postgres.psql("shop", "SELECT orders FROM public.sums"), "5");
    let refused =
        server.logical().load(&SystemRunner, &taken.tables("low", &["sums"]), &taken).await.unwrap_err();
    assert!(
        matches!(&refused, EngineError::Refused { problem, help }
            if problem.contains("reads `public.") && help.contains("--table public.")),
        "{refused:?}"
    );
}

on_each!(async check_bound as chosen_tables_come_back_with_what_they_need: 15, 18);

const ALIKE: &str = "
CREATE SCHEMA a; CREATE SCHEMA b; CREATE ROLE guest; GRANT CREATE ON SCHEMA public TO guest;
CREATE TABLE a.item (id int PRIMARY KEY); CREATE TABLE b.item (id int PRIMARY KEY REFERENCES a.item);
CREATE TABLE b.unit (id int PRIMARY KEY); CREATE TABLE a.unit (id int PRIMARY KEY REFERENCES b.unit);
CREATE TABLE public.\"x\" (id int PRIMARY KEY); CREATE TABLE public.\"x y\" (id int CONSTRAINT k REFERENCES public.x);
CREATE TABLE a.parted (id int, n int DEFAULT 5) PARTITION BY RANGE (id);
CREATE TABLE b.low PARTITION OF a.parted FOR VALUES FROM (0) TO (10);
GRANT USAGE ON SCHEMA a TO guest; COMMENT ON SCHEMA a IS 'dumped';
INSERT INTO a.item VALUES (1), (2); INSERT INTO b.item VALUES (2); INSERT INTO a.parted VALUES (3);
";

/// Of keys and partitions between schemas, and of names that are the beginning of others, each belongs to one table alone.
#[tokio::test]
async fn tables_with_names_alike_are_told_apart() {
    let Some(postgres) = Postgres::start(15) else { return };
    postgres.psql("postgres", "CREATE DATABASE shop;");
    postgres.psql("shop", ALIKE);
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let taken = dump(server.as_ref(), "shop").await;
    let keys = "SELECT coalesce(string_agg(conrelid::regclass::text, ' '), '') FROM pg_constraint WHERE contype = 'f'";
    for (at, (table, left_out)) in [
        ("a.item", false),
        ("b.item", true),
        ("a.unit", true),
        ("b.unit", false),
        ("x", false),
        ("x y", true),
    ]
    .into_iter()
    .enumerate()
    {
        let target = taken.tables(&format!("alone{at}"), &[table]);
        let (plan, _) = restore(server.as_ref(), &taken, &target).await.unwrap();
        let told = plan.notes.iter().any(|note| note.contains("is left out"));
        assert_eq!((told, plan.notes.len()), (left_out, usize::from(left_out)), "{table}: {:?}", plan.notes);
        assert_eq!(postgres.psql(&target.database, keys), "", "{table}");
    }
    let both = taken.tables("both", &["a.item", "b.item"]);
    restore(server.as_ref(), &taken, &both).await.unwrap();
    assert_eq!(postgres.psql("both", keys), "b.item");

    let several = taken.tables("several", &["item"]);
    let refused = server.logical().load(&SystemRunner, &several, &taken).await.unwrap_err();
    assert!(
        matches!(&refused, EngineError::Refused { help, .. } if help.contains("`a.item`, `b.item`")),
        "{refused:?}"
    );

    // A schema alone: its partition of a table elsewhere is a table of its own, and the rights on it come along.
    let of_schema = |schema: &str| RestoreTarget {
        selection: Selection { schemas: vec![schema.to_owned()], tables: Vec::new() },
        ..taken.target(&format!("only_{schema}"))
    };
    let (plan, _) = restore(server.as_ref(), &taken, &of_schema("b")).await.unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("`b.low`")), "{:?}", plan.notes);
    assert_eq!(postgres.psql("only_b", "SELECT id, n FROM b.low"), "3|5");
    restore(server.as_ref(), &taken, &of_schema("public")).await.unwrap();
    assert_eq!(postgres.psql("only_public", "SELECT has_schema_privilege('guest', 'public', 'CREATE')"), "t");

    // Of a schema that is there, its rights and its comment stay.
    postgres.psql(
        "shop",
        "DROP TABLE a.item, a.unit, a.parted CASCADE; REVOKE USAGE ON SCHEMA a FROM guest; COMMENT ON SCHEMA a IS 'now';",
    );
    let there = RestoreTarget { database: "shop".to_owned(), ..of_schema("a") };
    restore(server.as_ref(), &taken, &there).await.unwrap();
    let rights = "SELECT has_schema_privilege('guest', 'a', 'USAGE'), obj_description('a'::regnamespace)";
    assert_eq!(postgres.psql("shop", rights), "f|now");
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM a.item"), "2");
}
