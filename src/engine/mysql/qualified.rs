//! Names of databases inside a statement: `shop`.`item` in a view, `shop.audit` in a trigger, `shop`.`s` in a default.
//!
//! Two names with a dot between them are either a table of a database or a column of a table. Where they stand tells: the
//! grammar allows tables after certain keywords only, and columns nowhere there.

use super::syntax::QuoteRules;
use super::words::{Word, WordKind, words};
use std::ops::Range;

/// Where a statement names a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The database.
    pub(super) database: String,
    /// Where its name stands, with its quotes.
    pub(super) place: Range<usize>,
    pub(super) what: Referred,
}

/// What of that database is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Referred {
    /// A table, a view, a sequence, or a trigger.
    Table,
    Routine,
    /// The database itself.
    Database,
}

/// Keywords behind which something of a database is named.
const INTRODUCING: [&str; 17] = [
    "table",
    "tables",
    "view",
    "trigger",
    "procedure",
    "function",
    "event",
    "sequence",
    "package",
    "body",
    "library",
    "call",
    "references",
    "describe",
    "truncate",
    "handler",
    "join",
];

/// Keywords that may stand between those and the name.
const BETWEEN: [&str; 15] = [
    "if",
    "not",
    "exists",
    "ignore",
    "low_priority",
    "high_priority",
    "delayed",
    "quick",
    "only",
    "lateral",
    "temporary",
    "into",
    "extended",
    "or",
    "replace",
];

/// Keywords that end a list of tables.
const ENDING: [&str; 18] = [
    "where",
    "set",
    "group",
    "order",
    "having",
    "limit",
    "values",
    "value",
    "union",
    "except",
    "intersect",
    "window",
    "for",
    "begin",
    "then",
    "else",
    "do",
    "loop",
];

/// Functions of sequences, whose argument is a sequence.
const SEQUENCE_FUNCTIONS: [&str; 3] = ["nextval", "lastval", "setval"];

/// How far before a name the verb of its statement is looked for.
const VERB_DISTANCE: usize = 24;

/// How far before a `FROM` its `SHOW` is looked for.
const SHOW_DISTANCE: usize = 12;

/// What `SHOW` is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    OfTable,
    OfDatabase,
}

/// What is known inside one pair of parentheses.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// A query or a change has begun: `FROM` is not that of `TRIM(… FROM …)`.
    query: bool,
    /// In a list of tables: a comma is followed by another.
    list: bool,
    /// The next name is that of a table.
    table: bool,
}

/// Every place of `statement` that names a database.
pub(super) fn references(statement: &[u8], rules: QuoteRules) -> Vec<Reference> {
    let words = words(statement, rules);
    let outer = Level { query: true, ..Level::default() };
    let mut walk = Walk { words: &words, levels: vec![outer], trigger: false, found: Vec::new() };
    let mut at = 0;
    while at < words.len() {
        at += walk.step(at);
    }
    walk.found
}

/// `statement` with the database `from` called `to` wherever it is named; `None` where it is not.
pub(super) fn renamed(statement: &[u8], rules: QuoteRules, change: &Renaming) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(statement.len() + 64);
    let mut done = 0;
    let found = references(statement, rules);
    for reference in found.iter().filter(|reference| change.concerns(&reference.database)) {
        text.extend_from_slice(&statement[done..reference.place.start]);
        text.extend_from_slice(super::quote::identifier(&change.to).as_bytes());
        done = reference.place.end;
    }
    if done == 0 {
        return None;
    }
    text.extend_from_slice(&statement[done..]);
    Some(text)
}

/// A database that gets another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Renaming {
    pub(super) from: String,
    pub(super) to: String,
    /// Whether names that differ in case alone are the same.
    pub(super) folds_case: bool,
}

impl Renaming {
    /// Whether `database` is the one.
    pub(super) fn concerns(&self, database: &str) -> bool {
        self.from == database || (self.folds_case && self.from.to_lowercase() == database.to_lowercase())
    }
}

struct Walk<'w> {
    words: &'w [Word<'w>],
    levels: Vec<Level>,
    /// In the head of a trigger, whose `ON` is followed by its table.
    trigger: bool,
    found: Vec<Reference>,
}

