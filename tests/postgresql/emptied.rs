//! A restore into the existing database, for a role that may create none.

use super::support::plans::{dump, restore};
use super::support::postgres::Postgres;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{
    Engine as _, EngineError, Occupied, RestoreTarget, Server, ServerSettings, TargetEffect,
};
use jagad::process::SystemRunner;

async fn as_role(postgres: &Postgres, role: &str) -> Box<dyn Server> {
    let settings = ServerSettings { user: role.to_owned(), ..postgres.settings() };
    PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap()
}

const CONTENT: &str = "
CREATE TABLE public.t (a serial PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 9);
CREATE SCHEMA side; CREATE VIEW side.v AS SELECT a FROM public.t;
CREATE MATERIALIZED VIEW side.m AS SELECT sum(a) FROM public.t;
CREATE EXTENSION pg_trgm SCHEMA side;
SELECT lo_from_bytea(0, 'abc');";

/// What must be gone afterwards, of every kind that an ordinary role makes.
const LATER: &str = "
CREATE TABLE public.later (a int PRIMARY KEY REFERENCES public.t, b bigserial);
CREATE TABLE public.parts (a int) PARTITION BY LIST (a); CREATE TABLE public.part PARTITION OF public.parts DEFAULT;
CREATE TYPE public.word AS ENUM ('x'); CREATE TYPE public.pair AS (a int); CREATE DOMAIN public.small AS int;
CREATE TYPE public.span AS RANGE (subtype = int);
CREATE FUNCTION public.f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE public.p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE public.total(int) (SFUNC = int4pl, STYPE = int);
CREATE OPERATOR public.@+@ (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
CREATE COLLATION public.coll FROM \"C\"; CREATE SEQUENCE public.alone; CREATE EXTENSION hstore;
CREATE SCHEMA \"Odd 's\"; CREATE TABLE \"Odd 's\".\"T \"\"x\" (a int); CREATE STATISTICS public.st ON a, b FROM public.later;
CREATE TEXT SEARCH CONFIGURATION public.ts (COPY = simple); CREATE PUBLICATION pub FOR TABLE public.t;
DELETE FROM public.t WHERE a > 3; SELECT lo_create(0), lo_create(0);";

async fn check_emptied(major: u32) {
    let Some(postgres) = Postgres::start(major) else { return };
    postgres.psql("postgres", "CREATE ROLE plain LOGIN; CREATE DATABASE shop OWNER plain;");
    postgres.psql(
        "postgres",
        "ALTER DATABASE shop SET work_mem = '8MB'; GRANT CONNECT ON DATABASE shop TO PUBLIC;",
    );
    postgres.try_psql("plain", "shop", CONTENT).unwrap();
    let before = postgres.fingerprint("shop");
    let settings = "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = 'shop'::regclass::oid";
    let settings =
        settings.replace("'shop'::regclass::oid", "(SELECT oid FROM pg_database WHERE datname = 'shop')");
    let weak = as_role(&postgres, "plain").await;
    let taken = dump(weak.as_ref(), "shop").await;
    postgres.try_psql("plain", "shop", LATER).unwrap();
    postgres.psql(
        "postgres",
        "ALTER DATABASE shop SET work_mem = '9MB'; ALTER DATABASE shop SET random_page_cost = 2;",
    );

    // Beside it does not go, and the way out is said.
    let refused = weak.logical().load(&SystemRunner, &taken.target("shop"), &taken).await.unwrap_err();
    assert!(
        matches!(&refused, EngineError::Privilege { help, .. } if help.contains("--clean")),
        "{refused:?}"
    );

    let clean = RestoreTarget { occupied: Occupied::Clean, ..taken.target("shop") };
    // What belongs to somebody else cannot be dropped: that is known before anything is.
    postgres.psql("shop", "CREATE SCHEMA theirs; CREATE TABLE theirs.x (); CREATE ROLE them; ALTER TABLE theirs.x OWNER TO them;");
    let refused = restore(weak.as_ref(), &taken, &clean).await.unwrap_err();
    assert!(refused.contains("GRANT \\\"postgres\\\", \\\"them\\\" TO \\\"plain\\\""), "{refused}");
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM public.t"), "3");
    postgres.psql("shop", "DROP SCHEMA theirs CASCADE;");
    // The locks of a prepared transaction would hold up the emptying.
    postgres.psql("shop", "BEGIN; INSERT INTO public.t VALUES (99); PREPARE TRANSACTION 'half way';");
    let refused = weak.logical().load(&SystemRunner, &clean, &taken).await.unwrap_err();
    assert!(
        matches!(&refused, EngineError::Refused { problem, .. } if problem.contains("`half way`")),
        "{refused:?}"
    );
    postgres.psql("shop", "ROLLBACK PREPARED 'half way';");
    let (plan, counted) = restore(weak.as_ref(), &taken, &clean).await.unwrap();

    assert!(matches!(plan.effect, TargetEffect::Overwrites { .. }));
    let counted = counted.unwrap();
    let dumped = taken.contents.as_ref().unwrap();
    assert_eq!((&counted.tables, counted.large_objects), (&dumped.tables, dumped.large_objects));
    assert_eq!(postgres.fingerprint("shop"), before);
    assert_eq!(postgres.psql("postgres", &settings), "{work_mem=8MB}");
    let left = "SELECT string_agg(typname, ' ') FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE nspname = 'public' AND typname NOT IN ('t', '_t')";
    assert_eq!(postgres.psql("shop", left), "");
    assert_eq!(
        postgres.psql("shop", "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension"),
        "pg_trgm plpgsql"
    );
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM pg_publication"), "0");
    assert_eq!(postgres.psql("shop", "SELECT sum FROM side.m"), "45");
    // Once more over itself.
    restore(weak.as_ref(), &taken, &clean).await.unwrap();
    assert_eq!(postgres.fingerprint("shop"), before);
    // These belong to nobody, and only whoever has their type may drop them.
    postgres.psql(
        "shop",
        "CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));",
    );
    let refused = restore(weak.as_ref(), &taken, &clean).await.unwrap_err();
    assert!(refused.contains("GRANT \\\"postgres\\\" TO"), "{refused}");
    let strong = postgres.engine().inspect(&SystemRunner).await.unwrap();
    restore(strong.as_ref(), &taken, &clean).await.unwrap();
    assert_eq!(postgres.psql("shop", "SELECT count(*) FROM pg_transform"), "0");
    assert_eq!(postgres.fingerprint("shop"), before);
    assert_eq!(postgres.databases(), ["postgres", "shop"]);
}

on_each!(async check_emptied as a_role_that_may_create_no_database_empties_and_fills_its_own: 15, 18);
