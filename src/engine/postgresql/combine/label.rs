//! What the server wrote about a backup: `backup_label`, `tablespace_map` and the system in `pg_control`.

use super::problem::damaged;
use crate::engine::EngineError;
use crate::engine::postgresql::base_backup::WalPosition;
use std::collections::BTreeSet;

/// Neither of the texts has more than a few lines; a tablespace has one line.
pub(super) const LABEL_LIMIT: u64 = 64 << 10;
pub(super) const MAP_LIMIT: u64 = 4 << 20;
/// The length of `pg_control` in every version.
pub(super) const CONTROL_BYTES: u64 = 8192;

const START: &[u8] = b"START WAL LOCATION: ";
const TIMELINE: &[u8] = b"START TIMELINE: ";
const FROM: &[u8] = b"INCREMENTAL FROM LSN: ";
const FROM_TIMELINE: &[u8] = b"INCREMENTAL FROM TLI: ";

/// `backup_label` of one backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BackupLabel {
    pub(super) start: WalPosition,
    /// Where the backup began that it continues.
    pub(super) continues: Option<WalPosition>,
    /// The text as a server accepts it: without what makes it refuse an incremental backup.
    pub(super) whole: Vec<u8>,
}

impl BackupLabel {
    pub(super) fn parse(text: &[u8]) -> Result<Self, EngineError> {
        let lines = || text.split_inclusive(|byte| *byte == b'\n');
        let value = |key: &[u8]| lines().find_map(|line| line.strip_prefix(key)).map(<[u8]>::trim_ascii_end);
        let unclear = || damaged("its `backup_label` does not say where the backup began".to_owned());
        let point = |lsn: Option<&[u8]>, timeline: Option<&[u8]>| match (lsn, timeline) {
            (None, None) => Ok(None),
            (Some(lsn), Some(timeline)) => point(lsn, timeline).map(Some).ok_or_else(unclear),
            _ => Err(unclear()),
        };
        let start = point(value(START), value(TIMELINE))?.ok_or_else(unclear)?;
        let continues = point(value(FROM), value(FROM_TIMELINE))?;
        let keeps = |line: &&[u8]| !line.starts_with(FROM) && !line.starts_with(FROM_TIMELINE);
        Ok(Self { start, continues, whole: lines().filter(keeps).collect::<Vec<_>>().concat() })
    }
}

/// `0/C00028 (file 00000001000000000000000C)` and `1`.
fn point(lsn: &[u8], timeline: &[u8]) -> Option<WalPosition> {
    let lsn = std::str::from_utf8(lsn).ok()?.split(' ').next()?.parse().ok()?;
    let timeline = std::str::from_utf8(timeline).ok()?.parse().ok()?;
    Some(WalPosition { timeline, lsn })
}

/// The tablespaces that `tablespace_map` has a line for: the number, a space, and a path in which a backslash stands
/// before every line break that belongs to it.
pub(super) fn mapped(text: &[u8]) -> Result<BTreeSet<u32>, EngineError> {
    let mut spaces = BTreeSet::new();
    let mut continued = false;
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if !continued {
            let digits =
                line.split(|byte| *byte == b' ').next().and_then(|digits| std::str::from_utf8(digits).ok());
            let oid = digits.and_then(|digits| digits.parse().ok());
            spaces.insert(oid.ok_or_else(|| damaged("its `tablespace_map` makes no sense".to_owned()))?);
        }
        let backslashes = line.iter().rev().take_while(|byte| **byte == b'\\').count();
        continued = backslashes % 2 == 1;
    }
    Ok(spaces)
}

/// The system that `pg_control` belongs to.
pub(super) fn system_of(control: &[u8]) -> Option<u64> {
    control.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::postgresql::base_backup::Lsn;

    const LABEL: &str = "START WAL LOCATION: 1/C00028 (file 00000001000000010000000C)\nCHECKPOINT LOCATION: 1/C00080\n\
                         LABEL: x\nSTART TIMELINE: 3\nINCREMENTAL FROM LSN: 0/A00028\nINCREMENTAL FROM TLI: 2\n";

    #[test]
    fn a_label_says_where_it_began_and_what_it_continues() {
        let label = BackupLabel::parse(LABEL.as_bytes()).unwrap();
        assert_eq!(label.start, WalPosition { lsn: Lsn(0x1_00C0_0028), timeline: 3 });
        assert_eq!(label.continues, Some(WalPosition { lsn: Lsn(0xA0_0028), timeline: 2 }));
        assert_eq!(label.start.to_string(), "1/C00028 on timeline 3");
        let whole = String::from_utf8(label.whole).unwrap();
        assert!(whole.ends_with("START TIMELINE: 3\n") && !whole.contains("INCREMENTAL"), "{whole}");
    }

    #[test]
    fn a_label_that_is_cut_is_refused() {
        for end in ["START TIMELINE", "INCREMENTAL FROM TLI"] {
            let cut = LABEL.split(end).next().unwrap();
            assert!(BackupLabel::parse(cut.as_bytes()).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_path_with_a_line_break_is_one_tablespace() {
        let spaces = mapped(b"16384 /a\\\n99999 b\n16385 /c\n").unwrap();
        assert_eq!(spaces.into_iter().collect::<Vec<_>>(), [16384, 16385]);
        assert!(mapped(b"/nowhere\n").is_err());
    }
}
