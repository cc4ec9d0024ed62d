//! What stands in the way of a dump or a restore, and is named: broken views, events that run meanwhile, locks of others.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump, dump_all, restore, scope};
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, Filter, Finding, FindingLevel, ServerSettings};
use jagad::process::SystemRunner;

async fn broken_views_are_named(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE DATABASE other;");
    sql.run(
        "shop",
        "CREATE TABLE t (a INT, b INT); INSERT INTO t VALUES (1, 2); CREATE TABLE gone (a INT);
         CREATE FUNCTION f () RETURNS INT DETERMINISTIC RETURN 1;
         CREATE VIEW good AS SELECT a FROM t; CREATE VIEW `a;``bad` AS SELECT b FROM t;
         CREATE VIEW on_bad AS SELECT * FROM `a;``bad`; CREATE VIEW on_gone AS SELECT * FROM gone;
         CREATE VIEW calls AS SELECT f() AS one;
         ALTER TABLE t DROP b; DROP TABLE gone; DROP FUNCTION f;",
    );
    sql.run("other", "CREATE TABLE t (a INT); CREATE VIEW fine AS SELECT * FROM t;");
    let with = |filter: Filter| ServerSettings { filter, ..sql.settings() };
    let findings = async |filter: Filter| {
        let server = MySql::new(with(filter)).inspect(&SystemRunner).await.unwrap();
        let found = server.logical().check_dump(&SystemRunner, &scope(&["other", "shop"])).await.unwrap();
        found.into_iter().filter(|finding| finding.subject.starts_with("views of")).collect::<Vec<_>>()
    };
    let found = findings(Filter::default()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].level, FindingLevel::Error);
    assert!(found[0].problem.contains("`a;`bad`, `calls`, `on_bad` and 1 more"), "{found:?}");
    for words in ["DROP VIEW `shop`.`a;``bad`;", "exclude_tables", "skip_broken_views"] {
        assert!(found[0].hint().contains(words), "{found:?}");
    }

    let named = ["a;`bad", "calls", "on_bad", "shop.on_gone"].map(str::to_owned).to_vec();
    assert_eq!(findings(Filter { exclude_tables: named, ..Filter::default() }).await, []);
    let skipping = Filter { skip_broken_views: true, ..Filter::default() };
    let found = findings(skipping.clone()).await;
    assert_eq!((found.len(), found[0].level), (1, FindingLevel::Warning), "{found:?}");
    let server = MySql::new(with(skipping)).inspect(&SystemRunner).await.unwrap();
    let taken = dump_all(server.as_ref(), &scope(&["shop"])).await.unwrap().remove(0);
    restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();
    assert_eq!(sql.run("copy", "SHOW TABLES;"), "good\nt");
}

on_each!(async broken_views_are_named as broken_views_are_named: MySql97, MariaDb1011, MariaDb118);

/// Events that would write while they are restored are there, and run only when all is in its place.
async fn events_wait_until_all_is_there(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE USER owner@localhost; GRANT ALL PRIVILEGES ON shop.* TO owner@localhost;");
    sql.run(
        "shop",
        "CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY); INSERT INTO log VALUES (1), (2);
         SET time_zone = '+03:00'; SET sql_mode = 'ANSI_QUOTES';
         CREATE DEFINER = owner@localhost EVENT writes ON SCHEDULE EVERY 1 SECOND STARTS '2020-01-01 00:00:00' COMMENT 'ENABLE'
           DO INSERT INTO shop.log VALUES (NULL);
         CREATE EVENT sleeps ON SCHEDULE EVERY 1 SECOND DISABLE DO INSERT INTO shop.log VALUES (NULL);
         CREATE EVENT later ON SCHEDULE AT '2037-01-01 00:00:00' ON COMPLETION PRESERVE DO SET @a = 1;
         CREATE EVENT `größe` ON SCHEDULE AT '2037-01-01 00:00:00' DO SET @a = 'ö';
         SET NAMES koi8r; CREATE EVENT other ON SCHEDULE AT '2037-01-01 00:00:00' DO SET @a = 'тест';",
    );
    let events = |database: &str| {
        sql.run(
            "",
            &format!(
                "SELECT EVENT_NAME, STATUS, EVENT_DEFINITION, DEFINER, SQL_MODE, TIME_ZONE, STARTS, EXECUTE_AT, EVENT_COMMENT, ON_COMPLETION,
                 CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{database}'
                 ORDER BY EVENT_NAME;"
            ),
        )
    };
    let before = events("shop");
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    sql.run("", "SET GLOBAL event_scheduler = ON;");
    let target = taken.target("copy");
    let (plan, counted) = restore(server.as_ref(), &taken, &target).await.unwrap();
    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
    assert!(plan.notes[0].contains("created disabled"), "{:?}", plan.notes);
    assert!(plan.finally.is_empty());
    let disabled = before.replace("\tENABLED\t", "\tDISABLED\t");
    assert_eq!(events("copy"), disabled.replace("INSERT INTO shop.", "INSERT INTO `copy`."));

    let server = sql.inspect().await;
    let (plan, counted) = restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();
    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
    assert_eq!(plan.notes, [""; 0]);
    assert_eq!(plan.finally.len(), 1);
    assert_eq!(events("shop"), before);
    let rows = taken.contents.as_ref().unwrap().rows();
    assert_eq!(sql.run("", "SELECT COUNT(*) FROM copy.log;"), rows.to_string());
}

