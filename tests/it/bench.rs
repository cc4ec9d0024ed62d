//! A configuration, its key, its store and a server: everything that a run of the program needs.

use crate::folder::Folder;
use crate::place::{Place, Server};
use crate::support::faulty::{Asked, Fault};
use crate::support::postgres::Postgres;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run that was not heard of for so long is taken for dead.
pub(crate) const LEASE: &str = "5s";

/// The configuration is `jagad.toml` in a folder of its own; its entry `shop` is the database `shop` of the server.
pub(crate) struct Bench {
    pub(crate) postgres: Postgres,
    pub(crate) place: Place,
    folder: Folder,
}

impl Deref for Bench {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

impl Bench {
    /// A server of `major`, with an empty store. `None`, loudly, when there is no such server.
    pub(crate) fn new(major: u32, place: Place) -> Option<Self> {
        Some(Self::with(Postgres::start(major)?, place))
    }

    /// With this server.
    pub(crate) fn with(postgres: Postgres, place: Place) -> Self {
        let folder = Folder::new("tmp", "shop");
        let bench = Self { postgres, place, folder };
        bench.write(&bench.usual());
        bench
    }

    /// As [`Bench::new`] on PostgreSQL 15, with a database `shop` of a few small tables.
    pub(crate) fn small(place: Place) -> Option<Self> {
        let bench = Self::new(15, place)?;
        bench.open_shop();
        Some(bench)
    }

    /// The configuration, and the server by itself.
    #[cfg(feature = "crash-points")]
    pub(crate) fn into_parts(self) -> (Folder, Postgres) {
        (self.folder, self.postgres)
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

    pub(crate) fn server(&self) -> &Server {
        match &self.place {
            Place::Server(server) => server,
            _ => panic!("this store is no server of the test"),
        }
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
