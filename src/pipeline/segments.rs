//! Cuts a packed stream into segments that a store can hold.

use super::error::PipelineError;
use crate::model::ByteReader;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

/// Segments of one part at most: the keys of all but the first are numbered with four digits.
const SEGMENTS_LIMIT: u32 = 10_000;
/// Bytes looked ahead to know whether another segment follows.
const PEEK_BYTES: usize = 64 << 10;

/// A packed stream, segment by segment.
pub struct Segments<'a> {
    packed: ByteReader<'a>,
    packed_limit: u64,
    /// Bytes read ahead by [`Segments::next`], and how many of them have been returned.
    peeked: Vec<u8>,
    sent: usize,
    begun: u32,
    /// Bytes that the current segment may still hold.
    room: u64,
    ended: bool,
}

impl<'a> Segments<'a> {
    /// Segments of at most `packed_limit` packed bytes each.
    pub fn new(packed: ByteReader<'a>, packed_limit: u64) -> Self {
        Self { packed, packed_limit, peeked: Vec::new(), sent: 0, begun: 0, room: 0, ended: false }
    }

    /// The next segment, `None` after the last. There is at least one; only a single segment may be empty.
    ///
    /// The stream is whole only when this has returned `None`. A segment that was not read to its end before is
    /// [`PipelineError::Unfinished`], an error of the stream comes back as it is; after either every call fails.
    pub async fn next(&mut self) -> io::Result<Option<ByteReader<'_>>> {
        if self.packed_limit == 0 {
            return Err(PipelineError::NoRoom.into());
        }
        let finished = self.ended || self.room == 0;
        if !finished {
            return Err(PipelineError::Unfinished { index: self.begun.saturating_sub(1) }.into());
        }
        if !self.ended && self.sent == self.peeked.len() {
            // Until this read has ended well, the segments count as unfinished.
            self.room = 1;
            let mut peeked = std::mem::take(&mut self.peeked);
            peeked.resize(PEEK_BYTES, 0);
            let count = self.packed.read(&mut peeked).await?;
            peeked.truncate(count);
            self.peeked = peeked;
            self.sent = 0;
            self.ended = count == 0;
        }
        if self.ended && self.begun > 0 {
            self.room = 0;
            return Ok(None);
        }
        if self.begun == SEGMENTS_LIMIT {
            return Err(PipelineError::TooManySegments.into());
        }
        self.begun += 1;
        self.room = self.packed_limit;
        Ok(Some(Box::pin(SegmentReader(self))))
    }
}

struct SegmentReader<'s, 'a>(&'s mut Segments<'a>);

impl AsyncRead for SegmentReader<'_, '_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let all = &mut *self.0;
        let room = usize::try_from(all.room).unwrap_or(usize::MAX).min(buffer.remaining());
        if room == 0 || all.ended {
            return Poll::Ready(Ok(()));
        }
        let peeked = &all.peeked[all.sent..];
        let count = if peeked.is_empty() {
            let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(room));
            ready!(all.packed.as_mut().poll_read(cx, &mut piece))?;
            let count = piece.filled().len();
            buffer.advance(count);
            all.ended = count == 0;
            count
        } else {
            let count = peeked.len().min(room);
            buffer.put_slice(&peeked[..count]);
            all.sent += count;
            count
        };
        all.room -= count as u64;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn cut(bytes: &[u8], limit: u64) -> Vec<Vec<u8>> {
        let mut segments = Segments::new(Box::pin(bytes), limit);
        let mut all = Vec::new();
        while let Some(mut segment) = segments.next().await.unwrap() {
            let mut bytes = Vec::new();
            segment.read_to_end(&mut bytes).await.unwrap();
            all.push(bytes);
        }
        assert!(segments.next().await.unwrap().is_none());
        all
    }

    #[tokio::test]
    async fn all_segments_but_the_last_are_full_and_only_a_single_one_may_be_empty() {
        let bytes: Vec<u8> = (0..200_000).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for length in [0, 1, 9, 10, 11, 20, 65_535, 65_536, 65_537, 131_072, 200_000] {
            for limit in [10, 60_000, 65_536, 70_000, 1 << 40] {
                if length as u64 / limit > 5_000 {
                    continue;
                }
                let all = cut(&bytes[..length], limit).await;
                assert_eq!(all.len(), length.div_ceil(usize::try_from(limit).unwrap()).max(1));
                assert!(all.iter().rev().skip(1).all(|segment| segment.len() as u64 == limit));
                assert!(all.concat() == bytes[..length], "{length} {limit}");
            }
        }
    }

    #[tokio::test]
    async fn a_segment_that_was_not_read_to_its_end_is_an_error() {
        for read in [0, 1, 9] {
            let mut segments = Segments::new(Box::pin(&b"twenty bytes of data"[..]), 10);
            let mut segment = segments.next().await.unwrap().unwrap();
            segment.read_exact(&mut vec![0; read]).await.unwrap();
            drop(segment);
            for _ in 0..2 {
                let error = segments.next().await.err().unwrap().downcast::<PipelineError>();
                assert!(matches!(error, Ok(PipelineError::Unfinished { index: 0 })), "{read}");
            }
        }
    }

    #[tokio::test]
    async fn an_error_of_the_stream_never_turns_into_an_end() {
        let broken = [Ok(&b"0123456789"[..]), Err(io::Error::other("broken"))];
        let broken = tokio_util::io::StreamReader::new(futures_util::stream::iter(broken));
        let mut segments = Segments::new(Box::pin(broken), 10);
        segments.next().await.unwrap().unwrap().read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(segments.next().await.err().unwrap().to_string(), "broken");
        assert!(segments.next().await.is_err());
        assert!(Segments::new(Box::pin(&b""[..]), 0).next().await.is_err());
    }
}
