//! The headers of the archives that PostgreSQL writes: plain `ustar`, of files, folders and links.
//!
//! Everything that PostgreSQL never writes is refused: extended headers, long names, hard links, devices, sparse files. A
//! name of more than 99 bytes makes PostgreSQL fail the backup, so nothing of a real backup is lost by that. A backup is
//! witnessed and restored by the same rules: what could not be restored is no success.

mod entry_path;

pub(super) use entry_path::{EntryPath, SplitPath};

use std::ops::Range;

/// Headers and contents come in blocks of this size.
pub(super) const BLOCK_BYTES: usize = 512;
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
    /// Of the content, which follows.
    pub(super) size: u64,
    pub(super) mode: u32,
}

impl TarEntry {
    /// From a header; an error says what PostgreSQL would not have written.
    pub(super) fn parse(header: &[u8; BLOCK_BYTES]) -> Result<Self, String> {
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        let own: u64 = header[CHECKSUM].iter().map(|byte| u64::from(*byte)).sum();
        // The sum is taken as if its own field held spaces.
        let expected = sum - own + u64::from(b' ') * CHECKSUM.len() as u64;
        if number(&header[CHECKSUM]) != Some(expected) || &header[MAGIC] != b"ustar\x0000" {
            return Err("a header in it is damaged, or not one of PostgreSQL's".to_owned());
        }
        let name = &header[NAME];
        let end = name.iter().position(|byte| *byte == 0);
        let end = end.filter(|_| header[PREFIX].iter().all(|byte| *byte == 0));
        let end = end.ok_or("a name in it is longer than PostgreSQL writes them")?;
        let path = EntryPath::parse(&name[..end])?;
        let kind = match header[KIND] {
            b'0' => EntryKind::File,
            b'5' => EntryKind::Folder,
            b'2' => EntryKind::Link,
            other => return Err(format!("`{path}` is {}", named(other))),
        };
        let size = number(&header[SIZE]).filter(|size| kind == EntryKind::File || *size == 0);
        let size = size.ok_or_else(|| format!("`{path}` has a size that makes no sense"))?;
        let mode = number(&header[MODE]).and_then(|mode| u32::try_from(mode).ok());
        let mode = mode.ok_or_else(|| format!("`{path}` has a mode that makes no sense"))?;
        Ok(Self { path, kind, size, mode })
    }

    /// Bytes between the end of the content and the next header.
    pub(super) fn padding(&self) -> u64 {
        self.size.wrapping_neg() % BLOCK_BYTES as u64
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A header as PostgreSQL writes it, with one field changed.
    fn header(field: Range<usize>, value: &[u8]) -> [u8; BLOCK_BYTES] {
        let mut header = [0; BLOCK_BYTES];
        header[..4].copy_from_slice(b"base");
        header[MODE].copy_from_slice(b"0000600\0");
        header[SIZE].copy_from_slice(b"00000001000 ");
        header[KIND] = b'0';
        header[MAGIC].copy_from_slice(b"ustar\x0000");
        header[field.start..field.start + value.len()].copy_from_slice(value);
        header[CHECKSUM].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    }

    #[test]
    fn a_header_says_what_follows() {
        let entry = TarEntry::parse(&header(SIZE, b"00000001001 ")).unwrap();
        assert_eq!((entry.kind, entry.size, entry.mode), (EntryKind::File, 513, 0o600));
        assert_eq!((entry.path.bytes(), entry.padding()), (&b"base"[..], 511));
        let large = TarEntry::parse(&header(SIZE, &[0x80, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0])).unwrap();
        assert_eq!((large.size, large.padding()), (1 << 34, 0));
    }

    #[test]
    fn what_postgresql_never_writes_is_refused() {
        let kind = KIND..KIND + 1;
        for (field, value) in [
            (PREFIX, &b"long/er"[..]),
            (NAME, &[b'a'; 100]),
            (NAME, b"../x"),
            (NAME, b"/etc"),
            (kind.clone(), b"1"),
            (kind.clone(), b"x"),
            (kind.clone(), b"\0"),
            (kind, b"5"),
            (MAGIC, b"ustar  \0"),
            (SIZE, b"0000000100x "),
            (SIZE, &[0x80, 1]),
            (MODE, b"x"),
        ] {
            assert!(TarEntry::parse(&header(field.clone(), value)).is_err(), "{field:?} {value:?}");
        }
        let mut damaged = header(NAME, b"base");
        damaged[0] ^= 1;
        assert!(TarEntry::parse(&damaged).is_err());
    }
}
