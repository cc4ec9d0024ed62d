//! The form in which PostgreSQL 17 and newer store what has changed of a file of a relation: a magic number, how many
//! blocks are there, how long the file is at least, the numbers of the blocks, zeros up to a whole block, the blocks.

use super::PageLayout;
use super::problem::damaged;
use super::tar_reader::TarReader;
use crate::engine::EngineError;
use crate::engine::postgresql::tar::EntryPath;
use crate::engine::postgresql::tar::TarEntry;
use std::io::BufRead;

const MAGIC: u32 = 0xd3ae_1f0d;
const FIXED_BYTES: usize = 12;
const NUMBER_BYTES: usize = 4;

/// What comes before the blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IncrementalHeader {
    /// The file has at least this many blocks; those below it that are not here are in an older backup.
    pub(super) truncation: u32,
    /// The numbers of the blocks that follow, each larger than the one before.
    pub(super) blocks: Vec<u32>,
}

impl IncrementalHeader {
    /// Reads it. The blocks follow at once.
    pub(super) fn read<R: BufRead>(
        tar: &mut TarReader<R>,
        entry: &TarEntry,
        layout: PageLayout,
    ) -> Result<Self, EngineError> {
        let wrong = |problem: String| damaged(format!("`{}`: {problem}", entry.path));
        if entry.size < FIXED_BYTES as u64 {
            return Err(wrong(format!("{} bytes cannot say what has changed", entry.size)));
        }
        let mut fixed = [0; FIXED_BYTES];
        tar.fill(&mut fixed)?;
        let [magic, count, truncation] = [0, 4, 8].map(|at| number(&fixed[at..]));
        if magic != MAGIC {
            return Err(wrong(format!("it begins with {magic:#x} instead of {MAGIC:#x}")));
        }
        let most = layout.segment_pages();
        if count > most || truncation > most {
            let more = count.max(truncation);
            return Err(wrong(format!("it speaks of {more} blocks, but a file has at most {most}")));
        }
        let page = u64::from(layout.page_bytes());
        let listed = FIXED_BYTES as u64 + u64::from(count) * NUMBER_BYTES as u64;
        let header = if count == 0 { listed } else { listed.next_multiple_of(page) };
        let expected = header + u64::from(count) * page;
        if entry.size != expected {
            return Err(wrong(format!(
                "it has {} bytes; with {count} blocks it would have {expected}",
                entry.size
            )));
        }
        let mut numbers = vec![0; count as usize * NUMBER_BYTES];
        tar.fill(&mut numbers)?;
        let blocks: Vec<u32> = numbers.chunks_exact(NUMBER_BYTES).map(number).collect();
        if !blocks.is_sorted_by(|one, next| one < next) || blocks.last().is_some_and(|last| *last >= most) {
            return Err(wrong("the numbers of its blocks make no sense".to_owned()));
        }
        tar.skip(header - listed)?;
        Ok(Self { truncation, blocks })
    }

    /// How many blocks the whole file has.
    pub(super) fn length(&self) -> u32 {
        self.blocks.last().map_or(0, |last| last + 1).max(self.truncation)
    }
}

/// The first four bytes, least significant first.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(NUMBER_BYTES).rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// Refuses a name that says "what has changed" about something that is no file of a relation.
pub(super) fn refuse(path: &EntryPath) -> EngineError {
    damaged(format!("`{path}` is an incremental file, but not of a relation"))
}
