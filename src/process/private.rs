//! Files that only one run of one tool may read.

use super::Argument;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::User;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::Path;
use tempfile::TempDir;

/// How the folders of these files are called.
const PREFIX: &str = "jagad-private-";
/// A file in such a folder that is locked as long as its process lives, however that ends.
const LOCK: &str = "lock";
/// Folders that are looked at when a process starts.
const SWEEP_LIMIT: usize = 100_000;

/// The arguments of one run, with every [`Argument::File`] written out. Dropping it removes the files.
pub(super) struct PrivateFiles {
    arguments: Vec<OsString>,
    _place: Option<PrivatePlace>,
}

/// Where they are. Dropped in this order: the folder goes while its lock is still held.
struct PrivatePlace {
    folder: TempDir,
    _lock: File,
}

impl PrivateFiles {
    /// Writes the files (mode 0600) into a fresh folder (mode 0700), both owned by `account` where there is one.
    pub(super) fn write(args: &[Argument], account: Option<&User>) -> std::io::Result<Self> {
        let mut place = None;
        let mut arguments = Vec::with_capacity(args.len());
        for (index, arg) in args.iter().enumerate() {
            match arg {
                Argument::Text(text) => arguments.push(OsString::from(text)),
                Argument::File { prefix, contents, .. } => {
                    if place.is_none() {
                        place = Some(make_place(account)?);
                    }
                    let Some(PrivatePlace { folder, .. }) = &place else { continue };
                    let path = folder.path().join(index.to_string());
                    write_file(&path, contents, account)?;
                    let mut argument = OsString::from(prefix);
                    argument.push(path);
                    arguments.push(argument);
                }
            }
        }
        Ok(Self { arguments, _place: place })
    }

    /// What the tool is started with.
    pub(super) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }
}

/// A folder with a locked file in it. The lock is there before anything secret is.
fn make_place(account: Option<&User>) -> std::io::Result<PrivatePlace> {
    let private = std::fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir()?;
    // Under its name only when it is locked: a file of that name that can be locked belongs to a dead process.
    let begun = folder.path().join("lock.new");
    let lock = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&begun)?;
    lock.try_lock().map_err(std::io::Error::from)?;
    std::fs::rename(&begun, folder.path().join(LOCK))?;
    give(folder.path(), account)?;
    Ok(PrivatePlace { folder, _lock: lock })
}

fn write_file(path: &Path, contents: &[u8], account: Option<&User>) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(contents)?;
    give(path, account)
}

fn give(path: &Path, account: Option<&User>) -> std::io::Result<()> {
    account.map_or(Ok(()), |user| chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())))
}

/// Removes what processes of this user left that were killed: their files hold passwords. What cannot be removed stays.
pub fn sweep_private_files() {
    sweep(&std::env::temp_dir());
}

fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let left = entries.flatten().take(SWEEP_LIMIT);
    for entry in left.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        if is_abandoned(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether the process that made it is dead.
fn is_abandoned(folder: &Path) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let is_folder = folder.symlink_metadata().is_ok_and(|found| found.is_dir());
    let Ok(lock) = open(&folder.join(LOCK), flags, Mode::empty()).map(File::from) else { return false };
    let own = lock.metadata().is_ok_and(|found| found.uid() == nix::unistd::geteuid().as_raw());
    is_folder && own && lock.try_lock().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_secret() -> Vec<Argument> {
        vec![Argument::File { name: "options", prefix: "--x=", contents: b"password"[..].into() }]
    }

    #[test]
    fn the_files_of_the_living_stay_and_those_of_the_dead_go() {
        let alive = PrivateFiles::write(&with_secret(), None).unwrap();
        let dead = PrivateFiles::write(&with_secret(), None).unwrap();
        let path = |files: &PrivateFiles| {
            let file = files.arguments()[0].to_str().unwrap().trim_start_matches("--x=").to_owned();
            Path::new(&file).parent().unwrap().to_owned()
        };
        let (living, left) = (path(&alive), path(&dead));
        // As a process that is killed: its locks are gone, its files are not.
        let PrivateFiles { _place: place, .. } = dead;
        let PrivatePlace { folder, _lock: lock } = place.unwrap();
        let _ = folder.keep();
        drop(lock);
        assert!(left.join("0").exists());
        sweep_private_files();
        assert!(!left.exists() && living.join("0").exists());
        drop(alive);
        assert!(!living.exists());
    }
}
