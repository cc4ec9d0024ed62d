//! Statements that change definitions: which names they change.

use super::statement::{Definition, Kind, Meaning, Name, Parser, defines, in_use};
use crate::engine::mysql::words::Word;

/// Kinds of objects that are in no database.
const OF_SERVER: [&str; 14] = [
    "user",
    "role",
    "server",
    "tablespace",
    "logfile",
    "resource",
    "spatial",
    "undo",
    "instance",
    "users",
    "roles",
    "prepare",
    "external",
    "masking",
];

/// What follows `ALTER DATABASE` where it names none.
const DATABASE_OPTIONS: [&str; 8] =
    ["character", "charset", "collate", "default", "comment", "read", "encryption", "upgrade"];

/// Functions that say something else each time: a new column with one as its default has other values when it is made anew.
const ELSEWHERE_OTHERWISE: [&str; 12] = [
    "uuid",
    "uuid_short",
    "uuid_v4",
    "uuid_v7",
    "sys_guid",
    "rand",
    "random_bytes",
    "sysdate",
    "connection_id",
    "version",
    "load_file",
    "last_insert_id",
];

impl Parser<'_> {
    /// Over what stands between the verb and the kind of an object.
    fn modifiers(&mut self) -> Option<()> {
        loop {
            if self.skip("definer") {
                self.is_sign(b'=').then(|| self.at += 1)?;
                self.at += 1;
                // `user`@`host`, or `CURRENT_USER()`.
                if self.is_sign(b'@') || self.is_sign(b'(') {
                    self.at += 2;
                }
            } else if self.skip("algorithm") {
                self.is_sign(b'=').then(|| self.at += 2)?;
            } else if self.skip("sql") {
                self.at += 2;
            } else {
                let words = [
                    "or",
                    "replace",
                    "aggregate",
                    "unique",
                    "fulltext",
                    "online",
                    "offline",
                    "ignore",
                    "vector",
                ];
                let before = self.at;
                self.skip_any(&words);
                if self.at == before {
                    return Some(());
                }
            }
        }
    }

    pub(super) fn create(&mut self) -> Option<Meaning> {
        self.modifiers()?;
        if self.is("temporary") {
            return Some(Meaning::Aside);
        }
        let kind = self.peek()?.clone();
        self.at += 1;
        if kind.is("spatial") && self.is("index") {
            self.at += 1;
            return self.index();
        }
        if kind.is_any(&OF_SERVER) {
            return Some(Meaning::Aside);
        }
        if kind.is("index") {
            return self.index();
        }
        self.skip("body");
        self.skip_any(&["if", "not", "exists"]);
        if kind.is_any(&["database", "schema"]) {
            return self.database();
        }
        if kind.is_any(&["function", "library"]) && self.words.iter().any(|word| word.is("soname")) {
            return Some(Meaning::Aside);
        }
        let name = self.name()?;
        if kind.is("table") {
            if self.is_sign(b'(') && self.words.get(self.at + 1).is_some_and(|word| word.is("like")) {
                self.at += 1;
            }
            let rest = &self.words[self.at..];
            let versions = |pair: &[Word<'_>]| pair[0].is("system") && pair[1].is("versioning");
            // Rows that a statement makes, and rows that say when they were made.
            if rest.iter().any(|word| word.is("select")) || rest.windows(2).any(versions) {
                return Some(Meaning::Rows);
            }
            let sources = if self.skip("like") { vec![self.name()?] } else { Vec::new() };
            let targets = vec![name];
            return Some(Meaning::Defines(Definition { targets, sources, ..Definition::default() }));
        }
        let known = ["view", "trigger", "procedure", "function", "event", "sequence", "package", "library"];
        let known = kind.is_any(&known);
        known.then(|| defines(if kind.is("event") { Kind::Event } else { Kind::Other }, vec![name]))
    }

    pub(super) fn alter(&mut self) -> Option<Meaning> {
        self.modifiers()?;
        let kind = self.peek()?.clone();
        self.at += 1;
        if kind.is_any(&OF_SERVER) {
            return Some(Meaning::Aside);
        }
        if kind.is_any(&["database", "schema"]) {
            let unnamed = self.peek()?.is_any(&DATABASE_OPTIONS);
            return if unnamed { Some(defines(Kind::Database, vec![in_use()])) } else { self.database() };
        }
        self.skip_any(&["if", "exists"]);
        let first = self.name()?;
        let mut targets = vec![first];
        if kind.is("table") {
            let rest = &self.words[self.at..];
            let versions = |pair: &[Word<'_>]| pair[0].is("system") && pair[1].is("versioning");
            let called = |pair: &[Word<'_>]| pair[0].is_any(&ELSEWHERE_OTHERWISE) && pair[1].is_sign(b'(');
            if rest.windows(2).any(|pair| called(pair) || versions(pair)) {
                return Some(Meaning::Rows);
            }
            self.others(&mut targets)?;
            return Some(defines(Kind::Other, targets));
        }
        if kind.is("event") {
            while let Some(word) = self.peek() {
                let renames = word.is("rename");
                if word.is_any(&["do", "comment"]) {
                    break;
                }
                self.at += 1;
                if renames {
                    self.skip("to");
                    targets.push(self.name()?);
                }
            }
            return Some(defines(Kind::Event, targets));
        }
        kind.is_any(&["view", "procedure", "function", "sequence", "package", "library", "index"])
            .then(|| defines(Kind::Other, targets))
    }

    /// Other tables that `ALTER TABLE` gives its name, its rows or its partitions to.
    fn others(&mut self, targets: &mut Vec<Name>) -> Option<()> {
        while let Some(word) = self.peek() {
            let (renames, tables) = (word.is("rename"), word.is("table"));
            self.at += 1;
            if renames
                && !self.peek().is_some_and(|next| next.is_any(&["column", "index", "key", "constraint"]))
            {
                self.skip_any(&["to", "as"]);
                if self.is_sign(b'=') {
                    self.at += 1;
                }
                targets.push(self.name()?);
            } else if tables
                && self.peek().is_some_and(|next| next.is_name() && !next.is_any(&["to", "comment"]))
            {
                targets.push(self.name()?);
            }
        }
        Some(())
    }

    pub(super) fn drop(&mut self) -> Option<Meaning> {
        if self.is("temporary") {
            return Some(Meaning::Aside);
        }
        let kind = self.peek()?.clone();
        self.at += 1;
        if kind.is_any(&OF_SERVER) {
            return Some(Meaning::Aside);
        }
        if kind.is("temporary") {
            return Some(Meaning::Aside);
        }
        if kind.is("index") {
            return self.index();
        }
        self.skip("body");
        self.skip_any(&["if", "exists"]);
        if kind.is_any(&["database", "schema"]) {
            return self.database();
        }
        let known = [
            "table",
            "tables",
            "view",
            "trigger",
            "procedure",
            "function",
            "event",
            "sequence",
            "package",
            "library",
        ];
        if !kind.is_any(&known) {
            return None;
        }
        let mut targets = vec![self.name()?];
        while self.is_sign(b',') {
            self.at += 1;
            targets.push(self.name()?);
        }
        Some(defines(if kind.is("event") { Kind::Event } else { Kind::Other }, targets))
    }

    pub(super) fn rename(&mut self) -> Option<Meaning> {
        if self.skip("user") {
            return Some(Meaning::Aside);
        }
        (self.skip("table") || self.skip("tables")).then_some(())?;
        self.skip_any(&["if", "exists"]);
        let mut targets = Vec::new();
        loop {
            targets.push(self.name()?);
            // MariaDB may be told how long to wait.
            if self.skip("wait") {
                self.at += 1;
            }
            self.skip("nowait");
            self.skip("to").then_some(())?;
            targets.push(self.name()?);
            if !self.is_sign(b',') {
                return self.peek().is_none().then(|| defines(Kind::Other, targets));
            }
            self.at += 1;
        }
    }

    /// `INDEX i ON t`.
    fn index(&mut self) -> Option<Meaning> {
        self.skip_any(&["if", "not", "exists"]);
        self.at += 1;
        while !self.is("on") {
            self.peek()?;
            self.at += 1;
        }
        self.at += 1;
        let name = self.name()?;
        Some(defines(Kind::Other, vec![name]))
    }

    fn database(&mut self) -> Option<Meaning> {
        let word = self.peek().filter(|word| word.is_name())?;
        let name = Name { database: Some(word.name()), place: Some(word.place.clone()) };
        Some(defines(Kind::Database, vec![name]))
    }
}
