//! The authentication of a record as plain data: algorithm, key and code.

use super::digest;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The authentication of a record: which key made it, and the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    /// The algorithm. A string, so that one of a newer jagad is reported as unknown and not as damage.
    pub kind: String,
    /// The key, 32 hexadecimal digits.
    pub key_id: String,
    /// How the key comes from a passphrase; absent for a key file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argon2id: Option<Argon2Cost>,
    /// The code over every byte before this record.
    pub mac: Mac,
}

/// The kind of authentication that this jagad makes and checks.
pub const HMAC_SHA256: &str = "hmac-sha256";

/// A message authentication code of 32 bytes. `crypto` compares codes in constant time; `==` does not.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 32]);

impl TryFrom<String> for Mac {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bytes = digest::unhex(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| "a code has 64 hexadecimal digits".to_owned())
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        digest::hex(&mac.0)
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&digest::hex(&self.0))
    }
}

/// The cost parameters of Argon2id for one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Argon2Cost {
    /// The cost of new keys.
    pub const CURRENT: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    /// Whether the cost is within our bounds: somebody who can write to the bucket must not make us spend gigabytes or
    /// minutes.
    pub const fn is_within_bounds(self) -> bool {
        self.memory_kib >= 8 << 10
            && self.memory_kib <= 256 << 10
            && self.passes >= 1
            && self.passes <= 16
            && self.lanes >= 1
            && self.lanes <= 16
    }
}

impl fmt::Display for Argon2Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB, {} passes and {} lanes", self.memory_kib, self.passes, self.lanes)
    }
}
