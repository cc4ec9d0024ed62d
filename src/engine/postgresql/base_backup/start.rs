//! What a server says before and after the bytes of a backup.

use super::position::{Lsn, WalPosition};
use crate::engine::postgresql::wire::Row;

/// The most tablespaces that are believed.
const TABLESPACES_LIMIT: usize = 10_000;

/// Where a backup begins, and what it consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupStart {
    /// Recovery begins here.
    pub position: WalPosition,
    /// The tablespaces beside the data directory.
    pub tablespaces: Vec<Tablespace>,
    /// Expected bytes of the data directory, without the WAL.
    pub base_bytes: u64,
}

/// A tablespace outside of the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tablespace {
    /// Its number.
    pub oid: u32,
    /// Where it is on the server.
    pub path: String,
    /// Expected bytes.
    pub bytes: u64,
}

/// One of the streams of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// `<oid>.tar`: a tablespace.
    Tablespace(u32),
    /// `base.tar`: the data directory and the WAL.
    Base,
    /// `backup_manifest`: every file with its checksum.
    Manifest,
}

impl Member {
    /// Its name, as the server's own tools have it.
    pub fn name(self) -> String {
        match self {
            Self::Tablespace(oid) => format!("{oid}.tar"),
            Self::Base => "base.tar".to_owned(),
            Self::Manifest => "backup_manifest".to_owned(),
        }
    }
}

impl BackupStart {
    /// The streams that must come, in the order in which the server sends them.
    pub fn members(&self) -> Vec<Member> {
        let tablespaces = self.tablespaces.iter().map(|tablespace| Member::Tablespace(tablespace.oid));
        tablespaces.chain([Member::Base, Member::Manifest]).collect()
    }

    /// Expected bytes of a stream, by the server's own numbers; 0 when unknown.
    pub fn estimate(&self, member: Member) -> u64 {
        match member {
            Member::Base => self.base_bytes,
            Member::Manifest => 0,
            Member::Tablespace(oid) => self
                .tablespaces
                .iter()
                .find(|tablespace| tablespace.oid == oid)
                .map_or(0, |found| found.bytes),
        }
    }

    /// From the two answers that come before the bytes: `None` when they make no sense.
    pub(super) fn parse(position: &[Row], tablespaces: &[Row]) -> Option<Self> {
        let [position] = position else { return None };
        if tablespaces.len() > TABLESPACES_LIMIT {
            return None;
        }
        let mut start = Self { position: wal_position(position)?, tablespaces: Vec::new(), base_bytes: 0 };
        for row in tablespaces {
            let [oid, path, kilobytes] = row.as_slice() else { return None };
            let bytes = match kilobytes {
                Some(kilobytes) => kilobytes.parse::<u64>().ok()?.saturating_mul(1024),
                None => 0,
            };
            match (oid, path) {
                (Some(oid), Some(path)) => {
                    let (oid, path) = (oid.parse().ok()?, path.clone());
                    start.tablespaces.push(Tablespace { oid, path, bytes });
                }
                _ => start.base_bytes = bytes,
            }
        }
        Some(start)
    }
}

/// A place in the log, as the server answers it: `0/2000028` and `1`.
pub(super) fn wal_position(row: &Row) -> Option<WalPosition> {
    let [Some(lsn), Some(timeline)] = row.as_slice() else { return None };
    Some(WalPosition { timeline: timeline.parse().ok()?, lsn: lsn.parse::<Lsn>().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[&str]) -> Row {
        values.iter().map(|value| (!value.is_empty()).then(|| (*value).to_owned())).collect()
    }

    #[test]
    fn the_answers_say_where_it_begins_and_what_comes() {
        let tablespaces = [row(&["16500", "/mnt/a", "12"]), row(&["", "", "400"])];
        let start = BackupStart::parse(&[row(&["1/28", "3"])], &tablespaces).unwrap();
        assert_eq!(start.position, WalPosition { timeline: 3, lsn: Lsn(0x1_0000_0028) });
        assert_eq!(start.members(), [Member::Tablespace(16500), Member::Base, Member::Manifest]);
        assert_eq!(start.estimate(Member::Tablespace(16500)), 12 << 10);
        assert_eq!(start.estimate(Member::Base), 400 << 10);
        for strange in [row(&["1/28"]), row(&["x", "1"]), row(&["1/28", ""])] {
            assert_eq!(BackupStart::parse(&[strange], &tablespaces), None);
        }
        assert_eq!(BackupStart::parse(&[row(&["1/28", "3"])], &[row(&["a", "/x", "1"])]), None);
    }
}
