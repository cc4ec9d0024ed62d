//! Schemas as applications make them: sequences, and what only one of the families has.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump_all, restore, scope};
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, ServerSettings};
use jagad::process::SystemRunner;

/// MariaDB 10.11 dumps the sequence first. With `LOCK TABLES` around the rows, each insert is refused (1100).
async fn check_sequence_defaults(release: Release, extra: &[&str]) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop;");
    let content = "CREATE SEQUENCE s; CREATE TABLE o (id BIGINT PRIMARY KEY DEFAULT NEXTVAL(s), note TEXT);
        INSERT INTO o (note) VALUES ('a'), ('b'), ('c');";
    sql.run("shop", content);
    let extra_args = extra.iter().map(|arg| (*arg).to_owned()).collect();
    let engine = MySql::new(ServerSettings { extra_args, ..sql.settings() });
    let dumping = engine.inspect(&SystemRunner).await.unwrap();
    let taken = dump_all(dumping.as_ref(), &scope(&["shop"])).await.unwrap().remove(0);
    let locks = taken.bytes.windows(11).any(|bytes| bytes == b"LOCK TABLES");
    assert_eq!(locks, !extra.is_empty(), "the dump has locks when it is told to, and else not");

    let server = sql.inspect().await;
    let (_, counted) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();

    assert_eq!(counted.unwrap().tables, taken.contents.unwrap().tables);
    assert_eq!(sql.run("copy", "SELECT GROUP_CONCAT(id, note ORDER BY id) FROM o"), "1a,2b,3c");
}

#[tokio::test]
async fn a_default_that_asks_a_sequence_comes_back_on_mariadb_10_11() {
    check_sequence_defaults(Release::MariaDb1011, &[]).await;
}

#[tokio::test]
async fn a_default_that_asks_a_sequence_comes_back_on_mariadb_11_8() {
    check_sequence_defaults(Release::MariaDb118, &[]).await;
}

#[tokio::test]
async fn locks_in_a_dump_are_left_out_of_a_restore() {
    check_sequence_defaults(Release::MariaDb1011, &["--add-locks"]).await;
}

const VERSIONED: &str = "CREATE TABLE price (id INT PRIMARY KEY, amount INT) WITH SYSTEM VERSIONING;
    INSERT INTO price VALUES (1, 10), (2, 20);
    UPDATE price SET amount = 11 WHERE id = 1;
    DELETE FROM price WHERE id = 2;
    CREATE TABLE plain (id INT);
    INSERT INTO plain VALUES (1);";
const PRECISE: &str = "CREATE TABLE precise_one (id INT, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START,
      e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) ENGINE=InnoDB WITH SYSTEM VERSIONING;
    INSERT INTO precise_one (id) VALUES (1);
    UPDATE precise_one SET id = 2;";
const PRICES: &str =
    "SELECT GROUP_CONCAT(id, '=', amount, ' ', row_start, ' ', row_end ORDER BY row_start, id)
    FROM price FOR SYSTEM_TIME ALL";

async fn check_history(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE DATABASE odd;");
    sql.run("shop", VERSIONED);
    sql.run("odd", VERSIONED);
    sql.run("odd", PRECISE);
    let before = sql.run("shop", PRICES);
    assert_eq!(before.matches('=').count(), 3, "{before}");
    let server = sql.inspect().await;
    let both = scope(&["shop", "odd"]);
    let findings = server.logical().check_dump(&SystemRunner, &both).await.unwrap();
    let warned: Vec<&str> = findings.iter().map(|finding| finding.problem.as_str()).collect();
    let warned: Vec<&&str> = warned.iter().filter(|problem| problem.contains("history")).collect();
    assert!(matches!(warned[..], [problem] if problem.contains("`precise_one`")), "{findings:?}");
    let taken = dump_all(server.as_ref(), &both).await.unwrap();

    for dump in &taken {
        let copy = format!("{}_copy", dump.database);
        let (_, counted) = restore(server.as_ref(), dump, &dump.target(&copy)).await.unwrap();
        assert_eq!(&counted.unwrap().tables, &dump.contents.as_ref().unwrap().tables);
    }
    assert_eq!(sql.run("shop_copy", PRICES), before, "every version, with its times");
    // Without the history, as a plain dump has it.
    assert_eq!(sql.run("odd_copy", "SELECT COUNT(*) FROM price FOR SYSTEM_TIME ALL"), "1");
    assert_eq!(sql.run("odd_copy", "SELECT id FROM precise_one"), "2");
}

on_each!(async check_history as the_history_of_versioned_tables_comes_back: MariaDb1011, MariaDb118);

/// A version that was replaced by the statement that wrote it has no length, and no server takes it back so.
async fn check_short_versions(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop;");
    let times = "GENERATED ALWAYS AS ROW";
    sql.run(
        "shop",
        &format!(
            "CREATE TABLE own (a INT PRIMARY KEY, s TIMESTAMP(6) {times} START INVISIBLE, x TEXT CHARACTER SET latin1,
               e TIMESTAMP(6) {times} END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING;
             CREATE TABLE hidden (a INT PRIMARY KEY, x TEXT CHARACTER SET latin1) WITH SYSTEM VERSIONING;
             CREATE TABLE plain (row_start INT, row_end INT); INSERT INTO plain VALUES (2, 1);"
        ),
    );
    for table in ["own", "hidden"] {
        sql.run("shop", &format!("REPLACE INTO {table} (a, x) VALUES (1, 'é'), (1, 'ü'), (2, 'b');"));
        sql.run("shop", &format!("UPDATE {table} SET x = 'later' WHERE a = 2;"));
    }
    let versions = |database: &str| {
        ["own s e", "hidden ROW_START ROW_END"].map(|table| {
            let [table, begun, ended] = <[&str; 3]>::try_from(table.split(' ').collect::<Vec<_>>()).unwrap();
            let ended = format!("IF({ended} <= {begun} + INTERVAL 1 MICROSECOND, 'at once', {ended})");
            sql.run(
                database,
                &format!(
                    "SELECT a, HEX(x), {begun}, {ended} FROM {table} FOR SYSTEM_TIME ALL ORDER BY 1, 2, 3;"
                ),
            )
        })
    };
    let before = versions("shop");
    // MariaDB 11.8 keeps no version that had no time.
    if release == Release::MariaDb1011 {
        assert!(before.iter().all(|rows| rows.contains("at once")), "{before:?}");
    }
    let server = sql.inspect().await;
    let taken = dump_all(server.as_ref(), &scope(&["shop"])).await.unwrap().remove(0);
    let (_, counted) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();
    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
    assert_eq!(versions("copy"), before);
    assert_eq!(sql.run("copy", "SELECT * FROM plain"), "2\t1");
}

on_each!(async check_short_versions as versions_without_length_come_back: MariaDb1011, MariaDb118);
