//! A folder that nothing is written outside of: every file is opened from its folder's handle, name by name, and never
//! through a symbolic link.

use crate::engine::postgresql::tar::EntryPath;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{Gid, Uid, User, symlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// Everything that a file may have of the rights that an archive gives it; and what its owner has in any case.
const FILE_MODES: u32 = 0o755;
const FILE_OWNER: u32 = 0o600;
/// The only two that a server starts in.
const PRIVATE_FOLDER: u32 = 0o700;
const GROUP_FOLDER: u32 = 0o750;
const OWN_PREFIX: &[u8] = b".jagad-";
/// The account that packages install servers for, and the name that PostgreSQL writes into every archive.
const SERVER_ACCOUNT: &str = "postgres";

/// The user that everything is given to.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: Uid,
    group: Gid,
}

/// The folder.
#[derive(Debug)]
pub(super) struct Tree {
    path: PathBuf,
    root: OwnedFd,
    owner: Option<Owner>,
    /// The folder that was opened last: entries of one come one after the other.
    recent: Option<RecentFolder>,
}

#[derive(Debug)]
struct RecentFolder {
    path: Vec<u8>,
    handle: OwnedFd,
}

impl Tree {
    /// Opens `path`, which must be empty, or makes it.
    pub(super) fn occupy(path: &Path) -> io::Result<Self> {
        let new = match fs::DirBuilder::new().mode(PRIVATE_FOLDER).create(path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        for entry in fs::read_dir(path)? {
            if !is_own(&entry?) {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
        }
        let root = File::open(path)?;
        let owner = owner_of(&root)?;
        let tree = Self { path: path.to_owned(), root: root.into(), owner, recent: None };
        if let Some(parent) = path.parent().filter(|_| new) {
            File::open(parent)?.sync_all()?;
        }
        tree.open_to(PRIVATE_FOLDER)?;
        Ok(tree)
    }

    /// A folder in this one, as a tree of its own; made where it is missing.
    pub(super) fn below(&mut self, folder: &EntryPath) -> io::Result<Self> {
        self.make_folder(folder, PRIVATE_FOLDER)?;
        let root = self.folder(folder.bytes())?.try_clone_to_owned()?;
        Ok(Self { path: self.full(folder), root, owner: self.owner, recent: None })
    }

    /// Where an entry is, for messages.
    pub(super) fn full(&self, path: &EntryPath) -> PathBuf {
        self.path.join(path.as_os_str())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the tree itself the rights that `mode` means for a folder.
    pub(super) fn open_to(&self, mode: u32) -> io::Result<()> {
        self.settle(&self.root, folder_mode(mode))
    }

    /// Makes a folder. One that is there already only gets the rights.
    pub(super) fn make_folder(&mut self, path: &EntryPath, mode: u32) -> io::Result<()> {
        let split = path.split();
        let name = OsStr::from_bytes(split.name);
        let parent = self.folder(split.folder)?;
        match mkdirat(parent, name, Mode::S_IRWXU) {
            Ok(()) | Err(nix::Error::EEXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let folder = open_folder(parent, name)?;
        self.settle(&folder, folder_mode(mode))
    }

    /// A file that must not be there yet.
    pub(super) fn create(&mut self, path: &EntryPath, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let file = self.open(path, flags)?;
        self.settle(&file, mode & FILE_MODES | FILE_OWNER)?;
        Ok(file.into())
    }

    /// A file that was made before.
    pub(super) fn reopen(&mut self, path: &EntryPath) -> io::Result<File> {
        Ok(self.open(path, OFlag::O_WRONLY)?.into())
    }

    /// A file that was made before, to write at its end.
    pub(super) fn append(&mut self, path: &EntryPath) -> io::Result<File> {
        Ok(self.open(path, OFlag::O_WRONLY | OFlag::O_APPEND)?.into())
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, path: &EntryPath, target: &Path) -> io::Result<()> {
        let split = path.split();
        let folder = self.folder(split.folder)?;
        Ok(symlinkat(target, folder, OsStr::from_bytes(split.name))?)
    }

    /// Gives a file another name, in the same folder.
    pub(super) fn rename(&mut self, path: &EntryPath, name: &str) -> io::Result<()> {
        let split = path.split();
        let folder = self.folder(split.folder)?;
        Ok(renameat(folder, OsStr::from_bytes(split.name), folder, name)?)
    }

    /// Writes one folder itself to the disk: which names are in it.
    pub(super) fn sync_folder(&mut self, path: &[u8]) -> io::Result<()> {
        File::from(self.folder(path)?.try_clone_to_owned()?).sync_all()
    }

    /// Writes all files and folders to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        let mut waiting = vec![self.path.clone()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    waiting.push(entry.path());
                } else if kind.is_file() {
                    File::open(entry.path())?.sync_all()?;
                }
            }
            File::open(&folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Removes all that is in it.
    pub(super) fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if is_own(&entry) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn open(&mut self, path: &EntryPath, flags: OFlag) -> io::Result<OwnedFd> {
        let split = path.split();
        let name = OsStr::from_bytes(split.name);
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let private = Mode::S_IRUSR | Mode::S_IWUSR;
        Ok(openat(self.folder(split.folder)?, name, flags, private)?)
    }

    /// A folder below, which must be there.
    fn folder(&mut self, path: &[u8]) -> io::Result<BorrowedFd<'_>> {
        if path.is_empty() {
            return Ok(self.root.as_fd());
        }
        if self.recent.as_ref().is_none_or(|recent| recent.path != path) {
            let mut handle = self.root.try_clone()?;
            for name in path.split(|byte| *byte == b'/') {
                handle = open_folder(handle.as_fd(), OsStr::from_bytes(name))?;
            }
            self.recent = Some(RecentFolder { path: path.to_owned(), handle });
        }
        let recent = self.recent.as_ref().map(|recent| recent.handle.as_fd());
        Ok(recent.unwrap_or_else(|| self.root.as_fd()))
    }

    fn settle(&self, handle: &OwnedFd, mode: u32) -> io::Result<()> {
        if let Some(Owner { user, group }) = self.owner {
            fchown(handle, Some(user.as_raw()), Some(group.as_raw()))?;
        }
        File::from(handle.try_clone()?).set_permissions(Permissions::from_mode(mode))
    }
}

/// Whether it is a note of the run that restores, which comes before everything and goes when that run ends.
fn is_own(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_bytes().starts_with(OWN_PREFIX)
}

fn open_folder(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

fn folder_mode(mode: u32) -> u32 {
    if mode & GROUP_FOLDER == GROUP_FOLDER { GROUP_FOLDER } else { PRIVATE_FOLDER }
}

/// Whom root gives files to, because no server runs as root: the owner of the folder, where that is another user; else
/// the account of the name that PostgreSQL writes into its archives, where the machine has one.
fn owner_of(folder: &File) -> io::Result<Option<Owner>> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    let there = folder.metadata()?;
    if there.uid() != 0 {
        let owner = Owner { user: Uid::from_raw(there.uid()), group: Gid::from_raw(there.gid()) };
        return Ok(Some(owner));
    }
    let account = User::from_name(SERVER_ACCOUNT)?;
    Ok(account.map(|account| Owner { user: account.uid, group: account.gid }))
}

/// The name under which a file is written whose own name must appear only when it is whole.
pub(super) fn unfinished(name: &OsStr) -> OsString {
    let mut unfinished = name.to_owned();
    unfinished.push(".jagad");
    unfinished
}
