//! A configuration, its key, its store and a server: everything that a run of the program needs.

use crate::place::{Place, Server};
use crate::program::{Output, Run};
use crate::support::faulty::{Asked, Fault};
use crate::support::postgres::Postgres;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A run that was not heard of for so long is taken for dead.
pub(crate) const LEASE: &str = "5s";

/// The configuration is `jagad.toml` in a folder of its own; its entry `shop` is the database `shop` of the server.
pub(crate) struct Bench {
    pub(crate) postgres: Postgres,
    pub(crate) place: Place,
    folder: TempDir,
}

impl Bench {
    /// A server of `major`, with an empty store. `None`, loudly, when there is no such server.
    pub(crate) fn new(major: u32, place: Place) -> Option<Self> {
        Some(Self::with(Postgres::start(major)?, place))
    }

    /// With this server.
    pub(crate) fn with(postgres: Postgres, place: Place) -> Self {
        let folder = tempfile::Builder::new().prefix("jagad-it-").tempdir_in("/tmp").unwrap();
        open(folder.path(), 0o755);
        for (name, mode) in [("tmp", 0o1777), ("bin", 0o755)] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            open(&folder.path().join(name), mode);
        }
        let bench = Self { postgres, place, folder };
        bench.program(&["key", "generate", "main", "-o", "main.key"]).wait().ok();
        bench.write(&bench.usual());
        bench
    }

    /// As [`Bench::new`] on PostgreSQL 15, with a database `shop` of a few small tables.
    pub(crate) fn small(place: Place) -> Option<Self> {
        let bench = Self::new(15, place)?;
        bench.open_shop();
        Some(bench)
    }

    /// Creates the database `shop` with a few small tables.
    pub(crate) fn open_shop(&self) {
        self.postgres.psql("postgres", "CREATE DATABASE shop;");
        self.postgres.psql(
            "shop",
            "CREATE TABLE item (id int PRIMARY KEY, name text); CREATE INDEX item_name ON item (name);
             INSERT INTO item SELECT g, 'item ' || g FROM generate_series(1, 1000) g;
             CREATE TABLE sale (id serial PRIMARY KEY, item int REFERENCES item);
             INSERT INTO sale (item) SELECT 1 + g % 1000 FROM generate_series(1, 2000) g;",
        );
    }

    /// Adds rows that do not compress to some more than `mebibytes`.
    pub(crate) fn fill(&self, mebibytes: u32) {
        self.postgres.psql(
            "shop",
            &format!(
                "CREATE TABLE filler AS SELECT g AS id, (SELECT string_agg(md5(random()::text || g || i), '')
                   FROM generate_series(1, 64) i) AS noise FROM generate_series(1, {}) g;",
                mebibytes * 1024
            ),
        );
    }

    fn usual(&self) -> String {
        let mut text = format!(
            "version = 1\n[settings]\nlease_lifetime = \"{LEASE}\"\nstate_dir = \"state\"\n[keys.main]\nkey_file = \"main.key\"\n[stores.main]\n{}",
            self.place.table()
        );
        text.push_str(&self.entry("shop", "dbnames = [\"shop\"]"));
        text
    }

    /// A table for another entry of the same server.
    pub(crate) fn entry(&self, name: &str, rest: &str) -> String {
        format!(
            "[databases.{name}]\nengine = \"postgresql\"\nsocket = \"{}\"\nuser = \"postgres\"\n{rest}\n\
             [databases.{name}.tools]\nbin_dir = \"{}\"\n",
            self.postgres.socket().display(),
            self.postgres.bin().display()
        )
    }

    pub(crate) fn write(&self, config: &str) {
        let path = self.path("jagad.toml");
        std::fs::write(&path, config).unwrap();
        open(&path, 0o600);
    }

    /// The usual configuration and more.
    pub(crate) fn add(&self, more: &str) {
        let path = self.path("jagad.toml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        write!(text, "\n{more}").unwrap();
        self.write(&text);
    }

    /// A file of the bench.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn server(&self) -> &Server {
        match &self.place {
            Place::Server(server) => server,
            _ => panic!("this store is no server of the test"),
        }
    }

    /// The program in the folder of the bench.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jagad"));
        command.args(args).current_dir(self.folder.path());
        command.env("TMPDIR", self.path("tmp")).env("NO_COLOR", "1").env_remove("JAGAD_CONFIG");
        command
    }

    pub(crate) fn program(&self, args: &[&str]) -> Run {
        Run::start(&mut self.command(args))
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.program(args).wait()
    }

    /// Takes a backup of `shop`; its id.
    #[track_caller]
    pub(crate) fn back_up(&self, more: &[&str]) -> String {
        let args: Vec<&str> = ["backup", "shop", "--json"].iter().chain(more).copied().collect();
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

    /// From now on the server of the test takes its time for objects whose key ends in `end`.
    pub(crate) fn slow_down(&self, end: &'static str) {
        self.server().fail(move |asked: &Asked| {
            let slow = asked.method == http::Method::GET && asked.path.ends_with(end);
            if slow { Fault::Delay(Duration::from_millis(1500)) } else { Fault::Pass }
        });
    }

    /// The database that a restore of `shop` fills at this moment, or left behind.
    pub(crate) fn filling(&self) -> Option<String> {
        self.postgres.databases().into_iter().find(|name| name.starts_with("shop__jagad_"))
    }

    /// The folder in which the store keeps its objects.
    pub(crate) fn objects_folder(&self) -> PathBuf {
        match &self.place {
            Place::Local => self.path("store"),
            Place::Server(server) => server.folder().join("pre/fix"),
            Place::Gateway { .. } => panic!("the gateway's objects are no files"),
        }
    }

    /// Every object by key, with its bytes; the files that stores keep for themselves too.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let root = match &self.place {
            Place::Server(server) => server.folder().parent().unwrap().to_owned(),
            _ => self.objects_folder(),
        };
        walk(&root, &root, &mut found);
        let prefix = "bkt/pre/fix/";
        found.into_iter().map(|(key, bytes)| (key.replacen(prefix, "", 1), bytes)).collect()
    }

    /// Keys that are neither records of the repository nor of a backup: data, leases, unfinished uploads.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let is_record = |key: &str| {
            key == "jagad.json"
                || [".manifest.json", "/manifest.json", "/log.txt", "/pin.json"].iter().any(|end| key.ends_with(end))
                || key.contains("/restores/")
                || key.contains("/verified/")
                // Notes of the server in this process about objects that it stores.
                || key.split('/').next_back().is_some_and(|name| name.starts_with(".bucket-"))
        };
        self.objects().into_keys().filter(|key| !is_record(key)).collect()
    }

    /// Equal while the server's databases are.
    pub(crate) fn fingerprint(&self) -> String {
        let databases = self.postgres.databases();
        let of = |name: &String| format!("{name}\n{}\n", self.postgres.fingerprint(name));
        databases.iter().map(of).collect()
    }
}

fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let key = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.insert(key, bytes);
        }
    }
}
