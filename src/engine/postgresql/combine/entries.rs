//! What becomes of each entry: the newest backup decides which files there are; older ones only add what is missing.

use super::ArchiveName;
use super::incremental::{self, IncrementalHeader};
use super::label::{self, BackupLabel};
use super::missing::WantedFile;
use super::pages::{ComingPages, PageTarget};
use super::problem::{damaged, unwritten};
use super::relation_file::{NamedRelation, RelationFile, seems_incremental};
use super::tar_reader::TarReader;
use super::tree::Tree;
use super::work::{Control, Turn, Work, number};
use crate::engine::EngineError;
use crate::engine::postgresql::tar::EntryPath;
use crate::engine::postgresql::tar::{EntryKind, TarEntry};
use std::fs::File;
use std::io::{self, BufRead, Write as _};
use std::path::Path;

const VERSION: &[u8] = b"PG_VERSION";
const LABEL: &[u8] = b"backup_label";
const MAP: &[u8] = b"tablespace_map";
const CONTROL: &[u8] = b"global/pg_control";
/// What must not come back: a process that runs elsewhere, a standby's or recovery's wish, the map of the old folders,
/// which a server would follow, and the list of the files of one backup.
const DROPPED: [&[u8]; 6] =
    [b"postmaster.pid", b"postmaster.opts", b"standby.signal", b"recovery.signal", MAP, b"backup_manifest"];

impl Work {
    pub(super) fn entry<R: BufRead>(
        &mut self,
        turn: Turn,
        entry: &TarEntry,
        tar: &mut TarReader<R>,
    ) -> Result<(), EngineError> {
        let newest = turn.link == 0;
        match entry.kind {
            EntryKind::Folder if newest => self.folder(turn.archive, entry),
            EntryKind::Link => self.link(turn, entry),
            EntryKind::Folder => Ok(()),
            EntryKind::File => {
                if turn.archive == ArchiveName::Base {
                    self.about_the_whole(turn, entry, tar)?;
                }
                if newest {
                    self.newest_file(turn.archive, entry, tar)
                } else {
                    self.older_file(turn, entry, tar)
                }
            }
        }
    }

    fn folder(&mut self, archive: ArchiveName, entry: &TarEntry) -> Result<(), EngineError> {
        self.seen.folder_mode.get_or_insert(entry.mode);
        let tree = self.tree(archive)?;
        tree.make_folder(&entry.path, entry.mode).map_err(|error| unwritten(&tree.full(&entry.path), error))
    }

    /// The only links that PostgreSQL writes say where a tablespace was. They are made anew in the end.
    fn link(&mut self, turn: Turn, entry: &TarEntry) -> Result<(), EngineError> {
        let split = entry.path.split();
        let oid = std::str::from_utf8(split.name).ok().and_then(|name| name.parse().ok());
        let oid = oid.filter(|_| turn.archive == ArchiveName::Base && split.folder == b"pg_tblspc");
        let oid = oid.ok_or_else(|| damaged(format!("`{}` is a symbolic link", entry.path)))?;
        if turn.link == 0 {
            self.seen.declared.insert(oid);
        }
        Ok(())
    }

    /// The few files that say something about the backup itself are read into memory.
    fn about_the_whole<R: BufRead>(
        &mut self,
        turn: Turn,
        entry: &TarEntry,
        tar: &mut TarReader<R>,
    ) -> Result<(), EngineError> {
        let newest = turn.link == 0;
        match entry.path.bytes() {
            LABEL => {
                let label = BackupLabel::parse(&tar.whole(entry, label::LABEL_LIMIT)?)?;
                self.fits(turn.link, &label)?;
                if newest {
                    self.write_whole(entry, &label.whole)?;
                }
                self.label = Some(label);
            }
            MAP if newest => {
                self.seen.declared.extend(label::mapped(&tar.whole(entry, label::MAP_LIMIT)?)?);
            }
            CONTROL => {
                let bytes = tar.whole(entry, label::CONTROL_BYTES)?;
                self.same_system(&bytes)?;
                if newest && self.seen.control.replace(Control { bytes, mode: entry.mode }).is_some() {
                    return Err(damaged("`global/pg_control` is there twice".to_owned()));
                }
            }
            VERSION if newest => self.seen.version_file = true,
            _ => {}
        }
        Ok(())
    }

    fn same_system(&mut self, control: &[u8]) -> Result<(), EngineError> {
        let system = label::system_of(control)
            .ok_or_else(|| damaged("`global/pg_control` is too short".to_owned()))?;
        let newest = *self.system.get_or_insert(system);
        if newest == system {
            return Ok(());
        }
        let name = &self.request.links[0].name;
        Err(damaged(format!("it is of the database system {system}, but {name} is of {newest}")))
    }

