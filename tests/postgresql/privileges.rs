//! What a role that is no superuser lacks for a dump, is found before the dump, and the printed statements grant it.

use super::login::{ASK_PASSWORDS, PASSWORD, role};
use super::support::plans::{dump_all, scope};
use super::support::postgres::Postgres;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{Engine as _, Filter, Finding, FindingLevel, Scope, Server};
use jagad::model::PartKind;
use jagad::process::SystemRunner;

const SMALL: &str = "CREATE SCHEMA \"In ner\"; CREATE TABLE \"In ner\".\"T\" (a serial);
CREATE TABLE public.plain (a int, b int); INSERT INTO public.plain VALUES (1, 2);
CREATE TABLE public.guarded (a int); ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
INSERT INTO public.guarded VALUES (1), (2), (3);
GRANT SELECT (a) ON public.plain TO bk;
SELECT lo_from_bytea(1, 'x'), lo_from_bytea(2, 'y');";

fn start(major: u32) -> Option<Postgres> {
    let postgres = Postgres::start_with(major, ASK_PASSWORDS)?;
    let password = PASSWORD.replace('\\', "\\\\").replace('\'', "''");
    postgres.psql(
        "postgres",
        &format!("CREATE ROLE bk LOGIN PASSWORD E'{password}'; CREATE DATABASE \"the shop\";"),
    );
    postgres.psql("the shop", SMALL);
    postgres.psql("postgres", "REVOKE CONNECT ON DATABASE \"the shop\" FROM PUBLIC;");
    Some(postgres)
}

async fn server(postgres: &Postgres) -> Box<dyn Server> {
    PostgreSql::new(role(postgres, "bk", PASSWORD)).inspect(&SystemRunner).await.unwrap()
}

async fn errors(server: &dyn Server, scope: &Scope) -> Vec<Finding> {
    let findings = server.logical().check_dump(&SystemRunner, scope).await.unwrap();
    findings.into_iter().filter(|finding| finding.level == FindingLevel::Error).collect()
}

/// The printed statements of one kind: the first choice, or what stands behind "or: ".
fn statements(findings: &[Finding], single: bool) -> String {
    let statement = |help: &str| match help.split_once("or: ") {
        Some((_, after)) if single => after.to_owned(),
        _ => help.split_inclusive(';').next().unwrap().to_owned(),
    };
    findings.iter().map(|finding| statement(finding.hint())).collect::<Vec<_>>().join("\n")
}

/// Follows what is printed until nothing is missing; the subjects that were printed on the way.
async fn follow(postgres: &Postgres, server: &dyn Server, scope: &Scope, single: bool) -> Vec<String> {
    const ROUNDS: usize = 12;
    let mut subjects = Vec::new();
    for _ in 0..ROUNDS {
        let found = errors(server, scope).await;
        if found.is_empty() {
            return subjects;
        }
        assert!(dump_all(server, scope).await.is_err(), "a dump works in spite of {found:?}");
        subjects.extend(found.iter().map(|finding| finding.subject.clone()));
        let (everywhere, here): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|finding| finding.hint().contains("; in the database `postgres`"));
        postgres.psql("postgres", &statements(&everywhere, single));
        postgres.psql("the shop", &statements(&here, single));
    }
    panic!("after {ROUNDS} rounds this is still found: {:?}", errors(server, scope).await)
}

async fn check_mended(major: u32, single: bool) {
    let Some(postgres) = start(major) else { return };
    let scope = Scope { globals: true, ..scope(&["the shop"]) };
    let server = server(&postgres).await;
    let mut subjects = follow(&postgres, server.as_ref(), &scope, single).await;
    subjects.sort();
    subjects.dedup();
    let expected = [
        "connect to `the shop`",
        "read all rows of `the shop`",
        "read roles and tablespaces",
        "read the large objects of `the shop`",
        "read the tables of `the shop`",
        "use the schemas of `the shop`",
    ];
    assert_eq!(subjects, expected);
    let findings = server.logical().rehearse_dump(&SystemRunner, &scope).await.unwrap();
    assert!(findings.iter().all(|finding| finding.level == FindingLevel::Ok), "{findings:?}");
    let taken = dump_all(server.as_ref(), &scope).await.unwrap();
    let (globals, database) = (&taken[0], &taken[1]);
    assert_eq!((globals.kind, database.kind), (PartKind::Globals, PartKind::Database));
    assert!(String::from_utf8_lossy(&globals.bytes).contains("SCRAM-SHA-256$"));
    let all = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let contents = all.logical().count(&SystemRunner, "the shop").await.unwrap();
    assert_eq!(database.contents.as_ref().unwrap().tables, contents.tables);
    assert_eq!(server.logical().count(&SystemRunner, "the shop").await.unwrap().tables, contents.tables);
    assert_eq!(contents.rows(), 4);
}

