//! Which manifests are accepted: those that a configured key authenticates.

use super::App;
use crate::catalog::{Authenticator, Doubt, Manifest, NoKeys, Proof, UnprovenManifests};
use crate::config::Inventory;
use crate::crypto::{KeyUse, Keyring, MasterKey, Unproven};
use crate::model::{Authentication, RepositoryId};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Whether a command accepts manifests that are not authenticated, and the keys that authenticate them, read once when
/// they are first needed.
#[derive(Debug, Clone)]
pub struct Trust {
    unproven: UnprovenManifests,
    keys: Arc<OnceCell<Arc<Keys>>>,
}

/// The keys of the configuration.
#[derive(Debug)]
enum Keys {
    /// Not one of them can be read.
    Unreadable(String),
    /// Those that can be read.
    Readable(Keyring),
}

impl Trust {
    /// Accepts authenticated manifests, or all (`--allow-unauthenticated`).
    pub fn new(unproven: UnprovenManifests) -> Self {
        Self { unproven, keys: Arc::default() }
    }
}

impl App {
    /// The authenticator with the keys of this configuration. A key that cannot be read is a warning: manifests of that
    /// key are then not authenticated.
    pub(super) async fn authenticator(&self) -> Arc<dyn Authenticator> {
        if self.inventory.keys.is_empty() {
            return Arc::new(NoKeys);
        }
        let read = async || {
            Arc::new(match self.inventory.keyring().await {
                Ok(keyring) => Keys::Readable(keyring),
                Err(error) => Keys::Unreadable(error.to_string()),
            })
        };
        let keys = Arc::clone(self.trust.keys.get_or_init(read).await);
        Arc::new(OwnKeys { inventory: Arc::clone(&self.inventory), keys, unproven: self.trust.unproven })
    }
}

/// Authenticates with the keys of the configuration.
#[derive(Debug)]
struct OwnKeys {
    inventory: Arc<Inventory>,
    keys: Arc<Keys>,
    unproven: UnprovenManifests,
}

impl OwnKeys {
    /// The key for a manifest: the one that sealed the backup, that of its entry, or any that may seal.
    fn key_for<'k>(&self, keyring: &'k Keyring, manifest: &Manifest) -> Option<&'k MasterKey> {
        let entries = || keyring.entries().iter().filter(|entry| entry.usage == KeyUse::Active);
        let sealed = manifest.recipe.key_id.as_deref();
        let is_sealing = |key: &MasterKey| sealed == Some(&key.id_in(manifest.repository).to_string());
        let entry = self.inventory.databases.get(&manifest.database);
        let named = entry.and_then(|entry| self.inventory.key_of(entry).ok());
        entries()
            .find(|entry| is_sealing(&entry.key))
            .or_else(|| entries().find(|entry| Some(&entry.name) == named.as_ref()))
            .or_else(|| entries().next())
            .map(|entry| &entry.key)
    }
}

impl Authenticator for OwnKeys {
    fn authenticate(&self, manifest: &Manifest, content: &[u8]) -> Option<Authentication> {
        let problem = match self.keys.as_ref() {
            Keys::Unreadable(problem) => problem.clone(),
            Keys::Readable(keyring) => match self.key_for(keyring, manifest) {
                Some(key) => match key.authenticate(manifest.repository, content) {
                    Ok(authentication) => return Some(authentication),
                    Err(error) => error.to_string(),
                },
                None => "every key that can be read is retired".to_owned(),
            },
        };
        tracing::warn!(target: "jagad", "the manifest of {} is not authenticated: {problem}", manifest.id);
        None
    }

    fn prove(
        &self,
        repository: RepositoryId,
        content: &[u8],
        record: Result<&Authentication, &str>,
    ) -> Proof {
        match (self.keys.as_ref(), record) {
            (Keys::Unreadable(problem), _) => {
                Proof::Missing(Doubt { key_is_missing: true, problem: problem.clone() })
            }
            (_, Err(problem)) => Proof::Missing(Doubt { key_is_missing: false, problem: problem.to_owned() }),
            (Keys::Readable(keyring), Ok(record)) => match keyring.prove(repository, content, record) {
                Ok(()) => Proof::Given,
                Err(error) => Proof::Missing(Doubt {
                    // With a passphrase it is not known whether it is another one or the manifest was altered.
                    key_is_missing: match error {
                        Unproven::KeyMissing { .. } | Unproven::Derivation(_) => true,
                        Unproven::WrongCode => record.argon2id.is_some(),
                        Unproven::UnknownKind { .. } => false,
                    },
                    problem: error.to_string(),
                }),
            },
        }
    }

    fn unproven(&self) -> UnprovenManifests {
        self.unproven
    }
}
