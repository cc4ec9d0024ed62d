//! What is changed of a dump on its way into a server. Rows are never touched.

use super::edit::{Edit, edited};
use super::head::{self, Statement};
use super::scanner::{Current, HEAD_LIMIT, Piece, Scanner, Sink};
use crate::engine::{EngineError, Ownership, Rewrite};
use memchr::memmem;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// What is left out or taken.
#[derive(Debug, Clone)]
pub(super) struct Changes {
    /// Definers of views, routines, triggers and events.
    pub(super) definers: Ownership,
    /// Only these tables, with their rows and triggers; empty means everything.
    pub(super) tables: Vec<String>,
}

/// The stage.
pub(super) fn rewrite(changes: Changes) -> Rewrite {
    Rewrite(Arc::new(move |body| edited(body, Editor::new(changes.clone()))))
}

struct Editor {
    scanner: Scanner,
    writer: Writer,
}

impl Editor {
    fn new(changes: Changes) -> Self {
        let missing = changes.tables.iter().cloned().collect();
        let writer = Writer { changes, missing, fate: Fate::Open, seen: 0, out: Vec::new() };
        Self { scanner: Scanner::new(), writer }
    }
}

impl Edit for Editor {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        std::mem::swap(&mut self.writer.out, out);
        self.scanner.feed(bytes, &mut self.writer);
        std::mem::swap(&mut self.writer.out, out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        std::mem::swap(&mut self.writer.out, out);
        self.scanner.finish(&mut self.writer);
        std::mem::swap(&mut self.writer.out, out);
        let missing: Vec<String> = self.writer.missing.iter().map(|table| format!("`{table}`")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(io::Error::other(EngineError::NotFound {
            what: format!("table {}", missing.join(", ")),
            place: " in the backup".to_owned(),
            help: "Name tables as the backup has them; views are not restored one by one.".to_owned(),
        }))
    }
}

/// What becomes of the statement that goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Not decided: its head is still being read.
    Open,
    Kept,
    Dropped,
}

struct Writer {
    changes: Changes,
    /// Chosen tables that have not come by.
    missing: BTreeSet<String>,
    fate: Fate,
    /// How much of the statement has been seen.
    seen: usize,
    out: Vec<u8>,
}

impl Sink for Writer {
    fn piece(&mut self, piece: Piece<'_>, current: &Current) {
        match piece {
            Piece::Space(bytes) | Piece::Command(bytes) => self.out.extend_from_slice(bytes),
            // Among them is the sandbox line, a command that older clients stumble over.
            Piece::Comment(bytes) => self.keep_lines(bytes),
            Piece::CommentEnd => {}
            Piece::Statement(bytes) => {
                self.seen += bytes.len();
                match self.fate {
                    Fate::Kept => self.out.extend_from_slice(bytes),
                    Fate::Dropped => self.keep_lines(bytes),
                    Fate::Open if current.head.len() >= HEAD_LIMIT => {
                        self.decide(&current.head);
                        // What came after the head in the same slice.
                        let rest = &bytes[bytes.len() - (self.seen - HEAD_LIMIT)..];
                        if self.fate == Fate::Kept {
                            self.out.extend_from_slice(rest);
                        } else {
                            self.keep_lines(rest);
                        }
                    }
                    Fate::Open => {}
                }
            }
            Piece::End(delimiter) => {
                if self.fate == Fate::Open {
                    self.decide(&current.head);
                }
                if self.fate == Fate::Kept {
                    self.out.extend_from_slice(delimiter);
                }
                self.fate = Fate::Open;
                self.seen = 0;
            }
        }
    }
}

impl Writer {
    /// What is left out leaves its ends of lines, so that an error's line is that of the dump.
    fn keep_lines(&mut self, bytes: &[u8]) {
        self.out.extend(bytes.iter().filter(|byte| **byte == b'\n'));
    }

    /// Keeps or drops the statement that begins with `head`; a kept one's head is written.
    fn decide(&mut self, head: &[u8]) {
        self.fate = if self.keeps(head) { Fate::Kept } else { Fate::Dropped };
        if self.fate == Fate::Dropped {
            self.keep_lines(head);
            return;
        }
        let definer = (self.changes.definers == Ownership::Skip).then(|| head::definer(head)).flatten();
        match definer {
            Some(definer) => {
                self.out.extend_from_slice(&head[..definer.place.start]);
                self.out.extend_from_slice(&head[definer.place.end..]);
            }
            None => self.out.extend_from_slice(head),
        }
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
