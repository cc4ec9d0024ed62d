//! Lists every backup with the records beside it, and what cannot be read.

use super::authenticity::Proof;
use super::error::CatalogError;
use super::layout::{self, Item};
use super::lease::{self, LeaseRecord, Operation};
use super::manifest::{Manifest, PinRecord};
use super::repository::Catalog;
use super::side_record::{self, SideRecord};
use super::state::is_plausible;
use super::verification::Verification;
use crate::model::{
    BackupId, BackupStatus, DatabaseName, Integrity, Timestamp, VerificationState, VerificationStatus,
};
use crate::store::ObjectKey;
use futures_util::{StreamExt as _, stream};
use std::collections::{BTreeMap, BTreeSet};

/// Manifests read at once.
const READS: usize = 32;

/// One recorded backup and what was added to it later.
#[derive(Debug, Clone)]
pub struct ListedBackup {
    /// Its manifest.
    pub manifest: Manifest,
    /// Whether the manifest is authenticated.
    pub proof: Proof,
    /// Its pin.
    pub pin: SideRecord<PinRecord>,
    /// Its last verification.
    pub verification: SideRecord<Verification>,
    /// When the verification began that is under way.
    pub verifying: Option<Timestamp>,
    /// Why its data no longer exists, if another tool keeps it and reports that.
    pub gone: Option<String>,
}

impl ListedBackup {
    /// Whether it must not be deleted. A pin that cannot be read counts as a pin.
    pub fn is_pinned(&self) -> bool {
        !matches!(self.pin, SideRecord::Absent)
    }

    /// The state of its verifications; `None` when there is nothing to verify.
    pub fn verification_state(&self) -> Option<VerificationState> {
        if self.manifest.status != BackupStatus::Success {
            return None;
        }
        if self.gone.is_some() {
            return Some(VerificationState::Gone);
        }
        if self.verifying.is_some() {
            return Some(VerificationState::Verifying);
        }
        Some(match &self.verification {
            SideRecord::Absent => VerificationState::Pending,
            SideRecord::Unreadable { .. } => VerificationState::Unknown,
            SideRecord::Known(last) if last.bad().is_some() => VerificationState::Failed,
            SideRecord::Known(last) => match last.status {
                VerificationStatus::Passed => VerificationState::Passed,
                VerificationStatus::Failed => VerificationState::Failed,
                VerificationStatus::Inconclusive => VerificationState::Inconclusive,
            },
        })
    }
}

/// A backup that is being made now, from its lease.
#[derive(Debug, Clone)]
pub struct RunningBackup {
    /// The database.
    pub database: DatabaseName,
    /// The backup, once it has an id.
    pub id: BackupId,
    /// Its lease.
    pub lease: LeaseRecord,
}

/// A backup whose manifest cannot be read.
#[derive(Debug)]
pub struct UnreadableBackup {
    /// Its database.
    pub database: DatabaseName,
    /// The backup.
    pub id: BackupId,
    /// Why it cannot be read.
    pub error: CatalogError,
    /// Whether it has a pin.
    pub pinned: bool,
}

/// Everything recorded, oldest commit first, and what could not be read.
#[derive(Debug, Default)]
pub struct Listing {
    /// Recorded backups by commit time.
    pub entries: Vec<ListedBackup>,
    /// Backups under way.
    pub running: Vec<RunningBackup>,
    /// Backups whose manifests cannot be read.
    pub unreadable: Vec<UnreadableBackup>,
}

