//! The events of a binary log as bytes: one header of 19 bytes and what it says follows. A stream of a part of the log is cut into
//! them, and each proves its own checksum.

use crate::model::WitnessError;

/// What every file of the log begins with.
pub(in crate::engine::mysql) const MAGIC: [u8; 4] = [0xfe, b'b', b'i', b'n'];
/// Where the first event of a file is.
pub(in crate::engine::mysql) const FIRST_OFFSET: u64 = 4;
pub(super) const HEADER_BYTES: usize = 19;
const CHECKSUM_BYTES: usize = 4;
/// The longest event that is believed: a row of 1 GiB and what is around it.
const LONGEST_EVENT: usize = (1 << 30) + (16 << 20);

const FORMAT: &str = "binary log";

/// Kinds of events.
pub(super) mod kinds {
    pub(in crate::engine::mysql::binlog) const QUERY: u8 = 2;
    pub(in crate::engine::mysql::binlog) const STOP: u8 = 3;
    pub(in crate::engine::mysql::binlog) const ROTATE: u8 = 4;
    pub(in crate::engine::mysql::binlog) const INTVAR: u8 = 5;
    pub(in crate::engine::mysql::binlog) const RAND: u8 = 13;
    pub(in crate::engine::mysql::binlog) const USER_VAR: u8 = 14;
    pub(in crate::engine::mysql::binlog) const FORMAT: u8 = 15;
    pub(in crate::engine::mysql::binlog) const XID: u8 = 16;
    pub(in crate::engine::mysql::binlog) const BEGIN_LOAD: u8 = 17;
    pub(in crate::engine::mysql::binlog) const EXECUTE_LOAD: u8 = 18;
    pub(in crate::engine::mysql::binlog) const TABLE_MAP: u8 = 19;
    pub(in crate::engine::mysql::binlog) const FIRST_ROWS_V1: u8 = 23;
    pub(in crate::engine::mysql::binlog) const LAST_ROWS_V1: u8 = 25;
    pub(in crate::engine::mysql::binlog) const INCIDENT: u8 = 26;
    pub(in crate::engine::mysql::binlog) const HEARTBEAT: u8 = 27;
    pub(in crate::engine::mysql::binlog) const IGNORABLE: u8 = 28;
    pub(in crate::engine::mysql::binlog) const ROWS_QUERY: u8 = 29;
    pub(in crate::engine::mysql::binlog) const FIRST_ROWS: u8 = 30;
    pub(in crate::engine::mysql::binlog) const LAST_ROWS: u8 = 32;
    pub(in crate::engine::mysql::binlog) const GTID: u8 = 33;
    pub(in crate::engine::mysql::binlog) const ANONYMOUS_GTID: u8 = 34;
    pub(in crate::engine::mysql::binlog) const PREVIOUS_GTIDS: u8 = 35;
    pub(in crate::engine::mysql::binlog) const TRANSACTION_CONTEXT: u8 = 36;
    pub(in crate::engine::mysql::binlog) const VIEW_CHANGE: u8 = 37;
    pub(in crate::engine::mysql::binlog) const XA_PREPARE: u8 = 38;
    pub(in crate::engine::mysql::binlog) const PARTIAL_UPDATE: u8 = 39;
    pub(in crate::engine::mysql::binlog) const PAYLOAD: u8 = 40;
    pub(in crate::engine::mysql::binlog) const HEARTBEAT_2: u8 = 41;
    pub(in crate::engine::mysql::binlog) const TAGGED_GTID: u8 = 42;
    pub(in crate::engine::mysql::binlog) const MARIADB_ANNOTATE: u8 = 160;
    pub(in crate::engine::mysql::binlog) const MARIADB_CHECKPOINT: u8 = 161;
    pub(in crate::engine::mysql::binlog) const MARIADB_GTID: u8 = 162;
    pub(in crate::engine::mysql::binlog) const MARIADB_GTID_LIST: u8 = 163;
    pub(in crate::engine::mysql::binlog) const MARIADB_ENCRYPTION: u8 = 164;
    pub(in crate::engine::mysql::binlog) const MARIADB_QUERY_PACKED: u8 = 165;
    pub(in crate::engine::mysql::binlog) const MARIADB_FIRST_PACKED: u8 = 166;
    pub(in crate::engine::mysql::binlog) const MARIADB_LAST_PACKED: u8 = 171;
}

