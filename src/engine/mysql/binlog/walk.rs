//! Follows the log, event by event, and says what of it is to be done for the chosen databases. It runs twice over the same log: first
//! to find what cannot be done, and which prepared transactions were committed; then to do it.

use super::frame::{Frame, kinds};
use super::payload::Payload;
use super::query::{Query, query};
use super::rows;
use super::scope::{LogScope, Place};
use super::statement::{Definition, Kind, Meaning, meaning, names_any};
use super::text::{shown, with_names, without_transaction, xa_id};
use super::xa::{Groups, Outcome};
use crate::engine::mysql::qualified::{Renaming, renamed};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What a reader that does not know an event may do.
const MAY_BE_PASSED_OVER: u16 = 0x80;

const MARIADB_STANDALONE: u8 = 1;
const MARIADB_GROUP_COMMIT: u8 = 2;
const MARIADB_PREPARED_XA: u8 = 64;
const MARIADB_COMPLETED_XA: u8 = 128;
const MARIADB_START_ALTER: u8 = 2;
const MARIADB_ROLLBACK_ALTER: u8 = 8;

/// One thing to do on the server.
#[derive(Debug)]
pub(super) enum Action {
    /// A file of the log begins, whose events are written like this.
    Format(Vec<u8>),
    Begin,
    Commit,
    Rollback,
    /// Rows for a table that is named by one of `tables`.
    Rows(RowsAction),
    /// A statement.
    Run(Statement),
}

/// Rows for a table.
#[derive(Debug)]
pub(super) struct RowsAction {
    /// Events that name the tables of the statement.
    pub(super) tables: Vec<Vec<u8>>,
    pub(super) rows: Frame,
    pub(super) time: u32,
}

/// A statement to run.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) query: Query,
    pub(super) kind: Kind,
    /// In control of a transaction, and no definition.
    pub(super) control: bool,
    /// The databases that it changes, by their names on the target.
    pub(super) databases: Vec<String>,
}

/// The state of the walk.
#[derive(Debug)]
pub(in crate::engine::mysql) struct Walker {
    scope: LogScope,
    pub(super) groups: Groups,
    /// Why the log cannot be replayed, the first that was found.
    pub(super) hindrance: Option<String>,
    /// Rights that statements take, by the name of the database on the target.
    pub(super) rights: BTreeSet<(String, &'static str)>,
    /// The longest statement that applies rows.
    pub(super) longest: u64,
    /// The number of the file that is being read.
    file: u64,
    /// Where the group of events begins that is being read.
    group: Place,
    /// What a group is in.
    inside: Inside,
    /// Whether what a group does was begun on the target.
    begun: bool,
    /// Tables of the statement that is being read, by their numbers; `None` is one that does not concern.
    tables: BTreeMap<u64, Option<NamedTable>>,
}

/// A table whose rows concern.
#[derive(Debug)]
struct NamedTable {
    /// Its database on the target.
    database: String,
    event: Vec<u8>,
}

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Transaction,
    /// One that is prepared first, and what became of it where that is known.
    Prepared(Option<Outcome>),
    /// Part of a change of a table that is written twice.
    PassedOver,
}

type Actions = Vec<Action>;

impl Walker {
    pub(in crate::engine::mysql) fn new(scope: LogScope, groups: Groups) -> Self {
        Self {
            scope,
            groups,
            hindrance: None,
            rights: BTreeSet::new(),
            longest: 0,
            file: 0,
            group: Place::default(),
            inside: Inside::Nothing,
            begun: false,
            tables: BTreeMap::new(),
        }
    }

    /// A part begins, of the file with this number.
    pub(super) fn begin_part(&mut self, file: u64) {
        self.file = file;
    }

    /// Whether the log may end here.
    pub(super) fn is_between(&self) -> bool {
        self.inside == Inside::Nothing
    }

    /// The next event.
    pub(super) fn take(&mut self, frame: &Frame, out: &mut Actions) {
        let kind = frame.kind();
        match kind {
            kinds::FORMAT => out.push(Action::Format(frame.bytes.clone())),
            kinds::GTID | kinds::ANONYMOUS_GTID | kinds::TAGGED_GTID => self.begin_group(frame),
            kinds::MARIADB_GTID => self.mariadb_group(frame),
            kinds::QUERY | kinds::MARIADB_QUERY_PACKED => self.query(frame, out),
            kinds::TABLE_MAP => self.table(frame),
            _ if rows::holds_rows(kind) => self.rows(frame, out),
            kinds::XID => self.commit(out),
            kinds::XA_PREPARE => self.prepared(frame, out),
            kinds::PAYLOAD => self.payload(frame, out),
            kinds::INCIDENT => self.hinder("the server says that events of its log are lost"),
            kinds::BEGIN_LOAD | kinds::EXECUTE_LOAD => self.hinder_statement(b"LOAD DATA"),
            kinds::STOP
            | kinds::ROTATE
            | kinds::INTVAR
            | kinds::RAND
            | kinds::USER_VAR
            | kinds::HEARTBEAT
            | kinds::HEARTBEAT_2
            | kinds::IGNORABLE
            | kinds::ROWS_QUERY
            | kinds::PREVIOUS_GTIDS
            | kinds::TRANSACTION_CONTEXT
            | kinds::VIEW_CHANGE
            | kinds::MARIADB_ANNOTATE
            | kinds::MARIADB_CHECKPOINT
            | kinds::MARIADB_GTID_LIST
            | kinds::MARIADB_ENCRYPTION => {}
            _ if frame.flags() & MAY_BE_PASSED_OVER != 0 => {}
            other => self.hinder(&format!("the log holds events of kind {other}, which are not known")),
        }
    }

