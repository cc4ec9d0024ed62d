//! The verification that decides whether a run counts: the policy's, right after the backup, or by the next tick if
//! that did not happen.

use super::{Extent, Look, look_and_record, mark};
use crate::catalog::lease::Operation;
use crate::catalog::state::VerificationEnd;
use crate::catalog::{Catalog, ListedBackup, Manifest, Verification};
use crate::commands::backup::{Choices, Report};
use crate::commands::lease_guard::{LeaseRequest, acquire_lease, release};
use crate::commands::protection::{self, CountedRun, Protection};
use crate::commands::{App, Class, Failure, RunLog, notify};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, VerificationStatus, VerifyLevel};
use crate::notify::{Event, EventKind};
use std::time::Duration;

/// If a database is busy for longer, the next tick counts its verification.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The result of the verification of a run.
#[derive(Debug)]
pub(in crate::commands) struct OfRun {
    /// The result that passed, or why there is none.
    pub(in crate::commands) result: Result<Verification, Failure>,
    /// Whether the backup is known to be bad, and not only not verified.
    pub(in crate::commands) proven_bad: bool,
    /// The effect on the database's protection, if it was counted.
    pub(in crate::commands) counted: Option<CountedRun>,
}

/// The verification of a run that will be counted.
struct CountedVerification<'a> {
    app: &'a App,
    entry: &'a DatabaseEntry,
    catalog: &'a Catalog,
    id: &'a BackupId,
    log: &'a RunLog,
}

/// Verifies the backup of a run, and counts the run.
pub(in crate::commands) async fn of_run(
    app: &App,
    entry: &DatabaseEntry,
    report: &Report,
    choices: &Choices,
    level: VerifyLevel,
) -> OfRun {
    let (log, id) = (app.log(), &report.id);
    let opened = async {
        let store = app.inventory.store_of(entry, choices.store.as_ref());
        let catalog = app.catalog(store.as_ref()).await?;
        let found = catalog.find_entry(&entry.name, id).await?;
        let gone = || Failure::new(Class::NotFound, format!("backup {id} is not there any more"));
        Ok::<_, Failure>((catalog, found.ok_or_else(gone)?))
    };
    match opened.await {
        Ok((catalog, found)) => {
            let run = CountedVerification { app, entry, catalog: &catalog, id, log: &log };
            run.look(&found.manifest, level).await
        }
        Err(failure) => OfRun::unknown(failure),
    }
}

/// Completes a run whose backup is not verified yet: counts a verification that was recorded since, or verifies it now.
/// `None` when another process is working on it, or it is gone.
pub(in crate::commands) async fn pending(
    app: &App,
    protection: &Protection,
    id: &BackupId,
    level: VerifyLevel,
) -> Result<Option<(Manifest, OfRun)>, Failure> {
    let Protection { entry, catalog, .. } = protection;
    let run = CountedVerification { app, entry, catalog, id, log: &app.log() };
    let Some(found) = catalog.find_entry(&entry.name, id).await? else {
        run.count(&VerificationEnd::Inconclusive).await;
        return Ok(None);
    };
    if found.verifying.is_some() {
        return Ok(None);
    }
    let done = match recorded(&found, level) {
        Some((verified, result)) => {
            let proven_bad = matches!(verified, VerificationEnd::Failed(_));
            OfRun { result, proven_bad, counted: run.count(&verified).await }
        }
        None => run.look(&found.manifest, level).await,
    };
    Ok(Some((found.manifest, done)))
}

impl OfRun {
    /// The verification proved nothing, and nothing was counted.
    fn unknown(failure: Failure) -> Self {
        Self { result: Err(failure), proven_bad: false, counted: None }
    }
}

