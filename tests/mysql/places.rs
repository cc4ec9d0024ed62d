//! Where tables live, how a database was created, and names that another server does not tell apart.

use super::support::mysql::{Release, Sql};
use super::support::plans::{Dump, dump, restore};
use jagad::engine::mysql::MySql;
use jagad::engine::{DrillRequest, Engine as _, FindingLevel, Lifetime, Ownership, RestoreTarget};
use jagad::process::SystemRunner;
use std::collections::BTreeMap;
use std::path::Path;

/// As a drill restores.
fn thrown_away(taken: &Dump, name: &str) -> RestoreTarget {
    RestoreTarget { tablespaces: Ownership::Skip, lifetime: Lifetime::ThrownAway, ..taken.target(name) }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(files(&path));
        }
        names.push(path.display().to_string());
    }
    names.sort();
    names
}

async fn check_places(release: Release) {
    let outside = tempfile::Builder::new().prefix("jgd-outside").tempdir_in("/tmp").unwrap();
    let known = format!("--innodb-directories={}", outside.path().display());
    let mut options = vec!["--log-bin=binlog", "--server-id=1"];
    let mysql = release == Release::MySql97;
    if mysql {
        options.push(&known);
    }
    let Some(sql) = Sql::start_with(release, &options) else { return };
    let place = outside.path().display();
    sql.run("", "CREATE DATABASE shop;");
    if mysql {
        sql.run("shop", "CREATE TABLESPACE ts ADD DATAFILE 'ts.ibd'; CREATE TABLE spaced (a INT PRIMARY KEY) TABLESPACE ts;");
    } else {
        let myisam = format!(
            "CREATE TABLE old (a INT) ENGINE=MyISAM DATA DIRECTORY='{place}' INDEX DIRECTORY='{place}'"
        );
        sql.run("shop", &format!("{myisam}; INSERT INTO old VALUES (1), (2);"));
    }
    sql.run(
        "shop",
        &format!(
            "CREATE TABLE far (a INT PRIMARY KEY) DATA DIRECTORY='{place}'; INSERT INTO far VALUES (1);
             CREATE TABLE parts (a INT PRIMARY KEY) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10)
               DATA DIRECTORY='{place}', PARTITION p1 VALUES LESS THAN MAXVALUE); INSERT INTO parts VALUES (1), (20);"
        ),
    );
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    let before = (sql.fingerprint("shop"), files(outside.path()));
    // A drill and a copy leave the original's places alone.
    for target in [thrown_away(&taken, "drill"), taken.target("copy")] {
        let plan = server.logical().load(&SystemRunner, &target, &taken).await.unwrap();
        assert!(
            plan.findings.iter().all(|finding| finding.level == FindingLevel::Warning),
            "{:?}",
            plan.findings
        );
        let (_, counted) = restore(server.as_ref(), &taken, &target).await.unwrap();
        assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
        assert_eq!((sql.fingerprint("shop"), files(outside.path())), before, "{}", target.database);
        let made = sql.run(&target.database, "SHOW CREATE TABLE far; SHOW CREATE TABLE parts;");
        assert!(!made.contains("DIRECTORY"), "{made}");
    }
    // In place everything goes back to where it was.
    restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();
    assert_eq!(sql.fingerprint("shop"), before.0);
    let Some(other) = Sql::start(release) else { return };
    let server = other.inspect().await;
    let target = taken.target("shop");
    let plan = server.logical().load(&SystemRunner, &target, &taken).await.unwrap();
    if mysql {
        let told: Vec<&str> = plan.findings.iter().map(|finding| finding.subject.as_str()).collect();
        assert!(
            told.contains(&"tablespace `ts`") && told.iter().any(|told| told.starts_with("directory")),
            "{told:?}"
        );
        restore(server.as_ref(), &taken, &target).await.unwrap();
        assert!(!other.run("shop", "SHOW CREATE TABLE spaced;").contains("TABLESPACE"));
    }
}

on_each!(
    async check_places as tables_in_other_places_are_restored_and_drilled:
    MySql97, MariaDb1011, MariaDb118
);

#[tokio::test]
async fn a_database_comes_back_as_it_was_created() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        let mysql = release == Release::MySql97;
        let (made, shown) = if mysql {
            (
                "CREATE DATABASE shop; CREATE TABLE shop.t (a INT); ALTER DATABASE shop READ ONLY = 1;",
                "READ ONLY = 1",
            )
        } else {
            ("CREATE DATABASE shop COMMENT 'it''s \\\\ here'; CREATE TABLE shop.t (a INT);", "COMMENT 'it''s")
        };
        sql.run("", made);
        let server = sql.inspect().await;
        let taken = dump(server.as_ref(), "shop").await;
        restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();
        let create = |name: &str| sql.run("", &format!("SHOW CREATE DATABASE {name}")).replace(name, "x");
        assert_eq!(create("copy"), create("shop"));
        assert!(create("copy").contains(shown), "{}", create("copy"));
        if !mysql {
            continue;
        }
        // It is locked against changes, and nothing is lost to that.
        let plan = server.logical().load(&SystemRunner, &taken.target("shop"), &taken).await.unwrap();
        let [found] = &plan.findings[..] else { panic!("{:?}", plan.findings) };
        assert_eq!(
            (found.level, found.hint()),
            (FindingLevel::Error, "ALTER DATABASE `shop` READ ONLY = 0;")
        );
        sql.run("", found.hint());
        restore(sql.inspect().await.as_ref(), &taken, &taken.target("shop")).await.unwrap();
        assert_eq!(create("copy"), create("shop"));
    }
}

