//! The whole way from plain bytes to stored segments and back, and every change that must make the way back fail.

use super::*;
use crate::compress::CompressError;
use crate::crypto::{
    CryptoError, KeyUse, Keyring, KeyringEntry, MasterKey, ObjectIdentity, ObjectPlace, packed_limit, seal,
};
use crate::model::{ByteReader, CipherKind, Codec, RepositoryId, Sha256Digest};
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt as _;

struct Memory {
    objects: Vec<Vec<u8>>,
    opened: Mutex<Vec<u32>>,
}

#[async_trait::async_trait]
impl SegmentSource for Memory {
    async fn open(&self, index: u32) -> io::Result<ByteReader<'static>> {
        self.opened.lock().unwrap().push(index);
        let object = self.objects.get(index as usize).ok_or_else(|| io::Error::other("no such segment"))?;
        Ok(Box::pin(io::Cursor::new(object.clone())))
    }
}

/// What the error must name for a change of the record, and the change.
type Change = (&'static str, fn(&mut PartExpectation, Sha256Digest));

/// A stored part and its record.
#[derive(Clone)]
struct TestPart {
    objects: Vec<Vec<u8>>,
    record: PartExpectation,
}

fn identity() -> ObjectIdentity {
    ObjectIdentity {
        repository: RepositoryId([1; 16]),
        place: ObjectPlace::Part {
            database: "shop".parse().unwrap(),
            backup: "20261120T020000Z-full-k3v9x2".parse().unwrap(),
            part: "shop.dump".parse().unwrap(),
            segment: 0,
        },
    }
}

fn keyring(key: &MasterKey) -> Arc<Keyring> {
    let name = "main".parse().unwrap();
    Arc::new(Keyring::new(vec![KeyringEntry { name, key: key.clone(), usage: KeyUse::Active }]))
}

fn plain() -> Vec<u8> {
    let mut seed = 7_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(seed >> 24).unwrap() % 64
    };
    (0..150_000).map(|_| next()).collect()
}

