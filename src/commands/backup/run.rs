//! One backup of one database, from taking a slot to releasing the lease.

use super::announcement::Announcement;
use super::attempt;
use super::base::{self, Base};
use super::commit::{self, Committed};
use super::failed::Data;
use super::held::HeldRun;
use super::trigger::{Ran, Trigger};
use super::{Choices, Report};
use crate::catalog::lease::Operation;
use crate::catalog::{Catalog, Lease, State};
use crate::commands::lease_guard::{self, LeaseRequest, acquire_lease, release};
use crate::commands::record::{self, PlannedBackup};
use crate::commands::stop::either;
use crate::commands::unrecorded::{self, Unrecorded, Where};
use crate::commands::{App, Class, Failure, crash, protection, slots};
use crate::config::DatabaseEntry;
use crate::model::{BackupKind, Demand, Method, Period, Timestamp};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A backup that is about to be taken, of an entry as it is protected.
pub(super) struct BackupRun<'a> {
    pub(super) app: &'a App,
    pub(super) database: &'a DatabaseEntry,
    pub(super) choices: &'a Choices,
    pub(super) trigger: Trigger,
    pub(super) announcement: &'a Announcement<'a>,
}

impl<'a> BackupRun<'a> {
    /// Takes it. Success is returned only after the manifest is in the store; every other end is recorded as a failed run, with
    /// what it stored removed.
    pub(super) async fn take(self) -> Result<Ran, Failure> {
        let log = &self.announcement.log;
        let demand = self.demand()?;
        let _slot = match slots::take(self.app, self.choices.wait, log).await {
            Err(failure) if failure.class == Class::Busy => return Ok(Ran::Busy(failure)),
            taken => taken?,
        };
        let began = Instant::now();
        let started_at = self.app.clock.now();
        let mut run = match self.begin(started_at, demand).await {
            Ok(held) => held,
            Err(failure) if failure.class == Class::Busy => return Ok(Ran::Busy(failure)),
            // Nothing could be tried with such a configuration: no run has failed.
            Err(failure) if failure.class == Class::Usage => return Err(failure),
            Err(failure) => {
                let planned = PlannedBackup::new(started_at, demand, self.trigger.purpose());
                let run = Unrecorded::new(planned, started_at, self.app.clock.now(), &failure);
                unrecorded::keep(
                    self.app,
                    Where::Store(self.database, self.choices.store.as_ref()),
                    &run,
                    log,
                );
                return Err(failure);
            }
        };
        crash::point("after-lease");
        if self.is_overtaken(&run.catalog, demand.kind).await? {
            release(run.lease, log).await;
            return Ok(Ran::Overtaken);
        }
        run.began = began;
        let dumped = run.dump().await;
        run.end(dumped).await
    }

    /// What kind of backup is taken, and how.
    fn demand(&self) -> Result<Demand, Failure> {
        let Self { database, choices, .. } = self;
        let demand = match self.trigger {
            // What is about to be replaced, in the form in which it can be put back piece by piece.
            Trigger::Safety => Demand { kind: BackupKind::Full, method: Method::Logical },
            Trigger::Hand | Trigger::Plan(_) => database.demand(choices.kind),
        };
        base::refuse_impossible(database, demand)?;
        if demand.method.takes_whole_server() && !choices.databases.is_empty() {
            let problem = format!("`{}` is backed up as files, which hold the whole server", database.name);
            return Err(Failure::new(Class::Usage, problem)
                .help("Leave out --dbname; a restore can choose among the databases."));
        }
        if demand.kind == BackupKind::Incremental && !choices.databases.is_empty() {
            let problem = format!("an incremental of `{}` holds all databases of its entry", database.name);
            return Err(Failure::new(Class::Usage, problem).help("Leave out --dbname, or --type."));
        }
        Ok(demand)
    }

