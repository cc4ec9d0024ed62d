//! What a backup needs of its target besides its own database: rights on others, and engines.

use super::preflight::{as_r, errors};
use super::support::mysql::{Release, Sql};
use super::support::plans::{dump, restore};
use jagad::engine::{Ownership, RestoreTarget};

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
