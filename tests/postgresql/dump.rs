//! Dumps and full restores.

use super::support::plans::{dump, restore};
use super::support::postgres::Postgres;
use jagad::engine::Engine as _;
use jagad::process::SystemRunner;

/// A name that breaks whatever pastes names into options, connection strings, SQL or paths.
pub const ODD: &str = "a=b 'q' \"d\" \\ /ö;-- $(x) % *";

async fn check_round_trip(major: u32) {
    let Some(postgres) = Postgres::start(major) else { return };
    postgres.create_content(ODD);
    let database = format!("\"{}\"", ODD.replace('"', "\"\""));
    postgres.psql(
        "postgres",
        &format!(
            "ALTER DATABASE {database} OWNER TO app_owner; COMMENT ON DATABASE {database} IS 'it''s odd';
             GRANT CREATE ON DATABASE {database} TO reader WITH GRANT OPTION; REVOKE TEMP ON DATABASE {database} FROM PUBLIC;
             ALTER DATABASE {database} SET search_path TO \"$user\", 'Odd schema.ö/''x', public;
             ALTER DATABASE {database} SET work_mem TO '5MB'; ALTER DATABASE {database} CONNECTION LIMIT 17;
             ALTER ROLE reader IN DATABASE {database} SET my.thing TO 'a=b';"
        ),
    );
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let taken = dump(server.as_ref(), ODD).await;

    let contents = taken.contents.clone().unwrap();
    assert_eq!(contents.tables, server.logical().count(&SystemRunner, ODD).await.unwrap().tables);
    let rows = |table: &str| contents.tables.iter().find(|rows| rows.table == table).map(|rows| rows.rows);
    for (table, expected) in [
        ("hostile", Some(11)),
        ("only_dots", Some(100)),
        ("no_columns", Some(3)),
        ("empty", Some(0)),
        ("parent", Some(2)),
        ("orders", None),
        ("totals_now", None),
        ("Weird Name \"q\" 'a' / \\ ; ö.tbl", Some(2)),
    ] {
        assert_eq!(rows(table), expected, "{table}");
    }
    assert_eq!(contents.owners, ["app_owner", "postgres"]);
    assert_eq!(contents.extensions, ["hstore", "pg_trgm"]);

    let before = postgres.fingerprint(ODD);
    let copy = format!("copy of {ODD}");
    let (plan, counted) = restore(server.as_ref(), &taken, &taken.target(&copy)).await.unwrap();
    assert_eq!(counted.unwrap().tables, contents.tables);
    assert_eq!(plan.notes, [""; 0]);
    assert_eq!(postgres.fingerprint(&copy), before);

    // Over itself: what was there is gone, also what the dump does not know.
    postgres.psql(ODD, "CREATE TABLE public.later (a int); DROP TABLE public.hostile;");
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    restore(server.as_ref(), &taken, &taken.target(ODD)).await.unwrap();
    assert_eq!(postgres.fingerprint(ODD), before);
    assert_eq!(postgres.databases(), [ODD, &copy, "postgres"]);
}

on_each!(async check_round_trip as everything_comes_back_as_it_was: 15, 18);
