//! The mirror of the TOML: exactly what may be written, nothing resolved. Field documentation becomes the JSON schema.

use crate::engine::Filter;
use crate::engine::postgresql::TlsMode;
use crate::model::{ByteSize, CipherKind, Codec, EngineKind, Period, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A jagad configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Format of the configuration: 1.
    pub version: u32,
    /// How this host works.
    #[serde(default)]
    pub settings: SettingsFile,
    /// What is logged.
    #[serde(default)]
    pub log: LogFile,
    /// Encryption keys by name.
    #[serde(default)]
    pub keys: BTreeMap<String, KeyFile>,
    /// Stores by name.
    #[serde(default)]
    pub stores: BTreeMap<String, StoreFile>,
    /// Databases by name.
    #[serde(default)]
    pub databases: BTreeMap<String, DatabaseFile>,
}

/// How this host works.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsFile {
    /// Backups at once on this host, over all processes (default 3; `JAGAD_MAX_CONCURRENT` and `-j` override it).
    pub max_concurrent: Option<u32>,
    /// How long to wait for a slot or a busy database before giving up (default "0s").
    pub lock_wait: Option<Period>,
    /// A run is taken for dead when its lease was not renewed for so long (default "2m", at least "5s").
    pub lease_lifetime: Option<Period>,
    /// Store of databases that name none (default: the only one, or `main`).
    pub default_store: Option<String>,
    /// Key of databases that name none (default: the only one that is not retired, or `main`).
    pub default_key: Option<String>,
    /// Longest life of one backup; "0s" is unbounded (default "0s").
    pub timeout: Option<Period>,
    /// Folder for throw-away servers (default: the system's temporary folder).
    pub tmp_dir: Option<PathBuf>,
    /// Folder whose `*.toml` files are read after this file (default "conf.d"; "" for none).
    pub config_dir: Option<PathBuf>,
}

/// What is logged.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogFile {
    /// How much (default info).
    pub level: Option<LogLevel>,
    /// In which form (default text).
    pub format: Option<LogFormat>,
    /// File to append to besides standard error.
    pub file: Option<PathBuf>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Somebody must look.
    Error,
    /// It went on anyway.
    Warn,
    /// What is going on.
    Info,
    /// How.
    Debug,
    /// Every request.
    Trace,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// An encryption key: a key file, or a passphrase.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeyFile {
    /// File with 32 random bytes in base64, mode 0600 (`jagad key generate`).
    pub key_file: Option<PathBuf>,
    /// Passphrase, inline.
    #[schemars(with = "Option<String>")]
    #[serde(deserialize_with = "secret")]
    pub passphrase: Option<Secret>,
    /// File with the passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// Environment variable with the passphrase.
    pub passphrase_env: Option<String>,
    /// Command that prints the passphrase.
    pub passphrase_command: Option<Words>,
    /// systemd credential with the passphrase.
    pub passphrase_credential: Option<String>,
    /// Opens old backups, makes no new ones (default false).
    pub retired: bool,
}

/// The kind of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreType {
    /// S3 or compatible.
    S3,
    /// A directory.
    Local,
}

/// `"auto"`, `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PathStyle {
    /// Decided.
    Fixed(bool),
    /// Decided by the endpoint.
    Word(Auto),
}

/// The word "auto".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Auto {
    /// jagad decides.
    Auto,
}

/// Integrity header on uploads besides the signed SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChecksumFile {
    /// Content-MD5 only where the service demands it.
    Auto,
    /// Content-MD5 on every part.
    Md5,
    /// None.
    None,
}

