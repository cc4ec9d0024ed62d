//! The replication stream of a server, cut exactly where its RDB ends.

use super::connection::{Address, Connection};
use super::resp;
use crate::engine::{EngineError, Pull};
use crate::model::ByteReader;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use std::io;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::StreamReader;

/// A server sends something every second, an empty line while it prepares. One that is silent for so long is gone.
const STALL_LIMIT: Duration = Duration::from_secs(120);
const PIECE_BYTES: usize = 256 << 10;
/// The random word that ends a stream whose length was not announced.
const MARK_BYTES: usize = 40;

/// Asks one server for all it holds, as a replica would.
#[derive(Debug)]
pub(super) struct Sync {
    pub(super) address: Address,
    /// The server's own version. Valkey 9 sends hashes whose fields have times to live only to those who know it.
    pub(super) version: String,
}

#[async_trait]
impl Pull for Sync {
    fn describe(&self) -> Vec<String> {
        vec!["SYNC".to_owned(), self.address.shown()]
    }

    async fn open(&self) -> Result<ByteReader<'static>, EngineError> {
        let mut connection = self.address.connect().await?;
        request(&mut connection, &self.version).await?;
        let framing = framing(&mut connection).await?;
        let reading = RdbDownload { connection, framing, held: BytesMut::new(), sent: 0 };
        let pieces = stream::try_unfold(Some(reading), |reading| async move {
            match reading {
                Some(reading) => reading.next().await.map_err(io::Error::other),
                None => Ok(None),
            }
        });
        Ok(Box::pin(StreamReader::new(Box::pin(pieces))))
    }
}

/// Asks for the stream as a replica of `version` that can tell its end by a mark.
pub(super) async fn request(connection: &mut Connection, version: &str) -> Result<(), EngineError> {
    connection.ask(&["REPLCONF", "capa", "eof"]).await?;
    for option in [["rdb-only", "1"], ["version", version]] {
        // A server that does not know an option answers with an error and goes on.
        match connection.ask(&["REPLCONF", option[0], option[1]]).await {
            Ok(_) | Err(EngineError::Answer { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let mut command = Vec::new();
    resp::command(&mut command, &[b"SYNC"]);
    connection.send(&command).await
}

/// How the end of the stream is recognized.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Framing {
    /// By the number of bytes: the server wrote a file first.
    Length(u64),
    /// By this mark: the server sends the RDB while it makes it.
    Mark([u8; MARK_BYTES]),
}

/// Waits for the server to begin. It sends empty lines while it prepares.
async fn framing(connection: &mut Connection) -> Result<Framing, EngineError> {
    let mut line = Vec::new();
    loop {
        let read = tokio::time::timeout(STALL_LIMIT, resp::line(&mut connection.stream, &mut line)).await;
        match read {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                return Err(EngineError::Answer {
                    question: format!("{}: SYNC", connection.address()),
                    problem: format!("{error}; the log of the server gives the reason"),
                });
            }
            Err(_) => return Err(silent(connection.address(), 0)),
        }
        match line.split_first() {
            None => {}
            Some((b'$', announced)) => return parse_framing(announced, connection.address()),
            Some((b'-', said)) => {
                return Err(connection.refusal("SYNC", &String::from_utf8_lossy(said)));
            }
            Some(_) => return Err(strange(&line, connection.address())),
        }
    }
}

fn parse_framing(announced: &[u8], address: &str) -> Result<Framing, EngineError> {
    let framing = match announced.strip_prefix(b"EOF:") {
        Some(mark) => mark.try_into().ok().map(Framing::Mark),
        None => std::str::from_utf8(announced).ok().and_then(|text| text.parse().ok()).map(Framing::Length),
    };
    framing.ok_or_else(|| strange(announced, address))
}

fn strange(line: &[u8], address: &str) -> EngineError {
    EngineError::Answer {
        question: format!("{address}: SYNC"),
        problem: format!("`{}` is not the beginning of a stream", line[..line.len().min(60)].escape_ascii()),
    }
}

fn silent(address: &str, sent: u64) -> EngineError {
    EngineError::Answer {
        question: format!("{address}: SYNC"),
        problem: format!("the server sent nothing for {} s after {sent} bytes", STALL_LIMIT.as_secs()),
    }
}

struct RdbDownload {
    connection: Connection,
    framing: Framing,
    /// Bytes that arrived and may be a part of the mark.
    held: BytesMut,
    /// Bytes of the RDB that were handed on.
    sent: u64,
}

impl RdbDownload {
    /// The next bytes, and the download to go on with; `None` at the proven end.
    async fn next(mut self) -> Result<Option<(Bytes, Option<Self>)>, EngineError> {
        loop {
            match &mut self.framing {
                Framing::Length(0) => return Ok(None),
                Framing::Length(left) if !self.held.is_empty() => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(self.held.len());
                    *left -= here as u64;
                    let piece = self.held.split_to(here).freeze();
                    self.sent += piece.len() as u64;
                    return Ok(Some((piece, Some(self))));
                }
                Framing::Mark(mark) if self.held.ends_with(mark) => {
                    let rest = self.held.len() - MARK_BYTES;
                    let last = self.held.split_to(rest).freeze();
                    return Ok((!last.is_empty()).then_some((last, None)));
                }
                // Everything but the bytes that may be the beginning of the mark.
                Framing::Mark(_) if self.held.len() > MARK_BYTES => {
                    let sure = self.held.len() - MARK_BYTES;
                    let piece = self.held.split_to(sure).freeze();
                    self.sent += piece.len() as u64;
                    return Ok(Some((piece, Some(self))));
                }
                _ => self.more().await?,
            }
        }
    }

    async fn more(&mut self) -> Result<(), EngineError> {
        self.held.reserve(PIECE_BYTES);
        let read = tokio::time::timeout(STALL_LIMIT, self.connection.stream.read_buf(&mut self.held)).await;
        let problem = match read {
            Ok(Ok(1..)) => return Ok(()),
            Ok(Ok(0)) => "the server closed the connection".to_owned(),
            Ok(Err(error)) => format!("the connection was lost: {error}"),
            Err(_) => return Err(silent(self.connection.address(), self.sent)),
        };
        Err(EngineError::Answer {
            question: format!("{}: SYNC", self.connection.address()),
            problem: format!("{problem} after {} bytes, before the end of the stream", self.sent),
        })
    }
}
