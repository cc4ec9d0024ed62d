//! Whole objects: fixed answers, round trips, and above all what must be refused.

use super::*;
use crate::model::{ByteReader, CipherKind, RepositoryId, Secret, Sha256Digest};
use proptest::prelude::*;
use std::io;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

const CIPHERS: [CipherKind; 2] = [CipherKind::Aes256Gcm, CipherKind::ChaCha20Poly1305];

fn identity() -> ObjectIdentity {
    at("shop", "20261120T020000Z-full-k3v9x2", "shop.dump")
}

fn at(database: &str, backup: &str, part: &str) -> ObjectIdentity {
    ObjectIdentity {
        repository: RepositoryId([0xab; 16]),
        place: ObjectPlace::Part {
            database: database.parse().unwrap(),
            backup: backup.parse().unwrap(),
            part: part.parse().unwrap(),
            segment: 0,
        },
    }
}

fn key() -> MasterKey {
    MasterKey::from_bytes(Zeroizing::new([0x42; 32]))
}

fn fixed_entropy() -> Entropy {
    Entropy {
        data_key: Zeroizing::new(std::array::from_fn(|at| u8::try_from(at).unwrap())),
        wrap_nonce: [0x11; 12],
        nonce_prefix: [0x22; 7],
    }
}

fn keyring(key: MasterKey) -> Arc<Keyring> {
    let name = "main".parse().unwrap();
    Arc::new(Keyring::new(vec![KeyringEntry { name, key, usage: KeyUse::Active }]))
}

fn plain(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

/// A reader that gives its bytes in pieces of `step`.
fn pieces(bytes: &[u8], step: usize) -> ByteReader<'_> {
    let chunks: Vec<io::Result<&[u8]>> = bytes.chunks(step.max(1)).map(Ok).collect();
    Box::pin(tokio_util::io::StreamReader::new(futures_util::stream::iter(chunks)))
}

async fn drain(mut reader: ByteReader<'_>) -> Result<Vec<u8>, CryptoError> {
    let mut bytes = Vec::new();
    match reader.read_to_end(&mut bytes).await {
        Ok(_) => Ok(bytes),
        Err(error) => {
            // What failed must fail again when it is read again.
            assert!(reader.read_u8().await.is_err());
            Err(error.downcast::<CryptoError>().unwrap())
        }
    }
}

async fn sealed_as(plain: &[u8], cipher: CipherKind, identity: &ObjectIdentity, key: &MasterKey) -> Vec<u8> {
    drain(seal_with(Box::pin(plain), key, cipher, identity, fixed_entropy()).unwrap()).await.unwrap()
}

async fn sealed(plain: &[u8]) -> Vec<u8> {
    sealed_as(plain, CipherKind::Aes256Gcm, &identity(), &key()).await
}

async fn opened(sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
    drain(open(Box::pin(sealed), keyring(key()), Expect::Object(identity()))).await
}

#[tokio::test]
async fn a_sealed_object_has_fixed_bytes_for_fixed_entropy() {
    // These digests are the format: a change here is a new version of it.
    let passphrase = Secret::new("correct horse".to_owned());
    let passphrase = MasterKey::from_passphrase(passphrase).unwrap();
    let table = [
        (CipherKind::Aes256Gcm, key(), 0, "5f69b74fc31bb0a9b2c9bb1fccf01b72687a88ec48a91325bb4b64cbb350fe4b"),
        (
            CipherKind::Aes256Gcm,
            key(),
            70_000,
            "ecc12e1694ef8a2f71ccffec597143d662df7dd16a0abd1a99b84f513ec1bcab",
        ),
        (
            CipherKind::ChaCha20Poly1305,
            key(),
            70_000,
            "c09f3dfdc5fd223a7e9dbc7398cb627f3248ac54abd336343dd7dab7cbb31189",
        ),
        (
            CipherKind::Aes256Gcm,
            passphrase,
            5,
            "b9279fcdc6ecce901d0c8abaff1f11d364c069754d66c860cb78c71151530aea",
        ),
    ];
    for (cipher, key, length, digest) in table {
        let object = sealed_as(&plain(length), cipher, &identity(), &key).await;
        assert_eq!(object.len() as u64, sealed_bytes(length as u64, header_bytes(&identity())));
        assert_eq!(Sha256Digest::of(&object).to_string(), digest, "{cipher} {length}");
        let whole = drain(open(Box::pin(&object[..]), keyring(key), Expect::Any)).await.unwrap();
        assert_eq!(whole, plain(length));
    }
}

#[tokio::test]
async fn every_flipped_byte_of_an_object_is_an_error() {
    for cipher in CIPHERS {
        let object = sealed_as(b"a small dump", cipher, &identity(), &key()).await;
        for at in 0..object.len() {
            for flip in [0x01, 0x80] {
                let mut altered = object.clone();
                altered[at] ^= flip;
                assert!(opened(&altered).await.is_err(), "byte {at} of {} flipped", object.len());
            }
        }
    }
}

