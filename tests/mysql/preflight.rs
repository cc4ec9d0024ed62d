//! What would make a restore fail half-way is found before it begins.

use super::support::mysql::{Release, Sql};
use super::support::plans::{Dump, dump, restore};
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, Finding, FindingLevel, Ownership, RestoreTarget, Server};
use jagad::process::SystemRunner;

/// One object of each kind that takes a right.
const KINDS: &str = "CREATE TABLE item (id INT PRIMARY KEY, n VARCHAR(20));
    CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, w VARCHAR(100));
    CREATE TABLE child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES item (id));
    CREATE FUNCTION f (a INT) RETURNS INT DETERMINISTIC RETURN a + 1;
    CREATE VIEW v AS SELECT id FROM item; CREATE VIEW v_f AS SELECT f(id) AS x FROM item;
    CREATE TRIGGER item_ai AFTER INSERT ON item FOR EACH ROW INSERT INTO audit (w) VALUES (NEW.n);
    CREATE PROCEDURE p () INSERT INTO audit (w) VALUES ('p');
    CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM audit;
    INSERT INTO item VALUES (1, 'one');";

/// The statements of the README for a user that restores.
fn readme_statements(release: Release) -> &'static str {
    let readme = include_str!("../../README.md");
    let title = if release == Release::MySql97 { "MySQL:" } else { "MariaDB\n" };
    let begin = readme.find(&format!("-- a user that restores, {title}")).expect("the README says it");
    &readme[begin..begin + readme[begin..].find("```").unwrap()]
}

/// As the user that they create.
async fn as_readme_user(sql: &Sql) -> Box<dyn Server> {
    MySql::new(sql.settings_of("jagad_restore", "…")).inspect(&SystemRunner).await.unwrap()
}

pub(crate) async fn as_r(sql: &Sql) -> Box<dyn Server> {
    MySql::new(sql.settings_of("r", "pw")).inspect(&SystemRunner).await.unwrap()
}

async fn findings(server: &dyn Server, dump: &Dump, target: &RestoreTarget) -> Vec<Finding> {
    server.logical().load(&SystemRunner, target, dump).await.unwrap().findings
}

pub(crate) async fn errors(server: &dyn Server, dump: &Dump, target: &RestoreTarget) -> Vec<Finding> {
    let findings = findings(server, dump, target).await;
    findings.into_iter().filter(|finding| finding.level == FindingLevel::Error).collect()
}

async fn check_rights(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE DATABASE other; CREATE TABLE other.precious (a INT);");
    sql.run("shop", KINDS);
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    let before = sql.fingerprint("shop");
    sql.run(
        "",
        "SET GLOBAL log_bin_trust_function_creators = 0; CREATE USER r@localhost IDENTIFIED BY 'pw';",
    );
    let target = taken.target("shop");
    // Each statement that is printed fixes what it is printed for.
    let mut rounds = 0;
    loop {
        let found = errors(as_r(&sql).await.as_ref(), &taken, &target).await;
        if found.is_empty() {
            break;
        }
        for finding in &found {
            sql.run("", finding.hint().split(';').next().unwrap());
        }
        rounds += 1;
        assert!(rounds < 5, "{found:?}");
    }
    restore(as_r(&sql).await.as_ref(), &taken, &target).await.unwrap();
    assert_eq!(sql.fingerprint("shop"), before);

    // The README's user is enough, and none of its rights is too much.
    sql.run("", "SET GLOBAL log_bin_trust_function_creators = 0;");
    sql.run("", readme_statements(release));
    let server = as_readme_user(&sql).await;
    assert_eq!(findings(server.as_ref(), &taken, &target).await, []);
    let (plan, _) = restore(server.as_ref(), &taken, &target).await.unwrap();
    assert!(plan.trial.is_some());
    assert_eq!(sql.fingerprint("shop"), before);
    let granted = readme_statements(release).lines().filter_map(|line| {
        let (rights, rest) = line.strip_prefix("GRANT ")?.split_once(" ON ")?;
        Some(rights.split(", ").map(move |right| (right, rest)))
    });
    for (right, rest) in granted.flatten() {
        let place = rest.split(" TO ").next().unwrap();
        // Needed where more than this is restored: functions that the definer of a view calls, an account that is gone, or
        // an incremental.
        let sometimes = [
            "EXECUTE",
            "ALLOW_NONEXISTENT_DEFINER",
            "SESSION_VARIABLES_ADMIN",
            "REPLICATION_APPLIER",
            "BINLOG REPLAY",
            "UPDATE",
            "DELETE",
            "INDEX",
        ];
        if sometimes.contains(&right)
            || ["mysql.user", "`\\_\\_jagad\\_trial\\_%`.*"].contains(&place)
            || (release != Release::MySql97 && right == "REFERENCES")
        {
            continue;
        }
        sql.run("", &format!("REVOKE {right} ON {place} FROM jagad_restore;"));
        // Whoever may not see whether a definer is a system user is told it where something would be lost.
        let found = errors(as_readme_user(&sql).await.as_ref(), &taken, &target).await;
        assert_eq!(found.len(), 1, "{right}: {found:?}");
        assert!(found[0].hint().contains(&format!("GRANT {right} ON ")), "{right}: {found:?}");
        sql.run("", &format!("GRANT {right} ON {place} TO jagad_restore;"));
    }
    sql.run("", "SET GLOBAL log_bin_trust_function_creators = 0;");
    let found = errors(as_readme_user(&sql).await.as_ref(), &taken, &target).await;
    assert!(matches!(&found[..], [one] if one.problem.contains("1419")), "{found:?}");
    sql.run("", found[0].hint().split(';').next().unwrap());
    assert_eq!(findings(as_readme_user(&sql).await.as_ref(), &taken, &target).await, []);
    // Nothing is dropped by somebody who may not create, whatever errors are accepted.
    sql.run("", "REVOKE CREATE ON shop.* FROM r@localhost;");
    let lenient = RestoreTarget { stop_at_first_error: false, ..taken.target("shop") };
    let refused = restore(as_r(&sql).await.as_ref(), &taken, &lenient).await.unwrap_err();
    assert!(refused.contains("without CREATE"), "{refused}");
    assert_eq!(sql.fingerprint("shop"), before);
}

