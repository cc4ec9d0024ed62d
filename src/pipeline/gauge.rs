//! Counts and hashes bytes as they pass.

use crate::model::{ByteReader, Sha256Digest};
use sha2::{Digest as _, Sha256};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// Reads the number of bytes that have passed a [`measure`] stage, at any time, from anywhere.
///
/// One gauge may measure several streams one after the other: it adds them up. A hashing gauge keeps the digest of the
/// first stream that ended, so it is for one stream.
#[derive(Debug, Clone)]
pub struct Gauge(Arc<Dial>);

#[derive(Debug)]
struct Dial {
    bytes: AtomicU64,
    digest: OnceLock<Sha256Digest>,
    hashing: Hashing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hashing {
    Yes,
    No,
}

impl Gauge {
    /// A gauge that counts.
    pub fn counting() -> Self {
        Self::new(Hashing::No)
    }

    /// A gauge that counts and hashes.
    pub fn hashing() -> Self {
        Self::new(Hashing::Yes)
    }

    fn new(hashing: Hashing) -> Self {
        Self(Arc::new(Dial { bytes: AtomicU64::new(0), digest: OnceLock::new(), hashing }))
    }

    /// Bytes that have passed so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// The SHA-256 of everything that has passed: of a hashing gauge, after the stream's end of file.
    pub fn digest(&self) -> Option<Sha256Digest> {
        self.0.digest.get().copied()
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Passes `inner` through unchanged and counts its bytes in `gauge`.
pub fn measure<'a>(inner: ByteReader<'a>, gauge: &Gauge) -> ByteReader<'a> {
    let hasher = (gauge.0.hashing == Hashing::Yes).then(Sha256::new);
    Box::pin(Measured { inner, gauge: gauge.clone(), hasher })
}

struct Measured<'a> {
    inner: ByteReader<'a>,
    gauge: Gauge,
    hasher: Option<Sha256>,
}

impl AsyncRead for Measured<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        ready!(self.inner.as_mut().poll_read(cx, buffer))?;
        let new = &buffer.filled()[before..];
        self.gauge.add(new.len());
        if new.is_empty() {
            if let Some(hasher) = self.hasher.take() {
                let _ = self.gauge.0.digest.set(Sha256Digest(hasher.finalize().into()));
            }
        } else if let Some(hasher) = &mut self.hasher {
            hasher.update(new);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_gauge_shows_bytes_at_once_and_the_digest_only_after_the_end() {
        let gauge = Gauge::hashing();
        let mut reader = measure(Box::pin(&b"four more bytes"[..]), &gauge);
        let mut four = [0; 4];
        reader.read_exact(&mut four).await.unwrap();
        assert_eq!((gauge.bytes(), gauge.digest()), (4, None));
        reader.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!((gauge.bytes(), gauge.digest()), (15, Some(Sha256Digest::of(b"four more bytes"))));
    }

    #[tokio::test]
    async fn a_stream_that_fails_has_no_digest() {
        let gauge = Gauge::hashing();
        let broken = futures_util::stream::iter([Ok(&b"x"[..]), Err(io::Error::other("broken"))]);
        let mut reader = measure(Box::pin(tokio_util::io::StreamReader::new(broken)), &gauge);
        assert!(reader.read_to_end(&mut Vec::new()).await.is_err());
        assert_eq!((gauge.bytes(), gauge.digest()), (1, None));
    }
}
