//! One resolved entry of each named table.

use super::hooks::Hooks;
use super::secret::SecretSource;
use crate::compress::default_level;
use crate::crypto::KeyUse;
use crate::engine::{DatabaseChoice, Filter, PgBackRestSettings, Scope, TlsSettings};
use crate::model::{
    BackupKind, ByteSize, CipherKind, Codec, DatabaseName, Demand, EngineKind, IncrementalBase, KeyName,
    Method, NotifierName, PolicyName, SourceChoice, StoreName, Timestamp, VerifyLevel,
};
use crate::retention::Retention;
use crate::schedule::Cadence;
use crate::store::settings::S3Checksum;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Where the key comes from, for people; never the key itself.
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

/// A `[stores.NAME]` table; the secrets are not fetched yet.
#[derive(Debug, Clone)]
pub enum StoreEntry {
    /// A directory.
    Local(PathBuf),
    /// S3 or compatible.
    S3(Box<S3Entry>),
}

/// An S3 store; the secrets are not fetched yet.
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
    pub(super) answer_timeout: Duration,
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
    /// Store of its databases whose entries name none.
    pub store: Option<StoreName>,
    /// Notifiers for its databases.
    pub notify: Vec<NotifierName>,
    /// Whether anything is scheduled.
    pub enabled: bool,
    /// When fulls are taken.
    pub full: Option<Cadence>,
    /// When incrementals are taken.
    pub incremental: Option<Cadence>,
    /// What incrementals build on.
    pub incremental_base: IncrementalBase,
    /// This many consecutive failures pause a database; 0 means never.
    pub pause_after_failures: u32,
    /// How often a failed scheduled run is tried again before it counts.
    pub retries: u32,
    /// What is verified after each scheduled backup.
    pub verify: Option<VerifyLevel>,
    /// How long the last good backup may go without a verification.
    pub max_unverified: Option<Duration>,
    /// The share of the full before that a full must have; 0 to 1.
    pub expected_min_ratio: f64,
    /// The retention of each database.
    pub retention: Retention,
    pub(super) overdue_after: Option<Duration>,
    pub(super) packing: PackingEntry,
}

impl PolicyEntry {
    /// The planned kind of backup of `entry` that needs most of its server.
    pub fn hardest_kind(&self, entry: &DatabaseEntry) -> BackupKind {
        match self.incremental {
            Some(_) if entry.takes_incrementals() => BackupKind::Incremental,
            _ => BackupKind::Full,
        }
    }

    /// How long after `planned` a backup that was planned for that time is overdue: as configured, or half the time
    /// until the next one, at most six hours.
    pub fn grace(&self, cadence: &Cadence, planned: Timestamp) -> Duration {
        const LONGEST: Duration = Duration::from_secs(6 * 3600);
        let half = || cadence.next(planned).map_or(LONGEST, |next| next.since(planned) / 2);
        self.overdue_after.unwrap_or_else(|| half().min(LONGEST))
    }
}

/// How backups are packed, with only the values that this table sets; the rest are defaults from elsewhere.
#[derive(Debug, Clone, Default)]
pub(super) struct PackingEntry {
    pub(super) codec: Option<Codec>,
    pub(super) level: Option<i32>,
    pub(super) encrypt: Option<bool>,
    pub(super) cipher: Option<CipherKind>,
    pub(super) key: Option<KeyName>,
}

impl PackingEntry {
    /// The values of this table, and of `base` where this table has none. A level belongs to the codec that it was
    /// written with.
    fn over(&self, base: &Self) -> Self {
        let level = if self.codec.is_none() { self.level.or(base.level) } else { self.level };
        Self {
            codec: self.codec.or(base.codec),
            level,
            encrypt: self.encrypt.or(base.encrypt),
            cipher: self.cipher.or(base.cipher),
            key: self.key.clone().or_else(|| base.key.clone()),
        }
    }

