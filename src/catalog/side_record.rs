//! The small records beside a manifest: pins, verifications, and the mark of one that is under way. One that cannot be
//! read does not make the backup unreadable.

use super::error::CatalogError;
use super::manifest::{Manifest, PinRecord};
use super::repository::Catalog;
use super::verification::Verification;
use super::{FORMAT, layout, lease, record};
use crate::model::{BackupId, DatabaseName, Timestamp, VerifyLevel};
use crate::store::{ObjectRole, Store, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A record beside a manifest, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SideRecord<T> {
    /// There is none.
    Absent,
    /// What it says.
    Known(T),
    /// It exists and cannot be read.
    Unreadable {
        /// Why.
        unreadable: String,
    },
}

impl<T> SideRecord<T> {
    /// Its content, if it can be read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(record) => Some(record),
            Self::Absent | Self::Unreadable { .. } => None,
        }
    }

    /// Why it cannot be read, if so.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Unreadable { unreadable } => Some(unreadable),
            Self::Absent | Self::Known(_) => None,
        }
    }
}

/// The mark of a verification that is under way. Like a lease, it has expired when it was not rewritten for
/// `lifetime_seconds`.
#[derive(Debug, Serialize, Deserialize)]
struct VerifyingRecord {
    format: u32,
    host: String,
    pid: u32,
    level: VerifyLevel,
    started: Timestamp,
    lifetime_seconds: u64,
}

/// Reads a record beside a manifest; an error only when the store itself fails.
pub(super) async fn read<T: DeserializeOwned>(
    store: &dyn Store,
    key: &crate::store::ObjectKey,
) -> Result<SideRecord<T>, CatalogError> {
    match record::read(store, key).await {
        Ok(Some(record)) => Ok(SideRecord::Known(record)),
        Ok(None) => Ok(SideRecord::Absent),
        Err(error) if error.is_of_one_object() => {
            Ok(SideRecord::Unreadable { unreadable: error.with_cause() })
        }
        Err(error) => Err(error),
    }
}

/// The mark of a verification, renewed until it is removed.
#[derive(Debug)]
pub struct VerifyingMark {
    renewal: JoinHandle<()>,
}

impl Drop for VerifyingMark {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Catalog {
    /// Pins a backup, which protects it from deletion. An existing pin stays as it is.
    pub async fn pin(
        &self,
        manifest: &Manifest,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let key = layout::pin(&manifest.database, &manifest.id);
        let pin = PinRecord { format: FORMAT, pinned_at: now, host: lease::host_name(), note };
        match record::write(self.store().as_ref(), &key, &pin, ObjectRole::Mutable).await {
            Err(CatalogError::Store { source: StoreError::AlreadyExists { .. }, .. }) => Ok(()),
            Ok(()) => self.prove(&key, record::print(&pin).len() as u64).await,
            failed => failed,
        }
    }

    /// Removes the pin; a missing pin is success.
    pub async fn unpin(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        let key = layout::pin(&manifest.database, &manifest.id);
        let doing = format!("delete pin `{key}`");
        self.store().delete(std::slice::from_ref(&key)).await.map_err(CatalogError::store(doing))
    }

    /// Merges the result of a verification with the last one of the backup, writes it and returns what was written.
    pub async fn record_verification(
        &self,
        manifest: &Manifest,
        result: Verification,
    ) -> Result<Verification, CatalogError> {
        let (database, id) = (&manifest.database, &manifest.id);
        // Another verification may have ended since this one began.
        let before = self.find_entry(database, id).await?.map(|entry| entry.verification);
        let result = result.after(before.as_ref().and_then(SideRecord::known));
        let key = layout::verification(database, id, result.verified_at);
        record::write(self.store().as_ref(), &key, &result, ObjectRole::Mutable).await?;
        Ok(result)
    }

    /// Marks a backup as being verified until [`Catalog::unmark_verifying`]. It is only information for people, so a
    /// failure is only logged.
    pub async fn mark_verifying(
        &self,
        manifest: &Manifest,
        level: VerifyLevel,
        now: Timestamp,
        lifetime: Duration,
    ) -> VerifyingMark {
        let record = VerifyingRecord {
            format: FORMAT,
            host: lease::host_name(),
            pid: std::process::id(),
            level,
            started: now,
            lifetime_seconds: lifetime.as_secs().max(1),
        };
        let key = layout::verifying(&manifest.database, &manifest.id);
        let store = Arc::clone(self.store());
        let write = async move || {
            if let Err(error) = record::write(store.as_ref(), &key, &record, ObjectRole::Mutable).await {
                tracing::debug!(%error, "the record of the running verification was not written");
            }
        };
        write().await;
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lifetime / 3).await;
                write().await;
            }
        });
        VerifyingMark { renewal }
    }

    /// Removes the mark.
    pub async fn unmark_verifying(&self, manifest: &Manifest, mark: VerifyingMark) {
        mark.renewal.abort();
        let key = layout::verifying(&manifest.database, &manifest.id);
        if let Err(error) = self.store().delete(std::slice::from_ref(&key)).await {
            tracing::debug!(%error, "the mark of a verification was not removed; it will expire");
        }
    }

    /// When the verification began whose mark was last written at `written`. A mark that cannot be read counts as none.
    pub(super) async fn verifying_since(
        &self,
        database: &DatabaseName,
        id: &BackupId,
        written: Timestamp,
    ) -> Option<Timestamp> {
        let key = layout::verifying(database, id);
        let record: VerifyingRecord = record::read(self.store().as_ref(), &key).await.ok()??;
        let now = self.store().clock().await.ok()?;
        (now.since(written).as_secs() <= record.lifetime_seconds).then_some(record.started)
    }
}
