//! `jagad schedule`: what cron or a timer calls.

pub(super) mod duty;
mod install;
mod list;
mod overdue;
mod request;
mod run;
mod tick;

pub use install::{InstallRequest, Installed, Manner, install};
pub use list::{ListRequest, Planned, PlannedRun, list};
pub use request::{Outcome, Request, TickAction, When};
pub use run::{LOOK_AGAIN, Report, run};

use super::protection::Repositories;
use super::{App, Failure};
use crate::config::DatabaseEntry;
use crate::model::{DatabaseName, PolicyName};
use duty::{Look, look};
use futures_util::{StreamExt as _, stream};

/// Entries that are checked concurrently: a tick over many databases mostly waits for the store.
const LOOKS: usize = 32;

/// The selected entries with the result of checking each, in the order of their names.
pub(super) async fn survey<'a>(
    app: &'a App,
    names: &[DatabaseName],
    policy: Option<&PolicyName>,
) -> Result<Vec<(&'a DatabaseEntry, Look)>, Failure> {
    if let Some(policy) = policy {
        app.inventory.policy(policy)?;
    }
    let entries: Vec<&DatabaseEntry> = match names {
        [] => app.inventory.databases.values().collect(),
        names => names.iter().map(|name| app.database(name)).collect::<Result<_, _>>()?,
    };
    let repositories = Repositories::open(app, entries.iter().copied()).await;
    let repositories = &repositories;
    let mut looks: Vec<(&DatabaseEntry, Look)> = stream::iter(entries)
        .map(|entry| async move { (entry, look(app, repositories, entry).await) })
        .buffered(LOOKS)
        .collect()
        .await;
    if let Some(policy) = policy {
        looks.retain(|(entry, look)| match look {
            Look::Attached(database) => database.protection.attachment.policy == *policy,
            Look::Unattached | Look::Unknown(_) => entry.policy.as_ref() == Some(policy),
        });
    }
    Ok(looks)
}
