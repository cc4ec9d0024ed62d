//! `jagad prune`: what the policies do not keep goes, and what dead runs left with it.

use super::lease_guard::{LeaseRequest, acquire_lease, release};
use super::protection::{self, Repositories};
use super::{App, Class, Failure, Mode, RunLog, crash, notify};
use crate::catalog::lease::Operation;
use crate::catalog::{
    Abandoned, Catalog, CatalogError, Entry, Lease, SideRecord, UnreadableBackup, chain, layout,
};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::{BackupId, BackupKind, ByteSize, DatabaseName, PolicyName};
use crate::notify::EventKind;
use crate::retention::{self, Candidate, Decision, Pinned};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// What nobody has written to for so long is nobody's: an upload of a single part takes no longer.
pub(super) const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What to prune.
#[derive(Debug, Clone)]
pub struct Request {
    /// These databases; empty means all that are under a policy.
    pub databases: Vec<DatabaseName>,
    /// Only those under this policy.
    pub policy: Option<PolicyName>,
    /// Show only.
    pub mode: Mode,
    /// How long to wait for each lease.
    pub wait: Duration,
}

/// What stayed and went.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `planned` or `pruned`.
    pub status: &'static str,
    /// Per database entry.
    pub databases: Vec<Pruned>,
    #[serde(skip)]
    pub(crate) failures: Vec<(DatabaseName, Failure)>,
}

/// One database entry.
#[derive(Debug, Serialize)]
pub struct Pruned {
    /// Its name.
    pub database: DatabaseName,
    /// The policy whose retention it was.
    pub policy: PolicyName,
    /// Every recorded backup, newest first.
    pub backups: Vec<PrunedBackup>,
    /// Bytes that going backups and garbage take.
    pub freed_bytes: u64,
    /// Objects of runs that died or were interrupted: of how many backups.
    pub abandoned: u64,
    /// Uploads that were begun and never ended; 0 in a dry run.
    pub unfinished_uploads: u64,
}

/// What becomes of one backup.
#[derive(Debug, Serialize)]
pub struct PrunedBackup {
    /// The backup.
    pub id: BackupId,
    /// `keep` or `remove`.
    pub action: &'static str,
    /// Why.
    pub reasons: Vec<String>,
    /// Its bytes in the store.
    pub stored_bytes: u64,
}

impl Report {
    /// What failed, by database entry: the others were pruned all the same.
    pub fn failures(&self) -> &[(DatabaseName, Failure)] {
        &self.failures
    }
}

/// Prunes every chosen database. One that fails does not stop the others.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let log = app.log();
    let mut databases = Vec::new();
    let (chosen, unknown) = match select(app, request).await {
        Ok(chosen) => chosen,
        Err(failure) => {
            not_begun(app, request, &failure).await;
            return Err(failure);
        }
    };
    let mut failures = Vec::new();
    for (entry, failure) in unknown {
        if request.mode == Mode::Run && notify::is_reported(&failure) {
            notify::send(app, entry, &notify::failed(app, EventKind::PruneFailed, entry, &failure)).await;
        }
        failures.push((entry.name.clone(), failure));
    }
    for (entry, policy) in chosen {
        app.cancel.check()?;
        match one(app, (&entry, policy), (request.mode, request.wait), &log).await {
            Ok(pruned) => databases.extend(pruned),
            Err(failure) => {
                if request.mode == Mode::Run && notify::is_reported(&failure) {
                    let event = notify::failed(app, EventKind::PruneFailed, &entry, &failure);
                    notify::send(app, &entry, &event).await;
                }
                failures.push((entry.name.clone(), failure));
            }
        }
    }
    let status = if request.mode == Mode::Plan { "planned" } else { "pruned" };
    match failures.pop() {
        // The one database that was asked for: its failure is that of the command.
        Some((_, failure)) if databases.is_empty() && failures.is_empty() => Err(failure),
        last => {
            failures.extend(last);
            Ok(Report { status, databases, failures })
        }
    }
}

