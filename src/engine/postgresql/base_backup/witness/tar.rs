//! Walks over a tar archive as its bytes go by, in memory for one header.

use crate::engine::postgresql::tar::{BLOCK_BYTES, TarEntry};

/// An archive ends with so many blocks of zeros.
const END_BLOCKS: u64 = 2;

/// Sees what is in an archive.
pub(super) trait Visitor {
    /// An entry begins.
    fn entry(&mut self, entry: &TarEntry) -> Result<(), String>;

    /// Some of its contents.
    fn contents(&mut self, bytes: &[u8]) -> Result<(), String>;

    /// Its contents are complete.
    fn end(&mut self) -> Result<(), String>;
}

/// Where in an archive the next byte is.
#[derive(Debug)]
pub(super) struct Walker {
    at: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Header {
        held: Vec<u8>,
    },
    Contents {
        left: u64,
        padding: u64,
    },
    Padding {
        left: u64,
    },
    /// In the zeros at the end, of which so many bytes have come.
    End {
        zeros: u64,
    },
}

impl Walker {
    pub(super) fn new() -> Self {
        Self { at: 0, state: State::Header { held: Vec::with_capacity(BLOCK_BYTES) } }
    }

    /// At which byte it is.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8], visitor: &mut dyn Visitor) -> Result<(), String> {
        while !bytes.is_empty() {
            let taken = self.step(bytes, visitor)?;
            self.at += taken as u64;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Takes some of `bytes`, at least one.
    fn step(&mut self, bytes: &[u8], visitor: &mut dyn Visitor) -> Result<usize, String> {
        let upto = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        match &mut self.state {
            State::Header { held } => {
                let taken = (BLOCK_BYTES - held.len()).min(bytes.len());
                held.extend_from_slice(&bytes[..taken]);
                if held.len() == BLOCK_BYTES {
                    let block = std::mem::take(held);
                    self.state = after(&block, visitor)?;
                }
                Ok(taken)
            }
            State::Contents { left, padding } => {
                let taken = upto(*left);
                visitor.contents(&bytes[..taken])?;
                *left -= taken as u64;
                if *left == 0 {
                    let left = *padding;
                    visitor.end()?;
                    self.state = if left == 0 { header() } else { State::Padding { left } };
                }
                Ok(taken)
            }
            State::Padding { left } => {
                let taken = upto(*left);
                *left -= taken as u64;
                if *left == 0 {
                    self.state = header();
                }
                Ok(taken)
            }
            State::End { zeros } => {
                if bytes.iter().any(|byte| *byte != 0) {
                    return Err("something follows its end".to_owned());
                }
                *zeros += bytes.len() as u64;
                Ok(bytes.len())
            }
        }
    }

    /// Whether the archive may end here; if not, what it ends in.
    pub(super) fn finish(&self) -> Result<(), &'static str> {
        let block = BLOCK_BYTES as u64;
        match &self.state {
            State::End { zeros } if *zeros >= END_BLOCKS * block && zeros % block == 0 => Ok(()),
            State::End { .. } => Err("inside the zeros at its end"),
            State::Header { held } if held.is_empty() => Err("without the zeros at its end"),
            State::Header { .. } => Err("inside a header"),
            State::Contents { .. } | State::Padding { .. } => Err("inside a file"),
        }
    }
}

fn header() -> State {
    State::Header { held: Vec::with_capacity(BLOCK_BYTES) }
}

/// What follows the header in `block`.
fn after(block: &[u8], visitor: &mut dyn Visitor) -> Result<State, String> {
    let Ok(block) = <&[u8; BLOCK_BYTES]>::try_from(block) else { return Err("half a header".to_owned()) };
    if block.iter().all(|byte| *byte == 0) {
        return Ok(State::End { zeros: block.len() as u64 });
    }
    let entry = TarEntry::parse(block)?;
    visitor.entry(&entry)?;
    if entry.size == 0 {
        visitor.end()?;
        return Ok(header());
    }
    Ok(State::Contents { left: entry.size, padding: entry.padding() })
}
