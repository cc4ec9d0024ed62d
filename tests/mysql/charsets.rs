//! Every character set that a server knows, byte by byte: rows, defaults, enumerations, partitions and bodies.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump, restore, scope};
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, ServerSettings};
use jagad::process::SystemRunner;
use std::io::Write as _;

/// Letters of many scripts; each character set has some of them. None has a byte in any of them that a client could take
/// for a backslash.
const LETTERS: [&str; 16] =
    ["é", "ß", "ж", "あ", "一", "가", "א", "ب", "ก", "ω", "ş", "ա", "ა", "ł", "þ", "🦀"];

/// Character sets in which no client can send statements.
const WIDE: [&str; 5] = ["ucs2", "utf16", "utf16le", "utf32", "binary"];

/// One or two bytes of every value, three where the first says so, and some of four.
const BYTES: &str = "CREATE TABLE bytes (h VARBINARY(4) PRIMARY KEY);
    CREATE TABLE one (h VARBINARY(1) PRIMARY KEY);
    INSERT INTO one WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 255)
      SELECT UNHEX(LPAD(HEX(i), 2, '0')) FROM n;
    INSERT INTO bytes SELECT h FROM one;
    INSERT INTO bytes SELECT CONCAT(a.h, b.h) FROM one a, one b;
    INSERT INTO bytes SELECT CONCAT(x'8f', a.h, b.h) FROM one a, one b WHERE a.h >= x'a1' AND b.h >= x'a1';
    INSERT INTO bytes SELECT CONCAT(x'8139', a.h, b.h) FROM one a, one b WHERE a.h >= x'81' AND b.h BETWEEN x'30' AND x'39';";

fn character_sets(sql: &Sql) -> Vec<(String, u8)> {
    let listed = sql.run(
        "",
        "SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS
         WHERE CHARACTER_SET_NAME <> 'binary' ORDER BY 1;",
    );
    let pair = |line: &str| {
        let (name, length) = line.split_once('\t').unwrap();
        (name.to_owned(), length.parse().unwrap())
    };
    listed.lines().map(pair).collect()
}

/// The letters that `charset` has, with their bytes there in hexadecimal digits.
fn letters(sql: &Sql, charset: &str) -> Vec<(&'static str, String)> {
    let question = |letter: &&str| {
        let text = format!("CONVERT(_utf8mb4'{letter}' USING {charset})");
        format!("SELECT HEX({text}), CONVERT({text} USING utf8mb4) = BINARY '{letter}';")
    };
    let said = sql.run("", &LETTERS.iter().map(question).collect::<String>());
    let has = |(letter, line): (&&'static str, &str)| {
        let (bytes, same) = line.split_once('\t').unwrap();
        (same == "1").then(|| (*letter, bytes.to_owned()))
    };
    LETTERS.iter().zip(said.lines()).filter_map(has).take(3).collect()
}

