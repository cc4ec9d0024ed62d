//! `jagad status`: one screen that answers "am I safe?".

mod metrics;
mod problem;

pub use metrics::{prometheus, write_textfile};
pub use problem::{Problem, ProblemKind};

use super::schedule::duty::{Duty, Look, ProtectedDatabase};
use super::{App, Failure, protection, prune, schedule};
use crate::catalog::{CatalogError, Chains, ListedBackup, Listing};
use crate::config::DatabaseEntry;
use crate::model::kind::word_enum;
use crate::model::{BackupId, ByteSize, DatabaseName, EngineKind, PolicyName, Timestamp, VerifyLevel};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;

/// Databases whose manifests are read concurrently; each also reads many at once.
const LISTINGS: usize = 8;
/// Number of sizes in a trend.
const TREND: usize = 5;

/// Which entries to show.
#[derive(Debug, Clone)]
pub struct Request {
    /// These entries; empty means all.
    pub databases: Vec<DatabaseName>,
    /// Only those attached to this policy.
    pub policy: Option<PolicyName>,
}

/// The status of every database.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it was checked.
    pub at: Timestamp,
    /// Whether nothing is wrong with any of them.
    pub safe: bool,
    /// By name.
    pub databases: Vec<Standing>,
}

word_enum! {
    /// The most urgent state of an entry.
    ProtectionStatus {
        /// All is well.
        Ok = "ok",
        /// A backup of it is under way.
        Running = "running",
        /// It is paused.
        Paused = "paused",
        /// Its last backup failed.
        Failing = "failing",
        /// It has another problem.
        Problem = "problem",
        /// No policy protects it.
        Unprotected = "unprotected",
        /// Its state cannot be read.
        Unknown = "unknown",
    }
}

/// The status of one database.
#[derive(Debug, Serialize)]
pub struct Standing {
    /// The entry.
    pub database: DatabaseName,
    /// Its engine.
    pub engine: EngineKind,
    /// The policy that it is attached to.
    pub policy: Option<PolicyName>,
    /// Its most urgent state.
    pub status: ProtectionStatus,
    /// The last good full.
    pub last_good: Option<Good>,
    /// The chain of incrementals, if the newest good backup is an incremental.
    pub chain: Option<ChainStanding>,
    /// Stored bytes of the last good fulls, oldest first.
    pub sizes: Vec<u64>,
    /// Number of good backups.
    pub good_backups: usize,
    /// Bytes of all its backups in the store.
    pub stored_bytes: u64,
    /// Failures since the last success.
    pub failures: u32,
    /// Why it is paused.
    pub paused: Option<String>,
    /// When something is due next.
    pub next: Option<Timestamp>,
    /// What is wrong; empty when it is safe.
    pub problems: Vec<Problem>,
    /// What should be fixed although the database is safe: objects of dead and failed runs that could not be removed.
    pub warnings: Vec<String>,
    /// Bytes of those objects.
    pub leftover_bytes: u64,
}

/// A good backup.
#[derive(Debug, Clone, Serialize)]
pub struct Good {
    /// The backup.
    pub id: BackupId,
    /// When it began: it holds nothing newer.
    pub started_at: Timestamp,
    /// When it was committed.
    pub finished_at: Timestamp,
    /// Bytes in the store.
    pub stored_bytes: u64,
    /// The level and time of its last passed verification.
    pub verified: Option<Verified>,
}

/// The chain of the newest good backup.
#[derive(Debug, Clone, Serialize)]
pub struct ChainStanding {
    /// The newest good backup.
    pub newest: BackupId,
    /// When it began: it holds nothing newer.
    pub started_at: Timestamp,
    /// The full that everything builds on.
    pub full: BackupId,
    /// When that began.
    pub full_started_at: Timestamp,
    /// How many backups a restore of the newest reads, itself and the full included.
    pub length: usize,
}

/// A verification that passed.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// Its level.
    pub level: VerifyLevel,
    /// When.
    pub at: Timestamp,
}

/// Checks every selected entry. A store that does not answer is a problem of its databases, not an error.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let at = app.clock.now();
    let looks = schedule::survey(app, &request.databases, request.policy.as_ref()).await?;
    let databases: Vec<Standing> = stream::iter(looks)
        .map(|(entry, look)| async move { stand(app, entry, &look, at).await })
        .buffered(LISTINGS)
        .collect()
        .await;
    app.cancel.check()?;
    let safe = databases.iter().all(|one| one.problems.is_empty());
    Ok(Report { at, safe, databases })
}