/// One event.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// All of its bytes, the checksum included.
    pub(super) bytes: Vec<u8>,
    /// Whether it ends in a checksum.
    pub(super) checksum: bool,
    /// Where it begins in its file.
    pub(super) offset: u64,
}

impl Frame {
    pub(super) fn kind(&self) -> u8 {
        self.bytes[4]
    }

    /// Seconds since 1970.
    pub(super) fn time(&self) -> u32 {
        little_u32(&self.bytes, 0)
    }

    pub(super) fn flags(&self) -> u16 {
        u16::from_le_bytes([self.bytes[17], self.bytes[18]])
    }

    /// What is between the header and the checksum.
    pub(super) fn body(&self) -> &[u8] {
        let end = if self.checksum { self.bytes.len() - CHECKSUM_BYTES } else { self.bytes.len() };
        &self.bytes[HEADER_BYTES..end]
    }

    /// The same event with another kind and body; length and checksum are as they must be then.
    pub(super) fn with(&self, kind: u8, body: &[u8]) -> Vec<u8> {
        let more = if self.checksum { CHECKSUM_BYTES } else { 0 };
        let length = u32::try_from(HEADER_BYTES + body.len() + more).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len() + more);
        bytes.extend_from_slice(&self.bytes[..HEADER_BYTES]);
        bytes[4] = kind;
        bytes[9..13].copy_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(body);
        if self.checksum {
            bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        }
        bytes
    }
}

pub(super) fn little_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

/// Cuts the stream of one part of the log into its events.
#[derive(Debug)]
pub(in crate::engine::mysql) struct Frames {
    /// What is not yet a whole event.
    carry: Vec<u8>,
    begun: bool,
    checksums: bool,
    /// Whether a description of the format was seen, which every part begins with.
    described: bool,
    /// Where the next event begins in the file.
    offset: u64,
}

impl Frames {
    /// A part that begins at `offset` of its file. Where that is not the beginning of the file, a description of the format that is
    /// not of this place stands in front.
    pub(in crate::engine::mysql) fn at(offset: u64) -> Self {
        Self { carry: Vec::new(), begun: false, checksums: false, described: false, offset }
    }

    /// Behind the last whole event.
    pub(in crate::engine::mysql) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes; every event that they end goes to `take`.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        take: &mut dyn FnMut(Frame) -> Result<(), WitnessError>,
    ) -> Result<(), WitnessError> {
        self.carry.extend_from_slice(bytes);
        let mut at = 0;
        if !self.begun {
            let Some(magic) = self.carry.get(..MAGIC.len()) else { return Ok(()) };
            if magic != MAGIC {
                return Err(malformed("it does not begin as one".to_owned()));
            }
            self.begun = true;
            at = MAGIC.len();
        }
        while let Some(header) = self.carry.get(at..at + HEADER_BYTES) {
            let length = little_u32(header, 9) as usize;
            if !(HEADER_BYTES..=LONGEST_EVENT).contains(&length) {
                return Err(self.malformed(&format!("an event of {length} bytes")));
            }
            let Some(event) = self.carry.get(at..at + length) else { break };
            let event = event.to_vec();
            at += length;
            take(self.event(event)?)?;
        }
        self.carry.drain(..at);
        Ok(())
    }

    /// The stream has ended.
    pub(in crate::engine::mysql) fn finish(&self) -> Result<(), WitnessError> {
        if self.carry.is_empty() && self.described {
            return Ok(());
        }
        Err(WitnessError::Incomplete {
            format: FORMAT,
            problem: format!("it ends at offset {} inside an event", self.offset),
        })
    }

    fn event(&mut self, bytes: Vec<u8>) -> Result<Frame, WitnessError> {
        let kind = bytes[4];
        if kind == kinds::FORMAT {
            // The algorithm is the last byte in front of its own checksum, which is there in any case.
            let algorithm = bytes.len().checked_sub(CHECKSUM_BYTES + 1).and_then(|at| bytes.get(at)).copied();
            self.checksums = match algorithm {
                Some(0) => false,
                Some(1) => true,
                _ => return Err(self.malformed("events with a checksum of an unknown algorithm")),
            };
        } else if !self.described {
            return Err(self.malformed("no description of its format"));
        }
        let frame = Frame { checksum: self.checksums, offset: self.offset, bytes };
        if self.checksums && !proven(&frame) {
            return Err(self.malformed("an event that does not have its checksum"));
        }
        // The one that the server puts in front of a stream from the middle of a file has no place in that.
        if self.described || kind != kinds::FORMAT || self.offset == FIRST_OFFSET {
            self.offset += frame.bytes.len() as u64;
        }
        self.described = true;
        Ok(frame)
    }

    fn malformed(&self, what: &str) -> WitnessError {
        malformed(format!("{what} at offset {}", self.offset))
    }
}

