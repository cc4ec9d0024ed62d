//! Roles and tablespaces: the output of `pg_dumpall --globals-only`, proven whole, and cut down to what a server does
//! not have yet.

use super::drill_files;
use super::quote::without_backslashes;
use super::words::{Word, words};
use crate::engine::Lifetime;
use crate::engine::trailer::TrailerWitness;
use std::borrow::Cow;
use std::collections::BTreeSet;

const FORMAT: &str = "pg_dumpall";
const TRAILER: &str = "-- PostgreSQL database cluster dump complete\n--";

/// Watches for pg_dumpall's last comment.
pub(super) fn witness() -> TrailerWitness {
    TrailerWitness::new(FORMAT, TRAILER)
}

/// What a server lacks of some globals.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MissingGlobals {
    /// Statements about roles, to be run in one transaction.
    pub(super) roles: String,
    /// Statements about tablespaces, which no transaction may hold.
    pub(super) tablespaces: String,
    /// Whether there is a statement about roles at all.
    pub(super) has_roles: bool,
    /// Whether there is one about tablespaces.
    pub(super) has_tablespaces: bool,
    /// Names of the roles among them.
    pub(super) new_roles: Vec<String>,
    /// Names of the tablespaces among them.
    pub(super) new_tablespaces: Vec<String>,
    /// Roles and tablespaces that already exist, with their kind.
    pub(super) left_alone: Vec<String>,
}

/// What the target has.
#[derive(Debug)]
pub(super) struct Existing {
    pub(super) roles: BTreeSet<String>,
    pub(super) tablespaces: BTreeSet<String>,
    /// Who runs the statements.
    pub(super) actor: Actor,
    /// A server that is thrown away has its tablespaces inside its own folder.
    pub(super) lifetime: Lifetime,
}

/// Who creates roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Actor {
    /// May do everything.
    #[default]
    Superuser,
    /// May create roles, but not speak for another grantor.
    Ordinary,
}

/// The statements of `sql` about roles and tablespaces that do not exist yet. Existing ones are left as they are:
/// no attribute, setting, membership or comment of theirs is touched. They are for psql, so there is no backslash in them; one
/// outside of quotes, which pg_dumpall never writes into a statement, is an error.
pub(super) fn missing_globals(sql: &str, existing: &Existing) -> Result<MissingGlobals, String> {
    let mut missing = MissingGlobals::default();
    for statement in statements(sql) {
        let safe = without_backslashes(&without_defaults(statement))
            .ok_or_else(|| "a statement has a backslash outside of quotes".to_owned())?;
        let words = words(statement);
        let verb = words.first().map_or("", |word| word.bare.as_str());
        if verb == "SET" {
            // Applies to what follows in both scripts.
            for script in [&mut missing.roles, &mut missing.tablespaces] {
                script.push_str(&safe);
                script.push('\n');
            }
            continue;
        }
        let Some(subject) = subject_of(&words) else { continue };
        // The superuser of a throw-away server that was dumped.
        if matches!(subject, Subject::Role(drill_files::ROLE)) {
            continue;
        }
        let known = match subject {
            Subject::Role(role) => existing.roles.contains(role),
            Subject::Tablespace(space) => existing.tablespaces.contains(space),
        };
        if known {
            if verb == "CREATE" {
                missing.left_alone.push(subject.to_string());
            }
            continue;
        }
        let safe = match (verb, &subject) {
            ("CREATE", Subject::Tablespace(_)) if existing.lifetime == Lifetime::ThrownAway => {
                without_place(&safe)
            }
            ("GRANT", _) if existing.actor == Actor::Ordinary => without_grantor(&safe),
            _ => safe,
        };
        missing.add(&subject, verb, &safe);
    }
    Ok(missing)
}

/// What a statement of pg_dumpall is about.
fn subject_of(words: &[Word]) -> Option<Subject<'_>> {
    let word = |at: usize| words.get(at).map_or("", |word| word.bare.as_str());
    let name = |at: usize| words.get(at).map_or("", |word| word.name.as_str());
    match (word(0), word(1), word(2)) {
        ("CREATE" | "ALTER", "ROLE", _) => Some(Subject::Role(name(2))),
        ("COMMENT" | "SECURITY", "ON" | "LABEL", "ROLE") => Some(Subject::Role(name(3))),
        ("CREATE" | "ALTER", "TABLESPACE", _) => Some(Subject::Tablespace(name(2))),
        ("COMMENT", "ON", "TABLESPACE") => Some(Subject::Tablespace(name(3))),
        ("GRANT" | "REVOKE", ..) => Some(match position(words, "TABLESPACE") {
            Some(at) => Subject::Tablespace(name(at + 1)),
            // A membership, or a right on a parameter: it belongs to the role that gets it.
            None => Subject::Role(position(words, "TO").map_or("", |at| name(at + 1))),
        }),
        _ => None,
    }
}

