//! A file that reports its end only when all of it was read.

use crate::store::{ObjectKey, StoreError};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

/// The result of reading a file as a whole.
pub(super) enum Whole {
    /// All of it.
    Bytes(Vec<u8>),
    /// It has more bytes than were allowed.
    TooLarge,
    /// There is no file of that name.
    Absent,
}

/// Reads a file of at most `limit` bytes; blocks. Files are never modified in place, so the end of file is the end of
/// the object.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Whole> {
    use io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Whole::Absent);
        }
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(Whole::Absent);
    }
    let room = usize::try_from(meta.len().min(limit)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(room);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() as u64 > limit { Whole::TooLarge } else { Whole::Bytes(bytes) })
}

/// Reads a file of a known size: fewer bytes are an error, more are not read.
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
            let detail = format!("the file became {} bytes shorter while it was read", self.left);
            return Poll::Ready(Err(io::Error::other(StoreError::Broken { key: self.key.clone(), detail })));
        }
        buf.advance(count);
        self.left -= count as u64;
        Poll::Ready(Ok(()))
    }
}
