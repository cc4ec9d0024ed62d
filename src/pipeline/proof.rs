//! A stream whose end of file proves that it is the recorded one.

use super::error::PipelineError;
use super::gauge::Gauge;
use crate::model::{ByteReader, Sha256Digest, Stage, stage};
use sha2::{Digest as _, Sha256};
use std::io;
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;

/// What was recorded of a stream.
pub(super) struct Record {
    /// For people: "stored segment 2".
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: Option<Sha256Digest>,
}

/// Passes `inner` through and reports end of file only when length and digest are as recorded. A byte too many is an
/// error as soon as it is read.
pub(super) fn prove<'a>(inner: ByteReader<'a>, record: Record, gauge: &Gauge) -> ByteReader<'a> {
    let hasher = record.sha256.is_some().then(Sha256::new);
    stage::as_reader(Proving { inner, record, gauge: gauge.clone(), hasher, bytes: 0 })
}

struct Proving<'a> {
    inner: ByteReader<'a>,
    record: Record,
    gauge: Gauge,
    hasher: Option<Sha256>,
    bytes: u64,
}

impl Stage for Proving<'_> {
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.inner.as_mut().poll_read(cx, buffer))?;
        let count = buffer.filled().len() - before;
        self.bytes += count as u64;
        self.gauge.add(count);
        if self.bytes > self.record.bytes {
            return Poll::Ready(Err(self.wrong_length(&format!("at least {}", self.bytes)).into()));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer.filled()[before..]);
        }
        if count == 0 {
            self.conclude()?;
        }
        Poll::Ready(Ok(()))
    }

    fn failed_before(&self) -> io::Error {
        PipelineError::Failed.into()
    }
}

impl Proving<'_> {
    fn conclude(&mut self) -> Result<(), PipelineError> {
        if self.bytes != self.record.bytes {
            return Err(self.wrong_length(&self.bytes.to_string()));
        }
        let found = self.hasher.take().map(|hasher| Sha256Digest(hasher.finalize().into()));
        match (self.record.sha256, found) {
            (Some(expected), Some(found)) if expected != found => Err(PipelineError::Mismatch {
                what: format!("the SHA-256 of {}", self.record.name),
                expected: expected.to_string(),
                found: found.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn wrong_length(&self, found: &str) -> PipelineError {
        PipelineError::Mismatch {
            what: format!("the length of {}", self.record.name),
            expected: format!("{} bytes", self.record.bytes),
            found: format!("{found} bytes"),
        }
    }
}
