//! Files that only one run of one tool may read.

use super::Argument;
use super::account::give_to;
use super::temporary::{FolderUse, TemporaryFolder};
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The arguments of one run, with every [`Argument::File`] written out. Dropping it removes the files.
pub(super) struct PrivateFiles {
    arguments: Vec<OsString>,
    _folder: Option<TemporaryFolder>,
}

impl PrivateFiles {
    /// Writes the files (mode 0600) into a fresh folder (mode 0700), both owned by the account that a tool with
    /// `user_when_root` set to `account` runs as.
    pub(super) fn write(args: &[Argument], account: Option<&str>) -> std::io::Result<Self> {
        let mut folder = None;
        let mut arguments = Vec::with_capacity(args.len());
        for (index, arg) in args.iter().enumerate() {
            match arg {
                Argument::Text(text) => arguments.push(OsString::from(text)),
                Argument::File { prefix, contents, .. } => {
                    if folder.is_none() {
                        let place = std::env::temp_dir();
                        folder = Some(TemporaryFolder::make(FolderUse::PrivateFiles, &place, account)?);
                    }
                    let Some(folder) = &folder else { continue };
                    let path = folder.path().join(index.to_string());
                    write_file(&path, contents, account)?;
                    let mut argument = OsString::from(prefix);
                    argument.push(path);
                    arguments.push(argument);
                }
            }
        }
        Ok(Self { arguments, _folder: folder })
    }

    /// The arguments that the tool is started with.
    pub(super) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }
}

fn write_file(path: &Path, contents: &[u8], account: Option<&str>) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(contents)?;
    give_to(path, account)
}