impl MissingGlobals {
    /// Adds a statement about something that is not there.
    fn add(&mut self, subject: &Subject<'_>, verb: &str, statement: &str) {
        let script = match subject {
            Subject::Role(role) => {
                self.has_roles = true;
                if verb == "CREATE" {
                    self.new_roles.push((*role).to_owned());
                }
                &mut self.roles
            }
            Subject::Tablespace(space) => {
                self.has_tablespaces = true;
                if verb == "CREATE" {
                    self.new_tablespaces.push((*space).to_owned());
                }
                &mut self.tablespaces
            }
        };
        script.push_str(statement);
        script.push('\n');
    }
}

/// `statement`, which creates a tablespace, without the place: the tablespace is then in the server's own folder, where the
/// server allows that.
fn without_place(statement: &str) -> String {
    const CLAUSE: &str = " LOCATION ";
    match find_outside_quotes(statement, CLAUSE) {
        Some(at) => format!("{}{CLAUSE}'';", &statement[..at]),
        None => statement.to_owned(),
    }
}

/// `statement`, which grants a membership, without `GRANTED BY …`: only a superuser may name another grantor.
fn without_grantor(statement: &str) -> String {
    match find_outside_quotes(statement, " GRANTED BY ") {
        Some(at) => format!("{};", &statement[..at]),
        None => statement.to_owned(),
    }
}

/// Where `clause`, which begins with a space, stands in `statement` outside of quotes.
fn find_outside_quotes(statement: &str, clause: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in statement.bytes().enumerate() {
        match (byte, quote) {
            (b'\'' | b'"', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b' ', None) if statement[at..].starts_with(clause) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Attributes that a new role does not have anyway. Only a role that has them may say so much as that another has not.
const DEFAULTS: [&str; 5] =
    [" NOSUPERUSER", " NOCREATEROLE", " NOCREATEDB", " NOREPLICATION", " NOBYPASSRLS"];

/// `ALTER ROLE … WITH` without attributes that the role, just created, has already.
fn without_defaults(statement: &str) -> Cow<'_, str> {
    let Some(role) = statement.strip_prefix("ALTER ROLE ") else { return statement.into() };
    let name = if role.starts_with('"') { quoted_end(role) } else { role.find(' ').unwrap_or(role.len()) };
    let Some(rest) = role[name..].strip_prefix(" WITH ") else { return statement.into() };
    // Strings come last.
    let (words, strings) = rest.split_at(rest.find('\'').unwrap_or(rest.len()));
    let mut words = format!(" {words}");
    for default in DEFAULTS {
        words = words.replacen(default, "", 1);
    }
    format!("ALTER ROLE {} WITH{words}{strings}", &role[..name]).into()
}

/// Where the quoted name that `sql` begins with has ended.
fn quoted_end(sql: &str) -> usize {
    let mut chars = sql.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if char == '"' && chars.next_if(|(_, next)| *next == '"').is_none() {
            return at + 1;
        }
    }
    sql.len()
}

enum Subject<'a> {
    Role(&'a str),
    Tablespace(&'a str),
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Role(name) => write!(f, "role `{name}`"),
            Self::Tablespace(name) => write!(f, "tablespace `{name}`"),
        }
    }
}

fn position(words: &[Word], bare: &str) -> Option<usize> {
    words.iter().position(|word| word.bare == bare)
}

/// The statements of a script, without comments and without psql's own commands (`\restrict`). Strings follow the
/// standard, as pg_dumpall sets it.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            if !rest.starts_with("--") && !rest.starts_with('\\') {
                break;
            }
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        }
        let end = statement_end(rest);
        let (statement, after) = rest.split_at(end);
        rest = after;
        (!statement.is_empty()).then_some(statement)
    })
}

