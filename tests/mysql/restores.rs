//! Restores of a choice, with other definers, with errors, and those that are refused.

use super::support::mysql::{Release, Sql};
use super::support::plans::{Dump, dump, restore, run, scope};
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, Ownership, RestoreTarget, Selection, TargetEffect};
use jagad::model::ByteReader;
use jagad::process::SystemRunner;

async fn content(release: Release) -> Option<(Sql, Dump)> {
    let sql = Sql::start(release)?;
    sql.create_content("shop");
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    Some((sql, taken))
}

async fn chosen_tables_come_back(release: Release) {
    let Some((sql, taken)) = content(release).await else { return };
    sql.run("", "CREATE DATABASE other; CREATE TABLE other.mine (a int); CREATE TABLE other.audit (id int);");
    let server = sql.inspect().await;
    let target = taken.tables("other", &["item", "shop.child"]);
    let (plan, _) = restore(server.as_ref(), &taken, &target).await.unwrap();
    assert_eq!(plan.effect, TargetEffect::AddsTo);
    assert_eq!(sql.run("other", "SHOW TABLES;"), "audit\nchild\nitem\nmine");
    assert_eq!(sql.run("other", "SELECT COUNT(*) FROM child;"), "3");
    let triggers =
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'other' ORDER BY 1;";
    assert_eq!(sql.run("", triggers), "item_ai\nitem_bu");

    // What is there is never touched.
    let refused = restore(server.as_ref(), &taken, &target).await.unwrap_err();
    assert!(refused.contains("exists already in `other`"), "{refused}");
    // A table that the backup does not have: nothing of the others stays.
    let target = taken.tables("other", &["parent", "nowhere"]);
    let failed = restore(server.as_ref(), &taken, &target).await.unwrap_err();
    assert!(failed.contains("nowhere"), "{failed}");
    assert_eq!(sql.run("other", "SHOW TABLES;"), "audit\nchild\nitem\nmine");
    // Into a database that is not there.
    let (plan, _) = restore(server.as_ref(), &taken, &taken.tables("fresh", &["parent"])).await.unwrap();
    assert_eq!(plan.effect, TargetEffect::Creates);
    assert_eq!(sql.run("fresh", "SHOW TABLES;"), "parent");
}

on_each!(async chosen_tables_come_back as chosen_tables_come_back: MySql97, MariaDb118);

async fn definers_are_told_or_stripped(release: Release) {
    let Some((sql, _)) = content(release).await else { return };
    sql.run("", "CREATE USER owner@localhost; GRANT ALL PRIVILEGES ON shop.* TO owner@localhost;");
    sql.run(
        "shop",
        "CREATE DEFINER=owner@localhost VIEW owned AS SELECT id FROM item; CREATE DEFINER=owner@localhost PROCEDURE p () SELECT 1;
         INSERT INTO audit (what) VALUES ('/*!50013 DEFINER=`a`@`b` */ CREATE DEFINER=`owner`@`localhost` VIEW');",
    );
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    assert_eq!(taken.contents.as_ref().unwrap().owners, ["owner@localhost", "root@localhost"]);
    sql.run("", "DROP USER owner@localhost;");
    let server = sql.inspect().await;
    restore(server.as_ref(), &taken, &taken.target("kept")).await.unwrap();
    let found = server.logical().check_restored(&SystemRunner, "kept").await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].subject, "definer `owner@localhost`");
    assert!(
        found[0].problem.contains("view `owned`") && found[0].hint().contains("--strip-definer"),
        "{found:?}"
    );
    assert!(sql.try_run("root", "kept", "SELECT * FROM owned;").unwrap_err().contains("1449"));

    let strip = RestoreTarget { definers: Ownership::Skip, ..taken.target("stripped") };
    restore(server.as_ref(), &taken, &strip).await.unwrap();
    assert_eq!(server.logical().check_restored(&SystemRunner, "stripped").await.unwrap(), []);
    assert_eq!(sql.run("stripped", "SELECT * FROM owned ORDER BY 1;"), "1\n2");
    let row = "SELECT what FROM audit;";
    assert_eq!(sql.run("stripped", row), sql.run("shop", row));
    let owners =
        "SELECT DISTINCT DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'stripped';";
    assert_eq!(sql.run("", owners), "root@localhost");
}

on_each!(
    async definers_are_told_or_stripped as definers_are_told_or_stripped:
    MySql97, MariaDb1011, MariaDb118
);

/// The dump with a statement in it that no server takes.
fn with_error(taken: Dump) -> Dump {
    let good = b"CREATE TABLE `nothing` (";
    let at = taken.bytes.windows(good.len()).position(|bytes| bytes == good).unwrap();
    let mut bytes = taken.bytes.to_vec();
    bytes[at..at + good.len()].copy_from_slice(b"CREATE TABEL `nothing` (");
    Dump { bytes: bytes.into(), ..taken }
}

async fn errors_stop_or_are_counted(release: Release) {
    let Some((sql, taken)) = content(release).await else { return };
    let taken = with_error(taken);
    let server = sql.inspect().await;
    let failed = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap_err();
    assert!(failed.contains("1064") && !failed.contains("TABEL `nothing` (\n  `a`"), "{failed}");
    assert_eq!(sql.databases(), ["shop"], "what was created is gone");
    // Only what this restore made is removed.
    let plan = server.logical().load(&SystemRunner, &taken.target("copy"), &taken).await.unwrap();
    sql.run("", "CREATE DATABASE copy; CREATE TABLE copy.mine (a int);");
    let body: ByteReader<'_> = Box::pin(&*taken.bytes);
    run(server.as_ref(), &plan, body).await.unwrap_err();
    assert_eq!(sql.run("copy", "SHOW TABLES;"), "mine");
    sql.run("", "DROP DATABASE copy;");

    let go_on = RestoreTarget { stop_at_first_error: false, ..taken.target("copy") };
    let plan = server.logical().load(&SystemRunner, &go_on, &taken).await.unwrap();
    for step in &plan.before {
        step.run(&SystemRunner).await.unwrap();
    }
    let errors = plan.feed(&SystemRunner, Box::pin(&*taken.bytes)).await.unwrap();
    assert!(errors[0].starts_with("ERROR 1064") && errors.len() >= 2, "{errors:?}");
    assert_eq!(sql.run("copy", "SELECT COUNT(*) FROM parted;"), "3");
}

