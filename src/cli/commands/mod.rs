//! The commands and their arguments.

mod backup;
mod list;
pub mod protection;
mod restore;
mod trust;

pub use backup::{Backup, Verify};
pub use list::{List, Listed, Named};
pub use protection::{Policy, Schedule, Status};
pub use restore::Restore;
pub use trust::TrustArgs;

use super::args::Global;
use crate::catalog::BackupReference;
use crate::commands::{Mode, check, delete, download, initialise, prune};
use crate::model::{DatabaseName, KeyName, PolicyName, StoreName};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What jagad can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Back up databases now
    Backup(Backup),
    /// Restore a backup into a server
    Restore(Restore),
    /// Verify that backups are intact and can be restored
    Verify(Verify),
    /// List backups or restores, newest first
    #[command(visible_alias = "ls")]
    List(List),
    /// Show everything about one backup or restore
    Show(Named),
    /// Show the log of one backup or restore
    Logs(Named),
    /// Download the dump of a backup to a file
    Download(Download),
    /// Decrypt a downloaded file with its key
    Decrypt(Decrypt),
    /// Delete backups by hand
    #[command(visible_alias = "rm")]
    Delete(Delete),
    /// Remove the backups that no policy keeps, and the data of interrupted runs
    Prune(Prune),
    /// Show and change which policies protect databases
    #[command(subcommand)]
    Policy(Policy),
    /// Run due backups, list the next runs, and set up cron or systemd
    #[command(subcommand)]
    Schedule(Schedule),
    /// Show whether every database is safe
    Status(Status),
    /// Protect a backup from deletion
    Pin(Pin),
    /// Remove the protection of a pinned backup
    Unpin(One),
    /// Remove the lease of a dead run
    Unlock(Unlock),
    /// Create a repository in a store
    #[command(subcommand)]
    Repository(Repository),
    /// Test stores, keys, databases and notifiers, and say how to fix what fails
    Check(Check),
    /// Create, check and show the configuration
    #[command(subcommand)]
    Config(Config),
    /// Manage encryption keys
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

/// One backup.
#[derive(Debug, Args)]
pub struct One {
    /// Backup: an id, its first characters, DB@latest or DB@2026-01-02T03:04
    pub backup: BackupReference,
    /// Store of the backup [default: search all stores]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Whether backups that no key authenticates are accepted.
    #[command(flatten)]
    pub trust: TrustArgs,
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
    /// Logical database, if the backup holds several; `globals` for roles and tablespaces
    #[arg(long, value_name = "NAME")]
    pub dbname: Option<String>,
    /// File to write, or - for standard output [default: named after the database]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write it as stored: compressed and encrypted
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
    /// A downloaded object such as shop.dump.zst.enc; further numbered segments are read from the same folder
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
    /// Store of the backups [default: search all stores]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Also delete the last good backup of a database, which --yes alone does not
    #[arg(long)]
    pub delete_last_good: bool,
    /// Whether backups that no key authenticates are accepted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Show the backups without deleting them
    #[arg(short = 'n', long, visible_alias = "plan")]
    pub dry_run: bool,
}

impl Delete {
    /// The request.
    pub fn request(self, global: &Global, defaults: &crate::config::Settings) -> delete::Request {
        delete::Request {
            backups: self.backups,
            store: self.store,
            last_good: if self.delete_last_good { delete::LastGood::Delete } else { delete::LastGood::Keep },
            mode: Mode::of(self.dry_run),
            wait: global.wait.unwrap_or(defaults.lock_wait),
        }
    }
}

/// Arguments of `prune`.
#[derive(Debug, Args)]
pub struct Prune {
    /// Only this database entry (repeatable) [default: all entries with a policy]
    #[arg(long, value_name = "DB")]
    pub db: Vec<DatabaseName>,
    /// Only the databases under this policy
    #[arg(long, value_name = "NAME")]
    pub policy: Option<PolicyName>,
    /// Show which backups would be kept or removed, and why, without removing any
    #[arg(short = 'n', long, visible_alias = "plan")]
    pub dry_run: bool,
}

impl Prune {
    /// The request.
    pub fn request(self, global: &Global, defaults: &crate::config::Settings) -> prune::Request {
        prune::Request {
            databases: self.db,
            policy: self.policy,
            mode: Mode::of(self.dry_run),
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

/// Subcommands of `repository`.
#[derive(Debug, Subcommand)]
pub enum Repository {
    /// Make the repository, and the directory of a local store; one that is there stays as it is
    ///
    /// The first backup makes it too, but not where this host has seen one before: a directory that is not mounted, or a prefix
    /// that was mistyped, looks just like a new store.
    Init {
        /// Store [default: the default one]
        #[arg(long, value_name = "NAME")]
        store: Option<StoreName>,
    },
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Stores, keys, database entries and notifiers [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Send a test message through every notifier that is checked
    #[arg(long)]
    pub send_test: bool,
}

impl Check {
    /// The request.
    pub fn request(self) -> check::Request {
        let trial = if self.send_test { check::NotifierTest::Message } else { check::NotifierTest::Silent };
        check::Request { names: self.names, trial }
    }
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
    /// Print a configuration with every key there is, explained
    Example,
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
        /// File to write [default: the one that the configuration declares, or NAME.key]
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
