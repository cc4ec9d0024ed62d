//! The configuration of a server that was kept outside of its data directory, as Debian does: the archives do not have it,
//! and without it no server starts.

use super::entries::create;
use super::problem::{self, unwritten};
use super::source::MinimumSettings;
use super::tree::Tree;
use super::work::Work;
use crate::engine::EngineError;
use crate::engine::postgresql::tar::EntryPath;
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
const SIGNAL: &str = "recovery.signal";
/// The last line wins, and this file is read after all others. `ALTER SYSTEM` sets it back.
///
/// With `recovery.signal` there, and nothing to fetch, a server replays the WAL in the folder and then begins a timeline of
/// its own. Otherwise it would go on with the source's, and the source's later backups would be taken for its past: an
/// incremental backup on one of them would lack blocks without a word. What the source would have waited for, stopped at
/// or run at the end of a recovery is unset.
const AUTO_TEXT: &str = "
# Written by jagad when it restored this folder. The server replays what is here and begins a new timeline. It must not
# archive into the archive of its source, and needs at least what the source had of some settings.
archive_mode = 'off'
restore_command = 'false'
recovery_end_command = ''
archive_cleanup_command = ''
recovery_target = ''
recovery_target_time = ''
recovery_target_xid = ''
recovery_target_name = ''
recovery_target_lsn = ''
recovery_target_timeline = 'current'
recovery_min_apply_delay = '0'
";
const MAIN_TEXT: &str = "# Written by jagad: the server of this backup kept its configuration outside of its data directory.
# What it had there is in the files that end with `.source`, where the backup has them. They are not read, because they
# name folders of the source.
";

/// Name and text of each file of the configuration that a server cannot start without.
pub(in crate::engine::postgresql) const fn starting_files() -> [(&'static str, &'static str); 3] {
    [(MAIN, MAIN_TEXT), (HBA, HBA_TEXT), (IDENT, IDENT_TEXT)]
}

impl Work {
    /// Writes what is missing of the configuration, and what must be different from the source.
    pub(super) fn configure(&mut self) -> Result<(), EngineError> {
        let configuration = self.configuration.take().unwrap_or_default();
        let Some(trees) = self.trees.as_mut() else { return Ok(()) };
        let files = [
            Settings { name: MAIN, text: MAIN_TEXT, source: configuration.config_file.as_deref() },
            Settings { name: HBA, text: HBA_TEXT, source: configuration.hba_file.as_deref() },
            Settings { name: IDENT, text: IDENT_TEXT, source: configuration.ident_file.as_deref() },
        ];
        for file in files {
            file.write(&mut trees.base)?;
        }
        start_anew(&mut trees.base, &configuration.minimum_settings)
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

fn write(base: &mut Tree, path: &EntryPath, text: &str) -> Result<(), EngineError> {
    let mut file = create(base, path, PRIVATE)?;
    file.write_all(text.as_bytes()).map_err(|error| unwritten(&base.full(path), error))
}

/// Lets the server begin as one of its own.
fn start_anew(base: &mut Tree, minimum: &MinimumSettings) -> Result<(), EngineError> {
    let text = AUTO_TEXT.to_owned() + &minimum.lines();
    let path = path(AUTO)?;
    match base.append(&path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(|error| unwritten(&base.full(&path), error))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => write(base, &path, &text)?,
        Err(error) => return Err(unwritten(&base.full(&path), error)),
    }
    write(base, &self::path(SIGNAL)?, "")
}

fn path(name: &str) -> Result<EntryPath, EngineError> {
    problem::path(name.as_bytes())
}
