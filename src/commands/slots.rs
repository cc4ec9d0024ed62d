//! Limits the concurrent pipelines on one host, across processes: a slot is a locked file, which the kernel unlocks
//! however its holder ends.
//!
//! The files are in the state directory and not in a temporary one that every user can write to: another user could
//! lock them, or replace them by links to other files. Nothing is ever written to them.

use super::{App, Class, Failure, RunLog};
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a busy slot is tried again.
const POLL: Duration = Duration::from_millis(200);

/// A taken slot; dropping it frees it.
#[derive(Debug)]
pub(super) struct Slot {
    _file: Option<File>,
}

/// Takes one of `settings.max_concurrent` slots, waiting up to `wait` for one. If slots cannot be used at all, the
/// backup is taken without one, with a warning.
pub(super) async fn take(app: &App, wait: Duration, log: &RunLog) -> Result<Slot, Failure> {
    let count = app.inventory.settings.max_concurrent;
    let path = folder(app);
    let began = Instant::now();
    loop {
        match free(&path, count) {
            Ok(Some(file)) => return Ok(Slot { _file: Some(file) }),
            Ok(None) => {}
            Err(error) => {
                log.warn(format!(
                    "concurrent backups are not limited across processes, because `{}` cannot be used: {error}",
                    path.display()
                ));
                return Ok(Slot { _file: None });
            }
        }
        app.cancel.check()?;
        if began.elapsed() >= wait {
            let message = format!("all {count} slots of this host are taken (settings.max_concurrent)");
            return Err(Failure::new(Class::Busy, message)
                .help("Wait for one with `--wait 10m`, or raise max_concurrent."));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Whether slots can be used at all, even if all are taken now.
pub(super) fn probe(app: &App) -> std::io::Result<()> {
    own_folder(&folder(app)).map(|_| ())
}

/// Each user has separate slots: a user who may lock a file could block others.
fn folder(app: &App) -> PathBuf {
    app.inventory.settings.state_dir.join(format!("slots-{}", nix::unistd::geteuid()))
}

/// A free slot; `None` when all are taken.
fn free(path: &Path, count: u32) -> std::io::Result<Option<File>> {
    let folder = own_folder(path)?;
    for number in 0..count {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let name = format!("slot-{number}");
        let file = File::from(openat(&folder, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}

/// The folder, created if it is missing: a directory of this user that is closed to others.
fn own_folder(path: &Path) -> std::io::Result<File> {
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        // An existing one is checked below.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let folder = File::from(open(path, flags, Mode::empty())?);
    let found = folder.metadata()?;
    let problem = if found.uid() != nix::unistd::geteuid().as_raw() {
        "it belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "others may use it (chmod 700)"
    } else {
        return Ok(folder);
    };
    Err(Error::new(ErrorKind::PermissionDenied, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn slots_are_taken_once_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/slots");
        let (one, two) = (free(&path, 2).unwrap(), free(&path, 2).unwrap());
        assert!(one.is_some() && two.is_some() && free(&path, 2).unwrap().is_none());
        drop(one);
        assert!(free(&path, 2).unwrap().is_some());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn no_folder_of_another_user_is_used_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        // A link in place of a slot.
        let path = folder.path().join("slots");
        drop(own_folder(&path).unwrap());
        symlink(&victim, path.join("slot-0")).unwrap();
        assert!(free(&path, 1).is_err());
        std::fs::remove_file(path.join("slot-0")).unwrap();
        // The content of a file is not changed.
        std::fs::write(path.join("slot-0"), "what is here").unwrap();
        drop(free(&path, 1).unwrap().unwrap());
        assert_eq!(std::fs::read_to_string(path.join("slot-0")).unwrap(), "what is here");
        // A link in place of the folder, and a folder that others may use.
        symlink(&path, folder.path().join("link")).unwrap();
        assert!(free(&folder.path().join("link"), 1).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(free(&path, 1).is_err());
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        if nix::unistd::geteuid().is_root() {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
            std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
            assert!(free(&path, 1).is_err());
        }
    }
}
