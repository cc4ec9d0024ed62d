//! What a user may do, by what `SHOW GRANTS` says of it: the tools leave out in silence what they may not see.

use super::client::{Client, Question};
use crate::engine::EngineError;
use crate::process::Runner;
use std::collections::BTreeSet;

/// Rights that may be held on one database. Whoever holds any of them on everything sees every database.
const DATABASE_RIGHTS: [&str; 18] = [
    "ALTER",
    "ALTER ROUTINE",
    "CREATE",
    "CREATE ROUTINE",
    "CREATE TEMPORARY TABLES",
    "CREATE VIEW",
    "DELETE",
    "DROP",
    "EVENT",
    "EXECUTE",
    "INDEX",
    "INSERT",
    "LOCK TABLES",
    "REFERENCES",
    "SELECT",
    "SHOW VIEW",
    "TRIGGER",
    "UPDATE",
];

/// The rights of one user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Grants {
    entries: Vec<GrantEntry>,
    /// Rights that were taken away again inside a database.
    revoked: Vec<GrantEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct GrantEntry {
    privileges: BTreeSet<String>,
    /// Pattern of the database; `None` is everything.
    database: Option<String>,
    /// The only table; `None` is every table.
    table: Option<String>,
}

/// Asks for the rights of the connected user, those of its active roles included.
pub(super) async fn ask_grants(runner: &dyn Runner, client: &Client) -> Result<Grants, EngineError> {
    let answer = client.ask(runner, &Question::short("ask for the user's rights", "SHOW GRANTS;")).await?;
    Ok(Grants::read(answer.iter().filter_map(|row| row.first()).map(String::as_str)))
}

impl Grants {
    fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut grants = Self::default();
        for line in lines {
            if let Some(rest) = line.strip_prefix("GRANT ") {
                grants.entries.extend(entry(rest, " TO "));
            } else if let Some(rest) = line.strip_prefix("REVOKE ") {
                grants.revoked.extend(entry(rest, " FROM "));
            }
        }
        grants
    }

    /// Whether the right is held on everything.
    pub(super) fn everywhere(&self, privilege: &str) -> bool {
        self.entries.iter().any(|entry| entry.database.is_none() && entry.has(privilege))
    }

    /// Whether the right is held on all of one database.
    pub(super) fn in_database(&self, privilege: &str, database: &str) -> bool {
        let covers = |entry: &GrantEntry| {
            entry.table.is_none()
                && entry.has(privilege)
                && entry.database.as_ref().is_some_and(|pattern| like(pattern, database))
        };
        (self.everywhere(privilege) && !self.revoked.iter().any(covers)) || self.entries.iter().any(covers)
    }

    /// Whether no database can be hidden from the user, who sees those that `sees` says. Partial revokes hide a database from
    /// whoever has no other right on it, and only `SHOW DATABASES` outweighs them.
    pub(super) fn hides_nothing(&self, sees: impl Fn(&str) -> bool) -> bool {
        let visible = |entry: &GrantEntry| entry.database.as_deref().is_some_and(&sees);
        self.everywhere("SHOW DATABASES")
            || (DATABASE_RIGHTS.iter().any(|right| self.everywhere(right))
                && self.revoked.iter().all(visible))
    }

    /// Whether the right is held on anything in the database.
    pub(super) fn somewhere_in(&self, privilege: &str, database: &str) -> bool {
        let inside = |entry: &GrantEntry| {
            entry.has(privilege) && entry.database.as_ref().is_some_and(|pattern| like(pattern, database))
        };
        self.in_database(privilege, database) || self.entries.iter().any(inside)
    }

    /// Whether the right is held on one table.
    pub(super) fn on_table(&self, privilege: &str, database: &str, table: &str) -> bool {
        let names = |entry: &GrantEntry| {
            entry.has(privilege)
                && entry.table.as_deref() == Some(table)
                && entry.database.as_deref() == Some(database)
        };
        self.in_database(privilege, database) || self.entries.iter().any(names)
    }
}

impl GrantEntry {
    fn has(&self, privilege: &str) -> bool {
        self.privileges.contains(privilege) || self.privileges.contains("ALL PRIVILEGES")
    }
}