pub(super) fn malformed(problem: String) -> WitnessError {
    WitnessError::Malformed { format: FORMAT, problem }
}

/// Whether an event has its own checksum.
fn proven(frame: &Frame) -> bool {
    let bytes = &frame.bytes;
    let Some(end) = bytes.len().checked_sub(CHECKSUM_BYTES).filter(|end| *end >= HEADER_BYTES) else {
        return false;
    };
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..17]);
    // That a file is in use is written into it later, and taken back.
    let flags = if frame.kind() == kinds::FORMAT { frame.flags() & !1 } else { frame.flags() };
    hasher.update(&flags.to_le_bytes());
    hasher.update(&bytes[HEADER_BYTES..end]);
    hasher.finalize() == little_u32(bytes, end)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An event with its checksum.
    pub(in crate::engine::mysql::binlog) fn event(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut header = vec![0; HEADER_BYTES];
        header[0] = 1;
        let frame = Frame { bytes: header, checksum: true, offset: 0 };
        frame.with(kind, body)
    }

    /// The beginning of a file whose events have checksums.
    pub(in crate::engine::mysql::binlog) fn beginning() -> Vec<u8> {
        let mut body = vec![4, 0];
        body.extend_from_slice(&[b'8'; 50]);
        body.extend_from_slice(&[0; 60]);
        body.push(1);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&event(kinds::FORMAT, &body));
        bytes
    }

    fn cut(bytes: &[u8], pieces: usize, begin: u64) -> Result<Vec<(u8, u64)>, WitnessError> {
        let (mut frames, mut found) = (Frames::at(begin), Vec::new());
        for piece in bytes.chunks(pieces) {
            frames.feed(piece, &mut |frame| {
                found.push((frame.kind(), frame.offset));
                Ok(())
            })?;
        }
        frames.finish()?;
        Ok(found)
    }

    #[test]
    fn a_stream_is_cut_into_the_same_events_however_it_comes() {
        let mut bytes = beginning();
        let length = bytes.len();
        let head = length as u64;
        bytes.extend_from_slice(&event(kinds::XID, &[0; 8]));
        bytes.extend_from_slice(&event(kinds::XID, &[1; 8]));
        for pieces in [1, 7, 1000] {
            let of_file = cut(&bytes, pieces, 4).unwrap();
            assert_eq!(of_file, [(15, 4), (16, head), (16, head + 31)]);
            let of_middle = cut(&bytes, pieces, 700).unwrap();
            assert_eq!(of_middle, [(15, 700), (16, 700), (16, 731)]);
        }
        for end in 1..bytes.len() {
            let whole = end == length || end == length + 31;
            assert_eq!(cut(&bytes[..end], 1000, 4).is_ok(), whole, "{end}");
        }
    }

    #[test]
    fn an_event_that_was_changed_is_found() {
        let mut bytes = beginning();
        bytes.extend_from_slice(&event(kinds::XID, &[0; 8]));
        for at in 4..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x10;
            assert!(cut(&other, 1000, 4).is_err(), "{at}");
        }
        // A file that is in use says so without a new checksum.
        bytes[4 + 17] |= 1;
        assert!(cut(&bytes, 1000, 4).is_ok());
    }
}
