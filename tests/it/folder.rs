//! A folder with a configuration, its key and its store, and runs of the program in it: what every bench has.

use crate::program::{Output, Run};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The configuration is `jagad.toml`. Backups are those of one entry.
pub(crate) struct Folder {
    root: TempDir,
    temporary: &'static str,
    entry: &'static str,
}

impl Folder {
    /// With the key `main.key` and no configuration. Files for a moment go to its folder `temporary`.
    pub(crate) fn new(temporary: &'static str, entry: &'static str) -> Self {
        // Sockets are below it, and their paths are short.
        let folder = tempfile::Builder::new().prefix("jgi-").tempdir_in("/tmp").unwrap();
        open(folder.path(), 0o755);
        for (name, mode) in [(temporary, 0o1777), ("bin", 0o755), ("store", 0o755), ("far", 0o755)] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            open(&folder.path().join(name), mode);
        }
        let folder = Self { root: folder, temporary, entry };
        folder.run(&["key", "generate", "main", "-o", "main.key"]).ok();
        folder
    }

    pub(crate) fn write(&self, config: &str) {
        let path = self.path("jagad.toml");
        std::fs::write(&path, config).unwrap();
        open(&path, 0o600);
    }

    /// The configuration and more.
    pub(crate) fn add(&self, more: &str) {
        let text = std::fs::read_to_string(self.path("jagad.toml")).unwrap();
        self.write(&format!("{text}\n{more}"));
    }

    /// The configuration with one text for another.
    pub(crate) fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("jagad.toml")).unwrap();
        assert!(text.contains(from), "no `{from}` in {text}");
        self.write(&text.replace(from, to));
    }

    /// A file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The program in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jagad"));
        command.args(args).current_dir(self.root.path());
        // Nothing of a test is remembered by the machine.
        command.env("STATE_DIRECTORY", self.path("state"));
        command.env("TMPDIR", self.path(self.temporary)).env("NO_COLOR", "1").env_remove("JAGAD_CONFIG");
        command
    }

    pub(crate) fn program(&self, args: &[&str]) -> Run {
        Run::start(&mut self.command(args))
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.program(args).wait()
    }

    /// Takes a backup of the entry; its id.
    #[track_caller]
    pub(crate) fn back_up(&self, more: &[&str]) -> String {
        let args: Vec<&str> = ["backup", self.entry, "--json"].iter().chain(more).copied().collect();
        let report = self.run(&args).ok().json();
        report["backups"][0]["id"].as_str().unwrap().to_owned()
    }

    /// What `list` shows, newest first.
    #[track_caller]
    pub(crate) fn listed(&self) -> Vec<Value> {
        let report = self.run(&["list", "--json"]).ok().json();
        report["backups"].as_array().unwrap().clone()
    }

    /// The statuses that `list` shows, newest first.
    #[track_caller]
    pub(crate) fn statuses(&self) -> Vec<String> {
        self.listed().iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect()
    }

    /// Where the newest backup of the entry was taken from.
    #[track_caller]
    pub(crate) fn source(&self) -> Value {
        let newest = format!("{}@latest", self.entry);
        self.run(&["show", &newest, "--json"]).ok().json()["manifest"]["source"].clone()
    }

    /// Takes a backup, which must come from the primary, for a reason that has `words`.
    #[track_caller]
    pub(crate) fn assert_primary(&self, words: &str) {
        self.run(&["backup", self.entry]).ok().says("SOURCE: primary").says(words);
        let source = self.source();
        assert_eq!(source["role"], "primary", "{source}");
        assert!(source["reason"].as_str().unwrap().contains(words), "{source}");
    }

    /// Declares a replica of the entry.
    pub(crate) fn declare_replica(&self, socket: &Path, more: &str) {
        self.add(&format!(
            "[[databases.{}.replicas]]\nsocket = \"{}\"\n{more}\n",
            self.entry,
            socket.display()
        ));
    }

    /// Runs the program until it kills itself at `point`.
    #[cfg(feature = "crash-points")]
    #[track_caller]
    pub(crate) fn killed_at(&self, args: &[&str], point: &str) {
        let output = Run::start(self.command(args).env("JAGAD_CRASH_AT", point)).wait();
        assert_eq!(output.code, 137, "it did not get to {point}: {output:?}");
    }
}

/// Sets who may do what with a file.
pub(crate) fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
