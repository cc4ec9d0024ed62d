//! The commands and their arguments.

use super::args::{Global, duration};
use crate::catalog::BackupReference;
use crate::commands::{backup, delete, download, initialise, list, restore, verify};
use crate::config::EncryptionChoice;
use crate::engine::{Ownership, Selection};
use crate::model::{BackupStatus, Codec, DatabaseName, KeyName, StoreName, VerifyLevel};
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What jagad can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Back up databases now
    Backup(Backup),
    /// Bring a backup back into a server
    Restore(Restore),
    /// Prove that backups are what they were
    Verify(Verify),
    /// List backups, newest first
    #[command(visible_alias = "ls")]
    List(List),
    /// Show everything about one backup
    Show(One),
    /// Show the log of one backup
    Logs(One),
    /// Get a backup out without a database
    Download(Download),
    /// Open a downloaded file with nothing but its key
    Decrypt(Decrypt),
    /// Delete backups by hand
    #[command(visible_alias = "rm")]
    Delete(Delete),
    /// Keep a backup from being deleted
    Pin(Pin),
    /// Let a backup be deleted again
    Unpin(One),
    /// End the claim of a dead run on a database
    Unlock(Unlock),
    /// Try stores, keys and databases, and say how to mend what fails
    Check(Check),
    /// First steps with the configuration
    #[command(subcommand)]
    Config(Config),
    /// Care of encryption keys
    #[command(subcommand)]
    Key(Key),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page
    Man(Man),
}

fn words(words: &'static [&'static str]) -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(words)
}

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
    /// Entries with this label; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = label, conflicts_with = "databases")]
    pub label: Vec<(String, String)>,
    /// Only this logical database of the entry; may be given several times
    #[arg(long, value_name = "NAME")]
    pub dbname: Vec<String>,
    /// Store to write to [default: the entry's]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Compression [default: the entry's, zstd]
    #[arg(long, value_name = "CODEC", value_parser = words(Codec::WORDS))]
    pub compression: Option<String>,
    /// Key to encrypt with [default: the entry's]
    #[arg(long, value_name = "NAME")]
    pub key: Option<KeyName>,
    /// Do not encrypt
    #[arg(long, conflicts_with = "key")]
    pub no_encrypt: bool,
    /// Words to remember it by
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Keep it from being deleted
    #[arg(long)]
    pub pin: bool,
    /// Verify it afterwards
    #[arg(long, value_name = "LEVEL", value_parser = words(VerifyLevel::WORDS))]
    pub verify: Option<String>,
    /// Show what would be run, and run nothing
    #[arg(short = 'n', long, visible_alias = "plan")]
    pub dry_run: bool,
}

impl Backup {
    /// The request.
    pub fn request(self, global: &Global, defaults: &crate::config::Settings) -> backup::Request {
        let choice = if self.databases.is_empty() {
            backup::DatabaseSelection::Labelled(self.label.into_iter().collect::<BTreeMap<_, _>>())
        } else {
            backup::DatabaseSelection::Named(self.databases)
        };
        let encryption = match (self.key, self.no_encrypt) {
            (Some(key), _) => EncryptionChoice::Key(key),
            (None, true) => EncryptionChoice::Off,
            (None, false) => EncryptionChoice::Configured,
        };
        let choices = backup::Choices {
            databases: self.dbname,
            store: self.store,
            codec: self.compression.and_then(|word| word.parse().ok()),
            encryption,
            note: self.note,
            pin: self.pin,
            verify: self.verify.and_then(|word| word.parse().ok()),
            wait: global.wait.unwrap_or(defaults.lock_wait),
            timeout: global.timeout.or(defaults.timeout),
        };
        let mode = if self.dry_run { backup::Mode::Plan } else { backup::Mode::Run };
        backup::Request { choice, choices, jobs: defaults.max_concurrent as usize, mode }
    }
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// Backup: an id, its first characters, DB@latest or DB@2026-01-02T03:04
    #[arg(required_unless_present = "db")]
    pub backup: Option<BackupReference>,
    /// The last backup of this database entry
    #[arg(long, value_name = "DB", conflicts_with = "backup")]
    pub db: Option<DatabaseName>,
    /// Store it is in [default: looks in all]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Database entry to restore into [default: the one it was taken from]
    #[arg(long, value_name = "DB")]
    pub target: Option<DatabaseName>,
    /// Name of the logical database on the target [default: its own]
    #[arg(long, value_name = "NAME")]
    pub into: Option<String>,
    /// Only this logical database of the backup; may be given several times
    #[arg(long, value_name = "NAME")]
    pub dbname: Vec<String>,
    /// Only this schema, into the existing database; may be given several times
    #[arg(long, value_name = "SCHEMA")]
    pub schema: Vec<String>,
    /// Only this table (TABLE or SCHEMA.TABLE) with its indexes, constraints and rights; may be given several times
    #[arg(long, value_name = "TABLE")]
    pub table: Vec<String>,
    /// Do not restore owners: everything belongs to the connecting role
    #[arg(long)]
    pub no_owner: bool,
    /// Do not restore grants
    #[arg(long)]
    pub no_privileges: bool,
    /// Create missing roles and tablespaces first
    #[arg(long)]
    pub globals: bool,
    /// Back up what is replaced first, and pin that backup
    #[arg(long)]
    pub safety_backup: bool,
    /// Go on after statements that fail, and report them (exit code 3)
    #[arg(long)]
    pub allow_errors: bool,
    /// Do not look at every object before and count every row after; digests are checked all the same
    #[arg(long)]
    pub skip_verify: bool,
    /// Overwrite a protected entry
    #[arg(long)]
    pub force: bool,
    /// Show what would be done, prove that it can be, and touch nothing
    #[arg(long, short = 'n', visible_alias = "dry-run")]
    pub plan: bool,
}

