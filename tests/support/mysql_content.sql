-- Everything that a dump of MySQL or MariaDB must carry. `/*M!` is for MariaDB alone, `/*!80000` for MySQL alone.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
CREATE TABLE item (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(200) NOT NULL, price DECIMAL(12,4) DEFAULT NULL,
  made TIMESTAMP(6) NOT NULL DEFAULT '2026-01-02 03:04:05.678901', kind ENUM('a','b''c','d"e') DEFAULT 'a',
  flags SET('x','y') DEFAULT NULL, bits BIT(11) DEFAULT NULL, f DOUBLE DEFAULT NULL,
  UNIQUE KEY name (name), KEY price (price DESC)
) COMMENT='a comment with ''quotes'', `backticks`; -- and a semicolon /* and this';
INSERT INTO item (name, price, kind, flags, bits, f) VALUES ('plain', 1.5, 'a', 'x', b'101', 0.1), ('second', NULL, 'b''c', 'x,y', NULL, -1e300);
CREATE TABLE hostile (id INT PRIMARY KEY, t LONGTEXT, b LONGBLOB);
INSERT INTO hostile VALUES
 (1, 'it''s', 'a\0b'), (2, 'back\\slash \\'' end\\', x'00ff27225c'), (3, 'new\nline\r\n; -- no comment', x'0a0d1a'),
 (4, '/* not */ a /*! comment */', NULL), (5, '),(1,2),(', ''), (6, 'INSERT INTO `item` VALUES (1,2);\nDELIMITER ;;\n', NULL),
 (7, '-- Dump completed on 2026-01-01  0:00:00', NULL), (8, NULL, NULL), (9, '日本語 emoji 🦀 ö', NULL),
 (10, 'DEFINER=`x`@`y` CREATE DEFINER=`x`@`y` VIEW', NULL), (11, '`', x'60'), (12, '"', NULL), (13, '#', NULL),
 (14, '/*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/', NULL), (15, '\Z\b\t\0', NULL);
