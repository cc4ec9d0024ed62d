//! A server whose WAL goes into a repository of pgBackRest, and the entry `whole`, whose backups pgBackRest takes.

use crate::bench::Bench;
use crate::folder::open;
use crate::place::Place;
use crate::support::postgres::{Postgres, as_server_user, give};
use crate::support::presence::{Need, server_from};
use serde_json::Value;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) struct BackRest {
    pub(crate) bench: Bench,
    pub(crate) major: u32,
    program: PathBuf,
    folder: PathBuf,
}

impl Deref for BackRest {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl BackRest {
    /// A server of `major` with a database `shop`, its stanza `main`, and a full backup of nobody.
    pub(crate) fn new(major: u32) -> Option<Self> {
        let made = Self::without_archive(major)?;
        let done = made.run_tool(&["stanza-create"]);
        assert!(done.status.success(), "{done:?}");
        Some(made.archiving())
    }

    /// As [`BackRest::new`], and nothing but the configuration is there.
    pub(crate) fn without_archive(major: u32) -> Option<Self> {
        let program = PathBuf::from(server_from(&format!("JAGAD_TEST_PGBACKREST{major}"), Need::Required)?);
        let bench = Bench::with(Postgres::start_stranger(major)?, Place::Local);
        let folder = bench.postgres.new_folder("backrest");
        for name in ["repo", "log", "lock", "spool"] {
            bench.postgres.new_folder(&format!("backrest/{name}"));
        }
        let made = Self { bench, major, program, folder };
        made.configure("");
        made.bench.add(&made.table("whole", ""));
        made.bench.open_shop();
        Some(made)
    }

    /// Writes pgBackRest's configuration, with `more` in it.
    pub(crate) fn configure(&self, more: &str) {
        let shown = self.folder.display();
        let text = format!(
            "[main]\npg1-path={}\npg1-socket-path={}\npg1-user=postgres\n[global]\nrepo1-path={shown}/repo\n\
             log-path={shown}/log\nlock-path={shown}/lock\nspool-path={shown}/spool\nlog-level-file=off\n\
             start-fast=y\narchive-timeout=10\n{more}\n",
            self.postgres.data().display(),
            self.postgres.socket().display(),
        );
        std::fs::write(self.config(), text).unwrap();
        open(&self.config(), 0o600);
        give(&self.config());
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("br.conf")
    }

    /// Where pgBackRest keeps what it has.
    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.join("repo")
    }

    /// A table for an entry of the server.
    pub(crate) fn table(&self, name: &str, more: &str) -> String {
        let tools = self.tools();
        format!(
            "[databases.{name}]\nengine = \"postgresql\"\nsocket = \"{}\"\nuser = \"postgres\"\nmethod = \"pgbackrest\"\n\
             [databases.{name}.pgbackrest]\nconfig = \"{}\"\n{more}\n\
             [databases.{name}.tools]\nbin_dir = \"{}\"\n",
            self.postgres.socket().display(),
            self.config().display(),
            tools.display()
        )
    }

    /// A folder with the programs of the server and of its pgBackRest.
    fn tools(&self) -> PathBuf {
        let tools = self.path("tools");
        if !tools.exists() {
            std::fs::create_dir(&tools).unwrap();
            open(&tools, 0o755);
            for program in std::fs::read_dir(self.postgres.bin()).unwrap().flatten() {
                std::os::unix::fs::symlink(program.path(), tools.join(program.file_name())).unwrap();
            }
            std::os::unix::fs::symlink(&self.program, tools.join("pgbackrest")).unwrap();
        }
        tools
    }

    /// Lets the server archive into the repository.
    pub(crate) fn archiving(mut self) -> Self {
        let command = format!(
            "{} --config={} --stanza=main archive-push %p",
            self.program.display(),
            self.config().display()
        );
        self.postgres.psql("postgres", &format!("ALTER SYSTEM SET archive_command = '{command}';"));
        self.postgres.psql("postgres", "ALTER SYSTEM SET archive_mode = on;");
        self.bench.postgres.stop();
        self.bench.postgres.start_again();
        self
    }

