//! `jagad restore`: a backup goes back into a server, beside what is there, and takes its place only when it is whole.

mod agreed;
mod announce;
mod folder;
mod forward;
mod from_files;
mod hooks;
mod load;
pub(in crate::commands) mod order;
mod outcome;
mod plan;
mod report;
mod run;
mod sequence;

pub(in crate::commands) use plan::{backup_of, full_of};

pub use outcome::FailedLoad;
pub use plan::{PlannedLoad, RestorePlan};
pub use report::{FolderReport, Report, ReportStatus, ScratchReport};

use self::agreed::AgreedRestore;
use self::from_files::FilesRestore;
use self::plan::Planning;
use super::links::chain_of;
use super::locate::locate_good_holding;
use super::stored::StoredBackup;
use super::{App, Class, Confirmation, Failure, Mode};
use crate::catalog::{BackupReference, Catalog, Manifest};
use crate::config::DatabaseEntry;
use crate::crypto::Keyring;
use crate::engine::{Naming, Occupied, Ownership, RecoveryPoint, Selection};
use crate::model::{DatabaseName, Method, StoreName};
use crate::store::Store;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What to restore where.
#[derive(Debug, Clone)]
pub struct Request {
    /// The backup.
    pub backup: BackupReference,
    /// The store it is in; `None` looks for it.
    pub store: Option<StoreName>,
    /// The database entry to restore into; `None` is the one it was taken from.
    pub target: Option<DatabaseName>,
    /// Files are written into this folder in place of a server; `None` restores into the server.
    pub folder: Option<PathBuf>,
    /// With `folder`: where the server's other folders go, by the name that the engine gave each.
    pub tablespace_folders: BTreeMap<String, PathBuf>,
    /// Where a throw-away server is made, for databases of a physical backup; `None` is the folder for temporary files.
    pub scratch: Option<PathBuf>,
    /// With `folder`: where the server's own log is replayed to.
    pub until: RecoveryPoint,
    /// Name of the logical database on the target; `None` keeps its own.
    pub into: Option<String>,
    /// Logical databases of the backup; empty means all.
    pub databases: Vec<String>,
    /// Objects of them.
    pub selection: Selection,
    /// Owners.
    pub owners: Ownership,
    /// Grants.
    pub privileges: Ownership,
    /// Tablespaces of objects.
    pub tablespaces: Ownership,
    /// Definers of views, routines, triggers and events.
    pub definers: Ownership,
    /// What data on a server that is restored as a whole means.
    pub occupied: Occupied,
    /// Under which name a database is filled.
    pub naming: Naming,
    /// Whether roles and tablespaces are restored first.
    pub globals: Globals,
    /// What an error in a statement means.
    pub on_error: OnError,
    /// What a database that cannot be restored means for the others.
    pub on_failure: OnFailure,
    /// Whether the target is backed up first.
    pub safety: Safety,
    /// Whether objects are looked at before, and rows counted after.
    pub proof: RestoreChecks,
    /// Whether a protected target may be overwritten.
    pub force: Force,
    /// Whether to stop after the plan.
    pub mode: Mode,
    /// How long to wait for the target's lease.
    pub wait: Duration,
}

/// Roles and tablespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Globals {
    /// Restore those that are missing.
    Restore,
    /// Leave them.
    Leave,
}

/// What an error in a statement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The restore fails and leaves nothing.
    Stop,
    /// It goes on and is reported as partial.
    Count,
}

/// What a database that cannot be restored means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The first that fails stops the rest.
    Stop,
    /// The others are restored, and the restore is reported as partial.
    GoOn,
}

/// A backup of the target before it is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Take one, pinned.
    Backup,
    /// Take none.
    Nothing,
}

/// Checks around the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreChecks {
    /// Look at every object before, count every row after.
    Full,
    /// Neither; digests are checked all the same.
    DigestsOnly,
}

/// What protection means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// A protected target is refused.
    No,
    /// It may be overwritten.
    Yes,
}

/// Restores, or plans to, and sends the notification of the end.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let result = Box::pin(restore(app, request)).await;
    announce::ended(app, request, &result).await;
    result
}

async fn restore(app: &App, request: &Request) -> Result<Report, Failure> {
    if let Some(folder) = &request.folder {
        return folder::recover(app, request, folder).await;
    }
    let (catalog, entry) =
        locate_good_holding(app, &request.backup, request.store.as_ref(), &request.databases).await?;
    let (manifest, catalog) = (&entry.manifest, &catalog);
    refuse_files(request, manifest)?;
    refuse_pieces_of_a_log(request, manifest)?;
    let target = target(app, request, manifest)?;
    let keyring = &Arc::new(app.inventory.keyring().await?);
    if manifest.method.takes_whole_server() {
        let restore = FilesRestore { app, request, catalog, manifest, target, keyring };
        return Box::pin(restore.run()).await;
    }
    let chain = chain_to_load(catalog, manifest).await?;
    let source = RestoreSource { catalog, chain: &chain, store: catalog.store(), lost: Vec::new() };
    plan_and_restore(app, request, target, &source, keyring).await
}

