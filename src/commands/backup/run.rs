//! One backup of one database, from the lease to the commit.

use super::announce::Announcement;
use super::failed::{Data, FailedRun};
use super::left_out::{self, Lost};
use super::part::{self, Packing};
use super::source::Source;
use super::{Choices, Report, attempt};
use crate::catalog::lease::Operation;
use crate::catalog::{Catalog, Lease, Manifest, RecipeRecord, ServerRecord, State};
use crate::commands::lease_guard::{self, LeaseRequest, acquire_lease, release};
use crate::commands::stop::either;
use crate::commands::unrecorded::{self, Unrecorded, Where};
use crate::commands::{
    App, Class, Failure, RunLog, crash, findings, milliseconds, protection, record, slots,
};
use crate::config::DatabaseEntry;
use crate::engine::{FindingLevel, Scope, Server};
use crate::model::{BackupId, BackupKind, BackupPurpose, BackupStatus, Contents, PartKind, Timestamp};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Why a backup is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Trigger {
    /// Somebody asked for it.
    Hand,
    /// It was planned for this time: nothing is taken when a run has begun since then.
    Plan(Timestamp),
    /// A restore is about to replace what it holds.
    Safety,
}

impl Trigger {
    /// What the manifest says of it.
    const fn purpose(self) -> BackupPurpose {
        match self {
            Self::Hand => BackupPurpose::Manual,
            Self::Plan(_) => BackupPurpose::Scheduled,
            Self::Safety => BackupPurpose::Safety,
        }
    }
}

/// How it ended well.
#[derive(Debug)]
pub(in crate::commands) enum Ran {
    /// The backup was taken.
    Taken(Box<Report>),
    /// It was not begun: another run had been faster.
    Overtaken,
    /// It was not begun: no slot of this host is free, or somebody else is at the database.
    Busy(Failure),
    /// It failed, and is tried again at this time before it counts.
    Again(Failure, Timestamp),
    /// The backup was taken, and it is bad or could not be verified.
    NotVerified(Box<Report>, Failure),
}

/// Takes one backup of an entry as it is protected. Success is returned only after the manifest is in the store; every other
/// end is recorded as a failed run, with what it stored removed.
pub(super) async fn back_up(
    app: &App,
    database: &DatabaseEntry,
    choices: &Choices,
    (trigger, course): (Trigger, &Announcement<'_>),
) -> Result<Ran, Failure> {
    let log = course.log.clone();
    let _slot = match slots::take(app, choices.wait, &log).await {
        Err(failure) if failure.class == Class::Busy => return Ok(Ran::Busy(failure)),
        taken => taken?,
    };
    let began = Instant::now();
    let id = BackupId::new(app.clock.now(), BackupKind::Full);
    let started_at = app.clock.now();
    let run = Beginning { id: &id, trigger, log: &log };
    let held = begin(app, (database, choices), &run).await;
    let (catalog, lease) = match held {
        Ok(held) => held,
        Err(failure) if failure.class == Class::Busy => return Ok(Ran::Busy(failure)),
        // Nothing could be tried with such a configuration: no run has failed.
        Err(failure) if failure.class == Class::Usage => return Err(failure),
        Err(failure) => {
            let run = Unrecorded::new((id, trigger.purpose()), (started_at, app.clock.now()), &failure);
            unrecorded::keep(app, Where::Store(database, choices.store.as_ref()), &run, &log);
            return Err(failure);
        }
    };
    crash::point("after-lease");
    if let Trigger::Plan(planned) = trigger {
        // Seen under the lease: two hosts that find the same backup due take it once.
        let state = catalog.state(&database.name).await?;
        if is_overtaken(&state, (id.kind(), planned), app.clock.now()) {
            release(lease, &log).await;
            return Ok(Ran::Overtaken);
        }
    }

    let mut manifest = record::blank(app, database, (catalog.id(), id, trigger.purpose()));
    manifest.note.clone_from(&choices.note);
    manifest.partial = !choices.databases.is_empty();
    log.say(format!("BACKUP: streaming {} {}", database.engine, database.name));
    let deadline = deadline(choices.timeout);
    let stop = either(&either(&app.cancel.token, lease.lost()), &deadline);
    let record = &mut manifest;
    let mut taking =
        Taking { app, catalog: &catalog, database, choices, manifest: record, stop: &stop, log: &log };
    let taken = match course.begin(taking.manifest, &stop).await {
        Ok(()) => attempt::take(&mut taking).await,
        Err(failure) => Err(failure),
    };
    let taken = taken.map_err(|failure| late_or(&deadline, choices.timeout, failure));
    // From here on the run ends by itself within the store's own bounds.
    stop.cancel();
    let (outcome, data) = match taken {
        Ok(()) => {
            let outcome = commit(app, &catalog, (&mut manifest, &lease, &log), (began, choices)).await;
            (outcome, Data::OfCommit)
        }
        Err(failure) => (Outcome::Failed(failure), Data::OfNothing),
    };
    match outcome {
        // Not before: what is said to be well is in the store.
        Outcome::Committed => log.say(format!("BACKUP: OK {}", manifest.id)),
        // The configuration cannot work: no run has failed, and none is recorded.
        Outcome::Failed(failure) if failure.class == Class::Usage => {
            course.finish(&manifest, Some(&failure)).await;
            release(lease, &log).await;
            return Err(failure);
        }
        Outcome::Failed(failure) => {
            let failure = lease_guard::lost_or(&lease, app, failure);
            let failed = FailedRun { app, catalog: &catalog, failure: &failure, log: &log, began, data };
            failed.record(&mut manifest).await;
            end(app, &catalog, (&manifest, lease), (course, Some(&failure))).await;
            return Err(failure);
        }
        // Neither deleting what was stored nor calling it a success would be safe. The lease runs out, and the next run
        // sees in the store which of the two it is.
        Outcome::Unknown(failure) => {
            course.finish(&manifest, Some(&failure)).await;
            return Err(failure);
        }
    }
    end(app, &catalog, (&manifest, lease), (course, None)).await;
    Ok(Ran::Taken(Box::new(Report::of(manifest, catalog.store().describe()))))
}

/// Whether a run that was planned for `planned` has been made by somebody else, or is not yet to be tried again.
fn is_overtaken(state: &State, (kind, planned): (BackupKind, Timestamp), now: Timestamp) -> bool {
    match state.retry_of(kind, now).filter(|retry| retry.planned == planned) {
        Some(retry) => retry.after > now,
        None => state.last_attempt(kind, now).is_some_and(|last| last >= planned),
    }
}

/// A run that is about to take its lease.
struct Beginning<'a> {
    id: &'a BackupId,
    trigger: Trigger,
    log: &'a RunLog,
}

