//! Master keys: what a user keeps safe, and what unwraps the data key of every object.

use super::aead::KEY_BYTES;
use super::envelope::WrapKind;
use super::error::CryptoError;
use crate::model::Secret;
use crate::model::digest::{hex, unhex};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::TryRng as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Argon2id memory in KiB, passes and lanes: part of the format, see `docs/FORMAT.md`.
const ARGON2_MEMORY_KIB: u32 = 19_456;
const ARGON2_PASSES: u32 = 2;
const ARGON2_LANES: u32 = 1;
/// Derived keys that are remembered; one is needed per run that sealed with the passphrase.
const DERIVED_KEYS_KEPT: usize = 1024;

/// Key bytes: overwritten when dropped.
pub(super) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// Which key an object needs. Text form is 32 hexadecimal digits. It tells nothing of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(pub [u8; 16]);

/// A key that wraps data keys: 32 random bytes, or a passphrase. Cheap to clone; `Debug` shows the id alone.
#[derive(Clone)]
pub struct MasterKey(Arc<Kind>);

enum Kind {
    Raw { id: KeyId, bytes: KeyBytes },
    // The salt of this process serves as the key id of what it seals. Objects of other runs carry other salts, whose
    // keys are derived once each: Argon2id takes some 30 ms and 19 MiB.
    Passphrase { salt: KeyId, text: Secret, derived: Mutex<HashMap<KeyId, KeyBytes>> },
}

impl MasterKey {
    /// 32 fresh bytes from the operating system.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        fill_random(&mut bytes[..])?;
        Ok(Self::from_bytes(bytes))
    }

    /// The key in a key file: the base64 text of exactly 32 bytes, one line end allowed after it.
    pub fn from_file_text(text: &str) -> Result<Self, CryptoError> {
        let refused = |problem: String| CryptoError::KeyText { problem };
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(refused("it is empty".to_owned()));
        }
        let decoded = STANDARD.decode(line).map(Zeroizing::new);
        let decoded = decoded.map_err(|_| refused("it is not one line of base64".to_owned()))?;
        let length = decoded.len();
        let bytes: [u8; KEY_BYTES] = decoded
            .as_slice()
            .try_into()
            .map_err(|_| refused(format!("it holds {length} bytes where a key has {KEY_BYTES}")))?;
        Ok(Self::from_bytes(Zeroizing::new(bytes)))
    }

    /// A passphrase. A fresh salt is drawn for everything this value will seal; opening takes the salt of each object.
    pub fn from_passphrase(passphrase: Secret) -> Result<Self, CryptoError> {
        if passphrase.expose().is_empty() {
            return Err(CryptoError::KeyText { problem: "the passphrase is empty".to_owned() });
        }
        let mut salt = [0; 16];
        fill_random(&mut salt)?;
        Ok(Self::from_passphrase_and_salt(passphrase, KeyId(salt)))
    }

    pub(super) fn from_passphrase_and_salt(text: Secret, salt: KeyId) -> Self {
        Self(Arc::new(Kind::Passphrase { salt, text, derived: Mutex::default() }))
    }

    pub(super) fn from_bytes(bytes: KeyBytes) -> Self {
        let digest = Sha256::new().chain_update(b"jagad key id").chain_update(&bytes[..]).finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(Arc::new(Kind::Raw { id: KeyId(id), bytes }))
    }

    /// The text for a key file, with its line end. A passphrase has none.
    pub fn to_file_text(&self) -> Option<Secret> {
        match &*self.0 {
            Kind::Raw { bytes, .. } => Some(Secret::new(STANDARD.encode(&bytes[..]) + "\n")),
            Kind::Passphrase { .. } => None,
        }
    }

    /// The id that objects sealed by this value carry. For a passphrase it differs from run to run.
    pub fn id(&self) -> KeyId {
        match &*self.0 {
            Kind::Raw { id, .. } => *id,
            Kind::Passphrase { salt, .. } => *salt,
        }
    }

    /// How this key wraps data keys.
    pub fn wrap(&self) -> WrapKind {
        match &*self.0 {
            Kind::Raw { .. } => WrapKind::Raw,
            Kind::Passphrase { .. } => WrapKind::Passphrase,
        }
    }

    /// The 32 bytes behind an object whose header carries `id`.
    ///
    /// The first use of a salt blocks the calling thread for the time of one derivation.
    pub(super) fn bytes(&self, id: KeyId) -> Result<KeyBytes, CryptoError> {
        let (text, derived) = match &*self.0 {
            Kind::Raw { bytes, .. } => return Ok(bytes.clone()),
            Kind::Passphrase { text, derived, .. } => (text, derived),
        };
        let mut derived = derived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = derived.get(&id) {
            return Ok(bytes.clone());
        }
        let bytes = derive(text, id)?;
        if derived.len() >= DERIVED_KEYS_KEPT {
            derived.clear();
        }
        derived.insert(id, bytes.clone());
        Ok(bytes)
    }
}

