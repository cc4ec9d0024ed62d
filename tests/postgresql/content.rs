//! Rare content, other server versions, and everything that pg_dump knows of a database.

use super::dump::ODD;
use super::support::definitions::{assert_same, definitions};
use super::support::plans::{dump, restore};
use super::support::postgres::Postgres;
use jagad::engine::Engine as _;
use jagad::process::SystemRunner;

const RARE: &str = include_str!("content.sql");
const ROLES: &str = "CREATE ROLE app_owner; CREATE ROLE reader; CREATE ROLE \"odd \"\"role\";";

/// PostgreSQL 18 writes views on one table without the table's name in front of each column.
fn unqualified(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let mut line = line.to_owned();
        for table in ["rare.", "orders.", "totals."] {
            line = line.replace(&format!(" {table}"), " ").replace(&format!("({table}"), "(");
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Restores everything of a server of `from` into one of `to`, by way of the engine alone.
async fn check_move(from: u32, to: u32) {
    let (Some(source), Some(target)) = (Postgres::start(from), Postgres::start(to)) else { return };
    source.create_content(ODD);
    source.psql(ODD, RARE);
    target.psql("postgres", ROLES);
    let taken = dump(source.engine().inspect(&SystemRunner).await.unwrap().as_ref(), ODD).await;
    let server = target.engine().inspect(&SystemRunner).await.unwrap();

    let (plan, counted) = restore(server.as_ref(), &taken, &taken.target(ODD)).await.unwrap();
    assert_eq!(plan.notes, [""; 0]);
    let contents = taken.contents.clone().unwrap();
    assert_eq!(counted.unwrap().tables, contents.tables);
    let live = source.engine().inspect(&SystemRunner).await.unwrap();
    assert_eq!(live.logical().count(&SystemRunner, ODD).await.unwrap().tables, contents.tables);
    assert!(contents.tables.iter().any(|rows| rows.table == "tab\tle\nline" && rows.rows == 1));
    let same = |args: &[&str]| {
        let texts = [&source, &target].map(|postgres| unqualified(&definitions(postgres, ODD, args)));
        assert_same(&texts[0], &texts[1]);
    };
    same(&["--schema-only"]);
    same(&["--data-only", "--rows-per-insert=50"]);
    let large = "SELECT m.oid, pg_get_userbyid(lomowner), md5(lo_get(m.oid)) FROM pg_largeobject_metadata m ORDER BY 1";
    assert_eq!(source.psql(ODD, large), target.psql(ODD, large));
}

#[tokio::test]
async fn rare_content_comes_back_on_postgresql_15() {
    check_move(15, 15).await;
}

#[tokio::test]
async fn rare_content_comes_back_on_postgresql_18() {
    check_move(18, 18).await;
}

#[tokio::test]
async fn rare_content_moves_from_postgresql_15_to_18() {
    check_move(15, 18).await;
}

#[tokio::test]
async fn a_database_with_nothing_in_it_comes_back() {
    let Some(postgres) = Postgres::start(15) else { return };
    postgres.psql("postgres", "CREATE DATABASE hollow;");
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let taken = dump(server.as_ref(), "hollow").await;
    assert_eq!(taken.contents.as_ref().unwrap().tables.len(), 0);
    let (_, counted) = restore(server.as_ref(), &taken, &taken.target("again")).await.unwrap();
    assert_eq!(counted.unwrap().tables.len(), 0);
    assert_eq!(postgres.fingerprint("again"), postgres.fingerprint("hollow"));
}

#[tokio::test]
async fn encodings_and_locales_come_back() {
    let Some(postgres) = Postgres::start(15) else { return };
    postgres.psql(
        "postgres",
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
         CREATE DATABASE icu LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C' ENCODING 'UTF8' TEMPLATE template0;",
    );
    postgres.psql("latin", "CREATE TABLE \"größe\" (t text); INSERT INTO \"größe\" VALUES ('ÄÖÜß');");
    postgres.psql("icu", "CREATE TABLE t (t text); INSERT INTO t VALUES ('ä'), ('z'), ('b');");
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    for name in ["latin", "icu"] {
        let taken = dump(server.as_ref(), name).await;
        let copy = format!("{name} copy");
        let (_, counted) = restore(server.as_ref(), &taken, &taken.target(&copy)).await.unwrap();
        assert_eq!(Some(counted.unwrap().tables), taken.contents.map(|contents| contents.tables));
        assert_eq!(postgres.fingerprint(&copy), postgres.fingerprint(name));
    }
    assert_eq!(postgres.psql("icu copy", "SELECT string_agg(t, '' ORDER BY t) FROM t"), "äbz");
}
