//! Reads a stored part: the objects of the store as the pipeline and the engines need them.

use crate::catalog::{Manifest, Part};
use crate::crypto::{Keyring, ObjectIdentity, ObjectPlace};
use crate::engine::OpenArchive;
use crate::model::ByteReader;
use crate::pipeline::{
    self, CheckedDepth, PartExpectation, Sealing, SegmentExpectation, SegmentSource, UnpackGauges,
};
use crate::store::{ObjectKey, Store};
use async_trait::async_trait;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// One part of one backup, ready to be read as often as needed.
#[derive(Clone)]
pub(super) struct StoredPart {
    source: Arc<StoredSegments>,
    expectation: Arc<PartExpectation>,
    stop: CancellationToken,
}

/// The objects of a part in their order.
struct StoredSegments {
    store: Arc<dyn Store>,
    keys: Vec<ObjectKey>,
}

#[async_trait]
impl SegmentSource for StoredSegments {
    async fn open(&self, index: u32) -> std::io::Result<ByteReader<'static>> {
        let key = usize::try_from(index)
            .ok()
            .and_then(|index| self.keys.get(index))
            .ok_or_else(|| std::io::Error::other(format!("there is no segment {index}")))?;
        self.store.get(key).await.map_err(std::io::Error::other)
    }
}

/// The location of a stored backup, and the keys to open it.
pub(super) struct StoredBackup<'a> {
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) keyring: &'a Arc<Keyring>,
    pub(super) stop: &'a CancellationToken,
}

impl StoredPart {
    /// The part `part` of `manifest`.
    pub(super) fn new(reading: &StoredBackup<'_>, manifest: &Manifest, part: &Part) -> Self {
        let identity = ObjectIdentity {
            repository: manifest.repository,
            place: ObjectPlace::Part {
                database: manifest.database.clone(),
                backup: manifest.id.clone(),
                part: part.name.clone(),
                segment: 0,
            },
        };
        let segments = part
            .segments
            .iter()
            .map(|segment| SegmentExpectation { bytes: segment.bytes, sha256: segment.sha256 });
        let expectation = PartExpectation {
            segments: segments.collect(),
            packed_bytes: part.packed_bytes,
            packed_sha256: part.packed_sha256,
            plain_bytes: part.plain_bytes,
            codec: manifest.recipe.codec,
            sealing: manifest
                .recipe
                .cipher
                .map(|_| Sealing { keyring: Arc::clone(reading.keyring), identity }),
        };
        Self {
            source: Arc::new(StoredSegments {
                store: Arc::clone(reading.store),
                keys: part.segments.iter().map(|segment| segment.key.clone()).collect(),
            }),
            expectation: Arc::new(expectation),
            stop: reading.stop.clone(),
        }
    }

    fn source(&self) -> Arc<dyn SegmentSource> {
        Arc::clone(&self.source) as _
    }

    /// The plain bytes; end of file only when every length and digest agreed.
    pub(super) fn plain(&self, gauges: &UnpackGauges) -> ByteReader<'static> {
        let plain = pipeline::unpack(self.source(), &self.expectation, gauges);
        pipeline::cancellable(plain, self.stop.clone())
    }

    /// The stored bytes, segment after segment; end of file only when every length and digest agreed.
    pub(super) fn stored(&self, gauges: &UnpackGauges) -> ByteReader<'static> {
        let stored = pipeline::stored(self.source(), &self.expectation, gauges);
        pipeline::cancellable(stored, self.stop.clone())
    }

    /// Reads every stored byte, and with the key every packed byte, against the record.
    pub(super) async fn check(&self, gauges: &UnpackGauges) -> std::io::Result<CheckedDepth> {
        tokio::select! {
            checked = pipeline::check_stored(self.source(), &self.expectation, gauges) => checked,
            () = self.stop.cancelled() => Err(std::io::Error::other(pipeline::PipelineError::Cancelled)),
        }
    }
}

#[async_trait]
impl OpenArchive for StoredPart {
    async fn open(&self) -> std::io::Result<ByteReader<'static>> {
        Ok(self.plain(&UnpackGauges::new()))
    }
}
