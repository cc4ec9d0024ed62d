//! A reader that changes text on its way, piece by piece.

use super::scanner::{Scanner, Sink};
use crate::model::ByteReader;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// What is asked of the reader below at once.
const SLICE_BYTES: usize = 256 * 1024;

/// Changes text. It must keep bounded memory.
pub(super) trait Edit: Send {
    /// The next bytes; what is to go on is appended to `out`.
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>);

    /// The text has ended. An error fails the stream.
    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()>;
}

/// Changes statements as a [`Scanner`] finds them.
pub(super) trait Statements: Sink + Send {
    /// Where what is to go on is appended.
    fn out(&mut self) -> &mut Vec<u8>;

    /// The text has ended. An error fails the stream.
    fn finish(&mut self) -> io::Result<()>;
}

/// `statements` as an [`Edit`] of the text that they are found in.
pub(super) struct Scanned<S> {
    scanner: Scanner,
    statements: S,
}

impl<S> Scanned<S> {
    pub(super) fn new(statements: S) -> Self {
        Self { scanner: Scanner::new(), statements }
    }
}

impl<S: Statements> Edit for Scanned<S> {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        std::mem::swap(self.statements.out(), out);
        self.scanner.feed(bytes, &mut self.statements);
        std::mem::swap(self.statements.out(), out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        std::mem::swap(self.statements.out(), out);
        self.scanner.finish(&mut self.statements);
        let ended = self.statements.finish();
        std::mem::swap(self.statements.out(), out);
        ended
    }
}

/// `inner` as `edit` changes it. Its errors stay what they are, and its end stays its end.
struct Edited<'a, E> {
    inner: ByteReader<'a>,
    edit: E,
    slice: Vec<u8>,
    out: Vec<u8>,
    given: usize,
    ended: bool,
}

/// Wraps `inner`.
pub(super) fn edited<'a, E: Edit + Unpin + 'a>(inner: ByteReader<'a>, edit: E) -> ByteReader<'a> {
    let slice = vec![0; SLICE_BYTES];
    Box::pin(Edited { inner, edit, slice, out: Vec::new(), given: 0, ended: false })
}

impl<E: Edit + Unpin> AsyncRead for Edited<'_, E> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.given == this.out.len() && !this.ended {
            this.out.clear();
            this.given = 0;
            let mut slice = ReadBuf::new(&mut this.slice);
            ready!(this.inner.as_mut().poll_read(cx, &mut slice))?;
            if slice.filled().is_empty() {
                this.ended = true;
                this.edit.finish(&mut this.out)?;
            } else {
                this.edit.feed(slice.filled(), &mut this.out);
            }
        }
        let length = buffer.remaining().min(this.out.len() - this.given);
        buffer.put_slice(&this.out[this.given..this.given + length]);
        this.given += length;
        Poll::Ready(Ok(()))
    }
}
