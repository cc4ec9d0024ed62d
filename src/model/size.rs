//! Sizes in bytes, as people write and read them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A number of bytes. Written as `"8MiB"`, `"1.5 GiB"`, `"10MB"` or a plain number; printed with a binary unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SizeText", into = "u64")]
pub struct ByteSize(pub u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum SizeText {
    Number(u64),
    Text(String),
}

/// Why a size was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a size: write a number with B, KiB, MiB, GiB, TiB, kB, MB, GB or TB, for example \"8MiB\""
)]
pub struct SizeError(String);

const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

impl ByteSize {
    /// `count` binary mebibytes.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = SizeError;

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn from_str(text: &str) -> Result<Self, SizeError> {
        let refused = || SizeError(text.to_owned());
        let trimmed = text.trim();
        if let Ok(bytes) = trimmed.parse::<u64>() {
            return Ok(Self(bytes));
        }
        let (unit, factor) = UNITS
            .iter()
            .find(|(unit, _)| trimmed.to_ascii_lowercase().ends_with(&unit.to_ascii_lowercase()))
            .ok_or_else(refused)?;
        let number = trimmed[..trimmed.len() - unit.len()].trim();
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(*factor).map(Self).ok_or_else(refused);
        }
        match number.parse::<f64>() {
            Ok(value) if value >= 0.0 && value * (*factor as f64) < 1e18 => {
                Ok(Self((value * (*factor as f64)) as u64))
            }
            _ => Err(refused()),
        }
    }
}

impl TryFrom<SizeText> for ByteSize {
    type Error = SizeError;
    fn try_from(text: SizeText) -> Result<Self, SizeError> {
        match text {
            SizeText::Number(bytes) => Ok(Self(bytes)),
            SizeText::Text(text) => text.parse(),
        }
    }
}

impl From<ByteSize> for u64 {
    fn from(size: ByteSize) -> Self {
        size.0
    }
}

impl fmt::Display for ByteSize {
    #[allow(clippy::cast_precision_loss)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            UNITS[..4].iter().rev().find(|(_, factor)| self.0 >= *factor).unwrap_or(&("B", 1));
        let text = if *factor == 1 {
            format!("{} B", self.0)
        } else {
            format!("{:.1} {unit}", self.0 as f64 / *factor as f64)
        };
        f.pad(&text)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ByteSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Bytes: a number, or text with a unit such as \"8MiB\".",
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string" }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_parse_with_binary_and_decimal_units_and_refuse_the_rest() {
        let table =
            [("8MiB", 8 << 20), ("1.5 GiB", 3 << 29), ("10MB", 10_000_000), ("7", 7), ("3b", 3), ("0", 0)];
        for (text, bytes) in table {
            assert_eq!(text.parse::<ByteSize>(), Ok(ByteSize(bytes)), "{text}");
        }
        for bad in ["", "MiB", "-1MiB", "8 parsecs", "1e99GiB", "99999999999TiB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn sizes_print_with_the_largest_fitting_binary_unit() {
        for (bytes, text) in [(0, "0 B"), (1023, "1023 B"), (8 << 20, "8.0 MiB"), (3 << 29, "1.5 GiB")] {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
    }
}
