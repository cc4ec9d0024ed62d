//! Rows as the bytes that their tables hold. A dump tool that converts to UTF-8 changes characters that have several places
//! in a character set, or none in Unicode: cp932 `ED40` comes back as `FA5C`. So the tool is told not to convert, and this
//! stage makes a dump of it that restores in a session of UTF-8 as any other: values of character sets outside Unicode are
//! marked as bytes (`_binary '…'`), and everything else stays what it is. A whole session without a character set would be
//! a trap: JSON and UUID refuse bytes, and defaults, partitions and routines would be bytes too.

use super::columns::{self, ColumnKind, Table};
use super::edit::{Scanned, Statements, edited};
use super::head::{self, Statement};
use super::scanner::{Current, HEAD_LIMIT, Piece, Sink};
use super::values::Values;
use crate::engine::{EngineError, Rewrite};
use memchr::memmem;
use std::io;
use std::sync::Arc;

/// The character set in which the tool converts nothing.
pub(super) const UNCONVERTED: &str = "binary";

/// The longest definition of a table that is read, and the longest list of columns before rows.
const WHOLE_LIMIT: usize = 16 * 1024 * 1024;

const NAMES: &[u8] = b"SET NAMES binary";
const NAMES_OF_DEFINITIONS: &[u8] = b"SET NAMES utf8mb4";

/// The stage behind a dump tool that converts nothing.
pub(super) fn marked_rows() -> Rewrite {
    Rewrite(Arc::new(|body| edited(body, Scanned::new(Writer::default()))))
}

/// How far the statement that goes by has been read, and what becomes of it.
#[derive(Default, PartialEq, Eq)]
enum RowStage {
    /// Not decided: its head is still being read.
    #[default]
    Open,
    /// It goes on as it is.
    Passes,
    /// The definition of a table, held until it is whole.
    Definition,
    /// Rows, whose list of columns is not whole yet.
    Columns(String),
    /// Rows.
    Rows(Values),
}

#[derive(Default)]
struct Writer {
    stage: RowStage,
    /// What was read of the statement and not written yet.
    held: Vec<u8>,
    /// The last table that was defined: its rows follow.
    table: Option<Table>,
    out: Vec<u8>,
    /// Why the dump must not be believed.
    problem: Option<String>,
}

impl Statements for Writer {
    fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    fn finish(&mut self) -> io::Result<()> {
        // What was cut off is the witness's to tell.
        let rest = std::mem::take(&mut self.held);
        self.out.extend_from_slice(&rest);
        match self.problem.take() {
            None => Ok(()),
            Some(problem) => Err(io::Error::other(EngineError::Answer {
                question: "read the dump tool's output".to_owned(),
                problem,
            })),
        }
    }
}

impl Sink for Writer {
    fn piece(&mut self, piece: Piece<'_>, current: &Current) {
        match piece {
            Piece::Space(bytes) | Piece::Command(bytes) | Piece::Comment(bytes) => {
                self.out.extend_from_slice(bytes);
            }
            Piece::CommentEnd => {}
            Piece::Statement(bytes) => match &mut self.stage {
                RowStage::Passes => self.out.extend_from_slice(bytes),
                RowStage::Rows(values) => values.feed(bytes, &mut self.out),
                RowStage::Definition | RowStage::Columns(_) => {
                    self.hold(bytes);
                    self.try_rows();
                }
                RowStage::Open => {
                    self.hold(bytes);
                    if current.head.len() >= HEAD_LIMIT {
                        self.decide(&current.head);
                    }
                }
            },
            Piece::End(delimiter) => {
                if self.stage == RowStage::Open {
                    self.decide(&current.head);
                }
                self.end();
                self.out.extend_from_slice(delimiter);
                self.stage = RowStage::Open;
            }
        }
    }
}

impl Writer {
    fn hold(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        if self.held.len() > WHOLE_LIMIT {
            self.fail("a statement about a table is longer than 16 MiB".to_owned());
            self.release();
        }
    }

    fn fail(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    /// Lets what is held go on as it is, and the rest of the statement after it.
    fn release(&mut self) {
        self.out.append(&mut self.held);
        self.stage = RowStage::Passes;
    }

    fn decide(&mut self, head: &[u8]) {
        match head::statement(head) {
            Statement::CreateTable(_) => self.stage = RowStage::Definition,
            Statement::Insert { table, .. } => {
                self.stage = RowStage::Columns(table);
                self.try_rows();
            }
            Statement::Session => {
                if let Some(at) = memmem::find(&self.held, NAMES) {
                    let rest = self.held.split_off(at + NAMES.len());
                    self.held.truncate(at);
                    self.held.extend_from_slice(NAMES_OF_DEFINITIONS);
                    self.held.extend_from_slice(&rest);
                }
                self.release();
            }
            _ => self.release(),
        }
    }

    /// Begins with the rows as soon as all before them has been read.
    fn try_rows(&mut self) {
        let RowStage::Columns(name) = &self.stage else { return };
        let Some(head) = columns::rows_head(&self.held) else { return };
        let Some(table) = self.table.as_ref().filter(|table| table.name == *name) else {
            let problem = format!("rows of `{name}` come without the definition of the table");
            self.fail(problem);
            self.release();
            return;
        };
        let kinds = table.kinds(head.columns.as_deref());
        if !kinds.iter().any(|kind| *kind != ColumnKind::AsWritten) {
            self.release();
            return;
        }
        let mut values = Values::new(kinds);
        let read = std::mem::take(&mut self.held);
        self.out.extend_from_slice(&read[..head.length]);
        values.feed(&read[head.length..], &mut self.out);
        self.stage = RowStage::Rows(values);
    }

    fn end(&mut self) {
        match &mut self.stage {
            RowStage::Definition => {
                match columns::table(&self.held) {
                    Ok(table) => self.table = Some(table),
                    Err(problem) => self.fail(problem),
                }
                self.release();
            }
            RowStage::Columns(name) => {
                let problem = format!("rows of `{name}` that cannot be understood");
                self.fail(problem);
                self.release();
            }
            RowStage::Rows(values) => values.finish(&mut self.out),
            RowStage::Open | RowStage::Passes => {}
        }
    }
}
