//! `jagad list`, `show` and `logs`: what is in the catalogue.

use super::locate::locate;
use super::{App, Class, Failure, Tone};
use crate::catalog::{
    BackupReference, Catalog, CatalogError, ListedBackup, Manifest, PinRecord, Proof, RunningBackup,
    SideRecord, UnreadableBackup, Verification,
};
use crate::config::ConfigError;
use crate::model::{
    BackupId, BackupKind, BackupPurpose, BackupStatus, DatabaseName, EngineKind, Integrity, Method,
    StoreName, Timestamp, VerificationState, VerifyLevel,
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
    /// Show at most this many, newest first.
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
    /// How its data was taken.
    pub method: Option<Method>,
    /// Who answers for its data.
    pub integrity: Integrity,
    /// What an incremental builds on.
    pub parent: Option<BackupId>,
    /// Why it is a full where an incremental was wanted.
    pub fallback_reason: Option<String>,
    /// Why it was taken; absent while it is running.
    pub purpose: Option<BackupPurpose>,
    /// Whether it holds only some databases of its entry.
    pub partial: bool,
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
    /// What its verifications say of it; absent where there is nothing to verify.
    pub verification: Option<VerificationState>,
    /// How deep the look was that says so.
    pub verified_level: Option<VerifyLevel>,
    /// When that was.
    pub verified_at: Option<Timestamp>,
    /// The store.
    pub store: StoreName,
    /// Why it failed.
    pub error: Option<String>,
    /// The user's words.
    pub note: Option<String>,
    /// Whether a key proves that it is ours; absent while it runs, and where no key is configured.
    pub authenticated: Option<bool>,
    /// Why no key proves it.
    pub unproven: Option<String>,
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
        match app.catalog_in(app.store(Some(&name)).await?, Some(&name)).await {
            Ok(catalog) => rows.extend(list_store(app, request, &name, &catalog).await?),
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
    store: &StoreName,
    catalog: &Catalog,
) -> Result<Vec<Row>, Failure> {
    let databases: Vec<Option<&DatabaseName>> = match request.databases.as_slice() {
        [] => vec![None],
        names => names.iter().map(Some).collect(),
    };
    let mut rows = Vec::new();
    for database in databases {
        let listing = catalog.list(database).await?;
        let mut unproven = Vec::new();
        for one in listing.unreadable {
            match one.error {
                CatalogError::Unproven { doubt, claim, .. } => unproven.push((*claim, doubt, one.pinned)),
                _ => app.watch.say(Tone::Warning, &describe(one)),
            }
        }
        if let Some((_, doubt, _)) = unproven.first() {
            let count = unproven.len();
            let which = if count == 1 { "backup is" } else { "backups are" };
            let warning = format!("{count} {which} not authenticated in store `{store}`: {doubt}");
            app.watch.say(Tone::Warning, &warning);
        }
        // A run that has committed and not yet released its lease is not running any more.
        let recorded = |id: &BackupId| listing.entries.iter().any(|entry| entry.manifest.id == *id);
        let running = listing.running.iter().filter(|running| !recorded(&running.id));
        rows.extend(running.map(|running| running_row(store, running)));
        for problem in listing.entries.iter().flat_map(side_problems) {
            app.watch.say(Tone::Warning, &problem);
        }
        rows.extend(unproven.into_iter().map(|(manifest, doubt, pinned)| {
            let (pin, verification) = (SideRecord::Absent, SideRecord::Absent);
            let proof = Proof::Missing(doubt);
            Row {
                pinned,
                ..row(store, ListedBackup { manifest, proof, pin, verification, verifying: None, gone: None })
            }
        }));
        rows.extend(listing.entries.into_iter().map(|entry| row(store, entry)));
    }
    Ok(rows)
}

/// Says of a backup that it is there and cannot be read.
pub(super) fn describe(one: UnreadableBackup) -> String {
    format!("backup {} of `{}` cannot be read: {}", one.id, one.database, Failure::from(one.error).message())
}

/// Says of records beside a manifest that they cannot be read.
pub(super) fn side_problems(entry: &ListedBackup) -> Vec<String> {
    let id = &entry.manifest.id;
    let pin =
        entry.pin.problem().map(|why| format!("the pin of {id} cannot be read, so it stays pinned: {why}"));
    let verification = entry.verification.problem();
    let verification = verification.map(|why| format!("the verification of {id} cannot be read: {why}"));
    pin.into_iter().chain(verification).collect()
}

/// Level and time of the look that decides what the verifications of a backup say of it.
fn decisive(entry: &ListedBackup) -> Option<(VerifyLevel, Timestamp)> {
    let last = entry.verification.known()?;
    Some(last.bad().map_or((last.level, last.verified_at), |bad| (bad.level, bad.at)))
}

/// Whether it is proven, and why not, for JSON.
fn proven(proof: Proof) -> (Option<bool>, Option<String>) {
    match proof {
        Proof::Given => (Some(true), None),
        Proof::NotAsked => (None, None),
        Proof::Missing(doubt) => (Some(false), Some(doubt.problem)),
    }
}

fn row(store: &StoreName, entry: ListedBackup) -> Row {
    let (pinned, verification) = (entry.is_pinned(), entry.verification_state());
    let (verified_level, verified_at) = decisive(&entry).unzip();
    let (authenticated, unproven) = proven(entry.proof);
    let manifest = entry.manifest;
    let databases = manifest.databases().map(str::to_owned).collect();
    Row {
        engine: Some(manifest.engine),
        kind: manifest.kind,
        method: Some(manifest.method),
        integrity: manifest.integrity,
        parent: manifest.parent.clone(),
        fallback_reason: manifest.fallback_reason.clone(),
        purpose: Some(manifest.purpose),
        partial: manifest.partial,
        status: manifest.status,
        started_at: manifest.started_at,
        finished_at: Some(manifest.finished_at),
        duration_ms: Some(manifest.duration_ms),
        plain_bytes: manifest.plain_bytes(),
        stored_bytes: manifest.stored_bytes(),
        databases,
        pinned,
        verification,
        verified_level,
        verified_at,
        store: store.clone(),
        error: entry.gone.or(manifest.error.map(|error| error.message)),
        note: manifest.note,
        authenticated,
        unproven,
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
        method: running.lease.method,
        integrity: running.lease.method.map(Method::integrity).unwrap_or_default(),
        parent: running.lease.parents.first().cloned(),
        fallback_reason: None,
        purpose: None,
        partial: false,
        status: BackupStatus::Running,
        started_at: running.lease.started,
        finished_at: None,
        duration_ms: None,
        plain_bytes: 0,
        stored_bytes: 0,
        databases: Vec::new(),
        pinned: false,
        verification: None,
        verified_level: None,
        verified_at: None,
        store: store.clone(),
        error: None,
        note: Some(format!("on host {}, process {}", running.lease.host, running.lease.pid)),
        authenticated: None,
        unproven: None,
    }
}

/// Everything about one backup.
#[derive(Debug, Serialize)]
pub struct Detail {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its pin.
    pub pin: SideRecord<PinRecord>,
    /// What its verifications say of it; absent where there is nothing to verify.
    pub verification_state: Option<VerificationState>,
    /// Its last verification.
    pub verification: SideRecord<Verification>,
    /// Why its data is not there any more, where another tool keeps it and says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<String>,
    /// The store, described.
    pub store: String,
    /// Whether a key proves that it is ours; absent where no key is configured.
    pub authenticated: Option<bool>,
    /// Why no key proves it.
    pub unproven: Option<String>,
}

/// What there is to show of a backup.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ShownBackup {
    /// It is recorded.
    Recorded(Box<Detail>),
    /// It is being made.
    Running(Box<Row>),
}

