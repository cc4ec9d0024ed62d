//! How sealing and opening can fail.

use super::VERSION;
use super::identity::ObjectIdentity;
use super::key_id::KeyId;
use crate::model::KeyName;

/// Why an object cannot be sealed or opened. Inside a stream it travels as `io::Error::other(CryptoError)`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The bytes do not begin as a sealed object does.
    #[error("this is not an encrypted object of jagad")]
    NotSealed,
    /// A newer jagad wrote it.
    #[error("the encrypted object has version {found}; this jagad reads version {VERSION}")]
    UnknownVersion {
        /// The version in the header.
        found: u16,
    },
    /// The header names a cipher that does not exist.
    #[error("the encrypted object names the unknown cipher {found}")]
    UnknownCipher {
        /// The byte in the header.
        found: u8,
    },
    /// The header names a way of wrapping the data key that does not exist.
    #[error("the encrypted object names the unknown key wrap {found}")]
    UnknownWrap {
        /// The byte in the header.
        found: u8,
    },
    /// The header names a kind of place that does not exist.
    #[error("the encrypted object names the unknown kind of place {found}")]
    UnknownPlace {
        /// The byte in the header.
        found: u8,
    },
    /// The header breaks its own rules.
    #[error("the header of the encrypted object is malformed: {problem}")]
    MalformedHeader {
        /// What was found.
        problem: &'static str,
    },
    /// No configured key has the id in the header, or no passphrase is configured.
    #[error("no configured key has the id {key_id}, which this object needs")]
    KeyMissing {
        /// The id in the header.
        key_id: KeyId,
    },
    /// No configured passphrase opens the header.
    #[error("no configured passphrase decrypts this object (key id {key_id}), or its header was altered")]
    WrongKey {
        /// The id in the header.
        key_id: KeyId,
    },
    /// The right key does not open the header.
    #[error("the header of the encrypted object was altered")]
    HeaderTampered,
    /// A chunk is not what was written there.
    #[error("chunk {chunk} of the encrypted object was altered, moved or cut")]
    Tampered {
        /// Number of the chunk, from 0; its plain bytes begin at this many times 64 KiB.
        chunk: u64,
    },
    /// The object ends before its last chunk.
    #[error("the encrypted object ends after {bytes} bytes, before its last chunk")]
    Truncated {
        /// Bytes that were there.
        bytes: u64,
    },
    /// Bytes follow the last chunk.
    #[error("bytes follow the last chunk of the encrypted object, number {chunk}")]
    TrailingBytes {
        /// Number of the last chunk, from 0.
        chunk: u64,
    },
    /// The object is whole, but its header names another place.
    #[error("this is the object {found}, where {expected} was expected")]
    OtherObject {
        /// What the reader wanted.
        expected: Box<ObjectIdentity>,
        /// What the authenticated header says.
        found: Box<ObjectIdentity>,
    },
    /// More than 2^32 chunks.
    #[error("an encrypted object cannot hold more than 256 TiB")]
    TooLong,
    /// The stream is read on after it has failed.
    #[error("the encrypted stream failed before")]
    Failed,
    /// A text that is not a key.
    #[error("the key text is not usable: {problem}")]
    KeyText {
        /// What is wrong with it, without any of it.
        problem: String,
    },
    /// No key of that name.
    #[error("no key is named `{name}`")]
    UnknownKey {
        /// The name asked for.
        name: KeyName,
    },
    /// A key that may only decrypt.
    #[error("the key `{name}` is retired: it opens old objects and seals no new ones")]
    RetiredKey {
        /// Its name.
        name: KeyName,
    },
    /// The passphrase cannot be turned into a key.
    #[error("cannot derive a key from the passphrase: {problem}")]
    Derivation {
        /// The algorithm's own error.
        problem: String,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Entropy {
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl From<CryptoError> for std::io::Error {
    fn from(error: CryptoError) -> Self {
        Self::other(error)
    }
}
