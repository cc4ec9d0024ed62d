//! Which blocks of which files are still to be found in older backups.
//!
//! A file of which nothing has been found takes about 36 bytes. Once a part of it has been found, one bit for each of its
//! blocks is added: 16 KiB for a file of 1 GiB. So 20 GiB of data take at most 320 KiB of bits, and 100,000 files 4 MiB.

use super::problem::damaged;
use super::relation_file::RelationFile;
use crate::engine::EngineError;
use crate::engine::postgresql::tar::EntryPath;
use std::collections::BTreeMap;

/// 150 MiB of memory.
const FILES_LIMIT: usize = 4_000_000;
/// The bits for 8 TiB in files of which a part has been found.
const BITS_LIMIT: usize = 128 << 20;

/// All files that are not whole yet.
#[derive(Debug, Default)]
pub(super) struct MissingPages {
    files: BTreeMap<RelationFile, Wanted>,
    partial: BTreeMap<RelationFile, Found>,
    bits_bytes: usize,
}

/// A file that is not whole yet.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    /// The blocks below this one are wanted.
    blocks: u32,
    /// The backup in which it was seen last: every one of the chain has it until it is whole.
    link: u32,
}

/// The blocks of a file that are not missing any more.
#[derive(Debug)]
struct Found {
    bits: Box<[u64]>,
    count: u32,
}

/// One of the files, taken out for as long as a backup adds to it.
#[derive(Debug)]
pub(super) struct WantedFile {
    file: RelationFile,
    blocks: u32,
    found: Option<Found>,
}

impl WantedFile {
    /// A file whose blocks below `blocks` are wanted.
    pub(super) fn new(file: RelationFile, blocks: u32) -> Self {
        Self { file, blocks, found: None }
    }

    pub(super) fn wants(&self, block: u32) -> bool {
        let found = |found: &Found| found.bits[block as usize / 64] & (1 << (block % 64)) != 0;
        block < self.blocks && !self.found.as_ref().is_some_and(found)
    }

    /// The block is there now.
    pub(super) fn found(&mut self, block: u32) {
        if !self.wants(block) {
            return;
        }
        let words = (self.blocks as usize).div_ceil(64);
        let found = self.found.get_or_insert_with(|| Found { bits: vec![0; words].into(), count: 0 });
        found.bits[block as usize / 64] |= 1 << (block % 64);
        found.count += 1;
    }

    /// How many blocks it wants at most.
    pub(super) fn blocks(&self) -> u32 {
        self.blocks
    }

    fn is_whole(&self) -> bool {
        self.found.as_ref().map_or(0, |found| found.count) == self.blocks
    }
}

impl MissingPages {
    /// Takes out the file; `None` when nothing of it is missing. Two files of one backup for the same file are an error.
    pub(super) fn take(
        &mut self,
        file: RelationFile,
        link: u32,
        path: &EntryPath,
    ) -> Result<Option<WantedFile>, EngineError> {
        let Some(wanted) = self.files.get(&file).copied() else { return Ok(None) };
        if wanted.link == link {
            return Err(damaged(format!("`{path}` is there twice")));
        }
        self.files.remove(&file);
        let found = self.partial.remove(&file);
        self.bits_bytes -= found.as_ref().map_or(0, |found| size_of_val(&*found.bits));
        Ok(Some(WantedFile { file, blocks: wanted.blocks, found }))
    }

    /// Puts it back, seen in the backup `link`, unless nothing is missing any more.
    pub(super) fn put(&mut self, wanted: WantedFile, link: u32) -> Result<(), EngineError> {
        if wanted.is_whole() {
            return Ok(());
        }
        self.files.insert(wanted.file, Wanted { blocks: wanted.blocks, link });
        if let Some(found) = wanted.found {
            self.bits_bytes += size_of_val(&*found.bits);
            self.partial.insert(wanted.file, found);
        }
        if self.files.len() > FILES_LIMIT || self.bits_bytes > BITS_LIMIT {
            return Err(damaged(format!(
                "more than {FILES_LIMIT} of its files, or {} MiB of bits, would have to be completed from older backups",
                BITS_LIMIT >> 20
            )));
        }
        Ok(())
    }

    /// How many files are not whole although the backup `link` does not have them.
    pub(super) fn unseen(&self, link: u32) -> usize {
        self.files.values().filter(|wanted| wanted.link != link).count()
    }

    /// How many files are not whole.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}
