//! `jagad policy list` and `show`.

use crate::catalog::{Chains, NotedFailure};
use crate::commands::schedule::duty::{Duty, Look, ProtectedDatabase};
use crate::commands::{App, Failure, schedule};
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::kind::word_enum;
use crate::model::{BackupId, BackupKind, DatabaseName, EngineKind, PolicyName, Timestamp, VerifyLevel};
use serde::Serialize;

/// One line about each policy.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The policies.
    pub policies: Vec<PolicySummary>,
}

word_enum! {
    /// The state of a policy.
    PolicyStatus {
        /// It protects what is attached to it.
        Active = "active",
        /// All databases that are attached to it are paused.
        Paused = "paused",
        /// The configuration says so.
        Disabled = "disabled",
        /// The state of an entry that names it cannot be read.
        Error = "error",
    }
}

word_enum! {
    /// The state of a database of a policy.
    DatabaseStatus {
        /// It is backed up on schedule.
        Active = "active",
        /// It is not, until a user resumes it.
        Paused = "paused",
        /// A backup of it is under way.
        Running = "running",
        /// Its last backup failed.
        Error = "error",
    }
}

/// One policy.
#[derive(Debug, Serialize)]
pub struct PolicySummary {
    /// Its name.
    pub policy: PolicyName,
    /// How it stands.
    pub status: PolicyStatus,
    /// Its store.
    pub store: Option<String>,
    /// When fulls are taken.
    pub full: Option<String>,
    /// How often incrementals are planned.
    pub incremental: Option<String>,
    /// Databases that are attached.
    pub attached: usize,
    /// Of those, paused.
    pub paused: usize,
    /// Of those, with a failure since their last success.
    pub failing: usize,
    /// Entries that name it and are not attached.
    pub unattached: Vec<DatabaseName>,
    /// Entries that name it and could not be checked.
    pub unknown: Vec<Unknown>,
}

/// An entry that could not be checked.
#[derive(Debug, Serialize)]
pub struct Unknown {
    /// The entry.
    pub database: DatabaseName,
    /// Why.
    pub reason: String,
}

/// Everything about one policy.
#[derive(Debug, Serialize)]
pub struct PolicyReport {
    /// The line of the list.
    #[serde(flatten)]
    pub summary: PolicySummary,
    /// Where the store is.
    pub place: String,
    /// When a backup was last committed to the store, which verified its credentials.
    pub credentials_verified_at: Option<Timestamp>,
    /// The retention, for people.
    pub retention: Vec<String>,
    /// What is verified after each backup.
    pub verify: Option<&'static str>,
    /// Consecutive failures that pause a database; 0 means never.
    pub pause_after_failures: u32,
    /// What is attached.
    pub databases: Vec<DatabaseReport>,
}

/// One attached database.
#[derive(Debug, Serialize)]
pub struct DatabaseReport {
    /// The entry.
    pub database: DatabaseName,
    /// Its engine.
    pub engine: EngineKind,
    /// Where it is.
    pub host: String,
    /// How it stands.
    pub status: DatabaseStatus,
    /// Since when it is attached.
    pub attached_at: Timestamp,
    /// The last good full.
    pub last_full: Option<Copy>,
    /// The last good incremental.
    pub last_incremental: Option<Copy>,
    /// Failures since the last success.
    pub failures: u32,
    /// The last failure since then.
    pub last_error: Option<NotedFailure>,
    /// Why it is paused.
    pub paused: Option<String>,
    /// When something is due next.
    pub next: Option<Timestamp>,
}

/// A good backup.
#[derive(Debug, Clone, Serialize)]
pub struct Copy {
    /// The backup.
    pub id: BackupId,
    /// When it was committed.
    pub finished_at: Timestamp,
}

/// One line about each policy.
pub async fn list(app: &App) -> Result<Summary, Failure> {
    let looks = schedule::survey(app, &[], None).await?;
    let policies = app.inventory.policies.values().map(|policy| summarise(app, policy, &looks)).collect();
    Ok(Summary { policies })
}

