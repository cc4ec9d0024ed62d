//! Archives built byte by byte; those of real servers are in `tests/postgresql/combine/`.

mod hostile;
mod reference;

use super::incremental::IncrementalHeader;
use super::problem::damaged;
use super::tar_reader::TarReader;
use super::work::{Turn, Work};
use super::{ArchiveName, MergeLink, MergeRequest, PageLayout, TablespacePlace, check};
use crate::engine::EngineError;
use std::path::Path;
use tempfile::TempDir;

/// Small, so that a test sees the end of a file.
const PAGE: usize = 1024;
const SEGMENT: u32 = 64;

fn layout() -> PageLayout {
    PageLayout::new(1024, SEGMENT).unwrap()
}

/// Writes an archive as PostgreSQL does.
#[derive(Debug, Clone, Default)]
struct Tar(Vec<u8>);

impl Tar {
    /// A backup that began at `start`, and continues the one that began at `from`.
    fn backup(start: u32, from: Option<u32>) -> Self {
        let mut label = format!("START WAL LOCATION: 0/{start:X} (file x)\nSTART TIMELINE: 1\n");
        if let Some(from) = from {
            label += &format!("INCREMENTAL FROM LSN: 0/{from:X}\nINCREMENTAL FROM TLI: 1\n");
        }
        Self::default()
            .file("backup_label", label.as_bytes())
            .file("PG_VERSION", b"18\n")
            .folder("global")
            .folder("base")
            .folder("base/5")
            .folder("pg_tblspc")
            .folder("pg_wal")
    }

    fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(b'0', name, bytes)
    }

    fn folder(self, name: &str) -> Self {
        self.entry(b'5', &format!("{name}/"), b"")
    }

    fn entry(mut self, kind: u8, name: &str, bytes: &[u8]) -> Self {
        self.0.extend(header(kind, name, bytes.len()));
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// With the control file, and the mark of the end.
    fn whole(self) -> Vec<u8> {
        self.file("global/pg_control", &[7; 64]).end()
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn header(kind: u8, name: &str, size: usize) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(if kind == b'5' { b"0000700 " } else { b"0000600 " });
    header[124..136].copy_from_slice(format!("{size:011o} ").as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    sealed(header)
}

/// With the sum that makes a header valid.
fn sealed(mut header: [u8; 512]) -> [u8; 512] {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:07o} ").as_bytes());
    header
}

/// What changed of a file: each block is full of one byte.
fn incremental(truncation: u32, blocks: &[(u32, u8)]) -> Vec<u8> {
    let mut bytes = 0xd3ae_1f0d_u32.to_le_bytes().to_vec();
    bytes.extend(u32::try_from(blocks.len()).unwrap().to_le_bytes());
    bytes.extend(truncation.to_le_bytes());
    bytes.extend(blocks.iter().flat_map(|(number, _)| number.to_le_bytes()));
    if !blocks.is_empty() {
        bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
    }
    bytes.extend(blocks.iter().flat_map(|(_, fill)| [*fill; PAGE]));
    bytes
}

fn whole(blocks: &[u8]) -> Vec<u8> {
    blocks.iter().flat_map(|fill| [*fill; PAGE]).collect()
}

fn request(folder: &Path, backups: usize) -> MergeRequest {
    let link = |number| MergeLink {
        name: format!("backup {number}"),
        archives: vec![ArchiveName::Base],
        start: None,
    };
    MergeRequest {
        folder: folder.to_owned(),
        tablespaces: [].into(),
        links: (0..backups).rev().map(link).collect(),
        layout: layout(),
    }
}

/// Merges archives, the newest first, into `data` of a new folder.
fn merged(chain: &[Vec<u8>]) -> (TempDir, Result<(), EngineError>) {
    let folder = tempfile::tempdir().unwrap();
    let mut work = Work::new(request(&folder.path().join("data"), chain.len()));
    let read = chain
        .iter()
        .enumerate()
        .try_for_each(|(link, bytes)| work.read(Turn { link, archive: ArchiveName::Base }, bytes.as_slice()));
    let done = read.and_then(|()| work.finish());
    (folder, done)
}

/// Why it cannot be merged, and that nothing of it could start.
fn refusal(chain: &[Vec<u8>]) -> String {
    let (folder, done) = merged(chain);
    assert!(!folder.path().join("data/global/pg_control").exists());
    assert!(std::fs::read_dir(folder.path()).unwrap().count() <= 1, "something was written outside");
    done.unwrap_err().to_string()
}

fn content(chain: &[Vec<u8>], file: &str) -> Vec<u8> {
    let (folder, done) = merged(chain);
    done.unwrap();
    std::fs::read(folder.path().join("data").join(file)).unwrap()
}

const FILE: &str = "base/5/16384";
const CHANGED: &str = "base/5/INCREMENTAL.16384";

#[test]
fn the_newest_backup_decides_and_older_ones_fill() {
    let newest = Tar::backup(3, Some(2)).file(CHANGED, &incremental(4, &[(1, b'n'), (6, b'n')])).whole();
    let middle =
        Tar::backup(2, Some(1)).file(CHANGED, &incremental(9, &[(0, b'm'), (1, b'm'), (5, b'm')])).whole();
    let full = Tar::backup(1, None).file(FILE, &whole(b"ffff")).file("base/5/999", b"dropped since").whole();
    let chain = [newest, middle, full];
    let expected =
        [vec![b'm'; PAGE], vec![b'n'; PAGE], vec![b'f'; 2 * PAGE], vec![0; 2 * PAGE], vec![b'n'; PAGE]];
    assert_eq!(content(&chain, FILE), expected.concat());
    let (folder, done) = merged(&chain);
    done.unwrap();
    let data = folder.path().join("data");
    assert!(!data.join("base/5/999").exists());
    assert_eq!(
        std::fs::read_to_string(data.join("backup_label")).unwrap(),
        "START WAL LOCATION: 0/3 (file x)\nSTART TIMELINE: 1\n"
    );
    assert_eq!(std::fs::read(data.join("global/pg_control")).unwrap(), [7; 64]);
    assert!(!data.join("global/pg_control.jagad").exists());
}

#[test]
fn every_older_backup_must_know_a_file_until_it_is_whole() {
    let newest = Tar::backup(3, Some(2)).file(CHANGED, &incremental(2, &[])).whole();
    let middle = Tar::backup(2, Some(1)).whole();
    let full = Tar::backup(1, None).file(FILE, &whole(b"ff")).whole();
    let said = refusal(&[newest.clone(), middle, full.clone()]);
    assert!(
        said.ends_with(
            "`base.tar` of backup 1: 1 files of which backup 2 has only what changed are not in it"
        ),
        "{said}"
    );
    let twice = Tar::backup(2, Some(1)).file(CHANGED, &incremental(2, &[])).file(FILE, &whole(b"ff")).whole();
    assert!(refusal(&[newest.clone(), twice, full]).contains("is there twice"));
    let unfinished = Tar::backup(2, None).file(CHANGED, &incremental(2, &[])).whole();
    assert!(refusal(&[newest, unfinished]).contains("1 files are not complete with backup 0"));
}

#[test]
fn what_belongs_to_the_source_alone_is_left_out() {
    let names = ["standby.signal", "postmaster.pid", "postmaster.opts", "backup_manifest", "tablespace_map"];
    let tar = Tar::backup(1, None).file("recovery.signal", b"the source's");
    let tar = names.iter().fold(tar, |tar, name| tar.file(name, b""));
    let (folder, done) = merged(&[tar.file("postgresql.auto.conf", b"archive_mode = 'on'").whole()]);
    done.unwrap();
    let data = folder.path().join("data");
    for name in names {
        assert!(!data.join(name).exists(), "{name}");
    }
    let settings = std::fs::read_to_string(data.join("postgresql.auto.conf")).unwrap();
    let last = settings.lines().rfind(|line| line.starts_with("archive_mode"));
    assert_eq!(last, Some("archive_mode = 'off'"));
    assert_eq!(std::fs::read(data.join("recovery.signal")).unwrap(), b"");
    assert!(std::fs::read_to_string(data.join("postgresql.conf")).unwrap().starts_with("# Written by jagad"));
}

#[test]
fn a_configuration_that_the_source_did_not_read_is_not_read_either() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut work = Work::new(request(&data, 1));
    work.configuration = Some(serde_json::from_str(r#"{"config_file": "port = 1"}"#).unwrap());
    let tar = Tar::backup(1, None).file("postgresql.conf", b"left over").file("pg_hba.conf", b"read").whole();
    work.read(Turn { link: 0, archive: ArchiveName::Base }, tar.as_slice()).unwrap();
    work.finish().unwrap();
    let text = |name: &str| std::fs::read_to_string(data.join(name)).unwrap();
    assert_eq!(text("postgresql.conf.unused"), "left over");
    assert_eq!(text("postgresql.conf.source"), "port = 1");
    assert!(text("postgresql.conf").starts_with("# Written by jagad"));
    assert_eq!(text("pg_hba.conf"), "read");
}

#[test]
fn archives_are_read_in_their_order_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut work = Work::new(request(&folder.path().join("data"), 2));
    let tar = Tar::backup(1, None).whole();
    let said =
        work.read(Turn { link: 1, archive: ArchiveName::Base }, tar.as_slice()).unwrap_err().to_string();
    assert!(said.contains("`base.tar` of backup 0 was read at the wrong time"), "{said}");
    assert!(!folder.path().join("data").exists());
    assert!(work.finish().is_err());
}

#[test]
fn folders_that_lie_in_each_other_are_refused() {
    let mut request = request(Path::new("/a/data"), 1);
    for (folder, refused) in [("/a/data/x", true), ("/a", true), ("/a/data", true), ("/a/database", false)] {
        request.links[0].archives = vec![ArchiveName::Tablespace(16384), ArchiveName::Base];
        request.tablespaces = [(16384, TablespacePlace::Folder(folder.into()))].into();
        assert_eq!(check(&request).is_err(), refused, "{folder}");
    }
    request.tablespaces.clear();
    assert!(check(&request).unwrap_err().to_string().contains("has the tablespace 16384"));
}

#[test]
fn names_of_archives_are_the_servers() {
    for name in ["base.tar", "16384.tar"] {
        assert_eq!(name.parse::<ArchiveName>().unwrap().to_string(), name);
    }
    for odd in ["base", "016384.tar", "+1.tar", "x.tar", "4294967296.tar", "../base.tar"] {
        assert!(odd.parse::<ArchiveName>().is_err(), "{odd}");
    }
}
