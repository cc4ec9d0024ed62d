//! `[databases.NAME]` as it is written.

use super::{HooksFile, Words, secret};
use crate::engine::Filter;
use crate::engine::TlsMode;
use crate::model::{CipherKind, Codec, EngineKind, Method, Period, Secret, SourceChoice};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A database server, and what to take from it.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DatabaseFile {
    /// postgresql, mysql, mariadb or redis (Valkey too).
    pub engine: EngineKind,
    /// Host name or address; or `socket`.
    pub host: Option<String>,
    /// The Unix socket, or for postgresql its folder; or `host`.
    pub socket: Option<PathBuf>,
    /// Port (default 5432, 3306 or 6379, by the engine).
    pub port: Option<u16>,
    /// Role or user to connect as; required but for redis, whose default user needs no name.
    pub user: Option<String>,
    /// Password, inline.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
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
    /// How its data is taken: logical (dumps, the default), physical (the files of the whole server; PostgreSQL and MariaDB) or
    /// pgbackrest (PostgreSQL: pgBackRest takes and keeps them).
    pub method: Option<Method>,
    /// With method = "pgbackrest": how pgBackRest is asked.
    pub pgbackrest: Option<PgBackRestFile>,
    /// Logical databases to back up; or `all_databases`. Not for redis and not for physical backups: they take everything.
    #[serde(default)]
    pub dbnames: Vec<String>,
    /// Every logical database of the server (default false).
    #[serde(default)]
    pub all_databases: bool,
    /// With `all_databases`: not those that match (`*` and `?`).
    #[serde(default)]
    pub exclude_databases: Vec<String>,
    /// PostgreSQL: database to connect to for questions and for creating others (default postgres).
    pub maintenance_database: Option<String>,
    /// Part of `backup --all` (default true).
    pub active: Option<bool>,
    /// A restore into this entry needs --force (default false).
    #[serde(default)]
    pub protect: bool,
    /// Labels for `--label`, recorded with every backup.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Policy it is under; "none" says that none shall protect it.
    pub policy: Option<String>,
    /// Store (default: the policy's, then settings.default_store).
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
    /// Location of the client programs.
    #[serde(default)]
    pub tools: ToolsFile,
    /// Programs around its backups.
    #[serde(default)]
    pub hooks: HooksFile,
    /// Where backups are taken from: auto (the first replica that fits, else the entry's own server), primary or replica
    /// (default auto).
    pub source: Option<SourceChoice>,
    /// Replicas of the server, the preferred first.
    #[serde(default)]
    pub replicas: Vec<ReplicaFile>,
}

/// How pgBackRest is asked.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PgBackRestFile {
    /// Its configuration file (default: its own, /etc/pgbackrest/pgbackrest.conf).
    pub config: Option<PathBuf>,
    /// Name of the server in it (default "main").
    pub stanza: Option<String>,
    /// Account that pgBackRest runs as where jagad is root (default "postgres").
    pub user: Option<String>,
    /// Whether retention and `jagad delete` expire backups of pgBackRest (default false: pgBackRest alone decides).
    pub expire: bool,
}

/// A replica. What it does not say is as in its entry.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplicaFile {
    /// Host name or address; or `socket`.
    pub host: Option<String>,
    /// The Unix socket, or for postgresql its folder; or `host`.
    pub socket: Option<PathBuf>,
    /// Port (default: the entry's).
    pub port: Option<u16>,
    /// Role or user to connect as (default: the entry's).
    pub user: Option<String>,
    /// Password, inline (default: the entry's, in whatever form).
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
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
    /// It is passed over when it is further behind than this (default "60s").
    pub max_lag: Option<Period>,
}

/// How backups are encrypted.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct DumpFile {
    /// PostgreSQL: only these schemas (patterns of pg_dump).
    pub schemas: Vec<String>,
    /// PostgreSQL: not these schemas.
    pub exclude_schemas: Vec<String>,
    /// Only these tables. Not for redis.
    pub tables: Vec<String>,
    /// Not these tables. Not for redis.
    pub exclude_tables: Vec<String>,
    /// These tables without their rows. Not for redis.
    pub exclude_table_data: Vec<String>,
    /// MySQL, MariaDB: skip broken views, with a warning (default false: the backup is refused).
    pub skip_broken_views: bool,
    /// Roles and tablespaces, or users and grants, beside the dump (default true). Not for redis.
    pub globals: Option<bool>,
    /// PostgreSQL: password hashes of roles in the globals; needs a superuser (default false).
    pub role_passwords: bool,
    /// Additional arguments for the dump tool, appended unchanged, never through a shell. Not for redis.
    pub extra_args: Vec<String>,
}

impl DumpFile {
    pub(in crate::config) fn filter(&self) -> Filter {
        Filter {
            schemas: self.schemas.clone(),
            exclude_schemas: self.exclude_schemas.clone(),
            tables: self.tables.clone(),
            exclude_tables: self.exclude_tables.clone(),
            exclude_table_data: self.exclude_table_data.clone(),
            skip_broken_views: self.skip_broken_views,
        }
    }
}

/// Location of the client programs.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ToolsFile {
    /// Their folder (default: the newest that matches the server, found automatically).
    pub bin_dir: Option<PathBuf>,
}
