//! `jagad restore`: a backup goes back into a server, beside what is there, and takes its place only when it is whole.

mod announce;
mod hooks;
mod load;
mod offline;
pub(in crate::commands) mod order;
mod plan;
mod report;
mod sequence;

pub use plan::{PlannedLoad, RestorePlan};
pub use report::Report;
pub use sequence::FailedLoad;

use self::sequence::RestoreRun;
use super::backup;
use super::lease_guard::{Claim, LeaseRequest, claim};
use super::locate::locate_good_holding;
use super::protection;
use super::reading::announce;
use super::stop::either;
use super::stored::Reading;
use super::{App, Class, Failure, Mode, Question, RunLog, crash, milliseconds};
use crate::catalog::lease::{Operation, host_name};
use crate::catalog::{BackupReference, Catalog, FORMAT, RestoreRecord};
use crate::config::DatabaseEntry;
use crate::engine::{Naming, Occupied, Ownership, Selection, TargetEffect};
use crate::model::{DatabaseName, RestoreId, RestoreStatus, SourceChoice, StoreName};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    pub proof: Proof,
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
pub enum Proof {
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

/// Restores, or plans to, and tells of the end.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let result = restore(app, request).await;
    announce::ended(app, request, &result).await;
    result
}

async fn restore(app: &App, request: &Request) -> Result<Report, Failure> {
    if let Some(folder) = &request.folder {
        return offline::lay_out(app, request, folder).await;
    }
    let (catalog, entry) =
        locate_good_holding(app, &request.backup, request.store.as_ref(), &request.databases).await?;
    let manifest = &entry.manifest;
    let target = target(app, request, manifest)?;

    // Everything that can be known is known before anything is touched.
    let keyring = Arc::new(app.inventory.keyring().await?);
    let reading = Reading { store: catalog.store(), keyring: &keyring, stop: &app.cancel.token };
    let plan = plan::make(app, request, (manifest, target), &reading).await?;
    if request.mode == Mode::Plan {
        return Ok(Report::planned(manifest, &plan));
    }
    app.watch.confirm(&question(&plan, manifest))?;
    // Whoever had to be asked is no part of how long it takes.
    let (began, record) = (Instant::now(), record_of(app, manifest, &plan));
    let log = app.log();
    for load in &plan.loads {
        load.notes().into_iter().for_each(|note| log.warn(format!("{}: {note}", load.database)));
    }
    if request.safety == Safety::Backup {
        safety_backup(app, target, &plan, &log).await?;
    }

    // A policy's store that is down is no reason not to restore from another.
    let protected = protection::protected(app, target).await;
    let protected = protected.unwrap_or_else(|_| protection::declared(app, target));
    let home = app.catalog_or_new(app.inventory.store_of(&protected, None).as_ref()).await?;
    let purpose = LeaseRequest {
        operation: Operation::Restore,
        backup: Some(manifest.id.clone()),
        makes: None,
        wait: request.wait,
        log: &log,
    };
    let claim = claim(app, &home, target, &purpose).await?;
    // From here on nobody deletes the backup, wherever it goes.
    let reader = match announce(app, &catalog, manifest, Operation::Restore, &log).await {
        Ok(reader) => reader,
        Err(failure) => {
            claim.release(&log).await;
            return Err(failure);
        }
    };
    crash::point("restore-after-lease");
    let recorded = Recorded { home: &home, claim: &claim, log: &log };
    recorded.begun(&record).await;
    let stop = either(&app.cancel.token, &claim.lost());
    let reading = Reading { store: catalog.store(), keyring: &keyring, stop: &stop };
    let run = RestoreRun { app, request, plan: &plan, manifest, reading: &reading, claim: &claim, log: &log };
    let loaded = run.load_all().await;
    reader.finish().await;

    let loaded = loaded.map_err(|failure| claim.lost_or(app, failure));
    let (status, error) = match &loaded {
        Ok(loaded) if loaded.is_whole() => (RestoreStatus::Success, None),
        Ok(loaded) => (RestoreStatus::Partial, loaded.failed.first().map(|failed| failed.error.clone())),
        Err(failure) => (RestoreStatus::Failed, Some(failure.record())),
    };
    let record = RestoreRecord {
        finished_at: Some(app.clock.now()),
        duration_ms: Some(milliseconds(began)),
        status,
        error,
        ..record
    };
    match &loaded {
        Ok(loaded) if !loaded.failed.is_empty() => log.warn("RESTORE: some databases are not restored"),
        Ok(_) => log.say("RESTORE: OK"),
        // It is told at the end of the command; here it is kept for who reads the log later.
        Err(failure) => log.keep_failure("RESTORE: failed", failure),
    }
    recorded.ended(&record).await;
    claim.release(&log).await;
    loaded.map(|loaded| Report::done(manifest, &plan, &record, loaded))
}

