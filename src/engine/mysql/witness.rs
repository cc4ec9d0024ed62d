//! Watches a dump go by: whole or not, what it holds, and where in the binary log it stands.

use super::definition::kinds;
use super::head::{self, Statement};
use super::needed::Watched;
use super::scanner::{Current, Piece, Scanner, Sink};
use super::syntax::begins_sandbox_line;
use crate::model::{Contents, LogPosition, Needs, TableRows, Witness, WitnessError};
use std::collections::{BTreeMap, BTreeSet};

const FORMAT: &str = "SQL dump";

/// The first comment of every dump, of either family.
const HEADERS: [&[u8]; 2] = [b"-- MySQL dump", b"-- MariaDB dump"];

/// The last one. It is written only when everything before it was.
const MARKER: &[u8] = b"-- Dump completed";

/// What is kept of one comment: a set of transactions is in some.
const COMMENT_LIMIT: usize = 256 * 1024;

/// Watches one dump of one database.
#[derive(Debug)]
pub(super) struct DumpWitness {
    scanner: Scanner,
    tally: Tally,
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Tally {
    comment: Vec<u8>,
    begun: Begun,
    /// Whether the marker was the last thing that was not white space.
    marked: bool,
    tables: BTreeMap<String, u64>,
    /// Tables as triggers name them.
    triggered: BTreeSet<String>,
    owners: BTreeSet<String>,
    place: Option<(String, u64)>,
    /// Transactions in the dump, as MySQL's tool writes them, and as MariaDB's does.
    purged: Option<String>,
    slave_pos: Option<String>,
    watched: Watched,
    /// Bytes of the statement that goes by.
    length: u64,
    needs: Needs,
}

/// Whether it began as a dump does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// Nothing that tells has come by.
    #[default]
    NotYet,
    /// It did.
    Well,
    /// It did not.
    Otherwise,
}

impl DumpWitness {
    /// `needs` is what is known before the dump begins.
    pub(super) fn new(needs: Needs) -> Self {
        Self { scanner: Scanner::new(), tally: Tally { needs, ..Tally::default() } }
    }
}

impl Witness for DumpWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        self.scanner.feed(bytes, &mut self.tally);
        if self.tally.begun == Begun::Otherwise {
            let problem = "it does not begin as a dump does".to_owned();
            return Err(WitnessError::Malformed { format: FORMAT, problem });
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        let between = self.scanner.finish(&mut self.tally);
        if !between || !self.tally.marked || self.tally.begun != Begun::Well {
            let problem =
                if between { "it ends without `-- Dump completed`" } else { "it ends inside a statement" };
            return Err(WitnessError::Incomplete { format: FORMAT, problem: problem.to_owned() });
        }
        let mut tally = std::mem::take(&mut self.tally);
        let mut needs = tally.watched.finish();
        if let Some(table) = in_another_case(&tally.triggered, &tally.tables) {
            needs.tables.insert(kinds::OTHER_CASE.to_owned(), table.clone());
        }
        let gtid = tally.purged.or(tally.slave_pos);
        let tables = tally.tables.into_iter().map(|(table, rows)| TableRows {
            schema: String::new(),
            table,
            rows,
            fleeting: false,
        });
        Ok(Some(Contents {
            tables: tables.collect(),
            owners: tally.owners.into_iter().collect(),
            position: tally.place.map(|(file, offset)| LogPosition { file, offset, gtid }),
            needs: Needs {
                longest_statement: tally.needs.longest_statement,
                longest_unescaped: tally.needs.longest_unescaped,
                statement_limit: tally.needs.statement_limit,
                folds_names: tally.needs.folds_names,
                ..needs
            },
            ..Contents::default()
        }))
    }
}

/// A table that a trigger names as it is not called. A server that folds names has made it so all the same.
fn in_another_case<'t>(
    triggered: &'t BTreeSet<String>,
    tables: &BTreeMap<String, u64>,
) -> Option<&'t String> {
    let folded: BTreeSet<String> = tables.keys().map(|table| table.to_lowercase()).collect();
    triggered.iter().find(|table| !tables.contains_key(*table) && folded.contains(&table.to_lowercase()))
}

impl Sink for Tally {
    fn piece(&mut self, piece: Piece<'_>, current: &Current) {
        self.watched.piece(piece, current);
        match piece {
            Piece::Space(_) => {}
            Piece::Comment(bytes) => {
                self.marked = false;
                let room = COMMENT_LIMIT.saturating_sub(self.comment.len());
                self.comment.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Piece::CommentEnd => {
                let comment = std::mem::take(&mut self.comment);
                self.read_comment(&comment);
            }
            Piece::Command(_) | Piece::Statement(_) => {
                if let Piece::Statement(bytes) = piece {
                    self.length += bytes.len() as u64;
                }
                self.marked = false;
                if self.begun == Begun::NotYet {
                    self.begun = Begun::Otherwise;
                }
            }
            Piece::End(_) => self.read_statement(current),
        }
    }
}

impl Tally {
    fn read_statement(&mut self, current: &Current) {
        let length = std::mem::take(&mut self.length);
        let needs = &mut self.needs;
        needs.longest_statement = needs.longest_statement.max(length);
        needs.longest_unescaped = needs.longest_unescaped.max(length - current.needless_escapes);
        match head::statement(&current.head) {
            Statement::CreateTable(table) => {
                self.tables.entry(table).or_insert(0);
            }
            Statement::Insert { table, columns } => {
                let rows = current.groups.saturating_sub(u64::from(columns));
                *self.tables.entry(table).or_insert(0) += rows;
            }
            statement => {
                if let Statement::Trigger { table } = statement {
                    self.triggered.insert(table);
                }
                self.owners.extend(head::definer(&current.head).map(|definer| definer.account));
            }
        }
    }

    fn read_comment(&mut self, comment: &[u8]) {
        let comment = comment.trim_ascii();
        if self.begun == Begun::NotYet && !begins_sandbox_line(comment) {
            let begins = HEADERS.iter().any(|header| comment.starts_with(header));
            self.begun = if begins { Begun::Well } else { Begun::Otherwise };
        }
        self.marked = comment.starts_with(MARKER);
        if comment.starts_with(b"-- CHANGE ") && self.place.is_none() {
            self.place = coordinates(&String::from_utf8_lossy(comment));
        } else if comment.starts_with(b"-- SET GLOBAL gtid_slave_pos=") {
            // The tool writes it after everything that users named.
            self.slave_pos = gtids(comment);
        } else if comment.starts_with(b"/* SET @@GLOBAL.GTID_PURGED=") && self.purged.is_none() {
            self.purged = gtids(comment);
        }
    }
}

/// `-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='binlog.000003', SOURCE_LOG_POS=1408;`, and with `MASTER`.
fn coordinates(comment: &str) -> Option<(String, u64)> {
    let file = comment.split_once("_LOG_FILE='")?.1.split_once('\'')?.0;
    let digits = comment.split_once("_LOG_POS=")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    Some((file.to_owned(), digits[..end].parse().ok()?))
}

/// The set between the quotes, on one line. One that was cut is none.
fn gtids(comment: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(comment);
    let set = text.split_once('\'')?.1.split_once('\'')?.0;
    Some(set.trim_start_matches('+').split_whitespace().collect())
}
