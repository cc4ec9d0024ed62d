//! What pg_dump itself says of a database, as the judge of what came back.

use super::postgres::{Postgres, programs};
use std::process::{Command, Stdio};

/// The newest pg_dump's text of what `args` choose in `database`, without what differs between any two dumps.
pub fn definitions(postgres: &Postgres, database: &str, args: &[&str]) -> String {
    let bin = programs(18).unwrap_or_else(|| postgres.bin().to_owned());
    let mut command = Command::new(bin.join("pg_dump"));
    command.args(args).env_clear().env("PGHOST", postgres.socket()).env("LC_ALL", "C");
    let output = command.env("PGUSER", "postgres").env("PGDATABASE", database).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // A build of PostgreSQL 15 numbers the versions of columns there, which only its own pg_dump hides.
    let kept: String =
        text.split_inclusive(";\n").filter(|statement| !statement.contains(" SET (pg_attver=")).collect();
    let noise = ["--", "\\restrict ", "\\unrestrict "];
    let lines =
        kept.lines().filter(|line| !line.is_empty() && !noise.iter().any(|noise| line.starts_with(noise)));
    lines.collect::<Vec<_>>().join("\n")
}

/// That two texts are equal, or their first line that is not.
pub fn assert_same(before: &str, after: &str) {
    for (number, (before, after)) in before.lines().zip(after.lines()).enumerate() {
        assert_eq!(before, after, "line {number}");
    }
    assert_eq!(before.lines().count(), after.lines().count());
    assert!(!before.is_empty());
}

/// Copies `from` into the new database `to` as `pg_dump | pg_restore` does; what pg_restore complained about on its way.
pub fn copy_plainly(postgres: &Postgres, from: &str, to: &str) -> String {
    postgres.psql("postgres", &format!("CREATE DATABASE {to} TEMPLATE template0;"));
    let tool = |name: &str, args: &[&str]| {
        let mut command = Command::new(postgres.bin().join(name));
        command.args(args).env_clear().env("PGHOST", postgres.socket()).env("LC_ALL", "C");
        command.env("PGUSER", "postgres").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut dump = tool("pg_dump", &["-Fc", "-Z0", "-d", from]).spawn().unwrap();
    let stream = dump.stdout.take().unwrap();
    let restored = tool("pg_restore", &["-d", to]).stdin(stream).output().unwrap();
    assert!(dump.wait_with_output().unwrap().status.success());
    String::from_utf8_lossy(&restored.stderr).into_owned()
}

/// That pg_dump cannot tell two databases from each other.
pub fn assert_equal(postgres: &Postgres, expected: &str, found: &str) {
    for args in [&["--schema-only"][..], &["--data-only"]] {
        let [expected, found] = [expected, found].map(|database| definitions(postgres, database, args));
        assert_same(&expected, &found);
    }
}
