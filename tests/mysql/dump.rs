//! Dumps and full restores.

use super::support::mysql::{ROWS, Release, Sql};
use super::support::plans::{dump, restore};
use jagad::model::EngineKind;
use jagad::process::SystemRunner;

/// A name that breaks whatever pastes names into options, SQL or paths. Quotes and backslashes are left out: MariaDB's own
/// dump tool cannot dump events of a database that has one in its name.
pub const ODD: &str = "a=b ;-- $(x)% `ö";

async fn check_round_trip(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.create_content(ODD);
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), ODD).await;

    let contents = taken.contents.clone().unwrap();
    let counted = server.logical().count(&SystemRunner, ODD).await.unwrap();
    assert_eq!(contents.tables, counted.tables);
    for (table, expected) in ROWS {
        let rows = contents.tables.iter().find(|rows| rows.table == table).map(|rows| rows.rows);
        assert_eq!(rows, Some(expected), "{table}: {:?}", contents.tables);
    }
    let more = contents.tables.len() - ROWS.len();
    assert_eq!(more, usize::from(release.kind() == EngineKind::MariaDb), "{:?}", contents.tables);
    assert_eq!(contents.owners, ["root@localhost"]);
    let position = contents.position.unwrap();
    assert!(position.file.starts_with("binlog.0") && position.offset > 4, "{position:?}");
    assert!(!position.gtid.unwrap().is_empty());

    let before = sql.fingerprint(ODD);
    let copy = format!("copy of {ODD}");
    let (plan, counted) = restore(server.as_ref(), &taken, &taken.target(&copy)).await.unwrap();
    assert_eq!(counted.unwrap().tables, contents.tables);
    assert_eq!(plan.notes.len(), 1, "events stay disabled: {:?}", plan.notes);
    assert_eq!(sql.fingerprint(&copy), before.replace("\tENABLED\t", "\tDISABLED\t"));

    // Over itself: what was there is gone, also what the dump does not know.
    sql.run(ODD, "CREATE TABLE later (a int); DROP TABLE hostile; CREATE PROCEDURE later () SELECT 1;");
    let server = sql.inspect().await;
    restore(server.as_ref(), &taken, &taken.target(ODD)).await.unwrap();
    assert_eq!(sql.fingerprint(ODD), before);
    assert_eq!(sql.databases(), [ODD, &copy]);
}

on_each!(async check_round_trip as everything_comes_back_as_it_was: MySql97, MariaDb1011, MariaDb118);
