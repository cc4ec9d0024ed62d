//! The log is run: rows as the events that they are, statements in a session like the one that ran them.

use super::frame::Frames;
use super::query::{COLLATIONS, Query};
use super::rows;
use super::statement::Kind;
use super::walk::{Action, RowsAction, Statement, Walker};
use super::witness::Range;
use crate::engine::mysql::connection::Connection;
use crate::engine::mysql::events::{Disabled, DisabledEvents};
use crate::engine::mysql::facts::MySqlServer;
use crate::engine::mysql::head;
use crate::engine::mysql::places::{LeftOut, without_places};
use crate::engine::mysql::quote::identifier;
use crate::engine::mysql::wire::{Session, SessionError};
use crate::engine::mysql::words::words;
use crate::engine::{EngineError, Lifetime, Ownership, StreamError};
use crate::model::{ByteReader, EngineKind, help};
use crate::process::FeedError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use tokio::io::AsyncReadExt as _;

const SLICE_BYTES: usize = 256 << 10;

/// A database in which nothing can be made: used where none was in use.
const NOWHERE: &str = "information_schema";
const UNKNOWN_DATABASE: u16 = 1049;
/// The first number of the collations that MariaDB has since 10.10.
const FIRST_LATER_COLLATION: u16 = 2048;

/// A log that is being run.
pub(super) struct LogRun {
    connection: Connection,
    /// Nothing in the log of a file may end a transaction that is applied.
    prologue: &'static [&'static str],
    definers: Ownership,
    left_out: LeftOut,
    events: DisabledEvents,
    under_way: Option<UnderWay>,
}

/// What statements of the log become.
struct Manner<'a> {
    definers: Ownership,
    left_out: &'a LeftOut,
    events: &'a DisabledEvents,
}

struct UnderWay {
    session: Session,
    mysql: bool,
    /// Whether the server lets a session say what a character set means by itself.
    has_collations: bool,
    walker: Walker,
    /// Settings that the session has, by name.
    settings: BTreeMap<String, String>,
    database: Option<String>,
    range: Option<Range>,
}

impl LogRun {
    pub(super) fn new(server: &MySqlServer, definers: Ownership, lifetime: Lifetime) -> Self {
        let mysql = server.client.connection.flavor.kind == EngineKind::MySql;
        Self {
            connection: server.client.connection.clone(),
            prologue: if mysql {
                &[
                    "SET NAMES utf8mb4",
                    "SET SESSION wait_timeout = 604800, net_read_timeout = 86400, innodb_strict_mode = OFF",
                ]
            } else {
                &[
                    "SET NAMES utf8mb4",
                    "SET SESSION wait_timeout = 604800, net_read_timeout = 86400, innodb_strict_mode = OFF, max_statement_time = 0, \
                     idle_transaction_timeout = 0, idle_write_transaction_timeout = 0",
                ]
            },
            definers,
            // Nothing outside of a server that is thrown away is written to, and it has no keys.
            left_out: match lifetime {
                Lifetime::ThrownAway => LeftOut { directories: true, encryption: true, ..LeftOut::default() },
                Lifetime::Lasting => LeftOut::default(),
            },
            events: Arc::clone(&server.events),
            under_way: None,
        }
    }

    /// Connects.
    pub(super) async fn begin(&mut self, walker: Walker) -> Result<(), EngineError> {
        let doing = "replay the binary log";
        let failed = |error: SessionError| error.into_engine(&self.connection, doing);
        let mut session = Session::open(&self.connection.settings).await.map_err(failed)?;
        for sql in self.prologue {
            session.run(sql.as_bytes()).await.map_err(failed)?;
        }
        let (settings, database) = (BTreeMap::new(), None);
        let mysql = self.connection.flavor.kind == EngineKind::MySql;
        let asked = session.ask("SHOW VARIABLES LIKE 'character_set_collations'").await;
        let has_collations = !asked.map_err(failed)?.is_empty();
        self.under_way =
            Some(UnderWay { session, mysql, has_collations, walker, settings, database, range: None });
        Ok(())
    }