/// A store: where backups are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreFile {
    /// s3 or local.
    #[serde(rename = "type")]
    pub kind: StoreType,
    /// local: the directory.
    pub path: Option<PathBuf>,
    /// s3: `https://host[:port]` (default: AWS in `region`).
    pub endpoint: Option<String>,
    /// s3: the bucket; it must exist.
    pub bucket: Option<String>,
    /// s3: the region (default us-east-1).
    pub region: Option<String>,
    /// s3: prefix of every key (default none).
    pub prefix: Option<String>,
    /// s3: access key, inline.
    #[schemars(with = "Option<String>")]
    #[serde(default, deserialize_with = "secret")]
    pub access_key: Option<Secret>,
    /// s3: file with the access key.
    pub access_key_file: Option<PathBuf>,
    /// s3: environment variable with the access key.
    pub access_key_env: Option<String>,
    /// s3: command that prints the access key.
    pub access_key_command: Option<Words>,
    /// s3: systemd credential with the access key.
    pub access_key_credential: Option<String>,
    /// s3: secret key, inline.
    #[schemars(with = "Option<String>")]
    #[serde(default, deserialize_with = "secret")]
    pub secret_key: Option<Secret>,
    /// s3: file with the secret key.
    pub secret_key_file: Option<PathBuf>,
    /// s3: environment variable with the secret key.
    pub secret_key_env: Option<String>,
    /// s3: command that prints the secret key.
    pub secret_key_command: Option<Words>,
    /// s3: systemd credential with the secret key.
    pub secret_key_credential: Option<String>,
    /// s3: session token, inline.
    #[schemars(with = "Option<String>")]
    #[serde(default, deserialize_with = "secret")]
    pub session_token: Option<Secret>,
    /// s3: file with the session token.
    pub session_token_file: Option<PathBuf>,
    /// s3: environment variable with the session token.
    pub session_token_env: Option<String>,
    /// s3: command that prints the session token.
    pub session_token_command: Option<Words>,
    /// s3: systemd credential with the session token.
    pub session_token_credential: Option<String>,
    /// s3: profile of the shared AWS credentials file.
    pub profile: Option<String>,
    /// s3: bucket in the path instead of the host name (default "auto").
    pub path_style: Option<PathStyle>,
    /// s3: PEM file of a private CA.
    pub tls_ca: Option<PathBuf>,
    /// s3: accept any certificate; for laboratories (default false).
    #[serde(default)]
    pub insecure_tls: bool,
    /// s3: accept an `http://` endpoint (default false).
    #[serde(default)]
    pub allow_http: bool,
    /// s3: storage class of data; manifests stay in the standard class.
    pub storage_class: Option<String>,
    /// s3: server-side encryption: AES256 or aws:kms.
    pub sse: Option<String>,
    /// s3: key of aws:kms.
    pub kms_key_id: Option<String>,
    /// s3: days of COMPLIANCE object lock on data and manifests (default 0: none).
    #[serde(default)]
    pub object_lock_days: u32,
    /// s3: size of a part; memory is part_size x uploads (default "8MiB").
    pub part_size: Option<ByteSize>,
    /// s3: parts of one object; longer backups are cut into several objects (default 1000).
    pub max_parts: Option<u32>,
    /// s3: parts in flight (default 4).
    pub uploads: Option<u32>,
    /// s3: integrity header besides the signed SHA-256 (default auto).
    pub checksum: Option<ChecksumFile>,
    /// s3: highest upload rate per second (default none).
    pub bandwidth: Option<ByteSize>,
}

/// A database server, and what to take from it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseFile {
    /// postgresql.
    pub engine: EngineKind,
    /// Host name or address; or `socket`.
    pub host: Option<String>,
    /// Folder of the Unix socket; or `host`.
    pub socket: Option<PathBuf>,
    /// Port (default 5432).
    pub port: Option<u16>,
    /// Role to connect as.
    pub user: String,
    /// Password, inline.
    #[schemars(with = "Option<String>")]
    #[serde(default, deserialize_with = "secret")]
    pub password: Option<Secret>,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// Environment variable with the password.
    pub password_env: Option<String>,
    /// Command that prints the password.
    pub password_command: Option<Words>,
    /// systemd credential with the password.
    pub password_credential: Option<String>,
    /// Logical databases to back up; or `all_databases`.
    #[serde(default)]
    pub dbnames: Vec<String>,
    /// Every logical database of the server (default false).
    #[serde(default)]
    pub all_databases: bool,
    /// With `all_databases`: not those that match (`*` and `?`).
    #[serde(default)]
    pub exclude_databases: Vec<String>,
    /// Database to connect to for questions and for creating others (default postgres).
    pub maintenance_database: Option<String>,
    /// Part of `backup --all` (default true).
    pub active: Option<bool>,
    /// A restore into this entry needs --force (default false).
    #[serde(default)]
    pub protect: bool,
    /// Labels for `--label`, recorded with every backup.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Store (default: settings.default_store).
    pub store: Option<String>,
    /// Compression (default zstd).
    pub compression: Option<Codec>,
    /// Its level (default 3 for zstd, 6 for gzip).
    pub compression_level: Option<i32>,
    /// Encryption (default on).
    #[serde(default)]
    pub encryption: EncryptionFile,
    /// Transport security.
    #[serde(default)]
    pub tls: TlsFile,
    /// What to take inside each logical database.
    #[serde(default)]
    pub dump: DumpFile,
    /// Where the client programs are.
    #[serde(default)]
    pub tools: ToolsFile,
}

