//! Backups whose data is not in the repository: another tool keeps it, and may have removed it.

use super::manifest::Manifest;
use crate::model::BackupId;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Reports whether data that other tools keep still exists.
#[async_trait]
pub trait Presence: Send + Sync + Debug {
    /// Those of `manifests` whose data is gone, each with the reason as a clause. If the tool cannot be queried, the
    /// data counts as present.
    async fn gone(&self, manifests: Vec<&Manifest>) -> BTreeMap<BackupId, String>;
}
