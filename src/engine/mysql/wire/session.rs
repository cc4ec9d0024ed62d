//! A connection that is logged in: questions, statements as bytes, and the stream of the log.

use super::error::SessionError;
use super::login::log_in;
use super::packet::{Fields, LONGEST_PACKET, Packets, invalid};
use crate::engine::ServerSettings;
use std::io;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a server may be silent in a stream that it was asked for, and in answers to small questions.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);
/// More columns than that are no answer.
const MOST_COLUMNS: u64 = 4096;
/// More rows than that are none either.
const MOST_ROWS: usize = 1_000_000;

const QUERY: u8 = 3;
const DUMP_LOG: u8 = 0x12;
const OK: u8 = 0;
const LOCAL_FILE: u8 = 0xfb;
const END: u8 = 0xfe;
const ERROR: u8 = 0xff;

/// Rows of texts.
pub(in crate::engine::mysql) type Answer = Vec<Vec<Option<String>>>;

/// A connection that is logged in. Dropping it ends it.
pub(in crate::engine::mysql) struct Session {
    packets: Packets,
}

impl Session {
    /// Connects and logs in.
    pub(in crate::engine::mysql) async fn open(settings: &Arc<ServerSettings>) -> Result<Self, SessionError> {
        let opened = tokio::time::timeout(CONNECT_LIMIT, log_in(settings)).await;
        let late = |_| SessionError::Unreachable(io::Error::other("no answer within 10 s"));
        Ok(Self { packets: opened.map_err(late)?? })
    }

    /// Runs one statement, however long it takes, and passes over the rows that it gives.
    pub(in crate::engine::mysql) async fn run(&mut self, statement: &[u8]) -> Result<(), SessionError> {
        self.ask_bytes(statement, None).await.map(|_| ())
    }

    /// The answer to a small question.
    pub(in crate::engine::mysql) async fn ask(&mut self, sql: &str) -> Result<Answer, SessionError> {
        self.ask_bytes(sql.as_bytes(), Some(SILENCE_LIMIT)).await
    }

    async fn ask_bytes(&mut self, sql: &[u8], limit: Option<Duration>) -> Result<Answer, SessionError> {
        let mut packet = Vec::with_capacity(sql.len() + 1);
        packet.push(QUERY);
        packet.extend_from_slice(sql);
        let packets = &mut self.packets;
        let asking = async {
            packets.command(&packet).await?;
            answer(packets).await
        };
        match limit {
            None => asking.await,
            Some(limit) => tokio::time::timeout(limit, asking).await.map_err(|_| silent())?,
        }
    }

    /// Asks for the log from `offset` in `file`; `flags` as the server wants them. The server ends the stream where it has no more.
    pub(in crate::engine::mysql) async fn dump_log(
        mut self,
        request: &LogRequest<'_>,
    ) -> Result<LogStream, SessionError> {
        let mut packet = vec![DUMP_LOG];
        packet.extend_from_slice(&request.offset.to_le_bytes());
        packet.extend_from_slice(&request.flags.to_le_bytes());
        packet.extend_from_slice(&request.server_id.to_le_bytes());
        packet.extend_from_slice(request.file.as_bytes());
        self.packets.command(&packet).await?;
        Ok(LogStream { packets: self.packets })
    }
}

/// Where a stream of the log begins.
pub(in crate::engine::mysql) struct LogRequest<'a> {
    pub(in crate::engine::mysql) file: &'a str,
    pub(in crate::engine::mysql) offset: u32,
    pub(in crate::engine::mysql) flags: u16,
    /// The number that this client has among the replicas of the server.
    pub(in crate::engine::mysql) server_id: u32,
}

/// Events of the log, as the server sends them.
pub(in crate::engine::mysql) struct LogStream {
    packets: Packets,
}

impl LogStream {
    /// The next event; `None` where the server has no more.
    pub(in crate::engine::mysql) async fn next(&mut self) -> Result<Option<Vec<u8>>, SessionError> {
        let receiving = self.packets.receive(LONGEST_PACKET);
        let mut packet = tokio::time::timeout(SILENCE_LIMIT, receiving).await.map_err(|_| silent())??;
        match packet.first() {
            Some(&OK) => {
                packet.remove(0);
                Ok(Some(packet))
            }
            Some(&END) if packet.len() < 9 => Ok(None),
            Some(&ERROR) => Err(SessionError::refused(&packet)),
            _ => Err(invalid("the stream of the log holds something else").into()),
        }
    }
}

fn silent() -> SessionError {
    SessionError::Broken(io::Error::other(format!("no answer within {} s", SILENCE_LIMIT.as_secs())))
}

/// Everything that a statement gives.
async fn answer(packets: &mut Packets) -> Result<Answer, SessionError> {
    let first = packets.receive(LONGEST_PACKET).await?;
    match first.first() {
        Some(&OK) | None => return Ok(Vec::new()),
        Some(&ERROR) => return Err(SessionError::refused(&first)),
        Some(&LOCAL_FILE) => {
            // Nobody gets a file of this machine: an empty one ends the question.
            packets.send(&[]).await?;
            packets.receive(LONGEST_PACKET).await?;
            return Err(invalid("the server asks for a file of this machine").into());
        }
        Some(_) => {}
    }
    let columns = Fields(&first).number(first.len().min(1))?;
    if columns > MOST_COLUMNS || first[0] >= LOCAL_FILE {
        return Err(invalid("the answer has too many columns").into());
    }
    for _ in 0..=columns {
        packets.receive(LONGEST_PACKET).await?;
    }
    let mut rows = Vec::new();
    loop {
        let packet = packets.receive(LONGEST_PACKET).await?;
        match packet.first() {
            Some(&END) if packet.len() < 9 => return Ok(rows),
            Some(&ERROR) => return Err(SessionError::refused(&packet)),
            _ if rows.len() == MOST_ROWS => return Err(invalid("the answer has too many rows").into()),
            _ => {}
        }
        let mut fields = Fields(&packet);
        let mut row = Vec::new();
        for _ in 0..columns {
            row.push(fields.value()?.map(|value| String::from_utf8_lossy(value).into_owned()));
        }
        rows.push(row);
    }
}