#[tokio::test]
async fn an_object_cut_at_any_length_is_an_error() {
    let object = sealed(b"a small dump").await;
    for length in 0..object.len() {
        assert!(opened(&object[..length]).await.is_err(), "cut to {length} bytes");
    }
    let long = sealed(&plain(3 * CHUNK_BYTES)).await;
    let header = usize::try_from(header_bytes(&identity())).unwrap();
    for chunks in 0..3 {
        let cut = header + chunks * (CHUNK_BYTES + TAG_BYTES);
        for length in [cut, cut + 1, cut + TAG_BYTES] {
            assert!(opened(&long[..length]).await.is_err(), "cut to {length} bytes");
        }
        assert!(matches!(opened(&long[..cut]).await, Err(CryptoError::Truncated { .. })));
    }
}

#[tokio::test]
async fn bytes_behind_the_last_chunk_are_an_error() {
    for length in [0, 12, CHUNK_BYTES, CHUNK_BYTES + 1] {
        let mut object = sealed(&plain(length)).await;
        object.push(0);
        assert!(opened(&object).await.is_err(), "{length}");
    }
    let mut full = sealed(&plain(CHUNK_BYTES)).await;
    full.push(0);
    assert!(matches!(opened(&full).await, Err(CryptoError::TrailingBytes { chunk: 0 })));
}

#[tokio::test]
async fn chunks_that_changed_places_or_came_twice_are_an_error() {
    let object = sealed(&plain(4 * CHUNK_BYTES)).await;
    let header = usize::try_from(header_bytes(&identity())).unwrap();
    let (head, body) = object.split_at(header);
    let chunks: Vec<&[u8]> = body.chunks(CHUNK_BYTES + TAG_BYTES).collect();
    let assemble = |order: &[usize]| {
        let picked: Vec<&[u8]> = order.iter().map(|at| chunks[*at]).collect();
        [head, &picked.concat()].concat()
    };
    assert!(opened(&assemble(&[0, 1, 2, 3])).await.is_ok());
    let wrong: [&[usize]; 6] =
        [&[1, 0, 2, 3], &[0, 0, 1, 2, 3], &[0, 2, 3], &[0, 1, 2], &[3], &[0, 1, 2, 3, 3]];
    for order in wrong {
        assert!(opened(&assemble(order)).await.is_err(), "{order:?}");
    }
}

#[tokio::test]
async fn an_empty_last_chunk_after_data_is_an_error() {
    // Made by hand: this program never writes one.
    let (header, mut chunks) =
        envelope::SealedHeader::create(&key(), CipherKind::Aes256Gcm, &identity(), fixed_entropy()).unwrap();
    let mut data = plain(CHUNK_BYTES);
    let tag = chunks.seal(envelope::Position::Middle, &mut data).unwrap();
    let last = chunks.seal(envelope::Position::Last, &mut []).unwrap();
    let object = [&header[..], &data, &tag, &last].concat();
    assert!(matches!(opened(&object).await, Err(CryptoError::Tampered { chunk: 1 })));
}

#[tokio::test]
async fn another_object_in_its_place_is_an_error_that_names_both() {
    let others = [
        identity().with_segment(1),
        at("shop", "20261120T020000Z-full-k3v9x2", "crm.dump"),
        at("crm", "20261120T020000Z-full-k3v9x2", "shop.dump"),
        at("shop", "20261120T020001Z-full-k3v9x2", "shop.dump"),
        ObjectIdentity { repository: RepositoryId([1; 16]), ..identity() },
    ];
    for other in others {
        let object = sealed_as(b"x", CipherKind::Aes256Gcm, &other, &key()).await;
        match opened(&object).await {
            Err(CryptoError::OtherObject { expected, found }) => {
                assert_eq!((*expected, *found), (identity(), other));
            }
            outcome => panic!("{outcome:?}"),
        }
        assert_eq!(drain(open(Box::pin(&object[..]), keyring(key()), Expect::Any)).await.unwrap(), b"x");
    }
}

#[tokio::test]
async fn missing_and_wrong_keys_are_told_apart() {
    let object = sealed(b"x").await;
    let other = keyring(MasterKey::generate().unwrap());
    let outcome = drain(open(Box::pin(&object[..]), other, Expect::Any)).await;
    assert!(matches!(outcome, Err(CryptoError::KeyMissing { key_id }) if Some(key_id) == key().id()));

    let phrase = |text: &str| MasterKey::from_passphrase(Secret::new(text.to_owned())).unwrap();
    let object = sealed_as(b"x", CipherKind::Aes256Gcm, &identity(), &phrase("right")).await;
    let attempt = |keys| drain(open(Box::pin(&object[..]), keys, Expect::Any));
    assert!(matches!(attempt(keyring(phrase("wrong"))).await, Err(CryptoError::WrongKey { .. })));
    assert!(matches!(attempt(keyring(key())).await, Err(CryptoError::KeyMissing { .. })));
    assert_eq!(attempt(keyring(phrase("right"))).await.unwrap(), b"x");
}

