//! The whole configuration, typed.

use super::document::Document;
use super::entry::{
    Connection, CredentialsEntry, DatabaseEntry, EncryptionChoice, KeyEntry, KeySource, PolicyEntry,
    ReplicaEntry, S3Entry, StoreEntry,
};
use super::error::{ConfigError, unknown};
use super::file::{LogFormat, LogLevel};
use super::notifier::NotifierEntry;
use super::search;
use crate::crypto::{KeyUse, Keyring, KeyringEntry, MasterKey};
use crate::engine::ServerSettings;
use crate::model::{
    CipherKind, DatabaseName, EngineKind, Help, KeyName, NotifierName, PolicyName, RepositoryId, StoreName,
};
use crate::store::settings::S3Credentials;
use crate::store::{LocalSettings, S3Settings, StoreSettings};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A key file is 45 bytes.
const KEY_FILE_LIMIT: u64 = 4 << 10;

/// Everything the user declared.
#[derive(Debug)]
pub struct Inventory {
    /// How this host works.
    pub settings: Settings,
    /// What is logged.
    pub log: LogSettings,
    /// Keys.
    pub keys: BTreeMap<KeyName, KeyEntry>,
    /// Stores.
    pub stores: BTreeMap<StoreName, StoreEntry>,
    /// Repositories that must be in stores.
    pub repositories: BTreeMap<StoreName, RepositoryId>,
    /// Database entries.
    pub databases: BTreeMap<DatabaseName, DatabaseEntry>,
    /// Policies.
    pub policies: BTreeMap<PolicyName, PolicyEntry>,
    /// Notifiers.
    pub notifiers: BTreeMap<NotifierName, NotifierEntry>,
    /// Warnings: settings that should be corrected.
    pub warnings: Vec<String>,
    /// The files it was read from.
    pub files: Vec<PathBuf>,
    pub(super) document: Document,
}

/// How this host works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Backups at once on this host.
    pub max_concurrent: u32,
    /// How long to wait for a slot or a busy database.
    pub lock_wait: Duration,
    /// Longest life of one backup.
    pub timeout: Option<Duration>,
    /// How long a lease is valid without a renewal.
    pub lease_lifetime: Duration,
    /// The time zone that decides where days begin.
    pub zone: Tz,
    /// Folder for throw-away servers.
    pub tmp_dir: PathBuf,
    /// Folder for what could not be written to a store.
    pub state_dir: PathBuf,
    pub(super) default_store: Option<StoreName>,
    pub(super) default_key: Option<KeyName>,
}

/// What is logged.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// How much.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
    /// The log file, in addition to standard error.
    pub file: Option<PathBuf>,
}

impl Inventory {
    /// A configuration that declares nothing, for commands that need none.
    pub fn empty() -> Self {
        Self {
            settings: Settings {
                max_concurrent: 3,
                lock_wait: Duration::ZERO,
                timeout: None,
                lease_lifetime: Duration::from_secs(120),
                zone: Tz::UTC,
                tmp_dir: std::env::temp_dir(),
                state_dir: search::state_dir(),
                default_store: None,
                default_key: None,
            },
            log: LogSettings { level: LogLevel::Info, format: LogFormat::Text, file: None },
            keys: BTreeMap::new(),
            stores: BTreeMap::new(),
            repositories: BTreeMap::new(),
            databases: BTreeMap::new(),
            policies: BTreeMap::new(),
            notifiers: BTreeMap::new(),
            warnings: Vec::new(),
            files: Vec::new(),
            document: Document::default(),
        }
    }

    /// The database entry `name`.
    pub fn database(&self, name: &DatabaseName) -> Result<&DatabaseEntry, ConfigError> {
        self.databases.get(name).ok_or_else(|| {
            unknown("database", name.as_str(), self.databases.keys().map(DatabaseName::as_str))
        })
    }

    /// The store of entries that name none: the configured default, the only one, or `main`.
    pub fn default_store(&self) -> Option<&StoreName> {
        let only = || if self.stores.len() == 1 { self.stores.keys().next() } else { None };
        let main = || self.stores.keys().find(|name| name.as_str() == "main");
        self.settings.default_store.as_ref().or_else(only).or_else(main)
    }

    /// The store of a backup of `entry`: the named one, the entry's own, its policy's, or the default.
    pub fn store_of(&self, entry: &DatabaseEntry, named: Option<&StoreName>) -> Option<StoreName> {
        let policy = || self.policy_of(entry)?.store.as_ref();
        named.or(entry.store.as_ref()).or_else(policy).or_else(|| self.default_store()).cloned()
    }

    /// The policy that `entry` is under.
    pub fn policy_of(&self, entry: &DatabaseEntry) -> Option<&PolicyEntry> {
        self.policies.get(entry.policy.as_ref()?)
    }

