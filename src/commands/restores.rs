//! `jagad list --restores`, and `show` and `logs` of a restore.

use super::{App, Class, Failure, Tone};
use crate::catalog::{Catalog, CatalogError, RestoreListing, RestoreRecord};
use crate::config::ConfigError;
use crate::model::{BackupStatus, DatabaseName, RestoreStatus, StoreName};
use serde::Serialize;

/// What to list.
#[derive(Debug, Clone)]
pub struct Request {
    /// Only those into these entries; empty means all.
    pub targets: Vec<DatabaseName>,
    /// Only with this status.
    pub status: Option<BackupStatus>,
    /// Only in this store.
    pub store: Option<StoreName>,
    /// Show at most this many, newest first.
    pub limit: usize,
}

/// One restore.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its record.
    #[serde(flatten)]
    pub record: RestoreRecord,
    /// The store of the record.
    pub store: StoreName,
}

/// The list, newest first.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The rows.
    pub restores: Vec<Row>,
    /// Rows that `limit` left out.
    pub more: usize,
}

/// Everything about one restore.
#[derive(Debug, Serialize)]
pub struct Detail {
    /// Its record.
    pub restore: RestoreRecord,
    /// The store, described.
    pub store: String,
}

/// Lists the recorded restores of the stores.
pub async fn list(app: &App, request: &Request) -> Result<Report, Failure> {
    let mut restores = Vec::new();
    for (name, catalog) in catalogs(app, request.store.as_ref()).await? {
        let targets: Vec<Option<&DatabaseName>> = match request.targets.as_slice() {
            [] => vec![None],
            names => names.iter().map(Some).collect(),
        };
        for target in targets {
            let RestoreListing { restores: found, unreadable } = catalog.restores(target).await?;
            for one in unreadable {
                let why = Failure::from(one.error).message();
                let line = format!("restore {} into `{}` cannot be read: {why}", one.id, one.target);
                app.watch.say(Tone::Warning, &line);
            }
            restores.extend(found.into_iter().map(|record| Row { record, store: name.clone() }));
        }
    }
    restores.retain(|row| request.status.is_none_or(|status| row.record.status.as_str() == status.as_str()));
    restores.sort_by_key(|row| std::cmp::Reverse(row.record.started_at));
    let more = restores.len().saturating_sub(request.limit);
    restores.truncate(request.limit);
    Ok(Report { restores, more })
}

/// Shows the restore whose id begins with `text`.
pub async fn show(app: &App, text: &str, store: Option<&StoreName>) -> Result<Detail, Failure> {
    let (catalog, restore) = find(app, text, store).await?;
    Ok(Detail { restore, store: catalog.store().describe() })
}

/// The log of the restore whose id begins with `text`.
pub async fn logs(app: &App, text: &str, store: Option<&StoreName>) -> Result<String, Failure> {
    let (catalog, restore) = find(app, text, store).await?;
    catalog.read_restore_log(&restore).await?.ok_or_else(|| {
        let why = match restore.status {
            RestoreStatus::Running => "it is still running, and its log is stored when it ends",
            RestoreStatus::Died => "it was killed before its log was stored",
            _ => "its log could not be stored",
        };
        Failure::new(Class::NotFound, format!("restore {} has no log: {why}", restore.id))
            .help(format!("See `jagad show {}`.", restore.id))
    })
}

async fn find(app: &App, text: &str, store: Option<&StoreName>) -> Result<(Catalog, RestoreRecord), Failure> {
    let mut found: Vec<(Catalog, RestoreRecord)> = Vec::new();
    for (_, catalog) in catalogs(app, store).await? {
        let listing = catalog.restores(None).await?;
        if let Some(one) = listing.unreadable.into_iter().find(|one| one.id.to_string() == text) {
            return Err(one.error.into());
        }
        let fits = listing.restores.into_iter().filter(|record| record.id.to_string().starts_with(text));
        found.extend(fits.map(|record| (catalog.clone(), record)));
    }
    match found.len() {
        0 => Err(Failure::new(Class::NotFound, format!("restore not found: `{text}`"))
            .help("See `jagad list --restores`.")),
        1 => Ok(found.remove(0)),
        count => {
            let ids = found.iter().take(3).map(|(_, record)| record.id.to_string()).collect::<Vec<_>>();
            let problem = format!("`{text}` matches {count} restores: {}", ids.join(", "));
            Err(Failure::new(Class::Usage, problem).help("Give more characters of the id."))
        }
    }
}

/// The repositories that may have records of restores, by the names of their stores.
async fn catalogs(app: &App, store: Option<&StoreName>) -> Result<Vec<(StoreName, Catalog)>, Failure> {
    let names: Vec<StoreName> = match store {
        Some(name) => vec![name.clone()],
        None => app.inventory.stores.keys().cloned().collect(),
    };
    if names.is_empty() {
        return Err(ConfigError::NoStore.into());
    }
    let mut catalogs = Vec::new();
    for name in names {
        match app.catalog(Some(&name)).await {
            Ok(catalog) => catalogs.push((name, catalog)),
            // A store without a repository has none.
            Err(failure)
                if matches!(failure.find::<CatalogError>(), Some(CatalogError::NoRepository { .. })) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(catalogs)
}