    fn hinder(&mut self, why: &str) {
        let (file, offset) = (self.file, self.group.offset);
        self.hindrance.get_or_insert_with(|| format!("{why} (file {file} of the log, from offset {offset})"));
    }

    fn hinder_statement(&mut self, sql: &[u8]) {
        self.hinder(&format!(
            "a statement changed rows, and is written as it was and not as the rows that it changed: `{}`",
            shown(sql)
        ));
    }

    fn begin_group(&mut self, frame: &Frame) {
        self.group = Place { file: self.file, offset: frame.offset };
        self.inside = Inside::Nothing;
    }

    /// MariaDB says in front of a group what it is.
    fn mariadb_group(&mut self, frame: &Frame) {
        self.begin_group(frame);
        let body = frame.body();
        let Some(flags) = body.get(12).copied() else { return };
        let mut at = if flags & MARIADB_GROUP_COMMIT != 0 { 13 + 8 } else { 13 };
        if flags & (MARIADB_PREPARED_XA | MARIADB_COMPLETED_XA) != 0 {
            let Some(id) = xa_id(body.get(at..).unwrap_or_default()) else {
                return self.hinder("a prepared transaction that is not understood");
            };
            at += id.1;
            if flags & MARIADB_PREPARED_XA != 0 {
                self.inside = Inside::Prepared(self.groups.begin(&id.0));
                return;
            }
        }
        let more = body.get(at).copied().unwrap_or_default();
        self.inside = if more & (MARIADB_START_ALTER | MARIADB_ROLLBACK_ALTER) != 0 {
            Inside::PassedOver
        } else if flags & MARIADB_STANDALONE == 0 {
            Inside::Transaction
        } else {
            Inside::Nothing
        };
    }

    /// Whether what is read now is done.
    fn is_done(&self) -> bool {
        match self.inside {
            Inside::Nothing | Inside::Transaction => true,
            Inside::Prepared(outcome) => outcome.is_none_or(|outcome| outcome == Outcome::Committed),
            Inside::PassedOver => false,
        }
    }

    fn begin(&mut self, out: &mut Actions) {
        if !self.begun && self.inside != Inside::Nothing {
            self.begun = true;
            out.push(Action::Begin);
        }
    }

    fn end(&mut self, action: Action, out: &mut Actions) {
        if std::mem::take(&mut self.begun) {
            out.push(action);
        }
        self.inside = Inside::Nothing;
    }

    fn commit(&mut self, out: &mut Actions) {
        self.end(Action::Commit, out);
    }

    /// The end of a transaction that is prepared, or that is committed in the same step.
    fn prepared(&mut self, frame: &Frame, out: &mut Actions) {
        if frame.body().first() == Some(&1) {
            self.groups.commit_last();
        }
        self.commit(out);
    }

    fn payload(&mut self, frame: &Frame, out: &mut Actions) {
        let mut walk = || {
            let mut payload = Payload::of(frame)?;
            while let Some(inner) = payload.next()? {
                if inner.kind() == kinds::PAYLOAD {
                    return Err("a packed transaction inside another".to_owned());
                }
                self.take(&inner, out);
            }
            Ok(())
        };
        let walked: Result<(), String> = walk();
        if let Err(problem) = walked {
            self.hinder(&problem);
        }
    }

    fn table(&mut self, frame: &Frame) {
        let (Some(id), Some(database)) = (rows::table_id(frame), rows::database_of(frame)) else {
            return self.hinder("rows of a table that is not named");
        };
        let named = self.scope.at(&database, self.group).map(str::to_owned);
        let prepared = matches!(self.inside, Inside::Prepared(_));
        if prepared && named.is_none() && self.scope.holds(&database) {
            self.groups.passed_over_rows();
        }
        let table = named.and_then(|name| {
            let event =
                if name == database { Some(frame.bytes.clone()) } else { rows::renamed(frame, &name) };
            Some(NamedTable { event: event?, database: name })
        });
        self.tables.insert(id, table);
    }

