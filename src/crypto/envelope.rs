//! The header of a sealed object: its version and cipher, its identity, and the wrapped data key.

use super::VERSION;
use super::aead::{Aead, KEY_BYTES, NONCE_BYTES};
use super::error::CryptoError;
use super::identity::{ObjectIdentity, ObjectPlace};
use super::key::MasterKey;
use super::key_bytes::{KeyBytes, fill_random, subkey};
use super::key_id::{KeyId, WrapKind};
use super::passphrase::Passphrase;
use super::{CHUNK_BYTES, TAG_BYTES};
use crate::model::{Argon2Cost, ByteReader, CipherKind, RepositoryId};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

/// The first bytes of every sealed object.
const MAGIC: &[u8; 10] = b"JAGAD\0SEAL";
/// The longest header there is, in bytes.
pub const HEADER_LIMIT: u32 = 4096;
/// Magic, version and length: enough to know how much header follows.
pub(super) const PREAMBLE_BYTES: usize = 16;
const PREFIX_BYTES: usize = 7;
const WRAPPED_BYTES: usize = KEY_BYTES + TAG_BYTES;
/// Everything but the three texts.
const FIXED_BYTES: usize =
    PREAMBLE_BYTES + 1 + 1 + 16 + 3 * 4 + NONCE_BYTES + PREFIX_BYTES + 1 + 16 + 3 * 2 + 4 + WRAPPED_BYTES;
/// The place of a segment of a part of a backup.
const PLACE_PART: u8 = 1;

/// The random parts of one object. Used up by one header, so that no two objects can share them.
pub struct Entropy {
    pub(super) data_key: KeyBytes,
    pub(super) wrap_nonce: [u8; NONCE_BYTES],
    pub(super) nonce_prefix: [u8; PREFIX_BYTES],
}

impl Entropy {
    /// Fresh bytes from the operating system.
    pub fn draw() -> Result<Self, CryptoError> {
        let mut entropy = Self {
            data_key: Zeroizing::new([0; KEY_BYTES]),
            wrap_nonce: [0; NONCE_BYTES],
            nonce_prefix: [0; PREFIX_BYTES],
        };
        fill_random(&mut entropy.data_key[..])?;
        fill_random(&mut entropy.wrap_nonce)?;
        fill_random(&mut entropy.nonce_prefix)?;
        Ok(entropy)
    }
}

/// A parsed header. Nothing in it is authenticated before the object has been opened with its key.
#[derive(Debug, Clone)]
pub struct SealedHeader {
    /// The cipher of the wrapped key and of the chunks.
    pub cipher: CipherKind,
    /// How the data key is wrapped.
    pub wrap: WrapKind,
    /// The key it needs, or the salt of the passphrase.
    pub key_id: KeyId,
    /// Which object it says it is.
    pub identity: ObjectIdentity,
    /// What Argon2id cost for the key; `None` for a key file.
    cost: Option<Argon2Cost>,
    wrap_nonce: [u8; NONCE_BYTES],
    nonce_prefix: [u8; PREFIX_BYTES],
    bytes: Vec<u8>,
}

/// A header that its key has opened: all of it is authenticated.
pub(super) struct OpenedHeader {
    pub(super) identity: ObjectIdentity,
    pub(super) chunks: ChunkCipher,
}

/// The data key with its running nonce: `prefix (7) || counter (4, big endian) || last (1)`, the header's SHA-256 as
/// associated data of every chunk.
pub(super) struct ChunkCipher {
    aead: Aead,
    prefix: [u8; PREFIX_BYTES],
    header_digest: [u8; 32],
    /// The number of the current chunk.
    pub(super) counter: u32,
}

/// Whether a chunk ends the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Middle,
    Last,
}

/// Length of the header of the object `identity`, in bytes.
pub fn header_bytes(identity: &ObjectIdentity) -> u64 {
    let ObjectPlace::Part { database, backup, part, .. } = &identity.place;
    let texts = database.as_str().len() + backup.to_string().len() + part.len();
    (FIXED_BYTES + texts) as u64
}

/// Reads the header at the start of `sealed` and nothing after it. Nothing in it is authenticated yet: it says what a
/// file claims to be.
pub async fn read_header(mut sealed: ByteReader<'_>) -> std::io::Result<SealedHeader> {
    let mut bytes = Vec::new();
    (&mut sealed).take(PREAMBLE_BYTES as u64).read_to_end(&mut bytes).await?;
    let length = header_length(&bytes)?;
    (&mut sealed).take((length - PREAMBLE_BYTES) as u64).read_to_end(&mut bytes).await?;
    Ok(SealedHeader::parse(bytes)?)
}

