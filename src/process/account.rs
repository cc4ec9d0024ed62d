//! The operating-system accounts that tools run as, and the directories of `PATH`.

use nix::unistd::{User, geteuid};
use std::path::{Path, PathBuf};

/// Whether this process is root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Whether the machine knows a user of this name.
pub fn user_exists(name: &str) -> bool {
    matches!(User::from_name(name), Ok(Some(_)))
}

/// The directories of `PATH`, in order.
pub fn program_directories() -> Vec<PathBuf> {
    std::env::var_os("PATH").map_or_else(Vec::new, |path| std::env::split_paths(&path).collect())
}

/// Makes the account that a tool with the setting `user_when_root` runs as the owner of `path`. Does nothing when that
/// is our own account.
pub fn give_to(path: &Path, user_when_root: Option<&str>) -> std::io::Result<()> {
    match account_for(user_when_root)? {
        Some(user) => std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
        None => Ok(()),
    }
}

/// The account that a tool with the setting `user_when_root` runs as. `None` means our own: nothing is set, or we are
/// not root and could not change it.
pub(super) fn account_for(user_when_root: Option<&str>) -> std::io::Result<Option<User>> {
    let Some(name) = user_when_root.filter(|_| is_root()) else { return Ok(None) };
    User::from_name(name)?.map(Some).ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::NotFound, format!("there is no user `{name}`"))
    })
}
