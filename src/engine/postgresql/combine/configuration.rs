//! The configuration of a server that was kept outside of its data directory, as Debian does: the archives do not have it,
//! and without it no server starts.

use super::entries::create;
use super::entry_path::EntryPath;
use super::problem::unwritten;
use super::source::MinimumSettings;
use super::tree::Tree;
use super::work::Work;
use crate::engine::EngineError;
use std::io::{self, Write as _};

const PRIVATE: u32 = 0o600;
const MAIN: &str = "postgresql.conf";
const HBA: &str = "pg_hba.conf";
const IDENT: &str = "pg_ident.conf";
const AUTO: &str = "postgresql.auto.conf";
/// A server that follows it lets in who is on the machine as the user of the role's name, and nobody from elsewhere.
const HBA_TEXT: &str = "# Written by jagad: the backup has no `pg_hba.conf`. Only local users of a role's own name may log in.\n\
                        local all all peer\n";
const IDENT_TEXT: &str = "# Written by jagad: the backup has no `pg_ident.conf`.\n";
/// The last line wins, and this file is read after all others. `ALTER SYSTEM` sets it back.
const AUTO_TEXT: &str = "\n# Written by jagad: a restored server must not archive into the archive of its source.\narchive_mode = 'off'\n";

impl Work {
    /// Writes what is missing of the configuration, and what must be different from the source.
    pub(super) fn configure(&mut self) -> Result<(), EngineError> {
        let configuration = self.configuration.take().unwrap_or_default();
        let Some(trees) = self.trees.as_mut() else { return Ok(()) };
        let main = main_text(&configuration.minimum_settings);
        let files = [
            Settings { name: MAIN, text: &main, source: configuration.config_file.as_deref() },
            Settings { name: HBA, text: HBA_TEXT, source: configuration.hba_file.as_deref() },
            Settings { name: IDENT, text: IDENT_TEXT, source: configuration.ident_file.as_deref() },
        ];
        for file in files {
            file.write(&mut trees.base)?;
        }
        stop_archiving(&mut trees.base)
    }
}

/// One file of the configuration.
struct Settings<'s> {
    name: &'s str,
    /// What a server can start with.
    text: &'s str,
    /// What the source had outside of its data directory.
    source: Option<&'s str>,
}

impl Settings<'_> {
    fn write(&self, base: &mut Tree) -> Result<(), EngineError> {
        let path = path(self.name)?;
        if let Some(source) = self.source {
            write(base, &self::path(&format!("{}.source", self.name))?, source)?;
            // One that the server did not read must not become the one that is read.
            match base.rename(&path, &format!("{}.unused", self.name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(unwritten(&base.full(&path), error));
                }
                _ => {}
            }
        }
        match base.reopen(&path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => write(base, &path, self.text),
            Err(error) => Err(unwritten(&base.full(&path), error)),
        }
    }
}

/// A `postgresql.conf` with what a server needs at least.
fn main_text(minimum: &MinimumSettings) -> String {
    format!(
        "# Written by jagad: the server of this backup kept its configuration outside of its data directory. What it\n\
         # had there is in the files that end with `.source`, where the backup has them; they are not read, because\n\
         # they name folders of the source. A server that recovers needs at least these settings:\n{}",
        minimum.lines()
    )
}

fn write(base: &mut Tree, path: &EntryPath, text: &str) -> Result<(), EngineError> {
    let mut file = create(base, path, PRIVATE)?;
    file.write_all(text.as_bytes()).map_err(|error| unwritten(&base.full(path), error))
}

fn stop_archiving(base: &mut Tree) -> Result<(), EngineError> {
    let path = path(AUTO)?;
    match base.append(&path) {
        Ok(mut file) => {
            file.write_all(AUTO_TEXT.as_bytes()).map_err(|error| unwritten(&base.full(&path), error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => write(base, &path, AUTO_TEXT),
        Err(error) => Err(unwritten(&base.full(&path), error)),
    }
}

fn path(name: &str) -> Result<EntryPath, EngineError> {
    EntryPath::parse(name.as_bytes())
}
