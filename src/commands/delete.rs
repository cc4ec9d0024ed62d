//! `jagad delete`: deletes named backups, and shows everything that depends on them first.

use super::lease_guard::{LeaseRequest, acquire_lease, release};
use super::locate::{locate, locate_unreadable};
use super::{App, Class, Confirmation, Failure, Mode, crash, delegated};
use crate::catalog::lease::Operation;
use crate::catalog::{BackupReference, Catalog, Chains, Lease, ListedBackup, Listing, chain};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupStatus, ByteSize, DatabaseName, StoreName};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What to delete.
#[derive(Debug, Clone)]
pub struct Request {
    /// The backups.
    pub backups: Vec<BackupReference>,
    /// The store of the backups.
    pub store: Option<StoreName>,
    /// Whether the last good backup of a database may be among them.
    pub last_good: LastGood,
    /// Show only.
    pub mode: Mode,
    /// How long to wait for the lease.
    pub wait: Duration,
}

/// Whether the last good backup of a database may be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastGood {
    /// It is refused.
    Keep,
    /// It may be deleted.
    Delete,
}

/// Whether a deletion was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeleteStatus {
    /// It would be (`--dry-run`).
    Planned,
    /// It was.
    Deleted,
}

/// What was deleted, or would be.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether it was done.
    pub status: DeleteStatus,
    /// The backups in the order of deletion: dependants before what they depend on.
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
    /// Whether it is deleted because it depends on a named one.
    pub dependant: bool,
    /// Whether its manifest can be read; otherwise its size is not known.
    pub readable: bool,
}

/// Shows the cascade, asks, and deletes: dependants first, newest to oldest, each manifest before its data.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let mut cascades: Vec<(Catalog, Deleted)> = Vec::new();
    let mut listings: BTreeMap<(String, DatabaseName), Listing> = BTreeMap::new();
    for reference in &request.backups {
        let doomed = find(app, reference, request.store.as_ref()).await?;
        let place = (doomed.catalog.store().describe(), doomed.database.clone());
        if !listings.contains_key(&place) {
            listings.insert(place.clone(), doomed.catalog.list(Some(&doomed.database)).await?);
        }
        let Some(listing) = listings.get(&place) else { continue };
        for deleted in cascade(listing, &doomed)? {
            if !cascades.iter().any(|(_, other)| other.id == deleted.id) {
                cascades.push((doomed.catalog.clone(), deleted));
            }
        }
    }
    let mut others = Vec::new();
    let going: BTreeSet<&BackupId> = cascades.iter().map(|(_, deleted)| &deleted.id).collect();
    for ((_, database), listing) in &listings {
        others.extend(delegated::going_too(app, database, &listing.entries, &going).await?);
    }
    let backups: Vec<Deleted> = cascades.iter().map(|(_, deleted)| deleted.clone()).collect();
    if request.mode == Mode::Plan {
        return Ok(Report { status: DeleteStatus::Planned, backups });
    }
    let last_ones = left_without(app, &listings, &backups);
    if request.last_good == LastGood::Keep {
        refuse_last_good(&last_ones)?;
    }
    let mut question = question(&backups, &last_ones);
    question.facts.extend(others.iter().map(|label| {
        format!(
            "pgBackRest removes its {label} too, which jagad did not take: it builds on one that is deleted."
        )
    }));
    app.watch.confirm(&question)?;
    for (catalog, deleted) in &cascades {
        app.cancel.check()?;
        delete_one(app, request, catalog, deleted).await?;
    }
    Ok(Report { status: DeleteStatus::Deleted, backups })
}

/// A backup that was named.
struct Doomed {
    catalog: Catalog,
    database: DatabaseName,
    id: BackupId,
}

