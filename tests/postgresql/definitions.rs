//! What pg_dump itself says of a database, as the judge of what came back.

use super::support::postgres::{Postgres, programs};
use std::process::Command;

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
