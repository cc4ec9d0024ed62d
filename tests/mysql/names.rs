//! A copy under another name has nothing to do with the original any more.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump, restore};

/// Every kind of object names its database where it can.
const NAMING: &str = "CREATE TABLE item (id INT PRIMARY KEY, n VARCHAR(20), d DATE);
    CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, w VARCHAR(100));
    CREATE FUNCTION f (a INT) RETURNS INT DETERMINISTIC RETURN (SELECT COUNT(*) FROM shop.item) + a;
    CREATE VIEW v_function AS SELECT shop.f(id) AS x, EXTRACT(YEAR FROM d) AS y FROM shop.item;
    CREATE VIEW v_third AS SELECT i.id, t.a, shop.f(1) AS f FROM item i JOIN third.t ON t.a = i.id;
    CREATE VIEW v_alias AS SELECT shop.id FROM item AS shop WHERE shop.n <> 'shop.item';
    CREATE TABLE kin (a INT, FOREIGN KEY (a) REFERENCES shop.item (id), FOREIGN KEY (a) REFERENCES third.t (a));
    CREATE TABLE m1 (a INT) ENGINE=MyISAM; INSERT INTO m1 VALUES (5);
    CREATE TABLE merged (a INT) ENGINE=MERGE UNION=(shop.m1);
    DELIMITER //
    CREATE TRIGGER shop.item_ai AFTER INSERT ON shop.item FOR EACH ROW
      INSERT INTO shop.audit (w) VALUES (CONCAT('shop.', NEW.n))//
    CREATE PROCEDURE p () BEGIN
      DECLARE c CURSOR FOR SELECT n FROM item, shop.audit;
      INSERT INTO shop.audit (w) SELECT shop.n FROM item shop WHERE shop.id < 100 AND shop.f(1) > 0;
      UPDATE shop.audit SET w = 'changed' WHERE id = 1;
    END//
    CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO INSERT INTO shop.audit (w) VALUES ('e')//
    DELIMITER ;
    INSERT INTO item VALUES (1, 'one', '2020-01-01');
    ALTER DATABASE shop CHARACTER SET latin1;";

const SEQUENCES: &str = "CREATE SEQUENCE s START WITH 50;
    CREATE TABLE o (id BIGINT PRIMARY KEY DEFAULT NEXTVAL(s), n INT DEFAULT (NEXTVAL(shop.s) + 1));
    INSERT INTO o (n) VALUES (1);
    CREATE VIEW v_sequence AS SELECT NEXTVAL(shop.s) AS x FROM item;
    SET sql_mode = 'ORACLE';
    DELIMITER //
    CREATE PROCEDURE quoted AS r \"shop\".\"item\"%ROWTYPE; BEGIN INSERT INTO \"shop\".\"audit\" (w) VALUES ('shop'); END//
    DELIMITER ;";

/// What can be seen of a database that a restore must not touch.
fn untouched(sql: &Sql) -> String {
    format!("{}\n{}\n{}", sql.fingerprint("shop"), sql.fingerprint("third"), sql.fingerprint("bystander"))
}

async fn a_copy_stands_alone(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    let maria = release != Release::MySql97;
    sql.run(
        "",
        "CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE DATABASE third; CREATE TABLE third.t (a INT PRIMARY KEY);
         INSERT INTO third.t VALUES (1); CREATE DATABASE bystander; CREATE TABLE bystander.item (id INT);",
    );
    sql.run("shop", NAMING);
    if maria {
        sql.run("shop", SEQUENCES);
    }
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    let before = untouched(&sql);

    let (plan, counted) = restore(server.as_ref(), &taken, &taken.target("it's a `copy`")).await.unwrap();
    let told = plan.findings.iter().find(|finding| finding.subject == "trigger `item_ai`").unwrap();
    assert!(told.problem.contains("a text in it names `shop`"), "{told:?}");

    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
    assert_eq!(untouched(&sql), before, "{release:?}: nothing else was touched");
    // Without the original it works as before, and even then nothing else is written to.
    sql.run("", "SET FOREIGN_KEY_CHECKS = 0; DROP DATABASE shop;");
    let copy = "it's a `copy`";
    sql.run(copy, "INSERT INTO item VALUES (2, 'two', NULL); CALL p;");
    assert_eq!(sql.run(copy, "SELECT GROUP_CONCAT(w ORDER BY id) FROM audit"), "changed,shop.two,one,two");
    assert_eq!(sql.run(copy, "SELECT x FROM v_function ORDER BY x"), "3\n4");
    assert_eq!(sql.run(copy, "SELECT * FROM v_third"), "1\t1\t3");
    assert_eq!(sql.run(copy, "SELECT id FROM v_alias ORDER BY id; SELECT * FROM merged;"), "1\n2\n5");
    assert!(sql.try_run("root", copy, "INSERT INTO kin VALUES (77);").unwrap_err().contains("1452"));
    if maria {
        sql.run(copy, "INSERT INTO o () VALUES (); CALL quoted;");
        assert_eq!(
            sql.run(copy, "SELECT MIN(id), MAX(id) > 50 FROM o; SELECT COUNT(*) FROM v_sequence;"),
            "50\t1\n2"
        );
    }
    sql.run(
        "",
        &format!("SET GLOBAL event_scheduler = ON; ALTER EVENT `{0}`.e ON SCHEDULE AT NOW() ON COMPLETION PRESERVE ENABLE;",
            copy.replace('`', "``")),
    );
    let start = std::time::Instant::now();
    while sql.run(copy, "SELECT COUNT(*) FROM audit WHERE w = 'e'") == "0" {
        assert!(start.elapsed().as_secs() < 60, "the event did not run in the copy");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

on_each!(async a_copy_stands_alone as a_copy_stands_alone: MySql97, MariaDb1011, MariaDb118);
