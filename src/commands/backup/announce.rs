//! One backup as those outside see it: notifiers hear of its beginning and its end, hooks run around it.

use super::hooks::{self, Moment};
use super::run::BackupRun;
use super::{Choices, Ran, Report, Trigger};
use crate::catalog::state::VerificationFollows;
use crate::catalog::{Catalog, Manifest, RunEffect};
use crate::commands::protection::CountedRun;
use crate::commands::{App, Failure, RunLog, crash, notify, run_effects, verify};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, ByteSize, Period, Timestamp};
use crate::notify::{Event, EventKind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Takes one backup, verifies it where that is asked for, and tells of it, also when it could not even begin. Nobody hears of a
/// success before it is verified.
pub(in crate::commands) async fn back_up(
    app: &App,
    database: &DatabaseEntry,
    choices: &Choices,
    trigger: Trigger,
) -> Result<Ran, Failure> {
    let announcement = Announcement::new(app, database, choices);
    let run = BackupRun { app, database, choices, trigger, announcement: &announcement };
    let report = match run.take().await {
        Ok(Ran::Taken(report)) => report,
        // Nothing was begun, and nothing failed.
        Ok(ran) => return Ok(ran),
        // Nothing could be tried with such a configuration: no run has failed, and nobody is told of one.
        Err(failure) if !notify::is_reported(&failure) => {
            announcement.unannounced().await;
            return Err(failure);
        }
        Err(failure) => {
            let again = announcement.tried_again();
            announcement.ended(Ended::Failed { failure: &failure, again }).await;
            return match again {
                Some(at) => Ok(Ran::Again(failure, at)),
                None => Err(failure),
            };
        }
    };
    let Some(level) = choices.verify else {
        announcement.ended(Ended::Succeeded(&report)).await;
        return Ok(Ran::Taken(report));
    };
    crash::point("before-verify");
    let verified = verify::of_run(app, database, &report, choices, level).await;
    announcement.counted(verified.counted);
    match verified.result {
        Ok(verification) => {
            let report = Box::new(Report { verification: Some(verification), ..*report });
            announcement.ended(Ended::Succeeded(&report)).await;
            Ok(Ran::Taken(report))
        }
        Err(failure) => {
            let again = announcement.tried_again();
            announcement
                .ended(Ended::NotVerified { failure: &failure, proven_bad: verified.proven_bad, again })
                .await;
            Ok(Ran::NotVerified(report, failure))
        }
    }
}

/// Tells of a run whose backup was verified only now, after another process had taken it.
pub(in crate::commands) async fn run_verified(
    app: &App,
    database: &DatabaseEntry,
    (catalog, manifest): (&Catalog, Manifest),
    verified: verify::OfRun,
) -> Result<(), Failure> {
    let id = manifest.id.clone();
    let choices = Choices::default();
    let announcement = Announcement::new(app, database, &choices);
    announcement.state().id = Some(id);
    // Somebody else counted it, and told of it.
    let counted = verified.counted.is_some();
    announcement.counted(verified.counted);
    let again = announcement.tried_again();
    match verified.result {
        Ok(verification) => {
            let report = Report {
                verification: Some(verification),
                ..Report::of(manifest, catalog.store().describe())
            };
            if counted {
                announcement.ended(Ended::Succeeded(&report)).await;
            }
            Ok(())
        }
        Err(failure) => {
            if counted {
                announcement
                    .ended(Ended::NotVerified { failure: &failure, proven_bad: verified.proven_bad, again })
                    .await;
            }
            Err(failure)
        }
    }
}

/// How a run ended, for those who are told.
enum Ended<'r> {
    /// Its backup is there, and verified where that was asked for.
    Succeeded(&'r Report),
    /// There is no backup; it may be tried again.
    Failed { failure: &'r Failure, again: Option<Timestamp> },
    /// There is a backup, and it is bad or could not be looked at; either is tried again.
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
    /// What the run came to for the database's protection, where it is attached.
    noted: Option<CountedRun>,
    /// Hooks that failed without making the backup fail.
    complaints: Vec<(&'static str, String)>,
    /// Notifications of the beginning goes on beside the work.
    telling: Option<JoinHandle<()>>,
}

impl<'a> Announcement<'a> {
    /// A backup of `database` that is about to be tried.
    fn new(app: &'a App, database: &'a DatabaseEntry, choices: &'a Choices) -> Self {
        let log = app.log();
        let also = &choices.notify_on;
        let verified = choices.verify.is_some();
        Self { app, database, also, verified, began: Instant::now(), log, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database is held: tells of the beginning, beside the work, and runs `before_backup`, whose failure is the
    /// backup's.
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
            Moment { app: self.app, database: self.database, manifest: Some(manifest), failure: None };
        let hook = hooks::before(&moment, &self.log);
        self.app.cancel.unless_stopped(stop, hook).await??;
        self.app.cancel.check()
    }

    /// Its end is decided, and the database still held: runs the hooks behind it. What they do changes nothing any more.
    pub(super) async fn finish(&self, manifest: &Manifest, failure: Option<&Failure>) {
        let moment = Moment { app: self.app, database: self.database, manifest: Some(manifest), failure };
        let complaints = hooks::after(&moment, &self.log).await;
        self.state().complaints.extend(complaints);
    }

    /// The run was counted.
    pub(super) fn counted(&self, noted: Option<CountedRun>) {
        let mut state = self.state();
        // The one before says where the good backup before it came from.
        let before = state.noted.take().and_then(|noted| noted.source_before);
        state.noted =
            noted.map(|noted| CountedRun { source_before: before.or(noted.source_before), ..noted });
    }

    /// Waits for what is being told; nothing is told of its end.
    async fn unannounced(self) {
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
    fn tried_again(&self) -> Option<Timestamp> {
        match self.state().noted.as_ref().map(|noted| noted.effect) {
            Some(RunEffect::Again(at)) => Some(at),
            _ => None,
        }
    }

    /// Runs what is left to run, and tells of its end and of what the end means. What is tried again is told when its tries are
    /// used up; that a backup is bad is told at once.
    async fn ended(self, ended: Ended<'_>) {
        let (app, database) = (self.app, self.database);
        let State { id, noted, mut complaints, telling } =
            std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner));
        if let (None, Ended::Failed { failure, .. }) = (&id, &ended) {
            let moment = Moment { app, database, manifest: None, failure: Some(failure) };
            complaints.extend(hooks::failed_early(&moment, &self.log).await);
        }
        // In order: nobody shall hear of the end first. The notifiers' own timeouts bound it.
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
