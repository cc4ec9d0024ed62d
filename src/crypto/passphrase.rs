//! From a passphrase to a master key: Argon2id with a salt of the repository, once for each repository and process.

use super::aead::KEY_BYTES;
use super::error::CryptoError;
use super::key_bytes::KeyBytes;
use super::key_id::KeyId;
use crate::model::{Argon2Cost, RepositoryId, Secret};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// How many different costs are tried for one repository. Somebody who can write to the bucket could otherwise make
/// each object need a derivation of its own.
const COSTS_PER_REPOSITORY: usize = 8;

/// A passphrase and the keys that were derived from it so far.
pub(super) struct Passphrase {
    text: Secret,
    // Argon2id takes some 30 ms and 19 MiB.
    derived: Mutex<HashMap<(RepositoryId, Argon2Cost), KeyBytes>>,
}

impl Passphrase {
    pub(super) fn new(text: Secret) -> Result<Self, CryptoError> {
        if text.expose().is_empty() {
            return Err(CryptoError::KeyText { problem: "the passphrase is empty".to_owned() });
        }
        Ok(Self { text, derived: Mutex::default() })
    }

    /// The salt of `repository`, which is also the key id of what a passphrase seals there.
    pub(super) fn salt(repository: RepositoryId) -> KeyId {
        let digest =
            Sha256::new().chain_update(b"jagad passphrase salt").chain_update(repository.0).finalize();
        let mut salt = [0; 16];
        salt.copy_from_slice(&digest[..16]);
        KeyId(salt)
    }

    /// The key of `repository`. Its first use blocks the calling thread for the time of one derivation.
    pub(super) fn derive(&self, repository: RepositoryId, cost: Argon2Cost) -> Result<KeyBytes, CryptoError> {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = derived.get(&(repository, cost)) {
            return Ok(bytes.clone());
        }
        if derived.keys().filter(|(other, _)| *other == repository).count() >= COSTS_PER_REPOSITORY {
            let problem = "objects of this repository ask for too many different costs of it".to_owned();
            return Err(CryptoError::Derivation { problem });
        }
        let bytes = derive(&self.text, Self::salt(repository), cost)?;
        derived.insert((repository, cost), bytes.clone());
        Ok(bytes)
    }
}

fn derive(text: &Secret, salt: KeyId, cost: Argon2Cost) -> Result<KeyBytes, CryptoError> {
    let refused = |error: argon2::Error| CryptoError::Derivation { problem: error.to_string() };
    if !cost.is_within_bounds() {
        return Err(CryptoError::Derivation { problem: format!("a cost of {cost} is out of bounds") });
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_BYTES));
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(refused)?);
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    argon2.hash_password_into(text.expose().as_bytes(), &salt.0, &mut bytes[..]).map_err(refused)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_beyond_the_bounds_and_too_many_of_them_derive_nothing() {
        let passphrase = Passphrase::new(Secret::new("correct horse".to_owned())).unwrap();
        let repository = RepositoryId([7; 16]);
        let least = Argon2Cost { memory_kib: 8 << 10, passes: 1, lanes: 1 };
        for cost in [
            Argon2Cost { memory_kib: 100 << 20, ..least },
            Argon2Cost { memory_kib: 8, ..least },
            Argon2Cost { passes: 1_000_000, ..least },
            Argon2Cost { passes: 0, ..least },
            Argon2Cost { lanes: 0, ..least },
            Argon2Cost { lanes: 1000, ..least },
        ] {
            assert!(passphrase.derive(repository, cost).is_err(), "{cost}");
        }
        for extra in 0..8 {
            passphrase.derive(repository, Argon2Cost { memory_kib: (8 << 10) + extra, ..least }).unwrap();
        }
        assert!(passphrase.derive(repository, Argon2Cost { memory_kib: 9 << 10, ..least }).is_err());
        assert!(passphrase.derive(repository, least).is_ok());
        assert!(passphrase.derive(RepositoryId([8; 16]), least).is_ok());
    }
}
