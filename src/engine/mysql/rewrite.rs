//! What is changed of a dump on its way into a server. Rows stay what they are, and at most lose escapes that no server needs.

use super::edit::{Scanned, Statements, edited};
use super::events::Disabled;
use super::head::{self, Statement};
use super::needed::{DEFINITION_LIMIT, holds_rows};
use super::places::{LeftOut, without_places};
use super::postponed::Postponed;
use super::qualified::{Renaming, references, renamed};
use super::scanner::{Current, HEAD_LIMIT, Piece, Sink};
use super::session::SessionSettings;
use super::syntax::QuoteRules;
use super::unescape::Unescape;
use crate::engine::{EngineError, Ownership, Rewrite};
use crate::model::help;
use memchr::memmem;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// What is left out, taken, or called something else.
#[derive(Debug, Clone)]
pub(super) struct Changes {
    /// Definers of views, routines, triggers and events.
    pub(super) definers: Ownership,
    /// Only these tables, with their rows and triggers; empty means everything.
    pub(super) tables: Vec<String>,
    /// The database gets another name, also where a definition names it.
    pub(super) renaming: Option<Renaming>,
    /// Places of tables that are not taken over.
    pub(super) left_out: LeftOut,
    /// Databases that the server does not have: a view that reads them stays the placeholder that others can build on.
    pub(super) absent: BTreeSet<String>,
    /// Escapes in rows that no server needs.
    pub(super) escapes: Escapes,
    pub(super) rows: Rows,
    /// Where events are kept in mind that are created disabled.
    pub(super) events: Disabled,
    /// Where views are kept that stay placeholders for now.
    pub(super) postponed: Postponed,
}

impl Changes {
    /// Of everything, as it is.
    pub(super) fn none(definers: Ownership) -> Self {
        Self {
            definers,
            tables: Vec::new(),
            renaming: None,
            left_out: LeftOut::default(),
            absent: BTreeSet::new(),
            escapes: Escapes::Keep,
            rows: Rows::Keep,
            events: Disabled::default(),
            postponed: Postponed::default(),
        }
    }
}

/// What becomes of escapes that no server needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// They stay.
    Keep,
    /// They are undone, so that a statement is shorter.
    Undo,
}

/// Whether rows are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// They are.
    Keep,
    /// Definitions alone, and no events, which would act by themselves.
    LeaveOut,
}

/// The stage.
pub(super) fn rewrite(changes: Changes) -> Rewrite {
    Rewrite(Arc::new(move |body| edited(body, Scanned::new(Writer::new(changes.clone())))))
}

/// What becomes of the statement that goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Not decided: it is still being collected.
    Open,
    Kept,
    /// Kept, without needless escapes.
    Shortened,
    Dropped,
}

struct Writer {
    changes: Changes,
    /// Chosen tables that have not come by.
    missing: BTreeSet<String>,
    unescape: Unescape,
    fate: Fate,
    /// The statement so far, while its fate is open: all of a definition, the head of rows.
    text: Vec<u8>,
    /// Placeholders of views, by the name of the view, where a view may stay one.
    placeholders: BTreeMap<String, Vec<u8>>,
    /// What the dump has said of the session.
    session: SessionSettings,
    /// Whether a definition was too long to be looked at where that matters.
    too_long: bool,
    out: Vec<u8>,
}

impl Writer {
    fn new(changes: Changes) -> Self {
        changes.events.clear();
        changes.postponed.clear();
        let missing = changes.tables.iter().cloned().collect();
        Self {
            changes,
            missing,
            unescape: Unescape::default(),
            fate: Fate::Open,
            text: Vec::new(),
            placeholders: BTreeMap::new(),
            session: SessionSettings::default(),
            too_long: false,
            out: Vec::new(),
        }
    }
}

