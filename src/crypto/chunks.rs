//! Cuts a stream into chunks of one size and knows, before it returns one, whether it is the last.

use super::envelope::Position;
use super::{CHUNK_BYTES, TAG_BYTES};
use crate::model::ByteReader;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as _, ReadBuf};

/// One chunk in its place; there is room for the tag behind a plain chunk.
struct Slot {
    bytes: Box<[u8]>,
    filled: usize,
}

/// A source cut into chunks. Two buffers take turns: one is processed in place while the other is filled ahead.
pub(super) struct Chunks<'a> {
    source: ByteReader<'a>,
    chunk_bytes: usize,
    front: Slot,
    back: Slot,
    ended: bool,
    /// Bytes taken from the source.
    pub(super) taken: u64,
}

impl Slot {
    fn new() -> Self {
        Self { bytes: vec![0; CHUNK_BYTES + TAG_BYTES].into(), filled: 0 }
    }
}

impl<'a> Chunks<'a> {
    /// Chunks of `chunk_bytes`, at most `CHUNK_BYTES + TAG_BYTES`.
    pub(super) fn new(source: ByteReader<'a>, chunk_bytes: usize) -> Self {
        Self { source, chunk_bytes, front: Slot::new(), back: Slot::new(), ended: false, taken: 0 }
    }

    /// Waits until the chunk in front is complete and known to be the last or not. A last chunk may be short or empty.
    pub(super) fn poll_front(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Position>> {
        while !self.ended && self.front.filled < self.chunk_bytes {
            ready!(self.poll_fill(cx, Side::Front))?;
        }
        while !self.ended && self.back.filled == 0 {
            ready!(self.poll_fill(cx, Side::Back))?;
        }
        let last = self.ended && self.back.filled == 0;
        Poll::Ready(Ok(if last { Position::Last } else { Position::Middle }))
    }

    /// The whole buffer of the chunk in front, and how much of it is filled.
    pub(super) fn front(&mut self) -> (&mut [u8], usize) {
        (&mut self.front.bytes, self.front.filled)
    }

    /// Drops the chunk in front; the one that was read ahead takes its place.
    pub(super) fn advance(&mut self) {
        std::mem::swap(&mut self.front, &mut self.back);
        self.back.filled = 0;
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, side: Side) -> Poll<io::Result<()>> {
        let slot = match side {
            Side::Front => &mut self.front,
            Side::Back => &mut self.back,
        };
        let mut buffer = ReadBuf::new(&mut slot.bytes[slot.filled..self.chunk_bytes]);
        ready!(Pin::new(&mut self.source).poll_read(cx, &mut buffer))?;
        let count = buffer.filled().len();
        slot.filled += count;
        self.taken += count as u64;
        self.ended = count == 0;
        Poll::Ready(Ok(()))
    }
}

#[derive(Clone, Copy)]
enum Side {
    Front,
    Back,
}