/// `SELECT, UPDATE (`a`, `b`) ON `db`.* TO …`; a role that is granted has no `ON`.
fn entry(rest: &str, end: &str) -> Option<GrantEntry> {
    let (privileges, rest) = split_outside(rest, " ON ")?;
    let (target, _) = split_outside(rest, end)?;
    let target = target.trim();
    let kinds = ["PROCEDURE ", "FUNCTION ", "PACKAGE ", "PACKAGE BODY ", "LIBRARY "];
    if kinds.iter().any(|kind| target.starts_with(kind)) || !target.contains('.') {
        return None;
    }
    let (database, table) = split_outside(target.strip_prefix("TABLE ").unwrap_or(target), ".")?;
    let name = |text: &str| (text != "*").then(|| unquoted(text));
    // Rights on columns alone are no rights on the table.
    let words = privileges.split(',').filter(|word| !word.contains(['(', ')', '`']));
    let privileges = words.map(|word| word.trim().to_ascii_uppercase()).collect();
    Some(GrantEntry { privileges, database: name(database), table: name(table) })
}

/// Splits at the first `separator` that is not in quotes.
fn split_outside<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        if c == '`' {
            quoted = !quoted;
        } else if !quoted && text[at..].starts_with(separator) {
            return Some((&text[..at], &text[at + separator.len()..]));
        }
    }
    None
}

fn unquoted(text: &str) -> String {
    text.trim_matches('`').replace("``", "`")
}

/// Whether `name` matches a database of a grant, in which `%` and `_` stand for others unless a backslash is before them.
fn like(pattern: &str, name: &str) -> bool {
    let mut plain = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    let mut wild = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            '%' | '_' => {
                wild = true;
                plain.push(if c == '%' { '*' } else { '?' });
            }
            _ => plain.push(c),
        }
    }
    if wild { crate::engine::names::matches(&plain, name) } else { plain == name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_off_the_statements_of_both_families() {
        let grants = Grants::read([
            "GRANT RELOAD, PROCESS ON *.* TO `j`@`%` IDENTIFIED BY PASSWORD '*ON X.Y TO'",
            "GRANT SHOW_ROUTINE ON *.* TO `j`@`%`",
            "GRANT SELECT, SHOW VIEW ON `shop`.* TO `j`@`%`",
            "GRANT ALL PRIVILEGES ON `a\\_b`.* TO `j`@`%`",
            "GRANT EVENT ON `t%`.* TO `j`@`%`",
            "GRANT SELECT, INSERT (`a`, `b`) ON `x ON .y`.`t` TO `j`@`%` WITH GRANT OPTION",
            "GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `j`@`%`",
            "GRANT `role`@`%` TO `j`@`%`",
        ]);
        assert!(grants.everywhere("RELOAD") && grants.everywhere("SHOW_ROUTINE"));
        assert!(!grants.everywhere("SELECT") && !grants.everywhere("EXECUTE"));
        assert!(grants.in_database("SHOW VIEW", "shop") && !grants.in_database("SHOW VIEW", "shop2"));
        assert!(grants.in_database("TRIGGER", "a_b") && !grants.in_database("TRIGGER", "axb"));
        assert!(grants.in_database("EVENT", "t1") && grants.in_database("PROCESS", "any"));
        assert!(grants.on_table("SELECT", "x ON .y", "t") && !grants.on_table("INSERT", "x ON .y", "t"));
        assert!(grants.on_table("SELECT", "shop", "any"));
    }

    #[test]
    fn who_sees_every_database_is_known() {
        let hides_nothing =
            |lines: &[&str]| Grants::read(lines.iter().copied()).hides_nothing(|name| name == "shop");
        for (lines, expected) in [
            (&["GRANT USAGE ON *.* TO `j`@`%`"][..], false),
            (&["GRANT RELOAD, PROCESS ON *.* TO `j`@`%`", "GRANT SELECT ON `shop`.* TO `j`@`%`"], false),
            (&["GRANT USAGE ON *.* TO `j`@`%`", "GRANT `reader`@`%` TO `j`@`%`"], false),
            (&["GRANT SHOW DATABASES ON *.* TO `j`@`%`"], true),
            (&["GRANT EVENT ON *.* TO `j`@`%`"], true),
            (&["GRANT ALL PRIVILEGES ON *.* TO `j`@`%`"], true),
            (&["GRANT SELECT ON *.* TO `j`@`%`", "REVOKE SELECT ON `hr`.* FROM `j`@`%`"], false),
            (&["GRANT SELECT ON *.* TO `j`@`%`", "REVOKE SELECT ON `shop`.* FROM `j`@`%`"], true),
            (
                &["GRANT SELECT, SHOW DATABASES ON *.* TO `j`@`%`", "REVOKE SELECT ON `hr`.* FROM `j`@`%`"],
                true,
            ),
        ] {
            assert_eq!(hides_nothing(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_right_that_was_taken_away_in_one_database_is_missing_there() {
        let grants = Grants::read(["GRANT SELECT ON *.* TO `j`@`%`", "REVOKE SELECT ON `hr`.* FROM `j`@`%`"]);
        assert!(grants.in_database("SELECT", "shop") && !grants.in_database("SELECT", "hr"));
    }
}
