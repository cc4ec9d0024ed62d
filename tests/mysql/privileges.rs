//! What a user may not see, the tools leave out in silence: it must be found before.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump_all, scope};
use jagad::engine::mysql::MySql;
use jagad::engine::{
    DatabaseChoice, Engine as _, EngineError, Filter, Finding, FindingLevel, Scope, Server, ServerSettings,
};
use jagad::model::EngineKind;
use jagad::process::SystemRunner;

/// A server with the content in `shop`, and a user `j` without rights.
fn server(release: Release) -> Option<Sql> {
    let sql = Sql::start(release)?;
    sql.create_content("shop");
    sql.run("", "CREATE USER j@localhost IDENTIFIED BY 'pw';");
    Some(sql)
}

async fn as_j(sql: &Sql) -> Box<dyn Server> {
    MySql::new(sql.settings_of("j", "pw")).inspect(&SystemRunner).await.unwrap()
}

fn with_users() -> Scope {
    Scope { globals: true, ..scope(&["shop"]) }
}

async fn errors(server: &dyn Server, scope: &Scope) -> Vec<Finding> {
    let findings = server.logical().check_dump(&SystemRunner, scope).await.unwrap();
    findings.into_iter().filter(|finding| finding.level == FindingLevel::Error).collect()
}

/// Gives the rights that each finding asks for until nothing is left, and then dumps as that user.
async fn every_statement_mends_what_it_is_printed_for(release: Release) {
    let Some(sql) = server(release) else { return };
    // To see the database at all.
    sql.run("", "GRANT SELECT ON shop.item TO j@localhost;");
    let found = errors(as_j(&sql).await.as_ref(), &with_users()).await;
    assert_eq!(found.len(), 3, "{found:?}");
    for finding in &found {
        assert!(finding.hint().starts_with("GRANT "), "{finding:?}");
        sql.run("", finding.hint().split(';').next().unwrap());
    }
    let server = as_j(&sql).await;
    assert_eq!(errors(server.as_ref(), &with_users()).await, []);
    let rehearsed = server.logical().rehearse_dump(&SystemRunner, &with_users()).await.unwrap();
    assert!(rehearsed.iter().all(|finding| finding.level == FindingLevel::Ok), "{rehearsed:?}");
    let mine = dump_all(server.as_ref(), &with_users()).await.unwrap();
    let all = dump_all(sql.inspect().await.as_ref(), &with_users()).await.unwrap();
    assert_eq!(mine[0].bytes, all[0].bytes, "users");
    let (mine, all) = (mine[1].contents.as_ref().unwrap(), all[1].contents.as_ref().unwrap());
    assert_eq!((&mine.tables, &mine.owners), (&all.tables, &all.owners));
    let told = mine.position.is_some();
    assert_eq!(told, release.kind() == EngineKind::MariaDb, "only MySQL asks for more rights");
    let warned = server.logical().check_dump(&SystemRunner, &with_users()).await.unwrap();
    let place = warned.iter().find(|finding| finding.subject == "place in the binary log").unwrap();
    if !told {
        assert_eq!(place.level, FindingLevel::Warning);
        sql.run("", place.hint());
        let dumped = dump_all(as_j(&sql).await.as_ref(), &with_users()).await.unwrap();
        assert!(dumped[1].contents.as_ref().unwrap().position.as_ref().unwrap().gtid.is_some());
    }
}

on_each!(
    async every_statement_mends_what_it_is_printed_for as every_statement_mends_what_it_is_printed_for:
    MySql97, MariaDb1011, MariaDb118
);

/// Each right whose absence goes unnoticed by the tools is missed by the check.
async fn a_missing_right_is_named(release: Release) {
    let Some(sql) = server(release) else { return };
    let routines = if release == Release::MySql97 { "SHOW_ROUTINE ON *.*" } else { "SELECT ON mysql.proc" };
    let rights =
        ["SELECT ON shop.*", "SHOW VIEW ON shop.*", "TRIGGER ON shop.*", "EVENT ON shop.*", routines];
    for missing in rights {
        sql.run("", "DROP USER j@localhost; CREATE USER j@localhost IDENTIFIED BY 'pw';");
        sql.run("", "GRANT SELECT ON shop.item TO j@localhost;");
        for right in rights.iter().filter(|right| **right != missing) {
            sql.run("", &format!("GRANT {right} TO j@localhost;"));
        }
        let found = errors(as_j(&sql).await.as_ref(), &scope(&["shop"])).await;
        let word = missing.split(" ON ").next().unwrap();
        assert_eq!(found.len(), 1, "{missing}: {found:?}");
        assert!(found[0].hint().starts_with(&format!("GRANT {word} ON ")), "{missing}: {found:?}");
    }
}

on_each!(async a_missing_right_is_named as a_missing_right_is_named: MySql97, MariaDb118);

#[tokio::test]
async fn rights_that_come_by_a_role_count() {
    for release in Release::ALL {
        let Some(sql) = server(release) else { return };
        let default = if release == Release::MySql97 {
            "SET DEFAULT ROLE looker TO j@localhost;"
        } else {
            "SET DEFAULT ROLE looker FOR j@localhost;"
        };
        sql.run("", "CREATE ROLE looker; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO looker;");
        sql.run("", &format!("GRANT looker TO j@localhost; {default}"));
        assert_eq!(errors(as_j(&sql).await.as_ref(), &with_users()).await, [], "{release:?}");
    }
}

