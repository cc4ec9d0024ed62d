//! Packets: a length of three bytes, a number, and what is said. Longer ones are sent in pieces.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

/// Both directions of a connection, whatever it goes over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

/// A piece that is so long is followed by another.
const PIECE_BYTES: usize = 0xff_ffff;

/// The longest packet that is believed: an event of the log has at most a row of 1 GiB and what is around it.
pub(super) const LONGEST_PACKET: usize = (1 << 30) + (16 << 20);

/// The longest of a login.
pub(super) const LONGEST_GREETING: usize = 1 << 20;

/// Both directions of a connection, in packets.
pub(super) struct Packets {
    pub(super) stream: BufReader<Box<dyn Wire>>,
    number: u8,
}

impl Packets {
    pub(super) fn new(stream: Box<dyn Wire>) -> Self {
        Self { stream: BufReader::with_capacity(256 << 10, stream), number: 0 }
    }

    /// The same, over another stream: numbers go on.
    pub(super) fn over(&self, stream: Box<dyn Wire>) -> Self {
        Self { number: self.number, ..Self::new(stream) }
    }

    pub(super) fn into_stream(self) -> io::Result<Box<dyn Wire>> {
        // Whatever was sent before the handshake is nobody's who could be trusted.
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(invalid("the server says more than it was asked"))
        }
    }

    /// The next packet, of at most `limit` bytes.
    pub(super) async fn receive(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut packet = Vec::new();
        loop {
            let mut head = [0; 4];
            self.stream.read_exact(&mut head).await?;
            let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
            if packet.len() + length > limit {
                return Err(invalid(&format!("the server sends a packet of more than {limit} bytes")));
            }
            self.number = head[3].wrapping_add(1);
            let begin = packet.len();
            packet.resize(begin + length, 0);
            self.stream.read_exact(&mut packet[begin..]).await?;
            if length < PIECE_BYTES {
                return Ok(packet);
            }
        }
    }

    /// Answers in the conversation that is under way.
    pub(super) async fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        let mut rest = packet;
        loop {
            let (piece, more) = rest.split_at(rest.len().min(PIECE_BYTES));
            let length = u32::try_from(piece.len()).map_err(|_| invalid("a packet is too long"))?;
            let mut head = length.to_le_bytes();
            head[3] = self.number;
            self.number = self.number.wrapping_add(1);
            let stream = self.stream.get_mut();
            stream.write_all(&head).await?;
            stream.write_all(piece).await?;
            rest = more;
            if piece.len() < PIECE_BYTES {
                return stream.flush().await;
            }
        }
    }

    /// Begins a conversation.
    pub(super) async fn command(&mut self, packet: &[u8]) -> io::Result<()> {
        self.number = 0;
        self.send(packet).await
    }
}

pub(super) fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// Takes apart what a server said; every look is checked.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| invalid("a packet ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn number(&mut self, bytes: usize) -> io::Result<u64> {
        let taken = self.take(bytes)?;
        Ok(taken.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Up to a zero, or to the end.
    pub(super) fn text(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0);
        let (text, rest) = match end {
            Some(end) => (&self.0[..end], &self.0[end + 1..]),
            None => (self.0, &self.0[self.0.len()..]),
        };
        self.0 = rest;
        text
    }

    /// A value of a row: `None` is `NULL`.
    pub(super) fn value(&mut self) -> io::Result<Option<&'a [u8]>> {
        let length = match self.byte()? {
            0xfb => return Ok(None),
            0xfc => self.number(2)?,
            0xfd => self.number(3)?,
            0xfe => self.number(8)?,
            length => u64::from(length),
        };
        let length = usize::try_from(length).map_err(|_| invalid("a value is too long"))?;
        self.take(length).map(Some)
    }
}
