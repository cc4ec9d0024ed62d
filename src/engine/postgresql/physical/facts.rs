//! What the manifest of a physical backup says of it: docs/FORMAT.md lists the keys.

use crate::engine::EngineError;
use crate::engine::postgresql::base_backup::{BackupSpan, BackupStart, Lsn, System, WalPosition};
use crate::engine::postgresql::combine::{MinimumSettings, PageLayout, TablespacePlace};
use crate::model::BackupId;
use serde::{Deserialize, Serialize};

/// What is recorded of a copy.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CopyFacts {
    pub(super) system_id: String,
    wal_segment_size: u64,
    block_size: u64,
    segment_size: u64,
    data_checksums: bool,
    wal: String,
    start_lsn: String,
    start_timeline: u32,
    end_lsn: String,
    end_timeline: u32,
    /// What the files of the server took when the copy began, also those that an incremental has only in part.
    #[serde(default)]
    bytes: u64,
    pub(super) tablespaces: Vec<TablespaceFacts>,
    pub(super) minimum_settings: MinimumSettings,
}

/// A tablespace beside the data directory.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TablespaceFacts {
    pub(super) oid: u32,
    pub(super) path: String,
    /// What its files took when the copy began.
    #[serde(default)]
    pub(super) bytes: u64,
}

impl TablespaceFacts {
    /// Whether the server had it below its own data directory.
    pub(super) fn is_in_place(&self) -> bool {
        !self.path.starts_with('/')
    }

    /// Where it goes: `folder`, if it was outside of the data directory.
    pub(super) fn place(&self, folder: Option<&std::path::Path>) -> Option<TablespacePlace> {
        match folder {
            Some(folder) => Some(TablespacePlace::Folder(folder.to_owned())),
            None => self.is_in_place().then_some(TablespacePlace::InPlace),
        }
    }
}

impl CopyFacts {
    pub(super) fn of(
        start: &BackupStart,
        system: &System,
        span: BackupSpan,
        minimum: MinimumSettings,
    ) -> Self {
        let tablespaces = start.tablespaces.iter();
        Self {
            system_id: system.identifier.clone(),
            wal_segment_size: system.wal_segment_bytes,
            block_size: system.block_bytes,
            segment_size: system.relation_segment_bytes,
            data_checksums: system.data_checksums,
            wal: "included".to_owned(),
            start_lsn: span.start.lsn.to_string(),
            start_timeline: span.start.timeline,
            end_lsn: span.end.lsn.to_string(),
            end_timeline: span.end.timeline,
            bytes: tablespaces
                .clone()
                .fold(start.base_bytes, |sum, tablespace| sum.saturating_add(tablespace.bytes)),
            tablespaces: tablespaces
                .map(|space| TablespaceFacts { oid: space.oid, path: space.path.clone(), bytes: space.bytes })
                .collect(),
            minimum_settings: minimum,
        }
    }

    /// From a manifest.
    pub(super) fn read(backup: &BackupId, facts: &serde_json::Value) -> Result<Self, EngineError> {
        serde_json::from_value(facts.clone()).map_err(|error| EngineError::Archive {
            problem: format!("{backup} does not say what it is: {error}"),
        })
    }

    /// How the server divides its files.
    pub(super) fn layout(&self) -> Result<PageLayout, EngineError> {
        let pages = self.segment_size.checked_div(self.block_size).unwrap_or(0);
        PageLayout::new(u32::try_from(self.block_size).unwrap_or(0), u32::try_from(pages).unwrap_or(0))
    }

    /// What its files take on a disk, with the segments of WAL that come with them.
    pub(super) fn disk_bytes(&self) -> u64 {
        let segment = |lsn: &str| {
            let lsn = lsn.parse::<Lsn>().map_or(0, |lsn| lsn.0);
            lsn.checked_div(self.wal_segment_size).unwrap_or(0)
        };
        let segments = segment(&self.end_lsn).saturating_sub(segment(&self.start_lsn)).saturating_add(1);
        self.bytes.saturating_add(segments.saturating_mul(self.wal_segment_size))
    }

    /// Where it begins in the log; `None` when that makes no sense.
    pub(super) fn start(&self) -> Option<WalPosition> {
        Some(WalPosition { timeline: self.start_timeline, lsn: self.start_lsn.parse().ok()? })
    }
}
