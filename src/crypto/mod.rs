//! Encrypted objects: self-describing, bound to their place, authenticated chunk by chunk.
//!
//! `docs/FORMAT.md` is the contract. [`seal()`] makes an object, [`open()`] decrypts it and never returns a byte before
//! the chunk that holds it has been authenticated. Nothing here knows about files, stores or compression.

mod aead;
mod authentication;
mod chunks;
mod envelope;
mod error;
mod identity;
mod key;
mod key_bytes;
mod key_id;
mod keyring;
mod open;
mod passphrase;
mod seal;
#[cfg(test)]
mod vectors;

pub use authentication::Unproven;
pub use envelope::{Entropy, HEADER_LIMIT, SealedHeader, header_bytes, read_header};
pub use error::CryptoError;
pub use identity::{ObjectIdentity, ObjectPlace};
pub use key::MasterKey;
pub use key_id::{KeyId, WrapKind};
pub use keyring::{KeyUse, Keyring, KeyringEntry};
pub use open::{Expect, open};
pub use seal::{packed_limit, seal, seal_with, sealed_bytes};

/// The format of a sealed object. A reader refuses a higher number.
pub const VERSION: u16 = 1;
/// Plain bytes of every chunk but the last, which holds 0 to this many.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Length of the authentication tag that follows the bytes of each chunk.
pub const TAG_BYTES: usize = 16;
