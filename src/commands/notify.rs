//! Notifications: which notifiers get an event. A notifier that fails is a warning, never an error.

use super::{App, Class, Failure, Tone, protection};
use crate::catalog::lease::host_name;
use crate::config::{DatabaseEntry, NotifierEntry};
use crate::model::{DatabaseName, NotifierName};
use crate::notify::{Event, EventKind, Notifier, NotifyError};
use futures_util::future::join_all;
use std::sync::Arc;

/// Whether notifications are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notifications {
    /// They are.
    On,
    /// `--no-notify`: none are sent.
    Off,
}

impl From<NotifyError> for Failure {
    fn from(error: NotifyError) -> Self {
        let failure = Self::new(Class::Operation, error.to_string());
        match error.hint() {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

/// The notifiers of an entry: those that its policy names. Nothing else decides this.
pub(super) fn recipients<'a>(app: &'a App, entry: &DatabaseEntry) -> &'a [NotifierName] {
    app.inventory.policy_of(entry).map_or(&[], |policy| policy.notify.as_slice())
}

/// The entry `name` with its policy, for notifications: the policy that the entry names counts, and the store is
/// queried only for an entry that names none. `None` for a name that is not in the inventory.
pub(super) async fn entry(app: &App, name: &DatabaseName) -> Option<DatabaseEntry> {
    let entry = app.inventory.databases.get(name)?;
    if entry.policy.is_some() {
        return Some(protection::declared(app, entry));
    }
    Some(protection::protected(app, entry).await.unwrap_or_else(|_| entry.clone()))
}

/// An event of this host, now, about `entry`.
pub(super) fn event(app: &App, kind: EventKind, entry: Option<&DatabaseEntry>, message: &str) -> Event {
    let event = Event::new(kind, app.clock.now(), &host_name(), message);
    match entry {
        None => event,
        Some(entry) => {
            event.database(&entry.name).policy(app.inventory.policy_of(entry).map(|policy| &policy.name))
        }
    }
}

/// An event that is a failure.
pub(super) fn failed(app: &App, kind: EventKind, entry: &DatabaseEntry, failure: &Failure) -> Event {
    event(app, kind, Some(entry), &failure.message())
        .help(failure.help.as_deref())
        .fact("class", failure.class.as_str())
}

/// Whether `failure` must be notified. A configuration error is only shown to the user of the command: nothing was
/// tried, so nothing has failed.
pub(super) fn is_reported(failure: &Failure) -> bool {
    failure.class != Class::Usage
}

/// Sends `event` to the notifiers of `entry`; kinds in `also` go to every declared notifier.
pub(super) async fn send_also(app: &App, entry: &DatabaseEntry, also: &[EventKind], event: &Event) {
    let everybody = also.contains(&event.kind());
    let named = recipients(app, entry);
    let chosen =
        app.inventory.notifiers.values().filter(|notifier| {
            everybody || (named.contains(&notifier.name) && event.is_wanted(&notifier.on))
        });
    tell(app, chosen, event).await;
}

/// Sends `event` to the notifiers of `entry`.
pub(super) async fn send(app: &App, entry: &DatabaseEntry, event: &Event) {
    send_also(app, entry, &[], event).await;
}

/// Sends `event` to all of `notifiers` at once. One that fails is a warning in the log and is not tried again.
async fn tell(app: &App, notifiers: impl Iterator<Item = &NotifierEntry>, event: &Event) {
    if app.notifications == Notifications::Off {
        return;
    }
    let told = notifiers.map(|notifier| async move { (notifier, send_to(app, notifier, event).await) });
    for (notifier, result) in join_all(told).await {
        match result {
            Ok(()) => {
                tracing::debug!(target: "jagad", notifier = %notifier.name, event = %event.kind(), "told");
            }
            Err(failure) => {
                let help = failure.help.as_deref().map_or(String::new(), |help| format!(" ({help})"));
                let (name, kind) = (&notifier.name, event.kind());
                let line = format!("notifier `{name}` was not told of {kind}: {}{help}", failure.message());
                app.watch.say(Tone::Warning, &line);
            }
        }
    }
}

/// Opens a notifier: fetches its secrets within its timeout, and checks its settings.
pub(super) async fn open(app: &App, entry: &NotifierEntry) -> Result<Notifier, Failure> {
    let fetched = tokio::time::timeout(entry.timeout, entry.settings()).await;
    let settings = fetched.map_err(|_| {
        let period = crate::model::Period(entry.timeout);
        Failure::new(Class::Operation, format!("its secrets were not there within {period}"))
    })??;
    Ok(Notifier::open(settings, Arc::clone(&app.runner), &host_name())?)
}

/// Sends to one notifier within at most twice its timeout: once for its secrets and once for the message.
pub(super) async fn send_to(app: &App, entry: &NotifierEntry, event: &Event) -> Result<(), Failure> {
    Ok(open(app, entry).await?.send(event).await?)
}
