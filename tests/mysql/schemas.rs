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
