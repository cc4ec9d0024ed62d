//! `jagad list`, `show` and `logs`: what is in the catalogue.

use super::locate::locate;
use super::{App, Class, Failure, Tone};
use crate::catalog::{
    BackupReference, Catalog, CatalogError, Entry, Manifest, PinRecord, RunningBackup, Verification,
};
use crate::config::ConfigError;
use crate::model::{
    BackupId, BackupKind, BackupStatus, DatabaseName, EngineKind, PartKind, StoreName, Timestamp,
};
use serde::Serialize;

/// What to list.
#[derive(Debug, Clone)]
pub struct Request {
    /// Only of these database entries; empty means all that the store holds.
    pub databases: Vec<DatabaseName>,
    /// Only with this status.
    pub status: Option<BackupStatus>,
    /// Only in this store.
    pub store: Option<StoreName>,
    /// At most so many, the newest.
    pub limit: usize,
}

/// One row of the list.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The backup.
    pub id: BackupId,
    /// The database entry.
    pub database: DatabaseName,
    /// Its engine.
    pub engine: Option<EngineKind>,
    /// Full or incremental.
    pub kind: BackupKind,
    /// State.
    pub status: BackupStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Bytes dumped.
    pub plain_bytes: u64,
    /// Bytes stored.
    pub stored_bytes: u64,
    /// Logical databases.
    pub databases: Vec<String>,
    /// Whether it is kept from being deleted.
    pub pinned: bool,
    /// Level and result of the last verification: "restore passed".
    pub verified: Option<String>,
    /// When that was.
    pub verified_at: Option<Timestamp>,
    /// The store.
    pub store: StoreName,
    /// Why it failed.
    pub error: Option<String>,
    /// The user's words.
    pub note: Option<String>,
}

/// The list, newest first.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The rows.
    pub backups: Vec<Row>,
    /// Rows that `limit` left out.
    pub more: usize,
}

/// Lists what the stores hold. A manifest that cannot be read is told about, never passed over.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let names: Vec<StoreName> = match &request.store {
        Some(name) => vec![name.clone()],
        None => app.inventory.stores.keys().cloned().collect(),
    };
    if names.is_empty() {
        return Err(ConfigError::NoStore.into());
    }
    let mut rows: Vec<Row> = Vec::new();
    for name in names {
        match Catalog::open(app.store(Some(&name)).await?).await {
            Ok(catalog) => rows.extend(list_store(app, request, (&name, &catalog)).await?),
            // A store that was never written to holds nothing, which is no error.
            Err(CatalogError::NoRepository { place }) => {
                app.watch.say(Tone::Warning, &format!("store `{name}` holds no backups yet ({place})"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    rows.retain(|row| request.status.is_none_or(|status| row.status == status));
    rows.sort_by(|one, other| {
        let time = |row: &Row| row.finished_at.unwrap_or(row.started_at);
        time(other).cmp(&time(one)).then_with(|| other.id.cmp(&one.id))
    });
    let more = rows.len().saturating_sub(request.limit);
    rows.truncate(request.limit);
    Ok(Report { backups: rows, more })
}

async fn list_store(
    app: &App,
    request: &Request,
    (store, catalog): (&StoreName, &Catalog),
) -> Result<Vec<Row>, Failure> {
    let databases: Vec<Option<&DatabaseName>> = match request.databases.as_slice() {
        [] => vec![None],
        names => names.iter().map(Some).collect(),
    };
    let mut rows = Vec::new();
    for database in databases {
        let listing = catalog.list(database).await?;
        for error in listing.unreadable {
            app.watch.say(Tone::Warning, &Failure::from(error).message());
        }
        // A run that has committed and not yet released its lease is not running any more.
        let recorded = |id: &BackupId| listing.entries.iter().any(|entry| entry.manifest.id == *id);
        let running = listing.running.iter().filter(|running| !recorded(&running.id));
        rows.extend(running.map(|running| running_row(store, running)));
        rows.extend(listing.entries.into_iter().map(|entry| row(store, entry)));
    }
    Ok(rows)
}

fn row(store: &StoreName, Entry { manifest, pin, verification }: Entry) -> Row {
    let databases = manifest.parts_of(PartKind::Database).filter_map(|part| part.database.clone()).collect();
    Row {
        engine: Some(manifest.engine),
        kind: manifest.kind,
        status: manifest.status,
        started_at: manifest.started_at,
        finished_at: Some(manifest.finished_at),
        duration_ms: Some(manifest.duration_ms),
        plain_bytes: manifest.plain_bytes(),
        stored_bytes: manifest.stored_bytes(),
        databases,
        pinned: pin.is_some(),
        verified: verification.as_ref().map(|last| format!("{} {}", last.level, last.status)),
        verified_at: verification.map(|last| last.verified_at),
        store: store.clone(),
        error: manifest.error.map(|error| error.message),
        note: manifest.note,
        id: manifest.id,
        database: manifest.database,
    }
}

fn running_row(store: &StoreName, running: &RunningBackup) -> Row {
    Row {
        id: running.id.clone(),
        database: running.database.clone(),
        engine: None,
        kind: running.id.kind(),
        status: BackupStatus::Running,
        started_at: running.lease.started,
        finished_at: None,
        duration_ms: None,
        plain_bytes: 0,
        stored_bytes: 0,
        databases: Vec::new(),
        pinned: false,
        verified: None,
        verified_at: None,
        store: store.clone(),
        error: None,
        note: Some(format!("on host {}, process {}", running.lease.host, running.lease.pid)),
    }
}

/// Everything about one backup.
#[derive(Debug, Serialize)]
pub struct Detail {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its pin.
    pub pin: Option<PinRecord>,
    /// Its last verification.
    pub verification: Option<Verification>,
    /// The store, described.
    pub store: String,
}

/// Shows one backup.
pub async fn show(app: &App, backup: &BackupReference, store: Option<&StoreName>) -> Result<Detail, Failure> {
    let (catalog, entry) = locate(app, backup, store).await?;
    Ok(Detail {
        manifest: entry.manifest,
        pin: entry.pin,
        verification: entry.verification,
        store: catalog.store().describe(),
    })
}

/// The log of one backup.
pub async fn logs(app: &App, backup: &BackupReference, store: Option<&StoreName>) -> Result<String, Failure> {
    let (catalog, entry) = locate(app, backup, store).await?;
    let manifest = &entry.manifest;
    match (catalog.read_log(manifest).await?, &manifest.error) {
        // Written for a commit that then did not happen: its last line must not have the last word.
        (Some(log), Some(error)) if !log.contains(&error.message) => {
            Ok(format!("{log}{} BACKUP: failed: {}\n", manifest.finished_at, error.message))
        }
        (Some(log), _) => Ok(log),
        // Killed runs leave no log; the record of their failure says what is known.
        (None, Some(error)) => Ok(format!("{} {}: {}\n", manifest.finished_at, error.class, error.message)),
        (None, None) => Err(Failure::new(Class::NotFound, format!("backup {} has no log", manifest.id))),
    }
}