async fn stand(app: &App, entry: &DatabaseEntry, look: &Look, at: Timestamp) -> Standing {
    let listing = match look {
        Look::Attached(database) => {
            database.protection.catalog.list(Some(&entry.name)).await.map_err(Failure::from)
        }
        Look::Unattached => list_unattached(app, entry).await,
        Look::Unknown(failure) => Err(failure.again()),
    };
    let (listing, unknown) = match listing {
        Ok(listing) => (listing, None),
        Err(failure) => (Listing::default(), Some(failure)),
    };
    let chains = Chains::new(&listing.entries, at);
    let mut fulls: Vec<&ListedBackup> = chains.good_fulls().collect();
    fulls.reverse();
    let last_good = fulls.last().map(|full| good(full));
    let database = if let Look::Attached(database) = look { Some(&**database) } else { None };
    let facts = problem::Facts {
        entry,
        database,
        fulls: &fulls,
        chains: &chains,
        listing: &listing,
        unknown: unknown.as_ref(),
        at,
    };
    let problems = problem::find(app, &facts);
    let leftovers = leftovers(entry, look, &listing).await;
    let trend = fulls.len().saturating_sub(TREND);
    Standing {
        database: entry.name.clone(),
        engine: entry.engine,
        policy: database.map(|database| database.protection.attachment.policy.clone()),
        status: word(database, unknown.is_some(), &problems),
        last_good,
        chain: chain(&chains),
        sizes: fulls[trend..].iter().map(|full| full.manifest.stored_bytes()).collect(),
        good_backups: chains.good().count(),
        stored_bytes: listing
            .entries
            .iter()
            .fold(0, |sum: u64, entry| sum.saturating_add(entry.manifest.stored_bytes())),
        failures: database.map_or(0, |database| database.state.failures),
        paused: database.and_then(|database| Some(database.state.paused.as_ref()?.reason.clone())),
        next: database.and_then(|database| match &database.duty {
            Duty::Now(_, planned) => Some(*planned),
            Duty::Later(next) => next.first().map(|(_, time)| *time),
            Duty::Idle(_) => None,
        }),
        problems,
        warnings: leftovers.warnings,
        leftover_bytes: leftovers.bytes,
    }
}

/// Objects in the store that belong to no backup.
#[derive(Default)]
struct UnfinishedWork {
    warnings: Vec<String>,
    bytes: u64,
}

/// Searches for leftovers, if the store answers. A failure does not hide the rest of the status.
async fn leftovers(entry: &DatabaseEntry, look: &Look, listing: &Listing) -> UnfinishedWork {
    let Look::Attached(database) = look else { return UnfinishedWork::default() };
    let mut warnings = Vec::new();
    if let Some(noted) = &database.state.leftovers {
        warnings.push(format!("could not be removed ({}): {}", noted.at.table(), noted.problem));
    }
    let catalog = &database.protection.catalog;
    let mut found = catalog.abandoned(&entry.name, listing, prune::ABANDONED_AFTER).await.unwrap_or_default();
    found.retain(|left| listing.running.iter().all(|run| run.id != left.id));
    let bytes = found.iter().fold(0, |sum: u64, left| sum.saturating_add(left.bytes));
    if !found.is_empty() {
        let of = if found.len() == 1 { "a run".to_owned() } else { format!("{} runs", found.len()) };
        warnings.push(format!(
            "{} of {of} that failed or died are still in the store: jagad prune --db {}",
            ByteSize(bytes),
            entry.name
        ));
    }
    UnfinishedWork { warnings, bytes }
}

/// The backups of a database without a policy are listed too.
async fn list_unattached(app: &App, entry: &DatabaseEntry) -> Result<Listing, Failure> {
    let declared = protection::declared(app, entry);
    let name = app.inventory.store_of(&declared, None);
    match app.catalog_in(app.store(name.as_ref()).await?, name.as_ref()).await {
        Ok(catalog) => Ok(catalog.list(Some(&entry.name)).await?),
        Err(CatalogError::NoRepository { .. }) => Ok(Listing::default()),
        Err(error) => Err(error.into()),
    }
}

/// The chain of the newest good backup, where that is an incremental.
fn chain(chains: &Chains<'_>) -> Option<ChainStanding> {
    let newest = chains.good().next()?;
    let below = chains.below(newest);
    let full = below.last()?;
    Some(ChainStanding {
        newest: newest.manifest.id.clone(),
        started_at: newest.manifest.started_at,
        full: full.manifest.id.clone(),
        full_started_at: full.manifest.started_at,
        length: below.len() + 1,
    })
}

fn good(full: &ListedBackup) -> Good {
    let proven = full.verification.known().and_then(|last| last.proven(VerifyLevel::Exists));
    Good {
        id: full.manifest.id.clone(),
        started_at: full.manifest.started_at,
        finished_at: full.manifest.finished_at,
        stored_bytes: full.manifest.stored_bytes(),
        verified: proven.map(|(level, at)| Verified { level, at }),
    }
}

/// The status as one word.
fn word(database: Option<&ProtectedDatabase>, unknown: bool, problems: &[Problem]) -> ProtectionStatus {
    let Some(database) = database else {
        return if unknown { ProtectionStatus::Unknown } else { ProtectionStatus::Unprotected };
    };
    if unknown {
        ProtectionStatus::Unknown
    } else if database.state.paused.is_some() {
        ProtectionStatus::Paused
    } else if database.state.failures > 0 {
        ProtectionStatus::Failing
    } else if !problems.is_empty() {
        ProtectionStatus::Problem
    } else if database.running().is_some() {
        ProtectionStatus::Running
    } else {
        ProtectionStatus::Ok
    }
}
