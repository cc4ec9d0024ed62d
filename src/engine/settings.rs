//! How to reach a server and what to take from it, after resolution. One shape for every engine: what an engine has no
//! use for, the configuration refuses.

use super::Filter;
use crate::model::{EngineKind, Secret};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// What kind of server.
    pub kind: EngineKind,
    /// Host name or address; `None` with `socket`.
    pub host: Option<String>,
    /// The Unix socket: its directory for PostgreSQL, the socket itself for the others.
    pub socket: Option<PathBuf>,
    /// Port.
    pub port: u16,
    /// User to connect as; empty for the server's default user, where there is one.
    pub user: String,
    /// Its password, if it has one.
    pub password: Option<Secret>,
    /// Transport security.
    pub tls: TlsSettings,
    /// PostgreSQL: the database to connect to for questions and for creating others.
    pub maintenance_database: String,
    /// What to take and leave inside each database.
    pub filter: Filter,
    /// PostgreSQL: whether password hashes of roles go into the globals.
    pub role_passwords: bool,
    /// Extra arguments of the dump tool, appended verbatim.
    pub extra_args: Vec<String>,
    /// Directory of the client programs; `None` finds them.
    pub bin_dir: Option<PathBuf>,
    /// PostgreSQL: how pgBackRest is asked, where it takes the backups.
    pub pgbackrest: Option<PgBackRestSettings>,
}

/// How pgBackRest is asked for the backups of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgBackRestSettings {
    /// Its configuration file; `None` is its own default.
    pub config: Option<PathBuf>,
    /// The name of the server there.
    pub stanza: String,
    /// The account that it runs as where jagad is root.
    pub user: String,
    /// Whether backups may be expired because jagad says so.
    pub expire: bool,
}

impl Default for PgBackRestSettings {
    fn default() -> Self {
        Self { config: None, stanza: "main".to_owned(), user: "postgres".to_owned(), expire: false }
    }
}

impl ServerSettings {
    /// Settings that reach no server: only the tools count.
    pub fn tools_only(kind: EngineKind, bin_dir: Option<PathBuf>) -> Self {
        Self {
            kind,
            host: None,
            socket: None,
            port: 0,
            user: String::new(),
            password: None,
            tls: TlsSettings::default(),
            maintenance_database: String::new(),
            filter: Filter::default(),
            role_passwords: false,
            extra_args: Vec::new(),
            bin_dir,
            pgbackrest: None,
        }
    }
}

/// Transport security of a database connection.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// How much is demanded.
    pub mode: TlsMode,
    /// PEM file of the authorities to trust.
    pub ca: Option<PathBuf>,
    /// Client certificate.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
}

/// How much transport security is demanded, in the words of libpq's `sslmode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// None.
    Disable,
    /// If the server offers it.
    #[default]
    Prefer,
    /// Yes, with any certificate.
    Require,
    /// With a certificate of a trusted authority.
    VerifyCa,
    /// And with the right name in it.
    VerifyFull,
}