#[tokio::test]
async fn tables_without_transactions_are_warned_of() {
    for release in Release::ALL {
        let Some(sql) = server(release) else { return };
        let findings =
            sql.inspect().await.logical().check_dump(&SystemRunner, &scope(&["shop"])).await.unwrap();
        let warned = findings.iter().find(|finding| finding.problem.contains("`myisam`")).unwrap();
        assert_eq!(warned.level, FindingLevel::Warning);
        assert_eq!(warned.hint(), "ALTER TABLE `shop`.`myisam` ENGINE = InnoDB;");
    }
}

/// Databases that a user may not see are missed, whatever hides them.
async fn a_hidden_database_is_missed(release: Release) {
    let Some(sql) = server(release) else { return };
    sql.run(
        "",
        "CREATE DATABASE hr; CREATE ROLE looker; GRANT SELECT ON *.* TO looker; GRANT looker TO j@localhost;",
    );
    let all = Scope { databases: DatabaseChoice::All { exclude: Vec::new() }, globals: false };
    let hidden = |findings: &[Finding]| {
        let help = "GRANT SHOW DATABASES ON *.* TO `j`@`localhost`;";
        findings
            .iter()
            .any(|finding| finding.subject == "see every database" && finding.hint().starts_with(help))
    };
    // With no right at all, and a role that is not set.
    assert!(hidden(&errors(as_j(&sql).await.as_ref(), &all).await));
    let found = errors(as_j(&sql).await.as_ref(), &scope(&["shop"])).await;
    assert_eq!(found[0].hint(), "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON `shop`.* TO `j`@`localhost`;");
    let refused = as_j(&sql).await.logical().dump(&scope(&["shop"])).err().unwrap();
    assert!(
        matches!(&refused, EngineError::Privilege { help, .. } if help.starts_with("GRANT ")),
        "{refused:?}"
    );
    // With rights on the other one.
    sql.run("", "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON shop.* TO j@localhost;");
    assert!(hidden(&errors(as_j(&sql).await.as_ref(), &all).await));
    if release == Release::MySql97 {
        sql.run(
            "",
            "SET GLOBAL partial_revokes = ON; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW_ROUTINE ON *.* TO j@localhost;
             REVOKE SELECT, SHOW VIEW, TRIGGER, EVENT ON hr.* FROM j@localhost;",
        );
        assert!(hidden(&errors(as_j(&sql).await.as_ref(), &all).await), "hidden by a partial revoke");
    }
    sql.run("", "GRANT SHOW DATABASES ON *.* TO j@localhost;");
    let server = as_j(&sql).await;
    assert!(!hidden(&errors(server.as_ref(), &all).await));
    // Whoever sees everything is told that a database is not there.
    let missing = server.logical().check_dump(&SystemRunner, &scope(&["nowhere"])).await.unwrap_err();
    assert!(matches!(missing, EngineError::NotFound { .. }), "{missing:?}");
}

on_each!(
    async a_hidden_database_is_missed as a_hidden_database_is_missed:
    MySql97, MariaDb1011, MariaDb118
);

/// What a user may not read is whole: it is neither to be dropped nor left out.
#[tokio::test]
async fn a_view_that_may_not_be_read_is_never_taken_for_a_broken_one() {
    for release in Release::ALL {
        let Some(sql) = server(release) else { return };
        sql.run(
            "",
            "GRANT SELECT ON shop.item TO j@localhost; GRANT SHOW VIEW, TRIGGER, EVENT ON shop.* TO j@localhost;",
        );
        for skip_broken_views in [false, true] {
            let filter = Filter { skip_broken_views, ..Filter::default() };
            let settings = ServerSettings { filter, ..sql.settings_of("j", "pw") };
            let inspected = MySql::new(settings).inspect(&SystemRunner).await.unwrap();
            let found = inspected.logical().check_dump(&SystemRunner, &scope(&["shop"])).await.unwrap();
            assert!(found.iter().any(|one| one.hint().starts_with("GRANT SELECT ON `shop`.*")), "{found:?}");
            assert!(!found.iter().any(|one| one.hint().contains("DROP VIEW")), "{release:?}: {found:?}");
        }
    }
}

/// Whose rights are taken away meanwhile does not see a database any more, which is not gone for that.
async fn check_vanished(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE DATABASE other; CREATE USER j@localhost IDENTIFIED BY 'pw';");
    sql.run("", "GRANT SELECT ON shop.* TO j@localhost; GRANT SELECT ON other.* TO j@localhost;");
    let (limited, all) = (as_j(&sql).await, sql.inspect().await);
    let vanished =
        async |server: &dyn Server| server.logical().vanished(&SystemRunner, "shop").await.unwrap();
    assert_eq!((vanished(limited.as_ref()).await, vanished(all.as_ref()).await), (None, None));
    sql.run("", "REVOKE SELECT ON shop.* FROM j@localhost;");
    assert_eq!((vanished(limited.as_ref()).await, vanished(all.as_ref()).await), (None, None));
    sql.run("", "DROP DATABASE shop;");
    assert_eq!(vanished(limited.as_ref()).await, None);
    assert_eq!(vanished(all.as_ref()).await.as_deref(), Some("it was dropped or renamed meanwhile"));
}

on_each!(async check_vanished as only_a_database_that_is_gone_is_missed: MySql97, MariaDb118);