fn derive(text: &Secret, salt: KeyId) -> Result<KeyBytes, CryptoError> {
    let refused = |error: argon2::Error| CryptoError::Derivation { problem: error.to_string() };
    let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, Some(KEY_BYTES));
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(refused)?);
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    argon2.hash_password_into(text.expose().as_bytes(), &salt.0, &mut bytes[..]).map_err(refused)?;
    Ok(bytes)
}

/// Fills `bytes` from the operating system's generator.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), CryptoError> {
    let filled = rand::rngs::SysRng.try_fill_bytes(bytes);
    filled.map_err(|error| CryptoError::Entropy { source: std::io::Error::other(error.to_string()) })
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is not a key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key id of 32 hexadecimal digits")]
pub struct KeyIdError(String);

impl FromStr for KeyId {
    type Err = KeyIdError;
    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| KeyIdError(text.to_owned()))
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyIdError;
    fn try_from(text: String) -> Result<Self, KeyIdError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_text_reads_back_and_keeps_its_id() {
        let key = MasterKey::generate().unwrap();
        let text = key.to_file_text().unwrap();
        assert_eq!(text.expose().len(), 45);
        assert_eq!(MasterKey::from_file_text(text.expose()).unwrap().id(), key.id());
        let crlf = text.expose().replace('\n', "\r\n");
        assert_eq!(MasterKey::from_file_text(&crlf).unwrap().id(), key.id());
        assert_ne!(MasterKey::generate().unwrap().id(), key.id());
    }

    #[test]
    fn key_texts_that_are_not_32_bytes_of_base64_are_refused() {
        let short = STANDARD.encode([1; 31]);
        let long = STANDARD.encode([1; 33]);
        let two_lines = format!("{0}\n{0}\n", STANDARD.encode([1; 32]));
        let hex_text = "00".repeat(32);
        for bad in ["", "\n", "hello!", &short, &long, &two_lines, &hex_text, &STANDARD.encode([1; 32])[..43]]
        {
            assert!(MasterKey::from_file_text(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(MasterKey::from_passphrase(Secret::new(String::new())).is_err());
    }

    #[test]
    fn the_id_of_a_raw_key_is_the_documented_digest() {
        let key = MasterKey::from_bytes(Zeroizing::new([0x42; 32]));
        let digest = crate::model::Sha256Digest::of(&[b"jagad key id".as_slice(), &[0x42; 32]].concat());
        assert_eq!(key.id().to_string(), digest.to_string()[..32]);
        assert_eq!(format!("{key:?}"), format!("MasterKey({})", key.id()));
    }

    #[test]
    fn a_passphrase_derives_one_key_per_salt_and_draws_a_new_salt_each_run() {
        let secret = || Secret::new("correct horse".to_owned());
        let (one, two) =
            (MasterKey::from_passphrase(secret()).unwrap(), MasterKey::from_passphrase(secret()).unwrap());
        assert_ne!(one.id(), two.id());
        assert_eq!(one.bytes(one.id()).unwrap(), two.bytes(one.id()).unwrap());
        assert_ne!(one.bytes(one.id()).unwrap(), one.bytes(two.id()).unwrap());
        assert!(!format!("{one:?}").contains("horse"));
        assert!(one.to_file_text().is_none());
    }
}
