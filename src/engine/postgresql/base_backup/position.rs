//! Places in the write-ahead log.

use std::fmt;
use std::str::FromStr;

/// A place in the write-ahead log of a server, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn(pub u64);

/// A text that is not a place in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in the write-ahead log, such as 0/2000028")]
pub struct LsnError(String);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

impl FromStr for Lsn {
    type Err = LsnError;

    fn from_str(text: &str) -> Result<Self, LsnError> {
        let half = |digits: &str| {
            let plain =
                (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
        };
        let halves = text.split_once('/').and_then(|(high, low)| Some(half(high)? << 32 | half(low)?));
        halves.map(Self).ok_or_else(|| LsnError(text.chars().take(40).collect()))
    }
}

impl Lsn {
    /// The number of the segment that holds this byte.
    pub fn segment(self, segment_bytes: u64) -> u64 {
        self.0 / segment_bytes.max(1)
    }

    /// The number of the segment that holds the last byte before this place: where a backup ends at the very beginning of a
    /// segment, nothing of that segment belongs to it.
    pub fn last_segment(self, segment_bytes: u64) -> u64 {
        Self(self.0.saturating_sub(1)).segment(segment_bytes)
    }
}

/// A place in the log of one of the server's timelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalPosition {
    /// Which of the histories that the server has had.
    pub timeline: u32,
    /// Where in it.
    pub lsn: Lsn,
}

impl fmt::Display for WalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on timeline {}", self.lsn, self.timeline)
    }
}

/// Where a backup begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSpan {
    /// Recovery begins here.
    pub start: WalPosition,
    /// From here on the files are consistent.
    pub end: WalPosition,
}

/// The name of a segment's file: three numbers of eight digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentName {
    high: u64,
    low: u64,
}

impl SegmentName {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
        if name.len() != 24 || !name.bytes().all(digits) {
            return None;
        }
        let number = |at: usize| u64::from_str_radix(&name[at..at + 8], 16).ok();
        Some(Self { high: number(8)?, low: number(16)? })
    }

    /// Its number in a log of segments of this size; `None` where there is no such segment.
    pub(super) fn number(self, segment_bytes: u64) -> Option<u64> {
        let in_each = (1_u64 << 32).checked_div(segment_bytes)?;
        (self.low < in_each).then(|| self.high * in_each + self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_the_server_writes_it() {
        for text in ["0/0", "0/2000028", "1A/FFFFFFFF"] {
            assert_eq!(text.parse::<Lsn>().unwrap().to_string(), text);
        }
        for strange in ["", "0", "/", "0/", "0/x", "+1/0", "123456789/0"] {
            assert!(strange.parse::<Lsn>().is_err(), "{strange}");
        }
    }

    #[test]
    fn an_end_at_the_beginning_of_a_segment_belongs_to_the_one_before() {
        let size = 1 << 20;
        assert_eq!((Lsn(size).segment(size), Lsn(size).last_segment(size)), (1, 0));
        assert_eq!(Lsn(size + 1).last_segment(size), 1);
    }

    #[test]
    fn segments_are_numbered_across_their_names() {
        let number = |name: &str, size: u64| SegmentName::parse(name).and_then(|name| name.number(size));
        assert_eq!(number("0000000100000000000000FF", 16 << 20), Some(255));
        assert_eq!(number("000000010000000100000000", 16 << 20), Some(256));
        assert_eq!(number("000000010000000000000FFF", 1 << 20), Some(4095));
        assert_eq!(number("000000010000000000000100", 16 << 20), None);
        assert_eq!(number("00000001000000000000000g", 16 << 20), None);
    }
}
