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
    let lines = text.lines().filter(|line| {
        // Some builds of PostgreSQL 15 number the versions of columns there, and their own pg_dump hides it.
        let numbered = line.starts_with("ALTER TABLE ONLY ") && line.contains(" SET (pg_attver=");
        !["--", "\\restrict ", "\\unrestrict "].iter().any(|noise| line.starts_with(noise))
            && !line.is_empty()
            && !numbered
    });
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
