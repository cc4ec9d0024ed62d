//! Master keys: what a user keeps safe, and what unwraps the data key of every object.

use super::aead::KEY_BYTES;
use super::error::CryptoError;
use super::key_bytes::{KeyBytes, fill_random};
use super::key_id::{KeyId, WrapKind};
use super::passphrase::Passphrase;
use crate::model::{Argon2Cost, RepositoryId, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key that wraps data keys: 32 random bytes, or a passphrase. Cheap to clone; `Debug` shows the id alone.
#[derive(Clone)]
pub struct MasterKey(Arc<KeyKind>);

enum KeyKind {
    Raw { id: KeyId, bytes: KeyBytes },
    Passphrase(Passphrase),
}

/// The key of one object or record: its id, what derived it where that is a passphrase, and its bytes.
pub(super) struct Derived {
    pub(super) id: KeyId,
    pub(super) cost: Option<Argon2Cost>,
    pub(super) bytes: KeyBytes,
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

    /// A passphrase. Each repository has a salt of its own, so a process derives one key for each repository.
    pub fn from_passphrase(passphrase: Secret) -> Result<Self, CryptoError> {
        Ok(Self(Arc::new(KeyKind::Passphrase(Passphrase::new(passphrase)?))))
    }

    pub(super) fn from_bytes(bytes: KeyBytes) -> Self {
        let digest = Sha256::new().chain_update(b"jagad key id").chain_update(&bytes[..]).finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(Arc::new(KeyKind::Raw { id: KeyId(id), bytes }))
    }

    /// The text for a key file, with its line end. A passphrase has none.
    pub fn to_file_text(&self) -> Option<Secret> {
        match &*self.0 {
            KeyKind::Raw { bytes, .. } => Some(Secret::new(STANDARD.encode(&bytes[..]) + "\n")),
            KeyKind::Passphrase(_) => None,
        }
    }

    /// The id of a key file; `None` for a passphrase, whose id differs from repository to repository.
    pub fn id(&self) -> Option<KeyId> {
        match &*self.0 {
            KeyKind::Raw { id, .. } => Some(*id),
            KeyKind::Passphrase(_) => None,
        }
    }

    /// The id that the objects of `repository` carry when this key seals them.
    pub fn id_in(&self, repository: RepositoryId) -> KeyId {
        match &*self.0 {
            KeyKind::Raw { id, .. } => *id,
            KeyKind::Passphrase(_) => Passphrase::salt(repository),
        }
    }

    /// How this key wraps data keys.
    pub fn wrap(&self) -> WrapKind {
        match &*self.0 {
            KeyKind::Raw { .. } => WrapKind::Raw,
            KeyKind::Passphrase(_) => WrapKind::Passphrase,
        }
    }

    /// The key for a new object or record of `repository`. The first use of a passphrase blocks the calling thread for
    /// the time of one derivation.
    pub(super) fn derived(&self, repository: RepositoryId) -> Result<Derived, CryptoError> {
        match &*self.0 {
            KeyKind::Raw { id, bytes } => Ok(Derived { id: *id, cost: None, bytes: bytes.clone() }),
            KeyKind::Passphrase(passphrase) => {
                let cost = Argon2Cost::CURRENT;
                let bytes = passphrase.derive(repository, cost)?;
                Ok(Derived { id: Passphrase::salt(repository), cost: Some(cost), bytes })
            }
        }
    }

    /// The 32 bytes of the key that made an object or record of `repository` with this key and, for a passphrase, at
    /// `cost`.
    pub(super) fn bytes(
        &self,
        repository: RepositoryId,
        cost: Option<Argon2Cost>,
    ) -> Result<KeyBytes, CryptoError> {
        match (&*self.0, cost) {
            (KeyKind::Raw { bytes, .. }, _) => Ok(bytes.clone()),
            (KeyKind::Passphrase(passphrase), cost) => {
                passphrase.derive(repository, cost.unwrap_or(Argon2Cost::CURRENT))
            }
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Some(id) => write!(f, "MasterKey({id})"),
            None => write!(f, "MasterKey(passphrase)"),
        }
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
        let id = key.id().unwrap();
        assert_eq!(id.to_string(), digest.to_string()[..32]);
        assert_eq!(format!("{key:?}"), format!("MasterKey({id})"));
    }

    #[test]
    fn a_passphrase_has_one_key_and_one_id_for_each_repository() {
        let phrase = || MasterKey::from_passphrase(Secret::new("correct horse".to_owned())).unwrap();
        let (one, two) = (phrase(), phrase());
        let (here, there) = (RepositoryId([1; 16]), RepositoryId([2; 16]));
        assert_eq!(one.id_in(here), two.id_in(here));
        assert_ne!(one.id_in(here), one.id_in(there));
        let derived = one.derived(here).unwrap();
        assert_eq!(derived.bytes, two.bytes(here, derived.cost).unwrap());
        assert_ne!(derived.bytes, two.bytes(there, derived.cost).unwrap());
        assert!(!format!("{one:?}").contains("horse"));
        assert!(one.to_file_text().is_none() && one.id().is_none());
    }
}
