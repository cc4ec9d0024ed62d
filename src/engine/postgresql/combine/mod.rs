//! A physical backup, or a chain of a full one and incremental ones, becomes a data directory while it is read: the newest
//! backup first, each archive once, each block written once, and nothing unpacked beside.
//!
//! The newest backup decides which files there are and how long they are. Where it has only the blocks of a file that
//! changed, the others are taken from the next older backup that has them; what no backup has is zero, as PostgreSQL leaves
//! blocks that it has never written. `global/pg_control`, without which no server starts, gets its name last.

mod chain;
mod configuration;
mod entries;
mod feed;
mod finish;
mod incremental;
mod label;
mod missing;
mod pages;
mod problem;
mod push;
mod relation_file;
mod source;
mod tar_reader;
#[cfg(test)]
mod tests;
mod tree;
mod work;

pub(in crate::engine::postgresql) use configuration::starting_files;
pub use source::{MinimumSettings, SourceConfiguration};

use crate::engine::postgresql::base_backup::WalPosition;
use crate::engine::{Consumer, EngineError, Step};
use crate::model::help;
use push::{ArchivePush, ConfigurationPush, Finish};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use work::{Turn, Work};

/// The longest segment that a server can be built with takes 16 MiB of numbers of blocks.
const SEGMENT_PAGES_LIMIT: u32 = 1 << 22;
const PAGE_BYTES_RANGE: std::ops::RangeInclusive<u32> = 1024..=32768;

/// What is merged, and where it goes.
#[derive(Debug, Clone)]
pub struct MergeRequest {
    /// The data directory: new or empty.
    pub folder: PathBuf,
    /// Where each tablespace of the newest backup goes. Folders are new or empty.
    pub tablespaces: BTreeMap<u32, TablespacePlace>,
    /// The backups, the newest first, the full one last.
    pub links: Vec<MergeLink>,
    /// How the server divides its files.
    pub layout: PageLayout,
}

/// One backup of the chain.
#[derive(Debug, Clone)]
pub struct MergeLink {
    /// For messages: "the backup 20261130-…".
    pub name: String,
    /// Its archives, in the order in which they will be read.
    pub archives: Vec<ArchiveName>,
    /// Where its record says that it began; the archives must agree.
    pub start: Option<WalPosition>,
}

impl MergeLink {
    fn tablespaces(&self) -> impl Iterator<Item = u32> {
        self.archives.iter().filter_map(|archive| match archive {
            ArchiveName::Tablespace(oid) => Some(*oid),
            ArchiveName::Base => None,
        })
    }
}

/// Where a tablespace goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TablespacePlace {
    /// A folder outside of the data directory.
    Folder(PathBuf),
    /// Below `pg_tblspc` itself: the server had it there too.
    InPlace,
}

/// One archive of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArchiveName {
    /// `16384.tar`: a tablespace.
    Tablespace(u32),
    /// `base.tar`: the data directory.
    Base,
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tablespace(oid) => write!(f, "{oid}.tar"),
            Self::Base => f.write_str("base.tar"),
        }
    }
}

impl FromStr for ArchiveName {
    type Err = EngineError;

    fn from_str(name: &str) -> Result<Self, EngineError> {
        let unknown = || problem::damaged(format!("`{name}` is not the name of an archive of PostgreSQL"));
        let stem = name.strip_suffix(".tar").ok_or_else(unknown)?;
        if stem == "base" {
            return Ok(Self::Base);
        }
        let oid: u32 = stem.parse().map_err(|_| unknown())?;
        Some(Self::Tablespace(oid)).filter(|parsed| parsed.to_string() == name).ok_or_else(unknown)
    }
}

/// How a server divides the files of relations, fixed when it is built: `block_size` and `segment_size` of its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLayout {
    page_bytes: u32,
    segment_pages: u32,
}

impl Default for PageLayout {
    fn default() -> Self {
        Self { page_bytes: 8192, segment_pages: 131_072 }
    }
}