impl CountedVerification<'_> {
    /// Verifies and counts. Until it is counted, no other tick may begin it again.
    async fn look(&self, manifest: &Manifest, level: VerifyLevel) -> OfRun {
        let mark = mark(self.app, self.catalog, manifest, level).await;
        let done = self.look_and_count(manifest, level).await;
        self.catalog.unmark_verifying(manifest, mark).await;
        done
    }

    async fn look_and_count(&self, manifest: &Manifest, level: VerifyLevel) -> OfRun {
        let (result, verified) = match look_and_record(
            self.app,
            self.catalog,
            manifest,
            Look { level, extent: Extent::Own },
        )
        .await
        {
            Ok((verification, None)) => (Ok(verification), VerificationEnd::Passed),
            Ok((verification, Some(failure))) => {
                let verified = match verification.status {
                    VerificationStatus::Failed => VerificationEnd::Failed(failure.record()),
                    VerificationStatus::Passed | VerificationStatus::Inconclusive => {
                        VerificationEnd::Inconclusive
                    }
                };
                (Err(failure.doing(format!("verify {}", self.id))), verified)
            }
            // A run that is stopped here is verified by the next tick.
            Err(failure) if matches!(failure.class, Class::Interrupted(_)) => {
                return OfRun::unknown(failure);
            }
            Err(failure) => (Err(failure), VerificationEnd::Inconclusive),
        };
        let counted = self.count(&verified).await;
        OfRun { result, proven_bad: matches!(verified, VerificationEnd::Failed(_)), counted }
    }

    /// Counts a verification under the lease. What cannot be counted now is counted by the next tick.
    async fn count(&self, verified: &VerificationEnd) -> Option<CountedRun> {
        let Self { app, entry, catalog, id, log } = self;
        let request = LeaseRequest::new(Operation::Policy, LONGEST_WAIT, log);
        let counted = async {
            // A run that is not counted needs no lease.
            if catalog.attachment(&entry.name).await?.is_none() {
                return Ok(None);
            }
            let lease = acquire_lease(app, catalog, entry, &request).await?;
            let counted = protection::settle(app, catalog, &entry.name, id, verified).await;
            release(lease, log).await;
            counted
        };
        match counted.await {
            Ok(counted) => counted,
            Err(failure) => {
                log.warn(format!("the verification is counted by the next tick: {}", failure.message()));
                None
            }
        }
    }
}

/// The end of the verification as already recorded, if the records are sufficient.
fn recorded(
    found: &ListedBackup,
    level: VerifyLevel,
) -> Option<(VerificationEnd, Result<Verification, Failure>)> {
    let last = found.verification.known()?;
    if let Some(bad) = last.bad() {
        let message = bad.error.as_ref().map_or("it was found bad", |error| error.message.as_str());
        let failure = Failure::new(Class::Integrity, format!("verify {}: {message}", found.manifest.id));
        return Some((VerificationEnd::Failed(failure.record()), Err(failure)));
    }
    last.proven(level).map(|_| (VerificationEnd::Passed, Ok(last.clone())))
}

/// The event of a run whose backup is bad, or could not be verified: it also goes to notifiers of failed runs.
pub(in crate::commands) fn not_verified(app: &App, entry: &DatabaseEntry, failure: &Failure) -> Event {
    notify::failed(app, EventKind::VerifyFailed, entry, failure).counts_as(EventKind::BackupFailed)
}

/// A backup that was found bad no longer counts as the last good one. If that cannot be written now, the next run
/// corrects it.
pub(super) async fn forget_good(app: &App, catalog: &Catalog, manifest: &Manifest) {
    let Some(entry) = app.inventory.databases.get(&manifest.database) else { return };
    let log = app.log();
    let purpose = LeaseRequest::new(Operation::Policy, LONGEST_WAIT, &log);
    let corrected = async {
        let is_last = match catalog.attachment(&entry.name).await? {
            Some(_) => catalog.state(&entry.name).await?.last_good.is_some_and(|good| good.id == manifest.id),
            None => false,
        };
        if !is_last {
            return Ok(());
        }
        let lease = acquire_lease(app, catalog, entry, &purpose).await?;
        let forgotten = protection::forget_good(app, catalog, &entry.name, &manifest.id).await;
        release(lease, &log).await;
        forgotten
    };
    if let Err(failure) = corrected.await {
        log.warn(format!("{} still counts as the last good backup: {}", manifest.id, failure.message()));
    }
}