/// Finds the named backup. One whose manifest cannot be read is found by its whole id, so that it can be removed.
async fn find(app: &App, reference: &BackupReference, store: Option<&StoreName>) -> Result<Doomed, Failure> {
    let failure = match locate(app, reference, store).await {
        Ok((catalog, ListedBackup { manifest, .. })) => {
            return Ok(Doomed { catalog, database: manifest.database, id: manifest.id });
        }
        Err(failure) => failure,
    };
    let BackupReference::Id(id) = reference else { return Err(failure) };
    match locate_unreadable(app, id, store).await? {
        Some((catalog, database)) => Ok(Doomed { catalog, database, id: id.clone() }),
        None => Err(failure),
    }
}

/// Databases that have a good backup now and would have none, whatever the order in which theirs were named.
fn left_without(
    app: &App,
    listings: &BTreeMap<(String, DatabaseName), Listing>,
    backups: &[Deleted],
) -> Vec<DatabaseName> {
    let going: BTreeSet<&BackupId> = backups.iter().map(|deleted| &deleted.id).collect();
    let left = listings.iter().filter(|(_, listing)| loses_every_good(app, listing, &going));
    left.map(|((_, database), _)| database.clone()).collect()
}

/// Whether a database has a good backup, and would have none without those of `going`.
fn loses_every_good(app: &App, listing: &Listing, going: &BTreeSet<&BackupId>) -> bool {
    let chains = Chains::new(&listing.entries, app.clock.now());
    let (mut all, mut staying) = (chains.good(), chains.good());
    all.next().is_some() && !staying.any(|entry| !going.contains(&entry.manifest.id))
}

/// A `--yes` in a script must not delete the last good backup of a database.
fn refuse_last_good(last_ones: &[DatabaseName]) -> Result<(), Failure> {
    let Some(database) = last_ones.first() else { return Ok(()) };
    let problem = format!("this would delete the last good backup of `{database}`");
    Err(Failure::new(Class::Refused, problem)
        .help("Back it up first, or say that you mean it with --delete-last-good."))
}

/// The named backup and everything that depends on it, dependants first. A pin on any of them is an error.
fn cascade(listing: &Listing, doomed: &Doomed) -> Result<Vec<Deleted>, Failure> {
    let by_id = listing.entries.iter().map(|entry| (&entry.manifest.id, entry)).collect();
    let going = |entry: &&ListedBackup| {
        entry.manifest.id == doomed.id
            || chain::ancestors(&by_id, *entry).iter().any(|link| link.manifest.id == doomed.id)
    };
    let mut going: Vec<&ListedBackup> = listing.entries.iter().rev().filter(going).collect();
    // Independent of clocks: backups with longer chains are deleted first.
    going.sort_by_key(|entry| std::cmp::Reverse(chain::ancestors(&by_id, *entry).len()));
    let unreadable = listing.unreadable.iter().find(|one| one.id == doomed.id);
    let pinned = going.iter().find(|entry| entry.is_pinned()).map(|entry| &entry.manifest.id);
    if let Some(pinned) = pinned.or(unreadable.filter(|one| one.pinned).map(|one| &one.id)) {
        return Err(Failure::new(Class::Refused, format!("backup {pinned} is pinned"))
            .help(format!("`jagad unpin {pinned}` first, if it may really go.")));
    }
    let deleted = |entry: &&ListedBackup| Deleted {
        id: entry.manifest.id.clone(),
        database: entry.manifest.database.clone(),
        stored_bytes: entry.manifest.stored_bytes(),
        dependant: entry.manifest.id != doomed.id,
        readable: true,
    };
    let mut cascade: Vec<Deleted> = going.iter().map(deleted).collect();
    cascade.extend(unreadable.map(|one| Deleted {
        id: one.id.clone(),
        database: one.database.clone(),
        stored_bytes: 0,
        dependant: false,
        readable: false,
    }));
    Ok(cascade)
}

