//! What a database looks like, object by object, and what the plain tools make of it.

use super::super::support::mysql::{Release, Sql};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Definitions, and checksums of rows, by object.
pub(crate) type Shape = BTreeMap<String, String>;

/// Begins a line that names an object.
const OBJECT: &str = "object of the comparison: ";

/// Runs `script` in `database`, past every error, for so long at most.
pub(crate) fn fill(sql: &Sql, database: &str, script: &[u8], patience: Duration) {
    let mut client = sql.client("root", database);
    let mut client = client.args(["--force", "--binary-mode"]).spawn().unwrap();
    let (mut stdin, mut output, mut errors) =
        (client.stdin.take().unwrap(), client.stdout.take().unwrap(), client.stderr.take().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(script));
        scope.spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        scope.spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        let start = Instant::now();
        while client.try_wait().unwrap().is_none() {
            if start.elapsed() > patience {
                let _ = client.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let others =
        "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'root' AND ID <> CONNECTION_ID();";
    for id in sql.try_run("root", "", others).unwrap_or_default().lines() {
        let _ = sql.try_run("root", "", &format!("KILL {id};"));
    }
}

/// What the client prints for `script`, past every error.
fn lenient(sql: &Sql, database: &str, script: &str) -> String {
    let mut client = sql.client("root", database);
    let mut client = client.arg("--force").spawn().unwrap();
    let (mut stdin, mut output, mut errors) =
        (client.stdin.take().unwrap(), client.stdout.take().unwrap(), client.stderr.take().unwrap());
    let mut printed = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(script.as_bytes()));
        scope.spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        output.read_to_end(&mut printed).unwrap();
    });
    client.wait().unwrap();
    String::from_utf8_lossy(&printed).into_owned()
}

/// The name of an object as a statement has it, from what the client printed.
fn quoted(name: &str) -> String {
    let name = name.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\");
    format!("`{}`", name.replace('`', "``"))
}

/// Drops the views that nothing can be read from: the plain tool stops at them.
pub(crate) fn drop_broken_views(sql: &Sql, database: &str) {
    loop {
        let listed =
            format!("SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '{database}';");
        let views = sql.try_run("root", "", &listed).unwrap_or_default();
        let views: Vec<String> = views.lines().map(quoted).collect();
        let tried = views.iter().enumerate().map(|(number, view)| {
            format!("SELECT '{OBJECT}{number}';\nSHOW FIELDS FROM {view};\nSELECT '{OBJECT}';\nSHOW CREATE VIEW {view};\n")
        });
        let printed = lenient(sql, database, &tried.collect::<String>());
        // What answers nothing to either question is broken.
        let mut answers = printed.split(OBJECT).skip(1);
        let mut answer = || answers.next().is_some_and(|answer| answer.trim_end().contains('\n'));
        let broken = views.iter().filter(|_| !(answer() & answer()));
        let drops: Vec<String> = broken.map(|view| format!("DROP VIEW {view};")).collect();
        if drops.is_empty() {
            return;
        }
        sql.run(database, &drops.join("\n"));
    }
}

