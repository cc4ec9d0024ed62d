//! One backup as those outside see it: notifiers hear of its beginning and its end, hooks run around it.

use super::hooks::{self, Moment};
use super::{Choices, Ran, Report, Trigger, one};
use crate::catalog::Manifest;
use crate::commands::protection::Noted;
use crate::commands::{App, Class, Failure, RunLog, tell, turn};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, ByteSize, Period};
use crate::notify::EventKind;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Takes one backup and tells of it, also when it could not even begin.
pub(in crate::commands) async fn back_up(
    app: &App,
    database: &DatabaseEntry,
    choices: &Choices,
    trigger: Trigger,
) -> Result<Ran, Failure> {
    let course = Course::new(app, database, choices);
    let result = one::back_up(app, database, choices, (trigger, &course)).await;
    match &result {
        Ok(Ran::Taken(report)) => course.ended(Ok(report)).await,
        // Nothing was begun, and nothing failed.
        Ok(Ran::Overtaken | Ran::Busy(_)) => {}
        // Nothing could be tried with such a configuration: no run has failed, and nobody is told of one.
        Err(failure) if failure.class == Class::Usage => course.unannounced().await,
        Err(failure) => course.ended(Err(failure)).await,
    }
    result
}

/// A backup under way.
pub(super) struct Course<'a> {
    app: &'a App,
    database: &'a DatabaseEntry,
    also: &'a [EventKind],
    began: Instant,
    /// The run's log.
    pub(super) log: RunLog,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    id: Option<BackupId>,
    /// What the run came to for the database's protection, where it is attached.
    noted: Option<Noted>,
    /// Hooks that failed without making the backup fail.
    complaints: Vec<(&'static str, String)>,
    /// Telling of the beginning goes on beside the work.
    telling: Option<JoinHandle<()>>,
}

impl<'a> Course<'a> {
    /// A backup of `database` that is about to be tried.
    fn new(app: &'a App, database: &'a DatabaseEntry, choices: &'a Choices) -> Self {
        let log = app.log();
        let also = &choices.notify_on;
        Self { app, database, also, began: Instant::now(), log, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database is held: tells of the beginning, beside the work, and runs `before_backup`, whose failure is the
    /// backup's.
    pub(super) async fn begin(&self, manifest: &Manifest, stop: &CancellationToken) -> Result<(), Failure> {
        let message = format!("a backup of {} {} began", self.database.engine, self.database.name);
        let event = tell::event(self.app, EventKind::BackupStarted, Some(self.database), &message)
            .backup(Some(&manifest.id));
        let (app, database, also) = (self.app.clone(), self.database.clone(), self.also.to_vec());
        let telling = async move { tell::tell_also(&app, &database, &also, &event).await };
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
    pub(super) fn noted(&self, noted: Option<Noted>) {
        self.state().noted = noted;
    }

    /// Nobody is told of its end; what was begun to be told is told to its end.
    async fn unannounced(self) {
        let telling = self.state().telling.take();
        if let Some(telling) = telling {
            let _ = telling.await;
        }
    }

    /// Runs what is left to run, and tells of its end and of what the end means.
    async fn ended(self, result: Result<&Report, &Failure>) {
        let (app, database) = (self.app, self.database);
        let State { id, noted, mut complaints, telling } =
            std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner));
        if let (None, Err(failure)) = (&id, result) {
            let moment = Moment { app, database, manifest: None, failure: Some(failure) };
            complaints.extend(hooks::failed_early(&moment, &self.log).await);
        }
        // In order: nobody shall hear of the end first. The notifiers' own timeouts bound it.
        if let Some(telling) = telling {
            let _ = telling.await;
        }
        let mut event = match result {
            Ok(report) => {
                let message =
                    format!("{} {} is backed up to {}", database.engine, database.name, report.store);
                tell::event(app, EventKind::BackupSucceeded, Some(database), &message)
                    .backup(Some(&report.id))
                    .fact("stored", ByteSize(report.stored_bytes))
                    .fact("dumped", ByteSize(report.plain_bytes))
            }
            Err(failure) => tell::failed(app, EventKind::BackupFailed, database, failure)
                .backup(id.as_ref())
                .failures_in_a_row(turn::in_a_row(app, database, (noted.as_ref(), id.as_ref()))),
        };
        event = event.fact("duration", Period(Duration::from_secs(self.began.elapsed().as_secs())));
        for (hook, complaint) in complaints {
            event = event.fact(hook, complaint);
        }
        tell::tell_also(app, database, self.also, &event.log(&self.log.text())).await;
        for event in noted.iter().flat_map(|noted| turn::consequences(app, database, noted)) {
            tell::tell_of(app, database, &event.backup(id.as_ref())).await;
        }
    }
}
