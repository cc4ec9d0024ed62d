//! Options of tables that not every server can take: places beside its own directory (general tablespaces, `DATA DIRECTORY`
//! and `INDEX DIRECTORY`), and encryption.

use super::syntax::QuoteRules;
use super::words::{Word, WordKind, words};
use std::ops::Range;

/// What of it is left out of definitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// These tablespaces, by name.
    pub(super) tablespaces: Vec<String>,
    /// Every directory.
    pub(super) directories: bool,
    /// Encryption, for which a server needs keys.
    pub(super) encryption: bool,
}

/// `statement` without what is left out; `None` where nothing is.
pub(super) fn without_places(statement: &[u8], rules: QuoteRules, left_out: &LeftOut) -> Option<Vec<u8>> {
    if *left_out == LeftOut::default() {
        return None;
    }
    let words = words(statement, rules);
    let is_table = words.first().is_some_and(|word| word.is("create"))
        && words.iter().take(5).any(|word| word.is("table"));
    if !is_table {
        return None;
    }
    let mut text = Vec::with_capacity(statement.len());
    let (mut done, mut depth) = (0, 0_usize);
    for at in 0..words.len() {
        if words[at].is_sign(b'(') {
            depth += 1;
        } else if words[at].is_sign(b')') {
            depth = depth.saturating_sub(1);
        }
        let place = if depth == 0 { encryption_at(&words, at, left_out) } else { None };
        if let Some(place) = place.or_else(|| place_at(&words, at, left_out)) {
            text.extend_from_slice(&statement[done..place.start]);
            done = place.end;
        }
    }
    if done == 0 {
        return None;
    }
    text.extend_from_slice(&statement[done..]);
    Some(text)
}

/// An option about encryption that begins at `at`, outside of all parentheses, and is left out. MariaDB writes its own in
/// the quotes of names.
fn encryption_at(words: &[Word<'_>], at: usize, left_out: &LeftOut) -> Option<Range<usize>> {
    let first = &words[at];
    let is_option =
        first.is("encryption") || first.is_called("encrypted") || first.is_called("encryption_key_id");
    if !left_out.encryption || !is_option {
        return None;
    }
    let value = words.get(at + 1).filter(|word| word.is_sign(b'=')).and_then(|_| words.get(at + 2))?;
    Some(first.place.start..value.place.end)
}

/// A place that begins at `at` and is left out.
fn place_at(words: &[Word<'_>], at: usize, left_out: &LeftOut) -> Option<Range<usize>> {
    let next_value = |from: usize| words[from..].iter().find(|word| !word.is_sign(b'='));
    let first = &words[at];
    let value = if first.is("tablespace") {
        let value = next_value(at + 1)?;
        if !left_out.tablespaces.contains(&value.name()) {
            return None;
        }
        value
    } else if first.is_any(&["data", "index"]) && words.get(at + 1)?.is("directory") {
        let value = next_value(at + 2)?;
        if !left_out.directories || value.kind != WordKind::Text {
            return None;
        }
        value
    } else {
        return None;
    };
    Some(first.place.start..value.place.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_left_out_of_tables_alone() {
        let left_out = LeftOut { tablespaces: vec!["ts".to_owned()], directories: true, encryption: true };
        let without = |statement: &str| {
            let text = without_places(statement.as_bytes(), QuoteRules::default(), &left_out);
            text.map(|text| String::from_utf8(text).unwrap())
        };
        for (statement, left) in [
            (
                "CREATE TABLE `t` (\n `data` int\n) /*!50100 TABLESPACE `ts` */ ENGINE=InnoDB COMMENT='DATA DIRECTORY=x'",
                "CREATE TABLE `t` (\n `data` int\n) /*!50100  */ ENGINE=InnoDB COMMENT='DATA DIRECTORY=x'",
            ),
            (
                "CREATE TABLE `t` (`encrypted` int CHECK (`encrypted` = 1)) ENGINE=InnoDB /*!80016 ENCRYPTION='Y' */",
                "CREATE TABLE `t` (`encrypted` int CHECK (`encrypted` = 1)) ENGINE=InnoDB /*!80016  */",
            ),
            (
                "CREATE TABLE `t` (`a` int) ENGINE=InnoDB COMMENT='ENCRYPTION=1' `encrypted`='yes' `encryption_key_id`=5",
                "CREATE TABLE `t` (`a` int) ENGINE=InnoDB COMMENT='ENCRYPTION=1'  ",
            ),
            (
                "CREATE TABLE `t` (`a` int) ENGINE=MyISAM DATA DIRECTORY='/a b/' INDEX DIRECTORY='/c'",
                "CREATE TABLE `t` (`a` int) ENGINE=MyISAM  ",
            ),
            (
                "CREATE TABLE `t` (`a` int) PARTITION BY HASH (`a`)\n(PARTITION p0 DATA DIRECTORY = '/b' ENGINE = InnoDB)",
                "CREATE TABLE `t` (`a` int) PARTITION BY HASH (`a`)\n(PARTITION p0  ENGINE = InnoDB)",
            ),
        ] {
            assert_eq!(without(statement).as_deref(), Some(left));
        }
        for statement in [
            "CREATE TABLE `t` (`a` int) /*!50100 TABLESPACE `other` */ ENGINE=InnoDB",
            "CREATE TABLE `t` (`a` int, INDEX `directory` (`a`))",
            "CREATE TABLE `t` (`a` int, INDEX directory (`a`))",
            "CREATE PROCEDURE p() CREATE TEMPORARY TABLE x (a int) DATA DIRECTORY='/a'",
        ] {
            assert_eq!(without(statement), None, "{statement}");
        }
    }
}