impl Catalog {
    /// Every backup of `database`, or of all of them.
    pub async fn list(&self, database: Option<&DatabaseName>) -> Result<Listing, CatalogError> {
        let prefix = database.map_or_else(layout::databases, layout::backups);
        let mut found: BTreeMap<(DatabaseName, BackupId), Items> = BTreeMap::new();
        // One listing gives both, if it covers everything.
        let mut leased: BTreeSet<DatabaseName> = database.cloned().into_iter().collect();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((database, id, item)) = layout::backup_item(&object.key) {
                found.entry((database, id)).or_default().note(item, &object.key, object.modified);
            } else {
                leased.extend(layout::leased_database(&object.key));
            }
        }
        drop(objects);
        let mut listing = Listing { running: self.running(leased).await?, ..Listing::default() };
        let mut reads = stream::iter(found.into_iter().filter(|(_, items)| items.manifest))
            .map(|((database, id), items)| async move {
                let pinned = items.pinned;
                let entry = self.entry(&database, &id, items).await;
                (database, id, pinned, entry)
            })
            .buffer_unordered(READS);
        while let Some((database, id, pinned, entry)) = reads.next().await {
            match entry {
                Ok(Some(entry)) => listing.entries.push(entry),
                Ok(None) => {}
                Err(error) if !error.is_of_one_object() => return Err(error),
                Err(error) => listing.unreadable.push(UnreadableBackup { database, id, error, pinned }),
            }
        }
        let denied = |one: &UnreadableBackup| matches!(one.error, CatalogError::Store { .. });
        if listing.entries.is_empty()
            && !listing.unreadable.is_empty()
            && listing.unreadable.iter().all(denied)
        {
            // The store is the problem, not the objects.
            return Err(listing.unreadable.swap_remove(0).error);
        }
        self.note_gone(&mut listing.entries).await;
        listing.entries.sort_by_key(|entry| (entry.manifest.finished_at, entry.manifest.id.clone()));
        listing.unreadable.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(listing)
    }

    /// Finds out which of `entries` have lost their data, and notes that in them.
    pub(super) async fn note_gone(&self, entries: &mut [ListedBackup]) {
        let delegated = |entry: &&mut ListedBackup| {
            let manifest = &entry.manifest;
            manifest.integrity == Integrity::Delegated && manifest.status == BackupStatus::Success
        };
        let mut entries: Vec<&mut ListedBackup> = entries.iter_mut().filter(delegated).collect();
        let Some(presence) = self.presence().filter(|_| !entries.is_empty()) else { return };
        let mut gone = presence.gone(entries.iter().map(|entry| &entry.manifest).collect()).await;
        for entry in &mut entries {
            entry.gone = gone.remove(&entry.manifest.id);
        }
    }

    /// The backups of live leases on `databases`, in the order of the names.
    pub async fn running(
        &self,
        databases: BTreeSet<DatabaseName>,
    ) -> Result<Vec<RunningBackup>, CatalogError> {
        let mut surveys = stream::iter(databases)
            .map(|database| async move {
                let found = lease::survey(self.store().as_ref(), &layout::leases(&database)).await;
                found.map(|found| (database, found))
            })
            .buffered(READS);
        let mut running = Vec::new();
        while let Some(survey) = surveys.next().await {
            let (database, leases) = survey?;
            for found in leases.into_iter().filter(|found| !found.is_expired()) {
                let Ok(lease) = found.record else { continue };
                if let (Operation::Backup, Some(id)) = (lease.operation, lease.backup.clone()) {
                    running.push(RunningBackup { database: database.clone(), id, lease });
                }
            }
        }
        Ok(running)
    }

    /// One backup with the records beside its manifest. Records that cannot be read do not hide it.
    pub(super) async fn entry(
        &self,
        database: &DatabaseName,
        id: &BackupId,
        items: Items,
    ) -> Result<Option<ListedBackup>, CatalogError> {
        let Some((manifest, proof)) = self.proven(database, id).await? else { return Ok(None) };
        let store = self.store().as_ref();
        let pin = if items.pinned {
            side_record::read(store, &layout::pin(database, id)).await?
        } else {
            SideRecord::Absent
        };
        let verification = match items.verification {
            Some(found) => side_record::read(store, &found.key).await?,
            None => SideRecord::Absent,
        };
        let verifying = match items.verifying {
            Some(written) => self.verifying_since(database, id, written).await,
            None => None,
        };
        Ok(Some(ListedBackup { manifest, proof, pin, verification, verifying, gone: None }))
    }
}

/// The result of a verification, ordered by time: the greatest is the last. One whose clock was far ahead of the
/// store's is ordered before the rest, because it would hide every later one until its time comes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct VerificationItem {
    plausible: bool,
    time: Timestamp,
    key: ObjectKey,
}

/// What a listing showed of one backup.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) manifest: bool,
    pinned: bool,
    verification: Option<VerificationItem>,
    verifying: Option<Timestamp>,
}

impl Items {
    pub(super) fn note(&mut self, item: Item<'_>, key: &ObjectKey, modified: Timestamp) {
        match item {
            Item::Manifest => self.manifest = true,
            Item::Pin => self.pinned = true,
            Item::Verification(time) => {
                let found =
                    VerificationItem { plausible: is_plausible(time, modified), time, key: key.clone() };
                self.verification = self.verification.take().max(Some(found));
            }
            Item::Verifying => self.verifying = Some(modified),
            Item::Other(_) => {}
        }
    }
}
