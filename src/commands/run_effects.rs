//! Notifications of the effects of a counted run: a pause, its end, another source.

use super::protection::CountedRun;
use super::{App, notify, unrecorded};
use crate::catalog::{Manifest, RunEffect};
use crate::config::DatabaseEntry;
use crate::model::BackupId;
use crate::notify::{Event, EventKind};

/// Sends the notifications of an abandoned run that was found, and of its effects.
pub(super) async fn report_abandoned(
    app: &App,
    database: &DatabaseEntry,
    manifest: &Manifest,
    noted: Option<&CountedRun>,
) {
    let message = manifest.error.as_ref().map_or("", |error| error.message.as_str());
    let event = notify::event(app, EventKind::BackupFailed, Some(database), message)
        .backup(Some(&manifest.id))
        .failures_in_a_row(consecutive_failures(app, database, noted, Some(&manifest.id)));
    notify::send(app, database, &event).await;
    report_late_count(app, database, noted).await;
}

/// Sends the notifications of the effects of runs that were counted late.
pub(super) async fn report_late_count(app: &App, database: &DatabaseEntry, noted: Option<&CountedRun>) {
    for event in noted.into_iter().flat_map(|noted| events_of(app, database, noted)) {
        notify::send(app, database, &event).await;
    }
}

/// The number of consecutive failures, this one included: as it was counted, or as this host remembers it when the
/// store did not accept the record; 0 when it is not counted.
pub(super) fn consecutive_failures(
    app: &App,
    database: &DatabaseEntry,
    noted: Option<&CountedRun>,
    id: Option<&BackupId>,
) -> u32 {
    if id.is_none() {
        return u32::try_from(unrecorded::pending(app, database).len()).unwrap_or(u32::MAX);
    }
    let counted = noted.filter(|noted| noted.state.last_run.as_ref().map(|run| &run.id) == id);
    counted.map_or(0, |noted| noted.state.failures)
}

/// The events for what a counted run changed in the protection of its database.
pub(super) fn events_of(app: &App, database: &DatabaseEntry, noted: &CountedRun) -> Vec<Event> {
    let name = &database.name;
    let event = |kind, message: String| notify::event(app, kind, Some(database), &message);
    let mut events = Vec::new();
    match noted.effect {
        RunEffect::None | RunEffect::Again(_) => {}
        RunEffect::Paused => {
            let reason = noted.state.paused.as_ref().map_or("", |pause| pause.reason.as_str());
            let message = format!("`{name}` is paused: {reason}; nothing is scheduled for it any more");
            let help = format!("Fix the cause, then run `jagad policy resume {name}`.");
            events.push(event(EventKind::PolicyPaused, message).help(Some(&help)));
        }
        RunEffect::Resumed => {
            let message = format!("a backup of `{name}` succeeded, and its policy goes on");
            events.push(event(EventKind::PolicyResumed, message));
        }
    }
    if let Some(fallbacks) = noted.state.repeated_fallbacks().filter(|_| !noted.fell_back_before) {
        let message = format!(
            "{} incremental backups of `{name}` in a row became fulls: {}",
            fallbacks.count, fallbacks.reason
        );
        let help = format!("`jagad check {name}` says what the server lacks for incremental backups.");
        events.push(event(EventKind::Overdue, message).help(Some(&help)));
    }
    if let (Some(before), Some(now)) = (&noted.source_before, &noted.state.last_source)
        && before != now
    {
        let message = format!("backups of `{name}` come from {now} now, and came from {before} before");
        events.push(event(EventKind::SourceChanged, message));
    }
    events
}
