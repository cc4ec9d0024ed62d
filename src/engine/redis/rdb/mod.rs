//! RDB: the form in which Redis and Valkey send and store all they hold.

mod crc;
mod grammar;
mod machine;
mod text;
mod walker;

pub(super) use crc::Crc64;
pub(super) use grammar::{has_fleeting_fields, module_word, type_word};
pub(super) use walker::Walker;

/// Whose numbers for types count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Redis of any age, and Valkey when it speaks the old form.
    Redis,
    /// Valkey 9 and newer.
    Valkey,
}

/// The first nine bytes: whose form, and which version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Whose.
    pub(super) dialect: Dialect,
    /// Version of the form.
    pub(super) version: u16,
}

impl Header {
    pub(super) const BYTES: usize = 9;

    /// `REDIS0010`, `VALKEY080`.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (dialect, digits) = match bytes.strip_prefix(b"REDIS") {
            Some(digits) => (Dialect::Redis, digits),
            None => (Dialect::Valkey, bytes.strip_prefix(b"VALKEY")?),
        };
        let version = std::str::from_utf8(digits).ok()?.parse().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self { dialect, version })
    }
}

/// One key, as far as it is known when its value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RdbEntry {
    /// Number of its database.
    pub(super) database: u64,
    /// Type byte of its value.
    pub(super) kind: u8,
    /// When it vanishes, in milliseconds since 1970.
    pub(super) expires: Option<i64>,
    /// Seconds since it was last used, where the server recorded that.
    pub(super) idle: Option<u64>,
    /// How often it is used, where the server recorded that.
    pub(super) frequency: Option<u8>,
}

/// How much of the stream a visitor is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// That things are there: bytes of keys, functions and notes are skipped, and a type that is not known is no error.
    Shape,
    /// Everything.
    Bytes,
}

/// Is told what a [`Walker`] finds, in the order of the stream.
pub(super) trait Visitor {
    /// How much it wants.
    fn wants(&self) -> Wants;

    /// The stream begins.
    fn header(&mut self, _header: Header) {}

    /// A note about the server: `redis-ver`, `used-mem`.
    fn note(&mut self, _name: &[u8], _value: &[u8]) {}

    /// The source of a library of functions; empty for a visitor of the shape.
    fn library(&mut self, _code: Vec<u8>) {}

    /// A key, whose value follows; the name is empty for a visitor of the shape.
    fn key(&mut self, _entry: &RdbEntry, _name: Vec<u8>) {}

    /// The next bytes of the value.
    fn value(&mut self, _piece: &[u8]) {}

    /// The value has ended. The number is that of the module's type, when it is of a module.
    fn end(&mut self, _entry: &RdbEntry, _module: Option<u64>) {}
}

/// Why a stream is no RDB.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RdbError {
    /// It breaks the rules.
    #[error("{problem} (at byte {offset})")]
    Malformed {
        /// Where.
        offset: u64,
        /// What was found.
        problem: String,
    },
    /// It is of a kind that this program is too old for.
    #[error("{what} is not known to this version of jagad (at byte {offset})")]
    Unknown {
        /// Where.
        offset: u64,
        /// "the type 26".
        what: String,
    },
    /// It stops too early.
    #[error("it ends at byte {offset}, {missing}")]
    Incomplete {
        /// Where.
        offset: u64,
        /// "in the middle of a value".
        missing: &'static str,
    },
}

/// What a stream that is whole has proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RdbIntegrity {
    /// Every piece of it was understood, and its checksum is right if it has one.
    Understood,
    /// A piece of it was not known, and its checksum is right.
    ChecksumOnly,
}
