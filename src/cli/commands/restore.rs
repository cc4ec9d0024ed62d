//! `restore`.

use super::TrustArgs;
use crate::catalog::BackupReference;
use crate::cli::args::Global;
use crate::commands::{Mode, restore};
use crate::engine::{Naming, Occupied, Ownership, RecoveryPoint, RecoveryTarget, RecoveryWhat, Selection};
use crate::model::{DatabaseName, StoreName, Timestamp};
use clap::Args;
use std::path::PathBuf;

fn tablespace(text: &str) -> Result<(String, PathBuf), String> {
    let (oid, folder) =
        text.split_once('=').filter(|(_, folder)| !folder.is_empty()).ok_or("write OID=DIR")?;
    Ok((oid.to_owned(), PathBuf::from(folder)))
}

/// The name of a restore point: PostgreSQL takes 63 bytes, and it goes into a file of settings.
fn restore_point(text: &str) -> Result<String, String> {
    let plain = |c: char| !c.is_control() && !matches!(c, '\'' | '\\');
    if (1..64).contains(&text.len()) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("a restore point has a name of 1 to 63 bytes, without quotes and backslashes".to_owned())
}

/// Where the server's own log is replayed to.
#[derive(Debug, Args)]
#[group(multiple = false, requires = "target_dir")]
pub struct RecoveryEnd {
    /// With --target-dir, of a backup with method "pgbackrest": replay the server's log up to this time, as 2026-01-02T03:04:05Z [default: to the end of the backup]
    #[arg(id = "to_time", long = "to-time", value_name = "TIME")]
    pub time: Option<Timestamp>,
    /// The same, up to this place in the log, as 0/2000028
    #[arg(id = "to_lsn", long = "to-lsn", value_name = "LSN")]
    pub lsn: Option<String>,
    /// The same, up to this transaction
    #[arg(id = "to_xid", long = "to-xid", value_name = "XID")]
    pub xid: Option<u64>,
    /// The same, up to the restore point of this name
    #[arg(id = "to_name", long = "to-name", value_name = "NAME", value_parser = restore_point)]
    pub name: Option<String>,
    /// The same, to the end of the archived log
    #[arg(id = "to_latest", long = "to-latest")]
    pub latest: bool,
}

/// Where the server's own log is replayed to, and whether that is included.
#[derive(Debug, Args)]
pub struct Until {
    /// Where.
    #[command(flatten)]
    pub end: RecoveryEnd,
    /// With --to-time, --to-lsn or --to-xid: stop before it
    #[arg(long, conflicts_with_all = ["to_name", "to_latest"], requires = "RecoveryEnd")]
    pub exclusive: bool,
}