impl Restore {
    /// The request; `None` when neither a backup nor a database was given, which clap prevents.
    pub fn request(self, global: &Global, defaults: &crate::config::Settings) -> Option<restore::Request> {
        let owner = |skip| if skip { Ownership::Skip } else { Ownership::Keep };
        Some(restore::Request {
            backup: self.backup.or(self.db.map(BackupReference::Latest))?,
            store: self.store,
            target: self.target,
            into: self.into,
            databases: self.dbname,
            selection: Selection { schemas: self.schema, tables: self.table },
            owners: owner(self.no_owner),
            privileges: owner(self.no_privileges),
            globals: if self.globals { restore::Globals::Restore } else { restore::Globals::Leave },
            on_error: if self.allow_errors { restore::OnError::Count } else { restore::OnError::Stop },
            safety: if self.safety_backup { restore::Safety::Backup } else { restore::Safety::Nothing },
            proof: if self.skip_verify { restore::Proof::DigestsOnly } else { restore::Proof::Full },
            force: if self.force { restore::Force::Yes } else { restore::Force::No },
            mode: if self.plan { restore::Mode::Plan } else { restore::Mode::Run },
            wait: global.wait.unwrap_or(defaults.lock_wait),
        })
    }
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Backups: ids, their first characters, DB@latest or DB@TIME
    #[arg(value_name = "BACKUP", required_unless_present_any = ["db", "all"])]
    pub backups: Vec<BackupReference>,
    /// The last backup of this entry; may be given several times
    #[arg(long, value_name = "DB", conflicts_with = "backups")]
    pub db: Vec<DatabaseName>,
    /// The last backup of every active entry
    #[arg(long, conflicts_with_all = ["backups", "db"])]
    pub all: bool,
    /// Not only the last: every backup that was never verified
    #[arg(long, conflicts_with_all = ["backups", "max_age"])]
    pub unverified: bool,
    /// Not only the last: every backup whose last passed verification is older, for example 7d
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "backups")]
    pub max_age: Option<Duration>,
    /// How deep: objects exist, bytes agree, dumps parse, or restored into a throw-away server and counted
    #[arg(long, default_value = "checksum", value_parser = words(VerifyLevel::WORDS))]
    pub level: String,
    /// Start no further one after so long, for example 1h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub budget: Option<Duration>,
    /// Store they are in [default: looks in all]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
}

impl Verify {
    /// The request.
    pub fn request(self) -> verify::Request {
        let databases = if self.all {
            Some(backup::DatabaseSelection::Labelled(BTreeMap::new()))
        } else {
            (!self.db.is_empty()).then_some(backup::DatabaseSelection::Named(self.db))
        };
        verify::Request {
            backups: self.backups,
            databases,
            store: self.store,
            which: match (self.unverified, self.max_age) {
                (true, _) => verify::Which::Unverified,
                (false, Some(age)) => verify::Which::NotSince(age),
                (false, None) => verify::Which::Latest,
            },
            level: self.level.parse().unwrap_or(VerifyLevel::Checksum),
            budget: self.budget,
        }
    }
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only backups of these entries
    #[arg(value_name = "DB")]
    pub databases: Vec<DatabaseName>,
    /// Only with this status
    #[arg(long, value_parser = words(BackupStatus::WORDS))]
    pub status: Option<String>,
    /// Only in this store
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// At most so many, the newest
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: usize,
}

impl List {
    /// The request.
    pub fn request(self) -> list::Request {
        list::Request {
            databases: self.databases,
            status: self.status.and_then(|word| word.parse().ok()),
            store: self.store,
            limit: self.limit,
        }
    }
}

