//! `jagad verify`: how much of a backup is true, at four depths.

mod announce;
pub(super) mod contents;
mod drill;
pub(super) mod levels;

use super::locate::locate_good;
use super::milliseconds;
use super::selection::{DatabaseSelection, select};
use super::stored::Reading;
use super::{App, Class, Failure, RunLog, protection};
use crate::catalog::lease::host_name;
use crate::catalog::{BackupReference, Catalog, Entry, FORMAT, Manifest, Verification};
use crate::model::{BackupId, BackupStatus, StoreName, VerifyLevel};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What to verify, and how deep.
#[derive(Debug, Clone)]
pub struct Request {
    /// These backups; or all successful ones of `databases`.
    pub backups: Vec<BackupReference>,
    /// Entries whose backups are meant when `backups` is empty.
    pub databases: Option<DatabaseSelection>,
    /// Where they are.
    pub store: Option<StoreName>,
    /// Which of them.
    pub which: Which,
    /// How deep.
    pub level: VerifyLevel,
    /// Start no further one after so long; `None` is unbounded.
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

/// What came of one.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedBackup {
    /// The backup.
    pub backup: BackupId,
    /// Its database entry.
    pub database: crate::model::DatabaseName,
    /// What was found, as it was recorded.
    #[serde(flatten)]
    pub verification: Verification,
}

/// What came of all.
#[derive(Debug)]
pub struct Outcome {
    /// One per backup.
    pub results: Vec<VerifiedBackup>,
    /// Backups that the budget left for the next time.
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
    let mut outcome = Outcome { results: Vec::new(), left: 0, verdict: None };
    for (catalog, entry) in chosen {
        app.cancel.check()?;
        if request.budget.is_some_and(|budget| began.elapsed() >= budget) {
            outcome.left += 1;
            continue;
        }
        let (verification, failure) = verify_one(app, &catalog, &entry.manifest, request.level).await?;
        if let Some(failure) = failure {
            outcome.verdict.get_or_insert(failure.class);
        }
        let (backup, database) = (entry.manifest.id, entry.manifest.database);
        outcome.results.push(VerifiedBackup { backup, database, verification });
    }
    Ok(outcome)
}

/// Verifies a backup that was just made.
pub(super) async fn verify_new(
    app: &App,
    store: Option<&StoreName>,
    id: &BackupId,
    level: VerifyLevel,
) -> Result<Verification, Failure> {
    let (catalog, entry) = locate_good(app, &BackupReference::Id(id.clone()), store).await?;
    match verify_one(app, &catalog, &entry.manifest, level).await? {
        (verification, None) => Ok(verification),
        (_, Some(failure)) => Err(failure.doing(format!("verify {id}"))),
    }
}

async fn choose(app: &App, request: &Request) -> Result<Vec<(Catalog, Entry)>, Failure> {
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
            let good = |entry: &Entry| entry.manifest.status == BackupStatus::Success;
            let entries: Vec<Entry> = listing.entries.into_iter().filter(good).collect();
            let wanted = entries.into_iter().rev().filter(|entry| is_wanted(app, request.which, entry));
            let count = if request.which == Which::Latest { 1 } else { usize::MAX };
            chosen.extend(wanted.take(count).map(|entry| (catalog.clone(), entry)));
        }
    }
    Ok(chosen)
}

fn is_wanted(app: &App, which: Which, entry: &Entry) -> bool {
    match (which, &entry.verification) {
        (Which::Latest | Which::Every, _) | (Which::Unverified | Which::NotSince(_), None) => true,
        (Which::Unverified, Some(_)) => false,
        (Which::NotSince(age), Some(last)) => {
            last.status != "passed" || app.clock.now().since(last.verified_at) >= age
        }
    }
}

/// Verifies one, records the result, and tells of it when it is bad.
async fn verify_one(
    app: &App,
    catalog: &Catalog,
    manifest: &Manifest,
    level: VerifyLevel,
) -> Result<(Verification, Option<Failure>), Failure> {
    let result = look_and_record(app, catalog, manifest, level).await;
    announce::ended(app, manifest, &result).await;
    result
}

/// Verifies one and records the result. A backup that is not what it should be is a recorded result; being unable to
/// look (no store, no tool, no key) is an error and leaves no record.
async fn look_and_record(
    app: &App,
    catalog: &Catalog,
    manifest: &Manifest,
    level: VerifyLevel,
) -> Result<(Verification, Option<Failure>), Failure> {
    let log = app.log();
    let began = Instant::now();
    log.say(format!("VERIFY: {} of {} at level {level}", manifest.id, manifest.database));
    let looked = look(app, catalog, manifest, (level, &log)).await;
    app.cancel.check()?;
    let failure = match looked {
        Ok(()) => None,
        Err(failure) if failure.class == Class::Integrity => Some(failure),
        Err(failure) => return Err(failure.doing(format!("verify {}", manifest.id))),
    };
    let verification = Verification {
        format: FORMAT,
        level,
        status: if failure.is_none() { "passed" } else { "failed" }.to_owned(),
        verified_at: app.clock.now(),
        duration_ms: milliseconds(began),
        bytes: if level == VerifyLevel::Exists { 0 } else { manifest.stored_bytes() },
        host: host_name(),
        error: failure.as_ref().map(Failure::record),
    };
    catalog.record_verification(manifest, &verification).await?;
    match &failure {
        None => log.say(format!("VERIFY: OK {}", manifest.id)),
        Some(failure) => log.warn(format!("VERIFY: FAILED {}: {}", manifest.id, failure.message())),
    }
    Ok((verification, failure))
}

async fn look(
    app: &App,
    catalog: &Catalog,
    manifest: &Manifest,
    (level, log): (VerifyLevel, &RunLog),
) -> Result<(), Failure> {
    let store = catalog.store();
    levels::every_object_is_there(store.as_ref(), manifest).await?;
    if level == VerifyLevel::Exists {
        return Ok(());
    }
    let keyring = Arc::new(app.inventory.keyring().await?);
    let reading = Reading { store, keyring: &keyring, stop: &app.cancel.token };
    match level {
        VerifyLevel::Exists => Ok(()),
        VerifyLevel::Checksum => levels::every_byte_agrees(app, &reading, manifest).await,
        VerifyLevel::Read => levels::every_part_parses(app, &reading, manifest).await,
        VerifyLevel::Restore => drill::restores(app, &reading, manifest, log).await,
    }
}