fn question(backups: &[Deleted], last_ones: &[DatabaseName]) -> Confirmation {
    let line = |deleted: &Deleted| {
        let why = if deleted.dependant { ", because it depends on one that is deleted" } else { "" };
        let size = if deleted.readable {
            ByteSize(deleted.stored_bytes).to_string()
        } else {
            "its manifest cannot be read".to_owned()
        };
        format!("{} of `{}` ({size}){why}", deleted.id, deleted.database)
    };
    let mut facts: Vec<String> = backups.iter().map(line).collect();
    facts.extend(last_ones.iter().map(|database| format!("`{database}` is left without any good backup.")));
    let count = backups.len();
    let noun = if count == 1 { "this backup" } else { "these backups" };
    Confirmation { facts, question: format!("Delete {noun} for good?") }
}

/// Deletes the manifest. Refuses while the backup is being read, if something builds on it by now, and if it has become
/// the last good one because others were deleted since the check.
async fn delete_manifest(
    app: &App,
    request: &Request,
    catalog: &Catalog,
    deleted: &Deleted,
    lease: &Lease,
) -> Result<(), Failure> {
    let listing = catalog.list(Some(&deleted.database)).await?;
    if request.last_good == LastGood::Keep && loses_every_good(app, &listing, &BTreeSet::from([&deleted.id]))
    {
        refuse_last_good(std::slice::from_ref(&deleted.database))?;
    }
    let builds_on_it = |entry: &&ListedBackup| {
        entry.manifest.status == BackupStatus::Success && entry.manifest.parent.as_ref() == Some(&deleted.id)
    };
    if let Some(child) = listing.entries.iter().find(builds_on_it) {
        let problem = format!("{} builds on backup {} since the check", child.manifest.id, deleted.id);
        return Err(Failure::new(Class::Busy, problem).help("Run it again: that one is named then too."));
    }
    if let Some(reader) = catalog.reader_of(&deleted.database, &deleted.id).await? {
        let message = format!("backup {} is being read ({})", deleted.id, reader.describe());
        return Err(Failure::new(Class::Busy, message).help("Wait until that has ended, then delete it."));
    }
    lease.check().await?;
    // The tool may refuse, and without our record the backup would be forgotten.
    delegated::expire(app, &deleted.database, &listing.entries, &deleted.id).await?;
    Ok(catalog.delete_manifest(&deleted.database, &deleted.id).await?)
}

async fn delete_one(
    app: &App,
    request: &Request,
    catalog: &Catalog,
    deleted: &Deleted,
) -> Result<(), Failure> {
    let log = app.log();
    // The entry may no longer be in the inventory; the lease only needs its name.
    let entry = app.inventory.databases.get(&deleted.database).cloned();
    let entry = entry.unwrap_or_else(|| DatabaseEntry::bare(deleted.database.clone()));
    let backup = Some(deleted.id.clone());
    let purpose =
        LeaseRequest { operation: Operation::Delete, backup, makes: None, wait: request.wait, log: &log };
    crash::point("delete-before-lease");
    let lease = acquire_lease(app, catalog, &entry, &purpose).await?;
    crash::point("delete-after-lease");
    // The manifest first: from then on the backup does not exist, and a crash leaves garbage, never a backup that
    // cannot be restored. The lease names the backup that the garbage belongs to.
    if let Err(failure) = delete_manifest(app, request, catalog, deleted, &lease).await {
        release(lease, &log).await;
        return Err(failure);
    }
    crash::point("delete-after-manifest");
    // A reader that has started since the check may have read the manifest: the data stays until it has ended.
    if let Some(reader) = catalog.reader_of(&deleted.database, &deleted.id).await? {
        release(lease, &log).await;
        log.warn(format!(
            "{} is deleted; the next prune removes its data, because it is being read ({})",
            deleted.id,
            reader.describe()
        ));
        return Ok(());
    }
    if let Err(error) = catalog.delete_rest(&deleted.database, &deleted.id).await {
        log.warn(format!(
            "{} is deleted, but some of its data is left: the next run on `{}` removes it, after the lease of this one \
             has expired",
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