async fn drain(mut reader: ByteReader<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

async fn stored(codec: Codec, key: Option<&MasterKey>, object_limit: u64) -> TestPart {
    let bytes = plain();
    let gauges = PackGauges::new();
    let recipe = Recipe { codec, level: 3 };
    let limit = if key.is_some() { packed_limit(object_limit, &identity()) } else { object_limit };
    let mut segments = Segments::new(pack(Box::pin(&bytes[..]), &recipe, &gauges), limit);
    let (mut objects, mut records) = (Vec::new(), Vec::new());
    while let Some(segment) = segments.next().await.unwrap() {
        let identity = identity().with_segment(u32::try_from(objects.len()).unwrap());
        let segment = match key {
            Some(key) => seal(segment, key, CipherKind::Aes256Gcm, &identity).unwrap(),
            None => segment,
        };
        let gauge = Gauge::hashing();
        objects.push(drain(measure(segment, &gauge)).await.unwrap());
        assert!(gauge.bytes() <= object_limit);
        records.push(SegmentExpectation { bytes: gauge.bytes(), sha256: gauge.digest().unwrap() });
    }
    let record = PartExpectation {
        segments: records,
        packed_bytes: gauges.packed.bytes(),
        packed_sha256: gauges.packed.digest().unwrap(),
        plain_bytes: gauges.plain.bytes(),
        codec,
        sealing: key.map(|key| Sealing { keyring: keyring(key), identity: identity() }),
    };
    TestPart { objects, record }
}

impl TestPart {
    fn source(&self) -> Arc<Memory> {
        Arc::new(Memory { objects: self.objects.clone(), opened: Mutex::default() })
    }

    async fn unpacked(&self) -> io::Result<Vec<u8>> {
        drain(unpack(self.source(), &self.record, &UnpackGauges::new())).await
    }

    async fn checked(&self) -> io::Result<CheckedDepth> {
        check_stored(self.source(), &self.record, &UnpackGauges::new()).await
    }

    async fn mismatch(&self) -> String {
        let error = self.unpacked().await.unwrap_err().downcast::<PipelineError>().unwrap();
        match error {
            PipelineError::Mismatch { what, .. } => what,
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_part_comes_back_byte_for_byte_through_every_codec_sealed_or_not() {
    let key = MasterKey::generate().unwrap();
    for codec in [Codec::Zstd, Codec::Gzip, Codec::None] {
        for key in [None, Some(&key)] {
            let part = stored(codec, key, 40_000).await;
            assert!(part.objects.len() > 2, "{codec}");
            assert!(part.unpacked().await.unwrap() == plain(), "{codec}");
            assert_eq!(part.checked().await.unwrap(), CheckedDepth::Packed);
        }
    }
}

#[tokio::test]
async fn gauges_show_what_went_by_and_segments_are_opened_one_after_the_other() {
    let part = stored(Codec::None, None, 40_000).await;
    let (source, gauges) = (part.source(), UnpackGauges::new());
    let mut reader = unpack(Arc::clone(&source) as Arc<dyn SegmentSource>, &part.record, &gauges);
    reader.read_exact(&mut [0; 100]).await.unwrap();
    assert_eq!((gauges.plain.bytes(), source.opened.lock().unwrap().clone()), (100, vec![0]));
    drain(reader).await.unwrap();
    let total = plain().len() as u64;
    assert_eq!((gauges.stored.bytes(), gauges.packed.bytes(), gauges.plain.bytes()), (total, total, total));
    assert_eq!(*source.opened.lock().unwrap(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn every_recorded_number_and_digest_is_compared() {
    let whole = stored(Codec::Zstd, None, 40_000).await;
    let other = Sha256Digest::of(b"other");
    let table: [Change; 8] = [
        ("the length of stored segment 1", |record, _| record.segments[1].bytes += 1),
        ("the length of stored segment 1", |record, _| record.segments[1].bytes -= 1),
        ("the SHA-256 of stored segment 0", |record, other| record.segments[0].sha256 = other),
        ("the length of the packed stream", |record, _| record.packed_bytes += 1),
        ("the length of the packed stream", |record, _| record.packed_bytes -= 1),
        ("the SHA-256 of the packed stream", |record, other| record.packed_sha256 = other),
        ("the length of the plain stream", |record, _| record.plain_bytes += 1),
        ("the number of segments", |record, _| record.segments.clear()),
    ];
    for (what, change) in table {
        let mut part = whole.clone();
        change(&mut part.record, other);
        assert_eq!(part.mismatch().await, what);
        assert_eq!(part.checked().await.is_ok(), what.contains("plain"), "{what}");
    }
}

#[tokio::test]
async fn a_missing_or_swapped_segment_is_an_error() {
    let key = MasterKey::generate().unwrap();
    for key in [None, Some(&key)] {
        let whole = stored(Codec::None, key, 40_000).await;
        let mut swapped = whole.clone();
        swapped.objects.swap(0, 1);
        assert!(swapped.unpacked().await.is_err());
        // An attacker who can write the manifest swaps the records too: the seal still detects it, and so does the
        // packed digest.
        swapped.record.segments.swap(0, 1);
        let error = swapped.unpacked().await.unwrap_err();
        let is_other = matches!(error.downcast(), Ok(CryptoError::OtherObject { .. }));
        assert_eq!(is_other, key.is_some());
        let mut short = whole.clone();
        short.objects.pop();
        short.record.segments.pop();
        assert!(short.unpacked().await.is_err());
    }
}

#[tokio::test]
async fn what_failed_once_never_ends_well() {
    let mut part = stored(Codec::None, None, 40_000).await;
    part.objects[1][5] ^= 1;
    let mut reader = unpack(part.source(), &part.record, &UnpackGauges::new());
    assert!(reader.read_to_end(&mut Vec::new()).await.is_err());
    for _ in 0..2 {
        let error = reader.read(&mut [0; 10]).await.unwrap_err().downcast::<PipelineError>();
        assert!(matches!(error, Ok(PipelineError::Failed)));
    }
}

#[tokio::test]
async fn without_the_key_the_stored_bytes_are_checked_all_the_same() {
    let mut part = stored(Codec::Zstd, Some(&MasterKey::generate().unwrap()), 40_000).await;
    let sealing = part.record.sealing.as_mut().unwrap();
    sealing.keyring = keyring(&MasterKey::generate().unwrap());
    assert_eq!(part.checked().await.unwrap(), CheckedDepth::Stored);
    let error = part.unpacked().await.unwrap_err().downcast::<CryptoError>();
    assert!(matches!(error, Ok(CryptoError::KeyMissing { .. })));
    let last = part.objects.len() - 1;
    part.objects[last][50] ^= 1;
    assert!(part.checked().await.is_err());
}

#[tokio::test]
async fn a_stream_that_the_codec_does_not_call_whole_is_an_error_even_when_the_record_agrees() {
    let mut part = stored(Codec::Zstd, None, 1 << 30).await;
    let cut = part.objects[0].len() - 5;
    part.objects[0].truncate(cut);
    let digest = Sha256Digest::of(&part.objects[0]);
    part.record.segments[0] = SegmentExpectation { bytes: cut as u64, sha256: digest };
    (part.record.packed_bytes, part.record.packed_sha256) = (cut as u64, digest);
    let error = part.unpacked().await.unwrap_err().downcast::<CompressError>();
    assert!(matches!(error, Ok(CompressError::Truncated { .. })));
}

#[tokio::test]
async fn an_error_of_the_dump_reaches_the_store_as_it_is() {
    let broken = [Ok(&b"half a dump"[..]), Err(io::Error::other("pg_dump failed"))];
    let broken = tokio_util::io::StreamReader::new(futures_util::stream::iter(broken));
    let gauges = PackGauges::new();
    let recipe = Recipe { codec: Codec::Zstd, level: 3 };
    let mut segments = Segments::new(pack(Box::pin(broken), &recipe, &gauges), 1 << 20);
    let error = match segments.next().await {
        Ok(segment) => drain(segment.unwrap()).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.to_string(), "pg_dump failed");
    assert_eq!(gauges.packed.digest(), None);
}

/// One segment that is far longer than its record says.
struct Endless;

#[async_trait::async_trait]
impl SegmentSource for Endless {
    async fn open(&self, _: u32) -> io::Result<ByteReader<'static>> {
        Ok(Box::pin(tokio::io::repeat(7).take(64 << 20)))
    }
}

#[tokio::test]
async fn a_segment_longer_than_its_record_is_given_up_at_once() {
    let part = stored(Codec::None, None, 1 << 30).await;
    let gauges = UnpackGauges::new();
    let outcome = drain(unpack(Arc::new(Endless), &part.record, &gauges)).await;
    assert!(matches!(outcome.unwrap_err().downcast(), Ok(PipelineError::Mismatch { .. })));
    assert!(gauges.stored.bytes() < 1 << 20);
}
