//! `jagad backup`: one-shot backups.

mod announce;
mod announcement;
mod attempt;
mod base;
mod commit;
mod copy;
mod delegate;
mod dry_run;
mod dump;
mod failed;
mod held;
mod hooks;
mod left_out;
mod log;
pub(super) mod part;
mod preflight;
mod run;
pub(super) mod source;
mod trigger;
mod waiting;

pub(super) use announce::{back_up, run_verified};
pub use dry_run::{Plan, PlannedDatabase, PlannedPart, plan};
pub use left_out::LeftOut;
pub(super) use preflight::{Wanted, delegate, look};
pub use source::ReplicaReport;
pub(super) use trigger::{Ran, Trigger};

use super::selection::{DatabaseSelection, select};
use super::{App, Class, Failure, Mode, protection, prune};
use crate::catalog::{Manifest, Verification};
use crate::config::{DatabaseEntry, EncryptionChoice};
use crate::model::{
    BackupId, BackupKind, Codec, DatabaseName, Method, PartKind, SourceChoice, StoreName, Timestamp,
    VerifyLevel,
};
use crate::notify::EventKind;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use std::time::Duration;

/// What to back up, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which database entries.
    pub choice: DatabaseSelection,
    /// How each is taken.
    pub choices: Choices,
    /// Entries at once.
    pub jobs: usize,
    /// Whether to do it or to show it.
    pub mode: Mode,
}

/// How a backup is taken, where the command line says otherwise than the configuration.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Whether it stands alone.
    pub kind: BackupKind,
    /// Logical databases; empty means those of the entry.
    pub databases: Vec<String>,
    /// Which of the entry's servers it is taken from.
    pub source: Option<SourceChoice>,
    /// Store.
    pub store: Option<StoreName>,
    /// Compression.
    pub codec: Option<Codec>,
    /// Encryption.
    pub encryption: EncryptionChoice,
    /// The user's words in the manifest.
    pub note: Option<String>,
    /// Pin the backup, so that it is not deleted.
    pub pin: bool,
    /// Verify the backup afterwards.
    pub verify: Option<VerifyLevel>,
    /// Apply the retention of its policy afterwards.
    pub retain: bool,
    /// How long to wait for a slot and for the lease.
    pub wait: Duration,
    /// Longest life of one backup; `None` is unbounded.
    pub timeout: Option<Duration>,
    /// Events of this run that are sent to every notifier.
    pub notify_on: Vec<EventKind>,
}

/// The result of one backup.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The backup.
    pub id: BackupId,
    /// The database entry.
    pub database: DatabaseName,
    /// Full or incremental.
    pub kind: BackupKind,
    /// How the data was taken.
    pub method: Method,
    /// Why it is a full, where an incremental was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_reason: Option<String>,
    /// Always `success`: failures are errors.
    pub status: &'static str,
    /// Where it is.
    pub store: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was committed.
    pub finished_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Bytes the tools wrote.
    pub plain_bytes: u64,
    /// Bytes in the store.
    pub stored_bytes: u64,
    /// Logical databases in it.
    pub databases: Vec<String>,
    /// Those of the server that are not, though all were wanted.
    pub left_out: Vec<LeftOut>,
    /// Tables counted.
    pub tables: u64,
    /// Rows counted.
    pub rows: u64,
    /// What a row is called, for people: `rows`, `keys`.
    #[serde(skip)]
    pub unit: &'static str,
    /// The verification that was asked for.
    pub verification: Option<Verification>,
}

impl Report {
    fn of(manifest: Manifest, store: String) -> Self {
        let dumps = || manifest.parts_of(PartKind::Database);
        Self {
            status: "success",
            store,
            plain_bytes: manifest.plain_bytes(),
            stored_bytes: manifest.stored_bytes(),
            databases: manifest.databases().map(str::to_owned).collect(),
            tables: dumps().filter_map(|part| part.tables).sum(),
            rows: dumps().filter_map(|part| part.rows).sum(),
            unit: manifest.engine.unit(),
            left_out: manifest
                .left_out
                .into_iter()
                .map(|(database, reason)| LeftOut { database, reason })
                .collect(),
            verification: None,
            kind: manifest.kind,
            method: manifest.method,
            fallback_reason: manifest.fallback_reason,
            id: manifest.id,
            database: manifest.database,
            started_at: manifest.started_at,
            finished_at: manifest.finished_at,
            duration_ms: manifest.duration_ms,
        }
    }
}

