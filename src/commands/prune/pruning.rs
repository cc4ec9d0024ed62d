//! The retention of one entry.

use super::{PruneAction, Pruned, PrunedBackup};
use crate::catalog::lease::Operation;
use crate::catalog::{
    Abandoned, Catalog, CatalogError, Chains, Lease, ListedBackup, Manifest, SideRecord, UnreadableBackup,
    chain, layout,
};
use crate::commands::delegated::{self, Kept};
use crate::commands::lease_guard::{LeaseRequest, acquire_lease, release};
use crate::commands::{App, Class, Failure, Mode, RunLog, crash, notify, protection};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::{BackupId, BackupKind, ByteSize};
use crate::notify::EventKind;
use crate::retention::{self, Candidate, Decision, Pinned};
use std::collections::BTreeSet;
use std::time::Duration;

/// Objects without a manifest count as abandoned when nothing was written for this long: an upload of a single part
/// takes less.
pub(in crate::commands) const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// One entry that is pruned as its policy says.
pub(in crate::commands) struct Pruning<'a> {
    pub(in crate::commands) app: &'a App,
    pub(in crate::commands) entry: &'a DatabaseEntry,
    pub(in crate::commands) policy: &'a PolicyEntry,
    pub(in crate::commands) log: &'a RunLog,
}

/// The backups and what happens to each.
struct PrunePlan {
    pruned: Pruned,
    going: Vec<BackupId>,
    /// Backups whose data another tool must remove, and what the tool keeps.
    delegated: Vec<Manifest>,
    kept: Option<Kept>,
    abandoned: Vec<Abandoned>,
}

