//! Encrypted tables and databases, and servers that have no keys for them.

use super::support::mysql::{Release, Sql};
use super::support::plans::{Dump, dump, restore};
use jagad::engine::{FindingLevel, Lifetime, Ownership, RestoreTarget};
use jagad::process::SystemRunner;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A server with keys, and the folder that they are in.
fn with_keys(release: Release) -> Option<(Sql, TempDir)> {
    let root = release.root()?;
    let keys = tempfile::Builder::new().prefix("jgd-keys").tempdir_in("/tmp").unwrap();
    let file = keys.path().join("keys");
    if release != Release::MySql97 {
        let key = "770A8A65DA156D24EE2A093277530142";
        std::fs::write(&file, format!("1;{key}\n5;{key}\n")).unwrap();
        let named = format!("--file-key-management-filename={}", file.display());
        let options = ["--log-bin=binlog", "--server-id=1", "--plugin-load-add=file_key_management", &named];
        return Some((Sql::start_with(release, &options)?, keys));
    }
    // The server reads the names of its components beside its own program, and the component its settings beside itself.
    let (programs, plugins) = (keys.path().join("usr/sbin"), keys.path().join("plugins"));
    std::fs::create_dir_all(&programs).unwrap();
    std::fs::create_dir(&plugins).unwrap();
    symlink(root.join("usr/sbin/mysqld"), programs.join("mysqld")).unwrap();
    for folder in ["bin", "share", "lib"] {
        symlink(root.join("usr").join(folder), keys.path().join("usr").join(folder)).unwrap();
    }
    let component = "component_keyring_file";
    let library = root.join("usr/lib/mysql/plugin").join(format!("{component}.so"));
    symlink(library, plugins.join(format!("{component}.so"))).unwrap();
    std::fs::write(programs.join("mysqld.my"), format!("{{\"components\": \"file://{component}\"}}"))
        .unwrap();
    let settings = format!("{{\"path\": \"{}\", \"read_only\": false}}", file.display());
    std::fs::write(plugins.join(format!("{component}.cnf")), settings).unwrap();
    let folder = format!("--plugin-dir={}", plugins.display());
    let options = ["--log-bin=binlog", "--server-id=1", &folder];
    Some((Sql::start_from(release, keys.path().to_owned(), &options), keys))
}

/// As a drill restores.
fn thrown_away(taken: &Dump, name: &str) -> RestoreTarget {
    RestoreTarget { tablespaces: Ownership::Skip, lifetime: Lifetime::ThrownAway, ..taken.target(name) }
}

async fn check_encrypted_tables(release: Release) {
    let (Some((sql, _keys)), Some(without)) = (with_keys(release), Sql::start(release)) else { return };
    let mysql = release == Release::MySql97;
    let made = if mysql {
        "CREATE DATABASE shop; CREATE TABLE shop.old (a INT PRIMARY KEY) ENGINE=MyISAM; ALTER DATABASE shop ENCRYPTION = 'Y';
         CREATE TABLE shop.secret (encryption VARCHAR(9)); CREATE TABLE shop.plain (a INT) ENCRYPTION = 'N';"
    } else {
        "CREATE DATABASE shop; CREATE TABLE shop.secret (`encrypted` VARCHAR(9), CHECK (`encrypted` = 'YES')) ENGINE=InnoDB ENCRYPTED=YES;
         CREATE TABLE shop.other (a INT) ENGINE=InnoDB ENCRYPTED=YES ENCRYPTION_KEY_ID=5;"
    };
    sql.run("", &format!("{made} INSERT INTO shop.secret VALUES ('yes');"));
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    let shown = |sql: &Sql, name: &str| {
        sql.run("", &format!("SHOW CREATE DATABASE `{name}`; SHOW CREATE TABLE `{name}`.secret;"))
            .replace(name, "shop")
    };
    let before = shown(&sql, "shop");
    for name in ["shop", "copy"] {
        restore(server.as_ref(), &taken, &taken.target(name)).await.unwrap();
        assert_eq!(shown(&sql, name), before, "{name}");
        assert_eq!(sql.fingerprint(name), sql.fingerprint("shop"));
    }
    // A server without keys is found before anything is touched.
    let keyless = without.inspect().await;
    let refused = restore(keyless.as_ref(), &taken, &taken.target("shop")).await.unwrap_err();
    let help = if mysql { "mysqld.my" } else { "file_key_management" };
    assert!(refused.contains("has no keys") && refused.contains(help), "{refused}");
    assert_eq!(without.run("", "SHOW DATABASES LIKE 'shop';"), "");
    // A drill proves the rest, and says so.
    let (plan, counted) = restore(keyless.as_ref(), &taken, &thrown_away(&taken, "drill")).await.unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("without encryption")), "{:?}", plan.notes);
    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
    assert_eq!(without.run("drill", "SELECT * FROM secret;"), "yes");
    // Of several encrypted tables one is recorded: a choice of the others is told of.
    let choice = taken.tables("fresh", &[if mysql { "plain" } else { "other" }]);
    let plan = keyless.logical().load(&SystemRunner, &choice, &taken).await.unwrap();
    assert!(plan.findings.iter().any(|found| found.problem.contains("has no keys")), "{:?}", plan.findings);
}

