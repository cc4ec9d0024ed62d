//! The work of a tick for one entry.

use super::duty::{self, Duty, Idle, Look, ProtectedDatabase};
use super::overdue;
use super::request::{Outcome, Request, TickAction, When};
use crate::catalog::is_plausible;
use crate::catalog::lease::{FoundLease, Operation};
use crate::commands::backup::{self, Choices, Ran, Trigger};
use crate::commands::lease_guard::{LeaseRequest, acquire_lease, release};
use crate::commands::protection::Protection;
use crate::commands::prune::Pruning;
use crate::commands::record::PlannedBackup;
use crate::commands::unrecorded::{self, Unrecorded, Where};
use crate::commands::{
    App, Class, Failure, Mode, RunLog, daily_warning, notify, protection, remembered_attachment, verify,
};
use crate::config::DatabaseEntry;
use crate::model::{BackupKind, BackupPurpose, Timestamp, VerifyLevel};
use crate::notify::EventKind;
use std::time::Duration;

/// How often a tick searches for garbage, if no successful backup has done so.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a tick is about to do for one entry.
pub(super) struct EntryTick<'a> {
    pub(super) app: &'a App,
    pub(super) request: &'a Request,
    pub(super) entry: &'a DatabaseEntry,
    /// When the tick checked the entry.
    pub(super) at: Timestamp,
    pub(super) log: RunLog,
}

