//! Files that only one run of one tool may read.

use super::Argument;
use nix::unistd::User;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::Path;
use tempfile::TempDir;

/// The arguments of one run, with every [`Argument::File`] written out. Dropping it removes the files.
pub(super) struct PrivateFiles {
    arguments: Vec<OsString>,
    _folder: Option<TempDir>,
}

impl PrivateFiles {
    /// Writes the files (mode 0600) into a fresh folder (mode 0700), both owned by `account` where there is one.
    pub(super) fn write(args: &[Argument], account: Option<&User>) -> std::io::Result<Self> {
        let mut folder = None;
        let mut arguments = Vec::with_capacity(args.len());
        for (index, arg) in args.iter().enumerate() {
            match arg {
                Argument::Text(text) => arguments.push(OsString::from(text)),
                Argument::File { prefix, contents, .. } => {
                    let parent = match &folder {
                        Some(folder) => folder,
                        None => folder.insert(make_folder(account)?),
                    };
                    let path = parent.path().join(index.to_string());
                    write_file(&path, contents, account)?;
                    let mut argument = OsString::from(prefix);
                    argument.push(path);
                    arguments.push(argument);
                }
            }
        }
        Ok(Self { arguments, _folder: folder })
    }

    /// What the tool is started with.
    pub(super) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }
}

fn make_folder(account: Option<&User>) -> std::io::Result<TempDir> {
    let private = std::fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("jagad-").permissions(private).tempdir()?;
    give(folder.path(), account)?;
    Ok(folder)
}

fn write_file(path: &Path, contents: &[u8], account: Option<&User>) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(contents)?;
    give(path, account)
}

fn give(path: &Path, account: Option<&User>) -> std::io::Result<()> {
    account.map_or(Ok(()), |user| chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())))
}
