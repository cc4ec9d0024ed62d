//! A backup must not be deleted while it is read: each reader writes a record beside it.

use super::{App, Class, Failure, RunLog};
use crate::catalog::{Catalog, Lease, Manifest, Operation, lease};

/// A reader that has announced itself, or could not.
pub(super) struct Reader(Option<Lease>);

/// Announces that `manifest`'s backup is being read, and looks whether it is still there. Where nothing may be written, which is
/// no reason not to read, that is said.
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
                "no record says that {} is being read, so it may be deleted during that time: {}",
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
    /// Takes the announcement back; one that stays runs out by itself.
    pub(super) async fn finish(self) {
        if let Some(lease) = self.0
            && let Err(error) = lease.release().await
        {
            tracing::debug!(%error, "the reader's announcement was not taken back");
        }
    }
}