    /// Runs pgBackRest itself, as the account of the server.
    pub(crate) fn run_tool(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.arg(format!("--config={}", self.config().display())).arg("--stanza=main").args(arguments);
        as_server_user(&mut command).output().unwrap()
    }

    /// Takes a backup; its manifest.
    pub(crate) fn take(&self, arguments: &[&str]) -> Value {
        let report = self.run(&[&["backup", "whole", "--json"], arguments].concat()).ok().json();
        let id = report["backups"][0]["id"].as_str().unwrap().to_owned();
        self.shown(&id)["manifest"].clone()
    }

    pub(crate) fn shown(&self, id: &str) -> Value {
        self.run(&["show", id, "--json"]).ok().json()
    }

    /// A server on the files in `folder`, once it takes writes.
    pub(crate) fn started(&self, folder: &Path) -> Postgres {
        let server = Postgres::start_from(self.major, folder).unwrap();
        crate::program::wait_until("the recovery has ended", || {
            server.psql("postgres", "SELECT pg_is_in_recovery();").trim() == "f"
        });
        server
    }

    /// Waits until the server has archived everything but the segment that it writes to.
    pub(crate) fn wait_for_archive(&self) {
        crate::program::wait_until("the WAL is archived", || {
            let waiting = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready';";
            self.postgres.psql("postgres", waiting).trim() == "0"
        });
    }

    /// A file of the backup `label` in the repository: the newest of the table of functions.
    pub(crate) fn stored_file(&self, label: &str) -> PathBuf {
        self.repository().join(format!("backup/main/{label}/pg_data/base/1/1255.gz"))
    }
}

pub(crate) fn id(manifest: &Value) -> &str {
    manifest["id"].as_str().unwrap()
}

pub(crate) fn label(manifest: &Value) -> &str {
    manifest["physical"]["label"].as_str().unwrap()
}

/// A server on restored files where they are: they name their own folder. Dropping it ends it.
pub(crate) struct InPlace<'a> {
    bench: &'a BackRest,
    data: PathBuf,
}

impl BackRest {
    /// Starts a server on the files in `folder`, and waits until it takes writes.
    pub(crate) fn started_in(&self, folder: &str) -> InPlace<'_> {
        let server = InPlace { bench: self, data: self.path(folder) };
        let options = format!("-c listen_addresses= -c unix_socket_directories={}", server.data.display());
        let log = format!("--log={}/started", server.data.display());
        server.control(&["start", "-w", "-o", &options, &log]);
        crate::program::wait_until("the recovery has ended", || {
            server.psql("postgres", "SELECT pg_is_in_recovery();") == "f"
        });
        server
    }
}

impl InPlace<'_> {
    fn control(&self, arguments: &[&str]) {
        let mut command = Command::new(self.bench.postgres.bin().join("pg_ctl"));
        command.arg("-D").arg(&self.data).args(arguments).env("LC_ALL", "C");
        let done = as_server_user(&mut command).output().unwrap();
        let said = std::fs::read_to_string(self.data.join("started")).unwrap_or_default();
        assert!(done.status.success(), "{done:?}\n{said}");
    }

    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        let mut command = Command::new(self.bench.postgres.bin().join("psql"));
        command.arg("-h").arg(&self.data).args(["-U", "postgres", "-XAtqc", sql, database]);
        let output = as_server_user(&mut command).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for InPlace<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.control(&["stop", "-m", "immediate"]);
        }
    }
}

/// Fails the test unless standard output has all of this.
#[track_caller]
pub(crate) fn prints(output: &crate::program::Output, all: &[&str]) {
    for words in all {
        assert!(output.stdout.contains(words), "no `{words}` in\n{}", output.stdout);
    }
}