#[tokio::test]
async fn following_the_printed_statements_makes_a_dump_work_on_postgresql_15() {
    check_mended(15, false).await;
}

#[tokio::test]
async fn following_the_printed_statements_makes_a_dump_work_on_postgresql_18() {
    check_mended(18, false).await;
}

#[tokio::test]
async fn following_the_narrower_statements_makes_a_dump_work_too() {
    check_mended(15, true).await;
}

#[tokio::test]
async fn what_a_filter_leaves_out_need_not_be_readable() {
    let Some(postgres) = start(15) else { return };
    postgres.psql(
        "the shop",
        "GRANT CONNECT ON DATABASE \"the shop\" TO bk; GRANT SELECT ON public.plain TO bk;",
    );
    let mut settings = role(&postgres, "bk", PASSWORD);
    settings.filter.tables = vec!["public.plain".to_owned()];
    settings.role_passwords = false;
    let server = PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap();
    let scope = Scope { globals: true, ..scope(&["the shop"]) };
    assert_eq!(errors(server.as_ref(), &scope).await, []);
    let taken = dump_all(server.as_ref(), &scope).await.unwrap();
    assert!(!String::from_utf8_lossy(&taken[0].bytes).contains("SCRAM-SHA-256$"));
    assert_eq!(taken[1].contents.as_ref().unwrap().rows(), 1);
}

async fn check_search_path(major: u32) {
    let Some(postgres) = start(major) else { return };
    postgres.psql(
        "the shop",
        "GRANT CONNECT ON DATABASE \"the shop\" TO bk; GRANT USAGE ON SCHEMA \"In ner\" TO bk;
         CREATE TABLE public.twin (a int); CREATE TABLE \"In ner\".twin (a int); CREATE TABLE \"In ner\".alone (a int);
         INSERT INTO \"In ner\".twin VALUES (1), (2); GRANT SELECT ON \"In ner\".twin TO bk;
         ALTER ROLE bk IN DATABASE \"the shop\" SET search_path = nowhere, \"In ner\", public;",
    );
    let scope = scope(&["the shop"]);
    let filtered = async |change: fn(&mut Filter)| {
        let mut settings = role(&postgres, "bk", PASSWORD);
        change(&mut settings.filter);
        let server = PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap();
        let found = errors(server.as_ref(), &scope).await;
        (found, dump_all(server.as_ref(), &scope).await.map(|parts| parts[0].contents.clone().unwrap()))
    };
    // Of two tables of one name only the first of the path is meant, by pg_dump and so by the check.
    let (found, taken) = filtered(|filter| filter.tables = vec!["twin".to_owned()]).await;
    assert_eq!(found, []);
    let taken = taken.unwrap();
    assert_eq!((taken.tables.len(), taken.tables[0].schema.as_str(), taken.rows()), (1, "In ner", 2));
    let (found, taken) = filtered(|filter| {
        filter.tables = vec!["public.twin".to_owned(), "\"In ner\".twin".to_owned()];
        filter.exclude_tables = vec!["t?in".to_owned()];
    })
    .await;
    assert!(found.len() == 1 && found[0].problem.contains("`public.twin`"), "{found:?}");
    assert!(!found[0].problem.contains("In ner"), "{found:?}");
    assert!(taken.is_err());
}

on_each!(async check_search_path as a_pattern_without_a_schema_means_what_the_role_sees: 15, 18);

#[tokio::test]
async fn rows_hidden_by_row_security_are_never_left_out_of_a_count() {
    let Some(postgres) = start(15) else { return };
    postgres.psql("the shop", "GRANT CONNECT ON DATABASE \"the shop\" TO bk; GRANT pg_read_all_data TO bk;");
    let server = server(&postgres).await;
    let counted = server.logical().count(&SystemRunner, "the shop").await;
    assert!(counted.is_err(), "{counted:?}");
}