/// How backups are encrypted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EncryptionFile {
    /// Whether they are (default true).
    pub enabled: Option<bool>,
    /// With what (default aes-256-gcm).
    pub cipher: Option<CipherKind>,
    /// With which key (default: settings.default_key).
    pub key: Option<String>,
}

/// Transport security of a database connection.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsFile {
    /// disable, prefer, require, verify-ca or verify-full (default prefer).
    pub mode: Option<TlsMode>,
    /// PEM file of the authorities to trust.
    pub ca: Option<PathBuf>,
    /// PEM file of the client certificate.
    pub cert: Option<PathBuf>,
    /// PEM file of its key.
    pub key: Option<PathBuf>,
}

/// What to take inside each logical database.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DumpFile {
    /// Only these schemas (patterns of pg_dump).
    pub schemas: Vec<String>,
    /// Not these schemas.
    pub exclude_schemas: Vec<String>,
    /// Only these tables.
    pub tables: Vec<String>,
    /// Not these tables.
    pub exclude_tables: Vec<String>,
    /// These tables without their rows.
    pub exclude_table_data: Vec<String>,
    /// Roles and tablespaces beside the dump (default true).
    pub globals: Option<bool>,
    /// Password hashes of roles in the globals; needs a superuser (default false).
    pub role_passwords: bool,
    /// More arguments for pg_dump, appended as they are, never through a shell.
    pub extra_args: Vec<String>,
}

impl DumpFile {
    pub(super) fn filter(&self) -> Filter {
        Filter {
            schemas: self.schemas.clone(),
            exclude_schemas: self.exclude_schemas.clone(),
            tables: self.tables.clone(),
            exclude_tables: self.exclude_tables.clone(),
            exclude_table_data: self.exclude_table_data.clone(),
        }
    }
}

/// Where the client programs are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToolsFile {
    /// Their folder (default: the newest that fits the server, found by itself).
    pub bin_dir: Option<PathBuf>,
}

/// A command: a list of words, or one text that is split as a shell would, without any expansion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Words {
    /// Program and arguments.
    List(Vec<String>),
    /// The same in one text.
    Text(String),
}

impl Words {
    /// The words; an error text when a quote is not closed.
    pub(super) fn split(&self) -> Result<Vec<String>, String> {
        let text = match self {
            Self::List(words) => return Ok(words.clone()),
            Self::Text(text) => text,
        };
        let (mut words, mut word) = (Vec::new(), None::<String>);
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match c {
                ' ' | '\t' | '\n' => words.extend(word.take()),
                '\'' | '"' => {
                    let word = word.get_or_insert_default();
                    loop {
                        match characters.next() {
                            Some(end) if end == c => break,
                            Some('\\') if c == '"' => word.extend(characters.next()),
                            Some(inner) => word.push(inner),
                            None => return Err(format!("a {c} is not closed")),
                        }
                    }
                }
                '\\' => word.get_or_insert_default().extend(characters.next()),
                _ => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        Ok(words)
    }
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_as_a_shell_would_and_nothing_is_expanded() {
        let split = |text: &str| Words::Text(text.to_owned()).split();
        assert_eq!(split("pass show  db/shop").unwrap(), ["pass", "show", "db/shop"]);
        assert_eq!(split(r#"a 'b c' "d \" $HOME" e\ f ''"#).unwrap(), ["a", "b c", "d \" $HOME", "e f", ""]);
        assert!(split("a 'b").is_err());
    }
}
