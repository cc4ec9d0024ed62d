//! The configured keys.

use super::envelope::{OpenedHeader, SealedHeader};
use super::error::CryptoError;
use super::key::MasterKey;
use super::key_id::WrapKind;
use crate::model::KeyName;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Seals and opens.
    Active,
    /// Opens old objects only.
    Retired,
}

/// One named key.
#[derive(Debug, Clone)]
pub struct KeyringEntry {
    /// The name of its `[keys.NAME]` entry.
    pub name: KeyName,
    /// The key.
    pub key: MasterKey,
    /// What it may do.
    pub usage: KeyUse,
}

/// Every key that the configuration names. Objects find theirs by the id in their header.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    entries: Vec<KeyringEntry>,
}

impl Keyring {
    /// A keyring of `entries`; where a name or an id comes twice, the first one counts.
    pub fn new(entries: Vec<KeyringEntry>) -> Self {
        Self { entries }
    }

    /// All keys, in the order given.
    pub fn entries(&self) -> &[KeyringEntry] {
        &self.entries
    }

    /// The key to seal new objects with. An unknown or retired key is an error.
    pub fn active(&self, name: &KeyName) -> Result<&MasterKey, CryptoError> {
        let entry = self.entries.iter().find(|entry| entry.name == *name);
        let entry = entry.ok_or_else(|| CryptoError::UnknownKey { name: name.clone() })?;
        match entry.usage {
            KeyUse::Active => Ok(&entry.key),
            KeyUse::Retired => Err(CryptoError::RetiredKey { name: name.clone() }),
        }
    }

    /// The key of a raw-wrapped header is found by its id; for a passphrase each configured one is tried.
    pub(super) fn open(&self, header: &SealedHeader) -> Result<OpenedHeader, CryptoError> {
        let key_id = header.key_id;
        let same_wrap = self.entries.iter().map(|entry| &entry.key).filter(|key| key.wrap() == header.wrap);
        match header.wrap {
            WrapKind::Raw => {
                let mut keys = same_wrap.filter(|key| key.id() == Some(key_id));
                let key = keys.next().ok_or(CryptoError::KeyMissing { key_id })?;
                header.unwrap_with(key)?.ok_or(CryptoError::HeaderTampered)
            }
            WrapKind::Passphrase => {
                let mut failure = CryptoError::KeyMissing { key_id };
                for key in same_wrap {
                    match header.unwrap_with(key)? {
                        Some(opened) => return Ok(opened),
                        None => failure = CryptoError::WrongKey { key_id },
                    }
                }
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_key_opens_but_does_not_seal() {
        let key = MasterKey::generate().unwrap();
        let name: KeyName = "old".parse().unwrap();
        let entry = KeyringEntry { name: name.clone(), key: key.clone(), usage: KeyUse::Retired };
        let keyring = Keyring::new(vec![entry]);
        assert!(matches!(keyring.active(&name), Err(CryptoError::RetiredKey { .. })));
        assert!(matches!(keyring.active(&"new".parse().unwrap()), Err(CryptoError::UnknownKey { .. })));
    }
}
