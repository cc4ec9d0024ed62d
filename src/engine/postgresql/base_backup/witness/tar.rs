//! Walks over a tar archive as its bytes go by, in memory for one header.

/// Headers and contents come in blocks of this size.
const BLOCK_BYTES: usize = 512;
/// An archive ends with so many blocks of zeros.
const END_BLOCKS: u64 = 2;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const SIZE: std::ops::Range<usize> = 124..136;

/// What kind of thing a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Folder,
    Link,
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Relative, and without `..`.
    pub(super) name: String,
    pub(super) kind: EntryKind,
    /// Of its contents.
    pub(super) bytes: u64,
}

/// Sees what is in an archive.
pub(super) trait Visitor {
    /// An entry begins.
    fn entry(&mut self, entry: &Entry) -> Result<(), String>;

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
    if block.iter().all(|byte| *byte == 0) {
        return Ok(State::End { zeros: block.len() as u64 });
    }
    let entry = parse(block)?;
    visitor.entry(&entry)?;
    if entry.bytes == 0 {
        visitor.end()?;
        return Ok(header());
    }
    let block = BLOCK_BYTES as u64;
    Ok(State::Contents { left: entry.bytes, padding: (block - entry.bytes % block) % block })
}

fn parse(block: &[u8]) -> Result<Entry, String> {
    let sum = block.iter().enumerate().map(|(at, byte)| {
        let counted = if CHECKSUM.contains(&at) { b' ' } else { *byte };
        u64::from(counted)
    });
    if octal(&block[CHECKSUM]) != Some(sum.sum()) || &block[257..262] != b"ustar" {
        return Err("a header that is damaged, or none".to_owned());
    }
    let name = text(&block[..100]);
    let prefix = text(&block[345..500]);
    let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    let name = name.trim_start_matches("./").trim_end_matches('/').to_owned();
    if name.is_empty() || name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return Err(format!("`{name}` is not a path inside of it"));
    }
    let kind = match block[156] {
        b'0' | 0 => EntryKind::File,
        b'5' => EntryKind::Folder,
        b'2' => EntryKind::Link,
        other => return Err(format!("`{name}` is of the kind `{}`", other.escape_ascii())),
    };
    let bytes = size(&block[SIZE]).ok_or_else(|| format!("the size of `{name}` is none"))?;
    if kind != EntryKind::File && bytes != 0 {
        return Err(format!("`{name}` has contents and is no file"));
    }
    Ok(Entry { name, kind, bytes })
}

fn text(field: &[u8]) -> String {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// A number in octal digits, with spaces and a zero byte around them.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(digits, 8).ok().filter(|_| !digits.starts_with('+'))
}

/// A size: octal, or from 8 GiB on binary with the highest bit set.
fn size(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if *first != 0x80 {
        return octal(field);
    }
    let (high, low) = rest.split_at(rest.len().checked_sub(8)?);
    let low = low.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    (high.iter().all(|byte| *byte == 0) && i64::try_from(low).is_ok()).then_some(low)
}
