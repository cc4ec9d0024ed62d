//! A backup must not be deleted while it is read: each reader writes a record beside it.

use super::{App, Class, Failure, RunLog};
use crate::catalog::{Catalog, Lease, Manifest, Operation, lease};

/// The lease of a reader, or nothing when the store accepts no writes.
pub(super) struct Reader(Option<Lease>);

/// Writes a reader's lease for `manifest`'s backup and checks that the backup still exists. A store that accepts no
/// writes is only a warning, because the backup can still be read.
pub(super) async fn announce(
    app: &App,
    catalog: &Catalog,
    manifest: &Manifest,
    operation: Operation,
    log: &RunLog,
) -> Result<Reader, Failure> {
    let lifetime = app.inventory.settings.lease_lifetime;
    let record = lease::record(operation, Some(manifest.id.clone()), app.clock.now(), lifetime);
    let reader = match catalog.announce(&manifest.database, record).await {
        Ok(lease) => Reader(Some(lease)),
        Err(error) => {
            log.warn(format!(
                "no lease protects {} while it is read, so it may be deleted during that time: {}",
                manifest.id,
                Failure::from(error).message()
            ));
            return Ok(Reader(None));
        }
    };
    match catalog.manifest(&manifest.database, &manifest.id).await {
        Ok(Some(_)) => Ok(reader),
        gone => {
            reader.finish().await;
            gone?;
            Err(Failure::new(Class::NotFound, format!("backup {} has just been deleted", manifest.id))
                .help("Choose another from `jagad list`."))
        }
    }
}

impl Reader {
    /// Removes the lease. If that fails, it expires.
    pub(super) async fn finish(self) {
        if let Some(lease) = self.0
            && let Err(error) = lease.release().await
        {
            tracing::debug!(%error, "the reader's lease was not removed and will expire");
        }
    }
}
