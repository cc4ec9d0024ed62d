//! `jagad verify`: verifies backups at one of four levels.

mod after_backup;
mod announce;
pub(super) mod contents;
mod drill;
mod drill_files;
pub(super) mod levels;

pub(super) use after_backup::{OfRun, not_verified, of_run, pending};

use super::links::chain_of;
use super::locate::locate_good;
use super::milliseconds;
use super::selection::{DatabaseSelection, select};
use super::stored::StoredBackup;
use super::{App, Class, Failure, RunLog, Tone, list, protection, reader_lease};
use crate::catalog::lease::host_name;
use crate::catalog::{
    BackupReference, Catalog, Chains, FORMAT, ListedBackup, Manifest, Operation, SideRecord, Verification,
    VerifyingMark, is_plausible,
};
use crate::model::{BackupId, Integrity, StoreName, VerificationStatus, VerifyLevel};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What to verify, and at which level.
#[derive(Debug, Clone)]
pub struct Request {
    /// These backups; or all successful ones of `databases`.
    pub backups: Vec<BackupReference>,
    /// Entries whose backups are verified when `backups` is empty.
    pub databases: Option<DatabaseSelection>,
    /// The store of the backups.
    pub store: Option<StoreName>,
    /// Which of them.
    pub which: Which,
    /// How deep.
    pub level: VerifyLevel,
    /// Start no further verification after this time; `None` is unlimited.
    pub budget: Option<Duration>,
}

/// Which backups of a database are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The last.
    Latest,
    /// Every one.
    Every,
    /// Those that were never verified.
    Unverified,
    /// Those whose last verification that passed is older than this, or absent.
    NotSince(Duration),
}

/// The result for one backup.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedBackup {
    /// The backup.
    pub backup: BackupId,
    /// Its database entry.
    pub database: crate::model::DatabaseName,
    /// The recorded result.
    #[serde(flatten)]
    pub verification: Verification,
}

/// The results for all backups.
#[derive(Debug)]
pub struct Outcome {
    /// One per backup.
    pub results: Vec<VerifiedBackup>,
    /// Backups that were not verified because the budget was used up.
    pub left: usize,
    /// The class of the first failure.
    pub verdict: Option<Class>,
}

/// Verifies and records each result next to its backup.
pub async fn run(app: &App, request: &Request) -> Result<Outcome, Failure> {
    let chosen = match choose(app, request).await {
        Ok(chosen) => chosen,
        Err(failure) => {
            announce::not_begun(app, request, &failure).await;
            return Err(failure);
        }
    };
    let began = Instant::now();
    let alone = chosen.len() == 1;
    let mut outcome = Outcome { results: Vec::new(), left: 0, verdict: None };
    let mut proven = BTreeSet::new();
    for (catalog, entry) in chosen {
        app.cancel.check()?;
        if request.budget.is_some_and(|budget| began.elapsed() >= budget) {
            outcome.left += 1;
            continue;
        }
        let (verification, failure) =
            verify_one(app, &catalog, &entry.manifest, request.level, &mut proven).await?;
        if let Some(failure) = failure {
            if alone && verification.status == VerificationStatus::Inconclusive {
                return Err(failure.doing(format!("verify {}", entry.manifest.id)));
            }
            outcome.verdict.get_or_insert(failure.class);
        }
        let (backup, database) = (entry.manifest.id, entry.manifest.database);
        outcome.results.push(VerifiedBackup { backup, database, verification });
    }
    Ok(outcome)
}

async fn choose(app: &App, request: &Request) -> Result<Vec<(Catalog, ListedBackup)>, Failure> {
    let mut chosen = Vec::new();
    for reference in &request.backups {
        chosen.push(locate_good(app, reference, request.store.as_ref()).await?);
    }
    if let Some(databases) = &request.databases {
        for database in select(app, databases)? {
            let protected = protection::protected(app, database).await?;
            let store = app.inventory.store_of(&protected, request.store.as_ref());
            let catalog = app.catalog(store.as_ref()).await?;
            let listing = catalog.list(Some(&database.name)).await?;
            for one in listing.unreadable {
                app.watch.say(Tone::Warning, &list::describe(one));
            }
            let chains = Chains::new(&listing.entries, app.clock.now());
            let entries: Vec<&ListedBackup> = match request.which {
                Which::Latest => chains.whole().take(1).collect(),
                _ => chains.succeeded().filter(|entry| is_wanted(app, request, entry)).collect(),
            };
            chosen.extend(entries.into_iter().map(|entry| (catalog.clone(), entry.clone())));
        }
    }
    Ok(chosen)
}

