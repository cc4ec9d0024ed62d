//! What is written down about a run.

use super::App;
use crate::catalog::{FORMAT, Manifest, RecipeRecord, lease};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupPurpose, BackupStatus, Codec, Demand, Method, RepositoryId, Timestamp};
use std::collections::BTreeMap;

/// A backup that a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedBackup {
    /// It.
    pub(super) id: BackupId,
    /// Why it is taken.
    pub(super) purpose: BackupPurpose,
    /// How its data is taken.
    pub(super) method: Method,
    /// What an incremental builds on.
    pub(super) parent: Option<BackupId>,
}

impl PlannedBackup {
    /// A backup as it is wanted, which begins now.
    pub(super) fn new(started: Timestamp, demand: Demand, purpose: BackupPurpose) -> Self {
        Self { id: BackupId::new(started, demand.kind), purpose, method: demand.method, parent: None }
    }
}

/// A manifest of a run that has done nothing yet: it says `failed` until a backup is proven.
pub(super) fn blank(
    app: &App,
    database: &DatabaseEntry,
    repository: RepositoryId,
    planned: &PlannedBackup,
) -> Manifest {
    let now = app.clock.now();
    Manifest {
        format: FORMAT,
        kind: planned.id.kind(),
        id: planned.id.clone(),
        repository,
        database: database.name.clone(),
        engine: database.engine,
        server: None,
        tool: None,
        method: planned.method,
        integrity: planned.method.integrity(),
        purpose: planned.purpose,
        parent: planned.parent.clone(),
        source: None,
        started_at: now,
        finished_at: now,
        duration_ms: 0,
        span: None,
        physical: None,
        log: None,
        status: BackupStatus::Failed,
        error: None,
        fallback_reason: None,
        partial: false,
        left_out: BTreeMap::new(),
        note: None,
        labels: database.labels.clone(),
        jagad: env!("CARGO_PKG_VERSION").to_owned(),
        host: lease::host_name(),
        recipe: RecipeRecord { codec: Codec::None, level: 0, cipher: None, key_id: None },
        parts: Vec::new(),
    }
}
