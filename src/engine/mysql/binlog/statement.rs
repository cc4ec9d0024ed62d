//! What a statement of the log changes: which databases, and under which names they stand in it. What cannot be told is not
//! guessed.

use crate::engine::mysql::syntax::QuoteRules;
use crate::engine::mysql::words::{Word, WordKind, words};
use std::ops::Range;

/// What a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Begin,
    Commit,
    Rollback,
    /// `SAVEPOINT` and what belongs to it.
    Savepoint,
    XaStart(String),
    XaEnd,
    XaCommit(String),
    XaRollback(String),
    /// It changes definitions of these.
    Defines(Definition),
    /// It changes nothing that is in a database: accounts, temporary tables, the server.
    Aside,
    /// It changed rows as a statement, which needs not do the same elsewhere.
    Rows,
    /// It cannot be told.
    Unknown,
}

/// What a statement that changes definitions names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) kind: Kind,
    /// What it changes.
    pub(super) targets: Vec<Name>,
    /// What it only looks at, and copies.
    pub(super) sources: Vec<Name>,
    /// The right on the database that it takes beside those of every restore.
    pub(super) right: Option<&'static str>,
}

/// Kinds that are treated in a way of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Other,
    Database,
    Event,
}

/// A name, and the database that stands in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// `None` is the database in use.
    pub(super) database: Option<String>,
    /// Where the name of the database stands, with its quotes.
    pub(super) place: Option<Range<usize>>,
}

/// Statements of which nothing is in a database, or that change nothing of what is.
const ASIDE: [&str; 18] = [
    "grant",
    "revoke",
    "flush",
    "install",
    "uninstall",
    "analyze",
    "optimize",
    "repair",
    "reset",
    "purge",
    "kill",
    "cache",
    "check",
    "checksum",
    "change",
    "start",
    "stop",
    "show",
];

const CHANGE_ROWS: [&str; 13] = [
    "insert", "update", "delete", "replace", "load", "call", "do", "with", "select", "values", "table",
    "execute", "import",
];

/// What the statement means.
pub(super) fn meaning(sql: &[u8], rules: QuoteRules) -> Meaning {
    let mut parser = Parser { words: words(sql, rules), at: 0 };
    match parser.statement() {
        Some(Meaning::Defines(found)) => {
            Meaning::Defines(Definition { right: right_for(&parser.words), ..found })
        }
        found => found.unwrap_or(Meaning::Unknown),
    }
}