    /// The policy `name`.
    pub fn policy(&self, name: &PolicyName) -> Result<&PolicyEntry, ConfigError> {
        self.policies
            .get(name)
            .ok_or_else(|| unknown("policy", name.as_str(), self.policies.keys().map(PolicyName::as_str)))
    }

    /// Settings of the store `name`, or of the default one, with its secrets fetched.
    pub async fn store_settings(&self, name: Option<&StoreName>) -> Result<StoreSettings, ConfigError> {
        if self.stores.is_empty() {
            return Err(ConfigError::NoStore);
        }
        let Some(name) = name.or_else(|| self.default_store()) else {
            let help = Help::new("Name one with --store, or set settings.default_store.");
            return Err(ConfigError::Unknown { what: "store", name: "main".to_owned(), help });
        };
        match self.stores.get(name) {
            Some(StoreEntry::Local(path)) => Ok(StoreSettings::Local(LocalSettings { path: path.clone() })),
            Some(StoreEntry::S3(entry)) => Ok(StoreSettings::S3(Box::new(s3_settings(entry).await?))),
            None => Err(unknown("store", name.as_str(), self.stores.keys().map(StoreName::as_str))),
        }
    }

    /// Settings of an entry's engine, with its password fetched.
    pub async fn engine_settings(&self, entry: &DatabaseEntry) -> Result<ServerSettings, ConfigError> {
        settings_of(entry, &entry.connection).await
    }

    /// Settings of the engine of one of an entry's replicas, with its password fetched.
    pub async fn replica_settings(
        &self,
        entry: &DatabaseEntry,
        replica: &ReplicaEntry,
    ) -> Result<ServerSettings, ConfigError> {
        settings_of(entry, &replica.connection).await
    }

    /// Settings of the engine `kind` with the tools of the entry `name`, and without a server.
    pub fn tool_settings(&self, kind: EngineKind, name: &DatabaseName) -> ServerSettings {
        let connection = self.databases.get(name).map(|entry| &entry.connection);
        let bin_dir = connection.and_then(|connection| connection.bin_dir.clone());
        let pgbackrest = connection.and_then(|connection| connection.pgbackrest.clone());
        ServerSettings { pgbackrest, ..ServerSettings::tools_only(kind, bin_dir) }
    }

    /// The key `name`, read from its file or derived from its passphrase.
    pub async fn key(&self, name: &KeyName) -> Result<MasterKey, ConfigError> {
        let entry = self
            .keys
            .get(name)
            .ok_or_else(|| unknown("key", name.as_str(), self.keys.keys().map(KeyName::as_str)))?;
        let unusable = |problem: String, help: Option<&str>| ConfigError::Key {
            name: name.to_string(),
            problem,
            help: help.and_then(Help::new),
        };
        match &entry.source {
            KeySource::File(path) => {
                read_key(path).map_err(|(problem, help)| unusable(problem, help.as_deref()))
            }
            KeySource::Passphrase(source) => MasterKey::from_passphrase(source.resolve().await?)
                .map_err(|error| unusable(error.to_string(), None)),
        }
    }

    /// Every key that can be read: an unreadable one is an error only for what needs it.
    pub async fn keyring(&self) -> Result<Keyring, ConfigError> {
        let mut entries = Vec::new();
        let mut first_problem = None;
        for (name, entry) in &self.keys {
            match self.key(name).await {
                Ok(key) => entries.push(KeyringEntry { name: name.clone(), key, usage: entry.key_use }),
                Err(error) => {
                    tracing::warn!(target: "jagad", "{error}");
                    first_problem.get_or_insert(error);
                }
            }
        }
        match first_problem {
            Some(error) if entries.is_empty() => Err(error),
            _ => Ok(Keyring::new(entries)),
        }
    }

    /// Cipher and key of a new backup of `entry`; `None` when it is not encrypted.
    pub async fn sealing(
        &self,
        entry: &DatabaseEntry,
        choice: &EncryptionChoice,
    ) -> Result<Option<(CipherKind, Arc<MasterKey>)>, ConfigError> {
        let name = match choice {
            EncryptionChoice::Off => return Ok(None),
            EncryptionChoice::Configured if !entry.packing.encrypts() => return Ok(None),
            EncryptionChoice::Configured => self.key_of(entry)?,
            EncryptionChoice::Key(name) => name.clone(),
        };
        if self.keys.get(&name).is_some_and(|key| key.key_use == KeyUse::Retired) {
            let help = Help::new("Choose a key that is not retired; see `jagad key list`.");
            return Err(ConfigError::Key {
                name: name.to_string(),
                problem: "it is retired".to_owned(),
                help,
            });
        }
        Ok(Some((entry.packing.cipher(), Arc::new(self.key(&name).await?))))
    }

