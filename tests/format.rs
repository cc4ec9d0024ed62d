//! `docs/FORMAT.md` is kept: a decoder that knows nothing but that page reads what this program writes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use jagad::catalog::{
    Authenticator, FORMAT, Manifest, Part, Proof, RecipeRecord, Segment, UnprovenManifests, authenticity,
};
use jagad::crypto::{self, MasterKey, ObjectIdentity, ObjectPlace};
use jagad::model::digest::hex;
use jagad::model::{
    Authentication, BackupKind, BackupStatus, ByteReader, CipherKind, Codec, EngineKind, Method, PartKind,
    RepositoryId, Secret, Sha256Digest, Timestamp,
};
use jagad::pipeline::{Gauge, PackGauges, Recipe, Segments, measure, pack};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::AsyncReadExt as _;

const OBJECT_LIMIT: u64 = 150_000;
const PASSPHRASE: &str = "correct horse, größer";

/// A python that has the decoder's modules. Where there is none the tests that need it say so and pass; in CI they fail.
fn python() -> Option<PathBuf> {
    let program =
        std::env::var_os("JAGAD_TEST_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let probe = Command::new(&program).args(["-c", "import cryptography, zstandard, argon2"]).output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "{} lacks the decoder's modules", program.display());
    // Not `eprintln!`: the harness would swallow it in a test that passes.
    let why = "needs python3 with cryptography, zstandard and argon2-cffi (or JAGAD_TEST_PYTHON)";
    let line = format!("SKIPPED: the test of docs/FORMAT.md {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

/// How one backup is written.
#[derive(Clone, Copy)]
enum Sealed {
    No,
    WithKey(CipherKind),
    WithPassphrase(CipherKind),
}

impl Sealed {
    fn cipher(self) -> Option<CipherKind> {
        match self {
            Self::No => None,
            Self::WithKey(cipher) | Self::WithPassphrase(cipher) => Some(cipher),
        }
    }

    fn key(self) -> MasterKey {
        match self {
            Self::WithPassphrase(_) => {
                MasterKey::from_passphrase(Secret::new(PASSPHRASE.to_owned())).unwrap()
            }
            Self::No | Self::WithKey(_) => MasterKey::generate().unwrap(),
        }
    }
}

/// The parts every backup gets: empty, full chunks, and more than one segment however it is compressed.
fn parts() -> Vec<(&'static str, Vec<u8>)> {
    let mut seed = 1_u64;
    let mut noise = |count: usize| -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed.to_be_bytes()[0]
        };
        (0..count).map(|_| next()).collect()
    };
    vec![("empty.sql", Vec::new()), ("edge.dump", noise(2 * 65_536)), ("shop.dump", noise(500_003))]
}

/// What the decoder must say of a change, and the change.
type Change = (&'static str, fn(&mut Vec<u8>));

/// What the decoder must say of a changed manifest, and the change.
type Forgery = (&'static str, fn(&str) -> String);

/// A backup as files in a folder, as somebody would copy it from the bucket.
struct Backup {
    folder: tempfile::TempDir,
    manifest: Manifest,
    sealed: Sealed,
    key: OneKey,
}

/// Proves manifests with one key, where there is one.
#[derive(Debug)]
struct OneKey(Option<MasterKey>);

impl Authenticator for OneKey {
    fn authenticate(&self, manifest: &Manifest, content: &[u8]) -> Option<Authentication> {
        self.0.as_ref().map(|key| key.authenticate(manifest.repository, content).unwrap())
    }

    fn prove(&self, _: RepositoryId, _: &[u8], _: Result<&Authentication, &str>) -> Proof {
        Proof::NotAsked
    }

    fn unproven(&self) -> UnprovenManifests {
        UnprovenManifests::Accepted
    }
}

impl Backup {
    async fn written(codec: Codec, sealed: Sealed) -> Self {
        let key = sealed.key();
        let id = "20261120T020000Z-full-k3v9x2".parse().unwrap();
        let repository = RepositoryId::random();
        let mut manifest = Manifest {
            format: FORMAT,
            id,
            repository,
            database: "shop".parse().unwrap(),
            engine: EngineKind::PostgreSql,
            server: None,
            tool: None,
            method: Method::Logical,
            physical: None,
            integrity: jagad::model::Integrity::Own,
            log: None,
            kind: BackupKind::Full,
            parent: None,
            source: None,
            started_at: Timestamp::from_unix_seconds(0),
            finished_at: Timestamp::from_unix_seconds(0),
            duration_ms: 0,
            span: None,
            status: BackupStatus::Success,
            error: None,
            fallback_reason: None,
            purpose: jagad::model::BackupPurpose::Manual,
            partial: false,
            left_out: std::collections::BTreeMap::new(),
            note: None,
            labels: std::collections::BTreeMap::new(),
            jagad: "0.1.0".to_owned(),
            host: "db1".to_owned(),
            recipe: RecipeRecord {
                codec,
                level: 3,
                cipher: sealed.cipher(),
                key_id: sealed.cipher().map(|_| key.id_in(repository).to_string()),
            },
            parts: Vec::new(),
        };
        let backup = tempfile::tempdir().unwrap();
        for (name, bytes) in parts() {
            let part = store(backup.path(), &manifest, (name, &bytes), &key).await;
            manifest.parts.push(part);
        }
        if let Some(text) = key.to_file_text() {
            std::fs::write(backup.path().join("main.key"), text.expose()).unwrap();
        }
        std::fs::write(backup.path().join("phrase"), format!("{PASSPHRASE}\n")).unwrap();
        let key = OneKey(sealed.cipher().map(|_| key));
        let backup = Self { folder: backup, manifest, sealed, key };
        backup.record();
        backup
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn record(&self) {
        std::fs::write(self.path("manifest.json"), authenticity::print(&self.manifest, &self.key)).unwrap();
    }

    /// What the decoder says when it fails.
    fn decode(&self, python: &Path) -> Result<(), String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decoder/decode.py");
        let mut command = Command::new(python);
        command.arg(script);
        match self.sealed {
            Sealed::No => {}
            Sealed::WithKey(_) => drop(command.arg("--key-file").arg(self.path("main.key"))),
            Sealed::WithPassphrase(_) => drop(command.arg("--passphrase-file").arg(self.path("phrase"))),
        }
        let output = command.arg(self.folder.path()).arg(self.path("out")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    }

    /// Changes one stored segment, and the record of it as somebody could who can write to the bucket.
    fn alter(&mut self, part: usize, segment: usize, change: impl FnOnce(&mut Vec<u8>)) {
        let record = &mut self.manifest.parts[part].segments[segment];
        let path = self.folder.path().join(record.key.file_name());
        let mut bytes = std::fs::read(&path).unwrap();
        let before = bytes.len() as u64;
        change(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        record.bytes = bytes.len() as u64;
        record.sha256 = Sha256Digest::of(&bytes);
        let record = &mut self.manifest.parts[part];
        record.stored_bytes = record.stored_bytes - before + bytes.len() as u64;
        self.record();
    }
}

/// Packs, cuts, seals and stores one part, as a backup does.
async fn store(folder: &Path, manifest: &Manifest, (name, bytes): (&str, &[u8]), key: &MasterKey) -> Part {
    let gauges = PackGauges::new();
    let recipe = Recipe { codec: manifest.recipe.codec, level: 3 };
    let identity = ObjectIdentity {
        repository: manifest.repository,
        place: ObjectPlace::Part {
            database: manifest.database.clone(),
            backup: manifest.id.clone(),
            part: name.parse().unwrap(),
            segment: 0,
        },
    };
    let limit = crypto::packed_limit(OBJECT_LIMIT, &identity);
    let mut cutter = Segments::new(pack(Box::pin(bytes), &recipe, &gauges), limit);
    let mut segments = Vec::new();
    while let Some(segment) = cutter.next().await.unwrap() {
        let index = u32::try_from(segments.len()).unwrap();
        let mut sealed: ByteReader<'_> = match manifest.recipe.cipher {
            Some(cipher) => crypto::seal(segment, key, cipher, &identity.with_segment(index)).unwrap(),
            None => segment,
        };
        let number = if index == 0 { String::new() } else { format!(".{index:04}") };
        let (gauge, mut stored) = (Gauge::hashing(), Vec::new());
        sealed = measure(sealed, &gauge);
        sealed.read_to_end(&mut stored).await.unwrap();
        assert!(stored.len() as u64 <= OBJECT_LIMIT);
        std::fs::write(folder.join(format!("{name}{number}")), &stored).unwrap();
        let key = format!("databases/shop/backups/{}/{name}{number}", manifest.id).parse().unwrap();
        segments.push(Segment { key, bytes: gauge.bytes(), sha256: gauge.digest().unwrap() });
    }
    Part {
        name: name.parse().unwrap(),
        kind: PartKind::Database,
        database: Some("shop".to_owned()),
        plain_bytes: gauges.plain.bytes(),
        packed_bytes: gauges.packed.bytes(),
        packed_sha256: gauges.packed.digest().unwrap(),
        stored_bytes: segments.iter().map(|segment| segment.bytes).sum(),
        segments,
        tables: None,
        rows: None,
        position: None,
        argv: Vec::new(),
        properties: serde_json::Value::Null,
    }
}

#[tokio::test]
async fn a_stranger_decodes_every_codec_cipher_and_kind_of_key_byte_for_byte() {
    let Some(python) = python() else { return };
    for codec in [Codec::Zstd, Codec::Gzip, Codec::None] {
        for sealed in [
            Sealed::No,
            Sealed::WithKey(CipherKind::Aes256Gcm),
            Sealed::WithKey(CipherKind::ChaCha20Poly1305),
            Sealed::WithPassphrase(CipherKind::Aes256Gcm),
            Sealed::WithPassphrase(CipherKind::ChaCha20Poly1305),
        ] {
            let backup = Backup::written(codec, sealed).await;
            assert!(backup.manifest.parts[2].segments.len() > 2);
            backup.decode(&python).unwrap_or_else(|said| panic!("{codec} {:?}: {said}", sealed.cipher()));
            for (name, bytes) in parts() {
                let decoded = std::fs::read(backup.path("out").join(name)).unwrap();
                assert!(decoded == bytes, "{name} with {codec} and {:?} differs", sealed.cipher());
            }
        }
    }
}

#[tokio::test]
async fn a_stranger_refuses_what_was_altered_even_when_the_records_were_too() {
    let Some(python) = python() else { return };
    let sealed = Sealed::WithKey(CipherKind::Aes256Gcm);
    let changes: [Change; 4] = [
        ("authenticate", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("authenticate", |bytes| bytes[70] ^= 1),
        ("authenticate", |bytes| bytes.truncate(bytes.len() - 5)),
        ("version 2", |bytes| bytes[11] = 2),
    ];
    for (message, change) in changes {
        let mut backup = Backup::written(Codec::Zstd, sealed).await;
        backup.alter(2, 1, change);
        let said = backup.decode(&python).unwrap_err();
        assert!(said.contains("damaged") && said.contains(message), "{said}");
    }
    let mut swapped = Backup::written(Codec::Zstd, sealed).await;
    swapped.manifest.parts[2].segments.swap(0, 1);
    swapped.record();
    assert!(swapped.decode(&python).unwrap_err().contains("this is the object"));
}

#[tokio::test]
async fn a_stranger_refuses_a_manifest_that_the_key_does_not_prove() {
    let Some(python) = python() else { return };
    let sealings = [CipherKind::Aes256Gcm, CipherKind::ChaCha20Poly1305];
    let sealings = sealings.map(|cipher| [Sealed::WithKey(cipher), Sealed::WithPassphrase(cipher)]).concat();
    let forgeries: [Forgery; 5] = [
        ("not authentic", |text| text.replacen("\"db1\"", "\"db2\"", 1)),
        ("not authentic", |text| text.replacen("\"cipher\": \"", "\"cipher\": null, \"was\": \"", 1)),
        ("not authentic", |text| text.replacen("\"mac\": \"", "\"mac\": \"00", 1)),
        ("unknown kind", |text| text.replacen("hmac-sha256", "hmac-sha1", 1)),
        ("no authentication", |text| {
            text.split(",\n  \"authentication\"").next().unwrap().to_owned() + "\n}\n"
        }),
    ];
    for sealed in sealings {
        let backup = Backup::written(Codec::Zstd, sealed).await;
        let whole = std::fs::read_to_string(backup.path("manifest.json")).unwrap();
        for (message, forge) in forgeries {
            let forged = forge(&whole);
            assert_ne!(forged, whole);
            std::fs::write(backup.path("manifest.json"), forged).unwrap();
            let said = backup.decode(&python).unwrap_err();
            assert!(said.contains("damaged") && said.contains(message), "{said}");
        }
    }
}

#[tokio::test]
async fn the_page_names_every_field_of_the_manifest() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FORMAT.md")).unwrap();
    let backup = Backup::written(Codec::None, Sealed::WithPassphrase(CipherKind::Aes256Gcm)).await;
    let value: serde_json::Value =
        serde_json::from_slice(&authenticity::print(&backup.manifest, &backup.key)).unwrap();
    let mut fields = Vec::new();
    names(&value, &mut fields);
    assert!(fields.iter().any(|field| field == "packed_sha256"));
    let words: std::collections::BTreeSet<&str> =
        page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for field in fields {
        assert!(words.contains(field.as_str()), "docs/FORMAT.md does not explain `{field}`");
    }
    let magic = hex(b"JAGAD\0SEAL");
    let spaced: Vec<&str> = (0..10).map(|at| &magic[2 * at..2 * at + 2]).collect();
    assert!(page.contains(&spaced.join(" ")));
}

fn names(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(table) => {
            for (name, value) in table {
                found.push(name.clone());
                names(value, found);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}
