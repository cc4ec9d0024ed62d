//! Walks over an RDB stream cut anywhere, in bounded memory, and proves that it is whole.

use super::machine::Machine;
use super::{Crc64, Dialect, Header, RdbEntry, RdbError, RdbIntegrity, Visitor, Wants, grammar, text};
use grammar::Item;

/// The longest key, function library or note: what a server takes in one piece.
const TEXT_LIMIT: usize = 512 << 20;
/// Versions before it have no checksum at their end: the end mark alone says that nothing is missing.
const FIRST_WITH_CHECKSUM: u16 = 5;
const TRAILER_BYTES: usize = 8;
const END: u8 = 255;

/// Walks over one stream. After an error it must not be used again.
#[derive(Debug)]
pub(in crate::engine::redis) struct Walker {
    machine: Machine,
    crc: Crc64,
    /// Bytes taken before the present call.
    offset: u64,
    phase: Phase,
    dialect: Dialect,
    has_checksum: bool,
    /// Bytes that have to be known whole: the header, a key, a number, the checksum.
    kept: Vec<u8>,
    /// Whether the machine's bytes are to be kept.
    keeps: bool,
    entry: RdbEntry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Header,
    Opcode,
    /// What follows this opcode.
    Operand(u8),
    Key,
    Value,
    Trailer,
    /// After a piece that is not known: only the checksum can tell.
    Opaque,
    Done,
}

const NO_ENTRY: RdbEntry = RdbEntry { database: 0, kind: 0, expires: None, idle: None, frequency: None };

impl Walker {
    pub(in crate::engine::redis) fn new() -> Self {
        Self {
            machine: Machine::new(),
            crc: Crc64::default(),
            offset: 0,
            phase: Phase::Header,
            dialect: Dialect::Redis,
            has_checksum: true,
            kept: Vec::new(),
            keeps: false,
            entry: NO_ENTRY,
        }
    }