    fn newest_file<R: BufRead>(
        &mut self,
        archive: ArchiveName,
        entry: &TarEntry,
        tar: &mut TarReader<R>,
    ) -> Result<(), EngineError> {
        let path = entry.path.bytes();
        let base = archive == ArchiveName::Base;
        if base && (path == LABEL || path == CONTROL || DROPPED.contains(&path)) {
            return Ok(());
        }
        if seems_incremental(archive, &entry.path) {
            let named =
                RelationFile::named(archive, &entry.path).ok_or_else(|| incremental::refuse(&entry.path))?;
            return self.newest_incremental(archive, &named, entry, tar);
        }
        let tree = self.tree(archive)?;
        let mut file = create(tree, &entry.path, entry.mode)?;
        loop {
            let piece = tar.piece()?;
            if piece.is_empty() {
                return Ok(());
            }
            file.write_all(piece).map_err(|error| unwritten(&tree.full(&entry.path), error))?;
            let count = piece.len();
            tar.took(count);
        }
    }

    /// Writes the blocks that are there, and remembers the others.
    fn newest_incremental<R: BufRead>(
        &mut self,
        archive: ArchiveName,
        named: &NamedRelation,
        entry: &TarEntry,
        tar: &mut TarReader<R>,
    ) -> Result<(), EngineError> {
        if let Some(version) = &named.version {
            let known = self.seen.version_folder.get_or_insert_with(|| version.clone());
            if known != version {
                return Err(damaged(format!("`{}` is in the folder of another version", entry.path)));
            }
        }
        let layout = self.request.layout;
        let header = IncrementalHeader::read(tar, entry, layout)?;
        let tree = self.tree(archive)?;
        let file = create(tree, &named.path, entry.mode)?;
        let path = tree.full(&named.path);
        let length = u64::from(header.length()) * u64::from(layout.page_bytes());
        file.set_len(length).map_err(|error| unwritten(&path, error))?;
        let target = PageTarget { file: &file, path: &path, page_bytes: layout.page_bytes() };
        copy_listed(&target, tar, &header, &|_| true)?;
        let mut wanted = WantedFile::new(named.file, header.truncation);
        header.blocks.iter().for_each(|block| wanted.found(*block));
        self.missing.put(wanted, 0)
    }

    /// Adds what is missing in a file that the newest backup has only a part of.
    fn older_file<R: BufRead>(
        &mut self,
        turn: Turn,
        entry: &TarEntry,
        tar: &mut TarReader<R>,
    ) -> Result<(), EngineError> {
        let Some(named) = RelationFile::named(turn.archive, &entry.path) else {
            return Ok(());
        };
        let version =
            named.version.as_ref().filter(|version| self.seen.version_folder.as_ref() != Some(version));
        if version.is_some() {
            return Ok(());
        }
        let link = number(turn.link);
        let Some(mut wanted) = self.missing.take(named.file, link, &entry.path)? else {
            return Ok(());
        };
        let layout = self.request.layout;
        let tree = self.tree(turn.archive)?;
        let path = tree.full(&named.path);
        let file = tree.reopen(&named.path).map_err(|error| unwritten(&path, error))?;
        let target = PageTarget { file: &file, path: &path, page_bytes: layout.page_bytes() };
        if named.incremental {
            let header = IncrementalHeader::read(tar, entry, layout)?;
            copy_listed(&target, tar, &header, &|block| wanted.wants(block))?;
            header.blocks.iter().for_each(|block| wanted.found(*block));
            return self.missing.put(wanted, link);
        }
        // The whole file: a block that is not in it was never written, and stays zero.
        let there = u32::try_from(entry.size / u64::from(layout.page_bytes())).unwrap_or(u32::MAX);
        let coming = ComingPages {
            count: there.min(wanted.blocks()),
            block: &|index| index,
            wants: &|block| wanted.wants(block),
        };
        target.copy(tar, &coming)
    }

    fn write_whole(&mut self, entry: &TarEntry, bytes: &[u8]) -> Result<(), EngineError> {
        let tree = self.tree(ArchiveName::Base)?;
        let mut file = create(tree, &entry.path, entry.mode)?;
        file.write_all(bytes).map_err(|error| unwritten(&tree.full(&entry.path), error))
    }

    pub(super) fn tree(&mut self, archive: ArchiveName) -> Result<&mut Tree, EngineError> {
        let tree = self.trees.as_mut().and_then(|trees| trees.of(archive));
        tree.ok_or_else(|| damaged("it belongs to a tablespace that has no folder".to_owned()))
    }
}

/// A file that no other entry has made.
pub(super) fn create(tree: &mut Tree, path: &EntryPath, mode: u32) -> Result<File, EngineError> {
    tree.create(path, mode).map_err(|error| refused(&tree.full(path), path, error))
}

fn refused(full: &Path, path: &EntryPath, error: io::Error) -> EngineError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => damaged(format!("`{path}` is there twice")),
        io::ErrorKind::NotFound => damaged(format!("`{path}` comes before its folder")),
        _ => unwritten(full, error),
    }
}

fn copy_listed<R: BufRead>(
    target: &PageTarget<'_>,
    tar: &mut TarReader<R>,
    header: &IncrementalHeader,
    wants: &dyn Fn(u32) -> bool,
) -> Result<(), EngineError> {
    let count = u32::try_from(header.blocks.len()).unwrap_or(u32::MAX);
    target.copy(tar, &ComingPages { count, block: &|index| header.blocks[index as usize], wants })
}