impl Walk<'_> {
    /// Takes the word at `at`; how many words it was.
    fn step(&mut self, at: usize) -> usize {
        let word = &self.words[at];
        match word.kind {
            WordKind::Text => {
                self.level().table = false;
                1
            }
            WordKind::Sign => {
                self.sign(at);
                1
            }
            WordKind::Plain | WordKind::Name => {
                let parts = self.parts(at);
                if parts > 1 || word.kind == WordKind::Name || !self.keyword(at) {
                    self.chain(at, parts);
                }
                2 * parts - 1
            }
        }
    }

    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn before(&self, at: usize, keywords: &[&str]) -> bool {
        at > 0 && self.words[at - 1].is_any(keywords)
    }

    /// Whether one of these keywords stands before `at` in the same statement.
    fn verb(&self, at: usize, keywords: &[&str]) -> bool {
        let before = self.words[..at].iter().rev().take_while(|word| !word.is_sign(b';'));
        let mut near = before.take(VERB_DISTANCE);
        near.any(|word| word.is_any(keywords))
    }

    fn sign_at(&self, at: usize, sign: u8) -> bool {
        self.words.get(at).is_some_and(|word| word.is_sign(sign))
    }

    /// How many names are joined by dots from here on.
    fn parts(&self, at: usize) -> usize {
        let mut parts = 1;
        if !self.words[at].is_name() {
            return parts;
        }
        while self.sign_at(at + 2 * parts - 1, b'.')
            && self.words.get(at + 2 * parts).is_some_and(Word::is_name)
        {
            parts += 1;
        }
        parts
    }

    /// Whether a statement may begin at `at`.
    fn begins_statement(&self, at: usize) -> bool {
        at == 0
            || self.before(
                at,
                &["begin", "then", "else", "do", "loop", "repeat", "sql", "deterministic", "data"],
            )
            || self.sign_at(at - 1, b';')
            || self.sign_at(at - 1, b')')
    }

    /// What is named behind the `FROM` or `IN` at `at`, where it is one of `SHOW`.
    fn shown(&self, at: usize) -> Option<Shown> {
        let near = self.words[..at].iter().rev().take(SHOW_DISTANCE);
        let back = near.take_while(|word| !word.is_sign(b';')).position(|word| word.is("show"))?;
        let show = at - 1 - back;
        if !self.begins_statement(show) {
            return None;
        }
        let rest = &self.words[show + 1..at];
        let kind = rest.iter().find(|word| !word.is_any(&["full", "extended", "open", "unique"]))?;
        if kind.is_any(&["tables", "triggers", "events", "table"]) {
            return Some(Shown::OfDatabase);
        }
        let of_table = kind.is_any(&["columns", "fields", "index", "indexes", "keys"]);
        let second = rest.iter().any(|word| word.is_any(&["from", "in"]));
        of_table.then_some(if second { Shown::OfDatabase } else { Shown::OfTable })
    }

    fn sign(&mut self, at: usize) {
        match *self.words[at].text {
            [b'('] => {
                let outer = *self.level();
                // `FROM (a JOIN b)`, `UNION=(a, b)` of a MERGE table, and `NEXTVAL(s)`.
                let merge = at > 1 && self.sign_at(at - 1, b'=') && self.words[at - 2].is("union");
                let list = (outer.list && outer.table) || merge;
                let table = list || self.before(at, &SEQUENCE_FUNCTIONS);
                self.levels.push(Level { query: false, list, table });
            }
            [b')'] => {
                self.levels.pop();
                self.level().table = false;
            }
            [b','] => {
                let level = self.level();
                level.table = level.list;
            }
            [b';'] => *self.level() = Level { query: true, ..Level::default() },
            _ => self.level().table = false,
        }
    }

    /// Whether the word at `at` is a keyword that matters.
    fn keyword(&mut self, at: usize) -> bool {
        let word = &self.words[at];
        let follows = |keywords: &[&str]| self.before(at, keywords);
        let event = follows(&["after", "before", "or", "on", "for", "key"]) || self.trigger;
        let next = |level: &mut Level, list: bool| {
            *level = Level { query: true, list, table: true };
        };
        if word.is_any(&["from", "in"])
            && let Some(shown) = self.shown(at)
        {
            match shown {
                Shown::OfTable => next(self.level(), false),
                Shown::OfDatabase => self.whole_database(at),
            }
        } else if word.is_any(&["desc", "explain"]) && self.begins_statement(at) {
            next(self.level(), false);
        } else if word.is("select") {
            *self.level() = Level { query: true, ..Level::default() };
        } else if word.is("from") {
            let level = self.level();
            if level.query {
                next(level, true);
            } else {
                level.table = false;
            }
        } else if word.is_any(&["update", "delete"]) {
            if !event {
                next(self.level(), true);
            }
        } else if word.is_any(&["insert", "replace"]) && !self.sign_at(at + 1, b'(') {
            if !event {
                next(self.level(), false);
            }
        } else if word.is("on") {
            // `CREATE INDEX i ON t`, and what rights are granted on.
            let of = self.verb(at, &["index", "grant", "revoke"]);
            self.level().table = self.trigger || of;
            self.trigger = false;
        } else if word.is("to") {
            let renames = self.verb(at, &["rename"]);
            let level = self.level();
            (level.table, level.list) = (renames, renames);
        } else if word.is_any(&["using", "straight_join"]) {
            let level = self.level();
            level.table = level.list;
        } else if word.is_any(&["database", "schema"]) {
            self.whole_database(at);
        } else if word.is_any(&INTRODUCING) {
            self.trigger |= word.is("trigger");
            let level = self.level();
            let list = level.list && word.is("join") || names_several(self.words, at) || word.is("tables");
            let level = self.level();
            level.list = list;
            level.table = true;
        } else if word.is("like") {
            let created = self.words[..at].iter().rev().take(6).any(|word| word.is("table"));
            self.level().table = created;
        } else if word.is("for") && follows(&["value"]) || word.is("of") && follows(&["type"]) {
            self.level().table = true;
        } else if word.is_any(&ENDING) {
            let query = self.level().query;
            *self.level() = Level { query, ..Level::default() };
        } else {
            return word.is_any(&BETWEEN);
        }
        true
    }

    /// `ALTER DATABASE shop`: a name alone.
    fn whole_database(&mut self, at: usize) {
        let rest = self.words.iter().skip(at + 1);
        let name = rest.skip_while(|word| word.is_any(&BETWEEN)).take(1).find(|word| word.is_name());
        if let Some(name) = name.filter(|name| !name.is_any(&["character", "charset", "collate", "default"]))
        {
            let (database, place) = (name.name(), name.place.clone());
            self.found.push(Reference { database, place, what: Referred::Database });
        }
    }

    /// A name, or several that are joined by dots.
    fn chain(&mut self, at: usize, parts: usize) {
        let table = std::mem::take(&mut self.level().table);
        // `@a.b` is one variable, and `.b` goes on with what is no name.
        let whole = at == 0 || !(self.sign_at(at - 1, b'@') || self.sign_at(at - 1, b'.'));
        let after = at + 2 * parts - 1;
        let routine = self.sign_at(after, b'(') && !table || self.before(at, &["call"]);
        let row_type =
            self.sign_at(after, b'%') && self.words.get(after + 1).is_some_and(|word| word.is("rowtype"));
        let all_of_it = self.sign_at(after, b'.') && self.sign_at(after + 1, b'*');
        if whole && parts == 1 && table && all_of_it {
            let first = &self.words[at];
            let what = Referred::Database;
            self.found.push(Reference { database: first.name(), place: first.place.clone(), what });
        }
        if whole && (parts > 2 || (parts == 2 && (table || routine || row_type))) {
            let first = &self.words[at];
            let what = if routine { Referred::Routine } else { Referred::Table };
            self.found.push(Reference { database: first.name(), place: first.place.clone(), what });
        }
    }
}

/// Verbs whose `TABLE a, b` names several.
const OF_SEVERAL: [&str; 7] = ["drop", "analyze", "check", "checksum", "optimize", "repair", "flush"];

/// Whether the list that begins at `at` may have more than one name.
fn names_several(words: &[Word<'_>], at: usize) -> bool {
    let between = ["temporary", "local", "no_write_to_binlog"];
    let verb = words[..at].iter().rev().find(|word| !word.is_any(&between));
    verb.is_some_and(|word| word.is_any(&OF_SEVERAL))
}