/// The results of all chosen entries, in the order they were named.
#[derive(Debug)]
pub struct Outcome {
    /// One result per entry.
    pub results: Vec<(DatabaseName, Result<Report, Failure>)>,
}

impl Outcome {
    /// What the whole run means: nothing, the one failure, or "some failed".
    pub fn verdict(&self) -> Option<Class> {
        let mut failures = self.results.iter().filter_map(|(_, result)| result.as_ref().err());
        let Some(first) = failures.next().map(|failure| failure.class) else {
            let mut reports = self.results.iter().filter_map(|(_, result)| result.as_ref().ok());
            return reports.any(|report| !report.left_out.is_empty()).then_some(Class::Partial);
        };
        match self.results.len() {
            1 => Some(first),
            _ if matches!(first, Class::Interrupted(_)) => Some(first),
            _ => Some(Class::Partial),
        }
    }
}

/// Takes the backups, several at once where asked for. One that fails does not stop the others.
pub async fn run(app: &App, request: &Request) -> Result<Outcome, Failure> {
    let entries = select(app, &request.choice)?;
    refuse_names_of_several(&entries, &request.choices)?;
    refuse_retention_without_policy(app, &entries, &request.choices).await?;
    let results = stream::iter(entries)
        .map(|entry| async move {
            // A store that cannot be asked says so again, and better, when it is to be written to.
            let found = protection::protected(app, entry).await;
            let entry = found.unwrap_or_else(|_| protection::declared(app, entry));
            (entry.name.clone(), and_retain(app, &entry, &request.choices).await)
        })
        .buffered(request.jobs.max(1))
        .collect()
        .await;
    Ok(Outcome { results })
}

/// `--dbname` names logical databases of one server.
fn refuse_names_of_several(entries: &[&DatabaseEntry], choices: &Choices) -> Result<(), Failure> {
    if entries.len() > 1 && !choices.databases.is_empty() {
        return Err(Failure::new(Class::Usage, "--dbname goes with exactly one database entry"));
    }
    Ok(())
}

/// Takes a backup of an entry as it is protected, because somebody asked for it.
pub(super) async fn by_hand(app: &App, entry: &DatabaseEntry, choices: &Choices) -> Result<Report, Failure> {
    asked_for(app, entry, choices, Trigger::Hand).await
}

/// Takes a copy of what a restore is about to replace.
pub(super) async fn safety_copy(
    app: &App,
    entry: &DatabaseEntry,
    choices: &Choices,
) -> Result<Report, Failure> {
    asked_for(app, entry, choices, Trigger::Safety).await
}

async fn asked_for(
    app: &App,
    entry: &DatabaseEntry,
    choices: &Choices,
    trigger: Trigger,
) -> Result<Report, Failure> {
    match back_up(app, entry, choices, trigger).await? {
        Ran::Taken(report) => Ok(*report),
        Ran::Busy(failure) | Ran::Again(failure, _) | Ran::NotVerified(_, failure) => Err(failure),
        Ran::Overtaken => Err(Failure::new(Class::Busy, format!("`{}` has just been backed up", entry.name))),
    }
}

/// `--retain` applies what a policy says, so each entry needs one; asked before the work, not after it.
async fn refuse_retention_without_policy(
    app: &App,
    entries: &[&DatabaseEntry],
    choices: &Choices,
) -> Result<(), Failure> {
    for entry in entries.iter().filter(|_| choices.retain) {
        if protection::protected(app, entry).await?.policy.is_none() {
            let problem = format!("`{}` is under no policy, so --retain has nothing to apply", entry.name);
            return Err(Failure::new(Class::Usage, problem)
                .help(format!("Attach it: jagad policy attach POLICY {}", entry.name)));
        }
    }
    Ok(())
}

/// As [`by_hand`], and prunes where that is asked for.
pub(super) async fn and_retain(
    app: &App,
    entry: &DatabaseEntry,
    choices: &Choices,
) -> Result<Report, Failure> {
    let report = by_hand(app, entry, choices).await?;
    // Never before something new is safe.
    if let (true, Some(policy)) = (choices.retain, app.inventory.policy_of(entry)) {
        prune::Pruning { app, entry, policy, log: &app.log() }.after_backup(choices.wait).await?;
    }
    Ok(report)
}
