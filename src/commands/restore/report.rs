//! What a restore tells at its end.

use super::outcome::{FailedLoad, Loaded};
use super::plan::RestorePlan;
use crate::catalog::{Manifest, RestoreRecord};
use crate::commands::replay::ReplayReport;
use crate::engine::Shown;
use crate::model::{BackupId, DatabaseName, RestoreStatus};
use serde::Serialize;

/// How far a restore went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportStatus {
    /// It would be done (`--plan`).
    Planned,
    /// All of it was restored.
    Success,
    /// Some of it was not.
    Partial,
}

impl ReportStatus {
    /// The word of it, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Success => "success",
            Self::Partial => "partial",
        }
    }
}

/// What was restored, or would be.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// How far it went.
    pub status: ReportStatus,
    /// The backup.
    pub backup: BackupId,
    /// Where it came from.
    pub source: DatabaseName,
    /// Where it goes.
    pub target: DatabaseName,
    /// Address of the target.
    pub address: String,
    /// The folder, where files were written in place of a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<FolderReport>,
    /// The throw-away server that a physical backup becomes first; in plans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scratch: Option<ScratchReport>,
    /// Identity of the restore's record, once it ran.
    pub restore: Option<String>,
    /// What is loaded.
    pub loads: Vec<LoadReport>,
    /// The log of changes that is replayed when everything was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayReport>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Errors that were ignored because that was asked for.
    pub ignored_errors: Vec<String>,
    /// Databases that could not be restored, or could not be where only the plan is shown, while the others were.
    pub failed: Vec<FailedLoad>,
}

/// Files that were written in place of a server, or would be.
#[derive(Debug, Clone, Serialize)]
pub struct FolderReport {
    /// Where.
    pub path: String,
    /// The backup and everything that it builds on, the newest first.
    pub chain: Vec<BackupId>,
    /// Bytes that the files take, as far as can be said before.
    pub bytes: u64,
    /// What somebody must know before a server is started on them.
    pub notes: Vec<String>,
}

/// A throw-away server that a physical backup would become.
#[derive(Debug, Clone, Serialize)]
pub struct ScratchReport {
    /// The folder that its own is made in.
    pub path: String,
    /// The backup and everything that it builds on, the newest first.
    pub chain: Vec<BackupId>,
    /// Bytes that its files take, as far as can be said before.
    pub bytes: u64,
    /// What makes its files, in order.
    pub steps: Vec<ShownStep>,
    /// What somebody must know before.
    pub notes: Vec<String>,
}

/// One tool that is run.
#[derive(Debug, Clone, Serialize)]
pub struct ShownStep {
    /// The command line.
    pub argv: Vec<String>,
    /// What it is told on its standard input, where that is a text of jagad's own.
    pub input: Option<String>,
}

/// One loaded part.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// Name of the logical database on the target.
    pub database: String,
    /// In words: what it does to the target.
    pub effect: String,
    /// Plain bytes.
    pub plain_bytes: u64,
    /// Rows in them, where they were counted and all are restored.
    pub rows: Option<u64>,
    /// Whether all of the part is restored, or a choice of its objects.
    #[serde(skip)]
    pub everything: bool,
    /// What a row is called, for people: `rows`, `keys`.
    #[serde(skip)]
    pub unit: &'static str,
    /// What is run, in order.
    pub steps: Vec<ShownStep>,
    /// Worth knowing.
    pub notes: Vec<String>,
}

impl Report {
    /// A plan.
    pub(super) fn planned(manifest: &Manifest, plan: &RestorePlan) -> Self {
        Self {
            status: ReportStatus::Planned,
            backup: manifest.id.clone(),
            source: manifest.database.clone(),
            target: plan.target.clone(),
            address: plan.address.clone(),
            folder: None,
            scratch: None,
            restore: None,
            loads: plan.loads.iter().map(|planned| load(planned, plan, manifest)).collect(),
            replay: plan.replay.as_ref().map(|planned| planned.report.clone()),
            duration_ms: None,
            ignored_errors: Vec::new(),
            failed: plan.refused.clone(),
        }
    }

    /// A finished restore.
    pub(super) fn done(
        manifest: &Manifest,
        plan: &RestorePlan,
        record: &RestoreRecord,
        loaded: Loaded,
    ) -> Self {
        let mut loads = Self::planned(manifest, plan).loads;
        loads.retain(|load| loaded.failed.iter().all(|failed| failed.database != load.database));
        for load in &mut loads {
            // What was counted there, and where errors were ignored nothing else.
            let counted = loaded.rows.get(&load.database).copied();
            load.rows = load.rows.and_then(|dumped| {
                if loaded.ignored.is_empty() { counted.or(Some(dumped)) } else { counted }
            });
        }
        Self {
            status: match record.status {
                RestoreStatus::Success => ReportStatus::Success,
                _ => ReportStatus::Partial,
            },
            restore: Some(record.id.to_string()),
            duration_ms: record.duration_ms,
            ignored_errors: loaded.ignored,
            failed: loaded.failed,
            loads,
            ..Self::planned(manifest, plan)
        }
    }
}

fn load(load: &super::PlannedLoad, plan: &RestorePlan, manifest: &Manifest) -> LoadReport {
    LoadReport {
        database: load.database.clone(),
        effect: load.describe(),
        plain_bytes: load.part.plain_bytes,
        // What was dumped is not what is there in the end.
        rows: load.part.rows.filter(|_| load.everything && plan.replay.is_none()),
        everything: load.everything,
        unit: manifest.engine.unit(),
        steps: load.plan.shown().into_iter().map(step).collect(),
        notes: load.notes(),
    }
}

fn step(shown: Shown) -> ShownStep {
    ShownStep { argv: shown.argv, input: shown.input }
}