/// A server with `lower_case_table_names = 1` has its names in lower case, and `A` and `a` are one to it.
#[tokio::test]
async fn names_that_become_one_are_found_and_others_are_counted() {
    for release in [Release::MariaDb1011, Release::MariaDb118] {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE DATABASE twins; CREATE TABLE twins.A (a INT); CREATE TABLE twins.a (a INT);");
        sql.run("shop", "CREATE TABLE Bar (a INT); INSERT INTO Bar VALUES (1), (2); CREATE VIEW Look AS SELECT * FROM Bar;");
        let source = sql.inspect().await;
        let (shop, twins) = (dump(source.as_ref(), "shop").await, dump(source.as_ref(), "twins").await);
        let Some(folding) = Sql::start_with(release, &["--lower-case-table-names=1"]) else { return };
        let server = folding.inspect().await;
        assert!(server.logical().folds_names() && !source.logical().folds_names());

        let plan = server.logical().load(&SystemRunner, &twins.target("twins"), &twins).await.unwrap();
        let [found] = &plan.findings[..] else { panic!("{:?}", plan.findings) };
        assert_eq!((found.level, found.subject.as_str()), (FindingLevel::Error, "tables `A` and `a`"));
        let (plan, counted) = restore(server.as_ref(), &shop, &shop.target("shop")).await.unwrap();
        assert!(matches!(&plan.findings[..], [one] if one.problem.contains("`bar`")), "{:?}", plan.findings);
        assert_eq!(counted.unwrap().tables, shop.contents.as_ref().unwrap().folded().tables);
        assert_eq!(folding.run("shop", "SELECT COUNT(*) FROM Look"), "2");

        // What comes from such a server is drilled in one, and a server that tells names apart says what it cannot make.
        folding.run("shop", "CREATE TRIGGER t BEFORE INSERT ON BAR FOR EACH ROW SET NEW.a = 1;");
        let taken = dump(folding.inspect().await.as_ref(), "shop").await;
        let plan = source.logical().load(&SystemRunner, &taken.target("shop"), &taken).await.unwrap();
        let told = plan.findings.iter().find(|finding| finding.level == FindingLevel::Error).unwrap();
        assert_eq!(told.subject, "trigger on `BAR`");
        let lenient = RestoreTarget { stop_at_first_error: false, ..taken.target("without") };
        let (_, counted) = restore(source.as_ref(), &taken, &lenient).await.unwrap();
        assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
        let recorded = BTreeMap::from([("shop".to_owned(), taken.contents.clone().unwrap())]);
        let request = DrillRequest {
            server_version: &taken.server_version,
            recorded: &recorded,
            folder: folding.folder(),
            data: None,
        };
        let drill = MySql::new(folding.settings()).drill(&SystemRunner, &request).await.unwrap();
        let words = drill.server.unwrap().display_args();
        assert!(words.contains(&"--lower-case-table-names=1".to_owned()), "{words:?}");
    }
}

/// Views that read what a throw-away server does not have stay placeholders there, and the rest is proven.
#[tokio::test]
async fn a_view_on_another_database_does_not_stop_a_drill() {
    for release in Release::ALL {
        let (Some(sql), Some(empty)) = (Sql::start(release), Sql::start(release)) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE DATABASE third; CREATE TABLE third.t (a INT);");
        sql.run(
            "shop",
            "CREATE TABLE item (id INT); INSERT INTO item VALUES (1); CREATE VIEW outside AS SELECT a FROM third.t;
             CREATE VIEW above AS SELECT a FROM outside; CREATE VIEW below AS SELECT outside.a, id FROM outside, item;",
        );
        let taken = dump(sql.inspect().await.as_ref(), "shop").await;
        let server = empty.inspect().await;
        let (_, counted) = restore(server.as_ref(), &taken, &thrown_away(&taken, "shop")).await.unwrap();
        assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
        assert_eq!(
            empty.run("shop", "SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'shop'"),
            "3"
        );
    }
}

/// MariaDB wants EXECUTE of whoever reads how a view that calls a function looks.
#[tokio::test]
async fn a_view_that_calls_a_function_is_dumped_with_the_rights_of_the_readme() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE USER j@localhost IDENTIFIED BY 'pw';");
        sql.run("shop", "CREATE FUNCTION f (a INT) RETURNS INT DETERMINISTIC RETURN a; CREATE VIEW v AS SELECT f(1) AS x;");
        let readme = include_str!("../../README.md");
        let begin = if release == Release::MySql97 {
            "SHOW VIEW, TRIGGER, EVENT, SHOW_ROUTINE"
        } else {
            "SHOW VIEW, TRIGGER, EVENT, EXECUTE"
        };
        let line =
            readme.lines().find(|line| line.starts_with("GRANT SELECT") && line.contains(begin)).unwrap();
        let grant = line.split(';').next().unwrap().replace("jagad@'%'", "j@localhost");
        sql.run("", &grant.replace(", EXECUTE", ""));
        let as_j = || async { MySql::new(sql.settings_of("j", "pw")).inspect(&SystemRunner).await.unwrap() };
        let scope = super::support::plans::scope(&["shop"]);
        let found = as_j().await.logical().check_dump(&SystemRunner, &scope).await.unwrap();
        let missing: Vec<_> = found.iter().filter(|finding| finding.level == FindingLevel::Error).collect();
        if release != Release::MySql97 {
            assert!(
                matches!(missing[..], [one] if one.hint().starts_with("GRANT EXECUTE ON `shop`")),
                "{missing:?}"
            );
        }
        sql.run("", &grant);
        let taken = dump(as_j().await.as_ref(), "shop").await;
        restore(sql.inspect().await.as_ref(), &taken, &taken.target("copy")).await.unwrap();
        assert_eq!(sql.run("copy", "SELECT x FROM v"), "1");
    }
}
