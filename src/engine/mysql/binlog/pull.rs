//! One file of the log, or a range of it, as the server sends it.

use super::frame::{FIRST_OFFSET, HEADER_BYTES, MAGIC, kinds, little_u32};
use crate::engine::mysql::connection::Connection;
use crate::engine::mysql::wire::{LogRequest, LogStream, Session, SessionError};
use crate::engine::{EngineError, Pull};
use crate::model::{ByteReader, EngineKind, help};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use std::io;
use tokio_util::io::StreamReader;

/// The event was made for the stream, and is not in the file.
const ARTIFICIAL: u16 = 0x20;
/// The stream ends where the server has no more.
const DO_NOT_WAIT: u16 = 1;
/// MariaDB: with the texts of statements beside their rows. Without them bytes are missing.
const WITH_ANNOTATIONS: u16 = 2;

/// Numbers of replicas that nobody gives by hand.
const FIRST_SERVER_ID: u32 = 0x7ea0_0000;
const SERVER_IDS: u32 = 0x0fff_ffff;

const DOING: &str = "read the binary log";

/// A range of one file.
#[derive(Debug, Clone)]
pub(super) struct LogPull {
    pub(super) connection: Connection,
    pub(super) file: String,
    pub(super) from: u64,
    /// Where it ends; `None` is the end of the file.
    pub(super) to: Option<u64>,
}

#[async_trait]
impl Pull for LogPull {
    fn describe(&self) -> Vec<String> {
        let to = self.to.map_or_else(|| "end".to_owned(), |to| to.to_string());
        vec!["COM_BINLOG_DUMP".to_owned(), self.file.clone(), format!("{}-{to}", self.from)]
    }

    async fn open(&self) -> Result<ByteReader<'static>, EngineError> {
        let state = Range {
            pull: self.clone(),
            stream: self.stream().await?,
            offset: self.from,
            begun: false,
            ended: false,
        };
        let pieces = stream::try_unfold(state, |mut state| async move {
            let piece = state.next().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(piece.map(|piece| (Bytes::from(piece), state)))
        });
        Ok(Box::pin(StreamReader::new(Box::pin(pieces))))
    }
}

impl LogPull {
    /// When the file was begun, by the clock of the server: a file of the same name that was begun at another time is another.
    pub(super) async fn created(&self) -> Result<u32, EngineError> {
        let mut stream = self.stream().await?;
        loop {
            let event = stream.next().await.map_err(|error| self.failed(error))?;
            match event.filter(|event| event.len() >= HEADER_BYTES) {
                Some(event) if event[4] == kinds::FORMAT => return Ok(little_u32(&event, 0)),
                Some(_) => {}
                None => return Err(self.cut("it does not begin")),
            }
        }
    }

    async fn stream(&self) -> Result<LogStream, EngineError> {
        let failed = |error: SessionError| self.failed(error);
        let mut session = Session::open(&self.connection.settings).await.map_err(failed)?;
        // Otherwise the server leaves checksums out.
        let checksums = "SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum";
        session.run(checksums.as_bytes()).await.map_err(failed)?;
        let mut flags = DO_NOT_WAIT;
        if self.connection.flavor.kind == EngineKind::MariaDb {
            session.run(b"SET @mariadb_slave_capability = 4").await.map_err(failed)?;
            flags |= WITH_ANNOTATIONS;
        }
        let offset =
            u32::try_from(self.from).map_err(|_| self.cut("it is longer than the protocol can say"))?;
        let server_id = FIRST_SERVER_ID + rand::random::<u32>() % SERVER_IDS;
        session.dump_log(&LogRequest { file: &self.file, offset, flags, server_id }).await.map_err(failed)
    }

    fn failed(&self, error: SessionError) -> EngineError {
        if let SessionError::Refused { number: 1227, text } = &error {
            return EngineError::Privilege {
                problem: format!("{DOING}: {text}"),
                help: help!("GRANT REPLICATION SLAVE ON *.* TO the user of jagad."),
            };
        }
        error.into_engine(&self.connection, DOING)
    }

    fn cut(&self, problem: &str) -> EngineError {
        EngineError::Answer { question: format!("{DOING} {}", self.file), problem: problem.to_owned() }
    }
}

/// A range under way.
struct Range {
    pull: LogPull,
    stream: LogStream,
    offset: u64,
    begun: bool,
    ended: bool,
}

impl Range {
    /// The next bytes of the part; `None` at its proven end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, EngineError> {
        let mut first = if std::mem::replace(&mut self.begun, true) { Vec::new() } else { MAGIC.to_vec() };
        loop {
            if self.ended {
                return Ok(None);
            }
            let event = self.stream.next().await.map_err(|error| self.pull.failed(error))?;
            let Some(event) = event else { return Err(self.pull.cut("the server ends it early")) };
            if event.len() < HEADER_BYTES || little_u32(&event, 9) as usize != event.len() {
                return Err(self.pull.cut("an event has another length than it says"));
            }
            let flags = u16::from_le_bytes([event[17], event[18]]);
            match event[4] {
                kinds::HEARTBEAT | kinds::HEARTBEAT_2 => continue,
                kinds::ROTATE if flags & ARTIFICIAL != 0 || little_u32(&event, 0) == 0 => {
                    if self.names(&event) {
                        continue;
                    }
                    // The next file begins.
                    if self.pull.to.is_some() {
                        return Err(self.pull.cut("it ends before it should"));
                    }
                    return Ok(None);
                }
                kinds::FORMAT if self.offset > FIRST_OFFSET && self.offset == self.pull.from => {
                    first.extend_from_slice(&event);
                    return Ok(Some(first));
                }
                kind => self.count(kind, event.len())?,
            }
            first.extend_from_slice(&event);
            return Ok(Some(first));
        }
    }

    fn count(&mut self, kind: u8, length: usize) -> Result<(), EngineError> {
        self.offset += length as u64;
        match self.pull.to {
            Some(to) if self.offset > to => return Err(self.pull.cut("an event goes over its end")),
            Some(to) => self.ended = self.offset == to,
            None => self.ended = kind == kinds::ROTATE,
        }
        Ok(())
    }

    /// Whether a rotation names the file that is read: a position of eight bytes, and the name.
    fn names(&self, event: &[u8]) -> bool {
        let name = event.get(HEADER_BYTES + 8..).unwrap_or_default();
        name.starts_with(self.pull.file.as_bytes())
    }
}