/// Rights by the kind of what is made, changed or dropped.
fn right_for(words: &[Word<'_>]) -> Option<&'static str> {
    // A definer may stand before the kind.
    const DISTANCE: usize = 14;
    words.iter().take(DISTANCE).find_map(|word| match word.text.to_ascii_lowercase().as_slice() {
        _ if word.kind != WordKind::Plain => None,
        b"table" | b"tables" | b"database" | b"schema" | b"sequence" => Some(None),
        b"index" => Some(Some("INDEX")),
        b"view" => Some(Some("CREATE VIEW")),
        b"trigger" => Some(Some("TRIGGER")),
        b"event" => Some(Some("EVENT")),
        b"procedure" | b"function" | b"package" | b"library" => Some(Some("ALTER ROUTINE")),
        _ => None,
    })?
}

/// Whether any word of a statement is one of the names.
pub(super) fn names_any(sql: &[u8], rules: QuoteRules, is_one: impl Fn(&str) -> bool) -> bool {
    words(sql, rules).iter().any(|word| word.is_name() && is_one(&word.name()))
}

/// A statement that is being read, word by word.
pub(super) struct Parser<'a> {
    pub(super) words: Vec<Word<'a>>,
    pub(super) at: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Option<&Word<'a>> {
        self.words.get(self.at)
    }

    pub(super) fn is(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|word| word.is(keyword))
    }

    pub(super) fn is_sign(&self, sign: u8) -> bool {
        self.peek().is_some_and(|word| word.is_sign(sign))
    }

    /// Over the keyword, where it is there.
    pub(super) fn skip(&mut self, keyword: &str) -> bool {
        let found = self.is(keyword);
        self.at += usize::from(found);
        found
    }

    pub(super) fn skip_any(&mut self, keywords: &[&str]) {
        while keywords.iter().any(|keyword| self.skip(keyword)) {}
    }

    fn statement(&mut self) -> Option<Meaning> {
        let first = self.peek()?.clone();
        self.at += 1;
        let sure = |meaning| Some(meaning);
        if first.kind != WordKind::Plain {
            return None;
        }
        match first.text.to_ascii_lowercase().as_slice() {
            b"begin" => sure(Meaning::Begin),
            b"start" if self.is("transaction") => sure(Meaning::Begin),
            b"commit" => sure(Meaning::Commit),
            b"rollback" if self.is("to") => sure(Meaning::Savepoint),
            b"rollback" => sure(Meaning::Rollback),
            b"savepoint" => sure(Meaning::Savepoint),
            b"release" if self.is("savepoint") => sure(Meaning::Savepoint),
            b"xa" => self.xa(),
            b"create" => self.create(),
            b"alter" => self.alter(),
            b"drop" => self.drop(),
            b"rename" => self.rename(),
            b"truncate" => {
                self.skip("table");
                let name = self.name()?;
                Some(defines(Kind::Other, vec![name]))
            }
            b"set" => match self.peek()? {
                word if word.is_any(&["password", "default", "role"]) => sure(Meaning::Aside),
                _ => None,
            },
            b"delete" => sure(self.emptied().unwrap_or(Meaning::Rows)),
            _ if first.is_any(&ASIDE) => sure(Meaning::Aside),
            _ if first.is_any(&CHANGE_ROWS) => sure(Meaning::Rows),
            _ => None,
        }
    }

    /// `DELETE FROM t` and nothing else: what a server writes of a table in memory that is empty after a start.
    fn emptied(&mut self) -> Option<Meaning> {
        self.skip("from").then_some(())?;
        let name = self.name()?;
        self.peek().is_none().then(|| defines(Kind::Other, vec![name]))
    }

    fn xa(&mut self) -> Option<Meaning> {
        let verb = self.peek()?.clone();
        self.at += 1;
        let rest: Vec<&Word<'_>> = self.words[self.at..].iter().filter(|word| !word.is_sign(b',')).collect();
        // X'6b31',X'',1 as the server writes it: `X` stands in front of each text.
        let texts: Vec<String> = rest
            .iter()
            .filter(|word| word.kind == WordKind::Text)
            .map(|word| word.name().to_lowercase())
            .collect();
        let format = rest.iter().rfind(|word| word.text.iter().all(u8::is_ascii_digit))?.name();
        let id = match texts.as_slice() {
            [global, branch] => format!("{global},{branch},{format}"),
            _ => return None,
        };
        match verb.text.to_ascii_lowercase().as_slice() {
            b"start" | b"begin" => Some(Meaning::XaStart(id)),
            b"end" => Some(Meaning::XaEnd),
            b"commit" => Some(Meaning::XaCommit(id)),
            b"rollback" => Some(Meaning::XaRollback(id)),
            _ => None,
        }
    }

    /// `t`, `shop.t`, or `.t`.
    pub(super) fn name(&mut self) -> Option<Name> {
        if self.is_sign(b'.') {
            self.at += 1;
        }
        let first = self.peek().filter(|word| word.is_name())?.clone();
        self.at += 1;
        if !self.is_sign(b'.') {
            return Some(in_use());
        }
        self.at += 1;
        self.peek()?;
        self.at += 1;
        Some(Name { database: Some(first.name()), place: Some(first.place) })
    }
}

/// Something in the database in use.
pub(super) fn in_use() -> Name {
    Name { database: None, place: None }
}

/// A statement that changes definitions of `targets`.
pub(super) fn defines(kind: Kind, targets: Vec<Name>) -> Meaning {
    Meaning::Defines(Definition { kind, targets, ..Definition::default() })
}

#[cfg(test)]
#[path = "statement_tests.rs"]
mod tests;
