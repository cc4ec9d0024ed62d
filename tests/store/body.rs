//! Bodies to upload, and what they look like when they come back.

use jagad::model::{ByteReader, Sha256Digest};
use jagad::store::{Store, StoreError};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

/// `length` bytes that differ everywhere, so that a lost, doubled or swapped range shows.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(super) fn reader(bytes: Vec<u8>) -> ByteReader<'static> {
    Box::pin(io::Cursor::new(bytes))
}

/// Gives `length` bytes and then fails, like a dump whose tool dies.
pub(super) fn dying(length: usize) -> ByteReader<'static> {
    Box::pin(io::Cursor::new(bytes(length)).chain(Death))
}

struct Death;

impl AsyncRead for Death {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other("the tool died")))
    }
}

/// Gives `length` bytes and then nothing at all, for ever.
pub(super) fn stuck(length: usize) -> ByteReader<'static> {
    Box::pin(io::Cursor::new(bytes(length)).chain(Silence))
}

struct Silence;

impl AsyncRead for Silence {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// The object's digest and size as a reader gets them.
pub(super) async fn fetched(store: &dyn Store, key: &str) -> Result<(Sha256Digest, usize), StoreError> {
    let key = key.parse().expect("a key");
    let mut body = store.get(&key).await?;
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes).await.map_err(|error| StoreError::from_read(&key, error))?;
    Ok((Sha256Digest::of(&bytes), bytes.len()))
}

/// What [`fetched`] must answer for `bytes`.
pub(super) fn expected(bytes: &[u8]) -> (Sha256Digest, usize) {
    (Sha256Digest::of(bytes), bytes.len())
}