on_each!(async check_rights as rights_are_checked_before_a_restore: MySql97, MariaDb1011, MariaDb118);

/// With the binary log on, a function that declares nothing is taken from nobody.
#[tokio::test]
async fn a_function_that_the_binary_log_refuses_is_found() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE FUNCTION shop.f () RETURNS INT RETURN 1;");
        let taken = dump(sql.inspect().await.as_ref(), "shop").await;
        sql.run("", "SET GLOBAL log_bin_trust_function_creators = 0;");
        let server = sql.inspect().await;
        let found = errors(server.as_ref(), &taken, &taken.target("shop")).await;
        assert!(matches!(&found[..], [one] if one.problem.contains("1418")), "{found:?}");
        let failed = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap_err();
        assert!(failed.contains("1418"), "it is true: {failed}");
        sql.run("", found[0].hint());
        restore(sql.inspect().await.as_ref(), &taken, &taken.target("copy")).await.unwrap();
    }
}

/// A setting that keeps tables away is told with the statement that fixes it, or done without by the session.
struct Setting {
    releases: &'static [Release],
    tables: &'static str,
    set: &'static str,
    /// Part of what an ordinary user is told; empty where every session may do without the setting.
    problem: &'static str,
    /// Whether the superuser's session does without it.
    lifted: bool,
}

const MARIADB: &[Release] = &[Release::MariaDb1011, Release::MariaDb118];
const MYSQL: &[Release] = &[Release::MySql97];

const WIDE: &str = "SET GLOBAL innodb_strict_mode = 0; SET SESSION innodb_strict_mode = 0; SET SESSION group_concat_max_len = 1000000;
    SET @s = (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
      SELECT CONCAT('CREATE TABLE w (id INT PRIMARY KEY, ', GROUP_CONCAT('c', i, ' CHAR(255)'), ') CHARSET=latin1') FROM n);
    PREPARE s FROM @s; EXECUTE s; INSERT INTO w (id) VALUES (1);";
const STRICT: &str = "SET GLOBAL innodb_strict_mode = 1";