/// Opens the repository and takes the lease. Until then there is nowhere to record a failure.
async fn begin(
    app: &App,
    (database, choices): (&DatabaseEntry, &Choices),
    run: &Beginning<'_>,
) -> Result<(Catalog, Lease), Failure> {
    let store_name = app.inventory.store_of(database, choices.store.as_ref());
    let catalog = app.catalog_or_new(store_name.as_ref()).await?;
    crash::point("before-lease");
    let purpose = LeaseRequest {
        operation: Operation::Backup,
        backup: Some(run.id.clone()),
        makes: Some(run.trigger.purpose()),
        wait: choices.wait,
        log: run.log,
    };
    let lease = acquire_lease(app, &catalog, database, &purpose).await?;
    Ok((catalog, lease))
}

/// Runs the hooks behind it, counts the run and gives the lease back. A run that cannot be counted now keeps its lease until
/// that runs out: who buries it counts it.
async fn end(
    app: &App,
    catalog: &Catalog,
    (manifest, lease): (&Manifest, Lease),
    (course, failure): (&Announcement<'_>, Option<&Failure>),
) {
    course.finish(manifest, failure).await;
    crash::point("before-note");
    unrecorded::remember(app, Where::Repository(catalog, &manifest.database), manifest.started_at);
    let verification = course.verification();
    match protection::note(app, catalog, manifest, verification).await {
        Ok(noted) => {
            course.noted(noted);
            release(lease, &course.log).await;
        }
        Err(failure) => {
            let line = format!("the run is not counted yet, the next one does it: {}", failure.message());
            course.log.warn(line);
        }
    }
}

/// How an attempt to commit ended.
enum Outcome {
    /// The manifest is in the store.
    Committed,
    /// It is not, and never will be.
    Failed(Failure),
    /// The store could not be asked.
    Unknown(Failure),
}

/// A run that holds the lease: what is backed up how, and what is written down of it.
pub(super) struct Taking<'a> {
    pub(super) app: &'a App,
    pub(super) catalog: &'a Catalog,
    pub(super) database: &'a DatabaseEntry,
    pub(super) choices: &'a Choices,
    pub(super) manifest: &'a mut Manifest,
    pub(super) stop: &'a CancellationToken,
    pub(super) log: &'a RunLog,
}

/// Writes down which server is dumped.
pub(super) fn describe(manifest: &mut Manifest, source: &Source) {
    let facts = source.reached.server.facts();
    manifest.server = Some(ServerRecord { version: facts.version.clone(), identity: facts.identity.clone() });
    manifest.tool = Some(facts.tool.clone());
    manifest.source = Some(source.record.clone());
}