impl Until {
    fn point(self) -> RecoveryPoint {
        let RecoveryEnd { time, lsn, xid, name, latest } = self.end;
        let what = time.map(RecoveryWhat::Time).or(lsn.map(RecoveryWhat::Lsn));
        let what = what.or(xid.map(RecoveryWhat::Xid)).or(name.map(RecoveryWhat::Name));
        match what {
            Some(what) => RecoveryPoint::Target(RecoveryTarget { what, exclusive: self.exclusive }),
            None if latest => RecoveryPoint::Latest,
            None => RecoveryPoint::Backup,
        }
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
    /// Store of the backup [default: search all stores]
    #[arg(long, value_name = "NAME")]
    pub store: Option<StoreName>,
    /// Database entry to restore into [default: the entry that was backed up]
    #[arg(long, value_name = "DB")]
    pub target: Option<DatabaseName>,
    /// Write the files of a stopped server into this new or empty folder: of a physical backup with everything that it builds on, and of Redis
    #[arg(long, value_name = "DIR", conflicts_with_all = ["target", "into", "clean", "safety_backup", "globals", "schema", "table", "allow_errors"])]
    pub target_dir: Option<PathBuf>,
    /// With --target-dir: put the tablespace with this OID into a new or empty folder (repeatable)
    #[arg(long, value_name = "OID=DIR", value_parser = tablespace, requires = "target_dir")]
    pub tablespace: Vec<(String, PathBuf)>,
    /// Physical backups with --dbname: make the throw-away server in this folder, which needs room for the files of the whole server [default: settings.tmp_dir]
    #[arg(long, value_name = "DIR", conflicts_with = "target_dir")]
    pub scratch: Option<PathBuf>,
    /// Where the server's own log is replayed to.
    #[command(flatten)]
    pub until: Until,
    /// Name of the logical database on the target [default: its own]
    #[arg(long, value_name = "NAME")]
    pub into: Option<String>,
    /// Only this logical database of the backup (repeatable); of a physical backup, a throw-away server is made of its files to dump it
    #[arg(long, value_name = "NAME")]
    pub dbname: Vec<String>,
    /// Only this schema, into the existing database (repeatable)
    #[arg(long, value_name = "SCHEMA")]
    pub schema: Vec<String>,
    /// Only this table (TABLE or SCHEMA.TABLE) with its indexes, constraints and privileges (repeatable)
    #[arg(long, value_name = "TABLE")]
    pub table: Vec<String>,
    /// Do not restore owners: the connecting role owns everything
    #[arg(long)]
    pub no_owner: bool,
    /// Do not restore grants
    #[arg(long)]
    pub no_privileges: bool,
    /// PostgreSQL: put everything into the target's default tablespace
    #[arg(long)]
    pub no_tablespaces: bool,
    /// MySQL and MariaDB: drop the definers of views, routines, triggers and events; the connecting user becomes the definer
    #[arg(long)]
    pub strip_definer: bool,
    /// First create missing roles and tablespaces, or users
    #[arg(long)]
    pub globals: bool,
    /// Empty the target first. Redis: remove every key (otherwise a target with keys is refused). PostgreSQL: empty the existing database, for roles that may not create one (not atomic)
    #[arg(long)]
    pub clean: bool,
    /// PostgreSQL: rename the existing database first and load the new one under its own name, for databases that work under no other; a failed restore renames it back
    #[arg(long, conflicts_with = "clean")]
    pub own_name: bool,
    /// First back up the existing database, and pin that backup
    #[arg(long)]
    pub safety_backup: bool,
    /// Continue after failed statements, and report them (exit code 3)
    #[arg(long)]
    pub allow_errors: bool,
    /// If one of several databases cannot be restored, restore the others (exit code 3)
    #[arg(long)]
    pub keep_going: bool,
    /// Skip the check of all objects before and the row counts after; checksums are always checked
    #[arg(long)]
    pub skip_verify: bool,
    /// Whether backups that no key authenticates are accepted.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Overwrite a protected entry
    #[arg(long)]
    pub force: bool,
    /// Show every step and check that it is possible, without changing anything
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
            folder: self.target_dir,
            tablespace_folders: self.tablespace.into_iter().collect(),
            scratch: self.scratch,
            until: self.until.point(),
            into: self.into,
            databases: self.dbname,
            selection: Selection { schemas: self.schema, tables: self.table },
            owners: owner(self.no_owner),
            privileges: owner(self.no_privileges),
            tablespaces: owner(self.no_tablespaces),
            definers: owner(self.strip_definer),
            occupied: if self.clean { Occupied::Clean } else { Occupied::Refuse },
            naming: if self.own_name { Naming::Own } else { Naming::Temporary },
            globals: if self.globals { restore::Globals::Restore } else { restore::Globals::Leave },
            on_error: if self.allow_errors { restore::OnError::Count } else { restore::OnError::Stop },
            on_failure: if self.keep_going { restore::OnFailure::GoOn } else { restore::OnFailure::Stop },
            safety: if self.safety_backup { restore::Safety::Backup } else { restore::Safety::Nothing },
            proof: if self.skip_verify {
                restore::RestoreChecks::DigestsOnly
            } else {
                restore::RestoreChecks::Full
            },
            force: if self.force { restore::Force::Yes } else { restore::Force::No },
            mode: Mode::of(self.plan),
            wait: global.wait.unwrap_or(defaults.lock_wait),
        })
    }
}