    /// Opens the repository, finds what the backup builds on, and takes the lease. Until then there is nowhere to record a failure.
    async fn begin(&self, started_at: Timestamp, demand: Demand) -> Result<HeldRun<'a>, Failure> {
        let store = self.app.inventory.store_of(self.database, self.choices.store.as_ref());
        let catalog = self.app.catalog_or_new(store.as_ref()).await?;
        let base = base::choose(self.app, &catalog, self.database, demand).await?;
        let kind = base.kind;
        let planned = PlannedBackup {
            parent: base.parent.as_ref().map(|parent| parent.id.clone()),
            ..PlannedBackup::new(started_at, Demand { kind, ..demand }, self.trigger.purpose())
        };
        crash::point("before-lease");
        let request = LeaseRequest {
            operation: Operation::Backup,
            backup: Some(planned.id.clone()),
            makes: Some(&planned),
            wait: self.choices.wait,
            log: &self.announcement.log,
        };
        let lease = acquire_lease(self.app, &catalog, self.database, &request).await?;
        if let Err(failure) = self.refuse_lost_parent(&catalog, &planned).await {
            release(lease, &self.announcement.log).await;
            return Err(failure);
        }
        Ok(self.hold(catalog, lease, &planned, base))
    }

    /// Nobody deletes a backup of the database while the lease is held; before, somebody may have.
    async fn refuse_lost_parent(&self, catalog: &Catalog, planned: &PlannedBackup) -> Result<(), Failure> {
        let Some(parent) = &planned.parent else { return Ok(()) };
        match catalog.manifest(&self.database.name, parent).await? {
            Some(_) => Ok(()),
            None => {
                Err(Failure::new(Class::Busy, format!("backup {parent}, to build on, has just been deleted"))
                    .help("Run it again."))
            }
        }
    }

    /// Whether what was planned has been done. Seen under the lease: two hosts that find the same backup due take it once.
    async fn is_overtaken(&self, catalog: &Catalog, kind: BackupKind) -> Result<bool, Failure> {
        let Trigger::Plan(planned) = self.trigger else { return Ok(false) };
        let state = catalog.state(&self.database.name).await?;
        Ok(is_done(&state, kind, planned, self.app.clock.now()))
    }

    fn hold(&self, catalog: Catalog, lease: Lease, planned: &PlannedBackup, base: Base) -> HeldRun<'a> {
        let Self { app, database, choices, announcement, .. } = *self;
        let Base { parent, fallback_reason, .. } = base;
        let began = Instant::now();
        let mut manifest = record::blank(app, database, catalog.id(), planned);
        if let Some(reason) = &fallback_reason {
            announcement.log.warn(format!("a full backup is taken in place of an incremental: {reason}"));
        }
        manifest.fallback_reason = fallback_reason;
        manifest.note.clone_from(&choices.note);
        manifest.partial = !choices.databases.is_empty();
        announcement.log.say(format!("BACKUP: streaming {} {}", database.engine, database.name));
        let deadline = deadline(choices.timeout);
        let stop = either(&either(&app.cancel.token, lease.lost()), &deadline);
        HeldRun {
            app,
            database,
            choices,
            announcement,
            catalog,
            lease,
            parent,
            manifest,
            began,
            stop,
            deadline,
        }
    }
}

impl HeldRun<'_> {
    /// Runs the hook before it, and dumps.
    async fn dump(&mut self) -> Result<(), Failure> {
        let dumped = match self.announcement.begin(&self.manifest, &self.stop).await {
            Ok(()) => attempt::take(self).await,
            Err(failure) => Err(failure),
        };
        // From here on the run ends by itself within the store's own bounds.
        self.stop.cancel();
        dumped.map_err(|failure| self.late_or(failure))
    }

    /// Commits what was dumped, or records the failure; then everything that has to follow either.
    async fn end(mut self, dumped: Result<(), Failure>) -> Result<Ran, Failure> {
        let (committed, data) = match dumped {
            Ok(()) => (commit::commit(&mut self).await, Data::OfCommit),
            Err(failure) => (Committed::No(failure), Data::OfNothing),
        };
        match committed {
            Committed::Yes => {
                // Not before: what is said to be well is in the store.
                self.log().say(format!("BACKUP: OK {}", self.manifest.id));
                let report = Report::of(self.manifest.clone(), self.catalog.store().describe());
                self.finish(None).await;
                Ok(Ran::Taken(Box::new(report)))
            }
            // The configuration cannot work: no run has failed, and none is recorded.
            Committed::No(failure) if failure.class == Class::Usage => {
                self.announcement.finish(&self.manifest, Some(&failure)).await;
                release(self.lease, &self.announcement.log).await;
                Err(failure)
            }
            Committed::No(failure) => {
                let failure = lease_guard::lost_or(&self.lease, self.app, failure);
                self.record_failure(&failure, data).await;
                self.finish(Some(&failure)).await;
                Err(failure)
            }
            // Neither deleting what was stored nor calling it a success would be safe. The lease runs out, and the next run
            // sees in the store which of the two it is.
            Committed::Unknown(failure) => {
                self.announcement.finish(&self.manifest, Some(&failure)).await;
                Err(failure)
            }
        }
    }

    /// Runs the hooks behind it, counts the run and gives the lease back. A run that cannot be counted now keeps its lease until
    /// that runs out: who records it as abandoned counts it.
    async fn finish(self, failure: Option<&Failure>) {
        let Self { app, announcement, catalog, manifest, lease, .. } = self;
        announcement.finish(&manifest, failure).await;
        crash::point("before-note");
        unrecorded::remember(app, Where::Repository(&catalog, &manifest.database), manifest.started_at);
        match protection::note(app, &catalog, &manifest, announcement.verification()).await {
            Ok(counted) => {
                announcement.counted(counted);
                release(lease, &announcement.log).await;
            }
            Err(failure) => {
                let line = format!("the run is not counted yet, the next one does it: {}", failure.message());
                announcement.log.warn(line);
            }
        }
    }

    /// What a stop by the deadline means.
    fn late_or(&self, failure: Failure) -> Failure {
        match self.choices.timeout {
            Some(timeout) if self.deadline.is_cancelled() => {
                let message = format!("the backup did not end within {}", Period(timeout));
                Failure::new(Class::Operation, message)
                    .help("Give it more with --timeout or settings.timeout.")
            }
            _ => failure,
        }
    }
}

/// Whether a run that was planned for `planned` has been made by somebody else, or is not yet to be tried again.
fn is_done(state: &State, kind: BackupKind, planned: Timestamp, now: Timestamp) -> bool {
    match state.retry_of(kind, now).filter(|retry| retry.planned == planned) {
        Some(retry) => retry.after > now,
        None => state.last_attempt(kind, now).is_some_and(|last| last >= planned),
    }
}

/// A token that fires when the deadline of the run has passed.
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