    /// Runs one part.
    pub(super) async fn part(&mut self, range: &Range, mut body: ByteReader<'_>) -> Result<(), StreamError> {
        let Some(run) = &mut self.under_way else { return Err(changed("its first part is missing").into()) };
        run.walker.begin_part(range.number);
        run.range = Some(range.clone());
        let manner = Manner { definers: self.definers, left_out: &self.left_out, events: &self.events };
        let (mut frames, mut slice) = (Frames::at(range.from), vec![0; SLICE_BYTES]);
        loop {
            let length = body.read(&mut slice).await.map_err(|source| FeedError::Body {
                label: format!("the binary log {}", range.file),
                source,
            })?;
            let mut found = Vec::new();
            let walked = if length == 0 {
                frames.finish()
            } else {
                frames.feed(&slice[..length], &mut |frame| {
                    found.push(frame);
                    Ok(())
                })
            };
            walked.map_err(|error| changed(error.to_string()))?;
            for frame in found {
                let mut actions = Vec::new();
                run.walker.take(&frame, &mut actions);
                if let Some(problem) = &run.walker.hindrance {
                    return Err(changed(problem.clone()).into());
                }
                for action in actions {
                    let offset = frame.offset;
                    let applied = run.apply(action, &manner).await;
                    applied.map_err(|error| run.failed(error, &self.connection, offset))?;
                }
            }
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// The last part has ended.
    pub(super) fn end(&mut self) -> Result<(), EngineError> {
        let Some(run) = self.under_way.take() else { return Ok(()) };
        if run.walker.is_between() { Ok(()) } else { Err(changed("it ends inside a transaction")) }
    }
}

impl UnderWay {
    /// Where it failed, and why.
    fn failed(&self, error: SessionError, connection: &Connection, offset: u64) -> EngineError {
        let file = self.range.as_ref().map_or("", |range| range.file.as_str());
        error.into_engine(connection, &format!("replay the binary log ({file}, offset {offset})"))
    }

    async fn apply(&mut self, action: Action, manner: &Manner<'_>) -> Result<(), SessionError> {
        match action {
            Action::Format(event) => {
                self.session.run(&binlog(&[event])).await?;
                // MySQL expects a number in front of each transaction from then on, unless it is told to give them itself.
                if self.mysql {
                    self.session.run(b"SET SESSION gtid_next = 'AUTOMATIC'").await
                } else {
                    Ok(())
                }
            }
            Action::Begin => self.session.run(b"START TRANSACTION").await,
            Action::Commit => self.session.run(b"COMMIT").await,
            Action::Rollback => self.session.run(b"ROLLBACK").await,
            Action::Rows(rows) => self.rows(rows).await,
            Action::Run(statement) => self.statement(statement, manner).await,
        }
    }

    /// Rows go in as they are: no text, no triggers, no rounding.
    async fn rows(&mut self, action: RowsAction) -> Result<(), SessionError> {
        self.set(&[format!("timestamp = {}.000000", action.time)]).await?;
        let rows = rows::as_statement(&action.rows, true).ok_or_else(|| SessionError::Refused {
            number: 0,
            text: "rows that cannot be unpacked".to_owned(),
        })?;
        let mut all = action.tables;
        all.push(rows);
        self.session.run(&binlog(&all)).await
    }

    async fn statement(&mut self, statement: Statement, manner: &Manner<'_>) -> Result<(), SessionError> {
        let Statement { mut query, kind, control, databases } = statement;
        if self.has_collations && !query.settings.iter().any(|setting| setting.starts_with(COLLATIONS)) {
            query.settings.push(COLLATIONS.to_owned());
        }
        self.set(&query.settings).await?;
        let mut sql = query.sql.clone();
        if !control {
            self.use_database(&query.database).await?;
            self.set(&query.settings).await?;
            if let Some(text) = without_places(&sql, query.rules, manner.left_out) {
                sql = text;
            }
            if manner.definers == Ownership::Skip
                && let Some(definer) = head::definer(&sql)
            {
                sql.drain(definer.place);
            }
            if kind == Kind::Event {
                sql = self.event(sql, &query, &databases, manner.events).await?;
            }
        }
        match self.session.run(&sql).await {
            // It failed there too, and did what it did.
            Err(SessionError::Refused { number, .. }) if number == query.error && number != 0 => Ok(()),
            Err(SessionError::Refused { number, text }) => {
                let shown: String = String::from_utf8_lossy(&sql).chars().take(200).collect();
                Err(SessionError::Refused { number, text: format!("{text}, of the statement `{shown}`") })
            }
            ran => ran,
        }?;
        if kind == Kind::Database {
            // The one in use may be gone, with its events.
            self.database = None;
            if words(&sql, query.rules).first().is_some_and(|word| word.is("drop")) {
                let known = manner.events.lock().unwrap_or_else(PoisonError::into_inner);
                databases.iter().filter_map(|database| known.get(database)).for_each(Disabled::clear);
            }
        }
        Ok(())
    }

    /// Nothing of an event may run before everything is there.
    async fn event(
        &mut self,
        sql: Vec<u8>,
        query: &Query,
        databases: &[String],
        events: &DisabledEvents,
    ) -> Result<Vec<u8>, SessionError> {
        let said = self.session.ask("SELECT @@character_set_client, @@collation_connection").await?;
        let text =
            |at: usize| said.first().and_then(|row| row.get(at)).cloned().flatten().unwrap_or_default();
        let (client, collation) = (text(0), text(1));
        let session = format!(
            "SET SESSION character_set_client = {client};\nSET SESSION collation_connection = {collation};\n"
        );
        let Some(database) = databases.first() else { return Ok(sql) };
        let known = events.lock().unwrap_or_else(PoisonError::into_inner);
        let none = Disabled::default();
        let disabled = known.get(database).unwrap_or(&none);
        Ok(disabled.followed(&sql, query.rules, &session))
    }

    /// Gives the session the settings that it does not have.
    async fn set(&mut self, settings: &[String]) -> Result<(), SessionError> {
        let mut wanted = Vec::new();
        for setting in settings {
            let Some((name, value)) = setting.split_once(" = ") else { continue };
            if self.settings.get(name).is_none_or(|has| has != value) {
                self.settings.insert(name.to_owned(), value.to_owned());
                wanted.push(setting.as_str());
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let mut named = Vec::new();
        for setting in wanted {
            named.extend(self.named(setting).await?);
        }
        if named.is_empty() {
            return Ok(());
        }
        self.session.run(format!("SET SESSION {}", named.join(", SESSION ")).as_bytes()).await
    }

    /// A character set stands in the log as the number of a collation. MariaDB has some that it does not take for one.
    async fn named(&mut self, setting: &str) -> Result<Option<String>, SessionError> {
        if let Some(numbers) = setting.strip_prefix(COLLATIONS) {
            let sql = format!(
                "SELECT QUOTE(IFNULL(GROUP_CONCAT(CHARACTER_SET_NAME, '=', FULL_COLLATION_NAME), SPACE(0)))
                 FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY WHERE ID IN ({})",
                if numbers.is_empty() { "0" } else { numbers }
            );
            let names = self.session.ask(&sql).await?.into_iter().flatten().next().flatten();
            return Ok(names.map(|names| format!("character_set_collations = {names}")));
        }
        let number =
            setting.strip_prefix("character_set_client = ").and_then(|number| number.parse::<u16>().ok());
        let Some(number) = number.filter(|number| *number >= FIRST_LATER_COLLATION && !self.mysql) else {
            return Ok(Some(setting.to_owned()));
        };
        let sql = format!(
            "SELECT CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY WHERE ID = {number}"
        );
        let name = self.session.ask(&sql).await?.into_iter().flatten().next().flatten();
        Ok(Some(name.map_or_else(|| setting.to_owned(), |name| format!("character_set_client = {name}"))))
    }

    async fn use_database(&mut self, name: &str) -> Result<(), SessionError> {
        let name = if name.is_empty() { NOWHERE } else { name };
        if self.database.as_deref() == Some(name) {
            return Ok(());
        }
        if !name.is_ascii() {
            self.set(&["character_set_client = utf8mb4".to_owned()]).await?;
        }
        match self.session.run(format!("USE {}", identifier(name)).as_bytes()).await {
            Err(SessionError::Refused { number: UNKNOWN_DATABASE, .. }) => {
                // It was in use, and is not among what is restored: what is named in full is found all the same.
                self.session.run(format!("USE {NOWHERE}").as_bytes()).await?;
                self.database = Some(NOWHERE.to_owned());
            }
            used => {
                used?;
                self.database = Some(name.to_owned());
            }
        }
        Ok(())
    }
}

/// Events of the log as the statement that applies them.
fn binlog(events: &[Vec<u8>]) -> Vec<u8> {
    let bytes: usize = events.iter().map(Vec::len).sum();
    let mut sql = Vec::with_capacity(bytes / 3 * 4 + 64);
    sql.extend_from_slice(b"BINLOG '");
    for event in events {
        // Each by itself, as the server reads them.
        let mut text = String::new();
        STANDARD.encode_string(event, &mut text);
        sql.extend_from_slice(text.as_bytes());
        sql.push(b'\n');
    }
    sql.push(b'\'');
    sql
}

/// That a walk cannot go on: the log is not what was read before.
fn changed(problem: impl Into<String>) -> EngineError {
    EngineError::Refused {
        problem: format!("the binary log cannot be replayed: {}", problem.into()),
        help: help!("Verify the backup with `--level read`, and restore again."),
    }
}
