//! The end of a merge: when everything is there and on the disk, the folder becomes a database system.

use super::TablespacePlace;
use super::problem::{self, damaged, unwritten};
use super::tree::{Tree, unfinished};
use super::work::{Control, Trees, Work};
use crate::engine::EngineError;
use crate::engine::postgresql::tar::EntryPath;
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

const GLOBAL: &str = "global";
const CONTROL: &str = "pg_control";

impl Work {
    /// Completes the folders. Before this is done, no server starts on them.
    pub(super) fn finish(&mut self) -> Result<(), EngineError> {
        if !self.is_complete() {
            return Err(damaged("not every archive of the chain was read to its end".to_owned()));
        }
        if self.missing.len() > 0 {
            let oldest = self.request.links.last().map_or("the full backup", |link| link.name.as_str());
            let count = self.missing.len();
            return Err(damaged(format!("{count} files are not complete with {oldest}, the oldest backup")));
        }
        let control = self.seen.control.take().filter(|_| self.seen.version_file);
        let newest = &self.request.links[0].name;
        let control = control.ok_or_else(|| {
            damaged(format!("`base.tar` of {newest} has no `PG_VERSION` or `global/pg_control`"))
        })?;
        self.link_tablespaces()?;
        self.configure()?;
        let mode = self.seen.folder_mode;
        let Some(trees) = self.trees.as_mut() else { return Ok(()) };
        for tree in trees.all() {
            if let Some(mode) = mode {
                tree.open_to(mode).map_err(|error| unwritten(tree.path(), error))?;
            }
            tree.sync().map_err(|error| unwritten(tree.path(), error))?;
        }
        publish(trees, &control)
    }

    /// Where the newest backup has a link, and nowhere else.
    fn link_tablespaces(&mut self) -> Result<(), EngineError> {
        let Some(trees) = self.trees.as_mut() else { return Ok(()) };
        let newest = &self.request.links[0];
        let places = &self.request.tablespaces;
        let mapped = |oid: &u32| matches!(places.get(oid), Some(TablespacePlace::Folder(_)));
        let written = newest.tablespaces().filter(mapped).collect();
        if self.seen.declared != written {
            let name = |oids: &std::collections::BTreeSet<u32>| {
                oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
            };
            let (declared, written) = (name(&self.seen.declared), name(&written));
            return Err(damaged(format!(
                "`base.tar` of {} names the tablespaces [{declared}], but there are archives of [{written}]",
                newest.name
            )));
        }
        for oid in &written {
            let Some(TablespacePlace::Folder(target)) = places.get(oid) else { continue };
            let path = problem::path(format!("pg_tblspc/{oid}").as_bytes())?;
            trees.base.link(&path, target).map_err(|error| unwritten(&trees.base.full(&path), error))?;
        }
        Ok(())
    }
}

/// Gives the control file its name, the last thing of all.
fn publish(trees: &mut Trees, control: &Control) -> Result<(), EngineError> {
    let base = &mut trees.base;
    let beside = unfinished(OsStr::new(CONTROL));
    let path = problem::path(&[GLOBAL.as_bytes(), b"/", beside.as_bytes()].concat())?;
    write_synced(base, &path, control).map_err(|error| unwritten(&base.full(&path), error))
}

fn write_synced(base: &mut Tree, path: &EntryPath, control: &Control) -> std::io::Result<()> {
    let mut file = base.create(path, control.mode)?;
    file.write_all(&control.bytes)?;
    file.sync_all()?;
    base.rename(path, CONTROL)?;
    base.sync_folder(GLOBAL.as_bytes())
}
