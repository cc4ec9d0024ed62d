//! Which policy an entry is attached to, in which store, and the effect of its runs.

use super::{App, Class, Failure, remembered_attachment};
use crate::catalog::state::{GoodRun, Rules, VerificationEnd, VerificationFollows};
use crate::catalog::{Attachment, Catalog, CatalogError, Chains, Manifest, NotedLeftovers, RunEffect, State};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::{
    BackupId, BackupKind, BackupPurpose, DatabaseName, Period, PolicyName, StoreName, Timestamp,
};
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Consecutive failures that pause a database whose policy is not in this host's configuration.
const PAUSE_AFTER: u32 = 3;

/// How long a store may take to say whether it has a repository. Its own limit, with all retries, is minutes.
const PATIENCE: Duration = Duration::from_secs(30);

/// An attached entry.
#[derive(Debug, Clone)]
pub(super) struct Protection {
    /// The entry with the defaults of its policy; unchanged if this host's configuration does not have the policy.
    pub(super) entry: DatabaseEntry,
    /// The repository that has the attachment.
    pub(super) catalog: Catalog,
    /// Since when, and under which policy.
    pub(super) attachment: Attachment,
}

impl Protection {
    /// The store that its policy names, if that is not the one in which it is attached.
    pub(super) fn other_store<'a>(&self, app: &'a App) -> Option<&'a StoreName> {
        let named = self.policy(app)?.store.as_ref().or_else(|| app.inventory.default_store())?;
        (self.entry.store.as_ref() != Some(named)).then_some(named)
    }

    /// Its policy; `None` when this host's configuration has none of that name.
    pub(super) fn policy<'a>(&self, app: &'a App) -> Option<&'a PolicyEntry> {
        app.inventory.policies.get(&self.attachment.policy)
    }
}

/// The repositories that attachments may be in, each opened once.
pub(super) struct Repositories {
    opened: BTreeMap<StoreName, Result<Option<Catalog>, Failure>>,
}

impl Repositories {
    /// Opens those that may have one of `entries`. One that cannot be opened is an error only for the entries that need
    /// it.
    pub(super) async fn open<'a>(app: &App, entries: impl IntoIterator<Item = &'a DatabaseEntry>) -> Self {
        let names: BTreeSet<StoreName> =
            entries.into_iter().flat_map(|entry| candidates(app, entry)).collect();
        let opened = names.into_iter().map(|name| async move {
            let catalog = open_in_time(app, &name).await;
            (name, catalog)
        });
        Self { opened: join_all(opened).await.into_iter().collect() }
    }

    /// The attachment of `entry`, if there is one. Queries each repository that may have it once.
    pub(super) async fn find(&self, app: &App, entry: &DatabaseEntry) -> Result<Option<Protection>, Failure> {
        for name in candidates(app, entry) {
            let catalog = match self.opened.get(&name) {
                Some(Ok(Some(catalog))) => catalog,
                Some(Err(failure)) => return Err(failure.again()),
                Some(Ok(None)) | None => continue,
            };
            if let Some(attachment) = catalog.attachment(&entry.name).await? {
                let policy = app.inventory.policies.get(&attachment.policy);
                let mut entry = policy.map_or_else(|| entry.clone(), |policy| entry.under(policy));
                // Its backups go to the store where its runs are counted, even if the policy names another store now: a
                // run that is counted elsewhere would be due again at every tick.
                entry.store = Some(name);
                return Ok(Some(Protection { entry, catalog: catalog.clone(), attachment }));
            }
        }
        Ok(None)
    }
}

/// The attachment of one entry, if there is one.
pub(super) async fn find(app: &App, entry: &DatabaseEntry) -> Result<Option<Protection>, Failure> {
    Repositories::open(app, [entry]).await.find(app, entry).await
}

