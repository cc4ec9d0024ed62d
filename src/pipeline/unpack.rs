//! From stored segments back to the plain bytes of a dump.

use super::error::PipelineError;
use super::gauge::Gauge;
use super::proof::{Record, prove};
use crate::compress::decompress;
use crate::crypto::{CryptoError, Expect, Keyring, ObjectIdentity, open};
use crate::model::{ByteReader, Codec, Sha256Digest, Stage, stage};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncReadExt as _, ReadBuf};

/// Where the stored segments of one part come from.
#[async_trait]
pub trait SegmentSource: Send + Sync {
    /// The stored bytes of segment `index`, from 0.
    async fn open(&self, index: u32) -> io::Result<ByteReader<'static>>;
}

/// What was recorded of one stored segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentExpectation {
    /// Its stored length.
    pub bytes: u64,
    /// The SHA-256 of its stored bytes.
    pub sha256: Sha256Digest,
}

/// How the segments of a part were sealed.
#[derive(Debug, Clone)]
pub struct Sealing {
    /// The configured keys.
    pub keyring: Arc<Keyring>,
    /// Which object segment 0 must be.
    pub identity: ObjectIdentity,
}

/// What was recorded of one part.
#[derive(Debug, Clone)]
pub struct PartExpectation {
    /// Its segments, in order; at least one.
    pub segments: Vec<SegmentExpectation>,
    /// Length of the packed stream.
    pub packed_bytes: u64,
    /// SHA-256 of the packed stream.
    pub packed_sha256: Sha256Digest,
    /// Length of the plain bytes.
    pub plain_bytes: u64,
    /// How it was compressed.
    pub codec: Codec,
    /// How it was sealed; `None` when it was not encrypted.
    pub sealing: Option<Sealing>,
}

/// What can be watched while unpacking.
#[derive(Debug, Clone)]
pub struct UnpackGauges {
    /// Stored bytes that came in.
    pub stored: Gauge,
    /// Packed bytes.
    pub packed: Gauge,
    /// Plain bytes that went out.
    pub plain: Gauge,
}

impl UnpackGauges {
    /// Gauges at zero.
    pub fn new() -> Self {
        Self { stored: Gauge::counting(), packed: Gauge::counting(), plain: Gauge::counting() }
    }
}

impl Default for UnpackGauges {
    fn default() -> Self {
        Self::new()
    }
}

/// How much [`check_stored`] was able to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedDepth {
    /// Every stored byte; the key to decrypt them is not configured.
    Stored,
    /// Every stored byte and every packed byte.
    Packed,
}

/// The plain bytes of a part.
///
/// Segments are opened one after the other, when they are needed. End of file comes only after every length and every
/// digest of the record agreed; a difference is [`PipelineError::Mismatch`], the other errors are those of the source,
/// of [`open`] and of [`decompress`]. Encrypted bytes are passed on only after their chunk was authenticated.
pub fn unpack(
    source: Arc<dyn SegmentSource>,
    expected: &PartExpectation,
    gauges: &UnpackGauges,
) -> ByteReader<'static> {
    let plain = decompress(packed(source, expected, gauges), expected.codec);
    let record = Record { name: "the plain stream".to_owned(), bytes: expected.plain_bytes, sha256: None };
    prove(plain, record, &gauges.plain)
}

/// The stored bytes of a part, one segment after the other; end of file only after every length and digest agreed.
pub fn stored(
    source: Arc<dyn SegmentSource>,
    expected: &PartExpectation,
    gauges: &UnpackGauges,
) -> ByteReader<'static> {
    let stored = PartExpectation { sealing: None, ..expected.clone() };
    stage::as_reader(Joined::new(source, &stored, &gauges.stored))
}

/// Reads a whole part and compares every stored byte with the record, and every packed byte when the part is not
/// encrypted or its key is configured.
pub async fn check_stored(
    source: Arc<dyn SegmentSource>,
    expected: &PartExpectation,
    gauges: &UnpackGauges,
) -> io::Result<CheckedDepth> {
    match drain(packed(Arc::clone(&source), expected, gauges)).await {
        Ok(()) => return Ok(CheckedDepth::Packed),
        Err(error) if is_keyless(&error) => {}
        Err(error) => return Err(error),
    }
    drain(stored(source, expected, gauges)).await?;
    Ok(CheckedDepth::Stored)
}