on_each!(async errors_stop_or_are_counted as errors_stop_or_are_counted: MySql97, MariaDb118);

#[tokio::test]
async fn targets_that_must_not_be_filled_are_refused() {
    for release in [Release::MySql97, Release::MariaDb1011] {
        let Some((sql, taken)) = content(release).await else { return };
        let server = sql.inspect().await;
        for name in ["mysql", "Sys", "information_schema"] {
            let refused = restore(server.as_ref(), &taken, &taken.target(name)).await.unwrap_err();
            assert!(refused.contains("the server's own"), "{refused}");
        }
        let schemas = Selection { schemas: vec!["x".to_owned()], tables: Vec::new() };
        let target = RestoreTarget { selection: schemas, ..taken.target("copy") };
        let refused = restore(server.as_ref(), &taken, &target).await.unwrap_err();
        assert!(refused.contains("has no schemas"), "{refused}");
        let newer = RestoreTarget { server_version: "99.1.2".to_owned(), ..taken.target("copy") };
        let refused = restore(server.as_ref(), &taken, &newer).await.unwrap_err();
        assert!(refused.contains("does not fit into the older"), "{refused}");
        sql.run("", "SET GLOBAL read_only = 1;");
        let server = sql.inspect().await;
        let refused = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap_err();
        assert!(refused.contains("`read_only` is on"), "{refused}");
        assert_eq!(sql.databases(), ["shop"]);
    }
}

/// A restore is a change like any other: replicas of the target must get it.
#[tokio::test]
async fn a_restore_is_written_to_the_binary_log() {
    for release in Release::ALL {
        let Some((sql, taken)) = content(release).await else { return };
        let server = sql.inspect().await;
        sql.run("", "FLUSH BINARY LOGS;");
        restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();
        let logs = sql.run("", "SHOW BINARY LOGS;");
        let bytes: u64 = logs.lines().last().unwrap().split('\t').nth(1).unwrap().parse().unwrap();
        assert!(bytes > 1_000_000, "{release:?}: {logs}");
    }
}

/// The order in which the tools write views makes some dumps that do not restore: that is told before it matters.
#[tokio::test]
async fn a_view_that_no_restore_can_make_is_warned_of() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run(
            "",
            "CREATE DATABASE shop; USE shop; CREATE TABLE t (a int); CREATE VIEW base AS SELECT a FROM t WHERE a > 0;
             CREATE VIEW above AS SELECT a FROM base WITH CHECK OPTION;
             CREATE VIEW `other` AS SELECT a FROM base WITH CHECK OPTION;",
        );
        let server = sql.inspect().await;
        let findings = server.logical().check_dump(&SystemRunner, &scope(&["shop"])).await.unwrap();
        let warned: Vec<_> =
            findings.iter().filter(|finding| finding.problem.contains("CHECK OPTION")).collect();
        assert_eq!(warned.len(), 1);
        assert!(
            warned[0].problem.contains("`above`") && !warned[0].problem.contains("`other`"),
            "{warned:?}"
        );
        // And it is true.
        let taken = dump(server.as_ref(), "shop").await;
        let failed = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap_err();
        assert!(failed.contains("1368") && failed.contains("above"), "{failed}");
    }
}

/// A definer that is gone harms only what runs with its rights, and only those who may see accounts are told.
async fn check_missing_definers(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run(
        "",
        "CREATE DATABASE shop; CREATE USER gone@localhost; CREATE USER r@localhost IDENTIFIED BY 'pw';",
    );
    sql.run(
        "shop",
        "CREATE TABLE item (id INT);
         CREATE DEFINER = gone@localhost SQL SECURITY INVOKER VIEW harmless AS SELECT id FROM item;
         CREATE DEFINER = gone@localhost PROCEDURE fine () SQL SECURITY INVOKER SELECT 1;
         CREATE DEFINER = gone@localhost FUNCTION needed () RETURNS INT DETERMINISTIC RETURN 1;
         CREATE DEFINER = gone@localhost TRIGGER marks BEFORE INSERT ON item FOR EACH ROW SET NEW.id = 1;
         DROP USER gone@localhost;",
    );
    let found = sql.inspect().await.logical().check_restored(&SystemRunner, "shop").await.unwrap();
    let [one] = &found[..] else { panic!("{found:?}") };
    for name in ["function `needed`", "trigger `marks`"] {
        assert!(one.problem.contains(name), "{one:?}");
    }
    assert!(!one.problem.contains("harmless") && !one.problem.contains("fine"), "{one:?}");
    sql.run("", "GRANT SELECT, TRIGGER, EVENT, EXECUTE ON shop.* TO r@localhost;");
    let server = MySql::new(sql.settings_of("r", "pw")).inspect(&SystemRunner).await.unwrap();
    assert_eq!(server.logical().check_restored(&SystemRunner, "shop").await.unwrap(), []);
}

on_each!(async check_missing_definers as only_those_who_see_accounts_are_told_of_definers: MySql97, MariaDb118);
