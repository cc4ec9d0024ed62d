//! The reading of a part: every cut gives the same, and nothing that was changed passes.

use crate::content::fill;
use crate::round_trip::take;
use crate::support::redis::{KINDS, Server};
use jagad::engine::bare;
use jagad::model::{Contents, EngineKind, PartKind, WitnessError};
use proptest::prelude::*;
use rand::SeedableRng as _;

fn watch<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Contents>, WitnessError> {
    let mut witness = bare(EngineKind::Redis, None).reading(PartKind::Database, "").unwrap().witness;
    for piece in pieces {
        witness.feed(piece)?;
    }
    witness.finish()
}

/// A real stream with every type but few keys.
async fn sample() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for kind in KINDS {
        let Some(server) = Server::start(kind) else { continue };
        fill(&server);
        let mut c = server.client();
        for long in [
            "noise",
            "compresses",
            "list:long",
            "set:long",
            "zset:long",
            "hash:long",
            "hash:wide",
            "fields:long",
        ] {
            c.ok(&format!("DEL {long}"));
        }
        for n in 0..3000 {
            c.ok(&format!("DEL many:{n}"));
        }
        found.push(take(&server).await.bytes.to_vec());
    }
    found
}

#[tokio::test]
async fn a_stream_cut_anywhere_is_counted_the_same() {
    for bytes in sample().await {
        let whole = watch([&bytes[..]]).unwrap().unwrap();
        assert_eq!(watch(bytes.chunks(1)).unwrap().as_ref(), Some(&whole));
        for size in [2, 3, 7, 8, 9, 40, 1000] {
            assert_eq!(watch(bytes.chunks(size)).unwrap().as_ref(), Some(&whole), "{size}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_off_is_refused_wherever_that_happened() {
    for bytes in sample().await {
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 3000).chain(bytes.len() - 20..bytes.len()) {
            assert!(watch([&bytes[..length]]).is_err(), "{length} of {}", bytes.len());
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(watch([&longer[..]]).is_err());
    }
}

#[tokio::test]
async fn a_stream_in_which_a_bit_is_changed_is_refused() {
    let mut random = rand::rngs::StdRng::seed_from_u64(7);
    for bytes in sample().await {
        for _ in 0..3000 {
            let mut changed = bytes.clone();
            let at = random.random_range(0..changed.len());
            changed[at] ^= 1 << random.random_range(0..8);
            assert!(watch([&changed[..]]).is_err(), "byte {at}");
        }
    }
}

#[tokio::test]
async fn without_a_checksum_a_changed_stream_does_no_harm() {
    let mut random = rand::rngs::StdRng::seed_from_u64(8);
    for mut bytes in sample().await {
        let end = bytes.len() - 8;
        bytes[end..].fill(0);
        assert!(watch([&bytes[..]]).is_ok());
        for _ in 0..3000 {
            let mut changed = bytes.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..end);
                changed[at] = random.random();
            }
            // Whatever it says, it says it.
            let _ = watch(changed.chunks(random.random_range(1..5000)));
        }
    }
}

#[test]
fn a_type_that_is_not_known_passes_by_its_checksum_alone() {
    // "k" of the type 99, and the checksum of all that.
    let body = b"REDIS0099\x63\x01k\x01v\xff";
    let checksum = crc(body).to_le_bytes();
    let whole = [&body[..], &checksum].concat();
    assert_eq!(watch([&whole[..]]).unwrap(), None);
    assert_eq!(watch(whole.chunks(1)).unwrap(), None);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 4;
        assert!(watch([&changed[..]]).is_err(), "{at}");
    }
    let unsummed = [&body[..], &[0; 8]].concat();
    assert!(watch([&unsummed[..]]).is_err());
}

/// Bit by bit, unlike the program.
fn crc(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 }
        })
    })
}

proptest! {
    #[test]
    fn nothing_that_follows_a_header_breaks_the_walker(tail in proptest::collection::vec(any::<u8>(), 0..400), size in 1usize..50) {
        for header in [&b"REDIS0012"[..], b"VALKEY080"] {
            let bytes = [header, &tail[..]].concat();
            let whole = watch([&bytes[..]]).is_ok();
            prop_assert_eq!(watch(bytes.chunks(size)).is_ok(), whole);
        }
    }
}
