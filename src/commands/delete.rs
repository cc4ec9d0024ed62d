//! `jagad delete`: backups by hand, with everything that depends on them shown first.

use super::hold::{Purpose, hold, release};
use super::locate::locate;
use super::{App, Class, Failure, Mode, Question, crash};
use crate::catalog::lease::Operation;
use crate::catalog::{BackupReference, Catalog, Entry};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupStatus, ByteSize, DatabaseName, StoreName};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// What to delete.
#[derive(Debug, Clone)]
pub struct Request {
    /// The backups.
    pub backups: Vec<BackupReference>,
    /// Where they are.
    pub store: Option<StoreName>,
    /// Show only.
    pub mode: Mode,
    /// How long to wait for the lease.
    pub wait: Duration,
}

/// What went, or would go.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `planned` or `deleted`.
    pub status: &'static str,
    /// The backups, in the order in which they go: dependants before what they depend on.
    pub backups: Vec<Deleted>,
}

/// One deleted backup.
#[derive(Debug, Clone, Serialize)]
pub struct Deleted {
    /// The backup.
    pub id: BackupId,
    /// Its database entry.
    pub database: DatabaseName,
    /// Bytes freed.
    pub stored_bytes: u64,
    /// Whether it goes because it depends on one that was named.
    pub dependant: bool,
}

/// Shows the cascade, asks, and deletes: dependants first, newest to oldest, each manifest before its data.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let mut groups = Vec::new();
    for reference in &request.backups {
        let (catalog, entry) = locate(app, reference, request.store.as_ref()).await?;
        groups.push((catalog, entry));
    }
    let mut cascades: Vec<(Catalog, Deleted)> = Vec::new();
    let mut last_ones = Vec::new();
    for (catalog, entry) in groups {
        let listing = catalog.list(Some(&entry.manifest.database)).await?;
        let cascade = cascade(&listing.entries, &entry.manifest.id)?;
        for deleted in cascade {
            if !cascades.iter().any(|(_, other)| other.id == deleted.id) {
                cascades.push((catalog.clone(), deleted));
            }
        }
        let going: BTreeSet<&BackupId> = cascades.iter().map(|(_, deleted)| &deleted.id).collect();
        let good = |entry: &&Entry| entry.manifest.status == BackupStatus::Success;
        let stays = listing.entries.iter().filter(good).any(|entry| !going.contains(&entry.manifest.id));
        if !stays && listing.entries.iter().any(|entry| good(&entry)) {
            last_ones.push(entry.manifest.database.clone());
        }
    }
    let backups: Vec<Deleted> = cascades.iter().map(|(_, deleted)| deleted.clone()).collect();
    if request.mode == Mode::Plan {
        return Ok(Report { status: "planned", backups });
    }
    app.watch.confirm(&question(&backups, &last_ones))?;
    for (catalog, deleted) in &cascades {
        app.cancel.check()?;
        delete_one(app, catalog, deleted, request.wait).await?;
    }
    Ok(Report { status: "deleted", backups })
}

/// `id` and everything that depends on it, dependants first. A pin anywhere in it refuses the whole.
fn cascade(entries: &[Entry], id: &BackupId) -> Result<Vec<Deleted>, Failure> {
    let mut going: BTreeSet<BackupId> = BTreeSet::from([id.clone()]);
    // Entries are in commit order, and a parent is committed before its children.
    for entry in entries {
        if entry.manifest.parent.as_ref().is_some_and(|parent| going.contains(parent)) {
            going.insert(entry.manifest.id.clone());
        }
    }
    let doomed = || entries.iter().rev().filter(|entry| going.contains(&entry.manifest.id));
    if let Some(pinned) = doomed().find(|entry| entry.pin.is_some()) {
        let message = format!("backup {} is pinned", pinned.manifest.id);
        return Err(Failure::new(Class::Refused, message)
            .help(format!("`jagad unpin {}` first, if it may really go.", pinned.manifest.id)));
    }
    let deleted = |entry: &Entry| Deleted {
        id: entry.manifest.id.clone(),
        database: entry.manifest.database.clone(),
        stored_bytes: entry.manifest.stored_bytes(),
        dependant: entry.manifest.id != *id,
    };
    Ok(doomed().map(deleted).collect())
}

fn question(backups: &[Deleted], last_ones: &[DatabaseName]) -> Question {
    let line = |deleted: &Deleted| {
        let why = if deleted.dependant { ", because it depends on one that goes" } else { "" };
        format!("{} of `{}` ({}){why}", deleted.id, deleted.database, ByteSize(deleted.stored_bytes))
    };
    let mut facts: Vec<String> = backups.iter().map(line).collect();
    facts.extend(
        last_ones.iter().map(|database| format!("`{database}` is left without any restorable backup.")),
    );
    let count = backups.len();
    let noun = if count == 1 { "this backup" } else { "these backups" };
    Question { facts, question: format!("Delete {noun} for good?") }
}

async fn delete_one(app: &App, catalog: &Catalog, deleted: &Deleted, wait: Duration) -> Result<(), Failure> {
    let log = app.log();
    // The entry may be gone from the inventory; the lease needs its name only.
    let entry = app.inventory.databases.get(&deleted.database).cloned();
    let entry = entry.unwrap_or_else(|| DatabaseEntry::bare(deleted.database.clone()));
    let backup = Some(deleted.id.clone());
    let purpose = Purpose { operation: Operation::Delete, backup, wait, log: &log };
    crash::point("delete-before-lease");
    let lease = hold(app, catalog, &entry, &purpose).await?;
    crash::point("delete-after-lease");
    // The manifest first: from then on the backup does not exist, and a crash leaves garbage, never a backup that does
    // not restore. The lease says whose garbage it is.
    if let Err(error) = catalog.delete_manifest(&deleted.database, &deleted.id).await {
        release(lease, &log).await;
        return Err(error.into());
    }
    crash::point("delete-after-manifest");
    if let Err(error) = catalog.delete_rest(&deleted.database, &deleted.id).await {
        log.warn(format!(
            "{} exists no more, but not all of its data is gone: the next run on `{}` removes it, when the lease of this \
             one has run out",
            deleted.id, deleted.database
        ));
        return Err(error.into());
    }
    crash::point("delete-after-data");
    release(lease, &log).await;
    crash::point("delete-after-release");
    log.say(format!("deleted {}", deleted.id));
    Ok(())
}