    fn rows(&mut self, frame: &Frame, out: &mut Actions) {
        let table = rows::table_id(frame).and_then(|id| self.tables.get(&id)).and_then(Option::as_ref);
        let database = table.map(|table| table.database.clone());
        if let Some(database) = database.filter(|_| self.is_done()) {
            self.begin(out);
            self.rights.extend(rows::right_for(frame.kind()).map(|right| (database, right)));
            let tables: Vec<Vec<u8>> =
                self.tables.values().flatten().map(|table| table.event.clone()).collect();
            let bytes = tables.iter().map(Vec::len).sum::<usize>() + frame.bytes.len();
            self.longest = self.longest.max(bytes as u64);
            out.push(Action::Rows(RowsAction { tables, rows: frame.clone(), time: frame.time() }));
        }
        if rows::ends_statement(frame) {
            self.tables.clear();
        }
    }

    fn query(&mut self, frame: &Frame, out: &mut Actions) {
        let Some(query) = query(frame) else {
            return self.hinder("a statement that is not understood");
        };
        if query.misleading && self.mentions(&query) {
            let shown = shown(&query.sql);
            return self.hinder(&format!("a statement in a character set whose bytes mislead: `{shown}`"));
        }
        match meaning(&query.sql, query.rules) {
            Meaning::Begin => self.inside = Inside::Transaction,
            Meaning::Commit => self.commit(out),
            Meaning::Rollback => self.end(Action::Rollback, out),
            Meaning::Savepoint => {
                if self.is_done() {
                    self.begin(out);
                    let databases = Vec::new();
                    out.push(Action::Run(Statement { query, kind: Kind::Other, control: true, databases }));
                }
            }
            Meaning::XaStart(id) => self.inside = Inside::Prepared(self.groups.begin(&id)),
            Meaning::XaEnd | Meaning::Aside => {}
            Meaning::XaCommit(id) => {
                if let Err(problem) = self.groups.commit(&id) {
                    self.hinder(&problem);
                }
            }
            Meaning::XaRollback(id) => self.groups.roll_back(&id),
            Meaning::Defines(found) => {
                if self.is_done() {
                    self.define(query, &found, out);
                }
            }
            Meaning::Rows => {
                if self.mentions(&query) {
                    self.hinder_statement(&query.sql);
                }
            }
            Meaning::Unknown => {
                if self.mentions(&query) {
                    let shown = shown(&query.sql);
                    self.hinder(&format!("it cannot be told what a statement changes: `{shown}`"));
                }
            }
        }
    }

    /// Whether a statement may concern what is chosen.
    fn mentions(&self, query: &Query) -> bool {
        self.scope.at(&query.database, self.group).is_some()
            || names_any(&query.sql, query.rules, |word| self.scope.at(word, self.group).is_some())
    }

    /// A statement that changes definitions: it is run when all that it changes is chosen, and passed over when nothing is.
    fn define(&mut self, mut query: Query, found: &Definition, out: &mut Actions) {
        let Self { scope, group, .. } = self;
        let database =
            |name: &super::statement::Name| name.database.clone().unwrap_or_else(|| query.database.clone());
        let all: Vec<String> = found.targets.iter().map(database).collect();
        let chosen: Vec<String> =
            all.iter().filter_map(|name| scope.at(name, *group)).map(str::to_owned).collect();
        if chosen.is_empty() {
            return;
        }
        let shown = || shown(&query.sql);
        if !query.understood {
            let problem = format!("a statement of a session whose settings are not known: `{}`", shown());
            return self.hinder(&problem);
        }
        if chosen.len() != all.len() {
            let other = all.iter().find(|name| scope.at(name, *group).is_none()).cloned().unwrap_or_default();
            let problem = format!("a statement changes `{other}` too, which is not chosen: `{}`", shown());
            return self.hinder(&problem);
        }
        let sources: Vec<String> = found.sources.iter().map(database).collect();
        if let Some(other) = sources.iter().find(|name| scope.at(name, *group).is_none()) {
            let problem =
                format!("a table is made like one of `{other}`, which is not chosen: `{}`", shown());
            return self.hinder(&problem);
        }
        let places = found.targets.iter().chain(&found.sources).filter_map(|name| {
            let named = scope.at(name.database.as_deref()?, *group)?;
            Some((name.place.clone()?, named.to_owned()))
        });
        let places: Vec<(Range<usize>, String)> = places.collect();
        if let Some(changes) = scope.changes() {
            query.sql = with_names(&query.sql, places);
            for (from, to) in changes {
                let change = Renaming { from, to, folds_case: scope.folds_case };
                if let Some(text) = renamed(&query.sql, query.rules, &change) {
                    query.sql = text;
                }
            }
        }
        if let Some(named) = scope.at(&query.database, *group) {
            named.clone_into(&mut query.database);
        }
        query.sql = without_transaction(query.sql);
        self.rights
            .extend(found.right.iter().flat_map(|right| chosen.iter().map(|name| (name.clone(), *right))));
        // A definition ends a transaction; what of it comes behind is one of its own.
        if std::mem::take(&mut self.begun) {
            out.push(Action::Commit);
        }
        out.push(Action::Run(Statement { query, kind: found.kind, control: false, databases: chosen }));
    }
}
