//! Reads the archives that PostgreSQL writes: plain `ustar` headers, of files, folders and links.
//!
//! Everything that PostgreSQL never writes is refused: extended headers, long names, hard links, devices, sparse files. A
//! name of more than 99 bytes makes PostgreSQL fail the backup, so nothing of a real backup is lost by that.

use super::entry_path::EntryPath;
use super::problem::damaged;
use crate::engine::EngineError;
use std::io::{self, BufRead, Read};
use std::ops::Range;

const BLOCK_BYTES: usize = 512;
const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const SIZE: Range<usize> = 124..136;
const CHECKSUM: Range<usize> = 148..156;
const KIND: usize = 156;
const MAGIC: Range<usize> = 257..265;
const PREFIX: Range<usize> = 345..500;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Folder,
    Link,
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TarEntry {
    pub(super) path: EntryPath,
    pub(super) kind: EntryKind,
    /// Of the content, which can be read from the reader now.
    pub(super) size: u64,
    pub(super) mode: u32,
}

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
        let entry = parse(&header)?;
        self.content = entry.size;
        self.padding = entry.size.wrapping_neg() % BLOCK_BYTES as u64;
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

fn parse(header: &[u8; BLOCK_BYTES]) -> Result<TarEntry, EngineError> {
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    let own: u64 = header[CHECKSUM].iter().map(|byte| u64::from(*byte)).sum();
    // The sum is taken as if its own field held spaces.
    let expected = sum - own + u64::from(b' ') * CHECKSUM.len() as u64;
    if number(&header[CHECKSUM]) != Some(expected) || &header[MAGIC] != b"ustar\x0000" {
        return Err(damaged("a header in it is not one of PostgreSQL's".to_owned()));
    }
    let name = &header[NAME];
    let end = name.iter().position(|byte| *byte == 0);
    let end = end.filter(|_| header[PREFIX].iter().all(|byte| *byte == 0));
    let end = end.ok_or_else(|| damaged("a name in it is longer than PostgreSQL writes them".to_owned()))?;
    let path = EntryPath::parse(&name[..end])?;
    let kind = match header[KIND] {
        b'0' => EntryKind::File,
        b'5' => EntryKind::Folder,
        b'2' => EntryKind::Link,
        other => return Err(damaged(format!("`{path}` is {}", named(other)))),
    };
    let size = number(&header[SIZE]).filter(|size| kind == EntryKind::File || *size == 0);
    let size = size.ok_or_else(|| damaged(format!("`{path}` has a size that makes no sense")))?;
    let mode = number(&header[MODE]).and_then(|mode| u32::try_from(mode).ok());
    let mode = mode.ok_or_else(|| damaged(format!("`{path}` has a mode that makes no sense")))?;
    Ok(TarEntry { path, kind, size, mode })
}

/// What the letter of a kind that PostgreSQL never writes means.
fn named(kind: u8) -> String {
    let name = match kind {
        b'1' => "a hard link",
        b'3' | b'4' => "a device",
        b'6' => "a named pipe",
        b'S' => "a sparse file",
        b'L' | b'K' | b'x' | b'g' | b'X' => "an extended header",
        other => return format!("of the unknown kind {other}"),
    };
    format!("{name}, which PostgreSQL never writes")
}

/// Octal digits and a space or zero byte; or, for what is too large for that, binary after a byte 0x80.
fn number(field: &[u8]) -> Option<u64> {
    /// No file is that large; sums with it cannot overflow.
    const SENSIBLE: u64 = 1 << 60;
    if field.first() == Some(&0x80) {
        return field[1..].iter().try_fold(0_u64, |value, byte| {
            Some((value << 8) | u64::from(*byte)).filter(|value| *value < SENSIBLE)
        });
    }
    let digits = field.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let ends = field[digits..].iter().all(|byte| matches!(byte, b' ' | 0));
    let value = || field[..digits].iter().fold(0, |value, digit| value * 8 + u64::from(digit - b'0'));
    (digits > 0 && ends).then(value)
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