impl Pruning<'_> {
    /// Retention after a backup, which is safe now. A busy database is no failure: the next success prunes too.
    /// Failures are notified.
    pub(in crate::commands) async fn after_backup(&self, wait: Duration) -> Result<(), Failure> {
        match self.run(Mode::Run, wait).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.class == Class::Busy => Ok(()),
            Err(failure) => {
                let failure = failure.doing(format!("prune `{}`", self.entry.name));
                if notify::is_reported(&failure) {
                    let event = notify::failed(self.app, EventKind::PruneFailed, self.entry, &failure);
                    notify::send(self.app, self.entry, &event).await;
                }
                Err(failure)
            }
        }
    }

    /// Prunes, or plans to; `None` when nothing was ever stored there.
    pub(in crate::commands) async fn run(
        &self,
        mode: Mode,
        wait: Duration,
    ) -> Result<Option<Pruned>, Failure> {
        let Self { app, entry, log, .. } = self;
        let name = app.inventory.store_of(entry, None);
        let catalog = match app.catalog_in(app.store(name.as_ref()).await?, name.as_ref()).await {
            // Nothing was ever stored there.
            Err(CatalogError::NoRepository { .. }) => return Ok(None),
            opened => opened?,
        };
        if mode == Mode::Plan {
            return Ok(Some(self.plan(&catalog).await?.pruned));
        }
        let request = LeaseRequest::new(Operation::Delete, wait, log);
        let lease = acquire_lease(app, &catalog, entry, &request).await?;
        let removed = self.remove(&catalog, &lease).await;
        release(lease, log).await;
        removed.map(Some)
    }

    async fn plan(&self, catalog: &Catalog) -> Result<PrunePlan, Failure> {
        let Self { app, entry, policy, .. } = self;
        let mut listing = catalog.list(Some(&entry.name)).await?;
        // It is not known what an unreadable incremental builds on. A full builds on nothing: it stays, and is not
        // counted. A backup that is not authenticated neither counts nor is removed: else forged ones could push out
        // the real ones.
        let ours = |one: &UnreadableBackup| !matches!(one.error, CatalogError::Unproven { .. });
        let hides = |one: &UnreadableBackup| ours(one) && one.id.kind() == BackupKind::Incremental;
        let unreadable = std::mem::take(&mut listing.unreadable);
        let unread: BTreeSet<BackupId> = unreadable.iter().map(|one| one.id.clone()).collect();
        if let Some(unreadable) = unreadable.into_iter().find(hides) {
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
        let chains = Chains::new(&listing.entries, app.clock.now());
        let candidates: Vec<Candidate> = listing
            .entries
            .iter()
            .map(|entry| Candidate {
                in_use: in_use.contains(&entry.manifest.id),
                base_unreadable: chains.builds_on_any(entry, &unread),
                ..candidate(entry)
            })
            .collect();
        let mut decisions = retention::plan(&policy.retention, &candidates, app.clock.now());
        let kept = delegated::decide(app, &entry.name, &listing.entries, &mut decisions).await;
        let running: BTreeSet<&BackupId> = listing.running.iter().map(|run| &run.id).collect();
        let mut abandoned = catalog.abandoned(&entry.name, &listing, ABANDONED_AFTER).await?;
        abandoned.retain(|left| !running.contains(&left.id) && !in_use.contains(&left.id));
        let bytes = |id: &BackupId| {
            let found = listing.entries.iter().find(|entry| entry.manifest.id == *id);
            found.map_or(0, |entry| entry.manifest.stored_bytes())
        };
        let going: Vec<BackupId> = decisions
            .iter()
            .filter(|decision| decision.removed.is_some())
            .map(|one| one.id.clone())
            .collect();
        let freed =
            going.iter().map(bytes).sum::<u64>() + abandoned.iter().map(|left| left.bytes).sum::<u64>();
        let pruned = Pruned {
            database: entry.name.clone(),
            policy: policy.name.clone(),
            backups: decisions.iter().map(|decision| verdict(decision, bytes(&decision.id))).collect(),
            freed_bytes: freed,
            abandoned: abandoned.len() as u64,
            unfinished_uploads: 0,
        };
        let delegated = listing
            .entries
            .iter()
            .filter(|entry| delegated::is_kept(entry) && going.contains(&entry.manifest.id));
        let delegated = delegated.map(|entry| entry.manifest.clone()).collect();
        Ok(PrunePlan { pruned, going, delegated, kept, abandoned })
    }

    /// Removes dependants first, and of each backup its manifest first: a crash leaves garbage, never a manifest
    /// without data. A backup that cannot be removed does not stop the others; the first failure is returned. Garbage
    /// that could not be removed is logged.
    async fn remove(&self, catalog: &Catalog, lease: &Lease) -> Result<Pruned, Failure> {
        let mut plan = self.plan(catalog).await?;
        let mut problems = Vec::new();
        let refused = self.remove_backups(catalog, lease, &plan, &mut problems).await?;
        self.remove_abandoned(catalog, lease, &plan.abandoned, &mut problems).await?;
        if let Some(failure) = refused {
            return Err(failure);
        }
        let folder = layout::backups(&self.entry.name);
        match catalog.store().sweep_unfinished(&folder, ABANDONED_AFTER).await {
            Ok(uploads) => plan.pruned.unfinished_uploads = uploads,
            Err(error) => {
                problems.push(format!("unfinished uploads may stay: {}", Failure::from(error).message()));
            }
        }
        self.settle(catalog, &problems).await;
        let (name, freed) = (&self.entry.name, ByteSize(plan.pruned.freed_bytes));
        let (removed, kept) = (plan.going.len(), plan.pruned.backups.len() - plan.going.len());
        self.log.say(format!("PRUNE: OK `{name}`: {removed} removed, {kept} kept, {freed} freed"));
        Ok(plan.pruned)
    }

    /// Removes `going`, each with its manifest first. Returns why the first refused one stays; data that could not be
    /// removed is added to the problems.
    async fn remove_backups(
        &self,
        catalog: &Catalog,
        lease: &Lease,
        plan: &PrunePlan,
        problems: &mut Vec<String>,
    ) -> Result<Option<Failure>, Failure> {
        let Self { app, entry, log, .. } = self;
        let mut refused = None;
        for id in &plan.going {
            app.cancel.check()?;
            lease.check().await?;
            if let Some(reader) = catalog.reader_of(&entry.name, id).await? {
                log.say(format!(
                    "PRUNE: {id} is kept for now, because it is being read ({})",
                    reader.describe()
                ));
                continue;
            }
            // The data of another tool first: the tool may refuse, and without our record the backup would be
            // forgotten.
            let theirs = plan.delegated.iter().find(|manifest| manifest.id == *id);
            if let Some((manifest, kept)) = theirs.zip(plan.kept.as_ref())
                && let Err(failure) = kept.expire(app, manifest).await
            {
                log.warn(format!("{id} of `{}` was not removed", entry.name));
                refused.get_or_insert(failure);
                continue;
            }
            if let Err(error) = catalog.delete_manifest(&entry.name, id).await {
                log.warn(format!("{id} of `{}` was not removed", entry.name));
                refused.get_or_insert(Failure::from(error));
                continue;
            }
            // A reader that has started since the check reads to the end; a later prune removes the data.
            if catalog.reader_of(&entry.name, id).await?.is_some() {
                continue;
            }
            match catalog.delete_rest(&entry.name, id).await {
                Ok(()) => log.say(format!("PRUNE: removed {id} of `{}`", entry.name)),
                Err(error) => {
                    problems
                        .push(format!("data of {id} was not removed: {}", Failure::from(error).message()));
                }
            }
            crash::point("prune-after-delete");
        }
        Ok(refused)
    }

    /// Removes what interrupted runs left.
    async fn remove_abandoned(
        &self,
        catalog: &Catalog,
        lease: &Lease,
        abandoned: &[Abandoned],
        problems: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let name = &self.entry.name;
        for Abandoned { id, recorded, .. } in abandoned {
            lease.check().await?;
            let removed = if *recorded {
                catalog.delete_leftovers(name, id).await
            } else {
                catalog.delete_rest(name, id).await
            };
            match removed {
                Ok(()) => {
                    self.log.say(format!("PRUNE: removed what an interrupted run left of {id} of `{name}`"));
                }
                Err(error) => {
                    problems
                        .push(format!("data of {id} was not removed: {}", Failure::from(error).message()));
                }
            }
        }
        Ok(())
    }

    /// Logs and notes what could not be removed, and when garbage was searched for. An error is only logged.
    async fn settle(&self, catalog: &Catalog, problems: &[String]) {
        let Self { app, entry, log, .. } = self;
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
}

fn candidate(entry: &ListedBackup) -> Candidate {
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
        in_use: false,
        base_unreadable: false,
    }
}

fn verdict(decision: &Decision, stored_bytes: u64) -> PrunedBackup {
    PrunedBackup {
        id: decision.id.clone(),
        action: if decision.removed.is_some() { PruneAction::Remove } else { PruneAction::Keep },
        reasons: decision.kept.iter().chain(&decision.removed).map(ToString::to_string).collect(),
        stored_bytes,
    }
}
