//! The data blocks of an archive: one per table with rows, one per group of large objects.

use super::field::{Problem, int_value};
use memchr::memchr_iter;

const BLOCK_DATA: u8 = 1;
const BLOCK_BLOBS: u8 = 3;

/// The last bytes of every block of COPY text: pg_dump writes the terminator and an empty line after it.
const COPY_END: u64 = u64::from_be_bytes(*b"\0\0\n\\.\n\n\n");
const COPY_END_MASK: u64 = 0x0000_FFFF_FFFF_FFFF;
const COPY_END_LINES: u64 = 3;

/// How the contents of a block are to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// COPY text, a line per row.
    CopyText,
    /// Anything else.
    Opaque,
}

/// Keeps the account of blocks.
pub(super) trait Ledger {
    /// A block begins; how to take it, or why it must not be there.
    fn begin(&mut self, id: i64) -> Result<Content, Problem>;
    /// A large object begins inside the block.
    fn large_object(&mut self);
    /// The block has ended with this many rows.
    fn end(&mut self, id: i64, rows: u64);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Between blocks: the only place where an archive may end.
    FieldKind,
    Id {
        blobs: bool,
    },
    /// A large object's number, or 0 after the last.
    Blob,
    /// A piece's length, or 0 after the last.
    Length {
        blobs: bool,
    },
    Piece {
        left: usize,
        blobs: bool,
    },
}

/// Follows the blocks through pieces cut anywhere.
#[derive(Debug)]
pub(super) struct Blocks {
    int_bytes: usize,
    at: At,
    digits: [u8; 9],
    filled: usize,
    id: i64,
    content: Content,
    lines: u64,
    tail: u64,
}

impl Blocks {
    pub(super) fn new(int_size: usize) -> Self {
        Self {
            int_bytes: 1 + int_size,
            at: At::FieldKind,
            digits: [0; 9],
            filled: 0,
            id: 0,
            content: Content::Opaque,
            lines: 0,
            tail: 0,
        }
    }

    /// Whether the archive may end here.
    pub(super) fn between_blocks(&self) -> bool {
        self.at == At::FieldKind
    }

    /// The block that is under way.
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8], ledger: &mut impl Ledger) -> Result<(), Problem> {
        while !bytes.is_empty() {
            if let At::Piece { left, blobs } = self.at {
                let (piece, rest) = bytes.split_at(left.min(bytes.len()));
                bytes = rest;
                self.take_piece(piece);
                let left = left - piece.len();
                self.at = if left == 0 { At::Length { blobs } } else { At::Piece { left, blobs } };
            } else if self.at == At::FieldKind {
                self.at = match bytes[0] {
                    BLOCK_DATA => At::Id { blobs: false },
                    BLOCK_BLOBS => At::Id { blobs: true },
                    other => return Err(format!("a block of kind {other}")),
                };
                bytes = &bytes[1..];
            } else if let Some(number) = self.int(&mut bytes)? {
                self.take_number(number, ledger)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn take_number(&mut self, number: i64, ledger: &mut impl Ledger) -> Result<(), Problem> {
        self.at = match self.at {
            At::Length { blobs } if number > 0 => {
                At::Piece { left: usize::try_from(number).unwrap_or(usize::MAX), blobs }
            }
            At::Length { .. } if number < 0 => return Err(format!("a piece of {number} bytes")),
            At::Length { blobs: true } => At::Blob,
            At::Length { blobs: false } => self.end_block(ledger)?,
            At::Blob if number == 0 => self.end_block(ledger)?,
            At::Blob => {
                ledger.large_object();
                At::Length { blobs: true }
            }
            At::Id { blobs } => {
                self.id = number;
                self.content = ledger.begin(number)?;
                self.lines = 0;
                // As if a line had ended before the first one.
                self.tail = u64::from(b'\n');
                if blobs { At::Blob } else { At::Length { blobs } }
            }
            At::FieldKind | At::Piece { .. } => self.at,
        };
        Ok(())
    }

    fn end_block(&mut self, ledger: &mut impl Ledger) -> Result<At, Problem> {
        let mut rows = 0;
        if self.content == Content::CopyText {
            if self.tail & COPY_END_MASK != COPY_END {
                return Err("the rows of a table end without their terminator".to_owned());
            }
            rows = self.lines - COPY_END_LINES;
        }
        ledger.end(self.id, rows);
        Ok(At::FieldKind)
    }

    #[inline]
    fn take_piece(&mut self, piece: &[u8]) {
        if self.content == Content::Opaque {
            return;
        }
        self.lines += memchr_iter(b'\n', piece).count() as u64;
        self.tail = match piece.last_chunk::<8>() {
            Some(last) => u64::from_be_bytes(*last),
            None => piece.iter().fold(self.tail, |tail, byte| tail << 8 | u64::from(*byte)),
        };
    }

    #[inline]
    fn int(&mut self, bytes: &mut &[u8]) -> Result<Option<i64>, Problem> {
        // Nearly every integer lies whole in the bytes at hand, and there is one per row.
        if let (0, 5, Some((digits, rest))) = (self.filled, self.int_bytes, bytes.split_first_chunk::<5>()) {
            *bytes = rest;
            let [sign, a, b, c, d] = *digits;
            let value = i64::from(u32::from_le_bytes([a, b, c, d]));
            return match sign {
                0 => Ok(Some(value)),
                1 => Ok(Some(-value)),
                other => Err(format!("{other:#04x} stands where a sign should be")),
            };
        }
        let (piece, rest) = bytes.split_at((self.int_bytes - self.filled).min(bytes.len()));
        self.digits[self.filled..self.filled + piece.len()].copy_from_slice(piece);
        self.filled += piece.len();
        *bytes = rest;
        if self.filled < self.int_bytes {
            return Ok(None);
        }
        self.filled = 0;
        int_value(&self.digits).map(Some)
    }
}
