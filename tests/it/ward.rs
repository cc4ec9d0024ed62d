//! Databases under a policy: a Redis server that many entries share, a clock, and a store.

use crate::program::{Output, Run};
use crate::support::redis::{Kind, Server};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A configuration whose entries are all the same server, with policies of the test's own.
pub(crate) struct Wards {
    folder: TempDir,
    pub(crate) server: Server,
}

impl Wards {
    /// Entries of these names, all declared under `prod`, and the policies in `more`.
    pub(crate) fn new(names: &[&str], more: &str) -> Option<Self> {
        let server = Server::start(Kind::Redis7)?;
        server.client().ok("SET a 1");
        let folder = tempfile::Builder::new().prefix("jagad-it-").tempdir_in("/tmp").unwrap();
        let wards = Self { folder, server };
        wards.run(&["key", "generate", "main", "-o", "main.key"]).ok();
        let mut text = format!(
            "version = 1\n[settings]\nlease_lifetime = \"5s\"\nstate_dir = \"state\"\ntmp_dir = \"{}\"\n[keys.main]\nkey_file = \"main.key\"\n\
             [stores.main]\ntype = \"local\"\npath = \"store\"\n",
            wards.folder.path().display()
        );
        names.iter().for_each(|name| text += &wards.entry(name, "policy = \"prod\""));
        wards.write(&(text + more));
        Some(wards)
    }

    /// One more entry of the server.
    pub(crate) fn entry(&self, name: &str, more: &str) -> String {
        format!(
            "[databases.{name}]\nengine = \"redis\"\nsocket = \"{}\"\n{more}\n",
            self.server.socket().display()
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, text: &str) {
        let path = self.path("jagad.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The configuration with one text for another.
    pub(crate) fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("jagad.toml")).unwrap();
        assert!(text.contains(from), "no `{from}` in {text}");
        self.write(&text.replace(from, to));
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jagad"));
        command.args(args).current_dir(self.folder.path());
        command.env("TMPDIR", self.folder.path()).env("NO_COLOR", "1").env_remove("JAGAD_CONFIG");
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        Run::start(&mut self.command(args)).wait()
    }

    /// A run at another time.
    #[cfg(feature = "crash-points")]
    #[track_caller]
    pub(crate) fn at(&self, time: &str, args: &[&str]) -> Output {
        Run::start(self.command(args).env("JAGAD_CLOCK", time)).wait()
    }

    /// What a tick at `time` did about each entry: its action.
    #[cfg(feature = "crash-points")]
    #[track_caller]
    pub(crate) fn tick(&self, time: &str) -> Vec<String> {
        actions(&self.at(time, &["schedule", "run", "--json"]).json())
    }

    /// What the store says of an entry.
    pub(crate) fn state(&self, name: &str) -> Value {
        let path = self.path(&format!("store/databases/{name}/state.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// Ids of an entry's backups with this status, the oldest first.
    pub(crate) fn backups(&self, name: &str, status: &str) -> Vec<String> {
        let listed = self.run(&["list", name, "--status", status, "--limit", "1000", "--json"]).ok().json();
        let rows = listed["backups"].as_array().unwrap();
        rows.iter().rev().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// What a tick did about each entry.
pub(crate) fn actions(report: &Value) -> Vec<String> {
    let rows = report["databases"].as_array().unwrap();
    rows.iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
}