/// Every object of `database`: how it is created, and the checksum of its rows.
pub(crate) fn shape(sql: &Sql, database: &str) -> Shape {
    let listed = |columns: &str, view: &str, of: &str| {
        let asked = format!(
            "SELECT {columns} FROM information_schema.{view} WHERE {of} = '{database}' ORDER BY 1, 2;"
        );
        let rows = sql.try_run("root", "", &asked).unwrap_or_default();
        rows.lines()
            .filter_map(|line| line.split_once('\t').map(|(a, b)| (a.to_owned(), b.to_owned())))
            .collect::<Vec<_>>()
    };
    // MariaDB shows the default database of whoever opened a table first in the expressions of its columns.
    let mut script = "FLUSH TABLES; SET SESSION time_zone = '+00:00';\n".to_owned();
    let mut ask = |kind: &str, name: &str, statements: &[String]| {
        let named = format!("{OBJECT}{kind} {name}").replace('\\', "\\\\").replace('\'', "''");
        script.push_str(&format!("SELECT '{named}';\n{}\n", statements.join("\n")));
    };
    // A checksum also tells what no query does of columns that are computed when they are read.
    let computed = listed("TABLE_NAME, GENERATION_EXPRESSION", "COLUMNS", "TABLE_SCHEMA");
    let computed: BTreeSet<String> = computed
        .into_iter()
        .filter(|(_, how)| !["", "NULL"].contains(&how.as_str()))
        .map(|(table, _)| table)
        .collect();
    for (name, kind) in listed("TABLE_NAME, TABLE_TYPE", "TABLES", "TABLE_SCHEMA") {
        let table = quoted(&name);
        let create = format!("SHOW CREATE TABLE {table};");
        match kind.as_str() {
            "VIEW" => ask("view", &name, &[create, format!("SHOW FIELDS FROM {table};")]),
            "SEQUENCE" => ask("sequence", &name, &[create, format!("SELECT * FROM {table};")]),
            _ if computed.contains(&name) => {
                ask(
                    "table",
                    &name,
                    &[create, format!("SELECT COUNT(*) FROM {table}; SELECT * FROM {table} ORDER BY 1, 2;")],
                );
            }
            _ => ask("table", &name, &[create, format!("CHECKSUM TABLE {table} EXTENDED;")]),
        }
    }
    for (name, kind) in listed("ROUTINE_NAME, ROUTINE_TYPE", "ROUTINES", "ROUTINE_SCHEMA") {
        ask(&kind, &name, &[format!("SHOW CREATE {kind} {};", quoted(&name))]);
    }
    for (name, _) in listed("TRIGGER_NAME, EVENT_MANIPULATION", "TRIGGERS", "TRIGGER_SCHEMA") {
        let order = format!(
            "SELECT ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{database}' AND TRIGGER_NAME = '{}';",
            name.replace('\'', "''")
        );
        ask("trigger", &name, &[format!("SHOW CREATE TRIGGER {};", quoted(&name)), order]);
    }
    for (name, _) in listed("EVENT_NAME, STATUS", "EVENTS", "EVENT_SCHEMA") {
        ask("event", &name, &[format!("SHOW CREATE EVENT {};", quoted(&name))]);
    }
    ask("database", "", &[format!("SHOW CREATE DATABASE `{database}`;")]);
    let mut objects = Shape::new();
    let mut current = String::new();
    for line in lenient(sql, database, &script).lines() {
        if let Some(object) = line.strip_prefix(OBJECT) {
            object.clone_into(&mut current);
        }
        let text = objects.entry(current.clone()).or_default();
        text.push_str(&untimed(line));
        text.push('\n');
    }
    objects
}

/// Triggers tell when they were made, and nothing brings that back.
fn untimed(line: &str) -> String {
    let fields = line.split('\t').filter(|field| {
        let stamp = field.get(..4).is_some_and(|year| year.starts_with("20")) && field.len() >= 19;
        !(stamp && field.chars().all(|c| c.is_ascii_digit() || "-: .".contains(c)))
    });
    fields.collect::<Vec<_>>().join("\t")
}

/// What became of a database that the plain tools brought to another server, past every error.
pub(crate) struct Plain {
    pub(crate) shape: Shape,
    /// Whether there was an error.
    pub(crate) failed: bool,
}

/// Dumps `database` of one server with the plain tool, and loads it into another with the plain client.
pub(crate) fn plain_copy(from: &Sql, to: &Sql, database: &str) -> Plain {
    let mut tool = Command::new(from.bin().join(from.dump_name()));
    tool.args([
        "--no-defaults",
        "-u",
        "root",
        "--routines",
        "--triggers",
        "--events",
        "--single-transaction",
    ]);
    tool.arg(if from.release == Release::MySql97 { "--set-gtid-purged=OFF" } else { "--skip-ssl" });
    tool.arg("--force").arg(format!("--socket={}", from.socket().display())).arg(database);
    let dumped = tool.env_clear().env("LC_ALL", "C").stdin(Stdio::null()).output().unwrap();
    let create = from.run("", &format!("SHOW CREATE DATABASE `{database}`;"));
    to.run("", &create.split_once('\t').unwrap().1.replace("\\\\", "\\"));
    let mut client = to.client("root", database);
    let mut client = client.args(["--binary-mode", "--force"]).spawn().unwrap();
    let mut stdin = client.stdin.take().unwrap();
    let bytes = dumped.stdout;
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let loaded = client.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    let failed = !dumped.status.success() || String::from_utf8_lossy(&loaded.stderr).contains("ERROR");
    Plain { shape: shape(to, database), failed }
}