on_each!(
    async events_wait_until_all_is_there as events_wait_until_all_is_there:
    MySql97, MariaDb1011, MariaDb118
);

/// A restore that finds the database in use says who uses it, and has removed nothing.
async fn a_drop_that_waits_says_for_whom(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE TABLE shop.t (a INT); INSERT INTO shop.t VALUES (1);");
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    let holder = sql.hold("shop.t");
    let holds = holder.connection.clone();

    let plan = server.logical().load(&SystemRunner, &taken.target("shop"), &taken).await.unwrap();
    let told = plan.findings.iter().find(|finding| finding.subject == "removal of `shop`").unwrap();
    assert_eq!(told.level, FindingLevel::Warning);
    assert!(told.problem.contains(&format!("connection {holds} of root@localhost")), "{told:?}");
    assert!(told.hint().contains(&format!("KILL {holds};")), "{told:?}");
    let drop = plan.before.iter().find(|step| step.shown().argv.join(" ").contains("DROP DATABASE")).unwrap();
    // Its first try gives up after some seconds, and lets others in; the next goes on by itself when they have finished.
    let waiting = drop.run(&SystemRunner);
    let finishing = async {
        let dropping =
            "SELECT GROUP_CONCAT(ID) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DROP DATABASE%';";
        let mut tries = std::collections::BTreeSet::new();
        while tries.len() < 2 {
            tries.extend(Some(sql.run("", dropping)).filter(|tried| tried != "NULL"));
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        holder.finish();
    };
    let (dropped, ()) = tokio::join!(waiting, finishing);
    dropped.unwrap();
    assert_eq!(sql.databases(), [""; 0]);
}

on_each!(async a_drop_that_waits_says_for_whom as a_drop_that_waits_says_for_whom: MySql97, MariaDb118);

/// Of a list with a character outside Unicode the server says `?`: its values would be lost without a word.
async fn check_lists(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run(
        "",
        "CREATE DATABASE shop; CREATE TABLE shop.asks (a ENUM('why?')) CHARACTER SET utf8mb4;
         CREATE TABLE shop.latin (a ENUM('é')) CHARACTER SET latin1;",
    );
    let named = |findings: Vec<Finding>| -> Vec<String> {
        let about = findings.into_iter().filter(|finding| finding.subject == "characters in `shop`");
        about.map(|finding| finding.problem).collect()
    };
    let check =
        async || sql.inspect().await.logical().check_dump(&SystemRunner, &scope(&["shop"])).await.unwrap();
    assert_eq!(named(check().await), Vec::<String>::new());
    // Nothing is assigned to this place of big5.
    sql.run("shop", "CREATE TABLE t (a SET('x', x'C840') CHARACTER SET big5);");
    let found = named(check().await);
    assert!(found.len() == 1 && found[0].contains("`t`.`a`"), "{found:?}");
}

on_each!(async check_lists as lists_that_cannot_be_written_are_told: MySql97, MariaDb1011, MariaDb118);
