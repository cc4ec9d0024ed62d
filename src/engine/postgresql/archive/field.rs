//! The primitive values of an archive's head, decoded from pieces cut anywhere.

/// What is wrong with an archive's bytes; the caller adds where.
pub(super) type Problem = String;

/// The longest text an archive may hold: PostgreSQL's own limit of one value.
const TEXT_LIMIT_BYTES: i64 = 1024 * 1024 * 1024;

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// One byte.
    Byte,
    /// A sign byte and little-endian digits.
    Int,
    /// A file offset: one flag byte and digits that mean nothing in a stream.
    Offset,
    /// A length and that many bytes, of which the first `keep` are kept. A negative length is no text at all.
    Text {
        /// How many bytes to keep.
        keep: usize,
    },
}

/// A decoded value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Of a byte, an integer, or an offset's flag.
    Number(i64),
    /// Of a text.
    Text(Option<Vec<u8>>),
}

impl Value {
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Number(number) => number,
            Self::Text(_) => 0,
        }
    }

    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(Some(bytes)) => Some(
                String::from_utf8(bytes)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
            Self::Text(None) | Self::Number(_) => None,
        }
    }
}

/// Decodes one value after the other; holds what has come of the current one.
#[derive(Debug)]
pub(super) struct Decoder {
    int_size: usize,
    offset_size: usize,
    digits: Vec<u8>,
    text: Option<PartialText>,
}

#[derive(Debug)]
struct PartialText {
    left: usize,
    kept: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(int_size: u8, offset_size: u8) -> Result<Self, Problem> {
        if !(1..=8).contains(&int_size) || !(1..=8).contains(&offset_size) {
            return Err(format!("integers of {int_size} and offsets of {offset_size} bytes"));
        }
        Ok(Self {
            int_size: int_size.into(),
            offset_size: offset_size.into(),
            digits: Vec::with_capacity(9),
            text: None,
        })
    }

    pub(super) fn int_size(&self) -> usize {
        self.int_size
    }

    /// Takes from `bytes` what the current value needs; `None` when it needs more.
    pub(super) fn take(&mut self, kind: FieldKind, bytes: &mut &[u8]) -> Result<Option<Value>, Problem> {
        match kind {
            FieldKind::Byte => Ok(self.digits(1, bytes).map(|digits| Value::Number(digits[0].into()))),
            FieldKind::Offset => {
                Ok(self.digits(1 + self.offset_size, bytes).map(|digits| Value::Number(digits[0].into())))
            }
            FieldKind::Int => Ok(self.int(bytes)?.map(Value::Number)),
            FieldKind::Text { keep } => self.text(keep, bytes),
        }
    }

    fn text(&mut self, keep: usize, bytes: &mut &[u8]) -> Result<Option<Value>, Problem> {
        let mut partial = match self.text.take() {
            Some(partial) => partial,
            None => match self.int(bytes)? {
                None => return Ok(None),
                Some(..0) => return Ok(Some(Value::Text(None))),
                Some(TEXT_LIMIT_BYTES..) => return Err("a text is longer than 1 GiB".to_owned()),
                Some(length) => {
                    PartialText { left: usize::try_from(length).unwrap_or(usize::MAX), kept: Vec::new() }
                }
            },
        };
        let (piece, rest) = bytes.split_at(partial.left.min(bytes.len()));
        *bytes = rest;
        partial.left -= piece.len();
        let wanted = keep.saturating_sub(partial.kept.len()).min(piece.len());
        partial.kept.extend_from_slice(&piece[..wanted]);
        if partial.left == 0 {
            return Ok(Some(Value::Text(Some(partial.kept))));
        }
        self.text = Some(partial);
        Ok(None)
    }

    fn int(&mut self, bytes: &mut &[u8]) -> Result<Option<i64>, Problem> {
        self.digits(1 + self.int_size, bytes).map(|digits| int_value(&digits)).transpose()
    }

    fn digits(&mut self, count: usize, bytes: &mut &[u8]) -> Option<[u8; 9]> {
        let (piece, rest) = bytes.split_at((count - self.digits.len()).min(bytes.len()));
        self.digits.extend_from_slice(piece);
        *bytes = rest;
        if self.digits.len() < count {
            return None;
        }
        let mut digits = [0; 9];
        digits[..count].copy_from_slice(&self.digits);
        self.digits.clear();
        Some(digits)
    }
}

/// The value of a sign byte and its digits (unused digits are 0).
pub(super) fn int_value(digits: &[u8; 9]) -> Result<i64, Problem> {
    let [sign, low @ ..] = *digits;
    let value = i64::try_from(u64::from_le_bytes(low)).map_err(|_| "an integer is too large".to_owned())?;
    match sign {
        0 => Ok(value),
        1 => Ok(-value),
        other => Err(format!("{other:#04x} stands where a sign should be")),
    }
}
