//! Accounts of the operating system that tools run as, and the programs they run.

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

/// Gives `path` to the account that a tool with this wish runs as; nothing changes where it runs as we do.
pub fn give_to(path: &Path, wish: Option<&str>) -> std::io::Result<()> {
    match account_for(wish)? {
        Some(user) => std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
        None => Ok(()),
    }
}

/// The account a tool with this wish runs as: `None` stays what we are, which is right when nothing is wished or when
/// we are not root and could not change anyway.
pub(super) fn account_for(wish: Option<&str>) -> std::io::Result<Option<User>> {
    let Some(name) = wish.filter(|_| is_root()) else { return Ok(None) };
    User::from_name(name)?.map(Some).ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::NotFound, format!("there is no user `{name}`"))
    })
}