    /// Whether backups are encrypted; the default is yes.
    pub(super) fn encrypts(&self) -> bool {
        self.encrypt.unwrap_or(true)
    }

    /// The cipher.
    pub(super) fn cipher(&self) -> CipherKind {
        self.cipher.unwrap_or(CipherKind::Aes256Gcm)
    }
}

/// A `[databases.NAME]` table; the password is not fetched yet.
#[derive(Debug, Clone)]
pub struct DatabaseEntry {
    /// Its name.
    pub name: DatabaseName,
    /// Its engine.
    pub engine: EngineKind,
    /// How its data is taken.
    pub method: Method,
    /// Whether `--all` includes it.
    pub active: bool,
    /// Whether a restore into it needs force.
    pub protect: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Policy it is under.
    pub policy: Option<PolicyName>,
    /// Whether the entry has `policy = "none"`.
    pub no_policy: bool,
    /// Store it names.
    pub store: Option<StoreName>,
    /// Hooks of its backups.
    pub hooks: Hooks,
    /// Which of its servers backups are taken from.
    pub source: SourceChoice,
    /// Its replicas, the preferred first.
    pub replicas: Vec<ReplicaEntry>,
    pub(super) packing: PackingEntry,
    pub(super) choice: DatabaseChoice,
    pub(super) globals: bool,
    pub(super) connection: Connection,
}

/// A `[[databases.NAME.replicas]]` table; the password is not fetched yet.
#[derive(Debug, Clone)]
pub struct ReplicaEntry {
    /// It is skipped when it is further behind than this.
    pub max_lag: Duration,
    pub(super) connection: Connection,
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
    pub(super) pgbackrest: Option<PgBackRestSettings>,
}

/// The encryption options of the command line.
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
    /// An entry with only a name: enough to hold a lease on a database that is no longer in the inventory.
    pub fn bare(name: DatabaseName) -> Self {
        Self {
            name,
            engine: EngineKind::PostgreSql,
            method: Method::Logical,
            active: false,
            protect: false,
            labels: BTreeMap::new(),
            policy: None,
            no_policy: false,
            store: None,
            hooks: Hooks::none(),
            source: SourceChoice::Auto,
            replicas: Vec::new(),
            packing: PackingEntry::default(),
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

    /// A backup of `kind`, taken as the entry says.
    pub fn demand(&self, kind: BackupKind) -> Demand {
        Demand { kind, method: self.method }
    }

    /// Whether incremental backups of it can be taken.
    pub fn takes_incrementals(&self) -> bool {
        self.engine.takes_incrementals(self.method)
    }

    /// Why incremental backups are not possible, for people: a clause without a full stop.
    pub fn without_incrementals(&self) -> String {
        format!(
            "`{}` cannot have incremental backups: it is {}, and its method is {}",
            self.name, self.engine, self.method
        )
    }

    /// Where its server is, for people.
    pub fn address(&self) -> String {
        let connection = &self.connection;
        match (&connection.host, &connection.socket) {
            (Some(host), _) => format!("{host}:{}", connection.port),
            (None, Some(socket)) => socket.display().to_string(),
            (None, None) => String::new(),
        }
    }

    /// The entry with the defaults of `policy` for everything that the entry itself does not set.
    #[must_use]
    pub fn under(&self, policy: &PolicyEntry) -> Self {
        Self {
            policy: Some(policy.name.clone()),
            store: self.store.clone().or_else(|| policy.store.clone()),
            packing: self.packing.over(&policy.packing),
            ..self.clone()
        }
    }

    /// Compression.
    pub fn codec(&self) -> Codec {
        self.packing.codec.unwrap_or(Codec::Zstd)
    }

    /// The compression level for the entry's codec, or for another one.
    pub fn level(&self, codec: Option<Codec>) -> i32 {
        let chosen = codec.unwrap_or(self.codec());
        let default = default_level(chosen);
        if chosen == self.codec() { self.packing.level.unwrap_or(default) } else { default }
    }
}
