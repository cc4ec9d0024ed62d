//! What is written down about a run.

use super::App;
use crate::catalog::{FORMAT, Manifest, RecipeRecord, lease};
use crate::config::DatabaseEntry;
use crate::model::{BackupId, BackupPurpose, BackupStatus, Codec, Method, RepositoryId};
use std::collections::BTreeMap;

/// A manifest of a run that has done nothing yet: it says `failed` until a backup is proven.
pub(super) fn blank(
    app: &App,
    database: &DatabaseEntry,
    repository: RepositoryId,
    id: BackupId,
    purpose: BackupPurpose,
) -> Manifest {
    let now = app.clock.now();
    Manifest {
        format: FORMAT,
        kind: id.kind(),
        id,
        repository,
        database: database.name.clone(),
        engine: database.engine,
        server: None,
        tool: None,
        method: Method::Logical,
        purpose,
        parent: None,
        source: None,
        started_at: now,
        finished_at: now,
        duration_ms: 0,
        span: None,
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
