//! Checks that the objects that the store accepted exist. An answer of 200 is not enough; a listing and a lookup prove
//! it.

use super::error::CatalogError;
use super::layout;
use super::manifest::Manifest;
use super::repository::Catalog;
use crate::store::{ObjectKey, ObjectMeta};
use futures_util::TryStreamExt as _;
use std::collections::BTreeMap;
use std::time::Duration;

/// Lookups before an object counts as missing: on some servers it becomes visible a moment later.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(300);

impl Catalog {
    /// Compares one listing of a backup's folder with what its manifest says: every segment is there, in its size.
    pub async fn prove_parts(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        let folder = layout::backup(&manifest.database, &manifest.id);
        let mut looks = 0;
        loop {
            looks += 1;
            let objects: Vec<ObjectMeta> = self
                .store()
                .list(&folder)
                .try_collect()
                .await
                .map_err(CatalogError::store(format!("list `{folder}`")))?;
            match missing(manifest, &objects) {
                None => return Ok(()),
                Some(error) if looks == LOOKS => return Err(error),
                Some(_) => tokio::time::sleep(PAUSE * looks).await,
            }
        }
    }

    /// Checks that an object that was just written exists with `bytes` bytes.
    pub(super) async fn prove(&self, key: &ObjectKey, bytes: u64) -> Result<(), CatalogError> {
        let mut looks = 0;
        loop {
            looks += 1;
            let doing = CatalogError::store(format!("check whether `{key}` exists"));
            let found = self.store().head(key).await.map_err(doing)?.map(|object| object.bytes);
            if found == Some(bytes) {
                return Ok(());
            }
            if looks == LOOKS {
                return Err(CatalogError::NotStored { key: key.clone(), problem: instead(found, bytes) });
            }
            tokio::time::sleep(PAUSE * looks).await;
        }
    }
}

fn instead(found: Option<u64>, bytes: u64) -> String {
    match found {
        None => "it is not there".to_owned(),
        Some(found) => format!("it has {found} bytes there, and {bytes} were sent"),
    }
}

/// The first segment that is missing or has another size.
fn missing(manifest: &Manifest, objects: &[ObjectMeta]) -> Option<CatalogError> {
    let there: BTreeMap<&ObjectKey, u64> = objects.iter().map(|object| (&object.key, object.bytes)).collect();
    let segments = manifest.parts.iter().flat_map(|part| &part.segments);
    segments.into_iter().find_map(|segment| {
        let found = there.get(&segment.key).copied();
        let problem = instead(found, segment.bytes);
        (found != Some(segment.bytes)).then(|| CatalogError::NotStored { key: segment.key.clone(), problem })
    })
}
