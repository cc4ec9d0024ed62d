//! The plain bytes of a copy of a server's files: an xbstream of a copy tool, or a `tar` archive of a clone.

use super::stream::{MAGIC, StreamWitness};
use crate::model::{Contents, Witness, WitnessError};

const FORMAT: &str = "tar";
/// What everything in the archive is a multiple of.
const BLOCK: u64 = 512;
/// The archive ends with at least so many zeros.
const END: usize = 1024;

/// Watches a copy, which tells by its first bytes what it is.
#[derive(Debug)]
pub(in crate::engine::mysql) struct FilesWitness {
    /// What has come while nothing is known yet.
    first: Vec<u8>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Unknown,
    Stream(StreamWitness),
    Tar(TarWitness),
}

impl FilesWitness {
    pub(in crate::engine::mysql) fn new() -> Self {
        Self { first: Vec::new(), kind: Kind::Unknown }
    }

    fn decide(&mut self) -> Result<(), WitnessError> {
        self.kind = if self.first.starts_with(MAGIC) {
            Kind::Stream(StreamWitness::new())
        } else {
            Kind::Tar(TarWitness::default())
        };
        let first = std::mem::take(&mut self.first);
        self.feed(&first)
    }
}

impl Witness for FilesWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        match &mut self.kind {
            Kind::Stream(stream) => stream.feed(bytes),
            Kind::Tar(tar) => tar.feed(bytes),
            Kind::Unknown => {
                self.first.extend_from_slice(bytes);
                if self.first.len() < MAGIC.len() { Ok(()) } else { self.decide() }
            }
        }
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        match &mut self.kind {
            Kind::Stream(stream) => stream.finish(),
            Kind::Tar(tar) => tar.finish(),
            Kind::Unknown => Err(incomplete("it holds nothing")),
        }
    }
}

/// What reads the archive checks each head; here it has to be one, and to have its end.
#[derive(Debug, Default)]
struct TarWitness {
    bytes: u64,
    /// Zeros at the end so far.
    zeros: usize,
    head: Vec<u8>,
}

/// Where a head says what it is.
const MARK: std::ops::Range<usize> = 257..262;

impl Witness for TarWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        if self.head.len() < MARK.end {
            self.head.extend_from_slice(&bytes[..bytes.len().min(MARK.end - self.head.len())]);
            if self.head.len() == MARK.end && &self.head[MARK] != b"ustar" {
                let problem = "there is no archive at byte 0".to_owned();
                return Err(WitnessError::Malformed { format: FORMAT, problem });
            }
        }
        self.bytes += bytes.len() as u64;
        let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == bytes.len() { self.zeros.saturating_add(zeros) } else { zeros };
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        if self.head.len() < MARK.end || !self.bytes.is_multiple_of(BLOCK) || self.zeros < END {
            return Err(incomplete("it ends before its last blocks"));
        }
        Ok(Some(Contents::default()))
    }
}

fn incomplete(problem: &str) -> WitnessError {
    WitnessError::Incomplete { format: FORMAT, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(bytes: &[u8], piece: usize) -> bool {
        let mut witness = FilesWitness::new();
        bytes.chunks(piece).all(|bytes| witness.feed(bytes).is_ok()) && witness.finish().is_ok()
    }

    #[test]
    fn an_archive_is_whole_with_its_end_and_only_then() {
        let mut whole = vec![b'x'; 512];
        whole[MARK].copy_from_slice(b"ustar");
        whole.extend([7; 512]);
        whole.extend([0; 1024]);
        for piece in [1, 7, 512, 4096] {
            assert!(judge(&whole, piece), "pieces of {piece}");
            for length in [0, 5, 300, 512, 1024, 1536, 2047] {
                assert!(!judge(&whole[..length], piece), "{length} bytes in pieces of {piece}");
            }
            assert!(!judge(&[b'x'; 2048], piece), "no archive");
        }
    }

    #[test]
    fn a_stream_is_judged_as_one() {
        assert!(!judge(b"XBSTCK01", 3));
    }
}
