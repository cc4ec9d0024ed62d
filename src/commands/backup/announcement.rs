//! The notifications and hooks of one backup.

use super::hooks::{self, HookedRun};
use super::{Choices, Report};
use crate::catalog::state::VerificationFollows;
use crate::catalog::{Manifest, RunEffect};
use crate::commands::protection::CountedRun;
use crate::commands::{App, Failure, RunLog, notify, run_effects, verify};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, ByteSize, Period, Timestamp};
use crate::notify::{Event, EventKind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How a run ended, for notifications.
pub(super) enum Ended<'r> {
    /// Its backup exists, and is verified if that was requested.
    Succeeded(&'r Report),
    /// There is no backup; it may be tried again.
    Failed { failure: &'r Failure, again: Option<Timestamp> },
    /// There is a backup, but it is bad or could not be verified; either is tried again.
    NotVerified { failure: &'r Failure, proven_bad: bool, again: Option<Timestamp> },
}

/// A backup under way.
pub(super) struct Announcement<'a> {
    app: &'a App,
    database: &'a DatabaseEntry,
    also: &'a [EventKind],
    verified: bool,
    began: Instant,
    /// The run's log.
    pub(super) log: RunLog,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    id: Option<BackupId>,
    /// The effect of the run on the database's protection, if it is attached.
    noted: Option<CountedRun>,
    /// Hooks that failed without failing the backup.
    complaints: Vec<(&'static str, String)>,
    /// The notification of the beginning, which is sent while the backup runs.
    telling: Option<JoinHandle<()>>,
}

impl<'a> Announcement<'a> {
    /// A backup of `database` that is about to be tried.
    pub(super) fn new(app: &'a App, database: &'a DatabaseEntry, choices: &'a Choices) -> Self {
        let log = app.log();
        let also = &choices.notify_on;
        let verified = choices.verify.is_some();
        Self { app, database, also, verified, began: Instant::now(), log, state: Mutex::default() }
    }

    /// Sets the backup's id.
    pub(super) fn of(&self, id: BackupId) {
        self.state().id = Some(id);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called with the lease held: sends the notification of the beginning in the background and runs `before_backup`.
    /// If that hook fails, so does the backup.
    pub(super) async fn begin(&self, manifest: &Manifest, stop: &CancellationToken) -> Result<(), Failure> {
        let message = format!("a backup of {} {} began", self.database.engine, self.database.name);
        let event = notify::event(self.app, EventKind::BackupStarted, Some(self.database), &message)
            .backup(Some(&manifest.id));
        let (app, database, also) = (self.app.clone(), self.database.clone(), self.also.to_vec());
        let telling = async move { notify::send_also(&app, &database, &also, &event).await };
        {
            let mut state = self.state();
            state.id = Some(manifest.id.clone());
            state.telling = Some(tokio::spawn(telling));
        }
        let moment =
            HookedRun { app: self.app, database: self.database, manifest: Some(manifest), failure: None };
        let hook = hooks::before(&moment, &self.log);
        self.app.cancel.unless_stopped(stop, hook).await??;
        self.app.cancel.check()
    }

    /// Called when the outcome is decided and the lease still held: runs the hooks after the backup, whose failures do
    /// not change the outcome.
    pub(super) async fn finish(&self, manifest: &Manifest, failure: Option<&Failure>) {
        let moment = HookedRun { app: self.app, database: self.database, manifest: Some(manifest), failure };
        let complaints = hooks::after(&moment, &self.log).await;
        self.state().complaints.extend(complaints);
    }

    /// Stores the effect of the counted run.
    pub(super) fn counted(&self, noted: Option<CountedRun>) {
        let mut state = self.state();
        // The earlier effect has the source of the good backup before this one.
        let before = state.noted.take();
        state.noted = noted.map(|noted| match before {
            Some(before) => CountedRun {
                source_before: before.source_before.or(noted.source_before),
                fell_back_before: before.fell_back_before,
                ..noted
            },
            None => noted,
        });
    }

    /// Waits for the notification of the beginning, and sends none of the end.
    pub(super) async fn unannounced(self) {
        let telling = self.state().telling.take();
        if let Some(telling) = telling {
            let _ = telling.await;
        }
    }

    /// Whether a success counts only when the backup has been verified.
    pub(super) fn verification(&self) -> VerificationFollows {
        if self.verified { VerificationFollows::Yes } else { VerificationFollows::No }
    }

    /// When the run is tried again before it counts.
    pub(super) fn tried_again(&self) -> Option<Timestamp> {
        match self.state().noted.as_ref().map(|noted| noted.effect) {
            Some(RunEffect::Again(at)) => Some(at),
            _ => None,
        }
    }

    /// Runs the remaining hooks and sends the notifications of the end and its effects. A failed run that will be tried
    /// again is announced only when its tries are used up; a bad backup is announced at once.
    pub(super) async fn ended(self, ended: Ended<'_>) {
        let (app, database) = (self.app, self.database);
        let State { id, noted, mut complaints, telling } =
            std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner));
        if let (None, Ended::Failed { failure, .. }) = (&id, &ended) {
            let moment = HookedRun { app, database, manifest: None, failure: Some(failure) };
            complaints.extend(hooks::failed_early(&moment, &self.log).await);
        }
        // In order, so that the end is not announced before the beginning. The notifiers' timeouts limit the wait.
        if let Some(telling) = telling {
            let _ = telling.await;
        }
        let event = match &ended {
            Ended::Succeeded(report) => Some(succeeded(app, database, report)),
            Ended::Failed { again: Some(at), .. }
            | Ended::NotVerified { proven_bad: false, again: Some(at), .. } => {
                self.log.warn(format!("`{}` is tried again at {} UTC", database.name, at.table()));
                None
            }
            Ended::Failed { failure, again: None } => {
                Some(notify::failed(app, EventKind::BackupFailed, database, failure))
            }
            Ended::NotVerified { failure, .. } => Some(verify::not_verified(app, database, failure)),
        };
        if let Some(event) = event {
            let consecutive_failures =
                run_effects::consecutive_failures(app, database, noted.as_ref(), id.as_ref());
            let failed = !matches!(ended, Ended::Succeeded(_));
            let event =
                event.backup(id.as_ref()).failures_in_a_row(if failed { consecutive_failures } else { 0 });
            let mut event =
                event.fact("duration", Period(Duration::from_secs(self.began.elapsed().as_secs())));
            for (hook, complaint) in complaints {
                event = event.fact(hook, complaint);
            }
            notify::send_also(app, database, self.also, &event.log(&self.log.text())).await;
        }
        for event in noted.iter().flat_map(|noted| run_effects::events_of(app, database, noted)) {
            notify::send(app, database, &event.backup(id.as_ref())).await;
        }
    }
}

fn succeeded(app: &App, database: &DatabaseEntry, report: &Report) -> Event {
    let message = format!("{} {} is backed up to {}", database.engine, database.name, report.store);
    let event = notify::event(app, EventKind::BackupSucceeded, Some(database), &message)
        .fact("stored", ByteSize(report.stored_bytes))
        .fact("dumped", ByteSize(report.plain_bytes));
    match &report.verification {
        Some(last) => event.fact("verified", last.level),
        None => event,
    }
}
