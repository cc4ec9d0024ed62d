//! Arguments of `list`, `show` and `logs`.

use super::{TrustArgs, words};
use crate::catalog::Subject;
use crate::commands::{list, restores};
use crate::config::Inventory;
use crate::model::{BackupStatus, DatabaseName, StoreName};
use clap::Args;

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only these entries; `restores` instead of an entry means --restores
    #[arg(value_name = "DB")]
    pub databases: Vec<DatabaseName>,
    /// List restores instead of backups; DB is the target entry
    #[arg(long)]
    pub restores: bool,
    /// Only with this status
    #[arg(long, value_parser = words(BackupStatus::WORDS))]
    pub status: Option<String>,
    /// Only in this store
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Show at most this many, newest first
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: usize,
}

impl List {
    /// The request. If there is an entry named `restores`, the word means that entry.
    pub fn request(self, inventory: &Inventory) -> Listed {
        let status = self.status.and_then(|word| word.parse().ok());
        let (mut databases, store, limit) = (self.databases, self.store, self.limit);
        let word = databases
            .first()
            .is_some_and(|name| name.as_str() == "restores" && !inventory.databases.contains_key(name));
        if word {
            databases.remove(0);
        }
        if self.restores || word {
            return Listed::Restores(restores::Request { targets: databases, status, store, limit });
        }
        Listed::Backups(list::Request { databases, status, store, limit })
    }
}

/// What to list.
#[derive(Debug)]
pub enum Listed {
    /// Backups.
    Backups(list::Request),
    /// Restores.
    Restores(restores::Request),
}

/// One backup or restore.
#[derive(Debug, Args)]
pub struct Named {
    /// Backup or restore: an id, its first characters, DB@latest or DB@2026-01-02T03:04
    #[arg(value_name = "ID")]
    pub subject: Subject,
    /// Store of the backup [default: search all stores]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Whether backups that no key authenticates are accepted.
    #[command(flatten)]
    pub trust: TrustArgs,
}