/// What a restore is fed from: the parts of a logical backup, or what was dumped out of the files of a physical one.
struct RestoreSource<'a> {
    /// Where the backup is recorded.
    catalog: &'a Catalog,
    /// The backup and what it builds on, the newest first, its full last, with the parts that are loaded.
    chain: &'a [Manifest],
    /// Where the parts are.
    store: &'a Arc<dyn Store>,
    /// Databases that are missing from them, when the others are restored anyway.
    lost: Vec<FailedLoad>,
}

/// Plans the restore, asks, and does it.
async fn plan_and_restore(
    app: &App,
    request: &Request,
    target: &DatabaseEntry,
    source: &RestoreSource<'_>,
    keyring: &Arc<Keyring>,
) -> Result<Report, Failure> {
    let RestoreSource { catalog, chain, store, .. } = *source;
    let manifest = &chain[0];
    // Everything that can be known is known before anything is touched.
    let reading = StoredBackup { store, keyring, stop: &app.cancel.token };
    let mut plan = Planning { app, request, chain, target, reading: &reading }.plan().await?;
    plan.refused.extend(source.lost.iter().cloned());
    if request.mode == Mode::Plan {
        return Ok(Report::planned(manifest, &plan));
    }
    app.watch.confirm(&question(&plan, manifest))?;
    let plan = &plan;
    AgreedRestore { app, request, catalog, store, chain, target, plan, keyring }.run().await
}

/// The backup and what it builds on, the newest first, its full last.
async fn chain_to_load(catalog: &Catalog, manifest: &Manifest) -> Result<Vec<Manifest>, Failure> {
    if manifest.parent.is_none() { Ok(vec![manifest.clone()]) } else { chain_of(catalog, manifest).await }
}

/// A log cannot be filtered by tables, and no error in it can be skipped.
fn refuse_pieces_of_a_log(request: &Request, manifest: &Manifest) -> Result<(), Failure> {
    if manifest.log.is_none() {
        return Ok(());
    }
    let (problem, help) = if !request.selection.is_everything() {
        (
            "--table and --schema",
            "Restore the database under another name with --into, and copy the tables from there.",
        )
    } else if request.on_failure == OnFailure::GoOn {
        ("--keep-going", "Leave it out, or restore the full that the backup builds on.")
    } else if request.on_error == OnError::Count {
        ("--allow-errors", "Leave it out, or restore the full that the backup builds on.")
    } else {
        return Ok(());
    };
    let message = format!("{problem} cannot be with backup {}, which replays a log of changes", manifest.id);
    Err(Failure::new(Class::Refused, message).help(help))
}

/// Refuses to restore the files of a whole server into a running one without `--dbname`.
fn refuse_files(request: &Request, manifest: &Manifest) -> Result<(), Failure> {
    if manifest.method == Method::Logical {
        return match &request.scratch {
            None => Ok(()),
            Some(_) => Err(Failure::new(Class::Usage, "--scratch is for physical backups")
                .help(format!("Backup {} is logical: leave out --scratch.", manifest.id))),
        };
    }
    if request.databases.len() > 1 && plan::needs_one_database(request) {
        return Err(Failure::new(Class::Usage, plan::ONE_DATABASE).help("Choose one with --dbname."));
    }
    if !request.databases.is_empty() {
        return Ok(());
    }
    let problem = format!(
        "backup {} is of the files of a whole server, which cannot go into a running one",
        manifest.id
    );
    Err(Failure::new(Class::Refused, problem).help(
        "Restore single databases into the running server with --dbname NAME; or write the files into a new folder with \
         --target-dir DIR, and start a server on that.",
    ))
}

/// The entry to restore into: it must be of the same engine, and unprotected unless forced.
fn target<'a>(app: &'a App, request: &Request, manifest: &Manifest) -> Result<&'a DatabaseEntry, Failure> {
    let name = request.target.as_ref().unwrap_or(&manifest.database);
    let target = app.database(name)?;
    if target.engine != manifest.engine {
        let message = format!("the backup is of {}, `{name}` is {}", manifest.engine, target.engine);
        return Err(Failure::new(Class::Refused, message).help("Choose a --target of the same engine."));
    }
    if target.protect && request.force == Force::No && request.mode == Mode::Run {
        return Err(Failure::new(Class::Refused, format!("`{name}` is protected"))
            .help("Restore into another entry with --target, or overwrite it with --force."));
    }
    Ok(target)
}

/// What is about to happen, for somebody who was just woken up.
fn question(plan: &RestorePlan, manifest: &Manifest) -> Confirmation {
    let mut facts = vec![format!(
        "Backup {} of `{}`, finished {} UTC, from {} {}.",
        manifest.id,
        manifest.database,
        manifest.finished_at.table(),
        manifest.engine,
        manifest.server.as_ref().map_or("?", |server| server.version.as_str())
    )];
    facts.extend(plan.lines());
    let replaced: Vec<_> =
        plan.loads.iter().filter(|load| load.replaces()).map(|load| load.database.as_str()).collect();
    let question = if replaced.is_empty() {
        format!("Restore into `{}` at {}?", plan.target, plan.address)
    } else {
        format!("Replace {} on `{}` at {}? There is no undo.", replaced.join(", "), plan.target, plan.address)
    };
    Confirmation { facts, question }
}
