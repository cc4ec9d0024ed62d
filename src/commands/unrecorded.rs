//! What this host remembers while a store does not answer: failed runs that could not be recorded yet, and when it last
//! began a backup. Without these nobody would be notified while a store is down. They are small files below
//! `settings.state_dir`; a host that loses them loses nothing that was recorded.

use super::leftovers::Leftovers;
use super::protection::{self, CountedRun};
use super::record::{self, PlannedBackup};
use super::{App, Class, Failure, RunLog, host_files, known_repositories};
use crate::catalog::{Catalog, CatalogError, FORMAT, FailureRecord, Manifest};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupPurpose, DatabaseName, Method, StoreName, Timestamp};
use crate::store::StoreError;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Most failures that are kept for one database; when a store is down for more runs than this, it has been reported
/// often enough.
const LIMIT: usize = 1000;
/// What could not be recorded, and when a backup was last begun.
const UNRECORDED: &str = "unrecorded";
const SEEN: &str = "seen";

/// A failed run that could not be recorded in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unrecorded {
    /// [`FORMAT`].
    format: u32,
    /// The backup that it would have been.
    pub(super) id: BackupId,
    /// Why it would have been taken.
    purpose: BackupPurpose,
    /// How its data would have been taken.
    method: Method,
    /// When it began.
    pub(super) started_at: Timestamp,
    /// When it failed.
    finished_at: Timestamp,
    /// Why.
    error: FailureRecord,
}

impl Unrecorded {
    /// A run for `planned` that failed at `now`.
    pub(super) fn new(
        planned: PlannedBackup,
        started_at: Timestamp,
        now: Timestamp,
        failure: &Failure,
    ) -> Self {
        let PlannedBackup { id, purpose, method, .. } = planned;
        Self { format: FORMAT, id, purpose, method, started_at, finished_at: now, error: failure.record() }
    }

    /// A dead run that was found, from its `manifest`.
    pub(super) fn dead(manifest: &Manifest) -> Self {
        let unknown = || Failure::new(Class::Operation, "it ended without a result").record();
        Self {
            format: FORMAT,
            id: manifest.id.clone(),
            purpose: manifest.purpose,
            method: manifest.method,
            started_at: manifest.started_at,
            finished_at: manifest.finished_at,
            error: manifest.error.clone().unwrap_or_else(unknown),
        }
    }
}

/// The files of one database of one repository: two configurations of a host may both have an entry `shop`. Keys are those of
/// [`remembered`].
fn folder(app: &App, kind: &str, key: &str, database: &DatabaseName) -> PathBuf {
    app.inventory.settings.state_dir.join(kind).join(key).join(database.as_str())
}

/// The entry or repository whose files are used.
#[derive(Clone, Copy)]
pub(super) enum Where<'a> {
    /// An entry whose store, the named one or its own, does not answer.
    Store(&'a DatabaseEntry, Option<&'a StoreName>),
    /// A database of an opened repository.
    Repository(&'a Catalog, &'a DatabaseName),
}

impl Where<'_> {
    /// The first of its files of this kind.
    fn folder(self, app: &App, kind: &str) -> Option<PathBuf> {
        let (keys, database) = match self {
            Self::Store(entry, store) => (known_repositories::keys(app, entry, store), &entry.name),
            Self::Repository(catalog, database) => (known_repositories::keys_of(app, catalog), database),
        };
        keys.first().map(|key| folder(app, kind, key, database))
    }
}

/// Keeps a failed run on this host. An error is only logged, because the caller must report the failure itself.
pub(super) fn keep(app: &App, place: Where<'_>, run: &Unrecorded, log: &RunLog) {
    let Some(folder) = place.folder(app, UNRECORDED) else { return };
    let kept = std::fs::read_dir(&folder).map_or(0, Iterator::count);
    let written = match kept {
        LIMIT.. => Err(std::io::Error::other(format!("{LIMIT} are kept already"))),
        _ => host_files::write(
            &folder.join(format!("{}.json", run.id)),
            &serde_json::to_vec(run).unwrap_or_default(),
        ),
    };
    match written {
        Ok(()) => log.warn("the failed run is recorded as soon as the store answers again"),
        Err(error) => {
            log.warn(format!("the failed run is not recorded anywhere: {}: {error}", folder.display()));
        }
    }
}