impl PageLayout {
    /// Blocks of `page_bytes`, at most `segment_pages` of them in a file.
    pub fn new(page_bytes: u32, segment_pages: u32) -> Result<Self, EngineError> {
        let pages = page_bytes.is_power_of_two() && PAGE_BYTES_RANGE.contains(&page_bytes);
        if !pages || segment_pages == 0 || segment_pages > SEGMENT_PAGES_LIMIT {
            return Err(problem::damaged(format!(
                "files of {segment_pages} blocks of {page_bytes} bytes are not PostgreSQL's"
            )));
        }
        Ok(Self { page_bytes, segment_pages })
    }

    fn page_bytes(self) -> u32 {
        self.page_bytes
    }

    fn segment_pages(self) -> u32 {
        self.segment_pages
    }
}

/// A merge. Its consumers are given one archive after the other: those of the newest backup first, each backup's in the
/// order of its [`MergeLink::archives`]. [`Merge::finish`] comes last.
#[derive(Debug, Clone)]
pub struct Merge {
    work: Arc<Mutex<Work>>,
    folder: PathBuf,
}

impl Merge {
    /// Nothing is touched before the first archive is read.
    pub fn new(mut request: MergeRequest) -> Result<Self, EngineError> {
        request.folder = absolute(&request.folder)?;
        for place in request.tablespaces.values_mut() {
            if let TablespacePlace::Folder(folder) = place {
                *folder = absolute(folder)?;
            }
        }
        check(&request)?;
        let folder = request.folder.clone();
        Ok(Self { work: Arc::new(Mutex::new(Work::new(request))), folder })
    }

    /// Takes one archive of the backup at this place of the chain.
    pub fn consumer(&self, link: usize, archive: ArchiveName) -> Consumer {
        let (work, folder) = (Arc::clone(&self.work), self.folder.clone());
        Consumer::Native(Arc::new(ArchivePush { work, folder, turn: Turn { link, archive } }))
    }

    /// Takes the record of the source's configuration, a [`SourceConfiguration`] as JSON, at any time.
    pub fn configuration(&self) -> Consumer {
        let (work, folder) = (Arc::clone(&self.work), self.folder.clone());
        Consumer::Native(Arc::new(ConfigurationPush { work, folder }))
    }

    /// Completes the folders: only after it a server can start on them, and all is on the disk.
    pub fn finish(&self) -> Step {
        Step::Native(Arc::new(Finish { work: Arc::clone(&self.work), folder: self.folder.clone() }))
    }

    /// Removes what was written into the folders, which were empty; the folders themselves stay. An archive that is being
    /// read is waited for: it ends soon after its stream.
    pub fn clear(&self) -> Result<(), EngineError> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trees = work.trees.iter().flat_map(work::Trees::all);
        trees.try_for_each(|tree| tree.clear().map_err(|error| problem::unwritten(tree.path(), error)))
    }
}

fn absolute(path: &Path) -> Result<PathBuf, EngineError> {
    std::path::absolute(path).map_err(|error| problem::unwritten(path, error))
}

/// Whether the request can be right at all.
fn check(request: &MergeRequest) -> Result<(), EngineError> {
    let newest = request.links.first().ok_or_else(|| problem::damaged("there is no backup".to_owned()))?;
    for link in &request.links {
        let distinct: BTreeSet<ArchiveName> = link.archives.iter().copied().collect();
        if distinct.len() != link.archives.len() || !distinct.contains(&ArchiveName::Base) {
            return Err(problem::damaged(format!("{} has no `base.tar`, or an archive twice", link.name)));
        }
    }
    if let Some(oid) = newest.tablespaces().find(|oid| !request.tablespaces.contains_key(oid)) {
        return Err(EngineError::Prerequisite {
            problem: format!("{} has the tablespace {oid}, for which there is no folder", newest.name),
            help: help!("Name a new or empty folder for it: `--tablespace {oid}=DIR`."),
        });
    }
    let mut folders = vec![&request.folder];
    for place in request.tablespaces.values() {
        let TablespacePlace::Folder(folder) = place else { continue };
        if let Some(other) =
            folders.iter().find(|other| folder.starts_with(other) || other.starts_with(folder))
        {
            return Err(EngineError::Refused {
                problem: format!("`{}` and `{}` are one inside the other", folder.display(), other.display()),
                help: help!("Give every tablespace a folder of its own, outside of the data directory."),
            });
        }
        folders.push(folder);
    }
    Ok(())
}
