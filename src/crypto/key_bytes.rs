//! What a key is made of: its bytes, the id that objects carry, and keys for one purpose.

use super::aead::KEY_BYTES;
use super::error::CryptoError;
use hkdf::Hkdf;
use rand::TryRng as _;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Key bytes: overwritten when dropped.
pub(super) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// A key for one purpose: HKDF-SHA256 (RFC 5869) of the master key, without a salt, with `info` naming the purpose.
/// So the master key itself is never used for two things.
pub(super) fn subkey(master: &KeyBytes, info: &[&[u8]]) -> Result<KeyBytes, CryptoError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    Hkdf::<Sha256>::new(None, &master[..])
        .expand_multi_info(info, &mut key[..])
        .map_err(|error| CryptoError::Derivation { problem: error.to_string() })?;
    Ok(key)
}

/// Fills `bytes` from the operating system's generator.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), CryptoError> {
    let filled = rand::rngs::SysRng.try_fill_bytes(bytes);
    filled.map_err(|error| CryptoError::Entropy { source: std::io::Error::other(error.to_string()) })
}