/// Everything about one policy.
pub async fn show(app: &App, name: &PolicyName) -> Result<PolicyReport, Failure> {
    let policy = app.inventory.policy(name)?;
    let looks = schedule::survey(app, &[], None).await?;
    let summary = summarise(app, policy, &looks);
    let store = app.store(store_name(app, policy).as_ref()).await?;
    let mut databases = Vec::new();
    for (entry, look) in &looks {
        if let Look::Attached(database) = look
            && database.protection.attachment.policy == *name
        {
            databases.push(describe(entry, database, app.clock.now()).await?);
        }
    }
    let copies =
        databases.iter().flat_map(|database| database.last_full.iter().chain(&database.last_incremental));
    Ok(PolicyReport {
        place: store.describe(),
        credentials_verified_at: copies.map(|copy| copy.finished_at).max(),
        retention: policy.retention.describe(),
        verify: policy.verify.map(VerifyLevel::as_str),
        pause_after_failures: policy.pause_after_failures,
        summary,
        databases,
    })
}

fn store_name(app: &App, policy: &PolicyEntry) -> Option<crate::model::StoreName> {
    policy.store.as_ref().or_else(|| app.inventory.default_store()).cloned()
}

fn summarise(app: &App, policy: &PolicyEntry, looks: &[(&DatabaseEntry, Look)]) -> PolicySummary {
    let protected: Vec<&ProtectedDatabase> = looks
        .iter()
        .filter_map(|(_, look)| if let Look::Attached(database) = look { Some(&**database) } else { None })
        .filter(|database| database.protection.attachment.policy == policy.name)
        .collect();
    let names = |entry: &DatabaseEntry| entry.policy.as_ref() == Some(&policy.name);
    let unknown = |(entry, look): &(&DatabaseEntry, Look)| match look {
        Look::Unknown(failure) if names(entry) => {
            Some(Unknown { database: entry.name.clone(), reason: failure.message() })
        }
        _ => None,
    };
    let unknown: Vec<Unknown> = looks.iter().filter_map(unknown).collect();
    let paused = protected.iter().filter(|database| database.state.paused.is_some()).count();
    PolicySummary {
        policy: policy.name.clone(),
        status: match (policy.enabled, !unknown.is_empty(), protected.len()) {
            (_, true, _) => PolicyStatus::Error,
            (false, ..) => PolicyStatus::Disabled,
            (_, _, attached) if attached > 0 && paused == attached => PolicyStatus::Paused,
            _ => PolicyStatus::Active,
        },
        store: store_name(app, policy).map(|name| name.to_string()),
        full: policy.full.as_ref().map(ToString::to_string),
        incremental: policy.incremental.as_ref().map(ToString::to_string),
        attached: protected.len(),
        paused,
        failing: protected.iter().filter(|database| database.state.failures > 0).count(),
        unattached: looks
            .iter()
            .filter(|(entry, look)| matches!(look, Look::Unattached) && names(entry))
            .map(|(entry, _)| entry.name.clone())
            .collect(),
        unknown,
    }
}

async fn describe(
    entry: &DatabaseEntry,
    database: &ProtectedDatabase,
    now: Timestamp,
) -> Result<DatabaseReport, Failure> {
    let listing = database.protection.catalog.list(Some(&entry.name)).await?;
    let chains = Chains::new(&listing.entries, now);
    let last = |kind: BackupKind| {
        let found = chains.good().find(|entry| entry.manifest.kind == kind)?;
        Some(Copy { id: found.manifest.id.clone(), finished_at: found.manifest.finished_at })
    };
    let state = &database.state;
    Ok(DatabaseReport {
        database: entry.name.clone(),
        engine: entry.engine,
        host: entry.address(),
        status: match (database.running(), &state.paused, state.failures) {
            (Some(_), ..) => DatabaseStatus::Running,
            (None, Some(_), _) => DatabaseStatus::Paused,
            (None, None, 1..) => DatabaseStatus::Error,
            (None, None, 0) => DatabaseStatus::Active,
        },
        attached_at: database.protection.attachment.attached_at,
        last_full: last(BackupKind::Full),
        last_incremental: last(BackupKind::Incremental),
        failures: state.failures,
        last_error: state.last_error.clone(),
        paused: state.paused.as_ref().map(|pause| pause.reason.clone()),
        next: match &database.duty {
            Duty::Now(_, planned) => Some(*planned),
            Duty::Later(next) => next.first().map(|(_, time)| *time),
            Duty::Idle(_) => None,
        },
    })
}
