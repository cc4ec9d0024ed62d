//! Incrementals of dumps: ranges of the binary log, while somebody writes all the time, and every link as it was at its moment.

use crate::sql_bench::SqlBench;
use crate::support::mysql::{Release, Sql};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A server that logs rows, and the entry `whole` of its databases `shop` and `live`; `other` is in no backup.
pub(crate) fn bench(release: Release, more: &[&str]) -> Option<SqlBench> {
    release.root()?;
    let options = [&["--log-bin=binlog", "--server-id=1", "--binlog-format=ROW"], more].concat();
    let bench = SqlBench::with(Sql::start_with(release, &options)?);
    bench.open_shop();
    bench.sql.run("", "CREATE DATABASE live; CREATE DATABASE other;");
    bench.sql.run("other", "CREATE TABLE untouched (id INT PRIMARY KEY, text VARCHAR(40)); INSERT INTO untouched VALUES (1, 'stays');");
    bench.sql.run(
        "live",
        "CREATE TABLE step (id INT PRIMARY KEY, text VARCHAR(90));
         CREATE TABLE sum (id INT PRIMARY KEY, steps INT NOT NULL, checks BIGINT NOT NULL);
         INSERT INTO sum VALUES (1, 0, 0);",
    );
    bench.add(&bench.entry("whole", "dbnames = [\"shop\", \"live\"]"));
    Some(bench)
}

