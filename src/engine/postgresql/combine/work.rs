//! The merge under way: what has been read of which backup, and what is still missing.

use super::label::BackupLabel;
use super::missing::MissingPages;
use super::problem::damaged;
use super::source::SourceConfiguration;
use super::tar_reader::TarReader;
use super::tree::Tree;
use super::{ArchiveName, MergeRequest, TablespacePlace};
use crate::engine::EngineError;
use crate::engine::postgresql::base_backup::WalPosition;
use crate::engine::postgresql::tar::EntryPath;
use crate::model::help;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};
use std::path::Path;

/// One archive of one backup of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// The place of the backup in the chain; 0 is the newest.
    pub(super) link: usize,
    pub(super) archive: ArchiveName,
}

/// The file that makes a folder a database system: it gets its name last.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) bytes: Vec<u8>,
    pub(super) mode: u32,
}

/// What the archives of the newest backup said about the whole.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// `PG_VERSION`, without which no server takes a folder for its own.
    pub(super) version_file: bool,
    pub(super) control: Option<Control>,
    /// Tablespaces with a folder outside, from the map or the links.
    pub(super) declared: BTreeSet<u32>,
    /// The folder that the server's version has in every tablespace.
    pub(super) version_folder: Option<Vec<u8>>,
    /// The rights of the data directory, which the archive has no entry for; its folders have the same.
    pub(super) folder_mode: Option<u32>,
}

/// Everything that is remembered between two archives.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) request: MergeRequest,
    turns: Vec<Turn>,
    /// Which of the turns comes next.
    next: usize,
    /// What is in the folders cannot be completed any more.
    broken: bool,
    pub(super) trees: Option<Trees>,
    pub(super) missing: MissingPages,
    pub(super) seen: Seen,
    /// Of the backup that is being read, once it has been read.
    pub(super) label: Option<BackupLabel>,
    /// Where the backup began that the last one continues.
    pub(super) continues: Option<WalPosition>,
    /// The system that the newest backup is of.
    pub(super) system: Option<u64>,
    pub(super) configuration: Option<SourceConfiguration>,
}

/// The folders that are filled.
#[derive(Debug)]
pub(super) struct Trees {
    pub(super) base: Tree,
    pub(super) tablespaces: BTreeMap<u32, Tree>,
}

impl Trees {
    /// Where the files of an archive are; none for a tablespace that the newest backup does not have.
    pub(super) fn of(&mut self, archive: ArchiveName) -> Option<&mut Tree> {
        match archive {
            ArchiveName::Base => Some(&mut self.base),
            ArchiveName::Tablespace(oid) => self.tablespaces.get_mut(&oid),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Tree> {
        self.tablespaces.values().chain([&self.base])
    }
}

impl Work {
    pub(super) fn new(request: MergeRequest) -> Self {
        let archives = |link: usize| request.links[link].archives.iter();
        let turns = (0..request.links.len())
            .flat_map(|link| archives(link).map(move |archive| Turn { link, archive: *archive }))
            .collect();
        Self {
            request,
            turns,
            next: 0,
            broken: false,
            trees: None,
            missing: MissingPages::default(),
            seen: Seen::default(),
            label: None,
            continues: None,
            system: None,
            configuration: None,
        }
    }

    /// Reads one archive, whose turn it must be.
    pub(super) fn read<R: BufRead>(&mut self, turn: Turn, source: R) -> Result<(), EngineError> {
        let expected = self.turns.get(self.next).copied();
        if self.broken || expected != Some(turn) {
            let problem = format!("{} was read at the wrong time or after an error", self.name_of(turn));
            return Err(damaged(problem));
        }
        // Until the end of this archive; a thread that dies leaves it at that.
        self.broken = true;
        let done = self.read_entries(turn, source).map_err(|error| self.about(turn, error));
        if done.is_ok() {
            self.next += 1;
            self.broken = false;
        }
        done
    }

    fn read_entries<R: BufRead>(&mut self, turn: Turn, source: R) -> Result<(), EngineError> {
        if self.trees.is_none() {
            self.trees = Some(self.occupy()?);
        }
        let mut tar = TarReader::new(source);
        while let Some(entry) = tar.next_entry()? {
            self.entry(turn, &entry, &mut tar)?;
        }
        let is_last = self.turns.get(self.next + 1).is_none_or(|next| next.link != turn.link);
        if is_last { self.end_link(turn.link) } else { Ok(()) }
    }

    /// All archives of a backup have been read.
    fn end_link(&mut self, link: usize) -> Result<(), EngineError> {
        let label = self.label.take();
        let label = label.ok_or_else(|| damaged("it has no `backup_label`".to_owned()))?;
        self.continues = label.continues;
        let unseen = self.missing.unseen(number(link));
        if unseen > 0 {
            let newer = &self.request.links[link.saturating_sub(1)].name;
            return Err(damaged(format!(
                "{unseen} files of which {newer} has only what changed are not in it"
            )));
        }
        Ok(())
    }

    /// Makes or takes the folders, all of them before the first byte is written.
    fn occupy(&self) -> Result<Trees, EngineError> {
        let mut base =
            Tree::occupy(&self.request.folder).map_err(|error| occupied(&self.request.folder, error))?;
        let mut tablespaces = BTreeMap::new();
        for oid in self.request.links[0].tablespaces() {
            let tree = match self.request.tablespaces.get(&oid) {
                Some(TablespacePlace::Folder(path)) => {
                    Tree::occupy(path).map_err(|error| occupied(path, error))
                }
                Some(TablespacePlace::InPlace) | None => {
                    let made = in_place(&mut base, oid);
                    made.map_err(|error| occupied(&self.request.folder, error))
                }
            }?;
            tablespaces.insert(oid, tree);
        }
        Ok(Trees { base, tablespaces })
    }

    /// Whether every archive of every backup has been read, and none with an error.
    pub(super) fn is_complete(&self) -> bool {
        !self.broken && self.next == self.turns.len()
    }

    fn name_of(&self, turn: Turn) -> String {
        format!("`{}` of {}", turn.archive, self.request.links[turn.link].name)
    }

    /// Says which archive is damaged.
    fn about(&self, turn: Turn, error: EngineError) -> EngineError {
        match error {
            EngineError::Archive { problem } => damaged(format!("{}: {problem}", self.name_of(turn))),
            other => other,
        }
    }
}

/// A tablespace that the server keeps inside of its own folder.
fn in_place(base: &mut Tree, oid: u32) -> io::Result<Tree> {
    let path = |text: String| EntryPath::parse(text.as_bytes()).map_err(io::Error::other);
    base.make_folder(&path("pg_tblspc".to_owned())?, 0o700)?;
    base.below(&path(format!("pg_tblspc/{oid}"))?)
}

fn occupied(path: &Path, source: io::Error) -> EngineError {
    if source.kind() == io::ErrorKind::DirectoryNotEmpty {
        return EngineError::Refused {
            problem: format!("`{}` is not empty", path.display()),
            help: help!("Give a folder that is new or empty: nothing in it is ever overwritten."),
        };
    }
    EngineError::Read { doing: format!("write into `{}`", path.display()), source }
}

/// The number of a backup of the chain as it is remembered for every file.
pub(super) fn number(link: usize) -> u32 {
    u32::try_from(link).unwrap_or(u32::MAX)
}