const SETTINGS: [Setting; 9] = [
    Setting {
        releases: MYSQL,
        tables: "CREATE TABLE t (a INT)",
        set: "SET GLOBAL sql_require_primary_key = 1",
        problem: "no primary key",
        lifted: true,
    },
    Setting { releases: MYSQL, tables: WIDE, set: STRICT, problem: "1118", lifted: true },
    Setting { releases: MARIADB, tables: WIDE, set: STRICT, problem: "", lifted: true },
    Setting {
        releases: MARIADB,
        tables: "SET SESSION innodb_strict_mode = 0; CREATE TABLE t (a INT PRIMARY KEY) KEY_BLOCK_SIZE=3;
                 CREATE TABLE u (a INT PRIMARY KEY) ROW_FORMAT=PAGE;",
        set: STRICT,
        problem: "",
        lifted: true,
    },
    Setting {
        releases: MARIADB,
        tables: "CREATE TABLE t (a INT)",
        set: "SET GLOBAL innodb_force_primary_key = 1",
        problem: "no primary key",
        lifted: false,
    },
    Setting {
        releases: MARIADB,
        tables: "CREATE TABLE t (a INT PRIMARY KEY) ROW_FORMAT=COMPRESSED; INSERT INTO t VALUES (1);",
        set: "SET GLOBAL innodb_read_only_compressed = 1",
        problem: "4047",
        lifted: false,
    },
    Setting {
        releases: MARIADB,
        tables: "CREATE TABLE t (a INT) ENGINE=MyISAM",
        set: "SET GLOBAL enforce_storage_engine = InnoDB",
        problem: "another engine",
        lifted: false,
    },
    Setting {
        releases: &[Release::MariaDb1011],
        tables: "INSTALL SONAME 'ha_archive'; CREATE TABLE t (a INT) ENGINE=ARCHIVE",
        set: "DROP TABLE shop.t; UNINSTALL SONAME 'ha_archive'",
        problem: "does not have it",
        lifted: false,
    },
    Setting {
        releases: &Release::ALL,
        tables: "CREATE DATABASE third; CREATE TABLE third.t (a INT); CREATE VIEW v AS SELECT a FROM third.t",
        set: "DROP DATABASE third",
        problem: "reads `third`",
        lifted: false,
    },
];

async fn check_settings(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE USER r@localhost IDENTIFIED BY 'pw'; GRANT ALL PRIVILEGES ON *.* TO r@localhost;");
    if release == Release::MySql97 {
        sql.run("", "REVOKE SESSION_VARIABLES_ADMIN, SYSTEM_VARIABLES_ADMIN, SUPER ON *.* FROM r@localhost;");
    }
    let usual = if release == Release::MySql97 {
        "SET GLOBAL innodb_strict_mode = 1, GLOBAL sql_require_primary_key = 0;"
    } else {
        "SET GLOBAL innodb_strict_mode = 1, GLOBAL innodb_force_primary_key = 0, GLOBAL enforce_storage_engine = NULL,
         GLOBAL innodb_read_only_compressed = 0;"
    };
    for setting in SETTINGS.iter().filter(|setting| setting.releases.contains(&release)) {
        sql.run("", "DROP DATABASE IF EXISTS shop; CREATE DATABASE shop;");
        sql.run("shop", setting.tables);
        let taken = dump(sql.inspect().await.as_ref(), "shop").await;
        let before = sql.fingerprint("shop");
        sql.run("", setting.set);
        let target = taken.target("shop");
        for (server, refuses) in
            [(as_r(&sql).await, !setting.problem.is_empty()), (sql.inspect().await, !setting.lifted)]
        {
            let found = errors(server.as_ref(), &taken, &target).await;
            let told = found.iter().any(|finding| finding.problem.contains(setting.problem));
            assert_eq!(!found.is_empty() && told, refuses, "{}: {found:?}", setting.set);
            let plan = server.logical().load(&SystemRunner, &taken.target("copy"), &taken).await.unwrap();
            let body = Box::pin(&*taken.bytes);
            let loaded = super::support::plans::run(server.as_ref(), &plan, body).await;
            // An engine is replaced in silence: the server does not fail where we refuse.
            let silent = refuses && ["does not have it", "another engine"].contains(&setting.problem);
            assert_eq!(loaded.is_err(), refuses && !silent, "{}: {loaded:?}", setting.set);
            sql.run("", "DROP DATABASE IF EXISTS copy;");
            if let Some(statement) =
                found.first().map(|finding| finding.hint().to_owned()).filter(|_| !setting.lifted)
                && statement.contains(';')
            {
                sql.run("", statement.split(';').next().unwrap());
                restore(sql.inspect().await.as_ref(), &taken, &target).await.unwrap();
                assert_eq!(sql.fingerprint("shop"), before, "{}", setting.set);
                sql.run("", setting.set);
            }
        }
        sql.run("", usual);
    }
}