/// Retention after a backup of `entry`, which is safe now. Somebody else at the database is no failure: the next success
/// prunes too. What fails is told.
pub(super) async fn after_backup(
    app: &App,
    (entry, policy): (&DatabaseEntry, &PolicyEntry),
    wait: Duration,
    log: &RunLog,
) -> Result<(), Failure> {
    match one(app, (entry, policy), (Mode::Run, wait), log).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.class == Class::Busy => Ok(()),
        Err(failure) => {
            let failure = failure.doing(format!("prune `{}`", entry.name));
            if notify::is_reported(&failure) {
                notify::send(app, entry, &notify::failed(app, EventKind::PruneFailed, entry, &failure)).await;
            }
            Err(failure)
        }
    }
}

/// Tells of databases that could not even be looked at; what they say of their policy decides whom.
async fn not_begun(app: &App, request: &Request, failure: &Failure) {
    let asked_wrongly = matches!(failure.class, Class::NotFound | Class::Refused | Class::Usage);
    if request.mode == Mode::Plan || asked_wrongly {
        return;
    }
    let named =
        |entry: &&DatabaseEntry| request.databases.is_empty() || request.databases.contains(&entry.name);
    for entry in app.inventory.databases.values().filter(named) {
        let event = notify::failed(app, EventKind::PruneFailed, entry, failure);
        notify::send(app, entry, &event).await;
    }
}

/// What was chosen: entries with their policies, and those that could not be looked at.
type Selected<'a> = (Vec<(DatabaseEntry, &'a PolicyEntry)>, Vec<(&'a DatabaseEntry, Failure)>);

/// The entries that are meant, each with the policy that it is attached to, or else the one that it names. An error when
/// nothing is known of any.
async fn select<'a>(app: &'a App, request: &Request) -> Result<Selected<'a>, Failure> {
    let entries: Vec<&DatabaseEntry> = match request.databases.as_slice() {
        [] => app.inventory.databases.values().collect(),
        names => names.iter().map(|name| app.database(name)).collect::<Result<_, _>>()?,
    };
    if let Some(name) = &request.policy {
        app.inventory.policy(name)?;
    }
    let repositories = Repositories::open(app, entries.iter().copied()).await;
    let (mut chosen, mut unknown) = (Vec::new(), Vec::new());
    for entry in entries {
        let found = match repositories.find(app, entry).await {
            Ok(found) => found,
            Err(failure) => {
                unknown.push((entry, failure));
                continue;
            }
        };
        let protected = found.map_or_else(|| protection::declared(app, entry), |found| found.entry);
        match app.inventory.policy_of(&protected) {
            Some(policy) => chosen.push((protected, policy)),
            None if request.databases.is_empty() => {}
            None => {
                let problem = format!("`{}` is under no policy, so nothing says what is kept", entry.name);
                return Err(Failure::new(Class::Refused, problem)
                    .help(format!("Attach it: jagad policy attach POLICY {}", entry.name)));
            }
        }
    }
    chosen.retain(|(_, policy)| request.policy.as_ref().is_none_or(|wanted| policy.name == *wanted));
    let wanted = |entry: &DatabaseEntry| request.policy.is_none() || entry.policy == request.policy;
    unknown.retain(|(entry, _)| wanted(entry));
    if chosen.is_empty() {
        if !unknown.is_empty() {
            return Err(unknown.swap_remove(0).1);
        }
        return Err(Failure::new(Class::NotFound, "no database is under such a policy")
            .help("Attach one: jagad policy attach POLICY DB"));
    }
    Ok((chosen, unknown))
}

