//! Users and grants.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump_all, restore, scope};
use jagad::engine::Scope;
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
    assert_eq!(plan.notes[0], "user `kept@localhost` is there already and stays as it is");
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

#[tokio::test]
async fn users_roles_and_grants_come_back_on_mysql_9_7() {
    users_come_back(Release::MySql97).await;
}

#[tokio::test]
async fn users_roles_and_grants_come_back_on_mariadb_10_11() {
    users_come_back(Release::MariaDb1011).await;
}

#[tokio::test]
async fn users_roles_and_grants_come_back_on_mariadb_11_8() {
    users_come_back(Release::MariaDb118).await;
}