/// A table whose rows are every text of up to four bytes that the character set has, one that is defined with letters of it,
/// and bodies that were sent in it.
fn create(sql: &Sql, (charset, longest): (&str, u8)) {
    let ascii = if WIDE.contains(&charset) { "" } else { "LENGTH(h) = 1 OR h >= x'80'" };
    let some = if longest == 1 {
        "LENGTH(h) = 1"
    } else if ascii.is_empty() {
        "1"
    } else {
        ascii
    };
    sql.run(
        "shop",
        &format!(
            "SET sql_mode = '';
             CREATE TABLE rows_{charset} (h VARBINARY(4) PRIMARY KEY, c VARCHAR(8), x TINYTEXT, f CHAR(8)) CHARACTER SET {charset};
             INSERT IGNORE INTO rows_{charset} (h, c) SELECT h, h FROM bytes WHERE {some};
             DELETE FROM rows_{charset} WHERE HEX(h) <> HEX(c) OR c IS NULL;
             UPDATE rows_{charset} SET x = c, f = c WHERE LENGTH(h) = 1;"
        ),
    );
    let letters = letters(sql, charset);
    let [(a, bytes), (b, _), ..] = &letters[..] else { return };
    sql.run(
        "shop",
        &format!(
            "SET NAMES utf8mb4;
             CREATE TABLE defined_{charset} (e ENUM('{a}', 'x{b}', 'y') DEFAULT '{a}' COMMENT '{a}', s SET('{b}', '{a}z') DEFAULT '{b}',
               v VARCHAR(20) NOT NULL DEFAULT '{a}{b}', w VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT '{a}🦀',
               CHECK (v <> 'no{b}')) CHARACTER SET {charset} COMMENT '{b}';
             INSERT INTO defined_{charset} (v) VALUES ('{a}'), ('{b}'), (DEFAULT(v));
             INSERT INTO defined_{charset} VALUES ('x{b}', '{b},{a}z', 'x', '🦀');
             CREATE TABLE parted_{charset} (v VARCHAR(20) NOT NULL) CHARACTER SET {charset}
               PARTITION BY LIST COLUMNS (v) (PARTITION p VALUES IN ('{a}', '{a}{b}'), PARTITION q VALUES IN ('{b}', 'x'));
             INSERT INTO parted_{charset} VALUES ('{a}'), ('{b}'), ('x'), ('{a}{b}');"
        ),
    );
    if WIDE.contains(&charset) {
        return;
    }
    let mut script = format!("SET NAMES {charset};\n").into_bytes();
    for (before, after) in [
        (format!("CREATE PROCEDURE p_{charset}() SELECT '"), "';\n".to_owned()),
        (format!("CREATE FUNCTION f_{charset}() RETURNS TEXT DETERMINISTIC RETURN '"), "';\n".to_owned()),
        (format!("CREATE VIEW v_{charset} AS SELECT v, '"), format!("' AS l FROM defined_{charset};\n")),
        (
            format!(
                "CREATE EVENT e_{charset} ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DO SET @a = '"
            ),
            "';\n".to_owned(),
        ),
        (
            format!(
                "CREATE TRIGGER t_{charset} BEFORE INSERT ON defined_{charset} FOR EACH ROW SET NEW.v = IF(NEW.v = '"
            ),
            "', 'x', NEW.v);\n".to_owned(),
        ),
    ] {
        script.extend_from_slice(before.as_bytes());
        let letter =
            (0..bytes.len()).step_by(2).map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap());
        script.extend(letter);
        script.extend_from_slice(after.as_bytes());
    }
    let mut client = sql.client("root", "shop");
    let mut child =
        client.arg("--binary-mode").arg(format!("--default-character-set={charset}")).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&script).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{charset}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What the rows of `database` are, byte by byte.
fn rows(sql: &Sql, database: &str, charset: &str) -> String {
    let sum = |columns: &str, table: &str| {
        format!(
            "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', {columns}))), BIT_XOR(CRC32(CONCAT_WS('/', {columns}))) FROM {table}_{charset};"
        )
    };
    let plain = sql.run(database, &sum("HEX(h), HEX(c), HEX(x), HEX(f)", "rows"));
    let defined =
        sql.try_run("root", database, &sum("HEX(e), HEX(s), HEX(v), HEX(w), e + 0, s + 0", "defined"));
    let parted = sql.try_run("root", database, &sum("HEX(v)", "parted"));
    let told = |said: Result<String, String>| said.unwrap_or_else(|_| "nothing".to_owned());
    format!("{charset}: {plain} {} {}", told(defined), told(parted))
}

async fn every_character_set_comes_back(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop CHARACTER SET utf8mb4;");
    sql.run("shop", BYTES);
    let charsets = character_sets(&sql);
    assert!(charsets.len() >= 36, "{charsets:?}");
    for (charset, longest) in &charsets {
        create(&sql, (charset, *longest));
    }
    let of = |database: &str| -> Vec<String> {
        charsets.iter().map(|(charset, _)| rows(&sql, database, charset)).collect()
    };
    let before = of("shop");
    let counted = |charset: &str| {
        let line = before.iter().find(|line| line.starts_with(&format!("{charset}: "))).unwrap();
        line.split(['\t', ' ']).nth(1).unwrap().parse::<u64>().unwrap()
    };
    assert!(counted("cp932") > 9000 && counted("ujis") > 10_000 && counted("latin1") == 256, "{before:?}");
    // From here on the dump tool is the first to open the tables.
    sql.run("", "FLUSH TABLES;");
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();
    assert_eq!(of("copy"), before);
    let definitions = sql.fingerprint("shop");
    let copied = sql.fingerprint("copy");
    let definitions = definitions.replace("\tENABLED\t", "\tDISABLED\t");
    for (copied, own) in copied.lines().zip(definitions.lines()) {
        assert_eq!(copied, own);
    }
    assert_eq!(copied.len(), definitions.len());
}

