//! The mirror of the TOML: exactly what may be written, nothing resolved. Field documentation becomes the JSON schema.

mod database;
mod hooks;
mod notify;
mod policy;
mod store;

pub use database::{DatabaseFile, DumpFile, EncryptionFile, PgBackRestFile, ReplicaFile, TlsFile, ToolsFile};
pub use hooks::HooksFile;
pub use notify::{NotifierFile, NotifierType};
pub use policy::{
    CountOrAge, DayFile, EveryFile, IntervalFile, PolicyFile, RetentionFile, ScheduleFile, VerifyFile,
    WeekdayFile,
};
pub use store::{Auto, ChecksumFile, PathStyle, StoreFile, StoreType};

use crate::model::{Period, Secret};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A jagad configuration.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Policies by name.
    #[serde(default)]
    pub policies: BTreeMap<String, PolicyFile>,
    /// Notifiers by name.
    #[serde(default)]
    pub notify: BTreeMap<String, NotifierFile>,
    /// Programs run for every backup.
    #[serde(default)]
    pub hooks: HooksFile,
}

/// How this host works.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SettingsFile {
    /// Backups at once on this host, over all processes (default 3; `JAGAD_MAX_CONCURRENT` and `-j` override it).
    pub max_concurrent: Option<u32>,
    /// How long to wait for a slot or a busy database before giving up (default "0s").
    pub lock_wait: Option<Period>,
    /// A run counts as dead when its lease was not renewed for this long (default "2m", at least "5s").
    pub lease_lifetime: Option<Period>,
    /// Store of databases that name none (default: the only one, or `main`).
    pub default_store: Option<String>,
    /// Key of databases that name none (default: the only one that is not retired, or `main`).
    pub default_key: Option<String>,
    /// Time zone in which days begin, by its name of the tz database such as Europe/Berlin (default UTC).
    pub timezone: Option<String>,
    /// Longest life of one backup; "0s" is unbounded (default "0s").
    pub timeout: Option<Period>,
    /// Folder for throw-away servers and for slots (default: the system's temporary folder).
    pub tmp_dir: Option<PathBuf>,
    /// Folder for failures that could not be written to a store, until they can (default: $STATE_DIRECTORY, or
    /// /var/lib/jagad for root, or ~/.local/state/jagad).
    pub state_dir: Option<PathBuf>,
    /// Folder whose `*.toml` files are read after this file (default "conf.d"; "" for none).
    pub config_dir: Option<PathBuf>,
}

/// What is logged.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// Warnings too.
    Warn,
    /// Normal operation.
    Info,
    /// How.
    Debug,
    /// Every request.
    Trace,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text.
    Text,
    /// JSON.
    Json,
}

/// An encryption key: a key file, or a passphrase.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct KeyFile {
    /// File with 32 random bytes in base64, mode 0600 (`jagad key generate`).
    pub key_file: Option<PathBuf>,
    /// Passphrase, inline.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
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
    /// Decrypts old backups and encrypts no new ones (default false).
    pub retired: bool,
}

/// A command: a list of words, or one text that is split as a shell would, without any expansion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Words {
    /// Program and arguments.
    List(Vec<String>),
    /// The same in one text.
    Text(String),
}

impl Words {
    /// The words; an error text when a quote is not closed.
    pub(in crate::config) fn split(&self) -> Result<Vec<String>, String> {
        match self {
            Self::List(words) => Ok(words.clone()),
            Self::Text(text) => shlex::split(text).ok_or_else(|| "a quote is not closed".to_owned()),
        }
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
