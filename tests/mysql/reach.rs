//! What a backup needs of its target besides its own database: rights on others, and engines.

use super::preflight::{as_r, errors};
use super::support::mysql::{Release, Sql};
use super::support::plans::{dump, restore};
use jagad::engine::{Ownership, RestoreTarget};
use jagad::process::SystemRunner;

/// A view and a foreign key into another database take rights there, and a restore that has them succeeds.
#[tokio::test]
async fn rights_on_databases_that_a_backup_refers_to_are_checked() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run(
            "",
            "CREATE DATABASE shop; CREATE DATABASE third; CREATE USER r@localhost IDENTIFIED BY 'pw';",
        );
        sql.run("third", "CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1);");
        sql.run(
            "shop",
            "CREATE TABLE refers (a INT, FOREIGN KEY (a) REFERENCES third.t (a)); INSERT INTO refers VALUES (1);
             CREATE SQL SECURITY INVOKER VIEW v AS SELECT a FROM third.t;",
        );
        // What makes `third` known to the user, and is enough for neither.
        sql.run("", "GRANT ALL PRIVILEGES ON shop.* TO r@localhost; GRANT CREATE ON third.* TO r@localhost;");
        let taken = dump(sql.inspect().await.as_ref(), "shop").await;
        let target = RestoreTarget { definers: Ownership::Skip, ..taken.target("shop") };
        for right in ["SELECT", "REFERENCES"] {
            let found = errors(as_r(&sql).await.as_ref(), &taken, &target).await;
            let one = found.iter().find(|one| one.problem.ends_with(&format!("which takes {right}")));
            let help = one.unwrap_or_else(|| panic!("{right} on {release:?}: {found:?}")).hint();
            sql.run("", help);
        }
        let server = as_r(&sql).await;
        assert_eq!(errors(server.as_ref(), &taken, &target).await, []);
        restore(server.as_ref(), &taken, &target).await.unwrap();
        assert_eq!(sql.run("shop", "SELECT COUNT(*) FROM v JOIN refers USING (a)"), "1");
    }
}

/// MySQL makes tables of a disabled engine into tables of another one without an error.
#[tokio::test]
async fn a_storage_engine_that_is_disabled_is_found() {
    let Some(sql) = Sql::start(Release::MySql97) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE TABLE shop.t (a INT) ENGINE=MyISAM;");
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    let Some(target) = Sql::start_with(Release::MySql97, &["--disabled-storage-engines=MyISAM"]) else {
        return;
    };
    let found = errors(target.inspect().await.as_ref(), &taken, &taken.target("shop")).await;
    assert!(matches!(&found[..], [one] if one.problem.starts_with("it is disabled")), "{found:?}");
}

/// Definitions that may touch another place, or of which some may fail, are not tried.
#[tokio::test]
async fn only_what_touches_nothing_else_is_tried() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE TABLE shop.item (id INT);");
        let server = sql.inspect().await;
        let taken = dump(server.as_ref(), "shop").await;
        let tried = async |target: RestoreTarget| {
            server.logical().load(&SystemRunner, &target, &taken).await.unwrap().trial.is_some()
        };
        let recorded = RestoreTarget { recorded: taken.contents.clone(), ..taken.target("shop") };
        assert!(tried(recorded.clone()).await);
        assert!(!tried(RestoreTarget { stop_at_first_error: false, ..recorded.clone() }).await);
        let mut contents = taken.contents.clone().unwrap();
        contents.needs.engines.insert("CONNECT".to_owned(), "item".to_owned());
        assert!(!tried(RestoreTarget { recorded: Some(contents), ..recorded.clone() }).await);
        assert!(!tried(RestoreTarget { recorded: None, ..recorded }).await);
    }
}

/// Views that waited for another database are there before an event runs that may read them.
#[tokio::test]
async fn views_that_waited_come_before_events() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE TABLE shop.item (id INT);");
        sql.run("shop", "CREATE EVENT later ON SCHEDULE AT '2037-01-01 00:00:00' DO SET @a = 1;");
        let server = sql.inspect().await;
        let taken = dump(server.as_ref(), "shop").await;
        let first = RestoreTarget { following_databases: vec!["stock".to_owned()], ..taken.target("shop") };
        let plan = server.logical().load(&SystemRunner, &first, &taken).await.unwrap();
        let last: Vec<String> =
            plan.last.iter().chain(&plan.finally).map(|step| format!("{:?}", step.shown())).collect();
        let place = |words: &str| last.iter().position(|step| step.contains(words));
        let (views, events) = (place("CREATE VIEW"), place("EVENT"));
        assert!(views.is_some() && events.is_some() && views < events, "{last:?}");
    }
}
