//! A file that ends well only when all of it was read.

use crate::store::{ObjectKey, StoreError};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

/// Reads a file of a known size: fewer bytes are an error, more are not looked at.
pub(super) struct WholeFile {
    key: ObjectKey,
    file: File,
    left: u64,
}

impl WholeFile {
    pub(super) fn new(key: ObjectKey, file: File, bytes: u64) -> Self {
        Self { key, file, left: bytes }
    }
}

impl AsyncRead for WholeFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 || buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.remaining());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.file).poll_read(cx, &mut part))?;
        let count = part.filled().len();
        if count == 0 {
            let detail = format!("the file became shorter by {} bytes while it was read", self.left);
            return Poll::Ready(Err(io::Error::other(StoreError::Broken { key: self.key.clone(), detail })));
        }
        buf.advance(count);
        self.left -= count as u64;
        Poll::Ready(Ok(()))
    }
}
