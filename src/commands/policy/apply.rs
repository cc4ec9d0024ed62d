//! `jagad policy apply`: makes the attachments what the configuration says.

use super::attach::{AttachRequest, attach_one, detach_one, move_one};
use crate::commands::protection::Repositories;
use crate::commands::{App, Class, Confirmation, Failure, Mode};
use crate::config::DatabaseEntry;
use crate::model::{DatabaseName, PolicyName};
use serde::Serialize;
use std::time::Duration;

/// How to apply the policies.
#[derive(Debug, Clone)]
pub struct ApplyRequest {
    /// Whether to do it or to show it.
    pub mode: Mode,
    /// How long to wait for a slot and for each lease.
    pub wait: Duration,
    /// Longest life of one initial backup; `None` is unbounded.
    pub timeout: Option<Duration>,
}

/// Whether policies were applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplyStatus {
    /// They would be (`--dry-run`).
    Planned,
    /// They were.
    Applied,
}

/// The differences, and whether they were applied.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// Whether it was done.
    pub status: ApplyStatus,
    /// The differences, by entry.
    pub changes: Vec<Change>,
    #[serde(skip)]
    failures: Vec<(DatabaseName, Failure)>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The entry.
    pub database: DatabaseName,
    /// The policy that it is attached to.
    pub from: Option<PolicyName>,
    /// The policy that the configuration names.
    pub to: Option<PolicyName>,
}

impl Applied {
    /// What failed, by entry.
    pub fn failures(&self) -> &[(DatabaseName, Failure)] {
        &self.failures
    }

    /// The class that decides the exit code.
    pub fn verdict(&self) -> Option<Class> {
        let (_, first) = self.failures.first()?;
        let alone = self.changes.len() == 1 && self.failures.len() == 1;
        let alone = alone && self.changes[0].database == self.failures[0].0;
        Some(if alone { first.class } else { Class::Partial })
    }
}

/// Plans, asks when something is to be detached, and attaches and detaches.
pub async fn apply(app: &App, request: &ApplyRequest) -> Result<Applied, Failure> {
    let (changes, mut failures) = plan(app).await?;
    if request.mode == Mode::Plan {
        return Ok(Applied { status: ApplyStatus::Planned, changes, failures });
    }
    confirm(app, &changes)?;
    for change in &changes {
        app.cancel.check()?;
        if let Err(failure) = make(app, request, change).await {
            failures.push((change.database.clone(), failure));
        }
    }
    Ok(Applied { status: ApplyStatus::Applied, changes, failures })
}

/// The differences between the configuration and the stores, and the entries that could not be checked; an error when
/// none could.
async fn plan(app: &App) -> Result<(Vec<Change>, Vec<(DatabaseName, Failure)>), Failure> {
    let entries: Vec<&DatabaseEntry> = app.inventory.databases.values().collect();
    let repositories = Repositories::open(app, entries.iter().copied()).await;
    let (mut changes, mut failures) = (Vec::new(), Vec::new());
    let all = entries.len();
    for entry in entries {
        let from = match repositories.find(app, entry).await {
            Ok(found) => found.map(|found| found.attachment.policy),
            Err(failure) => {
                failures.push((entry.name.clone(), failure));
                continue;
            }
        };
        // An entry that is not active cannot be attached, and stays attached.
        let to = entry.policy.clone().filter(|policy| entry.active || from.as_ref() == Some(policy));
        if from != to {
            changes.push(Change { database: entry.name.clone(), from, to });
        }
    }
    if failures.len() == all && all > 0 {
        return Err(failures.swap_remove(0).1);
    }
    Ok((changes, failures))
}

/// Attaching needs no confirmation; a detached database is no longer protected.
fn confirm(app: &App, changes: &[Change]) -> Result<(), Failure> {
    let facts: Vec<String> = changes
        .iter()
        .filter_map(|change| Some((change, change.from.as_ref()?)))
        .map(|(change, from)| match &change.to {
            Some(to) => format!("`{}` moves from `{from}` to `{to}`", change.database),
            None => format!("`{}` is detached from `{from}`; its backups stay", change.database),
        })
        .collect();
    if facts.is_empty() {
        return Ok(());
    }
    app.watch.confirm(&Confirmation { facts, question: "Move and detach them?".to_owned() })
}

async fn make(app: &App, request: &ApplyRequest, change: &Change) -> Result<(), Failure> {
    let entry = app.database(&change.database)?;
    let Some(policy) = &change.to else { return detach_one(app, entry, request.wait).await };
    let attach = AttachRequest {
        policy: policy.clone(),
        databases: Vec::new(),
        wait: request.wait,
        timeout: request.timeout,
    };
    let policy = app.inventory.policy(policy)?;
    if change.from.is_some() {
        return move_one(app, &attach, entry, policy).await;
    }
    let (_, failure) = attach_one(app, &attach, entry, policy).await?;
    failure.map_or(Ok(()), Err)
}
