//! Hands an asynchronous stream to a thread that reads it in order, with at most 1.25 MiB between them.

use crate::engine::EngineError;
use crate::engine::StreamError;
use crate::model::ByteReader;
use crate::process::FeedError;
use std::io::{self, BufRead, Read};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};

const PIECE_BYTES: usize = 256 << 10;
const PIECES: usize = 3;

/// What the thread is sent.
enum Piece {
    Bytes(Vec<u8>),
    /// The stream has proven to be whole. A sender that goes away without it was stopped.
    End,
}

/// The thread's side.
pub(super) struct Pieces {
    receiver: Receiver<Piece>,
    piece: Vec<u8>,
    read: usize,
    ended: bool,
}

/// Gives all of `body` to `work`, which runs in a thread of its own and returns how it went. `label` names the stream.
pub(super) async fn feed<W>(mut body: ByteReader<'_>, label: String, work: W) -> Result<(), StreamError>
where
    W: FnOnce(Pieces) -> Result<(), EngineError> + Send + 'static,
{
    let (sender, receiver) = channel(PIECES);
    let pieces = Pieces { receiver, piece: Vec::new(), read: 0, ended: false };
    let working = tokio::task::spawn_blocking(move || work(pieces));
    let sent = send_all(&mut body, sender).await;
    let worked = working.await;
    // When the stream itself fails, what the thread says is only a consequence.
    sent.map_err(|source| FeedError::Body { label: label.clone(), source })?;
    worked.map_err(|source| EngineError::Read {
        doing: format!("write {label}"),
        source: io::Error::other(source),
    })??;
    Ok(())
}

/// Ends early without an error when the thread does not want any more; it says why.
async fn send_all(body: &mut ByteReader<'_>, sender: Sender<Piece>) -> io::Result<()> {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        while piece.len() < PIECE_BYTES {
            if body.read_buf(&mut piece).await? == 0 {
                break;
            }
        }
        if piece.is_empty() {
            let _ = sender.send(Piece::End).await;
            return Ok(());
        }
        if sender.send(Piece::Bytes(piece)).await.is_err() {
            return Ok(());
        }
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.read == self.piece.len() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Piece::Bytes(bytes)) => (self.piece, self.read) = (bytes, 0),
                Some(Piece::End) => self.ended = true,
                None => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the stream was stopped"));
                }
            }
        }
        Ok(&self.piece[self.read..])
    }

    fn consume(&mut self, count: usize) {
        self.read += count;
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        self.consume(count);
        Ok(count)
    }
}
