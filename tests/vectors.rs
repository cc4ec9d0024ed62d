//! Malformed objects and manifests, made from a fixed seed. Each is refused for the right reason, here and by the independent
//! decoder, which knows only `docs/FORMAT.md`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use jagad::crypto::{
    CHUNK_BYTES, CryptoError, Expect, KeyUse, Keyring, KeyringEntry, MasterKey, ObjectIdentity, ObjectPlace,
    TAG_BYTES, header_bytes, open, seal,
};
use jagad::model::{CipherKind, RepositoryId, Secret};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

const PASSPHRASE: &str = "correct horse, größer";
const SEED: u64 = 20_261_120;

/// Numbers that are the same each time.
struct Seed(u64);

impl Seed {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

fn identity(part: &str, segment: u32) -> ObjectIdentity {
    ObjectIdentity {
        repository: RepositoryId([0xab; 16]),
        place: ObjectPlace::Part {
            database: "shop".parse().unwrap(),
            backup: "20261120T020000Z-full-k3v9x2".parse().unwrap(),
            part: part.parse().unwrap(),
            segment,
        },
    }
}

/// One malformed object.
struct Vector {
    what: String,
    bytes: Vec<u8>,
    /// Why it may be refused. A change of a random bit can break one rule or another.
    reasons: Vec<&'static str>,
}

/// A field of the header: its name, where it is, and why an object is refused in which it was changed.
type Field = (&'static str, std::ops::Range<usize>, &'static [&'static str]);

/// `docs/FORMAT.md`, section 5. The texts are `shop`, the id of 28 characters and `shop.dump`.
fn fields(passphrase: bool) -> Vec<Field> {
    let (key_id, cost): (&[&str], &[&str]) =
        if passphrase { (&["salt"], &["cost", "header"]) } else { (&["key"], &["cost"]) };
    // A salt belongs to its repository.
    let repository: &[&str] = if passphrase { &["salt"] } else { &["header"] };
    vec![
        ("magic", 0..10, &["magic"]),
        ("version", 10..12, &["version"]),
        ("length", 12..16, &["length", "cut", "fields", "header"]),
        ("cipher", 16..17, &["cipher", "header"]),
        ("wrap", 17..18, &["wrap", "cost", "salt", "key"]),
        ("key id", 18..34, key_id),
        ("cost", 34..46, cost),
        ("wrap nonce", 46..58, &["header"]),
        ("nonce prefix", 58..65, &["header"]),
        ("place", 65..66, &["place"]),
        ("repository", 66..82, repository),
        ("length of the database", 82..84, &["fields", "name"]),
        ("database", 84..88, &["name", "header"]),
        ("length of the backup", 88..90, &["fields", "name"]),
        ("backup", 90..118, &["name", "header", "fields"]),
        ("length of the part", 118..120, &["fields", "name"]),
        ("part", 120..129, &["name", "header", "fields"]),
        ("segment", 129..133, &["header"]),
        ("wrapped key", 133..181, &["header"]),
    ]
}

/// Changes of one object whose plain bytes are `plain`.
fn changes(seed: &mut Seed, object: &[u8], passphrase: bool) -> Vec<Vector> {
    let header = usize::try_from(header_bytes(&identity("shop.dump", 0))).unwrap();
    assert_eq!(fields(passphrase).last().unwrap().1.end, header);
    let mut vectors = Vec::new();
    let mut add = |what: String, bytes: Vec<u8>, reasons: &[&'static str]| {
        assert!(bytes != object, "{what} changed nothing");
        vectors.push(Vector { what, bytes, reasons: reasons.to_vec() });
    };
    for (name, place, reasons) in fields(passphrase) {
        for _ in 0..3 {
            let (at, bit) = (place.start + seed.below(place.len()), seed.below(8));
            let mut bytes = object.to_vec();
            bytes[at] ^= 1 << bit;
            add(format!("bit {bit} of byte {at} ({name})"), bytes, reasons);
        }
    }
    let body = object.len() - header;
    for _ in 0..8 {
        let (at, bit) = (header + seed.below(body), seed.below(8));
        let mut bytes = object.to_vec();
        bytes[at] ^= 1 << bit;
        add(format!("bit {bit} of byte {at} (chunks)"), bytes, &["chunk"]);
        let length = seed.below(header);
        add(format!("cut to {length}"), object[..length].to_vec(), &["magic", "cut", "length"]);
        let length = header + seed.below(body);
        add(format!("cut to {length}"), object[..length].to_vec(), &["cut", "chunk"]);
        let more: Vec<u8> = (0..=seed.below(40)).map(|_| u8::try_from(seed.below(256)).unwrap()).collect();
        add(format!("{} bytes more", more.len()), [object, &more].concat(), &["chunk", "trailing"]);
    }
    let chunks: Vec<&[u8]> = object[header..].chunks(CHUNK_BYTES + TAG_BYTES).collect();
    if chunks.len() > 2 {
        for _ in 0..8 {
            let mut order: Vec<usize> = (0..chunks.len()).collect();
            match seed.below(3) {
                0 => order.swap(0, 1 + seed.below(chunks.len() - 1)),
                1 => order.insert(seed.below(chunks.len()), seed.below(chunks.len())),
                _ => drop(order.remove(seed.below(chunks.len()))),
            }
            let picked: Vec<&[u8]> = order.iter().map(|at| chunks[*at]).collect();
            let bytes = [&object[..header], &picked.concat()].concat();
            if bytes != object {
                add(format!("chunks {order:?}"), bytes, &["chunk", "cut", "trailing"]);
            }
        }
    }
    vectors
}

async fn sealed(key: &MasterKey, cipher: CipherKind, length: usize, identity: &ObjectIdentity) -> Vec<u8> {
    let plain: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut bytes = Vec::new();
    seal(Box::pin(&plain[..]), key, cipher, identity).unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn vectors(key: &MasterKey, passphrase: bool) -> Vec<Vector> {
    let mut seed = Seed(SEED);
    let mut vectors = Vec::new();
    for cipher in [CipherKind::Aes256Gcm, CipherKind::ChaCha20Poly1305] {
        for length in [0, 12, 2 * CHUNK_BYTES + 7] {
            let object = sealed(key, cipher, length, &identity("shop.dump", 0)).await;
            vectors.extend(changes(&mut seed, &object, passphrase));
        }
        for other in [identity("shop.dump", 1), identity("crm.dump", 0), identity("contents.json", 7)] {
            let bytes = sealed(key, cipher, 12, &other).await;
            vectors.push(Vector { what: format!("{other}"), bytes, reasons: vec!["other"] });
        }
    }
    vectors
}

/// The name of the reason.
fn reason(error: &CryptoError) -> &'static str {
    match error {
        CryptoError::NotSealed => "magic",
        CryptoError::UnknownVersion { .. } => "version",
        CryptoError::UnknownCipher { .. } => "cipher",
        CryptoError::UnknownWrap { .. } => "wrap",
        CryptoError::UnknownPlace { .. } => "place",
        CryptoError::KeyMissing { .. } => "key",
        CryptoError::WrongKey { .. } | CryptoError::HeaderTampered => "header",
        CryptoError::Tampered { .. } => "chunk",
        CryptoError::Truncated { .. } => "cut",
        // Too many costs were tried for one repository.
        CryptoError::Derivation { .. } => "cost",
        CryptoError::TrailingBytes { .. } => "trailing",
        CryptoError::OtherObject { .. } => "other",
        CryptoError::MalformedHeader { problem } => {
            let words = [
                ("length", "length"),
                ("cost", "cost"),
                ("salt", "salt"),
                ("field", "fields"),
                ("name", "name"),
                ("backup id", "name"),
            ];
            words.iter().find(|(word, _)| problem.contains(word)).unwrap().1
        }
        other => panic!("{other}"),
    }
}

async fn opened(bytes: &[u8], keyring: &Arc<Keyring>) -> Result<usize, CryptoError> {
    let expect = Expect::Object(identity("shop.dump", 0));
    let mut plain = Vec::new();
    let read = open(Box::pin(bytes), Arc::clone(keyring), expect).read_to_end(&mut plain).await;
    read.map_err(|error| error.downcast().unwrap())
}

/// A python that has the decoder's modules.
fn python() -> Option<PathBuf> {
    let program =
        std::env::var_os("JAGAD_TEST_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let probe = Command::new(&program).args(["-c", "import cryptography, zstandard, argon2"]).output();
    let there = probe.is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("CI").is_none(), "{} lacks the decoder's modules", program.display());
    there.then_some(program)
}

#[tokio::test]
async fn more_than_500_malformed_objects_are_each_refused_for_the_right_reason() {
    let folder = tempfile::tempdir().unwrap();
    let raw = MasterKey::generate().unwrap();
    let phrase = MasterKey::from_passphrase(Secret::new(PASSPHRASE.to_owned())).unwrap();
    let mut index = Vec::new();
    for (key, passphrase) in [(raw.clone(), false), (phrase.clone(), true)] {
        for Vector { what, bytes, reasons } in vectors(&key, passphrase).await {
            let entry = |key: &MasterKey| KeyringEntry {
                name: "main".parse().unwrap(),
                key: key.clone(),
                usage: KeyUse::Active,
            };
            let keyring = Arc::new(Keyring::new(vec![entry(&raw), entry(&phrase)]));
            let found = opened(&bytes, &keyring).await.expect_err(&what);
            // With the other kind of wrap the other key is tried, which then does not fit.
            assert!(reasons.contains(&reason(&found)), "{what}, passphrase {passphrase}: {found}");
            let file = format!("{:04}", index.len());
            std::fs::write(folder.path().join(&file), bytes).unwrap();
            index.push(json!({"file": file, "what": what, "passphrase": passphrase, "reasons": reasons}));
        }
    }
    assert!(index.len() >= 500, "{}", index.len());
    let Some(python) = python() else { return };
    std::fs::write(folder.path().join("main.key"), raw.to_file_text().unwrap().expose()).unwrap();
    std::fs::write(folder.path().join("phrase"), PASSPHRASE).unwrap();
    std::fs::write(folder.path().join("index.json"), serde_json::to_vec(&index).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decoder/refuse.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