/// The packed stream, proven against the record.
fn packed(
    source: Arc<dyn SegmentSource>,
    expected: &PartExpectation,
    gauges: &UnpackGauges,
) -> ByteReader<'static> {
    let joined = Joined::new(source, expected, &gauges.stored);
    let record = Record {
        name: "the packed stream".to_owned(),
        bytes: expected.packed_bytes,
        sha256: Some(expected.packed_sha256),
    };
    prove(stage::as_reader(joined), record, &gauges.packed)
}

fn is_keyless(error: &io::Error) -> bool {
    let crypto = error.get_ref().and_then(|inner| inner.downcast_ref::<CryptoError>());
    matches!(crypto, Some(CryptoError::KeyMissing { .. } | CryptoError::WrongKey { .. }))
}

async fn drain(mut reader: ByteReader<'_>) -> io::Result<()> {
    let mut block = vec![0; 256 << 10];
    while reader.read(&mut block).await? > 0 {}
    Ok(())
}

/// All segments as one stream, each proven against the record and opened if it is sealed.
struct Joined {
    source: Arc<dyn SegmentSource>,
    segments: Vec<SegmentExpectation>,
    sealing: Option<Sealing>,
    stored: Gauge,
    /// The segment to open next.
    index: usize,
    current: CurrentSegment,
}

enum CurrentSegment {
    Nothing,
    Opening(BoxFuture<'static, io::Result<ByteReader<'static>>>),
    Open(ByteReader<'static>),
}

impl Joined {
    fn new(source: Arc<dyn SegmentSource>, expected: &PartExpectation, stored: &Gauge) -> Self {
        Self {
            source,
            segments: expected.segments.clone(),
            sealing: expected.sealing.clone(),
            stored: stored.clone(),
            index: 0,
            current: CurrentSegment::Nothing,
        }
    }

    /// Starts the next segment; `false` when there is none.
    fn begin(&mut self) -> Result<bool, PipelineError> {
        if self.segments.is_empty() {
            let (expected, found) = ("at least 1".to_owned(), "0".to_owned());
            let what = "the number of segments".to_owned();
            return Err(PipelineError::Mismatch { what, expected, found });
        }
        if self.index == self.segments.len() {
            return Ok(false);
        }
        let index = u32::try_from(self.index).map_err(|_| PipelineError::TooManySegments)?;
        let source = Arc::clone(&self.source);
        self.current = CurrentSegment::Opening(Box::pin(async move { source.open(index).await }));
        self.index += 1;
        Ok(true)
    }

    /// The opened segment `self.index - 1` with its proof and its seal.
    fn proven_segment(&self, stored: ByteReader<'static>) -> ByteReader<'static> {
        let index = self.index - 1;
        let SegmentExpectation { bytes, sha256 } = self.segments[index];
        let record = Record { name: format!("stored segment {index}"), bytes, sha256: Some(sha256) };
        let stored = prove(stored, record, &self.stored);
        match &self.sealing {
            None => stored,
            Some(Sealing { keyring, identity }) => {
                let identity = identity.with_segment(u32::try_from(index).unwrap_or(u32::MAX));
                open(stored, Arc::clone(keyring), Expect::Object(identity))
            }
        }
    }
}

impl Stage for Joined {
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.current {
                CurrentSegment::Nothing => {
                    if !self.begin()? {
                        return Poll::Ready(Ok(()));
                    }
                }
                CurrentSegment::Opening(opening) => {
                    let stored = ready!(opening.as_mut().poll(cx))?;
                    self.current = CurrentSegment::Open(self.proven_segment(stored));
                }
                CurrentSegment::Open(reader) => {
                    let before = buffer.filled().len();
                    ready!(reader.as_mut().poll_read(cx, buffer))?;
                    if buffer.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                    self.current = CurrentSegment::Nothing;
                }
            }
        }
    }

    fn failed_before(&self) -> io::Error {
        PipelineError::Failed.into()
    }
}
