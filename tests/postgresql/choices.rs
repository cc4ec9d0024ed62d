//! Chosen tables that are bound to others: by keys, by inheritance, by what they show.

use super::support::plans::{dump, restore};
use super::support::postgres::Postgres;
use jagad::engine::{Engine as _, EngineError};
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

#[tokio::test]
async fn chosen_tables_come_back_with_what_they_need_on_postgresql_15() {
    check_bound(15).await;
}

#[tokio::test]
async fn chosen_tables_come_back_with_what_they_need_on_postgresql_18() {
    check_bound(18).await;
}