/// Prunes one entry as its policy says; `None` when nothing was ever stored there.
pub(super) async fn one(
    app: &App,
    (entry, policy): (&DatabaseEntry, &PolicyEntry),
    (mode, wait): (Mode, Duration),
    log: &RunLog,
) -> Result<Option<Pruned>, Failure> {
    let name = app.inventory.store_of(entry, None);
    let catalog = match app.catalog_in(app.store(name.as_ref()).await?, name.as_ref()).await {
        // Nothing was ever stored there.
        Err(CatalogError::NoRepository { .. }) => return Ok(None),
        opened => opened?,
    };
    if mode == Mode::Plan {
        return Ok(Some(survey(app, &catalog, (entry, policy)).await?.pruned));
    }
    let purpose = LeaseRequest { operation: Operation::Delete, backup: None, makes: None, wait, log };
    let lease = acquire_lease(app, &catalog, entry, &purpose).await?;
    let removed = remove(app, (&catalog, &lease), (entry, policy), log).await;
    release(lease, log).await;
    removed.map(Some)
}

/// What is there, and what becomes of it.
struct PrunePlan {
    pruned: Pruned,
    going: Vec<BackupId>,
    abandoned: Vec<Abandoned>,
}

async fn survey(
    app: &App,
    catalog: &Catalog,
    (entry, policy): (&DatabaseEntry, &PolicyEntry),
) -> Result<PrunePlan, Failure> {
    let mut listing = catalog.list(Some(&entry.name)).await?;
    // Whoever cannot read an incremental cannot know what it builds on. A full builds on nothing: it stays, and counts for nothing.
    // What is not proven to be ours neither counts nor goes: whoever writes to the bucket could push out the real ones.
    let ours = |one: &UnreadableBackup| !matches!(one.error, CatalogError::Unproven { .. });
    let hides = |one: &UnreadableBackup| ours(one) && one.id.kind() == BackupKind::Incremental;
    if let Some(unreadable) = std::mem::take(&mut listing.unreadable).into_iter().find(hides) {
        let id = unreadable.id;
        return Err(Failure::from(unreadable.error)
            .doing(format!("prune `{}`: nothing is removed while {id} cannot be read", entry.name)));
    }
    let readers = catalog.readers(&entry.name).await?;
    let ids = listing.entries.iter().map(|entry| &entry.manifest.id);
    let read = ids.filter(|id| {
        readers.iter().any(|reader| reader.may_be(|record| record.backup.as_ref() == Some(*id)))
    });
    let in_use: BTreeSet<&BackupId> =
        listing.running.iter().flat_map(|run| &run.lease.parents).chain(read).collect();
    let candidates: Vec<Candidate> =
        listing.entries.iter().map(|entry| candidate(entry, in_use.contains(&entry.manifest.id))).collect();
    let decisions = retention::plan(&policy.retention, &candidates, app.clock.now());
    let running: BTreeSet<&BackupId> = listing.running.iter().map(|run| &run.id).collect();
    let mut abandoned = catalog.abandoned(&entry.name, &listing, ABANDONED_AFTER).await?;
    abandoned.retain(|left| !running.contains(&left.id) && !in_use.contains(&left.id));
    let bytes = |id: &BackupId| {
        let found = listing.entries.iter().find(|entry| entry.manifest.id == *id);
        found.map_or(0, |entry| entry.manifest.stored_bytes())
    };
    let going: Vec<BackupId> =
        decisions.iter().filter(|decision| decision.removed.is_some()).map(|one| one.id.clone()).collect();
    let freed = going.iter().map(bytes).sum::<u64>() + abandoned.iter().map(|left| left.bytes).sum::<u64>();
    let pruned = Pruned {
        database: entry.name.clone(),
        policy: policy.name.clone(),
        backups: decisions.iter().map(|decision| verdict(decision, bytes(&decision.id))).collect(),
        freed_bytes: freed,
        abandoned: abandoned.len() as u64,
        unfinished_uploads: 0,
    };
    Ok(PrunePlan { pruned, going, abandoned })
}

fn candidate(entry: &Entry, in_use: bool) -> Candidate {
    let manifest = &entry.manifest;
    Candidate {
        id: manifest.id.clone(),
        kind: manifest.kind,
        parent: manifest.parent.clone(),
        finished_at: manifest.finished_at,
        health: chain::own_health(entry),
        pinned: match entry.pin {
            SideRecord::Absent => Pinned::No,
            SideRecord::Known(_) => Pinned::Yes,
            SideRecord::Unreadable { .. } => Pinned::Unreadable,
        },
        in_use,
    }
}

