//! The user's hooks of a backup: their environment, and what their failure means.

use crate::catalog::Manifest;
use crate::commands::hook::Hook;
use crate::commands::{App, Failure, RunLog};
use crate::config::DatabaseEntry;
use crate::model::BackupStatus;
use crate::notify::printable;

/// The run that a hook gets information about.
pub(super) struct HookedRun<'a> {
    pub(super) app: &'a App,
    pub(super) database: &'a DatabaseEntry,
    /// Absent when the backup failed before it had an id.
    pub(super) manifest: Option<&'a Manifest>,
    pub(super) failure: Option<&'a Failure>,
}

/// A hook that failed, and why.
pub(super) type Complaint = (&'static str, String);

/// Runs `before_backup`; its failure fails the backup.
pub(super) async fn before(run: &HookedRun<'_>, log: &RunLog) -> Result<(), Failure> {
    call(run, "before_backup", &run.database.hooks.before_backup, "running", log).await
}

/// Runs `after_backup` or `on_failure`, and then `finally`.
pub(super) async fn after(run: &HookedRun<'_>, log: &RunLog) -> Vec<Complaint> {
    let hooks = &run.database.hooks;
    let (first, status) = match run.failure {
        None => (("after_backup", &hooks.after_backup), BackupStatus::Success),
        Some(_) => (("on_failure", &hooks.on_failure), BackupStatus::Failed),
    };
    let mut complaints = Vec::new();
    for hook in [first, ("finally", &hooks.last)] {
        complaints.extend(without_harm(run, hook, status, log).await);
    }
    complaints
}

/// Runs `on_failure` of a backup that never began. Not `finally`: it could undo what another run is using.
pub(super) async fn failed_early(run: &HookedRun<'_>, log: &RunLog) -> Option<Complaint> {
    let hook = ("on_failure", &run.database.hooks.on_failure);
    without_harm(run, hook, BackupStatus::Failed, log).await
}

async fn without_harm(
    run: &HookedRun<'_>,
    hook: (&'static str, &Vec<String>),
    status: BackupStatus,
    log: &RunLog,
) -> Option<Complaint> {
    let failure = call(run, hook.0, hook.1, status.as_str(), log).await.err()?;
    log.warn(failure.message());
    Some((hook.0, failure.message()))
}

async fn call(
    run: &HookedRun<'_>,
    name: &'static str,
    argv: &Vec<String>,
    status: &str,
    log: &RunLog,
) -> Result<(), Failure> {
    let environment = environment(run, name, status);
    let hook = Hook { name, argv, timeout: run.database.hooks.timeout, environment };
    hook.run(run.app, log).await
}

fn environment(run: &HookedRun<'_>, name: &str, status: &str) -> Vec<(String, String)> {
    let id = run.manifest.map(|manifest| manifest.id.to_string());
    let size = run.manifest.filter(|manifest| manifest.status == BackupStatus::Success);
    let size = size.map(|manifest| manifest.stored_bytes().to_string());
    let error = run.failure.map(|failure| printable(&failure.message()));
    [
        ("JAGAD_EVENT", Some(name.to_owned())),
        ("JAGAD_DATABASE", Some(run.database.name.to_string())),
        ("JAGAD_ENGINE", Some(run.database.engine.to_string())),
        ("JAGAD_BACKUP_ID", id),
        ("JAGAD_STATUS", Some(status.to_owned())),
        ("JAGAD_SIZE", size),
        ("JAGAD_ERROR", error),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.unwrap_or_default()))
    .collect()
}