/// The length of the whole header, from its first [`PREAMBLE_BYTES`].
pub(super) fn header_length(preamble: &[u8]) -> Result<usize, CryptoError> {
    if !preamble.starts_with(MAGIC) {
        return Err(CryptoError::NotSealed);
    }
    let mut fields = Fields(&preamble[MAGIC.len()..]);
    let cut = CryptoError::Truncated { bytes: preamble.len() as u64 };
    let (Some(version), Some(length)) = (fields.array(), fields.array()) else {
        return Err(cut);
    };
    let version = u16::from_be_bytes(version);
    if version != VERSION {
        return Err(CryptoError::UnknownVersion { found: version });
    }
    let length = u32::from_be_bytes(length);
    if length > HEADER_LIMIT || (length as usize) < FIXED_BYTES {
        return Err(CryptoError::MalformedHeader { problem: "its length is out of bounds" });
    }
    Ok(length as usize)
}

impl SealedHeader {
    /// A header for a new object, and the cipher for its chunks.
    pub(super) fn create(
        key: &MasterKey,
        cipher: CipherKind,
        identity: &ObjectIdentity,
        entropy: Entropy,
    ) -> Result<(Vec<u8>, ChunkCipher), CryptoError> {
        let Entropy { data_key, wrap_nonce, nonce_prefix } = entropy;
        let ObjectPlace::Part { database, backup, part, segment } = &identity.place;
        let length = u32::try_from(header_bytes(identity)).unwrap_or(HEADER_LIMIT);
        let mut bytes = Vec::with_capacity(length as usize);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.push(cipher_byte(cipher));
        bytes.push(match key.wrap() {
            WrapKind::Raw => 1,
            WrapKind::Passphrase => 2,
        });
        let derived = key.derived(identity.repository)?;
        bytes.extend_from_slice(&derived.id.0);
        let cost = derived.cost.unwrap_or(Argon2Cost { memory_kib: 0, passes: 0, lanes: 0 });
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&wrap_nonce);
        bytes.extend_from_slice(&nonce_prefix);
        bytes.push(PLACE_PART);
        bytes.extend_from_slice(&identity.repository.0);
        for text in [database.as_str(), &backup.to_string(), part] {
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(&segment.to_be_bytes());
        let mut wrapped = data_key.clone();
        let wrapping_key = wrapping_key(&derived.bytes, cipher)?;
        let wrapping = Aead::new(cipher, &wrapping_key);
        let tag = wrapping.seal(&wrap_nonce, &bytes, &mut wrapped[..]).ok_or(CryptoError::TooLong)?;
        bytes.extend_from_slice(&wrapped[..]);
        bytes.extend_from_slice(&tag);
        let chunks = ChunkCipher::new(cipher, &data_key, nonce_prefix, &bytes);
        Ok((bytes, chunks))
    }