    /// The next bytes of the stream.
    pub(in crate::engine::redis) fn feed(
        &mut self,
        bytes: &[u8],
        visitor: &mut dyn Visitor,
    ) -> Result<(), RdbError> {
        let mut at = 0;
        let mut summed = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let used = match self.phase {
                Phase::Header => self.header(rest, visitor)?,
                Phase::Opcode => {
                    let taken = self.opcode(rest[0], visitor)?;
                    if matches!(self.phase, Phase::Trailer | Phase::Opaque) {
                        // The checksum is of everything up to here.
                        self.crc.update(&bytes[summed..=at]);
                        summed = bytes.len();
                    }
                    taken
                }
                Phase::Operand(_) | Phase::Key | Phase::Value => self.piece(rest, visitor)?,
                Phase::Trailer => self.trailer(rest)?,
                Phase::Opaque => self.opaque(rest),
                Phase::Done => return Err(self.malformed("bytes follow the end mark")),
            };
            at += used;
            self.offset += used as u64;
        }
        if matches!(self.phase, Phase::Trailer | Phase::Opaque | Phase::Done) {
            return Ok(());
        }
        self.crc.update(&bytes[summed..]);
        Ok(())
    }

    /// The stream has ended: is it whole?
    pub(in crate::engine::redis) fn finish(&mut self) -> Result<RdbIntegrity, RdbError> {
        let missing = match self.phase {
            Phase::Done => return Ok(RdbIntegrity::Understood),
            Phase::Opaque => {
                let (end, sum) = self.kept.split_first().unwrap_or((&0, &[]));
                self.crc.update(&[*end]);
                if *end == END && sum == self.crc.value().to_le_bytes() {
                    return Ok(RdbIntegrity::ChecksumOnly);
                }
                "and its last bytes are not its checksum"
            }
            Phase::Header => "in its header",
            Phase::Opcode => "without an end mark",
            Phase::Operand(_) | Phase::Key => "in the middle of a key",
            Phase::Value => "in the middle of a value",
            Phase::Trailer => "in its checksum",
        };
        Err(RdbError::Incomplete { offset: self.offset, missing })
    }

    fn header(&mut self, bytes: &[u8], visitor: &mut dyn Visitor) -> Result<usize, RdbError> {
        let count = bytes.len().min(Header::BYTES - self.kept.len());
        self.kept.extend_from_slice(&bytes[..count]);
        if self.kept.len() == Header::BYTES {
            let header = Header::parse(&self.kept)
                .ok_or_else(|| self.malformed("it does not begin with the header of an RDB"))?;
            self.dialect = header.dialect;
            self.has_checksum = header.version >= FIRST_WITH_CHECKSUM;
            self.phase = Phase::Opcode;
            visitor.header(header);
        }
        Ok(count)
    }

    /// Looks at one byte: an opcode, or the type of a value.
    fn opcode(&mut self, code: u8, visitor: &dyn Visitor) -> Result<usize, RdbError> {
        let known: Option<&'static [Item]> = match code {
            243 if self.dialect == Dialect::Valkey => Some(grammar::SLOT_IMPORT),
            244 => Some(grammar::THREE_NUMBERS),
            245 => Some(grammar::TEXT),
            247 => Some(grammar::MODULE_AUXILIARY),
            248 | 254 => Some(grammar::NUMBER),
            249 => Some(grammar::ONE_BYTE),
            250 => Some(grammar::TWO_TEXTS),
            251 => Some(grammar::TWO_NUMBERS),
            252 => Some(grammar::EIGHT_BYTES),
            253 => Some(grammar::FOUR_BYTES),
            END => {
                self.kept.clear();
                self.phase = if self.has_checksum { Phase::Trailer } else { Phase::Done };
                return Ok(1);
            }
            kind => grammar::value(kind, self.dialect).map(|_| grammar::TEXT),
        };
        let bytes_wanted = visitor.wants() == Wants::Bytes;
        let Some(shape) = known else {
            if bytes_wanted {
                let what = if code < 128 { "type" } else { "opcode" };
                return Err(RdbError::Unknown { offset: self.offset, what: format!("the {what} {code}") });
            }
            self.kept.clear();
            self.phase = Phase::Opaque;
            return Ok(1);
        };
        (self.phase, self.keeps) = match code {
            245 | 250 => (Phase::Operand(code), bytes_wanted),
            249 | 252 | 253 => (Phase::Operand(code), true),
            243..=254 => (Phase::Operand(code), false),
            kind => {
                self.entry.kind = kind;
                (Phase::Key, bytes_wanted)
            }
        };
        self.kept.clear();
        self.machine.begin(shape);
        Ok(1)
    }

    /// Goes on with what follows an opcode, with a key or with a value.
    fn piece(&mut self, bytes: &[u8], visitor: &mut dyn Visitor) -> Result<usize, RdbError> {
        let step = self.machine.take(bytes).map_err(|problem| self.malformed(problem))?;
        let piece = &bytes[..step.used];
        if self.phase == Phase::Value {
            visitor.value(piece);
        } else if self.keeps {
            if self.kept.len() + piece.len() > TEXT_LIMIT {
                return Err(self.malformed(format!("a string of more than {TEXT_LIMIT} bytes")));
            }
            self.kept.extend_from_slice(piece);
        }
        if step.complete {
            match self.phase {
                Phase::Key => self.key_complete(visitor)?,
                Phase::Value => self.value_complete(visitor),
                Phase::Operand(code) => self.operand_complete(code, visitor)?,
                _ => {}
            }
        }
        Ok(step.used)
    }

    fn key_complete(&mut self, visitor: &mut dyn Visitor) -> Result<(), RdbError> {
        let name = if self.keeps { self.text(0)?.0 } else { Vec::new() };
        visitor.key(&self.entry, name);
        if let Some(shape) = grammar::value(self.entry.kind, self.dialect) {
            self.machine.begin(shape);
        }
        self.phase = Phase::Value;
        Ok(())
    }

    fn value_complete(&mut self, visitor: &mut dyn Visitor) {
        let module = (self.entry.kind == 7).then(|| self.machine.first_number());
        visitor.end(&self.entry, module);
        self.entry = RdbEntry { database: self.entry.database, ..NO_ENTRY };
        self.phase = Phase::Opcode;
    }

    fn operand_complete(&mut self, code: u8, visitor: &mut dyn Visitor) -> Result<(), RdbError> {
        let number = self.machine.first_number();
        match code {
            245 if self.keeps => visitor.library(self.text(0)?.0),
            245 => visitor.library(Vec::new()),
            248 => self.entry.idle = Some(number),
            249 => self.entry.frequency = self.kept.first().copied(),
            250 if self.keeps => {
                let (name, used) = self.text(0)?;
                visitor.note(&name, &self.text(used)?.0);
            }
            252 => self.entry.expires = self.kept.first_chunk().map(|bytes| i64::from_le_bytes(*bytes)),
            253 => {
                let seconds = self.kept.first_chunk().map(|bytes| i32::from_le_bytes(*bytes));
                self.entry.expires = seconds.map(|seconds| i64::from(seconds) * 1000);
            }
            254 => self.entry.database = number,
            _ => {}
        }
        self.phase = Phase::Opcode;
        Ok(())
    }

    /// The string that begins at this byte of what was kept.
    fn text(&self, from: usize) -> Result<(Vec<u8>, usize), RdbError> {
        text::decode(&self.kept[from..], TEXT_LIMIT).map_err(|problem| self.malformed(problem))
    }

    fn trailer(&mut self, bytes: &[u8]) -> Result<usize, RdbError> {
        let count = bytes.len().min(TRAILER_BYTES - self.kept.len());
        self.kept.extend_from_slice(&bytes[..count]);
        if self.kept.len() == TRAILER_BYTES {
            // Eight zeros: the server was told not to compute it.
            if self.kept != [0; TRAILER_BYTES] && self.kept != self.crc.value().to_le_bytes() {
                return Err(self.malformed("its checksum is wrong: bytes of it were changed"));
            }
            self.phase = Phase::Done;
        }
        Ok(count)
    }

    /// Keeps the last nine bytes, which must turn out to be the end mark and the checksum.
    fn opaque(&mut self, bytes: &[u8]) -> usize {
        self.kept.extend_from_slice(bytes);
        let surely_inside = self.kept.len().saturating_sub(1 + TRAILER_BYTES);
        self.crc.update(&self.kept[..surely_inside]);
        self.kept.drain(..surely_inside);
        bytes.len()
    }

    fn malformed(&self, problem: impl Into<String>) -> RdbError {
        RdbError::Malformed { offset: self.offset, problem: problem.into() }
    }
}
