//! Creation of a repository.

use super::FORMAT;
use super::authenticity::Authenticator;
use super::error::CatalogError;
use super::layout;
use super::lease::{self, Lease, LeaseRecord, Operation};
use super::record;
use super::repository::{Catalog, Marker};
use crate::model::{DatabaseName, RepositoryId, Timestamp};
use crate::store::{ObjectRole, Store};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Catalog {
    /// Opens the repository, or writes its marker. Two first runs at once agree on one marker.
    pub async fn open_or_create(
        store: Arc<dyn Store>,
        authenticator: Arc<dyn Authenticator>,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Self, CatalogError> {
        let open = || Self::open(Arc::clone(&store), Arc::clone(&authenticator));
        match open().await {
            Err(CatalogError::NoRepository { .. }) => {}
            opened => return opened,
        }
        let record = lease::record(Operation::Create, None, now, lifetime);
        let began = Instant::now();
        let lease = loop {
            match take_creation_lease(&store, record.clone()).await {
                // Another process creates it right now, which takes a few requests; the lease of a dead one expires.
                Err(CatalogError::Busy { .. }) if began.elapsed() <= lifetime * 2 => {
                    match open().await {
                        Err(CatalogError::NoRepository { .. }) => {}
                        opened => return opened,
                    }
                    tokio::time::sleep(Duration::from_millis(rand::random_range(20..200))).await;
                }
                taken => break taken?,
            }
        };
        let opened = match open().await {
            Err(CatalogError::NoRepository { .. }) => {
                let marker =
                    Marker { format: FORMAT, repository_id: RepositoryId::random(), created_at: now };
                record::write(store.as_ref(), &layout::marker(), &marker, ObjectRole::Record).await?;
                open().await
            }
            opened => opened,
        };
        if let Err(error) = lease.release().await {
            tracing::warn!(%error, "the lease on the repository's creation was not removed; it will expire");
        }
        opened
    }
}

async fn take_creation_lease(store: &Arc<dyn Store>, record: LeaseRecord) -> Result<Lease, CatalogError> {
    let folder = layout::repository_leases();
    let subject: DatabaseName = "repository".parse().map_err(|error| CatalogError::Reference {
        text: "repository".to_owned(),
        problem: format!("{error}"),
    })?;
    match Lease::acquire_in(store, &folder, &subject, record.clone()).await {
        // A creation that died left only its lease.
        Err(CatalogError::Expired { leases, .. }) => {
            for found in leases {
                lease::end(store.as_ref(), &found.key).await?;
            }
            Lease::acquire_in(store, &folder, &subject, record).await
        }
        taken => taken,
    }
}
