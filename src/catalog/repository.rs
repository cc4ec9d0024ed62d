//! Reads and writes the records of a repository.

use super::authenticity::{self, Authenticator, Proof, Stored, UnprovenManifests};
use super::error::CatalogError;
use super::layout;
use super::manifest::{self, Manifest};
use super::presence::Presence;
use super::record;
use crate::model::{BackupId, BackupStatus, DatabaseName, RepositoryId, Timestamp};
use crate::store::{self, ObjectKey, ObjectRole, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `jagad.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Marker {
    pub(super) format: u32,
    pub(super) repository_id: RepositoryId,
    pub(super) created_at: Timestamp,
}

/// An opened repository.
#[derive(Debug, Clone)]
pub struct Catalog {
    store: Arc<dyn Store>,
    id: RepositoryId,
    authenticator: Arc<dyn Authenticator>,
    presence: Option<Arc<dyn Presence>>,
}

impl Catalog {
    /// Opens the repository in `store`; [`CatalogError::NoRepository`] when there is none.
    ///
    /// `authenticator` checks every manifest that is read, and authenticates those that are written.
    pub async fn open(
        store: Arc<dyn Store>,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<Self, CatalogError> {
        let key = layout::marker();
        match record::read::<Marker>(store.as_ref(), &key).await? {
            Some(marker) => Ok(Self { store, id: marker.repository_id, authenticator, presence: None }),
            None => Err(CatalogError::NoRepository { place: store.describe() }),
        }
    }

    /// With a [`Presence`] for backups whose data is not in this repository.
    #[must_use]
    pub fn with_presence(self, presence: Arc<dyn Presence>) -> Self {
        Self { presence: Some(presence), ..self }
    }

    /// Reports which backups have lost their data.
    pub(super) fn presence(&self) -> Option<&Arc<dyn Presence>> {
        self.presence.as_ref()
    }

    /// The repository's identity.
    pub fn id(&self) -> RepositoryId {
        self.id
    }

    /// The store underneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Writes a manifest, which makes a backup exist (or records a failure), and checks that the object exists. After
    /// an error the manifest may still be in the store: ask [`Catalog::manifest`].
    pub async fn commit(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        let key = layout::manifest(&manifest.database, &manifest.id);
        let bytes = authenticity::print(manifest, self.authenticator.as_ref());
        let length = bytes.len() as u64;
        record::write_bytes(self.store.as_ref(), &key, bytes, ObjectRole::Record).await?;
        self.prove(&key, length).await
    }

    /// Writes a backup's log. Called before the commit; a log without a manifest is garbage.
    pub async fn write_log(
        &self,
        database: &DatabaseName,
        id: &BackupId,
        text: &str,
    ) -> Result<(), CatalogError> {
        let key = layout::log(database, id);
        store::write_small(self.store.as_ref(), &key, text.as_bytes().to_vec(), ObjectRole::Record)
            .await
            .map(|_| ())
            .map_err(CatalogError::store(format!("write log `{key}`")))
    }

    /// A backup's log, `None` when it has none.
    pub async fn read_log(&self, manifest: &Manifest) -> Result<Option<String>, CatalogError> {
        let key = layout::log(&manifest.database, &manifest.id);
        match self.store.read(&key, record::RECORD_LIMIT).await {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(source) => Err(CatalogError::Store { doing: format!("read log `{key}`"), source }),
        }
    }

    /// The manifest of `id`, `None` when it is not committed. One that is not authenticated is
    /// [`CatalogError::Unproven`], unless it records a failure: that has no data.
    pub async fn manifest(
        &self,
        database: &DatabaseName,
        id: &BackupId,
    ) -> Result<Option<Manifest>, CatalogError> {
        Ok(self.proven(database, id).await?.map(|(manifest, _)| manifest))
    }

    pub(super) async fn proven(
        &self,
        database: &DatabaseName,
        id: &BackupId,
    ) -> Result<Option<(Manifest, Proof)>, CatalogError> {
        let key = layout::manifest(database, id);
        let Some(bytes) = record::read_bytes(self.store.as_ref(), &key).await? else { return Ok(None) };
        let stored = Stored::cut(bytes);
        let manifest = record::parse(&key, &stored.text)?;
        let manifest = self.check_place(&key, manifest, database, id)?;
        let proof = stored.proof(self.id, self.authenticator.as_ref());
        match &proof {
            Proof::Missing(doubt)
                if self.authenticator.unproven() == UnprovenManifests::Refused
                    && !(manifest.status == BackupStatus::Failed && manifest.parts.is_empty()) =>
            {
                let claim = Box::new(manifest);
                Err(CatalogError::Unproven { key, doubt: doubt.clone(), claim })
            }
            _ => Ok(Some((manifest, proof))),
        }
    }

    /// Refuses a manifest that was copied here from another place.
    fn check_place(
        &self,
        key: &ObjectKey,
        manifest: Manifest,
        database: &DatabaseName,
        id: &BackupId,
    ) -> Result<Manifest, CatalogError> {
        let problem = if manifest.id != *id || manifest.database != *database {
            format!("it says it is `{}` of `{}`", manifest.id, manifest.database)
        } else if manifest.repository != self.id {
            format!("it names repository {}, this is {}", manifest.repository, self.id)
        } else if let Some(key) = foreign_segment(&manifest) {
            format!("it names the object `{key}`, which is not one of its parts")
        } else {
            return Ok(manifest);
        };
        Err(CatalogError::Stranger { key: key.clone(), problem })
    }
}

/// An object that a manifest names and that is not part of its backup: one of another backup, or a record. Without this
/// check it would be read, and its name could become a file name.
fn foreign_segment(manifest: &Manifest) -> Option<&ObjectKey> {
    let folder = layout::backup(&manifest.database, &manifest.id);
    let own = |part: &manifest::Part, key: &ObjectKey| {
        key.as_str().strip_prefix(folder.as_str()).is_some_and(|file| {
            !file.contains('/') && file.starts_with(&*part.name) && !layout::is_record(file)
        })
    };
    let segments = manifest.parts.iter().flat_map(|part| part.segments.iter().map(move |one| (part, one)));
    segments.map(|(part, one)| (part, &one.key)).find(|(part, key)| !own(part, key)).map(|(_, key)| key)
}