    /// The key of an entry: its own, the default, the only one that is not retired, or `main`.
    pub fn key_of(&self, entry: &DatabaseEntry) -> Result<KeyName, ConfigError> {
        let active: Vec<&KeyName> =
            self.keys.iter().filter(|(_, key)| key.key_use == KeyUse::Active).map(|(name, _)| name).collect();
        let only = || if active.len() == 1 { active.first().copied() } else { None };
        let main = || active.iter().copied().find(|name| name.as_str() == "main");
        let named = entry.packing.key.as_ref().or(self.settings.default_key.as_ref());
        named.or_else(only).or_else(main).cloned().ok_or_else(|| ConfigError::NoKey {
            database: entry.name.to_string(),
            help: Help::new(if active.is_empty() {
                "Make one with `jagad key generate main`, or set encryption = { enabled = false }."
            } else {
                "Set encryption.key of the entry, or settings.default_key."
            }),
        })
    }

    /// The file that declares the key `name`.
    pub fn file_of_key(&self, name: &KeyName) -> PathBuf {
        let declared = self.document.file_of(&["keys", name.as_str()]);
        declared.or(self.files.first().map(PathBuf::as_path)).unwrap_or(Path::new("")).to_owned()
    }

    /// The merged configuration with every inline secret hidden.
    pub fn shown(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self.document.root()).unwrap_or_default();
        hide(&mut value);
        value
    }
}

fn hide(value: &mut serde_json::Value) {
    const SECRETS: [&str; 7] =
        ["password", "passphrase", "access_key", "secret_key", "session_token", "url", "token"];
    if let Some(list) = value.as_array_mut() {
        list.iter_mut().for_each(hide);
    }
    let Some(object) = value.as_object_mut() else { return };
    for (key, inner) in object {
        if SECRETS.contains(&key.as_str()) && inner.is_string() {
            *inner = "***".into();
        } else {
            hide(inner);
        }
    }
}

type Problem = (String, Option<String>);

/// Reads a key file that only its owner (or root) can read.
fn read_key(path: &Path) -> Result<MasterKey, Problem> {
    let shown = path.display();
    let cannot = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "Restore the key file from your copy; a new key cannot decrypt old backups."
            }
            _ => "Let the user that runs jagad read the key file.",
        };
        (format!("cannot read {shown}: {error}"), Some(help.to_owned()))
    };
    let metadata = std::fs::metadata(path).map_err(cannot)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let problem = format!("{shown} can be read or changed by others (mode {mode:04o})");
        return Err((problem, Some(format!("chmod 600 {shown}"))));
    }
    if metadata.len() > KEY_FILE_LIMIT {
        return Err((format!("{shown} is not a key file: it has {} bytes", metadata.len()), None));
    }
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(cannot)?);
    MasterKey::from_file_text(&text).map_err(|error| (format!("{shown}: {error}"), None))
}

async fn settings_of(entry: &DatabaseEntry, connection: &Connection) -> Result<ServerSettings, ConfigError> {
    let password = match &connection.password {
        Some(source) => Some(source.resolve().await?),
        None => None,
    };
    Ok(ServerSettings {
        kind: entry.engine,
        host: connection.host.clone(),
        socket: connection.socket.clone(),
        port: connection.port,
        user: connection.user.clone(),
        password,
        tls: connection.tls.clone(),
        maintenance_database: connection.maintenance_database.clone(),
        filter: connection.filter.clone(),
        role_passwords: connection.role_passwords,
        extra_args: connection.extra_args.clone(),
        bin_dir: connection.bin_dir.clone(),
        pgbackrest: connection.pgbackrest.clone(),
    })
}

async fn s3_settings(entry: &S3Entry) -> Result<S3Settings, ConfigError> {
    let credentials = match &entry.credentials {
        CredentialsEntry::Chain => S3Credentials::Chain,
        CredentialsEntry::Profile(name) => S3Credentials::Profile(name.clone()),
        CredentialsEntry::Static { access_key, secret_key, session_token } => S3Credentials::Static {
            access_key: access_key.resolve().await?.expose().to_owned(),
            secret_key: secret_key.resolve().await?,
            session_token: match session_token {
                Some(source) => Some(source.resolve().await?),
                None => None,
            },
        },
    };
    Ok(S3Settings {
        endpoint: entry.endpoint.clone(),
        bucket: entry.bucket.clone(),
        region: entry.region.clone(),
        prefix: entry.prefix.clone(),
        credentials,
        path_style: entry.path_style,
        tls_ca: entry.tls_ca.clone(),
        insecure_tls: entry.insecure_tls,
        allow_http: entry.allow_http,
        storage_class: entry.storage_class.clone(),
        sse: entry.sse.clone(),
        kms_key_id: entry.kms_key_id.clone(),
        object_lock_days: entry.object_lock_days,
        part_size: entry.part_size,
        max_parts: entry.max_parts,
        uploads: entry.uploads,
        checksum: entry.checksum,
        bandwidth: entry.bandwidth,
        answer_timeout: entry.answer_timeout,
        attempts: 8,
        retry_base: Duration::from_millis(200),
    })
}
