//! A backup with everything that it builds on.

use super::{Class, Failure};
use crate::catalog::{Catalog, LONGEST_CHAIN, Manifest};
use crate::model::BackupStatus;

/// The chain of `manifest`: the backup itself first, its full last. An integrity failure when a link is missing, failed, or in a
/// circle: the backup cannot be restored then.
pub(super) async fn chain_of(catalog: &Catalog, manifest: &Manifest) -> Result<Vec<Manifest>, Failure> {
    let mut chain = vec![manifest.clone()];
    while let Some(parent) = chain.last().and_then(|link| link.parent.clone()) {
        if chain.len() > LONGEST_CHAIN || chain.iter().any(|link| link.id == parent) {
            return Err(broken(manifest, "its parents have no end"));
        }
        match catalog.manifest(&manifest.database, &parent).await? {
            Some(found) if found.status == BackupStatus::Success => chain.push(found),
            Some(_) => return Err(broken(manifest, &format!("{parent}, which it builds on, failed"))),
            None => return Err(broken(manifest, &format!("{parent}, which it builds on, is missing"))),
        }
    }
    match chain.last() {
        Some(last) if last.stands_alone() => Ok(chain),
        _ => Err(broken(manifest, "it builds on no full backup")),
    }
}

fn broken(manifest: &Manifest, why: &str) -> Failure {
    Failure::new(Class::Integrity, format!("backup {} does not restore: {why}", manifest.id))
        .help("Choose another from `jagad list`, and take a full backup.")
}