/// One backup.
#[derive(Debug, Args)]
pub struct One {
    /// Backup: an id, its first characters, DB@latest or DB@2026-01-02T03:04
    pub backup: BackupReference,
    /// Store it is in [default: looks in all]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
}

/// Arguments of `pin`.
#[derive(Debug, Args)]
pub struct Pin {
    /// Which.
    #[command(flatten)]
    pub one: One,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// Arguments of `download`.
#[derive(Debug, Args)]
pub struct Download {
    /// Which.
    #[command(flatten)]
    pub one: One,
    /// Logical database, where the backup holds several; `globals` for roles and tablespaces
    #[arg(long, value_name = "NAME")]
    pub dbname: Option<String>,
    /// File to write, or - for standard output [default: named after the database]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// As it is stored: compressed and encrypted
    #[arg(long)]
    pub raw: bool,
}

fn output(path: Option<PathBuf>) -> download::Output {
    match path {
        None => download::Output::NamedAfterPart,
        Some(path) if path.as_os_str() == "-" => download::Output::Stdout,
        Some(path) => download::Output::File(path),
    }
}

impl Download {
    /// The request.
    pub fn request(self) -> download::Request {
        download::Request {
            backup: self.one.backup,
            store: self.one.store,
            database: self.dbname,
            output: output(self.output),
            form: if self.raw { download::Form::Raw } else { download::Form::Plain },
        }
    }
}

/// Arguments of `decrypt`.
#[derive(Debug, Args)]
pub struct Decrypt {
    /// A downloaded object such as shop.dump.zst.enc; its numbered successors are taken from beside it
    pub file: PathBuf,
    /// Key file [default: every key of the configuration]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// File to write, or - for standard output [default: the name without .enc and .zst]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave it compressed
    #[arg(long)]
    pub compressed: bool,
}

impl Decrypt {
    /// The request.
    pub fn request(self) -> download::DecryptRequest {
        download::DecryptRequest {
            file: self.file,
            output: output(self.output),
            form: if self.compressed {
                download::DecryptForm::Compressed
            } else {
                download::DecryptForm::Plain
            },
        }
    }
}

/// Arguments of `delete`.
#[derive(Debug, Args)]
pub struct Delete {
    /// Backups: ids, their first characters, DB@latest or DB@TIME
    #[arg(value_name = "BACKUP", required = true)]
    pub backups: Vec<BackupReference>,
    /// Store they are in [default: looks in all]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Show what would be deleted, and delete nothing
    #[arg(short = 'n', long, visible_alias = "plan")]
    pub dry_run: bool,
}

impl Delete {
    /// The request.
    pub fn request(self, global: &Global, defaults: &crate::config::Settings) -> delete::Request {
        delete::Request {
            backups: self.backups,
            store: self.store,
            mode: if self.dry_run { delete::Mode::DryRun } else { delete::Mode::Run },
            wait: global.wait.unwrap_or(defaults.lock_wait),
        }
    }
}

/// Arguments of `unlock`.
#[derive(Debug, Args)]
pub struct Unlock {
    /// Database entry
    #[arg(value_name = "DB")]
    pub database: DatabaseName,
    /// Store of the lease [default: the entry's]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Stores, keys and database entries [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// Subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Write a first configuration and its key
    Init(Init),
    /// Read the configuration and say what is wrong with it
    Check,
    /// Show what the configuration means, without secrets
    Show,
}

/// Arguments of `config init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Folder for the key [default: keys, beside the configuration]
    #[arg(long, value_name = "DIR")]
    pub key_dir: Option<PathBuf>,
    /// First store: s3, or a directory
    #[arg(long, value_name = "s3|DIR", default_value = "s3")]
    pub store: String,
}

impl Init {
    /// The request; the file is that of `--config`, or `jagad.toml`.
    pub fn request(self, global: &Global) -> initialise::Request {
        let file = global.config.clone().unwrap_or_else(|| PathBuf::from("jagad.toml"));
        let beside = || file.parent().map(|folder| folder.join("keys")).unwrap_or_default();
        initialise::Request {
            key_folder: self.key_dir.unwrap_or_else(beside),
            store: match self.store.as_str() {
                "s3" => initialise::FirstStore::S3,
                folder => initialise::FirstStore::Local(PathBuf::from(folder)),
            },
            file,
        }
    }
}

/// Subcommands of `key`.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a new key file
    Generate {
        /// Name for the configuration
        name: KeyName,
        /// File to write [default: NAME.key]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show the keys of the configuration
    List,
    /// Make a new key, and keep the old one for old backups
    Rotate {
        /// Key to retire
        name: KeyName,
    },
    /// Hand out a key for safe keeping
    Export {
        /// Key
        name: KeyName,
        /// File to write (0600) instead of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// Shell
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Command whose page is wanted [default: the main page]
    pub command: Option<String>,
}
