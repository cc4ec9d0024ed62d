//! What statements of dumps are, by their heads.

use super::head::{Statement, Subject, account_of, created_view, creates_event, definer, statement};

#[test]
fn statements_of_dumps_are_told_apart() {
    let table = |name: &str| Statement::CreateTable(name.to_owned());
    let insert = |table: &str, columns| Statement::Insert { table: table.to_owned(), columns };
    let about = |table: &str, drops| Statement::About { table: table.to_owned(), drops };
    let trigger = |table: &str| Statement::Trigger { table: table.to_owned() };
    for (head, expected) in [
        ("CREATE TABLE `a``b` (\n  `x` int", table("a`b")),
        ("CREATE TABLE IF NOT EXISTS `t` (", table("t")),
        ("/*!50001 CREATE TABLE `v` (\n `x` tinyint NOT NULL\n) ENGINE=MyISAM */", Statement::Other),
        ("/*!50001 CREATE VIEW `v` AS SELECT 1 */", Statement::Other),
        ("INSERT INTO `t` VALUES (1)", insert("t", false)),
        ("INSERT INTO `t` (`a`, `b`) VALUES (1)", insert("t", true)),
        ("INSERT  IGNORE INTO `into` VALUES\n(1)", insert("into", false)),
        ("REPLACE INTO t VALUES (1)", insert("t", false)),
        ("DROP TABLE IF EXISTS `t`", about("t", true)),
        ("LOCK TABLES `t` WRITE", Statement::Lock),
        ("/*!40000 ALTER TABLE `t` DISABLE KEYS */", about("t", false)),
        ("UNLOCK TABLES", Statement::Lock),
        ("/*!40101 SET NAMES utf8mb4 */", Statement::Session),
        (
            "/*!50003 CREATE*/ /*!50017 DEFINER=`u`@`h`*/ /*!50003 TRIGGER `on` AFTER INSERT ON `t` FOR EACH ROW",
            trigger("t"),
        ),
        ("/*!50003 CREATE*/ /*!50003 TRIGGER x BEFORE UPDATE ON shop.item FOR EACH ROW SET", trigger("item")),
        ("CREATE DEFINER=`u`@`%` PROCEDURE `p`() CREATE TABLE x (a int)", Statement::Other),
        ("CREATE TRIGGER x BEFORE UPDATE ON `shop`.`item` FOR EACH ROW SET @a = 1", trigger("item")),
        ("CREATE TRIGGER x BEFORE UPDATE ON `shop` . `item` FOR EACH ROW SET @a = 1", trigger("item")),
        ("CREATE SEQUENCE `s` start with 1", Statement::Other),
        // A table may be called like a word of the statement.
        ("DROP TABLE IF EXISTS `exists`", about("exists", true)),
        ("COMMIT", Statement::Session),
        ("", Statement::Other),
    ] {
        assert_eq!(statement(head.as_bytes()), expected, "{head}");
    }
}

#[test]
fn a_definer_is_found_where_it_is_one() {
    for (head, account, left) in [
        ("CREATE DEFINER=`u`@`h` FUNCTION `f`()", "u@h", "CREATE  FUNCTION `f`()"),
        ("CREATE DEFINER=\"u\"@\"%\" FUNCTION \"f\"()", "u@%", "CREATE  FUNCTION \"f\"()"),
        (
            "/*!50003 CREATE*/ /*!50017 DEFINER=`a``b`@`10.0.0.%`*/ /*!50003 TRIGGER t",
            "a`b@10.0.0.%",
            "/*!50003 CREATE*/ /*!50017 */ /*!50003 TRIGGER t",
        ),
        (
            "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`r`@`l` SQL SECURITY DEFINER */\n/*!50001 VIEW",
            "r@l",
            "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013  SQL SECURITY DEFINER */\n/*!50001 VIEW",
        ),
        ("CREATE DEFINER=`role` PROCEDURE p()", "role", "CREATE  PROCEDURE p()"),
        ("CREATE DEFINER='it\\'s'@'h' PROCEDURE p()", "it's@h", "CREATE  PROCEDURE p()"),
    ] {
        let found = definer(head.as_bytes()).unwrap();
        assert_eq!(found.account, account);
        let mut rest = head.to_owned();
        rest.replace_range(found.place, "");
        assert_eq!(rest, left);
    }
    for head in [
        "CREATE TABLE `t` (`a` int DEFAULT 1) COMMENT='DEFINER=`x`@`y`'",
        "INSERT INTO `t` VALUES ('CREATE DEFINER=`x`@`y`')",
        "CREATE PROCEDURE `p`() SELECT 1, DEFINER=`x`@`y`",
        "CREATE PROCEDURE p() SELECT DEFINER=x",
        "CREATE",
        "CREATE DEFINER",
        "CREATE DEFINER=",
    ] {
        assert_eq!(definer(head.as_bytes()), None, "{head}");
    }
}

#[test]
fn views_and_events_are_known_by_what_is_created_and_not_by_its_words() {
    for (head, view, event) in [
        ("/*!50001 CREATE VIEW `v` AS SELECT 1 AS `a`*/", Some("v"), false),
        (
            "/*!50001 CREATE ALGORITHM=MERGE */ /*!50013 DEFINER=`a`@`b` */ /*!50001 VIEW `v` AS SELECT 1 */",
            Some("v"),
            false,
        ),
        ("CREATE DEFINER=`u`@`h` EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1", None, true),
        ("CREATE TABLE t (view int, event int)", None, false),
        ("CREATE PROCEDURE p() CREATE VIEW v AS SELECT 1", None, false),
        ("CREATE PROCEDURE p() CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1", None, false),
        ("CREATE TRIGGER t AFTER INSERT ON x FOR EACH ROW ALTER EVENT e DISABLE", None, false),
        ("DROP VIEW v", None, false),
        ("DROP EVENT e", None, false),
    ] {
        assert_eq!(created_view(head.as_bytes()).as_deref(), view, "{head}");
        assert_eq!(creates_event(head.as_bytes()), event, "{head}");
    }
}

#[test]
fn statements_about_accounts_name_their_account() {
    for (statement, account, creates, on_object) in [
        ("CREATE USER IF NOT EXISTS `a`@`%` IDENTIFIED WITH 'x' AS 0x00", "a@%", true, false),
        ("CREATE ROLE IF NOT EXISTS `reader`", "reader", true, false),
        ("GRANT SELECT, INSERT ON `shop`.* TO `a`@`%`", "a@%", false, false),
        ("GRANT USAGE ON *.* TO `a to`@`h` IDENTIFIED BY PASSWORD '*X'", "a to@h", false, false),
        ("GRANT SELECT (`to`) ON `shop`.`item` TO `a`@`%` WITH GRANT OPTION", "a@%", false, true),
        ("GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `a`@`%`", "a@%", false, true),
        ("GRANT `reader`@`%` TO `a`@`%`", "a@%", false, false),
        ("GRANT `reader` TO `a`@`%`", "a@%", false, false),
        ("GRANT PROXY ON ``@`` TO `a`@`%`", "a@%", false, false),
        ("SET DEFAULT ROLE `reader` FOR `a`@`%`", "a@%", false, false),
        ("REVOKE SELECT ON `hr`.* FROM `a`@`%`", "a@%", false, false),
    ] {
        let expected = Subject { account: account.to_owned(), creates, on_object };
        assert_eq!(account_of(statement), Some(expected), "{statement}");
    }
    assert_eq!(account_of("DROP USER a"), None);
    assert_eq!(account_of("GRANT"), None);
}