on_each!(
    async every_character_set_comes_back as every_character_set_comes_back_byte_by_byte:
    MySql97, MariaDb1011, MariaDb118
);

/// A condition makes the dump tool read text by its meaning, and what that may change is told.
#[tokio::test]
async fn a_condition_that_converts_text_is_told() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE DATABASE shop; CREATE TABLE shop.t (a VARCHAR(9) CHARACTER SET cp932); CREATE DATABASE plain;");
        sql.run("plain", "CREATE TABLE t (a VARCHAR(9) CHARACTER SET utf8mb4);");
        let told = async |extra_args: &[&str], database: &str| {
            let extra_args = extra_args.iter().map(|arg| (*arg).to_owned()).collect();
            let settings = ServerSettings { extra_args, ..sql.settings() };
            let server = MySql::new(settings).inspect(&SystemRunner).await.unwrap();
            let found = server.logical().check_dump(&SystemRunner, &scope(&[database])).await.unwrap();
            let of_text = found.into_iter().filter(|finding| finding.subject.starts_with("characters in"));
            of_text.map(|finding| format!("{} {}", finding.problem, finding.hint())).collect::<Vec<_>>()
        };
        assert_eq!(told(&[], "shop").await, [""; 0]);
        assert_eq!(told(&["--where=a IS NOT NULL"], "plain").await, [""; 0]);
        let found = told(&["--where=a IS NOT NULL"], "shop").await;
        assert!(
            matches!(&found[..], [one] if one.contains("text in cp932 becomes UTF-8 and back, because of `--where=a IS NOT NULL`")
                && one.contains("Take it out of `extra_args`.")),
            "{release:?}: {found:?}"
        );
    }
}

/// The dump tools write the name of an event, and those of MySQL that of a routine, in another character set than the rest of
/// its definition: a name that is not ASCII comes back changed where it was made in a session of another one. The README says so.
#[tokio::test]
async fn the_names_of_events_and_routines_become_what_the_plain_tools_make_of_it() {
    let Some(sql) = Sql::start(Release::MySql97) else { return };
    let made = "SET NAMES koi8r; CREATE EVENT `абв` ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SELECT 'абв';
         CREATE PROCEDURE `где` () SELECT 'где';";
    sql.run("", "CREATE DATABASE shop; CREATE DATABASE plain;");
    sql.run("shop", made);
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();

    let tool = std::process::Command::new(sql.bin().join(sql.dump_name()))
        .args(["--no-defaults", "-u", "root", "--routines", "--events", "--single-transaction"])
        .arg("--set-gtid-purged=OFF")
        .arg(format!("--socket={}", sql.socket().display()))
        .arg("shop")
        .env_clear()
        .output()
        .unwrap();
    let mut client = sql.client("root", "plain").arg("--binary-mode").spawn().unwrap();
    std::io::Write::write_all(&mut client.stdin.take().unwrap(), &tool.stdout).unwrap();
    assert!(client.wait().unwrap().success());

    let named = |database: &str| {
        sql.run("", &format!(
            "SELECT HEX(EVENT_NAME), HEX(EVENT_DEFINITION) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{database}';
             SELECT HEX(ROUTINE_NAME), HEX(ROUTINE_DEFINITION) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{database}';"
        ))
    };
    assert_eq!(named("copy"), named("plain"));
    assert_ne!(named("copy"), named("shop"), "the names are kept by now: the README can say less");
}
