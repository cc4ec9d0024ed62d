//! Backups that another tool keeps: whether they still exist, and what is removed with them.

use super::{App, Class, Failure, Tone, Watch};
use crate::catalog::{ListedBackup, Manifest, Presence};
use crate::config::Inventory;
use crate::engine::{self, DelegateRepository, Engine, HeldBackups, delegated_label};
use crate::model::{BackupId, BackupStatus, DatabaseName, Integrity, Method};
use crate::process::Runner;
use crate::retention::{Decision, Reason};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The [`Presence`] of a catalogue: reports which backups are gone.
pub(super) fn presence(app: &App) -> Arc<dyn Presence> {
    Arc::new(Repositories {
        inventory: Arc::clone(&app.inventory),
        runner: Arc::clone(&app.runner),
        watch: Arc::clone(&app.watch),
        silent: Mutex::default(),
    })
}

/// The repositories of other tools, as the entries name them.
struct Repositories {
    inventory: Arc<Inventory>,
    runner: Arc<dyn Runner>,
    watch: Arc<dyn Watch>,
    /// Entries for which it was reported that their repository does not answer.
    silent: Mutex<BTreeSet<DatabaseName>>,
}

#[async_trait]
impl Presence for Repositories {
    async fn gone(&self, manifests: Vec<&Manifest>) -> BTreeMap<BackupId, String> {
        let mut by_database: BTreeMap<&DatabaseName, Vec<&Manifest>> = BTreeMap::new();
        for manifest in manifests {
            by_database.entry(&manifest.database).or_default().push(manifest);
        }
        let mut gone = BTreeMap::new();
        for (database, manifests) in by_database {
            let Some(engine) = engine_of(&self.inventory, database) else { continue };
            let Some(repository) = engine.delegate_repository() else { continue };
            match repository.held(self.runner.as_ref()).await {
                Ok(held) => gone.extend(manifests.into_iter().filter_map(|manifest| {
                    let reason = why_gone(repository, &held, manifest)?;
                    Some((manifest.id.clone(), reason))
                })),
                Err(error) => self.say_silent(database, repository.tool(), &Failure::from(error)),
            }
        }
        gone
    }
}

impl Repositories {
    /// Warns once for each entry that it is not known whether its backups exist.
    fn say_silent(&self, database: &DatabaseName, tool: &str, failure: &Failure) {
        let first = self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(database.clone());
        if first {
            let why = failure.message();
            let line = format!("whether {tool} still has the backups of `{database}` is not known: {why}");
            self.watch.say(Tone::Warning, &line);
        }
    }
}

impl fmt::Debug for Repositories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Repositories")
    }
}

/// The engine of an entry whose backups another tool keeps now.
fn engine_of(inventory: &Inventory, database: &DatabaseName) -> Option<Box<dyn Engine>> {
    let entry = inventory.databases.get(database).filter(|entry| entry.method == Method::PgBackRest)?;
    Some(engine::open(inventory.tool_settings(entry.engine, database)))
}

/// Why the data of a backup is gone; `None` when it exists.
fn why_gone(repository: &dyn DelegateRepository, held: &HeldBackups, manifest: &Manifest) -> Option<String> {
    let tool = repository.tool();
    match manifest.physical.as_ref().and_then(delegated_label) {
        Some(label) if held.named(label).is_some() => None,
        Some(label) => Some(format!("{tool} has no backup {label} in its repository any more")),
        None => Some(format!("its manifest does not say which backup of {tool} it is")),
    }
}

/// What another tool keeps for one entry.
pub(super) struct Kept {
    engine: Box<dyn Engine>,
    pub(super) held: HeldBackups,
}

impl Kept {
    /// Queries the tool; `None` for an entry whose backups no other tool keeps.
    pub(super) async fn of(app: &App, database: &DatabaseName) -> Result<Option<Self>, Failure> {
        let Some(engine) = engine_of(&app.inventory, database) else { return Ok(None) };
        let Some(repository) = engine.delegate_repository() else { return Ok(None) };
        let held = repository.held(app.runner.as_ref()).await?;
        Ok(Some(Self { engine, held }))
    }

    fn repository(&self) -> Result<&dyn DelegateRepository, Failure> {
        let missing = || Failure::new(Class::Operation, "there is no repository of another tool");
        self.engine.delegate_repository().ok_or_else(missing)
    }

    /// Whether jagad may remove backups there.
    fn expires(&self) -> bool {
        self.engine.delegate_repository().is_some_and(DelegateRepository::expires)
    }

    /// Removes the data of a backup, with what builds on it.
    pub(super) async fn expire(&self, app: &App, manifest: &Manifest) -> Result<(), Failure> {
        match manifest.physical.as_ref().and_then(delegated_label) {
            Some(label) if self.held.named(label).is_some() => {
                Ok(self.repository()?.expire(app.runner.as_ref(), label).await?)
            }
            _ => Ok(()),
        }
    }

    /// Backups of the tool that would be removed with `manifest` and are not among `known`: jagad did not take them.
    fn unknown_dependants(&self, manifest: &Manifest, known: &BTreeSet<&str>) -> Vec<String> {
        let Some(label) = manifest.physical.as_ref().and_then(delegated_label) else { return Vec::new() };
        let labels = self.held.dependants(label).map(|held| held.label.clone());
        labels.filter(|label| !known.contains(label.as_str())).collect()
    }