/// Where a restore is written down, while its target is held.
struct Recorded<'a> {
    home: &'a Catalog,
    claim: &'a Claim,
    log: &'a RunLog,
}

impl Recorded<'_> {
    /// Others see that it runs. What cannot be recorded keeps no restore from what it is for.
    async fn begun(&self, record: &RestoreRecord) {
        if self.claim.is_held()
            && let Err(error) = self.home.record_restore(record).await
        {
            let why = Failure::from(error).message();
            self.log.warn(format!("that the restore has begun was not recorded: {why}"));
        }
    }

    /// The log first: whoever sees the end finds it.
    async fn ended(&self, record: &RestoreRecord) {
        if !self.claim.is_held() {
            return;
        }
        let recorded = async {
            self.home.write_restore_log(record, &self.log.text()).await?;
            self.home.record_restore(record).await
        };
        if let Err(error) = recorded.await {
            self.log.warn(format!("the restore was not recorded: {}", Failure::from(error).message()));
        }
    }
}

/// The entry to restore into: it must be of the same engine, and unprotected unless forced.
fn target<'a>(
    app: &'a App,
    request: &Request,
    manifest: &crate::catalog::Manifest,
) -> Result<&'a DatabaseEntry, Failure> {
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

/// What is about to happen, for somebody who was woken up.
fn question(plan: &RestorePlan, manifest: &crate::catalog::Manifest) -> Question {
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
    Question { facts, question }
}

/// A pinned backup of what is about to be replaced.
async fn safety_backup(
    app: &App,
    target: &DatabaseEntry,
    plan: &RestorePlan,
    log: &RunLog,
) -> Result<(), Failure> {
    let databases: Vec<String> = plan
        .loads
        .iter()
        .filter(|load| {
            matches!(
                load.plan.effect,
                TargetEffect::Replaces { .. }
                    | TargetEffect::PutsAside { .. }
                    | TargetEffect::Overwrites { .. }
                    | TargetEffect::AddsTo
            )
        })
        .map(|load| load.database.clone())
        .collect();
    if databases.is_empty() {
        log.say("nothing is replaced, so no safety backup is taken");
        return Ok(());
    }
    // A server that is backed up as a whole has other names for its parts than the backup that goes into it.
    let databases = if target.engine.has_databases() { databases } else { Vec::new() };
    let choices = backup::Choices {
        databases,
        // What is about to be replaced, as it is now.
        source: Some(SourceChoice::Primary),
        note: Some("before a restore".to_owned()),
        pin: true,
        ..backup::Choices::default()
    };
    let protected = protection::protected(app, target).await?;
    let report = backup::safety_copy(app, &protected, &choices)
        .await
        .map_err(|failure| failure.doing("safety backup"))?;
    log.say(format!("safety backup {} of `{}` is pinned", report.id, target.name));
    Ok(())
}

/// The record of a restore that begins now.
fn record_of(app: &App, manifest: &crate::catalog::Manifest, plan: &RestorePlan) -> RestoreRecord {
    let now = app.clock.now();
    RestoreRecord {
        format: FORMAT,
        id: RestoreId::new(now),
        backup: manifest.id.clone(),
        source: manifest.database.clone(),
        target: plan.target.clone(),
        databases: plan.loads.iter().map(|load| load.database.clone()).collect(),
        status: RestoreStatus::Running,
        started_at: now,
        finished_at: None,
        duration_ms: None,
        error: None,
        host: host_name(),
        pid: std::process::id(),
    }
}
