//! Notifications that a backup is overdue, whatever the reason.

use super::duty::{ProtectedDatabase, overdue_since};
use crate::catalog::lease::Operation;
use crate::catalog::{State, is_plausible};
use crate::commands::lease_guard::{LeaseRequest, acquire_lease, release};
use crate::commands::{App, Failure, RunLog, notify};
use crate::model::{BackupKind, Timestamp};
use crate::notify::EventKind;
use std::time::Duration;

/// The time between two notifications about the same database.
const NAG_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// When the last good full began.
fn last_good(state: &State) -> Option<Timestamp> {
    state.last_good.as_ref().map(|good| good.started_at)
}

/// Sends the notification of an overdue full, at most once a day on all hosts together. A busy database is left to the
/// next tick.
pub(super) async fn tell_if_overdue(
    app: &App,
    database: &ProtectedDatabase,
    at: Timestamp,
    log: &RunLog,
) -> Result<(), Failure> {
    let Some(policy) = database.protection.policy(app) else { return Ok(()) };
    let Some(planned) = overdue_since(policy, database, last_good(&database.state), at) else {
        return Ok(());
    };
    // A run that has begun since then has failed, and that was notified.
    if database.state.last_attempt(BackupKind::Full, at).is_some_and(|last| last >= planned) {
        return Ok(());
    }
    let is_old = |told: Option<Timestamp>| {
        let told = told.filter(|told| is_plausible(*told, at));
        told.is_none_or(|told| planned.since(told) >= NAG_EVERY)
    };
    if !is_old(database.state.overdue_told) {
        return Ok(());
    }
    let (entry, catalog) = (&database.protection.entry, &database.protection.catalog);
    let purpose = LeaseRequest::new(Operation::Policy, Duration::ZERO, log);
    let lease = acquire_lease(app, catalog, entry, &purpose).await?;
    let noted = async {
        let mut state = catalog.state(&entry.name).await?;
        // Another host may have sent it, or a backup may have ended, since this was checked.
        let still = is_old(state.overdue_told) && state.last_good == database.state.last_good;
        if still {
            state.overdue_told = Some(planned);
            catalog.write_state(&entry.name, &state).await?;
        }
        Ok::<_, Failure>(still.then_some(state))
    }
    .await;
    release(lease, log).await;
    let Some(state) = noted? else { return Ok(()) };
    let last = state
        .last_good
        .as_ref()
        .map_or_else(|| "there is none".to_owned(), |good| format!("it began {}", good.started_at.table()));
    let message = format!(
        "`{}` has no good backup since {}, when one was planned; the last: {last}",
        entry.name,
        planned.table()
    );
    let reason = state
        .paused
        .map(|pause| format!("it is paused ({}): jagad policy resume {}", pause.reason, entry.name));
    let help = reason.unwrap_or_else(|| format!("See why: jagad status {}", entry.name));
    log.warn(&message);
    let event = notify::event(app, EventKind::Overdue, Some(entry), &message).help(Some(&help));
    notify::send(app, entry, &event.failures_in_a_row(state.failures)).await;
    Ok(())
}
