//! The structure of an xbstream, as it goes by: chunks of files, each file ended by a chunk of its own.

use crate::model::{Contents, Witness, WitnessError};
use std::collections::BTreeSet;

const FORMAT: &str = "xbstream";
pub(super) const MAGIC: &[u8; 8] = b"XBSTCK01";
/// Magic, flags, type and the length of the path.
const HEAD: usize = 14;
/// Length, offset and checksum in front of the bytes of a file.
const PAYLOAD_HEAD: usize = 20;
/// A hole in the map of a file with holes: how much is left out, and how much follows.
const MAPPED_BYTES: u64 = 8;
/// No path of a server is longer.
const LONGEST_PATH: usize = 4096;
/// More files than any server has.
const MOST_OPEN: usize = 1_000_000;

/// Watches an xbstream.
#[derive(Debug)]
pub(super) struct StreamWitness {
    /// What is still to come of the chunk's head.
    held: Vec<u8>,
    /// Bytes of a file that pass by.
    passing: u64,
    open: BTreeSet<Vec<u8>>,
    at: u64,
    follows: bool,
    ended: u64,
}

impl StreamWitness {
    pub(super) fn new() -> Self {
        Self { held: Vec::new(), passing: 0, open: BTreeSet::new(), at: 0, follows: true, ended: 0 }
    }

    fn malformed(&self, problem: &str) -> WitnessError {
        WitnessError::Malformed { format: FORMAT, problem: format!("{problem} before byte {}", self.at) }
    }

    /// Takes one head, once all of it is there.
    fn head(&mut self) -> Result<bool, WitnessError> {
        let held = &self.held;
        if held.len() < HEAD {
            return Ok(false);
        }
        if &held[..8] != MAGIC {
            return Err(self.malformed("there is no chunk"));
        }
        let number = |from: usize| {
            held.get(from..from + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
        };
        let length = number(10) as usize;
        if length == 0 || length > LONGEST_PATH {
            return Err(self.malformed("a path has an impossible length"));
        }
        let body = HEAD + length;
        if held.len() < body {
            return Ok(false);
        }
        let path = held[HEAD..body].to_vec();
        match held[9] {
            b'E' => {
                self.open.remove(&path);
                self.ended += 1;
                self.held.drain(..body);
            }
            b'P' => {
                if held.len() < body + PAYLOAD_HEAD {
                    return Ok(false);
                }
                let long = held[body..body + 8].try_into().map_or(0, u64::from_le_bytes);
                if self.open.len() < MOST_OPEN {
                    self.open.insert(path);
                }
                self.passing = long;
                self.held.drain(..body + PAYLOAD_HEAD);
            }
            // Of a file with holes: a map of them stands between its head and its bytes.
            b'S' => {
                let bytes = body + 4 + PAYLOAD_HEAD;
                if held.len() < bytes {
                    return Ok(false);
                }
                let long = held[body + 4..body + 12].try_into().map_or(0, u64::from_le_bytes);
                let map = u64::from(number(body)).saturating_mul(MAPPED_BYTES);
                if self.open.len() < MOST_OPEN {
                    self.open.insert(path);
                }
                self.passing = long.saturating_add(map);
                self.held.drain(..bytes);
            }
            // Newer tools know more kinds of chunks: their unpacker reads them.
            _ => {
                self.follows = false;
                self.held.clear();
            }
        }
        Ok(true)
    }
}

impl Witness for StreamWitness {
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), WitnessError> {
        while self.follows && !bytes.is_empty() {
            if self.passing > 0 {
                let taken = usize::try_from(self.passing).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[taken..];
                self.passing -= taken as u64;
                self.at += taken as u64;
                continue;
            }
            let wanted = (HEAD + LONGEST_PATH + 4 + PAYLOAD_HEAD).saturating_sub(self.held.len());
            let taken = wanted.min(bytes.len());
            self.held.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            self.at += taken as u64;
            while self.follows && self.passing == 0 && self.head()? {
                // What was held beyond the head belongs to the file.
                let of_file = usize::try_from(self.passing).unwrap_or(usize::MAX).min(self.held.len());
                self.held.drain(..of_file);
                self.passing -= of_file as u64;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        let incomplete = |problem: String| Err(WitnessError::Incomplete { format: FORMAT, problem });
        if !self.follows {
            return Ok(None);
        }
        if self.passing > 0 || !self.held.is_empty() {
            return incomplete(format!("it ends in the middle of a chunk, at byte {}", self.at));
        }
        if let Some(path) = self.open.first() {
            return incomplete(format!("`{}` has no end", String::from_utf8_lossy(path)));
        }
        if self.ended == 0 {
            return incomplete("it holds no file".to_owned());
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: u8, path: &str, bytes: &[u8]) -> Vec<u8> {
        let mut chunk = [&MAGIC[..], &[0, kind], &u32::try_from(path.len()).unwrap().to_le_bytes()].concat();
        chunk.extend(path.as_bytes());
        if kind == b'P' {
            chunk.extend((bytes.len() as u64).to_le_bytes());
            chunk.extend([0; 12]);
            chunk.extend(bytes);
        }
        chunk
    }

    /// A chunk of a file with three holes.
    fn holed(path: &str, bytes: &[u8]) -> Vec<u8> {
        let mut chunk = chunk(b'S', path, b"");
        chunk.extend(3_u32.to_le_bytes());
        chunk.extend((bytes.len() as u64).to_le_bytes());
        chunk.extend([0; 12 + 3 * 8]);
        chunk.extend(bytes);
        chunk
    }

    fn stream() -> Vec<u8> {
        let big = vec![7; 10_000];
        [
            chunk(b'P', "ibdata1", &big),
            chunk(b'P', "shop/t.ibd", b"XBSTCK01"),
            chunk(b'E', "shop/t.ibd", b""),
            chunk(b'E', "empty", b""),
            holed("shop/holes.ibd", &big[..700]),
            chunk(b'E', "shop/holes.ibd", b""),
            chunk(b'P', "ibdata1", &big[..1]),
            chunk(b'E', "ibdata1", b""),
        ]
        .concat()
    }

    fn watch(stream: &[u8], piece: usize) -> Result<Option<Contents>, WitnessError> {
        let mut witness = StreamWitness::new();
        for bytes in stream.chunks(piece) {
            witness.feed(bytes)?;
        }
        witness.finish()
    }

    #[test]
    fn a_whole_stream_is_known_however_it_is_cut_and_a_torn_one_too() {
        let whole = stream();
        for piece in [1, 7, 13, 4096, whole.len()] {
            assert!(watch(&whole, piece).is_ok(), "pieces of {piece}");
        }
        for length in 0..whole.len() {
            if length < 200 || length > whole.len() - 200 || length % 997 == 0 {
                assert!(watch(&whole[..length], 4096).is_err(), "cut at {length}");
            }
        }
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        assert!(watch(b"-- MariaDB dump 10.19, and no stream of files", 9).is_err());
        let mut absurd = chunk(b'P', "ibdata1", b"x");
        absurd[10..14].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(watch(&absurd, 5).is_err());
    }
}