#[tokio::test]
async fn unknown_versions_ciphers_and_wraps_are_refused_by_name() {
    let object = sealed(b"x").await;
    let altered = |at: usize, value: u8| {
        let mut object = object.clone();
        object[at] = value;
        object
    };
    assert!(matches!(opened(&altered(11, 2)).await, Err(CryptoError::UnknownVersion { found: 2 })));
    assert!(matches!(opened(&altered(16, 9)).await, Err(CryptoError::UnknownCipher { found: 9 })));
    assert!(matches!(opened(&altered(16, 2)).await, Err(CryptoError::HeaderTampered)));
    assert!(matches!(opened(&altered(17, 9)).await, Err(CryptoError::UnknownWrap { found: 9 })));
    assert!(matches!(opened(&altered(13, 1)).await, Err(CryptoError::MalformedHeader { .. })));
    assert!(matches!(opened(b"PGDMP and so on, not sealed").await, Err(CryptoError::NotSealed)));
}

#[tokio::test]
async fn no_byte_of_a_chunk_is_released_before_the_chunk_is_authentic() {
    let mut object = sealed(&plain(2 * CHUNK_BYTES)).await;
    let second = object.len() - 20;
    object[second] ^= 1;
    let mut reader = open(Box::pin(&object[..]), keyring(key()), Expect::Any);
    let mut bytes = Vec::new();
    assert!(reader.read_to_end(&mut bytes).await.is_err());
    assert_eq!(bytes, plain(CHUNK_BYTES));
}

#[tokio::test]
async fn a_stream_whose_source_failed_once_does_not_go_on_when_the_source_does() {
    let bytes = plain(CHUNK_BYTES);
    let object = sealed(&bytes).await;
    let interrupted = |bytes: &[u8]| -> ByteReader<'static> {
        let (head, tail) = (bytes[..500].to_vec(), bytes[500..].to_vec());
        let pieces = [Ok(io::Cursor::new(head)), Err(io::Error::other("once")), Ok(io::Cursor::new(tail))];
        Box::pin(tokio_util::io::StreamReader::new(futures_util::stream::iter(pieces)))
    };
    let sealing = seal(interrupted(&bytes), &key(), CipherKind::Aes256Gcm, &identity()).unwrap();
    let opening = open(interrupted(&object), keyring(key()), Expect::Any);
    for mut reader in [sealing, opening] {
        assert_eq!(reader.read_to_end(&mut Vec::new()).await.unwrap_err().to_string(), "once");
        let again = reader.read_to_end(&mut Vec::new()).await.unwrap_err().downcast::<CryptoError>();
        assert!(matches!(again, Ok(CryptoError::Failed)));
    }
}

#[tokio::test]
async fn the_header_says_what_a_file_is_without_a_key() {
    let object = sealed(b"x").await;
    let header = read_header(Box::pin(&object[..])).await.unwrap();
    assert_eq!((header.identity.clone(), header.key_id), (identity(), key().id().unwrap()));
    assert_eq!(header.length() as u64, header_bytes(&identity()));
    assert!(read_header(Box::pin(&object[..40])).await.is_err());
    assert!(read_header(Box::pin(&b"short"[..])).await.is_err());
}

#[test]
fn the_packed_limit_is_the_largest_that_fits() {
    let header = header_bytes(&identity());
    for limit in [0, header, header + 16, header + 17, 70_000, 5 << 20, 8 << 30, u64::MAX] {
        let packed = packed_limit(limit, &identity());
        assert!(packed == 0 || sealed_bytes(packed, header) <= limit, "{limit}");
        assert!(packed == 1 << 48 || sealed_bytes(packed + 1, header) > limit, "{limit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_sealed_opens_to_the_same_bytes_however_it_is_cut(
        chunks in 0usize..4,
        around in -2i64..3,
        write in 1usize..200_000,
        read in 1usize..200_000,
        cipher in 0usize..2,
    ) {
        let length = usize::try_from((i64::try_from(chunks * CHUNK_BYTES).unwrap() + around).max(0)).unwrap();
        let bytes = plain(length);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(async {
            let sealing = seal(pieces(&bytes, write), &key(), CIPHERS[cipher], &identity()).unwrap();
            let object = drain(sealing).await.unwrap();
            drain(open(pieces(&object, read), keyring(key()), Expect::Object(identity()))).await.unwrap()
        });
        prop_assert!(outcome == bytes);
    }

    #[test]
    fn headers_of_any_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (at, byte) in b"JAGAD\0SEAL\0\x01\0\0\0".iter().enumerate() {
            if let Some(place) = bytes.get_mut(at) {
                *place = *byte;
            }
        }
        prop_assert!(runtime.block_on(opened(&bytes)).is_err());
    }
}
