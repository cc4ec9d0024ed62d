//! Temporary folders of one process. A process that is killed leaves them behind, with the servers that it had started
//! in them; a later process stops those and removes the folder.

use super::account::{give_to, is_root};
use super::group::GRACE;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, geteuid};
use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The prefix of a folder's name until it is locked.
const UNLOCKED: &str = "new-";
/// Most folders that are examined when a process starts.
const SWEEP_LIMIT: usize = 100_000;
const END_POLL: Duration = Duration::from_millis(20);

/// What a folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderUse {
    /// Files with secrets, for one run of one tool.
    PrivateFiles,
    /// Files that a copy tool writes about its copy.
    CopyNotes,
    /// A copy of a server's files.
    Clone,
    /// A throw-away server.
    ScratchServer,
}

impl FolderUse {
    /// The prefix of its folders' names.
    const fn prefix(self) -> &'static str {
        match self {
            Self::PrivateFiles => "jagad-private-",
            Self::CopyNotes => "jagad-copy-",
            Self::Clone => "jagad-clone-",
            Self::ScratchServer => "jagad-drill-",
        }
    }
}

/// A folder of this process, which no other user may enter. Dropping it removes it, while its lock is still held.
#[derive(Debug)]
pub struct TemporaryFolder {
    path: PathBuf,
    /// The folder itself, locked while this process runs; the kernel releases the lock however it ends.
    _lock: File,
}

impl TemporaryFolder {
    /// Creates one in `parent`, owned by the account that a tool with `user_when_root` set to `account` runs as.
    pub fn make(purpose: FolderUse, parent: &Path, account: Option<&str>) -> std::io::Result<Self> {
        let prefix = format!("{UNLOCKED}{}", purpose.prefix());
        let private = Permissions::from_mode(0o700);
        let begun = tempfile::Builder::new().prefix(&prefix).permissions(private).tempdir_in(parent)?;
        // It gets its name only when it is locked: a folder with such a name that can be locked belongs to a dead
        // process.
        let lock = File::open(begun.path())?;
        lock.try_lock().map_err(std::io::Error::from)?;
        let name = begun.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = parent.join(name.strip_prefix(UNLOCKED).unwrap_or(&name));
        std::fs::rename(begun.path(), &path)?;
        let _ = begun.keep();
        let folder = Self { path, _lock: lock };
        give_to(folder.path(), account)?;
        Ok(folder)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders for `purposes` in `parent` whose processes were killed, and returns them. Folders that cannot be
/// removed stay. Blocks while a server that runs in one of them ends.
pub fn sweep_folders(parent: &Path, purposes: &[FolderUse]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten().take(SWEEP_LIMIT);
    let is_ours = |name: &str| purposes.iter().any(|purpose| name.starts_with(purpose.prefix()));
    let ours = entries.filter(|entry| is_ours(&entry.file_name().to_string_lossy()));
    let mut removed = Vec::new();
    for folder in ours.map(|entry| entry.path()) {
        // The lock keeps other processes from removing it meanwhile.
        let Some(_lock) = abandoned(&folder) else { continue };
        end_servers(&folder);
        if std::fs::remove_dir_all(&folder).is_ok() {
            removed.push(folder);
        }
    }
    removed
}

/// The lock of a folder whose process is dead; `None` while that runs, and for a folder of another user.
fn abandoned(folder: &Path) -> Option<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_DIRECTORY;
    let lock = open(folder, flags, Mode::empty()).map(File::from).ok()?;
    // A server that root starts runs as another user, which then owns its folder.
    let own = is_root() || lock.metadata().is_ok_and(|found| found.uid() == geteuid().as_raw());
    (own && lock.try_lock().is_ok()).then_some(lock)
}

/// Stops the servers that run in `folder`: they lose their data with it.
fn end_servers(folder: &Path) {
    let servers = servers_in(folder);
    for server in &servers {
        let _ = kill(*server, Signal::SIGTERM);
    }
    let deadline = Instant::now() + GRACE;
    let lives = |server: &Pid| kill(*server, None) != Err(Errno::ESRCH);
    while servers.iter().any(lives) && Instant::now() < deadline {
        std::thread::sleep(END_POLL);
    }
    for server in servers.iter().filter(|server| is_server_in(**server, folder)) {
        let _ = kill(*server, Signal::SIGKILL);
    }
}

/// The processes that [`is_server_in`] recognises; none if the system does not expose processes.
fn servers_in(folder: &Path) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw));
    numbers.filter(|process| is_server_in(*process, folder)).collect()
}

/// A server has the folder as its working directory and its path among its arguments. A shell that only has it as its
/// working directory is not a server.
fn is_server_in(process: Pid, folder: &Path) -> bool {
    let about = PathBuf::from(format!("/proc/{process}"));
    let Ok(real) = folder.canonicalize() else { return false };
    let stands = std::fs::read_link(about.join("cwd")).is_ok_and(|place| place.starts_with(real));
    let Some(name) = folder.file_name().filter(|_| stands) else { return false };
    std::fs::read(about.join("cmdline"))
        .is_ok_and(|started| memchr::memmem::find(&started, name.as_encoded_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What a killed process leaves behind: its folders, without their locks.
    fn left_by_the_dead(purpose: FolderUse, parent: &Path) -> PathBuf {
        let folder = TemporaryFolder::make(purpose, parent, None).unwrap();
        let (living, left) = (folder.path().to_owned(), folder.path().with_extension("left"));
        // The folder is not removed with its lock.
        std::fs::rename(&living, &left).unwrap();
        drop(folder);
        left
    }

    #[test]
    fn folders_of_running_processes_stay_and_those_of_dead_ones_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let kinds = [FolderUse::PrivateFiles, FolderUse::CopyNotes, FolderUse::ScratchServer];
        for purpose in kinds {
            let alive = TemporaryFolder::make(purpose, parent.path(), None).unwrap();
            let left = left_by_the_dead(purpose, parent.path());
            std::fs::create_dir(left.join("data")).unwrap();
            std::fs::write(left.join("data/1"), "x").unwrap();
            let other = kinds.into_iter().filter(|other| *other != purpose).collect::<Vec<_>>();
            assert!(sweep_folders(parent.path(), &other).is_empty());
            assert_eq!(sweep_folders(parent.path(), &[purpose]), std::slice::from_ref(&left));
            assert!(!left.exists() && alive.path().exists());
            let living = alive.path().to_owned();
            drop(alive);
            assert!(!living.exists());
        }
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_server_of_a_dead_process_is_stopped_and_a_shell_in_its_folder_is_not() {
        let parent = tempfile::tempdir().unwrap().keep().canonicalize().unwrap();
        let left = left_by_the_dead(FolderUse::ScratchServer, &parent);
        let start = |name: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", "trap '' TERM; while :; do sleep 0.1; done", name]).current_dir(&left);
            command.spawn().unwrap()
        };
        let (mut server, mut looks) = (start(left.to_str().unwrap()), start("looks"));
        // Wait until both have become a shell.
        let is_shell = |process: u32| {
            std::fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| line.starts_with(b"sh\0"))
        };
        while !(is_shell(server.id()) && is_shell(looks.id())) {
            std::thread::yield_now();
        }
        assert_eq!(sweep_folders(&parent, &[FolderUse::ScratchServer]), std::slice::from_ref(&left));
        assert!(server.wait().unwrap().code().is_none(), "it was killed");
        assert!(looks.try_wait().unwrap().is_none());
        looks.kill().unwrap();
        looks.wait().unwrap();
        std::fs::remove_dir(&parent).unwrap();
    }
}