/// An earlier verification at a lower level, or without a result, does not count.
fn is_wanted(app: &App, request: &Request, entry: &ListedBackup) -> bool {
    let proven = entry.verification.known().and_then(|last| last.proven(request.level));
    match request.which {
        Which::Latest | Which::Every => true,
        Which::Unverified => match &entry.verification {
            SideRecord::Known(last) => last.bad().is_none() && proven.is_none(),
            SideRecord::Absent | SideRecord::Unreadable { .. } => true,
        },
        Which::NotSince(age) => {
            let now = app.clock.now();
            proven.is_none_or(|(_, at)| !is_plausible(at, now) || now.since(at) >= age)
        }
    }
}

/// Verifies one, records the result, and sends a notification when it is bad.
async fn verify_one(
    app: &App,
    catalog: &Catalog,
    manifest: &Manifest,
    level: VerifyLevel,
    proven: &mut BTreeSet<BackupId>,
) -> Result<(Verification, Option<Failure>), Failure> {
    let mark = mark(app, catalog, manifest, level).await;
    let result = look_and_record(app, catalog, manifest, Look { level, extent: Extent::Chain(proven) }).await;
    catalog.unmark_verifying(manifest, mark).await;
    announce::ended(app, manifest, &result).await;
    if matches!(&result, Ok((verification, _)) if verification.bad().is_some()) {
        after_backup::forget_good(app, catalog, manifest).await;
    }
    result
}

/// Marks the backup as being verified.
async fn mark(app: &App, catalog: &Catalog, manifest: &Manifest, level: VerifyLevel) -> VerifyingMark {
    let lifetime = app.inventory.settings.lease_lifetime;
    catalog.mark_verifying(manifest, level, app.clock.now(), lifetime).await
}

/// Verifies one and records the result: passed, failed, or inconclusive because something else failed. Only a store
/// that does not answer and an interrupted run leave no record.
async fn look_and_record(
    app: &App,
    catalog: &Catalog,
    manifest: &Manifest,
    look: Look<'_>,
) -> Result<(Verification, Option<Failure>), Failure> {
    let level = look.level;
    let log = app.log();
    let began = Instant::now();
    log.say(format!("VERIFY: {} of {} at level {level}", manifest.id, manifest.database));
    let reader = reader_lease::announce(app, catalog, manifest, Operation::Verify, &log).await?;
    let looked = look.at(app, catalog, manifest, &log).await;
    reader.finish().await;
    app.cancel.check()?;
    let (status, failure) = match looked {
        Ok(()) => (VerificationStatus::Passed, None),
        Err(failure) if failure.class == Class::Integrity => (VerificationStatus::Failed, Some(failure)),
        Err(failure) => (VerificationStatus::Inconclusive, Some(failure)),
    };
    let verification = Verification {
        format: FORMAT,
        level,
        status,
        verified_at: app.clock.now(),
        duration_ms: milliseconds(began),
        bytes: if level == VerifyLevel::Exists { 0 } else { manifest.stored_bytes() },
        host: host_name(),
        error: failure.as_ref().map(Failure::record),
        passed: BTreeMap::new(),
        found_bad: None,
    };
    match (catalog.record_verification(manifest, verification.clone()).await, failure) {
        (Ok(recorded), failure) => {
            say_result(&log, manifest, status, failure.as_ref());
            Ok((recorded, failure))
        }
        // The cause of the inconclusive result also prevents its record.
        (Err(_), Some(failure)) if status == VerificationStatus::Inconclusive => {
            Err(failure.doing(format!("verify {}", manifest.id)))
        }
        // The verification itself was done: its result is returned.
        (Err(error), failure) => {
            log.warn(format!("the verification was not recorded: {}", Failure::from(error).message()));
            say_result(&log, manifest, status, failure.as_ref());
            Ok((verification, failure))
        }
    }
}

