//! `backup` and `verify`.

use super::{TrustArgs, words};
use crate::catalog::BackupReference;
use crate::cli::args::{Global, duration};
use crate::commands::selection::DatabaseSelection;
use crate::commands::{Mode, backup, verify};
use crate::config::EncryptionChoice;
use crate::model::{BackupKind, Codec, DatabaseName, KeyName, SourceChoice, StoreName, VerifyLevel};
use clap::Args;
use std::collections::BTreeMap;
use std::time::Duration;

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// Database entries of the configuration
    #[arg(value_name = "DB", required_unless_present_any = ["all", "label"])]
    pub databases: Vec<DatabaseName>,
    /// Every active entry
    #[arg(long, conflicts_with = "databases")]
    pub all: bool,
    /// Entries with this label (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = label, conflicts_with = "databases")]
    pub label: Vec<(String, String)>,
    /// Full, or incremental: what changed since the last backup; a full is taken where there is none [default: full]
    #[arg(long = "type", value_name = "TYPE", value_parser = words(BackupKind::WORDS))]
    pub kind: Option<String>,
    /// Only this logical database of the entry (repeatable)
    #[arg(long, value_name = "NAME")]
    pub dbname: Vec<String>,
    /// Store to write to [default: the entry's]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Server to back up from [default: `source` of the entry]
    #[arg(long, value_name = "SOURCE", value_parser = words(SourceChoice::WORDS))]
    pub source: Option<String>,
    /// Compression [default: the entry's, zstd]
    #[arg(long, value_name = "CODEC", value_parser = words(Codec::WORDS))]
    pub compression: Option<String>,
    /// Key to encrypt with [default: the entry's]
    #[arg(long, value_name = "NAME")]
    pub key: Option<KeyName>,
    /// Do not encrypt
    #[arg(long, conflicts_with = "key")]
    pub no_encrypt: bool,
    /// Note to store with the backup
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Pin the backup, so that it is not deleted
    #[arg(long)]
    pub pin: bool,
    /// Verify the backup afterwards
    #[arg(long, value_name = "LEVEL", value_parser = words(VerifyLevel::WORDS))]
    pub verify: Option<String>,
    /// Send these events of this run to every notifier (separated by commas)
    #[arg(long, value_name = "EVENT", value_delimiter = ',',
          value_parser = words(&["backup_started", "backup_succeeded", "backup_failed"]))]
    pub notify_on: Vec<String>,
    /// Afterwards remove the backups that the policy does not keep
    #[arg(long)]
    pub retain: bool,
    /// Show the commands without running them
    #[arg(short = 'n', long, visible_alias = "plan")]
    pub dry_run: bool,
}

impl Backup {
    /// The request.
    pub fn request(self, global: &Global, defaults: &crate::config::Settings) -> backup::Request {
        let choice = if self.databases.is_empty() {
            DatabaseSelection::Labelled(self.label.into_iter().collect::<BTreeMap<_, _>>())
        } else {
            DatabaseSelection::Named(self.databases)
        };
        let encryption = match (self.key, self.no_encrypt) {
            (Some(key), _) => EncryptionChoice::Key(key),
            (None, true) => EncryptionChoice::Off,
            (None, false) => EncryptionChoice::Configured,
        };
        let choices = backup::Choices {
            kind: self.kind.and_then(|word| word.parse().ok()).unwrap_or_default(),
            databases: self.dbname,
            source: self.source.and_then(|word| word.parse().ok()),
            store: self.store,
            codec: self.compression.and_then(|word| word.parse().ok()),
            encryption,
            note: self.note,
            pin: self.pin,
            verify: self.verify.and_then(|word| word.parse().ok()),
            retain: self.retain,
            wait: global.wait.unwrap_or(defaults.lock_wait),
            timeout: global.timeout.or(defaults.timeout),
            notify_on: self.notify_on.iter().filter_map(|word| word.parse().ok()).collect(),
        };
        let mode = Mode::of(self.dry_run);
        backup::Request { choice, choices, jobs: defaults.max_concurrent as usize, mode }
    }
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Backups: ids, their first characters, DB@latest or DB@TIME
    #[arg(value_name = "BACKUP", required_unless_present_any = ["db", "all"])]
    pub backups: Vec<BackupReference>,
    /// The last backup of this entry (repeatable)
    #[arg(long, value_name = "DB", conflicts_with = "backups")]
    pub db: Vec<DatabaseName>,
    /// The last backup of every active entry
    #[arg(long, conflicts_with_all = ["backups", "db"])]
    pub all: bool,
    /// Every stored backup of these entries, not only the last
    #[arg(long, conflicts_with_all = ["backups", "unverified", "max_age"])]
    pub every: bool,
    /// Every backup that was never verified, not only the last
    #[arg(long, conflicts_with_all = ["backups", "max_age"])]
    pub unverified: bool,
    /// Every backup whose last passed verification is older than this, not only the last; for example 7d
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "backups")]
    pub max_age: Option<Duration>,
    /// Level: objects exist, checksums match, dumps can be read, or a restore into a throw-away server
    #[arg(long, default_value = "checksum", value_parser = words(VerifyLevel::WORDS))]
    pub level: String,
    /// Start no further verification after this time, for example 1h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Duration>,
    /// Store of the backups [default: search all stores]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Whether backups that no key authenticates are accepted.
    #[command(flatten)]
    pub trust: TrustArgs,
}

impl Verify {
    /// The request.
    pub fn request(self) -> verify::Request {
        let databases = if self.all {
            Some(DatabaseSelection::Labelled(BTreeMap::new()))
        } else {
            (!self.db.is_empty()).then_some(DatabaseSelection::Named(self.db))
        };
        verify::Request {
            backups: self.backups,
            databases,
            store: self.store,
            which: match (self.every, self.unverified, self.max_age) {
                (true, _, _) => verify::Which::Every,
                (false, true, _) => verify::Which::Unverified,
                (false, false, Some(age)) => verify::Which::NotSince(age),
                (false, false, None) => verify::Which::Latest,
            },
            level: self.level.parse().unwrap_or(VerifyLevel::Checksum),
            budget: self.budget,
        }
    }
}
