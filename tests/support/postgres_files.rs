//! Programs and files of PostgreSQL servers, and who owns them.

use nix::unistd::{User, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs of `major`, or that the test has to be skipped. Where tests must not be skipped (`CI` is set), panics.
pub fn programs(major: u32) -> Option<PathBuf> {
    let named = std::env::var_os(format!("JAGAD_TEST_PG{major}")).map(PathBuf::from);
    let usual = ["/usr/lib/postgresql", "/var/cache/jagad/pg18/usr/lib/postgresql"];
    let usual = usual.map(|parent| Path::new(parent).join(major.to_string()).join("bin"));
    let found = named.into_iter().chain(usual).find(|bin| bin.join("initdb").exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "PostgreSQL {major} is missing: set JAGAD_TEST_PG{major}");
        super::presence::skipped(&format!(
            "PostgreSQL {major} is missing: set JAGAD_TEST_PG{major} to its programs"
        ));
    }
    found
}

/// A fresh cluster that is made once per version and machine and then copied.
pub(crate) fn template(major: u32, bin: &Path) -> PathBuf {
    let cached = std::env::temp_dir().join(format!("jagad-pg-template-{major}-{}", nix::unistd::getuid()));
    if !cached.join("PG_VERSION").exists() {
        let fresh = tempfile::Builder::new().prefix("jagad-initdb").tempdir_in(std::env::temp_dir()).unwrap();
        give(fresh.path());
        let data = fresh.path().join("data");
        initialise(bin, &data);
        // Another test may have been faster: then its template is as good.
        let _ = std::fs::rename(&data, &cached);
    }
    cached
}

pub(crate) fn initialise(bin: &Path, data: &Path) {
    let mut command = Command::new(bin.join("initdb"));
    command.arg("-D").arg(data).args(["-N", "-A", "trust", "-U", "postgres", "-E", "UTF8"]);
    command.args(["--locale=C.UTF-8", "--wal-segsize=1"]);
    let made = as_server_user(&mut command).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

pub(crate) fn copy(from: &Path, to: &Path) {
    let copied = as_server_user(Command::new("cp").arg("-R").arg(from).arg(to)).status().unwrap();
    assert!(copied.success());
}

/// PostgreSQL refuses to run as root.
pub(crate) fn as_server_user(command: &mut Command) -> &mut Command {
    if let Some(user) = server_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).current_dir("/");
    }
    command
}

pub(crate) fn server_user() -> Option<User> {
    nix::unistd::geteuid().is_root().then(|| User::from_name("postgres").unwrap().unwrap())
}

pub(crate) fn give(folder: &Path) {
    if let Some(user) = server_user() {
        chown(folder, Some(user.uid), Some(user.gid)).unwrap();
    }
}
