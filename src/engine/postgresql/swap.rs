//! The scripts around a database that is filled beside the one it replaces.

use super::quote::{identifier, literal};
use std::fmt::Write as _;

/// Between a database's name and the token, in the names of databases that only exist during a restore.
pub(super) const FILLING_MARK: &str = "__jagad_";
pub(super) const REPLACED_MARK: &str = "__old_";

/// How often the swap is tried against clients that come back at once.
pub(super) const ATTEMPTS: u32 = 10;

/// In the name of a database that was put aside before another is filled under its name. Nobody but its owner knows whether
/// it is still wanted, so it is nothing that a restore has left behind.
pub(super) const ASIDE_MARK: &str = "__aside_";

/// Drops `database` if it exists, and ends all its sessions.
pub(super) fn drop_sql(database: &str) -> String {
    format!("DROP DATABASE IF EXISTS {} WITH (FORCE);", identifier(database))
}

/// Gives `filled` the name `database`, at once or not at all. What had the name becomes `replaced`.
///
/// Both renames are one transaction. Each attempt ends the sessions of the old database first; the first rename then
/// locks its name, so that nobody new comes in, and waits up to five seconds for sessions that are still ending. The
/// lock is released and everything tried again when one of them did not end. Autovacuum workers are left to the rename,
/// which ends them itself: a role that is no superuser may not.
pub(super) fn swap_sql(database: &str, filled: &str, replaced: Option<&str>) -> String {
    let mut steps = String::new();
    if let Some(replaced) = replaced {
        let _ = writeln!(
            steps,
            "      EXECUTE {};",
            literal(&format!("ALTER DATABASE {} RENAME TO {}", identifier(database), identifier(replaced)))
        );
    }
    let _ = writeln!(
        steps,
        "      EXECUTE {};",
        literal(&format!("ALTER DATABASE {} RENAME TO {}", identifier(filled), identifier(database)))
    );
    let body = format!(
        "BEGIN
  FOR attempt IN 1..{ATTEMPTS} LOOP
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname IN ({}, {}) AND pid <> pg_backend_pid() AND usesysid IS NOT NULL;
    BEGIN
{steps}      RETURN;
    EXCEPTION WHEN object_in_use THEN
      IF attempt = {ATTEMPTS} THEN RAISE; END IF;
    END;
  END LOOP;
END",
        literal(database),
        literal(filled)
    );
    format!("DO {};", literal(&body))
}

/// The statement with which a user gives a database that was put aside its name back.
pub(super) fn back_sql(aside: &str, database: &str) -> String {
    format!("ALTER DATABASE {} RENAME TO {};", identifier(aside), identifier(database))
}

/// The databases among `existing` that an interrupted restore may have left behind.
pub(super) fn leftovers(existing: &[String]) -> impl Iterator<Item = &String> {
    existing.iter().filter(|name| is_leftover(name))
}

/// Whether the name is one that only a restore gives to a database.
pub(super) fn is_leftover(name: &str) -> bool {
    [FILLING_MARK, REPLACED_MARK].iter().any(|mark| {
        name.rsplit_once(mark).is_some_and(|(_, token)| {
            token.len() == 6 && token.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_restore_gives_are_leftovers() {
        let names = ["shop", "shop__jagad_a1b2c3", "x__old_zzzzzz", "x__old_zz", "x__old_ZZZZZZ", "__jagad_"];
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(leftovers(&names).collect::<Vec<_>>(), [&names[1], &names[2]]);
    }
}