    /// The backups of `entries` that `label` builds on there, the nearest first, itself included.
    pub(super) fn recorded_chain<'e>(
        &self,
        label: &str,
        entries: &'e [ListedBackup],
    ) -> Vec<&'e ListedBackup> {
        let recorded = |label: &str| {
            entries.iter().find(|entry| {
                entry.gone.is_none()
                    && entry.manifest.physical.as_ref().and_then(delegated_label) == Some(label)
            })
        };
        self.held.chain(label).into_iter().filter_map(|held| recorded(&held.label)).collect()
    }
}

/// Adapts the decisions of retention to backups that another tool keeps: without `pgbackrest.expire` none is removed,
/// and a record whose data is gone is removed. Returns what the tool keeps.
pub(super) async fn decide(
    app: &App,
    database: &DatabaseName,
    entries: &[ListedBackup],
    decisions: &mut [Decision],
) -> Option<Kept> {
    let theirs = |id: &BackupId| {
        entries
            .iter()
            .find(|entry| entry.manifest.id == *id && entry.manifest.integrity == Integrity::Delegated)
    };
    if !entries.iter().any(|entry| entry.manifest.integrity == Integrity::Delegated) {
        return None;
    }
    let kept = Kept::of(app, database).await.ok().flatten();
    let (any_there, known) = (entries.iter().any(is_kept), labels(entries));
    for decision in decisions {
        let Some(entry) = theirs(&decision.id).filter(|entry| entry.manifest.status == BackupStatus::Success)
        else {
            continue;
        };
        let held = decision
            .kept
            .iter()
            .any(|reason| matches!(reason, Reason::Pinned | Reason::PinUnreadable | Reason::InUse));
        if held {
            continue;
        }
        let keep = match &kept {
            _ if entry.gone.is_some() && any_there => None,
            _ if entry.gone.is_some() => Some(Reason::AllGone),
            Some(kept) if kept.expires() => {
                let Some(why) = decision.removed.take() else { continue };
                let reason = kept.reason_to_keep(&entry.manifest, &known);
                decision.removed = reason.is_none().then_some(why);
                decision.kept.extend(reason);
                continue;
            }
            _ => Some(Reason::Delegated),
        };
        decision.removed = keep.is_none().then_some(Reason::Gone);
        decision.kept = keep.into_iter().collect();
    }
    kept
}

impl Kept {
    /// Why a backup that retention does not keep must stay: pgBackRest would remove others with it.
    fn reason_to_keep(&self, manifest: &Manifest, known: &BTreeSet<&str>) -> Option<Reason> {
        let label = manifest.physical.as_ref().and_then(delegated_label)?;
        let foreign = |label: &String| !known.contains(label.as_str());
        let below = self.held.chain(label).into_iter().map(|held| held.label.clone()).find(foreign);
        let above = self.unknown_dependants(manifest, known).into_iter().next();
        above.or(below).map(Reason::DelegatedParent)
    }
}

/// Refuses to delete backups of another tool unless `pgbackrest.expire` is set. Returns the tool's names of further
/// backups that it would remove with them and that jagad did not take.
pub(super) async fn going_too(
    app: &App,
    database: &DatabaseName,
    entries: &[ListedBackup],
    going: &BTreeSet<&BackupId>,
) -> Result<Vec<String>, Failure> {
    let there = || entries.iter().filter(|entry| is_kept(entry) && going.contains(&entry.manifest.id));
    let Some(first) = there().find(|entry| entry.manifest.status == BackupStatus::Success) else {
        return Ok(Vec::new());
    };
    let id = &first.manifest.id;
    let Some(kept) = Kept::of(app, database).await?.filter(Kept::expires) else {
        let label = first.manifest.physical.as_ref().and_then(delegated_label).unwrap_or("LABEL");
        let problem = format!("pgBackRest keeps the data of {id}, and jagad may not remove anything there");
        return Err(Failure::new(Class::Refused, problem).help(format!(
            "Set databases.{database}.pgbackrest.expire = true, or remove it with `pgbackrest expire --set={label}`: `jagad prune` then removes the record."
        )));
    };
    let known = labels(entries);
    Ok(there().flat_map(|entry| kept.unknown_dependants(&entry.manifest, &known)).collect())
}

/// Removes the data of the backup `id` that another tool keeps.
pub(super) async fn expire(
    app: &App,
    database: &DatabaseName,
    entries: &[ListedBackup],
    id: &BackupId,
) -> Result<(), Failure> {
    let entry = entries.iter().find(|entry| entry.manifest.id == *id && is_kept(entry));
    let Some(entry) = entry.filter(|entry| entry.manifest.status == BackupStatus::Success) else {
        return Ok(());
    };
    match Kept::of(app, database).await?.filter(Kept::expires) {
        Some(kept) => kept.expire(app, &entry.manifest).await,
        None => Ok(()),
    }
}

/// The names that the backups of `entries` have in the repository of their tool.
fn labels(entries: &[ListedBackup]) -> BTreeSet<&str> {
    entries.iter().filter_map(|entry| delegated_label(entry.manifest.physical.as_ref()?)).collect()
}

/// Whether another tool keeps the data of a backup, and still has it.
pub(super) fn is_kept(entry: &ListedBackup) -> bool {
    entry.manifest.integrity == Integrity::Delegated && entry.gone.is_none()
}
