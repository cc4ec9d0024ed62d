//! From a sealed object back to its plain bytes.

use super::chunks::Chunks;
use super::envelope::{ChunkCipher, PREAMBLE_BYTES, Position, SealedHeader, header_length};
use super::error::CryptoError;
use super::identity::ObjectIdentity;
use super::keyring::Keyring;
use super::seal::hand_over;
use super::{CHUNK_BYTES, TAG_BYTES};
use crate::model::{ByteReader, Stage, stage};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;

/// Which object the reader wants.
#[derive(Debug, Clone)]
pub enum Expect {
    /// This one; another one, even an authentic one, is [`CryptoError::OtherObject`].
    Object(ObjectIdentity),
    /// Any object: for a file that the user supplies.
    Any,
}

/// Decrypts `sealed`.
///
/// No byte is returned before its chunk has been authenticated, and end of file only after the last chunk of exactly
/// this object. Everything else is an `io::Error` that holds a [`CryptoError`], or the source's own error.
pub fn open(sealed: ByteReader<'_>, keyring: Arc<Keyring>, expect: Expect) -> ByteReader<'_> {
    let stage = OpenStage::Header { sealed, bytes: Vec::new() };
    stage::as_reader(Open { stage, keyring, expect })
}

struct Open<'a> {
    stage: OpenStage<'a>,
    keyring: Arc<Keyring>,
    expect: Expect,
}

enum OpenStage<'a> {
    Header { sealed: ByteReader<'a>, bytes: Vec<u8> },
    Chunks(Box<Opening<'a>>),
}

struct Opening<'a> {
    sealed: Chunks<'a>,
    cipher: ChunkCipher,
    header_bytes: u64,
    /// The range of the plain bytes in front.
    ready: std::ops::Range<usize>,
    /// Whether a chunk is in front, and which.
    front: Option<Position>,
}

impl Open<'_> {
    /// Reads the header to its end and unwraps the data key.
    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let OpenStage::Header { sealed, bytes } = &mut self.stage else {
            return Poll::Ready(Ok(()));
        };
        loop {
            let wanted = if bytes.len() < PREAMBLE_BYTES { PREAMBLE_BYTES } else { header_length(bytes)? };
            if bytes.len() == wanted {
                break;
            }
            let mut piece = [0; 512];
            let room = piece.len().min(wanted - bytes.len());
            let mut buffer = ReadBuf::new(&mut piece[..room]);
            ready!(sealed.as_mut().poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                // Too short even to say what it is, or cut within the header.
                header_length(bytes)?;
                return Poll::Ready(Err(CryptoError::Truncated { bytes: bytes.len() as u64 }.into()));
            }
            bytes.extend_from_slice(buffer.filled());
        }
        let header = SealedHeader::parse(std::mem::take(bytes))?;
        let opened = self.keyring.open(&header)?;
        if let Expect::Object(expected) = &self.expect
            && *expected != opened.identity
        {
            let (expected, found) = (Box::new(expected.clone()), Box::new(opened.identity));
            return Poll::Ready(Err(CryptoError::OtherObject { expected, found }.into()));
        }
        let sealed = std::mem::replace(sealed, Box::pin(tokio::io::empty()));
        self.stage = OpenStage::Chunks(Box::new(Opening {
            sealed: Chunks::new(sealed, CHUNK_BYTES + TAG_BYTES),
            cipher: opened.chunks,
            header_bytes: header.length() as u64,
            ready: 0..0,
            front: None,
        }));
        Poll::Ready(Ok(()))
    }
}

impl Stage for Open<'_> {
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.stage {
                OpenStage::Header { .. } => ready!(self.poll_header(cx))?,
                OpenStage::Chunks(opening) => return opening.poll_plain(cx, buffer),
            }
        }
    }

    fn failed_before(&self) -> io::Error {
        CryptoError::Failed.into()
    }
}

impl Opening<'_> {
    fn poll_plain(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.ready.is_empty() {
                let range = self.ready.clone();
                self.ready.start += hand_over(&self.sealed.front().0[range], buffer);
                return Poll::Ready(Ok(()));
            }
            match self.front {
                Some(Position::Last) => return Poll::Ready(Ok(())),
                Some(Position::Middle) => self.sealed.advance(),
                None => {}
            }
            self.front = None;
            let position = ready!(self.sealed.poll_front(cx))?;
            self.ready = 0..self.open_front(position)?;
            self.front = Some(position);
        }
    }

    /// Decrypts the chunk in front and returns its number of plain bytes.
    fn open_front(&mut self, position: Position) -> Result<usize, CryptoError> {
        let chunk = u64::from(self.cipher.counter);
        let bytes = self.header_bytes + self.sealed.taken;
        let (slot, filled) = self.sealed.front();
        if position == Position::Last && filled < TAG_BYTES {
            return Err(CryptoError::Truncated { bytes });
        }
        match self.cipher.open(position, &mut slot[..filled])? {
            // Only an empty stream ends in an empty chunk: somebody cut this one and sealed it again.
            Some(0) if chunk > 0 => Err(CryptoError::Tampered { chunk }),
            Some(length) => Ok(length),
            // To say what happened, not to accept it: is it authentic in the other position?
            None => Err(match position {
                Position::Last if self.cipher.open(Position::Middle, &mut slot[..filled])?.is_some() => {
                    CryptoError::Truncated { bytes }
                }
                Position::Middle if self.cipher.open(Position::Last, &mut slot[..filled])?.is_some() => {
                    CryptoError::TrailingBytes { chunk }
                }
                _ => CryptoError::Tampered { chunk },
            }),
        }
    }
}