CREATE TABLE `odd ``name'' " \\ ; -- /* é` (`select` INT, `a``b` INT, `c,d(` INT DEFAULT 5);
INSERT INTO `odd ``name'' " \\ ; -- /* é` (`select`, `a``b`) VALUES (1, 2), (3, 4), (5, 6);
CREATE TABLE nothing (a INT);
CREATE TABLE huge (id INT PRIMARY KEY, b LONGBLOB);
INSERT INTO huge SELECT 1, REPEAT('x\'y\\z\n', 700000);
INSERT INTO huge SELECT 2, REPEAT(x'00', 100);
CREATE TABLE many (id INT PRIMARY KEY, t VARCHAR(60));
INSERT INTO many WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, CONCAT('row ', i, ' ''(', i) FROM n;
INSERT INTO many SELECT id + 1000, t FROM many; INSERT INTO many SELECT id + 2000, t FROM many;
INSERT INTO many SELECT id + 4000, t FROM many; INSERT INTO many SELECT id + 8000, t FROM many;
INSERT INTO many SELECT id + 16000, t FROM many; INSERT INTO many SELECT id + 32000, t FROM many;
CREATE TABLE computed (a INT, s VARCHAR(20), twice INT AS (a * 2) STORED, v VARCHAR(40) AS (CONCAT(s, '(x)')) VIRTUAL, KEY v (v));
INSERT INTO computed (a, s) VALUES (1, 'one'), (2, 'two'), (NULL, NULL);
CREATE TABLE unseen (a INT, b INT INVISIBLE DEFAULT 7);
INSERT INTO unseen (a, b) VALUES (1, 2), (3, 4);
CREATE TABLE latin (t VARCHAR(50)) DEFAULT CHARSET=latin1;
INSERT INTO latin VALUES ('caf\u00e9 ö ß'), ('ö');
CREATE TABLE charsets (u2 VARCHAR(20) CHARACTER SET ucs2, u16 VARCHAR(20) CHARACTER SET utf16, cp VARCHAR(20) CHARACTER SET cp1251, sj VARCHAR(20) CHARACTER SET sjis, gb VARCHAR(20) CHARACTER SET gbk, b5 VARCHAR(20) CHARACTER SET big5, bin VARBINARY(20), u3 VARCHAR(20) CHARACTER SET utf8mb3);
INSERT INTO charsets VALUES ('ö', '🦀', 'привет', 'ソ表', '縗\\''', '功許蓋', x'ff00c0', 'ж');
CREATE TABLE geo (id INT PRIMARY KEY, g GEOMETRY NOT NULL, p POINT, SPATIAL KEY g (g));
INSERT INTO geo VALUES (1, ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POINT(3 4)')), (2, ST_GeomFromText('POLYGON((0 0,0 5,5 5,5 0,0 0))'), NULL);
CREATE TABLE doc (id INT PRIMARY KEY, j JSON);
INSERT INTO doc VALUES (1, '{"a": "it''s \\"q\\" \\\\ ;", "n": [1, 2.5, null]}'), (2, NULL), (3, '[]');
CREATE TABLE dates (d DATE, t TIME(3), dt DATETIME(6), y YEAR, ts TIMESTAMP NULL);
INSERT INTO dates VALUES ('2024-02-29', '-838:59:59.000', '9999-12-31 23:59:59.999999', 2155, '2038-01-19 03:14:07'), (NULL, NULL, NULL, NULL, NULL);
CREATE TABLE parted (id INT, d DATE, PRIMARY KEY (id, d)) PARTITION BY RANGE (YEAR(d)) (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parted VALUES (1, '2019-01-01'), (2, '2021-01-01'), (3, '2022-01-01');
CREATE TABLE myisam (id INT PRIMARY KEY, t TEXT, FULLTEXT KEY t (t)) ENGINE=MyISAM;
INSERT INTO myisam VALUES (1, 'some words'), (2, 'other words');
CREATE TABLE parent (id INT PRIMARY KEY) ; CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE, CONSTRAINT positive CHECK (id > 0));
INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, 2), (3, 1);
CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(100));
/*M! CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 10 */;
/*M! SELECT NEXTVAL(numbers) */;
/*M! CREATE TABLE versioned (a INT) WITH SYSTEM VERSIONING */;
/*M! INSERT INTO versioned VALUES (1), (2) */;
CREATE VIEW totals AS SELECT name, price * 2 AS twice FROM item WHERE name <> 'x;y';
CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW `view; of totals` AS SELECT * FROM totals WHERE twice > 0 WITH CHECK OPTION;
DELIMITER //
CREATE TRIGGER item_ai AFTER INSERT ON item FOR EACH ROW BEGIN
  -- a comment with ' and ; in it
  IF NEW.id > 100 THEN INSERT INTO audit (what) VALUES (CONCAT('it''s ', NEW.name, '; INSERT INTO x VALUES (1)')); END IF;
END//
CREATE TRIGGER item_bu BEFORE UPDATE ON item FOR EACH ROW SET NEW.made = OLD.made//
CREATE PROCEDURE refill (IN n INT) COMMENT 'it''s; a comment' BEGIN
  DECLARE i INT DEFAULT 0; # hash comment '
  /* block ; ' comment */
  WHILE i < n DO INSERT INTO audit (what) VALUES ('x'); SET i = i + 1; END WHILE;
END//
CREATE FUNCTION twice (a INT) RETURNS INT DETERMINISTIC SQL SECURITY INVOKER RETURN a * 2//
CREATE FUNCTION `odd ``f;--x` () RETURNS VARCHAR(20) CHARSET utf8mb4 DETERMINISTIC RETURN 'a;;b /* */ -- é'//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' COMMENT 'e;v' DO BEGIN DELETE FROM audit WHERE id < 0; END//
DELIMITER ;
CREATE TABLE `plain\slash` (t VARCHAR(20) DEFAULT 'a\\');
INSERT INTO `plain\slash` VALUES ('b\\'), ('c');
SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES';
DELIMITER //
CREATE FUNCTION "no escapes"() RETURNS VARCHAR(10) DETERMINISTIC RETURN 'x\';//
DELIMITER ;
CREATE TABLE "new
line; -- x" (a INT);
DROP TABLE "new
line; -- x";
