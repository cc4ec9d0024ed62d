//! A backup becomes the files of a server: no server is asked, and none runs.

use super::stream::{Consumer, Step};
use crate::model::{BackupId, PartKind, PartName, Span, Timestamp};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is to become files, and where.
#[derive(Debug, Clone, Copy)]
pub struct RecoveryRequest<'a> {
    /// The backup and everything that it builds on, the newest first; never empty.
    pub links: &'a [RecoveryLink],
    /// A folder that is new or empty.
    pub folder: &'a Path,
    /// Folders for what the server kept outside of its own: by the identifier that the engine gave each (an OID for a
    /// tablespace of PostgreSQL).
    pub tablespaces: &'a BTreeMap<String, PathBuf>,
    /// Where everything else of that kind goes, each into a new folder `ts-<identifier>`; `None` when all of it must be
    /// named.
    pub others: Option<&'a Path>,
    /// Where the server's own log is replayed to.
    pub until: &'a RecoveryPoint,
}

/// Where a recovery ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RecoveryPoint {
    /// Where the backup does: the files need nothing else.
    #[default]
    Backup,
    /// As late as the log goes.
    Latest,
    /// At something in the log.
    Target(RecoveryTarget),
}

/// Something in a server's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryTarget {
    /// What.
    pub what: RecoveryWhat,
    /// Whether it is the first thing that is not replayed any more.
    pub exclusive: bool,
}

/// What a recovery ends at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoveryWhat {
    /// The last transaction that was committed by then.
    Time(Timestamp),
    /// A place in the log.
    Lsn(String),
    /// A transaction.
    Xid(u64),
    /// A restore point that somebody named.
    Name(String),
}

/// A backup of a chain as an engine knows it.
#[derive(Debug, Clone)]
pub struct RecoveryLink {
    /// The backup.
    pub backup: BackupId,
    /// Version of its server.
    pub server_version: String,
    /// Where it lies in the server's log.
    pub span: Option<Span>,
    /// What [`super::CopyEnd::facts`] said of it; null for a logical backup.
    pub facts: serde_json::Value,
    /// Its parts that are wanted, in its order.
    pub parts: Vec<RecoveryPart>,
}

/// A part of a backup as an engine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryPart {
    /// Its name in the backup.
    pub name: PartName,
    /// What it holds.
    pub kind: PartKind,
    /// What the server calls it: a logical database, or a node of a cluster; empty for what is of the whole server.
    pub database: String,
    /// What the engine said of it when it was taken.
    pub properties: serde_json::Value,
    /// Its size before it was packed.
    pub plain_bytes: u64,
}

/// How a backup becomes files.
#[derive(Debug)]
pub struct Recovery {
    /// What is done, in this order. Every one has to succeed; until the last has, no server can start on the files.
    pub steps: Vec<RecoveryStep>,
    /// Every folder that is filled: that of the request, and those of tablespaces. Each must be new or empty.
    pub folders: Vec<FilledFolder>,
    /// What somebody must know before a server is started on it.
    pub notes: Vec<String>,
}

impl Recovery {
    /// Bytes that all of it will take, as far as can be said.
    pub fn bytes(&self) -> u64 {
        self.folders.iter().fold(0, |sum, folder| sum.saturating_add(folder.bytes))
    }
}

/// A folder that is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledFolder {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes that its files will take, as far as can be said.
    pub bytes: u64,
}

/// One step.
#[derive(Debug)]
pub enum RecoveryStep {
    /// A part is read from the store.
    Write(RecoveryWrite),
    /// Something is done with what was written.
    Run(Step),
}

/// How one part becomes files.
#[derive(Debug)]
pub struct RecoveryWrite {
    /// The place of its backup among the request's links.
    pub link: usize,
    /// Its name there.
    pub part: PartName,
    /// Where its files will be.
    pub folder: PathBuf,
    /// Takes its plain bytes. No file has its name before all of them have proven to be whole, or no server starts on
    /// what is there until then.
    pub consumer: Consumer,
}
