//! Files of the servers' own test suites, as statements that fill a database. What their test driver does beside that is
//! left out, and nothing is dropped: a name that is created again gets a number.

use std::collections::HashMap;

/// What begins a statement that leaves something in a database.
const KEPT: [&str; 8] = ["create", "insert", "replace", "alter", "update", "set", "rename", "delete"];

/// What is created in a database; users, servers and whole databases are not.
const CREATED: [&str; 9] =
    ["table", "view", "trigger", "procedure", "function", "event", "sequence", "package", "index"];

/// Parts of statements that reach outside of the database, or wait.
const OUTSIDE: [&str; 30] = [
    "global",
    "persist",
    "@@",
    "sleep",
    "benchmark",
    "get_lock",
    "debug",
    "password",
    "directory",
    "soname",
    "tablespace",
    "load_file",
    "outfile",
    "dumpfile",
    "connection=",
    "connection =",
    "autocommit",
    "max_statement_time",
    "max_execution_time",
    "max_session_mem",
    "binlog",
    "log_bin",
    "read_only",
    "transaction",
    "mysql.",
    "information_schema.",
    "sys.",
    "character_set_client",
    "gtid",
    "encrypt",
];

/// Between statements: nothing that a test contains.
const DELIMITER: &str = "//~~//";

/// The statements of `source`, for the client. They are to fill `database`, where `names` were created before.
pub(crate) fn statements(source: &[u8], database: &str, names: &mut Names) -> Vec<u8> {
    // One character for each byte, whatever they mean.
    let text: String = source.iter().map(|byte| char::from(*byte)).collect();
    let mut script = format!("DELIMITER {DELIMITER}\n");
    for statement in split(&text) {
        let Some(words) = kept(&statement) else { continue };
        let statement = names.numbered(&words, &statement, database);
        script.push_str(&format!("{statement}\n{DELIMITER}\n"));
    }
    script.push_str(&format!("COMMIT\n{DELIMITER}\n"));
    script.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

/// Cuts a test where its driver does: at a delimiter outside of quotes, which commands of the driver change.
fn split(text: &str) -> Vec<String> {
    let (mut statements, mut current, mut delimiter) = (Vec::new(), String::new(), ";".to_owned());
    let mut quote: Option<char> = None;
    for line in text.lines() {
        if current.trim().is_empty() {
            current.clear();
            let line = line.trim();
            let command = line.strip_prefix("--").map(str::trim);
            if let Some(new) = command.and_then(|command| command.strip_prefix("delimiter ")) {
                new.trim().clone_into(&mut delimiter);
            }
            if command.is_some() || line.starts_with('#') || ["{", "}", ""].contains(&line) {
                continue;
            }
            if (line.starts_with("if") || line.starts_with("while"))
                && line.contains('(')
                && !line.contains(';')
            {
                continue;
            }
        }
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            if quote.is_none() && rest.starts_with(delimiter.as_str()) {
                rest = &rest[delimiter.len()..];
                let statement = std::mem::take(&mut current);
                if let Some(new) = word_after(&statement, "delimiter") {
                    delimiter = new;
                }
                statements.push(statement.trim().to_owned());
                continue;
            }
            match quote {
                Some('\\') => quote = None,
                Some(open) if open == c => quote = None,
                None if ['\'', '"', '`'].contains(&c) => quote = Some(c),
                _ => {}
            }
            current.push(c);
            rest = &rest[c.len_utf8()..];
        }
        current.push('\n');
        // A test that is not read as its driver would is not lost whole.
        if current.len() > 200_000 {
            (quote, current) = (None, String::new());
        }
    }
    statements
}

fn word_after(statement: &str, word: &str) -> Option<String> {
    let rest = statement.trim().get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word))?;
    Some(statement.trim()[rest.len()..].trim().to_owned()).filter(|word| !word.is_empty())
}

/// The words of a statement that is taken, in lower case.
fn kept(statement: &str) -> Option<Vec<String>> {
    let lower = statement.to_ascii_lowercase();
    let words: Vec<String> = lower.split(|c: char| !is_word(c)).map(str::to_owned).collect();
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let first = words.first()?.as_str();
    let driver = statement.starts_with('$') || lower.contains("eval ") || statement.len() > 100_000;
    if driver || !KEPT.contains(&first) || OUTSIDE.iter().any(|part| lower.contains(part)) {
        return None;
    }
    // An event whose time comes while it is compared is dropped by the server.
    let times = ["interval", "now(", "current_timestamp", "sysdate"];
    let soon = words.contains(&"event".to_owned()) && times.iter().any(|time| lower.contains(time));
    if soon {
        return None;
    }
    let taken = match first {
        "create" => created(&words).is_some(),
        "alter" | "rename" => words.get(1).is_some_and(|word| CREATED.contains(&word.as_str())),
        _ => true,
    };
    taken.then_some(words)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || u32::from(c) >= 0x80
}

/// The name of what is created.
fn created(words: &[String]) -> Option<&str> {
    let kind = words.iter().take(14).position(|word| CREATED.contains(&word.as_str()))?;
    if words[1..kind]
        .iter()
        .any(|word| ["temporary", "user", "role", "server", "database", "schema"].contains(&word.as_str()))
    {
        return None;
    }
    let skipped = ["if", "not", "exists", "body"];
    words[kind + 1..].iter().map(String::as_str).find(|word| !skipped.contains(word))
}

/// How often each name was created.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, u32>);

impl Names {
    /// `statement` with a number behind each name that was created before, and with the default database of tests named as
    /// the one that is filled.
    fn numbered(&mut self, words: &[String], statement: &str, database: &str) -> String {
        let name = (words[0] == "create").then(|| created(words)).flatten();
        if let Some(name) =
            name.filter(|name| *name != "test" && !words.iter().take(3).any(|word| word == "index"))
        {
            *self.0.entry(name.to_owned()).or_insert(0) += 1;
        }
        let mut text = String::with_capacity(statement.len());
        let mut rest = statement;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.eq_ignore_ascii_case("test") && after.starts_with('.') {
                text.push_str(database);
            } else {
                text.push_str(word);
                if let Some(count) = self.0.get(&word.to_ascii_lowercase()).filter(|count| **count > 1) {
                    text.push_str(&format!("_{count}"));
                }
            }
            let sign = after.chars().next();
            text.extend(sign);
            rest = &after[sign.map_or(0, char::len_utf8)..];
        }
        text
    }
}

#[test]
fn a_test_becomes_statements() {
    let test = b"--source include/have_innodb.inc\n# a comment; it's one\ncreate table t1 (a int); let $x= 1;\n\
        insert into t1 values (1);\ndrop table t1;\nif ($x) {\ncreate table t1 (`b;` int);\n}\n--error 1050\n\
        create table test.t2 like t1;\ndelimiter |;\ncreate procedure p() begin select 1; end|\ndelimiter ;|\nset global x = 1;\n";
    let script = String::from_utf8(statements(test, "db", &mut Names::default())).unwrap();
    let taken: Vec<&str> = script.split(DELIMITER).map(str::trim).filter(|text| !text.is_empty()).collect();
    assert_eq!(
        taken,
        [
            "DELIMITER",
            "create table t1 (a int)",
            "insert into t1 values (1)",
            "create table t1_2 (`b;` int)",
            "create table db.t2 like t1_2",
            "create procedure p() begin select 1; end",
            "COMMIT"
        ]
    );
}