/// Remembers that a backup of `database` was begun at `started_at`, for ticks during which the store does not answer.
pub(super) fn remember(app: &App, place: Where<'_>, started_at: Timestamp) {
    let Some(path) = place.folder(app, SEEN) else { return };
    if let Err(error) = host_files::write(&path, started_at.to_string().as_bytes()) {
        // It matters only while a store is down, and then at worst one notification too many is sent.
        tracing::debug!(%error, path = %path.display(), "the last run is not remembered");
    }
}

/// When this host last began a backup of `database`, or failed to, as far as it remembers.
pub(super) fn last_attempt(app: &App, entry: &DatabaseEntry) -> Option<Timestamp> {
    let keys = known_repositories::keys(app, entry, None);
    let files = keys.iter().map(|key| folder(app, SEEN, key, &entry.name));
    let seen = files.filter_map(|file| host_files::read(&file).ok()?.parse().ok()).max();
    let failed = pending(app, entry).into_iter().map(|(_, run)| run.started_at).max();
    seen.max(failed)
}

/// What is kept of `database`, the oldest first. A file that cannot be parsed is ignored.
pub(super) fn pending(app: &App, entry: &DatabaseEntry) -> Vec<(PathBuf, Unrecorded)> {
    kept(app, &known_repositories::keys(app, entry, None), &entry.name)
}

fn kept(app: &App, keys: &[String], database: &DatabaseName) -> Vec<(PathBuf, Unrecorded)> {
    let folders = keys.iter().map(|key| folder(app, UNRECORDED, key, database));
    let files = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let paths = files.flatten().map(|file| file.path()).take(LIMIT);
    let runs = paths.filter_map(|path| {
        let run: Unrecorded = serde_json::from_str(&host_files::read(&path).ok()?).ok()?;
        (run.format == FORMAT).then_some((path, run))
    });
    let mut runs: Vec<_> = runs.collect();
    runs.sort_by_key(|(_, run)| run.started_at);
    runs
}

/// Records and counts the kept runs of an entry, now that its store answers, and removes what those runs left. Only
/// under its lease. Returns the effect of the last one. A failure is logged, and a later run tries again.
pub(super) async fn record(
    app: &App,
    catalog: &Catalog,
    entry: &DatabaseEntry,
    log: &RunLog,
) -> Option<CountedRun> {
    let mut noted = None;
    for (path, run) in kept(app, &known_repositories::keys_of(app, catalog), &entry.name) {
        let id = run.id.clone();
        match record_one(app, catalog, entry, run).await {
            Ok(counted) => {
                log.say(format!("recorded backup {id} as failed, which no store would take then"));
                noted = counted.or(noted);
            }
            Err(failure) => {
                log.warn(format!("backup {id} is still not recorded as failed: {}", failure.message()));
                return noted;
            }
        }
        Leftovers { app, catalog, database: &entry.name, id: &id, log }.of_dead_run().await;
        if let Err(error) = std::fs::remove_file(&path) {
            log.warn(format!("`{}` was not removed: {error}", path.display()));
        }
    }
    noted
}

async fn record_one(
    app: &App,
    catalog: &Catalog,
    entry: &DatabaseEntry,
    run: Unrecorded,
) -> Result<Option<CountedRun>, Failure> {
    let planned = PlannedBackup { id: run.id, purpose: run.purpose, method: run.method, parent: None };
    let manifest = Manifest {
        started_at: run.started_at,
        finished_at: run.finished_at,
        error: Some(run.error),
        ..record::blank(app, entry, catalog.id(), &planned)
    };
    match catalog.commit(&manifest).await {
        Ok(()) => protection::note_late(app, catalog, &manifest).await,
        // It was recorded when its expired lease was found.
        Err(CatalogError::Store { source: StoreError::AlreadyExists { .. }, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
