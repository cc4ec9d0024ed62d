//! From plain bytes to a sealed object.

use super::chunks::Chunks;
use super::envelope::{ChunkCipher, Entropy, Position, SealedHeader, header_bytes};
use super::error::CryptoError;
use super::identity::ObjectIdentity;
use super::key::MasterKey;
use super::{CHUNK_BYTES, TAG_BYTES};
use crate::model::{ByteReader, CipherKind, Stage, stage};
use std::io;
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;

/// Encrypts `plain` into the one object `identity` under a fresh data key, which `key` wraps.
///
/// An error of `plain` is passed on. The bytes returned until then are not a whole object: opening them fails.
pub fn seal<'a>(
    plain: ByteReader<'a>,
    key: &MasterKey,
    cipher: CipherKind,
    identity: &ObjectIdentity,
) -> Result<ByteReader<'a>, CryptoError> {
    seal_with(plain, key, cipher, identity, Entropy::draw()?)
}

/// [`seal`] with random bytes that the caller supplies, so that tests have fixed answers.
pub fn seal_with<'a>(
    plain: ByteReader<'a>,
    key: &MasterKey,
    cipher: CipherKind,
    identity: &ObjectIdentity,
    entropy: Entropy,
) -> Result<ByteReader<'a>, CryptoError> {
    let (header, chunks) = SealedHeader::create(key, cipher, identity, entropy)?;
    let plain = Chunks::new(plain, CHUNK_BYTES);
    Ok(stage::as_reader(Seal { plain, cipher: chunks, header, sent: 0, stage: SealStage::Header }))
}

/// The size of a sealed object with `plain_bytes` in it and a header of `header_bytes`.
pub const fn sealed_bytes(plain_bytes: u64, header_bytes: u64) -> u64 {
    let chunks = plain_bytes.div_ceil(CHUNK_BYTES as u64);
    let chunks = if chunks == 0 { 1 } else { chunks };
    header_bytes + plain_bytes + chunks * TAG_BYTES as u64
}

/// The most plain bytes whose sealed object, for any segment of `identity`'s part, is at most `object_limit` bytes;
/// 0 when not even one byte fits.
pub fn packed_limit(object_limit: u64, identity: &ObjectIdentity) -> u64 {
    let sealed_chunk = (CHUNK_BYTES + TAG_BYTES) as u64;
    let room = object_limit.saturating_sub(header_bytes(identity));
    let whole = room / sealed_chunk * CHUNK_BYTES as u64;
    let rest = (room % sealed_chunk).saturating_sub(TAG_BYTES as u64);
    (whole + rest).min((1 << 32) * CHUNK_BYTES as u64)
}

struct Seal<'a> {
    plain: Chunks<'a>,
    cipher: ChunkCipher,
    header: Vec<u8>,
    /// How much of the header, or of the sealed chunk in front, has been returned.
    sent: usize,
    stage: SealStage,
}

#[derive(Clone, Copy)]
enum SealStage {
    Header,
    Filling,
    /// The chunk in front is sealed, this many bytes with its tag.
    Sending(usize, Position),
    Done,
}

impl Seal<'_> {
    fn poll_seal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let position = ready!(self.plain.poll_front(cx))?;
        let (bytes, filled) = self.plain.front();
        let tag = self.cipher.seal(position, &mut bytes[..filled])?;
        bytes[filled..filled + TAG_BYTES].copy_from_slice(&tag);
        self.sent = 0;
        self.stage = SealStage::Sending(filled + TAG_BYTES, position);
        Poll::Ready(Ok(()))
    }
}

impl Stage for Seal<'_> {
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.stage {
                SealStage::Header => {
                    self.sent += hand_over(&self.header[self.sent..], buffer);
                    if self.sent == self.header.len() {
                        self.stage = SealStage::Filling;
                    }
                    return Poll::Ready(Ok(()));
                }
                SealStage::Filling => ready!(self.poll_seal(cx))?,
                SealStage::Sending(length, position) => {
                    self.sent += hand_over(&self.plain.front().0[self.sent..length], buffer);
                    if self.sent == length {
                        self.plain.advance();
                        self.stage = match position {
                            Position::Middle => SealStage::Filling,
                            Position::Last => SealStage::Done,
                        };
                    }
                    return Poll::Ready(Ok(()));
                }
                SealStage::Done => return Poll::Ready(Ok(())),
            }
        }
    }

    fn failed_before(&self) -> io::Error {
        CryptoError::Failed.into()
    }
}

/// Copies as much of `bytes` as fits into `buffer` and returns how much that was.
pub(super) fn hand_over(bytes: &[u8], buffer: &mut ReadBuf<'_>) -> usize {
    let count = bytes.len().min(buffer.remaining());
    buffer.put_slice(&bytes[..count]);
    count
}
