//! Dumps in any pieces, cut anywhere, and damaged.

use super::rewrite::Changes;
use super::rewrite_tests::rewritten;
use super::witness::DumpWitness;
use crate::engine::Ownership;
use crate::model::{Contents, Needs, Witness as _, WitnessError};
use proptest::prelude::*;

const DUMP: &str = r#"/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB
--
/*!40101 SET NAMES utf8mb4 */;
SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;
SET @@SESSION.SQL_LOG_BIN= 0;

/* SET @@GLOBAL.GTID_PURGED='+aaaa:1-8,
bbbb:1-3';*/

-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000007', MASTER_LOG_POS=1234;

DROP TABLE IF EXISTS `a``b`;
CREATE TABLE `a``b` (
  `x` varchar(20) DEFAULT 'it''s;' COMMENT '-- no; /* no',
  `y` int DEFAULT 5
) ENGINE=InnoDB COMMENT='back\\slash';
LOCK TABLES `a``b` WRITE;
INSERT INTO `a``b` VALUES ('(1),(2)',1),('it\'s; \\',2),('\\\\',3),
(NULL,4),('-- Dump completed',5),('/*',-6);
INSERT INTO `a``b` (`x`, `y`) VALUES ('DEFINER=`x`@`y`',0x2827),(';',8);
UNLOCK TABLES;
CREATE TABLE `empty` (`a` int);
/*!50001 CREATE TABLE `v` (`a` tinyint NOT NULL) ENGINE=MyISAM */;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`u`@`h`*/ /*!50003 TRIGGER `t` AFTER INSERT ON `a``b` FOR EACH ROW BEGIN
  -- it's a comment; with a quote
  INSERT INTO other VALUES (1),(2); # another's
  /* INSERT INTO `a``b` VALUES (1); ' */
END */;;
DELIMITER ;
/*!50003 SET sql_mode              = 'NO_BACKSLASH_ESCAPES' */ ;
DELIMITER ;;
CREATE DEFINER="r"@"%" FUNCTION "f"() RETURNS text RETURN 'x\' ;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
INSERT INTO `empty2` VALUES ('\'');
SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;
-- SET GLOBAL gtid_slave_pos='0-1-96';

-- Dump completed on 2026-11-21  5:11:12
"#;

fn watch<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Contents>, WitnessError> {
    let mut witness = DumpWitness::new(Needs::default());
    for piece in pieces {
        witness.feed(piece)?;
    }
    witness.finish()
}

fn changes(definers: Ownership, tables: &[&str]) -> Changes {
    Changes { tables: tables.iter().map(|table| (*table).to_owned()).collect(), ..Changes::none(definers) }
}

#[test]
fn rows_owners_and_the_place_in_the_log_are_read_off_a_dump_in_any_pieces() {
    for size in (1..80).chain([1000, 100_000]) {
        let contents = watch(DUMP.as_bytes().chunks(size)).unwrap().unwrap();
        let rows: Vec<(&str, u64)> =
            contents.tables.iter().map(|table| (table.table.as_str(), table.rows)).collect();
        assert_eq!(rows, [("a`b", 8), ("empty", 0), ("empty2", 1)], "pieces of {size}");
        assert_eq!(contents.owners, ["r@%", "u@h"]);
        let position = contents.position.unwrap();
        assert_eq!((position.file.as_str(), position.offset), ("binlog.000007", 1234));
        assert_eq!(position.gtid.as_deref(), Some("aaaa:1-8,bbbb:1-3"));
    }
}

#[test]
fn a_dump_cut_anywhere_is_not_whole() {
    for end in 0..DUMP.len() - "on 2026-11-21  5:11:12\n".len() - 1 {
        assert!(watch([&DUMP.as_bytes()[..end]]).is_err(), "{}", &DUMP[end.saturating_sub(40)..end]);
    }
    let more = format!("{DUMP}INSERT INTO `empty` VALUES (1);\n");
    assert!(watch([more.as_bytes()]).is_err(), "something after the marker");
    assert!(watch([b"-- Dump completed on 2026\n".as_slice()]).is_err(), "no beginning");
    assert!(watch([b"SELECT 1;\n-- Dump completed\n".as_slice()]).is_err(), "another beginning");
}

#[tokio::test]
async fn rows_go_through_as_they_are_and_locks_and_what_turns_the_log_off_do_not() {
    let whole = rewritten(DUMP, 100_000, changes(Ownership::Keep, &[])).await.unwrap();
    for left_out in ["SQL_LOG_BIN", "999999", "LOCK TABLES"] {
        assert!(!whole.contains(left_out), "{left_out} in {whole}");
    }
    assert_eq!(whole.lines().count(), DUMP.lines().count(), "lines keep their numbers");
    for size in 1..60 {
        assert_eq!(
            rewritten(DUMP, size, changes(Ownership::Keep, &[])).await.unwrap(),
            whole,
            "pieces of {size}"
        );
    }
    let statements = DUMP.lines().filter(|line| {
        !line.contains("LOG_BIN")
            && !line.contains("LOCK TABLES")
            && !line.starts_with("--")
            && !line.contains("GTID")
            && !line.starts_with("bbbb:")
    });
    for line in statements.filter(|line| !line.starts_with("/*M!999999")) {
        assert!(whole.contains(line), "{line}");
    }
}