on_each!(
    async check_settings as settings_that_keep_tables_away_are_found:
    MySql97, MariaDb1011, MariaDb118
);

/// With `--strip-definer` nothing belongs to others, so the rights for that are not asked for.
#[tokio::test]
async fn without_definers_no_right_over_others_is_needed() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE USER r@localhost IDENTIFIED BY 'pw';");
        sql.run("shop", KINDS);
        sql.run("", "GRANT ALL PRIVILEGES ON shop.* TO r@localhost;");
        let taken = dump(sql.inspect().await.as_ref(), "shop").await;
        let target = RestoreTarget { definers: Ownership::Skip, ..taken.target("shop") };
        let server = as_r(&sql).await;
        assert_eq!(errors(server.as_ref(), &taken, &target).await, []);
        restore(server.as_ref(), &taken, &target).await.unwrap();
        assert_eq!(sql.run("shop", "SELECT * FROM v_f"), "2");
    }
}

/// A foreign key of another database makes `DROP DATABASE` fail, on MariaDB after most tables are gone.
#[tokio::test]
async fn foreign_keys_of_other_databases_do_not_stop_a_restore_half_way() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE DATABASE third;");
        sql.run("shop", KINDS);
        let taken = dump(sql.inspect().await.as_ref(), "shop").await;
        let refers = "CREATE TABLE third.refers (id INT, FOREIGN KEY (id) REFERENCES shop.item (id));
            INSERT INTO third.refers VALUES (1);";
        sql.run("", refers);
        let (shop, third) = (sql.fingerprint("shop"), sql.fingerprint("third"));
        let server = sql.inspect().await;
        let found = findings(server.as_ref(), &taken, &taken.target("shop")).await;
        assert!(matches!(&found[..], [one] if one.subject.contains("refers")), "{found:?}");
        restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();
        assert_eq!((sql.fingerprint("shop"), sql.fingerprint("third")), (shop, third));
        assert!(sql.try_run("root", "third", "INSERT INTO refers VALUES (9);").unwrap_err().contains("1452"));
    }
}

/// A view that calls a function takes EXECUTE of whoever it will belong to.
#[tokio::test]
async fn a_view_that_calls_a_function_takes_execute_of_its_owner() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE USER r@localhost IDENTIFIED BY 'pw';");
        sql.run("shop", KINDS);
        let taken = dump(sql.inspect().await.as_ref(), "shop").await;
        sql.run(
            "",
            "GRANT ALL PRIVILEGES ON shop.* TO r@localhost; REVOKE EXECUTE ON shop.* FROM r@localhost;",
        );
        let server = as_r(&sql).await;
        let missing = async |definers: Ownership| {
            let target = RestoreTarget { definers, ..taken.target("shop") };
            let found = errors(server.as_ref(), &taken, &target).await;
            found.iter().any(|one| one.hint().contains("GRANT EXECUTE ON "))
        };
        assert!(missing(Ownership::Skip).await, "{release:?}: it belongs to r");
        assert!(!missing(Ownership::Keep).await, "{release:?}: it belongs to root");
    }
}

/// Who may not see accounts is refused where something would be lost, and warned where nothing is there yet.
#[tokio::test]
async fn definers_that_nobody_can_judge_refuse_only_what_replaces() {
    let Some(sql) = Sql::start(Release::MySql97) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE USER r@localhost IDENTIFIED BY 'pw';");
    sql.run("shop", "CREATE TABLE item (id INT); CREATE VIEW v AS SELECT id FROM item;");
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    sql.run(
        "",
        "GRANT ALL PRIVILEGES ON shop.* TO r@localhost; GRANT ALL PRIVILEGES ON copy.* TO r@localhost;
         GRANT SET_ANY_DEFINER ON *.* TO r@localhost;",
    );
    let server = as_r(&sql).await;
    let level = async |name: &str| {
        let found = findings(server.as_ref(), &taken, &taken.target(name)).await;
        let one = found.iter().find(|one| one.problem.contains("SYSTEM_USER"));
        one.unwrap_or_else(|| panic!("{found:?}")).level
    };
    assert_eq!(level("shop").await, FindingLevel::Error);
    assert_eq!(level("copy").await, FindingLevel::Warning);
}