/// A server that takes only encrypted tables is found before anything is removed, with the statement that lets them in.
#[tokio::test]
async fn a_server_that_forces_encryption_is_found() {
    let Some((sql, _keys)) = with_keys(Release::MariaDb1011) else { return };
    sql.run(
        "",
        "CREATE DATABASE shop; CREATE TABLE shop.open (a INT) ENGINE=InnoDB ENCRYPTED=NO; CREATE TABLE shop.usual (a INT);
         CREATE TABLE shop.secret (a INT) ENGINE=InnoDB ENCRYPTED=YES; INSERT INTO shop.open VALUES (1);",
    );
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    let before = sql.fingerprint("shop");
    sql.run("", "SET GLOBAL innodb_encrypt_tables = 'FORCE';");
    let made = sql.try_run("root", "shop", "CREATE TABLE x (a INT) ENGINE=InnoDB ENCRYPTED=NO;");
    assert!(made.is_err(), "it is true");
    let server = sql.inspect().await;
    let plan = server.logical().load(&SystemRunner, &taken.target("shop"), &taken).await.unwrap();
    let told: Vec<_> = plan.findings.iter().map(|found| (found.level, found.subject.as_str())).collect();
    assert_eq!(told, [(FindingLevel::Error, "table `open`")], "{:?}", plan.findings);
    let chosen = taken.tables("fresh", &["usual"]);
    let chosen = server.logical().load(&SystemRunner, &chosen, &taken).await.unwrap();
    assert_eq!(chosen.findings[0].level, FindingLevel::Warning, "{:?}", chosen.findings);
    sql.run("", plan.findings[0].hint());
    restore(sql.inspect().await.as_ref(), &taken, &taken.target("shop")).await.unwrap();
    assert_eq!(sql.fingerprint("shop"), before);
}

on_each!(
    async check_encrypted_tables as encrypted_tables_are_restored_with_keys_and_drilled_without:
    MySql97, MariaDb1011
);

#[tokio::test]
async fn an_encrypted_database_without_encrypted_tables_needs_no_keys() {
    let Some(sql) = Sql::start(Release::MySql97) else { return };
    sql.run("", "CREATE DATABASE shop DEFAULT ENCRYPTION = 'Y'; CREATE VIEW shop.v AS SELECT 1 AS a;");
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    let encrypts = |name: &str| {
        let asked = format!(
            "SELECT DEFAULT_ENCRYPTION FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{name}';"
        );
        sql.run("", &asked)
    };
    for name in ["shop", "copy"] {
        let (plan, _) = restore(server.as_ref(), &taken, &taken.target(name)).await.unwrap();
        assert!(plan.findings.iter().any(|finding| finding.problem.contains("none can be created")));
        assert_eq!(encrypts(name), "YES", "{name}");
    }
    restore(server.as_ref(), &taken, &thrown_away(&taken, "drilled")).await.unwrap();
    assert_eq!(encrypts("drilled"), "NO");
    sql.run("drilled", "CREATE TABLE t (a INT);");
}

#[tokio::test]
async fn the_right_to_encrypt_is_asked_for_where_the_server_does() {
    let Some((sql, _keys)) = with_keys(Release::MySql97) else { return };
    sql.run(
        "",
        "CREATE DATABASE shop; CREATE TABLE shop.t (a INT) ENCRYPTION = 'Y'; CREATE USER j IDENTIFIED BY 'x';
         GRANT ALL ON copy.* TO j; GRANT ALL ON shop.* TO j; SET GLOBAL table_encryption_privilege_check = ON;",
    );
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    let user = jagad::engine::mysql::MySql::new(sql.settings_of("j", "x"));
    let inspected = || jagad::engine::Engine::inspect(&user, &SystemRunner);
    let server = inspected().await.unwrap();
    let plan = server.logical().load(&SystemRunner, &taken.target("copy"), &taken).await.unwrap();
    let told: Vec<(FindingLevel, &str)> =
        plan.findings.iter().map(|finding| (finding.level, finding.hint())).collect();
    let seen = "GRANT SELECT ON performance_schema.keyring_component_status TO `j`@`%`;";
    let missing = "GRANT TABLE_ENCRYPTION_ADMIN ON *.* TO `j`@`%`;";
    assert!(told.contains(&(FindingLevel::Warning, seen)), "{told:?}");
    assert!(told.contains(&(FindingLevel::Error, missing)), "{told:?}");
    sql.run("", missing);
    sql.run("", seen);
    let server = inspected().await.unwrap();
    let (plan, _) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);
}
