//! A configuration, its key, its store and a MySQL or MariaDB server: what a run of the program needs.

use crate::folder::{Folder, open};
use crate::support::mysql::{Release, Sql};
use std::ops::Deref;
use std::path::Path;

/// The configuration is `jagad.toml` in a folder of its own; its entry `shop` is the database `shop` of the server.
pub(crate) struct SqlBench {
    pub(crate) sql: Sql,
    folder: Folder,
}

impl Deref for SqlBench {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

impl SqlBench {
    /// A server of `release`, with an empty store. `None`, loudly, when there is no such server.
    pub(crate) fn new(release: Release) -> Option<Self> {
        Some(Self::with(Sql::start(release)?))
    }

    /// With this server.
    pub(crate) fn with(sql: Sql) -> Self {
        let bench = Self { sql, folder: Folder::new("t", "shop") };
        bench.write(
            "version = 1\n[settings]\nlease_lifetime = \"5s\"\n[keys.main]\nkey_file = \"main.key\"\n\
             [stores.main]\ntype = \"local\"\npath = \"store\"\n",
        );
        bench.add(&bench.entry("shop", "dbnames = [\"shop\"]"));
        bench
    }

    /// With a database `shop` of a few small tables.
    pub(crate) fn small(release: Release) -> Option<Self> {
        let bench = Self::new(release)?;
        bench.open_shop();
        Some(bench)
    }

    /// The configuration, and the server by itself.
    #[cfg(feature = "crash-points")]
    pub(crate) fn into_parts(self) -> (Folder, Sql) {
        (self.folder, self.sql)
    }

    /// Creates the database `shop` with a few small tables.
    pub(crate) fn open_shop(&self) {
        self.sql.run("", "CREATE DATABASE shop;");
        self.sql.run(
            "shop",
            "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(200), KEY (name));
             INSERT INTO item WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
               SELECT i, REPEAT(CONCAT('item ', i), 10) FROM n;
             CREATE TABLE sale (id INT AUTO_INCREMENT PRIMARY KEY, item INT REFERENCES item (id));
             INSERT INTO sale (item) SELECT id FROM item; INSERT INTO sale (item) SELECT id FROM item;
             CREATE VIEW sold AS SELECT item.name FROM item JOIN sale ON sale.item = item.id;
             CREATE TRIGGER sale_bi BEFORE INSERT ON sale FOR EACH ROW SET NEW.item = COALESCE(NEW.item, 1);",
        );
    }

    /// Adds rows that do not compress to some more than `mebibytes`.
    pub(crate) fn fill(&self, mebibytes: u32) {
        self.sql.run("shop", "CREATE TABLE filler (id INT AUTO_INCREMENT PRIMARY KEY, noise LONGBLOB);");
        for _ in 0..mebibytes {
            let noise = "RANDOM_BYTES(1024), ".repeat(511);
            self.sql.run(
                "shop",
                &format!("INSERT INTO filler (noise) VALUES (CONCAT({noise} RANDOM_BYTES(1024)));"),
            );
        }
    }

    /// A table for another entry of the same server.
    pub(crate) fn entry(&self, name: &str, rest: &str) -> String {
        entry_of(&self.sql, name, rest)
    }

    /// Keys of data in the store.
    pub(crate) fn data_objects(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.path("store"), &mut found);
        found.retain(|key| key.contains(".sql") || key.contains("contents.json"));
        found
    }

    /// A folder with the server's programs in which the dump tool is a script; `$real` is the real one. For `--set`.
    pub(crate) fn with_dump(&self, body: &str) -> String {
        let name = self.sql.dump_name();
        let folder = self.path("bin");
        for program in [self.sql.client_name(), name] {
            let link = folder.join(program);
            if program != name && !link.exists() {
                std::os::unix::fs::symlink(self.sql.bin().join(program), link).unwrap();
            }
        }
        let real = self.sql.bin().join(name);
        let text = format!(
            "#!/bin/sh\nreal={}\ncase \"$*\" in *--version*|*--help*|*--no-data*) exec $real \"$@\" ;; esac\n{body}\n",
            real.display()
        );
        // Written beside and moved there: another process may be about to run it.
        let path = folder.join("dump.new");
        std::fs::write(&path, text).unwrap();
        open(&path, 0o755);
        std::fs::rename(&path, folder.join(name)).unwrap();
        format!("databases.shop.tools.bin_dir={}", folder.display())
    }
}

/// A table of the configuration for an entry of `sql`.
pub(crate) fn entry_of(sql: &Sql, name: &str, rest: &str) -> String {
    format!(
        "[databases.{name}]\nengine = \"{}\"\nsocket = \"{}\"\nuser = \"root\"\n{rest}\n\
         [databases.{name}.tools]\nbin_dir = \"{}\"\n",
        sql.release.kind(),
        sql.socket().display(),
        sql.bin().display()
    )
}

fn walk(folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path.display().to_string());
        }
    }
}