    /// Parses a whole header.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, CryptoError> {
        let length = header_length(&bytes)?;
        if bytes.len() < length {
            return Err(CryptoError::Truncated { bytes: bytes.len() as u64 });
        }
        let malformed = |problem| CryptoError::MalformedHeader { problem };
        let short = || malformed("it is too short for its fields");
        let mut fields = Fields(&bytes[PREAMBLE_BYTES..length]);
        let [cipher, wrap] = fields.array().ok_or_else(short)?;
        let cipher = match cipher {
            1 => CipherKind::Aes256Gcm,
            2 => CipherKind::ChaCha20Poly1305,
            found => return Err(CryptoError::UnknownCipher { found }),
        };
        let wrap = match wrap {
            1 => WrapKind::Raw,
            2 => WrapKind::Passphrase,
            found => return Err(CryptoError::UnknownWrap { found }),
        };
        let key_id = KeyId(fields.array().ok_or_else(short)?);
        let mut number = || fields.array().map(u32::from_be_bytes).ok_or_else(short);
        let cost = Argon2Cost { memory_kib: number()?, passes: number()?, lanes: number()? };
        let cost = match wrap {
            WrapKind::Raw if (cost.memory_kib, cost.passes, cost.lanes) == (0, 0, 0) => None,
            WrapKind::Raw => return Err(malformed("it has a cost of Argon2id for a key file")),
            WrapKind::Passphrase if cost.is_within_bounds() => Some(cost),
            WrapKind::Passphrase => return Err(malformed("its Argon2id cost is out of bounds")),
        };
        let wrap_nonce = fields.array().ok_or_else(short)?;
        let nonce_prefix = fields.array().ok_or_else(short)?;
        match fields.array().ok_or_else(short)? {
            [PLACE_PART] => {}
            [found] => return Err(CryptoError::UnknownPlace { found }),
        }
        let repository = RepositoryId(fields.array().ok_or_else(short)?);
        if wrap == WrapKind::Passphrase && key_id != Passphrase::salt(repository) {
            return Err(malformed("its salt does not belong to its repository"));
        }
        let mut text = || {
            let bytes = fields.text().ok_or_else(short)?;
            std::str::from_utf8(bytes).map_err(|_| malformed("one of its names is not UTF-8"))
        };
        let (database, backup, part) = (text()?, text()?, text()?);
        let segment = u32::from_be_bytes(fields.array().ok_or_else(short)?);
        if fields.0.len() != WRAPPED_BYTES {
            return Err(malformed("its fields do not fill it"));
        }
        let place = ObjectPlace::Part {
            database: database.parse().map_err(|_| malformed("its database name is not valid"))?,
            backup: backup.parse().map_err(|_| malformed("its backup id is not valid"))?,
            part: part.parse().map_err(|_| malformed("its part name is not valid"))?,
            segment,
        };
        let identity = ObjectIdentity { repository, place };
        Ok(Self { cipher, wrap, key_id, identity, cost, wrap_nonce, nonce_prefix, bytes })
    }

    /// Length of the header in bytes: the first chunk begins there.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Unwraps the data key; `None` when `key` is another key, or a byte of the header is not authentic.
    pub(super) fn unwrap_with(&self, key: &MasterKey) -> Result<Option<OpenedHeader>, CryptoError> {
        let master = key.bytes(self.identity.repository, self.cost)?;
        let wrapping_key = wrapping_key(&master, self.cipher)?;
        let wrapping = Aead::new(self.cipher, &wrapping_key);
        let (rest, wrapped) = self.bytes.split_at(self.bytes.len() - WRAPPED_BYTES);
        let mut fields = Fields(wrapped);
        let (Some(data_key), Some(tag)) = (fields.array(), fields.array()) else {
            return Ok(None);
        };
        let mut data_key = Zeroizing::new(data_key);
        if wrapping.open(&self.wrap_nonce, rest, &mut data_key[..], &tag).is_err() {
            return Ok(None);
        }
        let chunks = ChunkCipher::new(self.cipher, &data_key, self.nonce_prefix, &self.bytes);
        Ok(Some(OpenedHeader { identity: self.identity.clone(), chunks }))
    }
}

const fn cipher_byte(cipher: CipherKind) -> u8 {
    match cipher {
        CipherKind::Aes256Gcm => 1,
        CipherKind::ChaCha20Poly1305 => 2,
    }
}

/// The key that encrypts data keys. Not the master key itself: each cipher gets a key of its own, and the master key
/// stays free for other uses.
fn wrapping_key(master: &KeyBytes, cipher: CipherKind) -> Result<KeyBytes, CryptoError> {
    subkey(master, &[b"jagad wrapping key", &[cipher_byte(cipher)]])
}

impl ChunkCipher {
    fn new(cipher: CipherKind, key: &KeyBytes, prefix: [u8; PREFIX_BYTES], header: &[u8]) -> Self {
        Self {
            aead: Aead::new(cipher, key),
            prefix,
            header_digest: Sha256::digest(header).into(),
            counter: 0,
        }
    }

    fn nonce(&self, position: Position) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..PREFIX_BYTES].copy_from_slice(&self.prefix);
        nonce[PREFIX_BYTES..11].copy_from_slice(&self.counter.to_be_bytes());
        nonce[11] = u8::from(position == Position::Last);
        nonce
    }

    /// Encrypts the current chunk and moves on to the next.
    pub(super) fn seal(
        &mut self,
        position: Position,
        bytes: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], CryptoError> {
        debug_assert!(bytes.len() <= CHUNK_BYTES);
        let nonce = self.nonce(position);
        let tag = self.aead.seal(&nonce, &self.header_digest, bytes).ok_or(CryptoError::TooLong)?;
        self.advance(position)?;
        Ok(tag)
    }

    /// Decrypts the current chunk, `bytes` with its tag at the end, and moves on to the next. Returns the number of
    /// plain bytes now at the front of `bytes`; `None` when the chunk is not authentic at this position, which leaves
    /// `bytes` as it was.
    pub(super) fn open(
        &mut self,
        position: Position,
        bytes: &mut [u8],
    ) -> Result<Option<usize>, CryptoError> {
        let Some((plain, tag)) = bytes.split_last_chunk_mut::<TAG_BYTES>() else {
            return Ok(None);
        };
        let nonce = self.nonce(position);
        if self.aead.open(&nonce, &self.header_digest, plain, tag).is_err() {
            return Ok(None);
        }
        let length = plain.len();
        self.advance(position)?;
        Ok(Some(length))
    }

    fn advance(&mut self, position: Position) -> Result<(), CryptoError> {
        if position == Position::Middle {
            self.counter = self.counter.checked_add(1).ok_or(CryptoError::TooLong)?;
        }
        Ok(())
    }
}

/// The part of a header that is not parsed yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }
}