impl Statements for Writer {
    fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    fn finish(&mut self) -> io::Result<()> {
        // A statement without an end is the server's to judge.
        let rest = std::mem::take(&mut self.text);
        self.out.extend_from_slice(&rest);
        if self.too_long {
            return Err(io::Error::other(EngineError::Refused {
                problem: format!(
                    "a definition of more than {} MiB may name the database that was backed up",
                    DEFINITION_LIMIT >> 20
                ),
                help: help!("Restore it under its own name, on another server."),
            }));
        }
        let missing: Vec<String> = self.missing.iter().map(|table| format!("`{table}`")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(io::Error::other(EngineError::NotFound {
            what: format!("table {}", missing.join(", ")),
            place: " in the backup".to_owned(),
            help: help!("Name tables as the backup has them; views are not restored one by one."),
        }))
    }
}

impl Sink for Writer {
    fn piece(&mut self, piece: Piece<'_>, current: &Current) {
        match piece {
            Piece::Space(bytes) | Piece::Command(bytes) => self.out.extend_from_slice(bytes),
            // Among them is the sandbox line, a command that older clients stumble over.
            Piece::Comment(bytes) => self.keep_lines(bytes),
            Piece::CommentEnd => {}
            Piece::Statement(bytes) => match self.fate {
                Fate::Kept => self.out.extend_from_slice(bytes),
                Fate::Shortened => self.unescape.feed(bytes, &mut self.out),
                Fate::Dropped => self.keep_lines(bytes),
                Fate::Open => {
                    self.text.extend_from_slice(bytes);
                    let rows = holds_rows(&self.text) == Some(true);
                    if rows && self.text.len() >= HEAD_LIMIT || self.text.len() > DEFINITION_LIMIT {
                        self.too_long |= !rows && self.changes.renaming.is_some();
                        self.decide(current.rules);
                    }
                }
            },
            Piece::End(delimiter) => {
                if self.fate == Fate::Open {
                    self.decide(current.rules);
                }
                if self.fate != Fate::Dropped {
                    self.out.extend_from_slice(delimiter);
                }
                self.fate = Fate::Open;
            }
        }
    }
}

impl Writer {
    /// What is left out leaves its ends of lines, so that an error's line is that of the dump.
    fn keep_lines(&mut self, bytes: &[u8]) {
        self.out.extend(bytes.iter().filter(|byte| **byte == b'\n'));
    }

    /// Keeps or drops the statement that was collected; a kept one is written as it is to be.
    fn decide(&mut self, rules: QuoteRules) {
        let text = std::mem::take(&mut self.text);
        self.fate = if self.keeps(&text[..text.len().min(HEAD_LIMIT)]) { Fate::Kept } else { Fate::Dropped };
        if self.fate == Fate::Dropped {
            self.keep_lines(&text);
        } else if holds_rows(&text) == Some(true) {
            if self.changes.escapes == Escapes::Undo {
                self.fate = Fate::Shortened;
                self.unescape = Unescape::default();
                self.unescape.feed(&text, &mut self.out);
            } else {
                self.out.extend_from_slice(&text);
            }
        } else {
            let changed = self.changed(text, rules);
            self.out.extend_from_slice(&changed);
        }
    }

    /// A definition as it is to be.
    fn changed(&mut self, text: Vec<u8>, rules: QuoteRules) -> Vec<u8> {
        self.session.note(&text);
        let Some(view) = self.view_of_absent(&text, rules) else { return self.adapted(text, rules) };
        let placeholder = self.placeholders.remove(&view).unwrap_or_default();
        let whole = self.adapted(text, rules);
        self.changes.postponed.keep(&view, &self.session, &whole);
        placeholder
    }

    /// A definition as this target wants it.
    fn adapted(&self, mut text: Vec<u8>, rules: QuoteRules) -> Vec<u8> {
        if self.changes.definers == Ownership::Skip
            && let Some(definer) = head::definer(&text)
        {
            text.drain(definer.place);
        }
        if let Some(disabled) = self.changes.events.disabled(&text, &self.session) {
            text = disabled;
        }
        if let Some(renaming) = &self.changes.renaming
            && let Some(other) = renamed(&text, rules, renaming)
        {
            text = other;
        }
        without_places(&text, rules, &self.changes.left_out).unwrap_or(text)
    }

    /// The view that `text` creates, where it reads a database that is not there.
    fn view_of_absent(&mut self, text: &[u8], rules: QuoteRules) -> Option<String> {
        if self.changes.absent.is_empty() {
            return None;
        }
        let view = head::created_view(text)?;
        let reads = |database: &String| {
            references(text, rules).iter().any(|reference| reference.database == *database)
        };
        if self.changes.absent.iter().any(reads) {
            return Some(view);
        }
        self.placeholders.insert(view, text.to_owned());
        None
    }

    fn keeps(&mut self, head: &[u8]) -> bool {
        let statement = head::statement(head);
        if statement == Statement::Session {
            // A restore is replicated like any other change: these three lines would keep it out of the binary log.
            return memmem::find(head, b"SQL_LOG_BIN").is_none()
                && memmem::find(head, b"TEMP_LOG_BIN").is_none();
        }
        // Nobody else uses what is being filled. With a lock held, MariaDB refuses a default that asks a sequence
        // (1100: `s` was not locked).
        if statement == Statement::Lock {
            return false;
        }
        if self.changes.rows == Rows::LeaveOut
            && (matches!(statement, Statement::Insert { .. }) || head::creates_event(head))
        {
            return false;
        }
        if self.changes.tables.is_empty() {
            return true;
        }
        let chosen = |table: &String| self.changes.tables.contains(table);
        match &statement {
            Statement::CreateTable(table) => {
                self.missing.remove(table);
                chosen(table)
            }
            Statement::Insert { table, .. } | Statement::Trigger { table } => chosen(table),
            // They were found not to be there: one that has come since is somebody else's.
            Statement::About { table, drops } => chosen(table) && !drops,
            Statement::Lock | Statement::Session | Statement::Other => false,
        }
    }
}
