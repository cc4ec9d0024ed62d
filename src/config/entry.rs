//! One resolved entry of each named table.

use super::hooks::Hooks;
use super::secret::SecretSource;
use crate::crypto::KeyUse;
use crate::engine::TlsSettings;
use crate::engine::{DatabaseChoice, Filter, Scope};
use crate::model::{
    ByteSize, CipherKind, Codec, DatabaseName, EngineKind, KeyName, NotifierName, PolicyName, StoreName,
};
use crate::retention::Retention;
use crate::store::settings::S3Checksum;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A `[keys.NAME]` table.
#[derive(Debug, Clone)]
pub struct KeyEntry {
    /// Whether new backups may use it.
    pub key_use: KeyUse,
    /// Where it comes from.
    pub source: KeySource,
}

/// Where a key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A key file.
    File(PathBuf),
    /// A passphrase.
    Passphrase(SecretSource),
}

impl KeySource {
    /// For people: where, never what.
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Passphrase(source) => format!("passphrase from {}", source.describe()),
        }
    }

    /// The key file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Passphrase(_) => None,
        }
    }
}

/// A `[stores.NAME]` table, its secrets not yet fetched.
#[derive(Debug, Clone)]
pub enum StoreEntry {
    /// A directory.
    Local(PathBuf),
    /// S3 or compatible.
    S3(Box<S3Entry>),
}

/// An S3 store, its secrets not yet fetched.
#[derive(Debug, Clone)]
pub struct S3Entry {
    pub(super) endpoint: Option<String>,
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) prefix: String,
    pub(super) credentials: CredentialsEntry,
    pub(super) path_style: Option<bool>,
    pub(super) tls_ca: Option<PathBuf>,
    pub(super) insecure_tls: bool,
    pub(super) allow_http: bool,
    pub(super) storage_class: Option<String>,
    pub(super) sse: Option<String>,
    pub(super) kms_key_id: Option<String>,
    pub(super) object_lock_days: u32,
    pub(super) part_size: ByteSize,
    pub(super) max_parts: u32,
    pub(super) uploads: u32,
    pub(super) checksum: S3Checksum,
    pub(super) bandwidth: Option<ByteSize>,
}

/// Where S3 credentials come from.
#[derive(Debug, Clone)]
pub(super) enum CredentialsEntry {
    Static { access_key: SecretSource, secret_key: SecretSource, session_token: Option<SecretSource> },
    Profile(String),
    Chain,
}

/// A `[policies.NAME]` table.
#[derive(Debug, Clone)]
pub struct PolicyEntry {
    /// Its name.
    pub name: PolicyName,
    /// Store of its databases, where their entries name none.
    pub store: Option<StoreName>,
    /// Who is told of them.
    pub notify: Vec<NotifierName>,
    /// What is kept of each.
    pub retention: Retention,
}

/// A `[databases.NAME]` table, its password not yet fetched.
#[derive(Debug, Clone)]
pub struct DatabaseEntry {
    /// Its name.
    pub name: DatabaseName,
    /// Its engine.
    pub engine: EngineKind,
    /// Whether `--all` means it too.
    pub active: bool,
    /// Whether a restore into it needs force.
    pub protect: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Policy it is under.
    pub policy: Option<PolicyName>,
    /// Store it names.
    pub store: Option<StoreName>,
    /// Programs around its backups.
    pub hooks: Hooks,
    /// Compression.
    pub codec: Codec,
    pub(super) level: Option<i32>,
    pub(super) encryption: Encryption,
    pub(super) choice: DatabaseChoice,
    pub(super) globals: bool,
    pub(super) connection: Connection,
}

/// How backups of an entry are encrypted.
#[derive(Debug, Clone)]
pub(super) struct Encryption {
    pub(super) enabled: bool,
    pub(super) cipher: CipherKind,
    pub(super) key: Option<KeyName>,
}

/// How to reach a server.
#[derive(Debug, Clone, Default)]
pub(super) struct Connection {
    pub(super) host: Option<String>,
    pub(super) socket: Option<PathBuf>,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<SecretSource>,
    pub(super) tls: TlsSettings,
    pub(super) maintenance_database: String,
    pub(super) filter: Filter,
    pub(super) role_passwords: bool,
    pub(super) extra_args: Vec<String>,
    pub(super) bin_dir: Option<PathBuf>,
}

/// What the command line says of encryption.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EncryptionChoice {
    /// As configured.
    #[default]
    Configured,
    /// On, with this key.
    Key(KeyName),
    /// Off.
    Off,
}

impl DatabaseEntry {
    /// An entry that is only a name: enough to hold a lease on a database that left the inventory.
    pub fn bare(name: DatabaseName) -> Self {
        Self {
            name,
            engine: EngineKind::PostgreSql,
            active: false,
            protect: false,
            labels: BTreeMap::new(),
            policy: None,
            store: None,
            hooks: Hooks::none(),
            codec: Codec::Zstd,
            level: None,
            encryption: Encryption { enabled: true, cipher: CipherKind::Aes256Gcm, key: None },
            choice: DatabaseChoice::Named(Vec::new()),
            globals: false,
            connection: Connection::default(),
        }
    }

    /// What to take: the databases named on the command line, or those of the entry.
    pub fn scope(&self, named: &[String]) -> Scope {
        let databases = match named {
            [] => self.choice.clone(),
            named => DatabaseChoice::Named(named.to_vec()),
        };
        Scope { databases, globals: self.globals }
    }

    /// The compression level for the entry's codec, or for another one.
    pub fn level(&self, codec: Option<Codec>) -> i32 {
        let chosen = codec.unwrap_or(self.codec);
        let default = match chosen {
            Codec::Zstd => 3,
            Codec::Gzip => 6,
            Codec::None => 0,
        };
        if chosen == self.codec { self.level.unwrap_or(default) } else { default }
    }
}
