//! Proof that a record was written by somebody who has a key: a code over its exact bytes.

use super::error::CryptoError;
use super::key::MasterKey;
use super::key_bytes::{KeyBytes, subkey};
use super::key_id::WrapKind;
use super::keyring::Keyring;
use crate::model::{Authentication, HMAC_SHA256, Mac, RepositoryId};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Binds the derived key to this purpose, so that it cannot be used for another.
const INFO: &[u8] = b"jagad manifest authentication";

/// Why a record is not authenticated.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// A newer jagad wrote it, or somebody made it up.
    #[error("its kind of authentication, `{kind}`, is unknown")]
    UnknownKind {
        /// The kind in the record.
        kind: String,
    },
    /// The key that it names is not configured.
    #[error("it is authenticated with the key {key_id}, which is not configured")]
    KeyMissing {
        /// The key id in the record.
        key_id: String,
    },
    /// The code does not match.
    #[error("its authentication code does not match: it was altered, or written without the key")]
    WrongCode,
    /// The passphrase cannot be turned into a key.
    #[error(transparent)]
    Derivation(CryptoError),
}

impl MasterKey {
    /// The authentication of `content`, a record of `repository`.
    pub fn authenticate(
        &self,
        repository: RepositoryId,
        content: &[u8],
    ) -> Result<Authentication, CryptoError> {
        let derived = self.derived(repository)?;
        let code = code(&derived.bytes, content)?.finalize().into_bytes().into();
        Ok(Authentication {
            kind: HMAC_SHA256.to_owned(),
            key_id: derived.id.to_string(),
            argon2id: derived.cost,
            mac: Mac(code),
        })
    }
}

impl Keyring {
    /// Checks that `content`, a record of `repository`, was written by somebody who has one of these keys.
    pub fn prove(
        &self,
        repository: RepositoryId,
        content: &[u8],
        authentication: &Authentication,
    ) -> Result<(), Unproven> {
        if authentication.kind != HMAC_SHA256 {
            return Err(Unproven::UnknownKind { kind: authentication.kind.clone() });
        }
        let wrap = if authentication.argon2id.is_some() { WrapKind::Passphrase } else { WrapKind::Raw };
        let mut keys = self
            .entries()
            .iter()
            .map(|entry| &entry.key)
            .filter(|key| key.wrap() == wrap && key.id_in(repository).to_string() == authentication.key_id)
            .peekable();
        if keys.peek().is_none() {
            return Err(Unproven::KeyMissing { key_id: authentication.key_id.clone() });
        }
        for key in keys {
            let bytes = key.bytes(repository, authentication.argon2id).map_err(Unproven::Derivation)?;
            let code = code(&bytes, content).map_err(Unproven::Derivation)?;
            // In constant time: a code must not be guessed byte by byte.
            if code.verify_slice(&authentication.mac.0).is_ok() {
                return Ok(());
            }
        }
        Err(Unproven::WrongCode)
    }
}

fn code(master: &KeyBytes, content: &[u8]) -> Result<Hmac<Sha256>, CryptoError> {
    let key = subkey(master, &[INFO])?;
    let mac = Hmac::<Sha256>::new_from_slice(&key[..]);
    let mut mac = mac.map_err(|error| CryptoError::Derivation { problem: error.to_string() })?;
    mac.update(content);
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyUse, KeyringEntry};
    use crate::model::{Argon2Cost, Secret};
    use zeroize::Zeroizing;

    const HERE: RepositoryId = RepositoryId([0xab; 16]);

    fn keyring(keys: &[&MasterKey]) -> Keyring {
        let entry = |key: &&MasterKey| KeyringEntry {
            name: "main".parse().unwrap(),
            key: (*key).clone(),
            usage: KeyUse::Retired,
        };
        Keyring::new(keys.iter().map(entry).collect())
    }

    fn raw(byte: u8) -> MasterKey {
        MasterKey::from_bytes(Zeroizing::new([byte; 32]))
    }

    fn phrase(text: &str) -> MasterKey {
        MasterKey::from_passphrase(Secret::new(text.to_owned())).unwrap()
    }

    #[test]
    fn the_code_of_a_record_has_fixed_bytes() {
        // HKDF-SHA256 and HMAC-SHA-256 of Python's `cryptography` gave the same: a change here is another format.
        let made = raw(0x42).authenticate(HERE, b"{\n  \"format\": 1").unwrap();
        assert_eq!(
            String::from(made.mac),
            "768232129a51fe0e18e9070f59486bdc86f06c4117b2c24fe7421d28a367aab2"
        );
        let made = phrase("correct horse").authenticate(HERE, b"{}").unwrap();
        assert_eq!(
            String::from(made.mac),
            "6bf16f2f01553676cc9a6471982caf05c9321dbb0cf6d495ea415528d3b55752"
        );
        assert_eq!(made.argon2id, Some(Argon2Cost::CURRENT));
    }

    #[test]
    fn a_record_is_proven_by_its_key_and_by_no_other_content_key_or_repository() {
        for (right, wrong) in [(raw(1), raw(2)), (phrase("right"), phrase("wrong"))] {
            let made = right.authenticate(HERE, b"content").unwrap();
            assert!(keyring(&[&wrong, &right]).prove(HERE, b"content", &made).is_ok());
            let at = |keys: &[&MasterKey], repository, content: &[u8], made: &Authentication| {
                keyring(keys).prove(repository, content, made)
            };
            assert!(matches!(at(&[&right], HERE, b"contenu", &made), Err(Unproven::WrongCode)));
            assert!(at(&[&wrong], HERE, b"content", &made).is_err());
            assert!(matches!(at(&[], HERE, b"content", &made), Err(Unproven::KeyMissing { .. })));
            let mut altered = made.clone();
            altered.mac.0[31] ^= 1;
            assert!(matches!(at(&[&right], HERE, b"content", &altered), Err(Unproven::WrongCode)));
            let signed = Authentication { kind: "ed25519".to_owned(), ..made };
            assert!(matches!(at(&[&right], HERE, b"content", &signed), Err(Unproven::UnknownKind { .. })));
        }
        let made = phrase("right").authenticate(HERE, b"content").unwrap();
        let elsewhere = keyring(&[&phrase("right")]).prove(RepositoryId([1; 16]), b"content", &made);
        assert!(elsewhere.is_err());
    }
}