impl EntryTick<'_> {
    /// Does what is due according to `look`; `None` for an entry without a policy.
    pub(super) async fn take(&self, look: Look) -> Option<Outcome> {
        match look {
            Look::Unattached => {
                remembered_attachment::forget(self.app, &self.entry.name);
                self.unattached().await
            }
            Look::Unknown(failure) => Some(self.unreachable(failure).await),
            Look::Attached(database) => Some(self.attached(&database).await),
        }
    }

    fn runs(&self) -> bool {
        self.request.mode == Mode::Run
    }

    fn outcome(&self, action: TickAction, reason: String) -> Outcome {
        Outcome {
            database: self.entry.name.clone(),
            policy: self.entry.policy.clone(),
            action,
            reason,
            backup: None,
            next: None,
            failure: None,
        }
    }

    fn failed(&self, failure: Failure) -> Outcome {
        let failure = failure.doing(format!("protect `{}`", self.entry.name));
        let outcome = self.outcome(TickAction::Failed, failure.message());
        Outcome { failure: Some(failure), ..outcome }
    }

    /// Logs a warning once a day.
    fn warn(&self, line: &str) {
        daily_warning::warn(self.app, &self.entry.name, &self.log, line);
    }

    async fn unattached(&self) -> Option<Outcome> {
        let policy = self.entry.policy.as_ref().filter(|_| self.entry.active)?;
        let reason = format!("it names the policy `{policy}` and is not attached: run `jagad policy apply`");
        self.warn(&format!("`{}` is not protected: {reason}", self.entry.name));
        Some(self.unprotected(reason).await)
    }

    /// Each planned time of an entry that is not attached, or whose policy no longer exists, is a failure: an empty
    /// mount point of a missing disk looks exactly like this.
    async fn unprotected(&self, reason: String) -> Outcome {
        let failure = duty::due_from_memory(self.app, self.entry, self.at).map(|(_, planned)| {
            if self.runs() {
                unrecorded::remember(self.app, Where::Store(self.entry, None), self.at);
            }
            let problem = format!("the backup planned for {} UTC was not taken: {reason}", planned.table());
            Failure::new(Class::Refused, problem)
                .doing(format!("protect `{}`", self.entry.name))
                .help("If it was attached before: is the store the right one, is its disk mounted?")
        });
        self.report(failure.as_ref()).await;
        Outcome { failure, ..self.outcome(TickAction::Unprotected, reason) }
    }

    /// The store does not answer. A due backup counts as failed, once for each planned time; before that it is only a
    /// warning.
    async fn unreachable(&self, failure: Failure) -> Outcome {
        let Some((kind, planned)) = duty::due_from_memory(self.app, self.entry, self.at) else {
            let why = failure.message();
            self.warn(&format!("whether `{}` is due cannot be known: {why}", self.entry.name));
            return self.outcome(TickAction::Unknown, why);
        };
        let failure = failure.doing(format!("back up what was planned for {} UTC", planned.table()));
        if self.runs() {
            let planned = PlannedBackup::new(self.at, self.entry.demand(kind), BackupPurpose::Scheduled);
            let run = Unrecorded::new(planned, self.at, self.at, &failure);
            let entry = protection::declared(self.app, self.entry);
            unrecorded::keep(self.app, Where::Store(&entry, None), &run, &self.log);
        }
        let outcome = self.failed(failure);
        self.report(outcome.failure.as_ref()).await;
        outcome
    }

    /// Notifies of a planned backup that could not be tried, once for each planned time.
    async fn report(&self, failure: Option<&Failure>) {
        let failure = failure.filter(|failure| self.runs() && notify::is_reported(failure));
        let Some(failure) = failure else { return };
        let entry = protection::declared(self.app, self.entry);
        let count = u32::try_from(unrecorded::pending(self.app, &entry).len()).unwrap_or(u32::MAX);
        let event = notify::failed(self.app, EventKind::BackupFailed, &entry, failure);
        notify::send(self.app, &entry, &event.failures_in_a_row(count)).await;
    }

    async fn attached(&self, database: &ProtectedDatabase) -> Outcome {
        self.warn_of_oddities(database);
        let Protection { entry, attachment, .. } = &database.protection;
        if let Some(store) = &entry.store {
            remembered_attachment::remember(self.app, &entry.name, &attachment.policy, store);
        }
        let policy = Some(attachment.policy.clone());
        if self.app.cancel.failure().is_some() {
            let stopped = self.outcome(TickAction::Postponed, "the tick was stopped".to_owned());
            return Outcome { policy, ..stopped };
        }
        if let Duty::Idle(idle @ Idle::NoPolicy(_)) = &database.duty {
            let reason = idle.to_string();
            self.warn(&format!("`{}` is not protected from here: {reason}", self.entry.name));
            return Outcome { policy, ..self.unprotected(reason).await };
        }
        let outcome = self.act(database).await;
        if self.runs() && outcome.action != TickAction::BackedUp {
            self.tidy(database).await;
        }
        Outcome { policy, ..outcome }
    }

    fn warn_of_oddities(&self, database: &ProtectedDatabase) {
        let name = &self.entry.name;
        if database.state.foreign {
            self.warn(&format!(
                "the state of `{name}` was written by a newer jagad: runs of this host are not counted, and pauses are not known"
            ));
        }
        // An entry that names its store has chosen it.
        if let Some(other) = database.protection.other_store(self.app).filter(|_| self.entry.store.is_none())
        {
            self.warn(&format!(
                "`{name}` is attached in another store than its policy names now (`{other}`): to move it, detach and attach it"
            ));
        }
    }

    /// Does what is due.
    async fn act(&self, database: &ProtectedDatabase) -> Outcome {
        let duty = match (&database.duty, self.request.when) {
            (Duty::Later(_) | Duty::Idle(Idle::NoSchedule), When::Now) => {
                Duty::Now(BackupKind::Full, self.at)
            }
            (duty, _) => duty.clone(),
        };
        let (kind, planned) = match duty {
            Duty::Now(kind, planned) => (kind, planned),
            Duty::Later(_) | Duty::Idle(_) if self.runs() && database.is_to_be_verified(self.at) => {
                return self.verify_pending(database).await;
            }
            Duty::Later(next) => {
                let next = next.first().map(|(_, time)| *time);
                return Outcome { next, ..self.outcome(TickAction::Waiting, String::new()) };
            }
            Duty::Idle(idle) => return self.idle(&idle),
        };
        if let Some(found) = database.running() {
            return self.outcome(TickAction::Postponed, format!("a run is under way: {}", found.describe()));
        }
        let reason = format!("planned for {} UTC", planned.table());
        if self.request.mode == Mode::Plan {
            return self.outcome(TickAction::Due, reason);
        }
        self.log.say(format!("SCHEDULE: `{}` is due, {reason}", self.entry.name));
        self.back_up(database, kind, planned, reason).await
    }

    fn idle(&self, idle: &Idle) -> Outcome {
        let (name, reason) = (&self.entry.name, idle.to_string());
        let action = match idle {
            Idle::NoPolicy(_) => TickAction::Unprotected,
            Idle::Disabled | Idle::Inactive | Idle::NoSchedule => TickAction::Idle,
            Idle::Paused(_) => {
                self.warn(&format!("`{name}` is {reason}; nothing runs until `jagad policy resume {name}`"));
                TickAction::Paused
            }
        };
        self.outcome(action, reason)
    }

    /// A backup, its verification, and then retention: never before something new is safe.
    async fn back_up(
        &self,
        database: &ProtectedDatabase,
        kind: BackupKind,
        planned: Timestamp,
        reason: String,
    ) -> Outcome {
        let (app, request) = (self.app, self.request);
        let verify = database.protection.policy(app).and_then(|policy| policy.verify);
        let choices =
            Choices { kind, verify, wait: request.wait, timeout: request.timeout, ..Choices::default() };
        match backup::back_up(app, &database.protection.entry, &choices, Trigger::Plan(planned)).await {
            Ok(Ran::Taken(report)) => {
                let taken = self.outcome(TickAction::BackedUp, reason);
                self.retain(database, Outcome { backup: Some(report.id), ..taken }).await
            }
            Ok(Ran::Overtaken) => self.outcome(TickAction::Waiting, "another run was faster".to_owned()),
            Ok(Ran::Busy(failure)) => {
                let why = failure.message();
                self.log.say(format!("SCHEDULE: `{}` is left to the next tick: {why}", self.entry.name));
                self.outcome(TickAction::Postponed, why)
            }
            Ok(Ran::Again(failure, at)) => {
                let reason = format!("it is tried again at {} UTC: {}", at.table(), failure.message());
                Outcome { next: Some(at), ..self.outcome(TickAction::Retrying, reason) }
            }
            Ok(Ran::NotVerified(report, failure)) => {
                Outcome { backup: Some(report.id), ..self.failed(failure) }
            }
            Err(failure) => self.failed(failure),
        }
    }

    /// Retention after a backup that is safe.
    async fn retain(&self, database: &ProtectedDatabase, done: Outcome) -> Outcome {
        let Some(policy) = database.protection.policy(self.app) else { return done };
        let entry = &database.protection.entry;
        let pruning = Pruning { app: self.app, entry, policy, log: &self.log };
        match pruning.after_backup(self.request.wait).await {
            Ok(()) => done,
            // Backups that should be removed still exist: the database is as safe as its policy requires.
            Err(failure) => {
                let failed = self.failed(failure);
                Outcome { reason: failed.reason, failure: failed.failure, ..done }
            }
        }
    }

    /// Completes a run that was interrupted between its backup and its verification, or whose verification proved
    /// nothing.
    async fn verify_pending(&self, database: &ProtectedDatabase) -> Outcome {
        let (entry, catalog) = (&database.protection.entry, &database.protection.catalog);
        let Some(unverified) = &database.state.unverified else {
            return self.outcome(TickAction::Waiting, String::new());
        };
        let policy = database.protection.policy(self.app);
        let level = policy.and_then(|policy| policy.verify).unwrap_or(VerifyLevel::Exists);
        self.log.say(format!("SCHEDULE: {} of `{}` is still to be verified", unverified.id, entry.name));
        let backup = Some(unverified.id.clone());
        let ended = match verify::pending(self.app, &database.protection, &unverified.id, level).await {
            Ok(Some((manifest, done))) => {
                backup::run_verified(self.app, entry, catalog, manifest, done).await
            }
            Ok(None) => {
                let reason = "its last backup is being verified, or is gone".to_owned();
                return Outcome { backup, ..self.outcome(TickAction::Postponed, reason) };
            }
            Err(failure) => Err(failure),
        };
        match ended {
            Ok(()) => {
                let reason = "its last backup had not been verified".to_owned();
                let done = Outcome { backup, ..self.outcome(TickAction::Verified, reason) };
                self.retain(database, done).await
            }
            Err(failure) => Outcome { backup, ..self.failed(failure) },
        }
    }

    /// Records abandoned runs, and searches for garbage once a day, if no backup of this tick did so. A failure is
    /// logged and tried again by the next tick.
    async fn tidy(&self, database: &ProtectedDatabase) {
        let entry = &database.protection.entry;
        let swept = database.state.swept_at.unwrap_or(database.protection.attachment.attached_at);
        // A time of a wrong clock would postpone it until then.
        let sweep = !is_plausible(swept, self.at) || self.at.since(swept) >= SWEEP_EVERY;
        let done = if sweep && let Some(policy) = database.protection.policy(self.app) {
            let pruning = Pruning { app: self.app, entry, policy, log: &self.log };
            pruning.run(Mode::Run, Duration::ZERO).await.map(|_| ())
        } else if database.leases.iter().any(FoundLease::is_expired) {
            self.record_abandoned(database).await
        } else {
            Ok(())
        };
        let told = overdue::tell_if_overdue(self.app, database, self.at, &self.log).await;
        let failures = [done, told].into_iter().filter_map(Result::err);
        for failure in failures.filter(|failure| failure.class != Class::Busy) {
            self.warn(&format!("tidy up after `{}`: {}", entry.name, failure.message()));
        }
    }

    /// Takes the lease, which records the dead runs that held it, and releases it.
    async fn record_abandoned(&self, database: &ProtectedDatabase) -> Result<(), Failure> {
        let request = LeaseRequest::new(Operation::Policy, Duration::ZERO, &self.log);
        let Protection { catalog, entry, .. } = &database.protection;
        let lease = acquire_lease(self.app, catalog, entry, &request).await?;
        release(lease, &self.log).await;
        Ok(())
    }
}
