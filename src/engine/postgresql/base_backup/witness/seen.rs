//! What was seen go by, for a look at it when the server has said where the backup ends.

use crate::engine::postgresql::base_backup::position::{BackupSpan, Lsn, SegmentName};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The runs of segments without a hole that are told apart; a whole backup has one.
const RUNS_LIMIT: usize = 1000;
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = (1 << 20)..=(1 << 30);

/// The write-ahead log that was seen in the archive of the data directory.
#[derive(Debug, Clone, Default)]
pub struct SeenWal(Arc<Mutex<Wal>>);

#[derive(Debug, Default)]
struct Wal {
    /// Where the backup begins, as its own label says.
    start: Option<Lsn>,
    segment_bytes: Option<u64>,
    /// Numbers of segments: the first and the last of each run.
    runs: Vec<(u64, u64)>,
}

impl SeenWal {
    fn wal(&self) -> MutexGuard<'_, Wal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The label of the backup has gone by.
    pub(super) fn label(&self, text: &str) -> Result<(), String> {
        let start = text.lines().find_map(|line| line.strip_prefix("START WAL LOCATION: "));
        let start = start.and_then(|line| line.split(' ').next()).and_then(|lsn| lsn.parse().ok());
        self.wal().start = Some(start.ok_or("`backup_label` does not say where the backup begins")?);
        Ok(())
    }

    /// A file of `pg_wal` goes by.
    pub(super) fn file(&self, name: &str, bytes: u64) -> Result<(), String> {
        let Some(segment) = SegmentName::parse(name) else { return Ok(()) };
        let mut wal = self.wal();
        let size = *wal.segment_bytes.get_or_insert(bytes);
        let number = segment.number(size);
        let fits = size == bytes && size.is_power_of_two() && SEGMENT_BYTES.contains(&size);
        let number =
            number.filter(|_| fits).ok_or_else(|| format!("`{name}` is no WAL segment: {bytes} bytes"))?;
        match wal.runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => wal.runs.push((number, number)),
        }
        if wal.runs.len() > RUNS_LIMIT {
            return Err(format!("its WAL has more than {RUNS_LIMIT} holes"));
        }
        Ok(())
    }

    /// What is missing at the end of the archive, before anybody knows where the backup ends.
    pub(super) fn missing(&self) -> Option<String> {
        let wal = self.wal();
        let (Some(start), Some(size)) = (wal.start, wal.segment_bytes) else {
            return Some("the WAL".to_owned());
        };
        let first = start.segment(size);
        let held = wal.runs.iter().any(|(from, to)| (*from..=*to).contains(&first));
        (!held).then(|| format!("the WAL at its beginning, {start}"))
    }

    /// That what was seen is what the server says: all segments of `span`.
    pub(in crate::engine::postgresql::base_backup) fn check(&self, span: BackupSpan) -> Result<(), String> {
        let wal = self.wal();
        if wal.start != Some(span.start.lsn) {
            return Err(format!("`backup_label` does not begin at {}", span.start));
        }
        let size = wal.segment_bytes.unwrap_or(1);
        let (first, last) = (span.start.lsn.segment(size), span.end.lsn.last_segment(size));
        let whole = wal.runs.iter().any(|(from, to)| *from <= first && last <= *to);
        whole
            .then_some(())
            .ok_or_else(|| format!("not all WAL from {} to {} is in it", span.start, span.end.lsn))
    }
}

/// What the manifest that went by says of the whole backup.
#[derive(Debug, Clone, Default)]
pub struct SeenManifest(Arc<Mutex<Option<Summary>>>);

/// The summary of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// Of the server; manifests before PostgreSQL 17 do not say it.
    pub(super) system: Option<String>,
    /// The first place of the WAL that it needs, and the last.
    pub(super) wal: Option<(Lsn, Lsn)>,
}

impl SeenManifest {
    pub(super) fn set(&self, summary: Summary) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(summary);
    }

    /// That the manifest is that of this backup.
    pub(in crate::engine::postgresql::base_backup) fn check(
        &self,
        span: BackupSpan,
        system: &str,
    ) -> Result<(), String> {
        let summary = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(summary) = summary else { return Err("its manifest was not read".to_owned()) };
        if summary.system.is_some_and(|named| named != system) {
            return Err("its manifest names another server".to_owned());
        }
        if summary.wal != Some((span.start.lsn, span.end.lsn)) {
            return Err(format!("its manifest does not go from {} to {}", span.start, span.end.lsn));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::postgresql::base_backup::position::WalPosition;

    const SEGMENT: u64 = 1 << 20;

    fn seen(names: &[&str]) -> SeenWal {
        let seen = SeenWal::default();
        seen.label("START WAL LOCATION: 0/200028 (file 000000010000000000000002)\nSTART TIMELINE: 1\n")
            .unwrap();
        for name in names {
            seen.file(name, SEGMENT).unwrap();
        }
        seen
    }

    fn span(end: u64) -> BackupSpan {
        let at = |lsn| WalPosition { timeline: 1, lsn: Lsn(lsn) };
        BackupSpan { start: at(0x20_0028), end: at(end) }
    }

    #[test]
    fn all_segments_from_the_first_to_the_last_must_be_there() {
        let names =
            ["000000010000000000000002", "000000010000000000000003", "archive_status", "00000001.history"];
        let whole = seen(&names);
        assert_eq!(whole.missing(), None);
        assert!(whole.check(span(0x30_0100)).is_ok() && whole.check(span(0x40_0000)).is_ok());
        assert!(whole.check(span(0x40_0001)).is_err());
        let hole = seen(&["000000010000000000000002", "000000010000000000000004"]);
        assert!(hole.check(span(0x40_0100)).is_err());
        assert!(seen(&["000000010000000000000003"]).missing().is_some());
        assert!(SeenWal::default().missing().is_some());
    }

    #[test]
    fn a_segment_of_another_size_is_none() {
        let seen = seen(&["000000010000000000000002"]);
        assert!(seen.file("000000010000000000000003", 2 * SEGMENT).is_err());
        assert!(SeenWal::default().file("000000010000000000000003", 0).is_err());
        assert!(SeenWal::default().file("000000010000000000000003", 3 << 20).is_err());
    }
}
