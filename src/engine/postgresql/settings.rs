//! Settings of a PostgreSQL server after resolution.

use crate::engine::Filter;
use crate::model::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How to reach one PostgreSQL server and what to take from it.
#[derive(Debug, Clone)]
pub struct PostgreSqlSettings {
    /// Host name or address; `None` with `socket`.
    pub host: Option<String>,
    /// Directory of the Unix socket.
    pub socket: Option<PathBuf>,
    /// Port, 5432 unless told otherwise.
    pub port: u16,
    /// Role to connect as.
    pub user: String,
    /// Its password, if it has one.
    pub password: Option<Secret>,
    /// Transport security.
    pub tls: TlsSettings,
    /// Database to connect to for questions and for creating others.
    pub maintenance_database: String,
    /// What to take and leave inside each database.
    pub filter: Filter,
    /// Whether password hashes of roles go into the globals.
    pub role_passwords: bool,
    /// Extra arguments of pg_dump, appended verbatim.
    pub extra_args: Vec<String>,
    /// Directory of the client programs; `None` finds them.
    pub bin_dir: Option<PathBuf>,
}

impl PostgreSqlSettings {
    /// Settings that reach no server: only the tools count.
    pub fn tools_only(bin_dir: Option<PathBuf>) -> Self {
        Self {
            host: None,
            socket: None,
            port: 5432,
            user: "postgres".to_owned(),
            password: None,
            tls: TlsSettings::default(),
            maintenance_database: "postgres".to_owned(),
            filter: Filter::default(),
            role_passwords: false,
            extra_args: Vec::new(),
            bin_dir,
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