fn verdict(decision: &Decision, stored_bytes: u64) -> PrunedBackup {
    PrunedBackup {
        id: decision.id.clone(),
        action: if decision.removed.is_some() { "remove" } else { "keep" },
        reasons: decision.kept.iter().chain(&decision.removed).map(ToString::to_string).collect(),
        stored_bytes,
    }
}

/// Removes what builds on others first, and of each backup its manifest first: a crash leaves garbage, never a lie. One that
/// cannot be removed does not keep the others; the first failure is returned. What is garbage already and stays is said.
async fn remove(
    app: &App,
    (catalog, lease): (&Catalog, &Lease),
    (entry, policy): (&DatabaseEntry, &PolicyEntry),
    log: &RunLog,
) -> Result<Pruned, Failure> {
    let mut survey = survey(app, catalog, (entry, policy)).await?;
    let mut failure = None;
    let mut problems = Vec::new();
    for id in &survey.going {
        app.cancel.check()?;
        lease.check().await?;
        if let Some(reader) = catalog.reader_of(&entry.name, id).await? {
            log.say(format!("PRUNE: {id} stays for now, somebody reads it ({})", reader.describe()));
            continue;
        }
        if let Err(error) = catalog.delete_manifest(&entry.name, id).await {
            log.warn(format!("{id} of `{}` was not removed", entry.name));
            failure.get_or_insert(Failure::from(error));
            continue;
        }
        // Whoever began to read it meanwhile reads to the end; a later prune removes the data.
        if catalog.reader_of(&entry.name, id).await?.is_some() {
            continue;
        }
        match catalog.delete_rest(&entry.name, id).await {
            Ok(()) => log.say(format!("PRUNE: removed {id} of `{}`", entry.name)),
            Err(error) => problems.push(format!("data of {id} stays: {}", Failure::from(error).message())),
        }
        crash::point("prune-after-delete");
    }
    for left in &survey.abandoned {
        lease.check().await?;
        let id = &left.id;
        let removed = if left.recorded {
            catalog.delete_leftovers(&entry.name, id).await
        } else {
            catalog.delete_rest(&entry.name, id).await
        };
        match removed {
            Ok(()) => {
                log.say(format!("PRUNE: removed what an interrupted run left of {id} of `{}`", entry.name));
            }
            Err(error) => problems.push(format!("data of {id} stays: {}", Failure::from(error).message())),
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let folder = layout::backups(&entry.name);
    match catalog.store().sweep_unfinished(&folder, ABANDONED_AFTER).await {
        Ok(uploads) => survey.pruned.unfinished_uploads = uploads,
        Err(error) => {
            problems.push(format!("unfinished uploads may stay: {}", Failure::from(error).message()));
        }
    }
    settle(app, catalog, entry, &problems, log).await;
    let freed = ByteSize(survey.pruned.freed_bytes);
    let (removed, kept) = (survey.going.len(), survey.pruned.backups.len() - survey.going.len());
    log.say(format!("PRUNE: OK `{}`: {removed} removed, {kept} kept, {freed} freed", entry.name));
    Ok(survey.pruned)
}

/// Says and notes what stays, and that garbage was looked for. A store that takes no writes has been pruned all the same.
async fn settle(app: &App, catalog: &Catalog, entry: &DatabaseEntry, problems: &[String], log: &RunLog) {
    for problem in problems {
        log.warn(format!("{problem}; it is tried again by the next `jagad prune`"));
    }
    catalog.clear_empty_leases(&entry.name).await;
    let problem = (!problems.is_empty()).then(|| problems.join("; "));
    protection::note_leftovers(app, catalog, &entry.name, problem.as_deref()).await;
    if let Err(failure) = protection::note_sweep(catalog, &entry.name, app.clock.now()).await {
        log.warn(format!("that `{}` was pruned could not be noted: {}", entry.name, failure.message()));
    }
}
