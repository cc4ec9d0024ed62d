//! The policy that protects a database, and the state of its runs: two small objects beside its backups.
//!
//! Only the holder of the lease on the database writes them. A holder releases its lease only after the outcome of its
//! run is noted here; a process that records an abandoned run notes its outcome first. So every recorded run is counted
//! once, on any number of hosts, whatever their clocks say.

use super::error::CatalogError;
use super::repository::Catalog;
use super::state::{NotedRun, State};
use super::{FORMAT, layout, lease, record};
use crate::model::{BackupId, BackupKind, BackupStatus, DatabaseName, PolicyName, Timestamp};
use crate::store::ObjectRole;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

/// A database is under a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// [`FORMAT`].
    pub format: u32,
    /// The policy.
    pub policy: PolicyName,
    /// Since when: times planned before are not made up for.
    pub attached_at: Timestamp,
    /// From which host it was attached.
    pub host: String,
}

impl Attachment {
    /// An attachment made now.
    pub fn new(policy: PolicyName, now: Timestamp) -> Self {
        Self { format: FORMAT, policy, attached_at: now, host: lease::host_name() }
    }
}

impl Catalog {
    /// The policy that `database` is attached to, if it is.
    pub async fn attachment(&self, database: &DatabaseName) -> Result<Option<Attachment>, CatalogError> {
        record::read(self.store().as_ref(), &layout::attachment(database)).await
    }

    /// Attaches `database`. Only under its lease.
    pub async fn attach(&self, database: &DatabaseName, attachment: &Attachment) -> Result<(), CatalogError> {
        let key = layout::attachment(database);
        record::write(self.store().as_ref(), &key, attachment, ObjectRole::Mutable).await
    }

    /// Detaches `database` and deletes its state; its backups stay. Only under its lease.
    pub async fn detach(&self, database: &DatabaseName) -> Result<(), CatalogError> {
        // The attachment first: a reader in between sees a database without protection, which is true.
        for key in [layout::attachment(database), layout::state(database)] {
            let doing = format!("delete `{key}`");
            self.store().delete(std::slice::from_ref(&key)).await.map_err(CatalogError::store(doing))?;
        }
        Ok(())
    }

    /// The state of `database`; a blank one when there is none or it is damaged: planned runs are then due, and the
    /// next run writes a new state. A state that a newer jagad wrote is left as it is, and the times of the last runs
    /// come from the backups.
    pub async fn state(&self, database: &DatabaseName) -> Result<State, CatalogError> {
        match self.changeable_state(database).await {
            Err(CatalogError::UnknownFormat { .. }) => self.foreign_state(database).await,
            found => found,
        }
    }

    /// As [`Catalog::state`], for a change that the user asked for: a state that a newer jagad wrote is an error,
    /// because the change could not be stored.
    pub async fn changeable_state(&self, database: &DatabaseName) -> Result<State, CatalogError> {
        let key = layout::state(database);
        match record::read(self.store().as_ref(), &key).await {
            Ok(found) => Ok(found.unwrap_or_default()),
            // A damaged state must not leave a database without backups.
            Err(error @ CatalogError::Damaged { .. }) => {
                tracing::warn!("{error}: failures and pauses of `{database}` are forgotten");
                Ok(State::default())
            }
            Err(error) => Err(error),
        }
    }

    /// The last runs as the keys of the backups show them, when the state itself cannot be read.
    async fn foreign_state(&self, database: &DatabaseName) -> Result<State, CatalogError> {
        let prefix = layout::backups(database);
        let mut newest: [Option<BackupId>; 2] = [None, None];
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((_, id, layout::Item::Manifest)) = layout::backup_item(&object.key) {
                let newest = &mut newest[usize::from(id.kind() == BackupKind::Incremental)];
                *newest = newest.take().max(Some(id));
            }
        }
        let run = |id: BackupId| NotedRun { started_at: id.started(), id, status: BackupStatus::Failed };
        let [full, incremental] = newest.map(|id| id.map(run));
        Ok(State { last_full: full, last_incremental: incremental, foreign: true, ..State::default() })
    }

    /// Writes the state of `database`, but never over one of a newer jagad. Only under its lease.
    pub async fn write_state(&self, database: &DatabaseName, state: &State) -> Result<(), CatalogError> {
        if state.foreign {
            return Ok(());
        }
        let key = layout::state(database);
        record::write(self.store().as_ref(), &key, state, ObjectRole::Mutable).await
    }
}