/// The dump itself, part after part.
pub(super) async fn dump(taking: &mut Taking<'_>, server: &dyn Server, scope: &Scope) -> Result<(), Failure> {
    let Taking { app, catalog, database, choices, stop, log, .. } = taking;
    let packing = packing(app, catalog, (database, choices), (stop, log)).await?;
    left_out::note_unfit(taking, server, scope);
    let Taking { app, manifest, .. } = taking;
    manifest.recipe = RecipeRecord {
        codec: packing.codec,
        level: packing.level,
        cipher: packing.sealing.as_ref().map(|(cipher, _)| *cipher),
        key_id: packing.sealing.as_ref().map(|(_, key)| key.id_in(manifest.repository).to_string()),
    };
    let mut contents: BTreeMap<String, Contents> = BTreeMap::new();
    let app = *app;
    for plan in server.dump(scope)? {
        let (database, extension) = (plan.database.clone(), plan.extension);
        let (part, counted) = match part::dump(app, &packing, taking.manifest, plan).await {
            Ok(dumped) => dumped,
            Err(failure) => {
                let lost = Lost { database, extension, failure };
                left_out::go_on_without(taking, server, scope, lost).await?;
                continue;
            }
        };
        let manifest = &mut *taking.manifest;
        if let (Some(database), Some(counted)) = (&part.database, counted) {
            for finding in server.judge_dump(database, &counted) {
                taking.log.warn(findings::line(&finding));
            }
            contents.insert(database.clone(), counted);
        }
        if manifest.parts.iter().any(|other| other.name == part.name) {
            return Err(Failure::new(Class::Operation, format!("two parts are named `{}`", part.name)));
        }
        manifest.parts.push(part);
        crash::point("after-part");
    }
    let manifest = &mut *taking.manifest;
    let bytes = serde_json::to_vec(&contents).map_err(|error| Failure::from(std::io::Error::other(error)))?;
    let part = part::store_bytes(&packing, manifest, PartKind::Contents, bytes).await?;
    manifest.parts.push(part);
    crash::point("after-contents");
    Ok(())
}

/// What would fail hours later, or leave something out, stops the run now, with the statements that mend it.
pub(in crate::commands) async fn refuse_what_would_fail(
    app: &App,
    server: &dyn Server,
    scope: &Scope,
    log: &RunLog,
) -> Result<(), Failure> {
    let findings = server.check_dump(app.runner.as_ref(), scope).await?;
    for finding in findings.iter().filter(|finding| finding.level == FindingLevel::Warning) {
        log.warn(findings::line(finding));
    }
    findings::failure_of(&findings).map_or(Ok(()), Err)
}

async fn packing(
    app: &App,
    catalog: &Catalog,
    (database, choices): (&DatabaseEntry, &Choices),
    (stop, log): (&CancellationToken, &RunLog),
) -> Result<Packing, Failure> {
    Ok(Packing {
        store: catalog.store().clone(),
        codec: choices.codec.unwrap_or(database.codec()),
        level: database.level(choices.codec),
        sealing: app.inventory.sealing(database, &choices.encryption).await?,
        stop: stop.clone(),
        log: log.clone(),
    })
}

/// A token that fires when the run has had its time.
fn deadline(timeout: Option<Duration>) -> CancellationToken {
    let deadline = CancellationToken::new();
    if let Some(timeout) = timeout {
        let fires = deadline.clone();
        tokio::spawn(async move {
            tokio::time::sleep(timeout).await;
            fires.cancel();
        });
    }
    deadline
}

/// What a stop by the deadline means.
fn late_or(deadline: &CancellationToken, timeout: Option<Duration>, failure: Failure) -> Failure {
    match timeout {
        Some(timeout) if deadline.is_cancelled() => {
            let message = format!("the backup did not end within {}", crate::model::Period(timeout));
            Failure::new(Class::Operation, message).help("Give it more with --timeout or settings.timeout.")
        }
        _ => failure,
    }
}

/// Pin and log first, when all parts are seen to be there, then the manifest: from then on the backup exists.
async fn commit(
    app: &App,
    catalog: &Catalog,
    (manifest, lease, log): (&mut Manifest, &Lease, &RunLog),
    (began, choices): (Instant, &Choices),
) -> Outcome {
    manifest.status = BackupStatus::Success;
    manifest.finished_at = app.clock.now();
    manifest.duration_ms = milliseconds(began);
    let prepared = async {
        app.cancel.check()?;
        if choices.pin {
            catalog.pin(manifest, choices.note.clone(), app.clock.now()).await?;
        }
        if let Err(error) = catalog.prove_parts(manifest).await {
            // Whoever took the lease away has removed the objects too: then that is what went wrong.
            lease.check().await?;
            return Err(error.into());
        }
        log.say(format!("BACKUP: committing {}", manifest.id));
        catalog.write_log(&manifest.database, &manifest.id, &log.text()).await?;
        crash::point("before-commit");
        lease.check().await?;
        Ok(())
    };
    if let Err(failure) = prepared.await {
        return Outcome::Failed(failure);
    }
    let committed = catalog.commit(manifest).await;
    crash::point("after-commit");
    let Err(error) = committed else { return Outcome::Committed };
    // The answer may have got lost after the store had taken the manifest: look before saying anything.
    match catalog.manifest(&manifest.database, &manifest.id).await {
        Ok(Some(found)) if found.status == BackupStatus::Success => Outcome::Committed,
        // Or another run took this one for dead and recorded it as failed.
        Ok(_) => Outcome::Failed(error.into()),
        Err(_) => {
            Outcome::Unknown(Failure::from(error).help(
                "Whether the commit reached the store is not known; the next run looks and records it.",
            ))
        }
    }
}
