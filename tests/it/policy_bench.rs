//! Databases under a policy: a Redis server that many entries share, a clock, and a store.

use crate::folder::Folder;
#[cfg(feature = "crash-points")]
use crate::program::{Output, Run};
use crate::support::redis::{Kind, Server};
use serde_json::Value;
use std::ops::Deref;

/// A configuration whose entries are all the same server, with policies of the test's own.
pub(crate) struct PolicyBench {
    folder: Folder,
    pub(crate) server: Server,
}

impl Deref for PolicyBench {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

impl PolicyBench {
    /// Entries of these names, all declared under `prod`, and the policies in `more`.
    pub(crate) fn new(names: &[&str], more: &str) -> Option<Self> {
        let server = Server::start(Kind::Redis7)?;
        server.client().ok("SET a 1");
        let bench = Self { folder: Folder::new("t", "cache"), server };
        let mut text = format!(
            "version = 1\n[settings]\nlease_lifetime = \"5s\"\nstate_dir = \"state\"\ntmp_dir = \"{}\"\n[keys.main]\nkey_file = \"main.key\"\n\
             [stores.main]\ntype = \"local\"\npath = \"store\"\n",
            bench.path("t").display()
        );
        for name in names {
            text += &bench.entry(name, "policy = \"prod\"");
        }
        bench.write(&(text + more));
        Some(bench)
    }

    /// One more entry of the server.
    pub(crate) fn entry(&self, name: &str, more: &str) -> String {
        format!(
            "[databases.{name}]\nengine = \"redis\"\nsocket = \"{}\"\n{more}\n",
            self.server.socket().display()
        )
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
