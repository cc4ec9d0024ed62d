//! What a counted run means for those outside: a pause, its end, another source.

use super::protection::Noted;
use super::{App, tell, unrecorded};
use crate::catalog::{Manifest, Turn};
use crate::config::DatabaseEntry;
use crate::model::BackupId;
use crate::notify::{Event, EventKind};

/// Tells of a run that died without a word, now that it was found, and of what that means.
pub(super) async fn found_dead(
    app: &App,
    database: &DatabaseEntry,
    (manifest, noted): (&Manifest, Option<&Noted>),
) {
    let message = manifest.error.as_ref().map_or("", |error| error.message.as_str());
    let event = tell::event(app, EventKind::BackupFailed, Some(database), message)
        .backup(Some(&manifest.id))
        .failures_in_a_row(in_a_row(app, database, (noted, Some(&manifest.id))));
    tell::tell_of(app, database, &event).await;
    counted_late(app, database, noted).await;
}

/// Tells of what it means that runs were counted only now.
pub(super) async fn counted_late(app: &App, database: &DatabaseEntry, noted: Option<&Noted>) {
    for event in noted.into_iter().flat_map(|noted| consequences(app, database, noted)) {
        tell::tell_of(app, database, &event).await;
    }
}

/// The how-manieth failure in a row it is: as it was counted, or as far as this host remembers where no store would take it; 0
/// where it is not counted at all.
pub(super) fn in_a_row(
    app: &App,
    database: &DatabaseEntry,
    (noted, id): (Option<&Noted>, Option<&BackupId>),
) -> u32 {
    if id.is_none() {
        return u32::try_from(unrecorded::pending(app, database).len()).unwrap_or(u32::MAX);
    }
    let counted = noted.filter(|noted| noted.state.last_run.as_ref().map(|run| &run.id) == id);
    counted.map_or(0, |noted| noted.state.failures)
}

/// What a counted run changed for the protection of its database.
pub(super) fn consequences(app: &App, database: &DatabaseEntry, noted: &Noted) -> Vec<Event> {
    let name = &database.name;
    let event = |kind, message: String| tell::event(app, kind, Some(database), &message);
    let mut events = Vec::new();
    match noted.turn {
        Turn::None | Turn::Again(_) => {}
        Turn::Paused => {
            let reason = noted.state.paused.as_ref().map_or("", |pause| pause.reason.as_str());
            let message = format!("`{name}` is paused: {reason}; nothing is scheduled for it any more");
            let help = format!("Mend the cause, then: jagad policy resume {name}");
            events.push(event(EventKind::PolicyPaused, message).help(Some(&help)));
        }
        Turn::Resumed => {
            let message = format!("a backup of `{name}` succeeded, and its policy goes on");
            events.push(event(EventKind::PolicyResumed, message));
        }
    }
    if let (Some(before), Some(now)) = (&noted.source_before, &noted.state.last_source)
        && before != now
    {
        let message = format!("backups of `{name}` come from {now} now, and came from {before} before");
        events.push(event(EventKind::SourceChanged, message));
    }
    events
}