/// Somebody who writes into `live` and `other` until it is dropped: each transaction adds a step and says so in a sum.
pub(crate) struct Writer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(sql: &Sql) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, mut client) = (Arc::clone(&stop), sql.client("root", "live"));
        let thread = std::thread::spawn(move || {
            use std::io::Write as _;
            let mut child = client.stdout(std::process::Stdio::null()).spawn().unwrap();
            let mut input = child.stdin.take().unwrap();
            // Bounded: it must not fill a disk when nobody stops it.
            for step in 1..20_000 {
                if told.load(Ordering::Relaxed) {
                    break;
                }
                let sql = format!(
                    "BEGIN; INSERT INTO step VALUES ({step}, REPEAT('{}', 80)); SAVEPOINT here;
                     INSERT INTO step VALUES (-{step}, ''); ROLLBACK TO here;
                     INSERT INTO other.untouched VALUES ({step} + 10, 'x');
                     UPDATE sum SET steps = steps + 1, checks = checks + {step}; COMMIT;
                     BEGIN; DELETE FROM step; ROLLBACK;\n",
                    step % 10
                );
                if input.write_all(sql.as_bytes()).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            drop(input);
            child.wait().unwrap();
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// That `database` holds whole transactions, and how many.
fn steps(sql: &Sql, database: &str) -> u64 {
    let said = sql.run(
        database,
        "SELECT s.steps, s.steps = COUNT(*), s.checks = SUM(t.id), s.steps = MAX(t.id), MIN(t.id) = 1
         FROM sum s, step t GROUP BY s.steps, s.checks;",
    );
    let (steps, rest) = said.split_once('\t').unwrap_or(("0", "1\t1\t1\t1"));
    assert_eq!(rest, "1\t1\t1\t1", "{said}");
    steps.parse().unwrap()
}

pub(crate) fn id(manifest: &Value) -> &str {
    manifest["id"].as_str().unwrap()
}

pub(crate) fn backup(bench: &SqlBench, arguments: &[&str]) -> Value {
    let report = bench.run(&[&["backup", "whole", "--json"], arguments].concat()).ok().json();
    let id = report["backups"][0]["id"].as_str().unwrap().to_owned();
    bench.run(&["show", &id, "--json"]).ok().json()["manifest"].clone()
}

/// What changes between the links, in `shop` and from beside.
const CHANGES: [&[(&str, &str)]; 5] = [
    &[
        (
            "shop",
            "INSERT INTO sale (item) SELECT id FROM item; UPDATE item SET name = 'changed é \\'' WHERE id < 500;",
        ),
        ("shop", "DELETE FROM sale WHERE item > 990; DELETE FROM item WHERE id > 990;"),
        (
            "other",
            "CREATE TABLE shop.beside (id INT PRIMARY KEY) COMMENT 'it''s; `odd`'; INSERT INTO shop.beside VALUES (1), (2);",
        ),
        (
            "other",
            "CREATE TABLE untouched2 LIKE untouched; INSERT INTO untouched2 SELECT * FROM untouched; DROP TABLE untouched2;",
        ),
    ],
    &[
        (
            "shop",
            "CREATE TABLE fresh (id INT PRIMARY KEY, text TEXT) SELECT id, name AS text FROM item; DROP VIEW sold;",
        ),
        (
            "shop",
            "CREATE TABLE parent (id INT PRIMARY KEY); CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE);",
        ),
        (
            "shop",
            "INSERT INTO parent VALUES (1), (2), (3); INSERT INTO child VALUES (1, 1), (2, 2), (3, 2); DELETE FROM parent WHERE id = 1; UPDATE parent SET id = 9 WHERE id = 2;",
        ),
        (
            "shop",
            "CREATE TABLE computed (a INT, b INT AS (a * 2) STORED, c INT AS (a + 1) VIRTUAL, KEY (c)); INSERT INTO computed (a) VALUES (1), (2); UPDATE computed SET a = 7 WHERE a = 1;",
        ),
        ("", "CREATE USER 'new'@'localhost'; GRANT SELECT ON shop.* TO 'new'@'localhost';"),
    ],
    &[
        (
            "shop",
            "TRUNCATE fresh; ALTER TABLE item ADD COLUMN price DECIMAL(9,2) DEFAULT 3.50, DROP KEY name; UPDATE item SET price = id / 7;",
        ),
        (
            "shop",
            "CREATE PROCEDURE fill(n INT) BEGIN WHILE n > 0 DO INSERT INTO sale (item) VALUES (n); SET n = n - 1; END WHILE; END",
        ),
        (
            "shop",
            "CALL fill(20); CREATE TABLE big (id INT PRIMARY KEY, blob1 LONGBLOB); INSERT INTO big VALUES (1, REPEAT('x\\'\\0', 2000000));",
        ),
        (
            "shop",
            "CREATE EVENT tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO sale (item) VALUES (1); CREATE EVENT tock ON SCHEDULE EVERY 1 DAY DISABLE DO SET @x = 1;",
        ),
        (
            "shop",
            "XA START 'k1'; INSERT INTO parent VALUES (100); XA END 'k1'; XA PREPARE 'k1'; XA COMMIT 'k1'; XA START 'k2'; INSERT INTO parent VALUES (101); XA END 'k2'; XA PREPARE 'k2'; XA ROLLBACK 'k2';",
        ),
        (
            "shop",
            "CREATE TABLE mine (id INT PRIMARY KEY) ENGINE = MyISAM; INSERT INTO mine VALUES (1), (2); BEGIN; INSERT INTO mine VALUES (3); INSERT INTO parent VALUES (55); ROLLBACK;",
        ),
        ("", "FLUSH BINARY LOGS;"),
        ("shop", "INSERT INTO mine VALUES (4); ALTER EVENT tick DISABLE; ALTER EVENT tock ENABLE;"),
    ],
    &[
        (
            "shop",
            "SET time_zone = '+05:00'; SET timestamp = 1600000000; CREATE TABLE times (id INT PRIMARY KEY, t TIMESTAMP DEFAULT CURRENT_TIMESTAMP, d DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6)); INSERT INTO times (id) VALUES (1); ALTER TABLE times ADD COLUMN u TIMESTAMP NOT NULL DEFAULT '2020-01-01 10:00:00';",
        ),
        (
            "shop",
            "SET NAMES latin1; CREATE TABLE `l\u{e9}` (`c\u{e9}` VARCHAR(20) CHARACTER SET latin1 DEFAULT 'x\u{e9}');",
        ),
        (
            "shop",
            "SET NAMES sjis; CREATE TABLE sj (a VARCHAR(20) CHARACTER SET sjis COMMENT 'plain'); SET NAMES utf8mb4; INSERT INTO sj VALUES ('表ソ');",
        ),
        (
            "shop",
            "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; CREATE TABLE \"quoted\" (a VARCHAR(9) DEFAULT '\\'); CREATE VIEW \"see\" AS SELECT \"a\" FROM \"quoted\";",
        ),
        (
            "shop",
            "SET foreign_key_checks = 0; CREATE TABLE early (id INT, x INT, FOREIGN KEY (x) REFERENCES late (id)); CREATE TABLE late (id INT PRIMARY KEY); SET foreign_key_checks = 1;",
        ),
        (
            "shop",
            "CREATE TEMPORARY TABLE tmp (i INT); INSERT INTO tmp VALUES (1), (2); INSERT INTO parent SELECT i + 200 FROM tmp; DROP TEMPORARY TABLE tmp;",
        ),
        (
            "shop",
            "CREATE TRIGGER parent_ai AFTER INSERT ON parent FOR EACH ROW INSERT INTO sale (item) VALUES (NULL); INSERT INTO parent VALUES (300);",
        ),
        (
            "shop",
            "CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN MAXVALUE); INSERT INTO parts VALUES (1), (20); ALTER TABLE parts TRUNCATE PARTITION a;",
        ),
    ],
    &[
        (
            "shop",
            "DROP TABLE fresh; CREATE TABLE fresh (other INT); INSERT INTO fresh VALUES (7); RENAME TABLE sale TO sold, fresh TO fresher;",
        ),
        (
            "shop",
            "DROP PROCEDURE fill; DROP TRIGGER parent_ai; CREATE FUNCTION two() RETURNS INT DETERMINISTIC RETURN 2; DROP EVENT tick;",
        ),
        (
            "other",
            "DROP TABLE shop.beside; ALTER TABLE shop.computed RENAME shop.renamed; CREATE INDEX i ON shop.renamed (a);",
        ),
        (
            "shop",
            "ALTER DATABASE shop CHARACTER SET latin1; CREATE TABLE after_that (t VARCHAR(5)); INSERT INTO after_that VALUES ('é');",
        ),
        ("shop", "UPDATE big SET blob1 = CONCAT(blob1, 'end'); DELETE FROM parent WHERE id = 300;"),
    ],
];

/// What a database holds, without the next number of a column that counts: a log has no rows that were rolled back.
pub(crate) fn contents(sql: &Sql, database: &str) -> String {
    let said = sql.fingerprint(database);
    let mut pieces = said.split(" AUTO_INCREMENT=");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn every_link_comes_back(release: Release, more: &[&str]) {
    let Some(bench) = bench(release, more) else { return };
    let sql = &bench.sql;
    let writer = Writer::start(sql);
    let mut links = Vec::new();
    let mut take = |arguments: &[&str]| {
        let before = steps(sql, "live");
        let manifest = backup(&bench, arguments);
        links.push((manifest, contents(sql, "shop"), before, steps(sql, "live")));
    };
    take(&[]);
    for changes in CHANGES {
        for (database, change) in changes {
            // The client splits at semicolons, which stand inside of routines too.
            let whole = change.contains("CREATE PROCEDURE").then(|| format!("DELIMITER $$\n{change}$$\n"));
            sql.run(database, whole.as_deref().unwrap_or(change));
        }
        take(&["--type", "incremental"]);
    }
    drop(writer);
    let other = sql.fingerprint("other");
    for (number, (manifest, expected, before, after)) in links.iter().enumerate() {
        let kind = if number == 0 { "full" } else { "incremental" };
        assert_eq!(
            (&manifest["kind"], &manifest["fallback_reason"]),
            (&kind.into(), &Value::Null),
            "{manifest}"
        );
        bench.run(&["verify", id(manifest), "--level", "read"]).ok();
        bench.run(&["restore", id(manifest), "--yes"]).ok();
        assert_eq!(&contents(sql, "shop"), expected, "link {number}");
        let found = steps(sql, "live");
        assert!((*before..=*after).contains(&found), "link {number}: {found} of {before} to {after}");
        // Beside, under another name, and nothing else.
        bench.run(&["restore", id(manifest), "--yes", "--dbname", "live", "--into", "copy"]).ok();
        assert_eq!(steps(sql, "copy"), found);
        assert_eq!(sql.fingerprint("other"), other, "link {number}");
    }
    let (last, ..) = links.last().unwrap();
    bench.run(&["verify", id(last), "--level", "restore"]).ok().says("after the log");
}

#[test]
fn every_link_of_a_log_comes_back_on_mysql_9_7() {
    every_link_comes_back(Release::MySql97, &[]);
}

#[test]
fn every_link_of_a_log_comes_back_on_mariadb_10_11() {
    every_link_comes_back(Release::MariaDb1011, &[]);
}

#[test]
fn every_link_of_a_log_comes_back_on_mariadb_11_8() {
    every_link_comes_back(Release::MariaDb118, &[]);
}

/// The same, of logs that are written in other ways.
#[test]
fn links_of_packed_logs_without_checksums_come_back_on_mysql_9_7() {
    every_link_comes_back(
        Release::MySql97,
        &["--binlog-transaction-compression=ON", "--binlog-checksum=NONE"],
    );
}

#[test]
fn links_of_packed_logs_of_few_columns_come_back_on_mariadb_10_11() {
    let options = ["--log-bin-compress=ON", "--log-bin-compress-min-len=10", "--binlog-row-image=MINIMAL"];
    every_link_comes_back(Release::MariaDb1011, &options);
}
