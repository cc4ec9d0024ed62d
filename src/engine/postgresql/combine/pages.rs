//! Copies blocks of an archive to where they belong in a file, as many at once as lie beside each other.

use super::problem::unwritten;
use super::tar_reader::TarReader;
use crate::engine::EngineError;
use std::fs::File;
use std::io::BufRead;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

const RUN_BYTES: usize = 256 << 10;

/// A file that blocks are written into.
pub(super) struct PageTarget<'t> {
    pub(super) file: &'t File,
    /// For messages.
    pub(super) path: &'t Path,
    pub(super) page_bytes: u32,
}

/// The blocks that come next in an archive.
pub(super) struct ComingPages<'p> {
    /// Their number.
    pub(super) count: u32,
    /// Which block of the file the one with this index is.
    pub(super) block: &'p dyn Fn(u32) -> u32,
    /// Whether that block is to be written.
    pub(super) wants: &'p dyn Fn(u32) -> bool,
}

impl PageTarget<'_> {
    /// Reads all of `coming`, and writes those that are wanted.
    pub(super) fn copy<R: BufRead>(
        &self,
        tar: &mut TarReader<R>,
        coming: &ComingPages<'_>,
    ) -> Result<(), EngineError> {
        let page = self.page_bytes as usize;
        let longest = u32::try_from(RUN_BYTES / page).unwrap_or(1).max(1);
        let mut buffer = vec![0; longest as usize * page];
        let mut index = 0;
        while index < coming.count {
            let first = (coming.block)(index);
            let wanted = (coming.wants)(first);
            let mut run = 1;
            while run < longest && index + run < coming.count {
                let block = (coming.block)(index + run);
                if block != first + run || (coming.wants)(block) != wanted {
                    break;
                }
                run += 1;
            }
            let bytes = run as usize * page;
            if wanted {
                tar.fill(&mut buffer[..bytes])?;
                let at = u64::from(first) * u64::from(self.page_bytes);
                self.file
                    .write_all_at(&buffer[..bytes], at)
                    .map_err(|source| unwritten(self.path, source))?;
            } else {
                tar.skip(bytes as u64)?;
            }
            index += run;
        }
        Ok(())
    }
}