/// Where one entry is attached, and to which policy; `None` for the policy when the attachment is damaged.
pub(super) async fn find_place(
    app: &App,
    entry: &DatabaseEntry,
) -> Result<Option<(Catalog, Option<PolicyName>)>, Failure> {
    for name in candidates(app, entry) {
        let Some(catalog) = open(app, &name).await? else { continue };
        match catalog.attachment(&entry.name).await {
            Ok(None) => {}
            Ok(Some(found)) => return Ok(Some((catalog, Some(found.policy)))),
            Err(CatalogError::Damaged { .. }) => return Ok(Some((catalog, None))),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// The entry under the policy that it is attached to, or else the one that it names.
pub(super) async fn protected(app: &App, entry: &DatabaseEntry) -> Result<DatabaseEntry, Failure> {
    Ok(match find(app, entry).await? {
        Some(protected) => protected.entry,
        None => declared(app, entry),
    })
}

/// The entry under the policy that it names, or was last attached to, without a look into the store.
pub(super) fn declared(app: &App, entry: &DatabaseEntry) -> DatabaseEntry {
    remembered_attachment::under_policy(app, entry)
}

/// The stores in which `entry` may be attached: its own, or that of the policy that it names and then of all others.
fn candidates(app: &App, entry: &DatabaseEntry) -> Vec<StoreName> {
    if let Some(own) = &entry.store {
        return vec![own.clone()];
    }
    let inventory = &app.inventory;
    let declared = inventory.policy_of(entry).into_iter();
    let mut names: Vec<StoreName> = Vec::new();
    for policy in declared.chain(inventory.policies.values()) {
        let name = policy.store.as_ref().or_else(|| inventory.default_store());
        names.extend(name.filter(|name| !names.contains(name)).cloned());
    }
    names
}

/// A store that hangs must not delay the databases of other stores.
async fn open_in_time(app: &App, name: &StoreName) -> Result<Option<Catalog>, Failure> {
    tokio::time::timeout(PATIENCE, open(app, name)).await.unwrap_or_else(|_| {
        let problem = format!("store `{name}` did not answer within {}", Period(PATIENCE));
        Err(Failure::new(Class::Store, problem)
            .help("Check `endpoint` and the network; `jagad check` shows each step."))
    })
}

async fn open(app: &App, name: &StoreName) -> Result<Option<Catalog>, Failure> {
    match app.catalog_in(app.store(Some(name)).await?, Some(name)).await {
        Ok(catalog) => Ok(Some(catalog)),
        // Nothing was ever stored there.
        Err(CatalogError::NoRepository { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The effect of a recorded run.
#[derive(Debug, Clone)]
pub(super) struct CountedRun {
    /// What it changed.
    pub(super) effect: RunEffect,
    /// The state after it.
    pub(super) state: State,
    /// The server that the good backup before it was read from.
    pub(super) source_before: Option<String>,
    /// Whether incrementals became fulls again and again before it.
    pub(super) fell_back_before: bool,
}

/// Changes the state of an attached database; `None` when it is not attached, or `change` finds nothing to count. Only
/// under the lease, which must be released only after this has succeeded.
async fn count(
    catalog: &Catalog,
    database: &DatabaseName,
    change: impl FnOnce(&mut State, &Attachment) -> Option<RunEffect>,
) -> Result<Option<CountedRun>, Failure> {
    let Some(attachment) = attachment_to_count(catalog, database).await? else { return Ok(None) };
    let mut state = catalog.state(database).await?;
    let source_before = state.last_source.clone();
    let fell_back_before = state.repeated_fallbacks().is_some();
    let Some(effect) = change(&mut state, &attachment) else { return Ok(None) };
    catalog.write_state(database, &state).await?;
    Ok(Some(CountedRun { effect, state, source_before, fell_back_before }))
}

/// Counts a recorded run; `None` when its database is not attached. With `verification`, a success counts when that has
/// passed, see [`settle`].
pub(super) async fn note(
    app: &App,
    catalog: &Catalog,
    manifest: &Manifest,
    verification: VerificationFollows,
) -> Result<Option<CountedRun>, Failure> {
    count(catalog, &manifest.database, |state, attachment| {
        let rules = rules(app, attachment, manifest.kind, manifest.started_at);
        Some(state.note(manifest, &rules, verification))
    })
    .await
}

/// Whether the policy of an attached database has the backups of its planned runs verified.
pub(super) fn verification_of(
    app: &App,
    entry: &DatabaseEntry,
    purpose: BackupPurpose,
) -> VerificationFollows {
    let verify = app.inventory.policy_of(entry).and_then(|policy| policy.verify);
    match verify {
        Some(_) if purpose == BackupPurpose::Scheduled => VerificationFollows::Yes,
        _ => VerificationFollows::No,
    }
}

/// Counts how the verification of the backup `id` ended; `None` when there is nothing to count.
pub(super) async fn settle(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseName,
    id: &BackupId,
    verified: &VerificationEnd,
) -> Result<Option<CountedRun>, Failure> {
    let now = app.clock.now();
    count(catalog, database, |state, attachment| {
        let started = state.unverified.as_ref().map_or(now, |unverified| unverified.started_at);
        state.settle(id, verified, now, &rules(app, attachment, id.kind(), started))
    })
    .await
}

/// Counts a failed run that could not be recorded in time; `None` when the database is not attached. Only under the
/// lease.
pub(super) async fn note_late(
    app: &App,
    catalog: &Catalog,
    manifest: &Manifest,
) -> Result<Option<CountedRun>, Failure> {
    count(catalog, &manifest.database, |state, attachment| {
        let rules = rules(app, attachment, manifest.kind, manifest.started_at);
        Some(state.note_late(manifest, &rules))
    })
    .await
}

/// If the backup that was found bad is noted as the last good one, notes the newest good full instead. Only under the
/// lease.
pub(super) async fn forget_good(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseName,
    id: &BackupId,
) -> Result<(), Failure> {
    let listing = catalog.list(Some(database)).await?;
    let chains = Chains::new(&listing.entries, app.clock.now());
    let last = chains
        .good_fulls()
        .next()
        .map(|entry| GoodRun { id: entry.manifest.id.clone(), started_at: entry.manifest.started_at });
    count(catalog, database, |state, _| {
        let is_last = state.last_good.as_ref().is_some_and(|good| good.id == *id);
        is_last.then(|| {
            state.last_good = last;
            RunEffect::None
        })
    })
    .await
    .map(|_| ())
}

/// The attachment under which runs are counted. With a damaged one none is counted: else the lease that is needed to
/// detach the database would never be released.
async fn attachment_to_count(
    catalog: &Catalog,
    database: &DatabaseName,
) -> Result<Option<Attachment>, CatalogError> {
    match catalog.attachment(database).await {
        Err(error @ CatalogError::Damaged { .. }) => {
            tracing::warn!("{error}: the run is not counted");
            Ok(None)
        }
        found => found,
    }
}

/// The policy's rules for a run of `kind` that began at `started`.
fn rules(app: &App, attachment: &Attachment, kind: BackupKind, started: Timestamp) -> Rules {
    let Some(policy) = app.inventory.policies.get(&attachment.policy) else {
        return Rules { limit: Some(PAUSE_AFTER), retries: 0, period: None };
    };
    let cadence = match kind {
        BackupKind::Full => policy.full.as_ref(),
        BackupKind::Incremental => policy.incremental.as_ref(),
    };
    let period = cadence.and_then(|cadence| {
        let planned = cadence.latest(started)?;
        Some((planned, cadence.next(planned)?))
    });
    let limit = policy.pause_after_failures;
    Rules { limit: (limit > 0).then_some(limit), retries: policy.retries, period }
}

/// Notes the time of the last search for garbage, if the database is attached. Only under the lease.
pub(super) async fn note_sweep(
    catalog: &Catalog,
    database: &DatabaseName,
    now: Timestamp,
) -> Result<(), Failure> {
    let swept = count(catalog, database, |state, _| {
        state.swept_at = Some(now);
        Some(RunEffect::None)
    });
    swept.await.map(|_| ())
}

/// Notes for `status` what could not be removed, or that nothing is left, if the database is attached. Only under the
/// lease. A failure is only logged.
pub(super) async fn note_leftovers(
    app: &App,
    catalog: &Catalog,
    database: &DatabaseName,
    problem: Option<&str>,
) {
    let noted = count(catalog, database, |state, _| {
        let leftovers =
            problem.map(|problem| NotedLeftovers { at: app.clock.now(), problem: problem.to_owned() });
        (state.leftovers.is_some() || leftovers.is_some()).then(|| {
            state.leftovers = leftovers;
            RunEffect::None
        })
    });
    if let Err(failure) = noted.await {
        tracing::debug!(error = %failure.message(), "leftovers were not noted");
    }
}