fn statement_end(sql: &str) -> usize {
    let mut quote = None;
    for (at, byte) in sql.bytes().enumerate() {
        match (byte, quote) {
            (b'\'' | b'"', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b';', None) => return at + 1,
            _ => {}
        }
    }
    sql.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Witness as _;
    use proptest::prelude::*;

    const DUMP: &str = "--
-- PostgreSQL database cluster dump
--

\\restrict abc

SET default_transaction_read_only = off;
SET standard_conforming_strings = on;

CREATE ROLE \"odd \"\"; role\";
ALTER ROLE \"odd \"\"; role\" WITH LOGIN PASSWORD 'SCRAM;--''x';
CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER;
COMMENT ON ROLE postgres IS 'a;
-- b';
COMMENT ON ROLE new IS 'a;
\\q b''';
ALTER ROLE new SET search_path TO 'postgres', 'B c';
GRANT postgres TO new WITH ADMIN OPTION GRANTED BY postgres;
GRANT new TO postgres WITH INHERIT TRUE GRANTED BY postgres;
GRANT SET ON PARAMETER work_mem TO new;
CREATE TABLESPACE ts OWNER new LOCATION '/x';
GRANT ALL ON TABLESPACE ts TO postgres;
CREATE TABLESPACE there OWNER new LOCATION '/y';

\\unrestrict abc

--
-- PostgreSQL database cluster dump complete
--

";

    fn target(actor: Actor) -> Existing {
        Existing { roles: BTreeSet::new(), tablespaces: BTreeSet::new(), actor, lifetime: Lifetime::Lasting }
    }

    #[test]
    fn tablespaces_of_a_server_that_is_thrown_away_are_inside_of_it() {
        let existing = Existing { lifetime: Lifetime::ThrownAway, ..target(Actor::Superuser) };
        let sql = "CREATE TABLESPACE \"a LOCATION b\" OWNER x LOCATION '/prod/ LOCATION ''x';\nCREATE TABLESPACE b OWNER x LOCATION E'/a\\\\b';";
        let missing = missing_globals(sql, &existing).unwrap();
        assert_eq!(missing.new_tablespaces, ["a LOCATION b", "b"]);
        let expected = "CREATE TABLESPACE \"a LOCATION b\" OWNER x LOCATION '';\nCREATE TABLESPACE b OWNER x LOCATION '';\n";
        assert_eq!(missing.tablespaces, expected);
    }

    #[test]
    fn only_what_is_missing_is_left_of_the_globals() {
        let existing = Existing {
            roles: BTreeSet::from(["postgres".to_owned()]),
            tablespaces: BTreeSet::from(["there".to_owned()]),
            ..target(Actor::Superuser)
        };
        let missing = missing_globals(DUMP, &existing).unwrap();
        let settings = "SET default_transaction_read_only = off;\nSET standard_conforming_strings = on;\n";
        assert_eq!(
            missing.roles,
            format!(
                "{settings}CREATE ROLE \"odd \"\"; role\";
ALTER ROLE \"odd \"\"; role\" WITH LOGIN PASSWORD 'SCRAM;--''x';
COMMENT ON ROLE new IS U&'a;
!005cq b''' UESCAPE '!';
ALTER ROLE new SET search_path TO 'postgres', 'B c';
GRANT postgres TO new WITH ADMIN OPTION GRANTED BY postgres;
GRANT SET ON PARAMETER work_mem TO new;
"
            )
        );
        assert_eq!(
            missing.tablespaces,
            format!(
                "{settings}CREATE TABLESPACE ts OWNER new LOCATION '/x';\nGRANT ALL ON TABLESPACE ts TO postgres;\n"
            )
        );
        assert_eq!(missing.left_alone, ["role `postgres`", "tablespace `there`"]);
    }

    #[test]
    fn a_new_role_is_not_told_what_it_is_not_and_grantors_are_left_to_superusers() {
        let sql = "CREATE ROLE \"a WITH NOSUPERUSER \"\"b\";
ALTER ROLE \"a WITH NOSUPERUSER \"\"b\" WITH NOSUPERUSER INHERIT NOCREATEROLE CREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS PASSWORD ' NOCREATEDB';
ALTER ROLE c SET my.x TO ' NOSUPERUSER';
GRANT c TO \"a WITH NOSUPERUSER \"\"b\" WITH ADMIN OPTION GRANTED BY postgres;
COMMENT ON ROLE c IS 'a GRANTED BY b';
GRANT \"x
GRANT y GRANTED BY z\" TO d GRANTED BY postgres;
";
        let shortened = sql.replacen(
            "WITH NOSUPERUSER INHERIT NOCREATEROLE CREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS PASSWORD",
            "WITH INHERIT CREATEDB NOLOGIN PASSWORD",
            1,
        );
        let made = |actor| missing_globals(sql, &target(actor)).unwrap().roles;
        assert_eq!(made(Actor::Superuser), shortened);
        assert_eq!(made(Actor::Ordinary), shortened.replace(" GRANTED BY postgres", ""));
    }

    #[test]
    fn globals_are_whole_only_with_their_last_comment() {
        let judge = |text: &str| {
            let mut witness = witness();
            witness.feed(text.as_bytes()).unwrap();
            witness.finish().is_ok()
        };
        assert!(judge(DUMP));
        assert!(!judge(DUMP.trim_end().strip_suffix("\n--").unwrap()));
        assert!(!judge(&DUMP[..DUMP.len() / 2]));
    }

    proptest! {
        #[test]
        fn bent_globals_never_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), "[\"';,\\\\\n ö-]|WITH|TO|GRANT"), 1..8),
        ) {
            let mut chars: Vec<String> = DUMP.chars().map(String::from).collect();
            for (at, put) in changes {
                let at = at.index(chars.len());
                chars[at] = put;
            }
            let sql = chars.concat();
            for actor in [Actor::Superuser, Actor::Ordinary] {
                let Ok(made) = missing_globals(&sql, &target(actor)) else { continue };
                prop_assert!(!made.roles.contains('\\') && !made.tablespaces.contains('\\'));
            }
        }
    }
}
