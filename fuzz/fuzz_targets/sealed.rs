//! Sealed objects: any bytes are opened or refused, and an object with any byte changed is refused.

#![no_main]

use jagad::crypto::{
    Expect, KeyUse, Keyring, KeyringEntry, MasterKey, ObjectIdentity, ObjectPlace, open, read_header, seal,
};
use jagad::model::{CipherKind, RepositoryId};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Runtime;

/// More than one chunk.
const PLAIN_BYTES: usize = 70_000;

struct Sealed {
    runtime: Runtime,
    keyring: Arc<Keyring>,
    objects: Vec<Vec<u8>>,
}

static SEALED: LazyLock<Sealed> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let key = MasterKey::generate().expect("a key");
    let identity = ObjectIdentity {
        repository: RepositoryId([7; 16]),
        place: ObjectPlace::Part {
            database: "shop".parse().expect("a name"),
            backup: "20260102T030405Z-full-abcdef".parse().expect("an id"),
            part: "shop.dump".parse().expect("a part"),
            segment: 0,
        },
    };
    let plain = vec![7; PLAIN_BYTES];
    let ciphers = [CipherKind::Aes256Gcm, CipherKind::ChaCha20Poly1305];
    let objects = ciphers.map(|cipher| {
        let mut object = Vec::new();
        let mut sealing = seal(Box::pin(&plain[..]), &key, cipher, &identity).expect("a sealed object");
        runtime.block_on(sealing.read_to_end(&mut object)).expect("its bytes");
        object
    });
    let entry = KeyringEntry { name: "main".parse().expect("a name"), key, usage: KeyUse::Active };
    Sealed { runtime, keyring: Arc::new(Keyring::new(vec![entry])), objects: objects.into() }
});

fn opened(object: &[u8]) -> std::io::Result<usize> {
    let mut plain = Vec::new();
    let mut opening = open(Box::pin(object), Arc::clone(&SEALED.keyring), Expect::Any);
    SEALED.runtime.block_on(opening.read_to_end(&mut plain))
}

fuzz_target!(|input: &[u8]| {
    let _ = SEALED.runtime.block_on(read_header(Box::pin(input)));
    assert!(opened(input).is_err(), "no input was sealed with the key of this run");
    let Some((choice, changes)) = input.split_first() else { return };
    let whole = &SEALED.objects[usize::from(*choice) % SEALED.objects.len()];
    let mut object = whole.clone();
    // Each change is a place of three bytes and what is put there; the last one may be a new length.
    let mut changes = changes.chunks_exact(4);
    for change in &mut changes {
        let at = usize::from(change[0]) << 16 | usize::from(change[1]) << 8 | usize::from(change[2]);
        let at = at % object.len();
        object[at] ^= change[3];
    }
    if let [high, low] = *changes.remainder() {
        object.truncate(usize::from(high) << 8 | usize::from(low));
    }
    let end = opened(&object);
    assert_eq!(end.ok(), (object == *whole).then_some(PLAIN_BYTES));
});
