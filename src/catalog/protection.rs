//! Who protects a database, and how it has fared: two small objects beside its backups.
//!
//! They are written only by who holds the lease on the database, and a lease is given back only when the outcome of its run
//! is noted here; who records an abandoned run notes what became of it first. So every recorded run is counted once, on any number
//! of hosts, whatever the clocks say.

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
    /// Since when: what was planned before is nobody's duty.
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

    /// Detaches `database` and forgets how it fared; its backups stay. Only under its lease.
    pub async fn detach(&self, database: &DatabaseName) -> Result<(), CatalogError> {
        // The attachment first: whoever reads in between sees a database that nobody protects, which is what it is.
        for key in [layout::attachment(database), layout::state(database)] {
            let doing = format!("delete `{key}`");
            self.store().delete(std::slice::from_ref(&key)).await.map_err(CatalogError::store(doing))?;
        }
        Ok(())
    }

    /// How `database` has fared; a blank state when nothing was noted, and when what was noted is damaged: what is planned
    /// is then due, and the run that takes it writes a new one. One that a newer jagad wrote is left as it is, and the backups
    /// say when the last runs were.
    pub async fn state(&self, database: &DatabaseName) -> Result<State, CatalogError> {
        match self.changeable_state(database).await {
            Err(CatalogError::UnknownFormat { .. }) => self.foreign_state(database).await,
            found => found,
        }
    }

    /// As [`Catalog::state`], for a change that somebody asked for: where a newer jagad wrote the state it could not be kept,
    /// and that is an error.
    pub async fn changeable_state(&self, database: &DatabaseName) -> Result<State, CatalogError> {
        let key = layout::state(database);
        match record::read(self.store().as_ref(), &key).await {
            Ok(found) => Ok(found.unwrap_or_default()),
            // A database must not stay without backups because nobody can read how the last ones went.
            Err(error @ CatalogError::Damaged { .. }) => {
                tracing::warn!("{error}: failures and pauses of `{database}` are forgotten");
                Ok(State::default())
            }
            Err(error) => Err(error),
        }
    }

    /// What the keys of the backups tell of runs whose state cannot be read.
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

    /// Writes how `database` has fared, but never over what a newer jagad wrote. Only under its lease.
    pub async fn write_state(&self, database: &DatabaseName, state: &State) -> Result<(), CatalogError> {
        if state.foreign {
            return Ok(());
        }
        let key = layout::state(database);
        record::write(self.store().as_ref(), &key, state, ObjectRole::Mutable).await
    }
}