fn say_result(log: &RunLog, manifest: &Manifest, status: VerificationStatus, failure: Option<&Failure>) {
    let why = failure.map(Failure::message).unwrap_or_default();
    match status {
        VerificationStatus::Passed => log.say(format!("VERIFY: OK {}", manifest.id)),
        VerificationStatus::Failed => log.warn(format!("VERIFY: FAILED {}: {why}", manifest.id)),
        VerificationStatus::Inconclusive => log.warn(format!("VERIFY: INCONCLUSIVE {}: {why}", manifest.id)),
    }
}

/// How a backup is verified.
struct Look<'a> {
    level: VerifyLevel,
    extent: Extent<'a>,
}

/// How much of a chain is read.
enum Extent<'a> {
    /// The backup itself: what it builds on was verified when that was taken.
    Own,
    /// Also all that it builds on, except backups that passed before in this run; those that pass are added.
    Chain(&'a mut BTreeSet<BackupId>),
}

impl Look<'_> {
    async fn at(
        self,
        app: &App,
        catalog: &Catalog,
        manifest: &Manifest,
        log: &RunLog,
    ) -> Result<(), Failure> {
        let store = catalog.store();
        if manifest.integrity == Integrity::Delegated {
            return self.delegated(app, catalog, manifest, log).await;
        }
        // A backup is only good if everything that it builds on is good.
        let chain = chain_of(catalog, manifest).await?;
        for link in &chain {
            let there = levels::every_object_is_there(store.as_ref(), link).await;
            there.map_err(|failure| of_link(failure, manifest, link))?;
        }
        if self.level == VerifyLevel::Exists {
            return Ok(());
        }
        let keyring = Arc::new(app.inventory.keyring().await?);
        let reading = StoredBackup { store, keyring: &keyring, stop: &app.cancel.token };
        if self.level == VerifyLevel::Restore {
            return drill::restores(app, &reading, &chain, log).await;
        }
        let mut own = BTreeSet::new();
        let (proven, links) = match self.extent {
            Extent::Own => (&mut own, &chain[..1]),
            Extent::Chain(proven) => (proven, &chain[..]),
        };
        for link in links {
            if proven.contains(&link.id) {
                continue;
            }
            let looked = match self.level {
                VerifyLevel::Checksum => levels::every_byte_agrees(app, &reading, link).await,
                _ => levels::every_part_parses(app, &reading, link).await,
            };
            looked.map_err(|failure| of_link(failure, manifest, link))?;
            proven.insert(link.id.clone());
        }
        Ok(())
    }

    /// Lets the tool that keeps the data verify it, with all that it builds on there. This relies on the tool's word; a
    /// drill proves more.
    async fn delegated(
        self,
        app: &App,
        catalog: &Catalog,
        manifest: &Manifest,
        log: &RunLog,
    ) -> Result<(), Failure> {
        let engine = app.tools_of(manifest);
        let Some(repository) = engine.delegate_repository() else {
            let problem = format!("`{}` is not set up on this host to ask pgBackRest", manifest.database);
            return Err(Failure::new(Class::Prerequisite, problem)
                .help("Declare the entry with method = \"pgbackrest\" and its `pgbackrest` settings."));
        };
        let facts = manifest.physical.clone().unwrap_or_default();
        // A drill reads every file, and so finds missing ones itself.
        let level = if self.level == VerifyLevel::Restore { VerifyLevel::Exists } else { self.level };
        let examining = repository.examine(app.runner.as_ref(), &facts, level);
        for said in app.cancel.unless_stopped(&app.cancel.token, examining).await?? {
            log.say(format!("VERIFY: {said} (delegated: {} answers for it)", repository.tool()));
        }
        if self.level != VerifyLevel::Restore {
            return Ok(());
        }
        let keyring = Arc::new(app.inventory.keyring().await?);
        let reading = StoredBackup { store: catalog.store(), keyring: &keyring, stop: &app.cancel.token };
        drill::restores(app, &reading, std::slice::from_ref(manifest), log).await
    }
}

/// A failure that names its backup within the chain.
fn of_link(failure: Failure, manifest: &Manifest, link: &Manifest) -> Failure {
    if link.id == manifest.id { failure } else { failure.doing(format!("{}, which it builds on", link.id)) }
}