#[tokio::test]
async fn definers_are_left_out_of_definitions_and_never_of_rows() {
    for size in [1, 7, 4096, 100_000] {
        let stripped = rewritten(DUMP, size, changes(Ownership::Skip, &[])).await.unwrap();
        let left: Vec<&str> = stripped.lines().filter(|line| line.contains("DEFINER")).collect();
        assert_eq!(left, ["INSERT INTO `a``b` (`x`, `y`) VALUES ('DEFINER=`x`@`y`',0x2827),(';',8);"]);
        assert!(stripped.contains("/*!50003 CREATE*/ /*!50017 */ /*!50003 TRIGGER `t`"));
    }
}

#[tokio::test]
async fn chosen_tables_come_with_their_rows_and_triggers_and_nothing_else() {
    let chosen = rewritten(DUMP, 50, changes(Ownership::Keep, &["a`b"])).await.unwrap();
    for words in ["CREATE TABLE `a``b`", "('(1),(2)',1)", "0x2827", "TRIGGER `t`", "SET NAMES"] {
        assert!(chosen.contains(words), "no {words} in {chosen}");
    }
    for words in ["`empty`", "FUNCTION", "DROP TABLE", "`v`"] {
        assert!(!chosen.contains(words), "{words} in {chosen}");
    }
    let missing = rewritten(DUMP, 50, changes(Ownership::Keep, &["empty", "nothing"])).await.unwrap_err();
    assert!(missing.to_string().contains("`nothing`") && !missing.to_string().contains("empty"), "{missing}");
}

#[tokio::test]
async fn a_long_statement_whose_head_is_decided_on_the_way_loses_nothing() {
    let long = "x".repeat(20_000);
    let text = format!(
        "-- MySQL dump\nINSERT INTO `t` VALUES ('{long}');\nCREATE DEFINER=`u`@`h` VIEW v AS SELECT '{long}';\n"
    );
    for size in [1, 100, 4095, 4096, 4097, 50_000] {
        let stripped = rewritten(&text, size, changes(Ownership::Skip, &[])).await.unwrap();
        let expected = text.replace("DEFINER=`u`@`h`", "").replace("-- MySQL dump\n", "\n");
        assert_eq!(stripped, expected, "pieces of {size}");
    }
}

proptest! {
    #[test]
    fn damage_never_panics_and_pieces_never_matter(
        damage in proptest::collection::vec((0..DUMP.len(), any::<u8>()), 0..12),
        cut in 1..DUMP.len(), size in 1_usize..200,
    ) {
        let mut bytes = DUMP.as_bytes()[..cut].to_vec();
        for (at, byte) in damage {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        let whole = watch([bytes.as_slice()]).map_err(|error| error.to_string());
        let pieces = watch(bytes.chunks(size)).map_err(|error| error.to_string());
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600), size in 1_usize..40) {
        let _ = watch(bytes.chunks(size));
        let text = [b"-- MySQL dump\n", bytes.as_slice()].concat();
        let _ = watch(text.chunks(size));
    }
}

#[test]
fn a_star_at_the_end_of_a_piece_ends_no_line() {
    // It once stood still here, waiting for a byte that would have told nothing.
    let text =
        "-- MySQL dump\nSELECT 1 -- *\n, 2 /* ** */;\nINSERT INTO `t` VALUES (1);\n-- Dump completed\n";
    for size in 1..text.len() {
        assert_eq!(watch(text.as_bytes().chunks(size)).unwrap().unwrap().rows(), 1, "pieces of {size}");
    }
}

#[test]
fn a_large_dump_is_counted_to_its_last_row() {
    let row = "(12345,'some text of a usual length, with it\\'s quotes',3.14,'2026-01-02 03:04:05',NULL),";
    let insert = format!("INSERT INTO `t` VALUES {}(1,'',0,'',NULL);\n", row.repeat(10_000));
    let mut witness = DumpWitness::new(Needs::default());
    witness.feed(b"-- MySQL dump\n").unwrap();
    for _ in 0..20 {
        insert.as_bytes().chunks(256 * 1024).for_each(|piece| witness.feed(piece).unwrap());
    }
    witness.feed(b"-- Dump completed\n").unwrap();
    assert_eq!(witness.finish().unwrap().unwrap().rows(), 20 * 10_001);
}
