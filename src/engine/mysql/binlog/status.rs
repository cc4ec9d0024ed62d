//! What a server says of its binary log.

use super::scope::{Place, file_number};
use crate::engine::EngineError;
use crate::engine::mysql::facts::MySqlServer;
use crate::engine::mysql::quote::literal;
use crate::engine::mysql::version::ToolVersion;
use crate::engine::mysql::wire::{Session, SessionError};
use crate::model::{EngineKind, LogPosition};

const DOING: &str = "ask for the end of the binary log";

/// Since then MySQL has other words.
const NEW_WORDS: ToolVersion = ToolVersion { major: 8, minor: 2 };

/// The log of a server.
pub(super) struct LogStatus {
    /// Where it ends.
    pub(super) end: LogPosition,
    pub(super) place: Place,
    /// Databases that alone are logged, and those that are not; empty is no choice.
    pub(super) only: Vec<String>,
    pub(super) ignored: Vec<String>,
    /// Its files, the oldest first.
    pub(super) files: Vec<String>,
}

impl MySqlServer {
    /// A connection of jagad's own.
    pub(super) async fn session(&self, doing: &str) -> Result<Session, EngineError> {
        let connection = &self.client.connection;
        Session::open(&connection.settings).await.map_err(|error| error.into_engine(connection, doing))
    }

    /// Asks for the log; `None` where there is none.
    pub(super) async fn log_status(&self, session: &mut Session) -> Result<Option<LogStatus>, EngineError> {
        let failed = |error: SessionError| error.into_engine(&self.client.connection, DOING);
        let mysql = self.flavor().kind == EngineKind::MySql;
        let sql =
            if mysql && self.version >= NEW_WORDS { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" };
        let rows = session.ask(sql).await.map_err(failed)?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let column = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let names =
            |at: usize| column(at).split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let strange =
            |problem: &str| EngineError::Answer { question: DOING.to_owned(), problem: problem.to_owned() };
        let (file, offset) = (column(0), column(1));
        let offset = offset.parse().map_err(|_| strange("no position"))?;
        let number = file_number(&file).ok_or_else(|| strange("a file without a number"))?;
        let gtid = if mysql {
            Some(column(4).replace('\n', ""))
        } else {
            self.gtid_at(session, &file, offset).await?
        };
        let listed = session.ask("SHOW BINARY LOGS").await.map_err(failed)?;
        let files = listed.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
        Ok(Some(LogStatus {
            place: Place { file: number, offset },
            end: LogPosition { file, offset, gtid: gtid.filter(|gtid| !gtid.is_empty()) },
            only: names(2),
            ignored: names(3),
            files,
        }))
    }

    /// MariaDB: the numbers of the last transactions in front of a place in the log.
    async fn gtid_at(
        &self,
        session: &mut Session,
        file: &str,
        offset: u64,
    ) -> Result<Option<String>, EngineError> {
        let sql = format!("SELECT BINLOG_GTID_POS({}, {offset})", literal(file));
        let rows =
            session.ask(&sql).await.map_err(|error| error.into_engine(&self.client.connection, DOING))?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    /// Whether the log still holds, at `position`, the history that a dump was taken of; where nobody can tell, it does.
    pub(super) async fn holds(
        &self,
        session: &mut Session,
        position: &LogPosition,
    ) -> Result<bool, EngineError> {
        let Some(gtid) = &position.gtid else { return Ok(true) };
        if self.flavor().kind == EngineKind::MariaDb {
            let found = self.gtid_at(session, &position.file, position.offset).await?;
            return Ok(found.is_none_or(|found| found == *gtid));
        }
        let sql = format!("SELECT GTID_SUBSET({}, @@global.gtid_executed)", literal(gtid));
        let rows =
            session.ask(&sql).await.map_err(|error| error.into_engine(&self.client.connection, DOING))?;
        Ok(rows.first().and_then(|row| row.first()).is_none_or(|found| found.as_deref() != Some("0")))
    }
}