/// Shows one backup.
pub async fn show(
    app: &App,
    backup: &BackupReference,
    store: Option<&StoreName>,
) -> Result<ShownBackup, Failure> {
    let (catalog, entry) = match locate(app, backup, store).await {
        Err(failure) if failure.class == Class::NotFound => {
            let running = find_running(app, backup, store).await?;
            return running.map(|row| ShownBackup::Running(Box::new(row))).ok_or(failure);
        }
        located => located?,
    };
    for problem in side_problems(&entry) {
        app.watch.say(Tone::Warning, &problem);
    }
    let verification_state = entry.verification_state();
    let (authenticated, unproven) = proven(entry.proof);
    Ok(ShownBackup::Recorded(Box::new(Detail {
        verification_state,
        authenticated,
        unproven,
        gone: entry.gone,
        manifest: entry.manifest,
        pin: entry.pin,
        verification: entry.verification,
        store: catalog.store().describe(),
    })))
}

/// The backup that is being made under the id that `backup` is, or begins.
async fn find_running(
    app: &App,
    backup: &BackupReference,
    store: Option<&StoreName>,
) -> Result<Option<Row>, Failure> {
    let text = match backup {
        BackupReference::Id(id) => id.to_string(),
        BackupReference::Prefix(prefix) => prefix.clone(),
        BackupReference::Latest(_) | BackupReference::At(..) => return Ok(None),
    };
    let names =
        store.map_or_else(|| app.inventory.stores.keys().cloned().collect(), |name| vec![name.clone()]);
    for name in names {
        let Ok(catalog) = app.catalog(Some(&name)).await else { continue };
        let running = catalog.running(catalog.databases().await?.into_iter().collect()).await?;
        if let Some(found) = running.iter().find(|running| running.id.to_string().starts_with(&text)) {
            return Ok(Some(running_row(&name, found)));
        }
    }
    Ok(None)
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
        // Written before the commit, as it must be; that it was committed is what the manifest proves.
        (Some(log), None) if !log.contains("BACKUP: OK") => {
            Ok(format!("{log}{} BACKUP: OK {}\n", manifest.finished_at, manifest.id))
        }
        (Some(log), _) => Ok(log),
        // Killed runs leave no log; the record of their failure says what is known.
        (None, Some(error)) => Ok(format!("{} {}: {}\n", manifest.finished_at, error.class, error.message)),
        (None, None) => Err(Failure::new(Class::NotFound, format!("backup {} has no log", manifest.id))),
    }
}
