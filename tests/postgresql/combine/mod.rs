//! Physical backups and chains of them become data directories, byte for byte as the server's own tool makes them.

mod chains;
mod fulls;
mod large;
mod trouble;

use crate::support::postgres::{Postgres, as_server_user, give};
use jagad::engine::postgresql::combine::{
    ArchiveName, Merge, MergeLink, MergeRequest, PageLayout, TablespacePlace,
};
use jagad::engine::{Consumer, StreamError};
use jagad::process::SystemRunner;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What the servers of these tests are started with on their command line.
const SETTINGS: &str = r#"{"minimum_settings": {"max_prepared_transactions": 5}}"#;

/// Backups of one server, each in a folder of its own as `pg_basebackup -Ft` writes it.
struct Backups {
    folder: TempDir,
    count: usize,
}

/// Folders that a chain is merged into.
struct Target {
    folder: TempDir,
}

impl Target {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("jagad-merged").tempdir_in("/tmp").unwrap();
        give(folder.path());
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn tablespace(&self, oid: u32) -> PathBuf {
        self.folder.path().join(format!("space-{oid}"))
    }
}

impl Backups {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("jagad-base").tempdir_in("/tmp").unwrap();
        give(folder.path());
        Self { folder, count: 0 }
    }

    fn link(&self, number: usize) -> PathBuf {
        self.folder.path().join(number.to_string())
    }

    /// The backups by number, the newest first.
    fn chain(&self, numbers: impl DoubleEndedIterator<Item = usize>) -> Vec<PathBuf> {
        numbers.rev().map(|number| self.link(number)).collect()
    }

    fn whole_chain(&self) -> Vec<PathBuf> {
        self.chain(0..self.count)
    }

    /// A full backup; or what has changed since the backup `parent`.
    fn take(&mut self, server: &Postgres, parent: Option<usize>) {
        let mut command = Command::new(server.bin().join("pg_basebackup"));
        command.args(["-Ft", "-X", "fetch", "--checkpoint=fast", "-U", "postgres", "-D"]);
        command.arg(self.link(self.count));
        if let Some(parent) = parent {
            command.arg("--incremental").arg(self.link(parent).join("backup_manifest"));
        }
        run(command.env_clear().env("PGHOST", server.socket()));
        self.count += 1;
    }

    /// What has changed since the last one.
    fn take_next(&mut self, server: &Postgres) {
        self.take(server, self.count.checked_sub(1));
    }
}

fn run(command: &mut Command) -> String {
    let output = as_server_user(command).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// Takes all changes into summaries, from which incremental backups are made.
fn summarize(server: &Postgres) {
    server.psql("postgres", "ALTER SYSTEM SET summarize_wal = on");
    server.psql("postgres", "SELECT pg_reload_conf()");
}

/// The archives of a backup as its server sends them: tablespaces first.
fn archives(link: &Path) -> Vec<ArchiveName> {
    let names =
        std::fs::read_dir(link).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<ArchiveName> = names.filter_map(|name| name.parse().ok()).collect();
    names.sort();
    names
}

fn tablespaces(link: &Path) -> impl Iterator<Item = u32> {
    archives(link).into_iter().filter_map(|archive| match archive {
        ArchiveName::Tablespace(oid) => Some(oid),
        ArchiveName::Base => None,
    })
}

fn request(chain: &[PathBuf], target: &Target) -> MergeRequest {
    let links = chain.iter().map(|link| MergeLink {
        name: format!("the backup {}", link.file_name().unwrap().display()),
        archives: archives(link),
        start: None,
    });
    let places = tablespaces(&chain[0]).map(|oid| (oid, TablespacePlace::Folder(target.tablespace(oid))));
    MergeRequest {
        folder: target.data(),
        tablespaces: places.collect(),
        links: links.collect(),
        layout: PageLayout::default(),
    }
}

async fn feed(consumer: &Consumer, file: &Path) -> Result<(), StreamError> {
    let body = tokio::fs::File::open(file).await.unwrap();
    consumer.take(&SystemRunner, Box::pin(body)).await.map(|_| ())
}

/// Reads every archive of the chain, and completes the folders.
async fn merge(request: MergeRequest, chain: &[PathBuf]) -> Result<(), StreamError> {
    let merge = Merge::new(request)?;
    merge.configuration().take(&SystemRunner, Box::pin(SETTINGS.as_bytes())).await?;
    for (place, link) in chain.iter().enumerate() {
        for archive in archives(link) {
            feed(&merge.consumer(place, archive), &link.join(archive.to_string())).await?;
        }
    }
    merge.finish().run(&SystemRunner).await
}

/// What `pg_combinebackup` makes of the same chain, below `folder`: the data directory, and the tablespaces by number.
struct Reference {
    data: PathBuf,
    tablespaces: BTreeMap<u32, PathBuf>,
}

fn combine(bin: &Path, chain: &[PathBuf], folder: &Path) -> Reference {
    let data = folder.join("reference");
    let mut command = Command::new(bin.join("pg_combinebackup"));
    command.arg("-o").arg(&data);
    let mut results = BTreeMap::new();
    for (place, link) in chain.iter().enumerate().rev() {
        let unpacked = folder.join(format!("unpacked-{place}"));
        unpack(&link.join("base.tar"), &unpacked);
        let _ = std::fs::remove_file(unpacked.join("tablespace_map"));
        std::fs::copy(link.join("backup_manifest"), unpacked.join("backup_manifest")).unwrap();
        for oid in tablespaces(link) {
            let space = folder.join(format!("unpacked-{place}-{oid}"));
            unpack(&link.join(format!("{oid}.tar")), &space);
            std::os::unix::fs::symlink(&space, unpacked.join(format!("pg_tblspc/{oid}"))).unwrap();
            let result = folder.join(format!("reference-{oid}"));
            if place == 0 {
                command.arg(format!("--tablespace-mapping={}={}", space.display(), result.display()));
                results.insert(oid, result);
            }
        }
        command.arg(&unpacked);
    }
    let output = command.env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Reference { data, tablespaces: results }
}

fn unpack(archive: &Path, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let status = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder).status().unwrap();
    assert!(status.success());
}

fn assert_same(reference: &Path, merged: &Path, excluded: &[&str]) {
    let mut command = Command::new("diff");
    command.args(["-r", "--no-dereference"]).args(excluded.iter().map(|name| format!("--exclude={name}")));
    let output = command.arg(reference).arg(merged).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// The merge of `chain` has the bytes that `pg_combinebackup` gives it, but for what is meant to be different.
async fn merges_alike(bin: &Path, chain: &[PathBuf], target: &Target) {
    merge(request(chain, target), chain).await.unwrap();
    let folder = tempfile::Builder::new().prefix("jagad-reference").tempdir_in("/tmp").unwrap();
    let reference = combine(bin, chain, folder.path());
    assert_same(
        &reference.data,
        &target.data(),
        &["backup_manifest", "pg_tblspc", "postgresql.auto.conf", "recovery.signal"],
    );
    for (oid, space) in &reference.tablespaces {
        assert_same(space, &target.tablespace(*oid), &[]);
        let link = std::fs::read_link(target.data().join(format!("pg_tblspc/{oid}"))).unwrap();
        assert_eq!(link, target.tablespace(*oid));
    }
    let settings = |data: &Path| std::fs::read_to_string(data.join("postgresql.auto.conf")).unwrap();
    let merged = settings(&target.data());
    let added = merged.strip_prefix(&settings(&reference.data)).expect("what the source had comes first");
    assert!(added.contains("archive_mode = 'off'"), "{added}");
}
