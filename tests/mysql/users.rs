//! Users and grants.

use super::support::mysql::{Release, Sql};
use super::support::plans::{Dump, dump_all, restore, run, scope};
use jagad::engine::{FindingLevel, Lifetime, RestoreTarget, Scope};
use jagad::model::EngineKind;
use jagad::process::SystemRunner;

/// Passwords, roles, rights of every reach, and odd names.
fn create_users(sql: &Sql) {
    sql.create_content("shop");
    sql.run(
        "",
        "CREATE ROLE reader; CREATE ROLE writer; GRANT SELECT ON shop.* TO reader; GRANT INSERT ON *.* TO writer;
         CREATE USER app@'%' IDENTIFIED BY 'p\"w''x\\\\ö'; CREATE USER 'odd''user; `x`'@'10.0.0.0/255.0.0.0';
         GRANT reader TO app@'%'; GRANT EXECUTE ON PROCEDURE shop.refill TO app@'%';
         GRANT SELECT (id), UPDATE (name) ON shop.item TO app@'%' WITH GRANT OPTION;
         GRANT RELOAD ON *.* TO app@'%'; GRANT ALL PRIVILEGES ON `o_d`.* TO 'odd''user; `x`'@'10.0.0.0/255.0.0.0';
         CREATE USER kept@localhost IDENTIFIED BY 'one'; GRANT SELECT ON *.* TO kept@localhost;",
    );
    let word = if sql.release.kind() == EngineKind::MySql { "TO" } else { "FOR" };
    sql.run("", &format!("SET DEFAULT ROLE reader {word} app@'%';"));
}

