//! Reads the archives of a backup in order.

use super::problem::damaged;
use crate::engine::EngineError;
use crate::engine::postgresql::tar::{BLOCK_BYTES, TarEntry};
use std::io::{self, BufRead, Read};

/// Reads one archive in order; as a [`Read`] it is the content of the current entry.
pub(super) struct TarReader<R> {
    source: R,
    /// Bytes of the current entry that nobody has read yet.
    content: u64,
    /// Bytes between its end and the next header.
    padding: u64,
}

impl<R: BufRead> TarReader<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, content: 0, padding: 0 }
    }

    /// The next entry. `None` only after the mark of the end, with which the stream must end too.
    pub(super) fn next_entry(&mut self) -> Result<Option<TarEntry>, EngineError> {
        self.pass(self.content + self.padding)?;
        (self.content, self.padding) = (0, 0);
        let mut header = [0; BLOCK_BYTES];
        self.source.read_exact(&mut header).map_err(|error| unread(error, "before its mark of the end"))?;
        if header == [0; BLOCK_BYTES] {
            self.end()?;
            return Ok(None);
        }
        let entry = TarEntry::parse(&header).map_err(damaged)?;
        self.content = entry.size;
        self.padding = entry.padding();
        Ok(Some(entry))
    }

    /// Passes over `count` bytes of the content.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), EngineError> {
        let count = count.min(self.content);
        self.pass(count)?;
        self.content -= count;
        Ok(())
    }

    /// All of the content of an entry that holds at most `limit` bytes.
    pub(super) fn whole(&mut self, entry: &TarEntry, limit: u64) -> Result<Vec<u8>, EngineError> {
        if entry.size > limit {
            return Err(damaged(format!(
                "`{}` holds {} bytes; at most {limit} are expected",
                entry.path, entry.size
            )));
        }
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map_err(|error| unread(error, &format!("in `{}`", entry.path)))?;
        Ok(bytes)
    }

    /// Fills `buffer` from the content.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EngineError> {
        self.read_exact(buffer).map_err(|error| unread(error, "in the middle of a file"))
    }

    /// What is there of the content without waiting for more; empty at its end.
    pub(super) fn piece(&mut self) -> Result<&[u8], EngineError> {
        let left = usize::try_from(self.content).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(&[]);
        }
        let piece = self.source.fill_buf().map_err(|error| unread(error, "in the middle of a file"))?;
        if piece.is_empty() {
            return Err(cut("in the middle of a file"));
        }
        Ok(&piece[..piece.len().min(left)])
    }

    /// Marks `count` bytes of the last piece as read.
    pub(super) fn took(&mut self, count: usize) {
        self.source.consume(count);
        self.content -= count as u64;
    }

    fn pass(&mut self, mut count: u64) -> Result<(), EngineError> {
        while count > 0 {
            let there =
                self.source.fill_buf().map_err(|error| unread(error, "in the middle of a file"))?.len();
            if there == 0 {
                return Err(cut("in the middle of a file"));
            }
            let step = usize::try_from(count).map_or(there, |count| count.min(there));
            self.source.consume(step);
            count -= step as u64;
        }
        Ok(())
    }

    /// The second block of zeros, and nothing but zeros behind it.
    fn end(&mut self) -> Result<(), EngineError> {
        let mut second = [0; BLOCK_BYTES];
        self.source.read_exact(&mut second).map_err(|error| unread(error, "in its mark of the end"))?;
        if second != [0; BLOCK_BYTES] {
            return Err(damaged("its mark of the end is half there".to_owned()));
        }
        loop {
            let rest = self.source.fill_buf().map_err(|error| unread(error, "behind its mark of the end"))?;
            if rest.is_empty() {
                return Ok(());
            }
            if rest.iter().any(|byte| *byte != 0) {
                return Err(damaged("it goes on behind its mark of the end".to_owned()));
            }
            let count = rest.len();
            self.source.consume(count);
        }
    }
}

impl<R: BufRead> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(usize::try_from(self.content).unwrap_or(usize::MAX));
        if count == 0 {
            return Ok(0);
        }
        let read = self.source.read(&mut buffer[..count])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.content -= read as u64;
        Ok(read)
    }
}

fn cut(place: &str) -> EngineError {
    damaged(format!("it ends {place}"))
}

fn unread(source: io::Error, place: &str) -> EngineError {
    if source.kind() == io::ErrorKind::UnexpectedEof {
        return cut(place);
    }
    EngineError::Read { doing: "read an archive of the backup".to_owned(), source }
}
