//! `jagad prune`: removes the backups that the policies do not keep, and what dead runs left.

mod pruning;

pub(super) use pruning::{ABANDONED_AFTER, Pruning};

use super::protection::{self, Repositories};
use super::{App, Class, Failure, Mode, notify};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::{BackupId, DatabaseName, PolicyName};
use crate::notify::EventKind;
use serde::Serialize;
use std::time::Duration;

/// What to prune.
#[derive(Debug, Clone)]
pub struct Request {
    /// These databases; empty means all that are under a policy.
    pub databases: Vec<DatabaseName>,
    /// Only those under this policy.
    pub policy: Option<PolicyName>,
    /// Show only.
    pub mode: Mode,
    /// How long to wait for each lease.
    pub wait: Duration,
}

/// Whether a prune was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PruneStatus {
    /// It would be (`--dry-run`).
    Planned,
    /// It was.
    Pruned,
}

/// What was kept and removed.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether it was done.
    pub status: PruneStatus,
    /// Per database entry.
    pub databases: Vec<Pruned>,
    #[serde(skip)]
    pub(crate) failures: Vec<(DatabaseName, Failure)>,
}

/// One database entry.
#[derive(Debug, Serialize)]
pub struct Pruned {
    /// Its name.
    pub database: DatabaseName,
    /// The policy whose retention it was.
    pub policy: PolicyName,
    /// Every recorded backup, newest first.
    pub backups: Vec<PrunedBackup>,
    /// Bytes of the removed backups and garbage.
    pub freed_bytes: u64,
    /// Number of dead or interrupted runs whose objects are removed.
    pub abandoned: u64,
    /// Unfinished uploads that were aborted; 0 in a dry run.
    pub unfinished_uploads: u64,
}

/// Whether a backup is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PruneAction {
    /// It is kept.
    Keep,
    /// It is removed.
    Remove,
}

/// What happens to one backup.
#[derive(Debug, Serialize)]
pub struct PrunedBackup {
    /// The backup.
    pub id: BackupId,
    /// Whether it is kept.
    pub action: PruneAction,
    /// Why.
    pub reasons: Vec<String>,
    /// Its bytes in the store.
    pub stored_bytes: u64,
}

impl Report {
    /// What failed, by database entry: the others were still pruned.
    pub fn failures(&self) -> &[(DatabaseName, Failure)] {
        &self.failures
    }
}

/// Prunes every chosen database. One that fails does not stop the others.
pub async fn run(app: &App, request: &Request) -> Result<Report, Failure> {
    let log = app.log();
    let mut databases = Vec::new();
    let (chosen, unknown) = match select(app, request).await {
        Ok(chosen) => chosen,
        Err(failure) => {
            not_begun(app, request, &failure).await;
            return Err(failure);
        }
    };
    let mut failures = Vec::new();
    for (entry, failure) in unknown {
        if request.mode == Mode::Run && notify::is_reported(&failure) {
            notify::send(app, entry, &notify::failed(app, EventKind::PruneFailed, entry, &failure)).await;
        }
        failures.push((entry.name.clone(), failure));
    }
    for (entry, policy) in chosen {
        app.cancel.check()?;
        let pruning = Pruning { app, entry: &entry, policy, log: &log };
        match pruning.run(request.mode, request.wait).await {
            Ok(pruned) => databases.extend(pruned),
            Err(failure) => {
                if request.mode == Mode::Run && notify::is_reported(&failure) {
                    let event = notify::failed(app, EventKind::PruneFailed, &entry, &failure);
                    notify::send(app, &entry, &event).await;
                }
                failures.push((entry.name.clone(), failure));
            }
        }
    }
    let status = if request.mode == Mode::Plan { PruneStatus::Planned } else { PruneStatus::Pruned };
    match failures.pop() {
        // The one database that was asked for: its failure is that of the command.
        Some((_, failure)) if databases.is_empty() && failures.is_empty() => Err(failure),
        last => {
            failures.extend(last);
            Ok(Report { status, databases, failures })
        }
    }
}

/// Sends notifications about databases that could not be checked, to the notifiers of the policies that they name.
async fn not_begun(app: &App, request: &Request, failure: &Failure) {
    let asked_wrongly = matches!(failure.class, Class::NotFound | Class::Refused | Class::Usage);
    if request.mode == Mode::Plan || asked_wrongly {
        return;
    }
    let named =
        |entry: &&DatabaseEntry| request.databases.is_empty() || request.databases.contains(&entry.name);
    for entry in app.inventory.databases.values().filter(named) {
        let event = notify::failed(app, EventKind::PruneFailed, entry, failure);
        notify::send(app, entry, &event).await;
    }
}

/// The selected entries with their policies, and those that could not be checked.
type Selected<'a> = (Vec<(DatabaseEntry, &'a PolicyEntry)>, Vec<(&'a DatabaseEntry, Failure)>);

/// The selected entries, each with the policy that it is attached to, or else the one that it names. An error when none
/// could be checked.
async fn select<'a>(app: &'a App, request: &Request) -> Result<Selected<'a>, Failure> {
    let entries: Vec<&DatabaseEntry> = match request.databases.as_slice() {
        [] => app.inventory.databases.values().collect(),
        names => names.iter().map(|name| app.database(name)).collect::<Result<_, _>>()?,
    };
    if let Some(name) = &request.policy {
        app.inventory.policy(name)?;
    }
    let repositories = Repositories::open(app, entries.iter().copied()).await;
    let (mut chosen, mut unknown) = (Vec::new(), Vec::new());
    for entry in entries {
        let found = match repositories.find(app, entry).await {
            Ok(found) => found,
            Err(failure) => {
                unknown.push((entry, failure));
                continue;
            }
        };
        let protected = found.map_or_else(|| protection::declared(app, entry), |found| found.entry);
        match app.inventory.policy_of(&protected) {
            Some(policy) => chosen.push((protected, policy)),
            None if request.databases.is_empty() => {}
            None => {
                let problem = format!("`{}` is under no policy, so nothing says what is kept", entry.name);
                return Err(Failure::new(Class::Refused, problem)
                    .help(format!("Attach it: jagad policy attach POLICY {}", entry.name)));
            }
        }
    }
    chosen.retain(|(_, policy)| request.policy.as_ref().is_none_or(|wanted| policy.name == *wanted));
    let wanted = |entry: &DatabaseEntry| request.policy.is_none() || entry.policy == request.policy;
    unknown.retain(|(entry, _)| wanted(entry));
    if chosen.is_empty() {
        if !unknown.is_empty() {
            return Err(unknown.swap_remove(0).1);
        }
        return Err(Failure::new(Class::NotFound, "no database is under such a policy")
            .help("Attach one: jagad policy attach POLICY DB"));
    }
    Ok((chosen, unknown))
}