/// What the server says of accounts, in an order of its own.
fn told(sql: &Sql) -> Vec<String> {
    let hex =
        if sql.release.kind() == EngineKind::MySql { "SET print_identified_with_as_hex = 1;" } else { "" };
    let role = if sql.release.kind() == EngineKind::MySql { "SHOW CREATE USER reader" } else { "SELECT 1" };
    let said = sql.run(
        "",
        &format!(
            "{hex} SHOW CREATE USER app@'%'; {role}; SHOW GRANTS FOR app@'%'; SHOW GRANTS FOR reader; SHOW GRANTS FOR writer;
             SHOW CREATE USER 'odd''user; `x`'@'10.0.0.0/255.0.0.0'; SHOW GRANTS FOR 'odd''user; `x`'@'10.0.0.0/255.0.0.0';"
        ),
    );
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

async fn users_come_back(release: Release) {
    let (Some(sql), Some(other)) = (Sql::start(release), Sql::start(release)) else { return };
    create_users(&sql);
    let scope = Scope { globals: true, ..scope(&["shop"]) };
    let dumps = dump_all(sql.inspect().await.as_ref(), &scope).await.unwrap();
    let text = String::from_utf8(dumps[0].bytes.to_vec()).unwrap();
    for own in ["mysql.sys", "mariadb.sys", "`root`@`localhost`", "mysql.session"] {
        assert!(!text.contains(&format!("USER IF NOT EXISTS {own}")), "{text}");
    }

    other.run("", "CREATE USER kept@localhost IDENTIFIED BY 'two';");
    let (kept, root) =
        (other.run("", "SHOW GRANTS FOR kept@localhost;"), other.run("", "SHOW GRANTS FOR root@localhost;"));
    let server = other.inspect().await;
    let (plan, _) = restore(server.as_ref(), &dumps[0], &dumps[0].target("")).await.unwrap();
    assert_eq!(plan.notes[0], "user `kept@localhost` already exists and is left unchanged");
    assert!(plan.new_roles.contains(&"app@%".to_owned()), "{:?}", plan.new_roles);
    restore(server.as_ref(), &dumps[1], &dumps[1].target("shop")).await.unwrap();
    // Rights on tables and routines wait until those are there.
    assert_eq!(plan.last.len(), 2);
    for step in &plan.last {
        step.run(&SystemRunner).await.unwrap();
    }
    assert_eq!(told(&other), told(&sql));
    assert_eq!(other.run("", "SHOW GRANTS FOR kept@localhost;"), kept);
    if release == Release::MySql97 {
        assert_eq!(other.run("", "SHOW GRANTS FOR root@localhost;"), root);
    }

    // Again: everybody is there already.
    let server = other.inspect().await;
    let (plan, _) = restore(server.as_ref(), &dumps[0], &dumps[0].target("")).await.unwrap();
    assert!(plan.after.is_empty() && plan.last.is_empty() && plan.new_roles.is_empty());
    assert_eq!(told(&other), told(&sql));
}

on_each!(async users_come_back as users_roles_and_grants_come_back: MySql97, MariaDb1011, MariaDb118);

/// What statements tell of an account only when they are put together with care.
async fn odd_accounts_come_back(release: Release) {
    let (Some(sql), Some(other)) = (Sql::start(release), Sql::start(release)) else { return };
    let mysql = release == Release::MySql97;
    sql.run(
        "",
        r#"CREATE DATABASE shop;
         CREATE USER quoted@'%' IDENTIFIED BY 'x' REQUIRE SUBJECT '/CN=O''Brien\\x' AND ISSUER '/C="q'' SUBJECT ''';
         CREATE USER expired@'%' IDENTIFIED BY 'x' PASSWORD EXPIRE; GRANT SELECT ON shop.* TO expired@'%' WITH GRANT OPTION;
         CREATE USER closed@'%' IDENTIFIED BY 'x' ACCOUNT LOCK; GRANT SELECT ON *.* TO closed@'%';
         CREATE USER bounded@'%' IDENTIFIED BY 'x' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 5;
         GRANT SELECT ON *.* TO bounded@'%' WITH GRANT OPTION;"#,
    );
    if mysql {
        sql.run(
            "",
            r#"CREATE USER twice@'%' IDENTIFIED BY 'old' COMMENT 'it''s \\ "two"';
             ALTER USER twice@'%' IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD;
             CREATE USER worn@'%' IDENTIFIED BY 'old';
             ALTER USER worn@'%' IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD; ALTER USER worn@'%' PASSWORD EXPIRE;"#,
        );
    }
    let told = |sql: &Sql| {
        let mut names = vec!["quoted", "expired", "closed", "bounded"];
        let mut statements = String::new();
        if mysql {
            names.extend(["twice", "worn"]);
            statements += "SET print_identified_with_as_hex = 1;
                SELECT User, User_attributes, password_expired, account_locked, HEX(x509_subject), HEX(x509_issuer)
                FROM mysql.user WHERE Host = '%' ORDER BY User;";
        }
        for name in names {
            statements += &format!("SHOW CREATE USER {name}@'%'; SHOW GRANTS FOR {name}@'%';");
        }
        sql.run("", &statements)
    };
    let scope = Scope { globals: true, ..scope(&["shop"]) };
    let dumps = dump_all(sql.inspect().await.as_ref(), &scope).await.unwrap();
    let server = other.inspect().await;
    restore(server.as_ref(), &dumps[0], &dumps[0].target("")).await.unwrap();
    assert_eq!(told(&other), told(&sql));
    assert_eq!(other.run("", "SELECT COUNT(*) FROM mysql.user WHERE User LIKE '%jagad%';"), "0");
}

on_each!(async odd_accounts_come_back as odd_accounts_come_back: MySql97, MariaDb1011, MariaDb118);

/// The list with a statement in it that no server takes, behind all that creates accounts.
fn with_error(taken: &Dump) -> Dump {
    let text = String::from_utf8(taken.bytes.to_vec()).unwrap();
    let (before, after) = text.rsplit_once("-- Accounts: ").unwrap();
    let broken = format!("{before}GRANT NONSENSE ON *.* TO `app`@`%`;\n-- Accounts: {after}");
    Dump {
        bytes: broken.into_bytes().into(),
        contents: None,
        properties: taken.properties.clone(),
        server_version: taken.server_version.clone(),
        database: String::new(),
        kind: taken.kind,
    }
}

async fn users_come_all_or_not_at_all(release: Release) {
    let (Some(sql), Some(other)) = (Sql::start(release), Sql::start(release)) else { return };
    create_users(&sql);
    let scope = Scope { globals: true, ..scope(&["shop"]) };
    let dumps = dump_all(sql.inspect().await.as_ref(), &scope).await.unwrap();
    other.run("", "CREATE USER kept@localhost IDENTIFIED BY 'two';");
    let accounts = |sql: &Sql| sql.run("", "SELECT User, Host FROM mysql.user ORDER BY 1, 2;");
    let before = accounts(&other);
    let broken = with_error(&dumps[0]);
    let server = other.inspect().await;
    let failed = restore(server.as_ref(), &broken, &broken.target("")).await.unwrap_err();
    assert!(failed.contains("ERROR 1064") || failed.contains("ERROR 1149"), "{failed}");
    assert_eq!(accounts(&other), before, "nothing of it stays");
    // One that came after the plan was made is somebody else's.
    let plan = server.logical().load(&SystemRunner, &dumps[0].target(""), &dumps[0]).await.unwrap();
    other.run("", "CREATE USER app@'%' IDENTIFIED BY 'mine';");
    let mine = accounts(&other);
    run(server.as_ref(), &plan, Box::pin(&*dumps[0].bytes)).await.unwrap_err();
    assert_eq!(accounts(&other), mine);
    other.run("", "DROP USER app@'%';");

    // A restore that was killed is made whole by the next one.
    other.run("", "CREATE ROLE __jagad_unfinished; CREATE ROLE reader;");
    let hex = if release == Release::MySql97 { "SET print_identified_with_as_hex = 1;" } else { "" };
    let created = sql.run("", &format!("{hex} SHOW CREATE USER 'odd''user; `x`'@'10.0.0.0/255.0.0.0';"));
    other.run("", &format!("{};", created.replace(" ACCOUNT UNLOCK", "")));
    other.run("", "ALTER USER 'odd''user; `x`'@'10.0.0.0/255.0.0.0' ACCOUNT LOCK;");
    let server = other.inspect().await;
    let (plan, _) = restore(server.as_ref(), &dumps[0], &dumps[0].target("")).await.unwrap();
    let said = plan.notes.last().unwrap();
    assert!(said.starts_with("4 users and roles of the backup are created, with "), "{said}");
    restore(server.as_ref(), &dumps[1], &dumps[1].target("shop")).await.unwrap();
    for step in &plan.last {
        step.run(&SystemRunner).await.unwrap();
    }
    assert_eq!(told(&other), told(&sql));
    assert_eq!(accounts(&other), accounts(&sql));
}

on_each!(
    async users_come_all_or_not_at_all as users_come_all_or_not_at_all:
    MySql97, MariaDb1011, MariaDb118
);

#[tokio::test]
async fn rights_that_are_taken_away_in_one_database_come_back_or_are_refused() {
    let (Some(sql), Some(other)) = (Sql::start(Release::MySql97), Sql::start(Release::MySql97)) else {
        return;
    };
    sql.run(
        "",
        "SET GLOBAL partial_revokes = ON; CREATE DATABASE shop; CREATE DATABASE hr;
         CREATE USER looker@'%' IDENTIFIED BY 'x'; GRANT SELECT, INSERT ON *.* TO looker@'%';
         REVOKE INSERT ON hr.* FROM looker@'%';
         CREATE USER wild@'%' IDENTIFIED BY 'x'; GRANT SELECT ON `a_b`.* TO wild@'%';",
    );
    let grants = |sql: &Sql| sql.run("", "SHOW GRANTS FOR looker@'%'; SHOW GRANTS FOR wild@'%';");
    let scope = Scope { globals: true, ..scope(&["shop"]) };
    let dumps = dump_all(sql.inspect().await.as_ref(), &scope).await.unwrap();
    let target = dumps[0].target("");
    let plan = other.inspect().await.logical().load(&SystemRunner, &target, &dumps[0]).await.unwrap();
    assert_eq!(plan.findings[0].level, FindingLevel::Error, "{:?}", plan.findings);
    assert_eq!(plan.findings[0].hint(), "SET PERSIST partial_revokes = ON;");
    // A server that is thrown away is set as it must be.
    let drill = RestoreTarget { lifetime: Lifetime::ThrownAway, ..target.clone() };
    assert_eq!(
        other.inspect().await.logical().load(&SystemRunner, &drill, &dumps[0]).await.unwrap().findings,
        []
    );

    other.run("", plan.findings[0].hint());
    let server = other.inspect().await;
    restore(server.as_ref(), &dumps[0], &target).await.unwrap();
    assert_eq!(grants(&other), grants(&sql));
}

/// MariaDB gives rights to everybody without any account.
async fn rights_of_everybody_come_back(release: Release) {
    let (Some(sql), Some(other)) = (Sql::start(release), Sql::start(release)) else { return };
    sql.run(
        "",
        "CREATE DATABASE shop; CREATE TABLE shop.item (id INT, n INT); CREATE PROCEDURE shop.p () SELECT 1;
         CREATE ROLE reader; GRANT reader TO PUBLIC; GRANT SELECT ON shop.* TO PUBLIC; GRANT RELOAD ON *.* TO PUBLIC;
         GRANT INSERT (id), UPDATE ON shop.item TO PUBLIC; GRANT EXECUTE ON PROCEDURE shop.p TO PUBLIC;",
    );
    let granted = sql.run("", "SHOW GRANTS FOR PUBLIC;");
    let scope = Scope { globals: true, ..scope(&["shop"]) };
    let dumps = dump_all(sql.inspect().await.as_ref(), &scope).await.unwrap();
    // A step that fails takes it all back: the role is there, but not for its rights.
    let broken = String::from_utf8(dumps[0].bytes.to_vec()).unwrap();
    let broken = broken.replacen("GRANT RELOAD", "GRANT NONSENSE", 1);
    let broken = Dump { bytes: broken.into_bytes().into(), ..copy_of(&dumps[0]) };
    restore(other.inspect().await.as_ref(), &broken, &broken.target("")).await.unwrap_err();
    assert_eq!(other.run("", "SHOW GRANTS FOR PUBLIC;"), "");

    let server = other.inspect().await;
    let (plan, _) = restore(server.as_ref(), &dumps[0], &dumps[0].target("")).await.unwrap();
    assert!(plan.notes.join("\n").contains("every user of the server gets"), "{:?}", plan.notes);
    restore(server.as_ref(), &dumps[1], &dumps[1].target("shop")).await.unwrap();
    for step in &plan.last {
        step.run(&SystemRunner).await.unwrap();
    }
    assert_eq!(other.run("", "SHOW GRANTS FOR PUBLIC;"), granted);

    // What somebody gave to everybody stays, and that is told.
    other.run("", "REVOKE RELOAD ON *.* FROM PUBLIC;");
    let left = other.run("", "SHOW GRANTS FOR PUBLIC;");
    let (plan, _) = restore(other.inspect().await.as_ref(), &dumps[0], &dumps[0].target("")).await.unwrap();
    assert!(plan.notes.join("\n").contains("everybody has rights here already"), "{:?}", plan.notes);
    assert_eq!(other.run("", "SHOW GRANTS FOR PUBLIC;"), left);
}

fn copy_of(dump: &Dump) -> Dump {
    Dump {
        bytes: dump.bytes.clone(),
        contents: dump.contents.clone(),
        properties: dump.properties.clone(),
        server_version: dump.server_version.clone(),
        database: dump.database.clone(),
        kind: dump.kind,
    }
}

on_each!(async rights_of_everybody_come_back as rights_of_everybody_come_back: MariaDb1011, MariaDb118);
