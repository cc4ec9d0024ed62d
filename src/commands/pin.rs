//! `jagad pin` and `unpin`: backups that nothing deletes.

use super::locate::locate;
use super::{App, Failure};
use crate::catalog::BackupReference;
use crate::model::{BackupId, StoreName};
use serde::Serialize;

/// What became of a pin.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The backup.
    pub id: BackupId,
    /// Whether it is pinned now.
    pub pinned: bool,
}

/// Keeps a backup from being deleted.
pub async fn pin(
    app: &App,
    backup: &BackupReference,
    store: Option<&StoreName>,
    note: Option<String>,
) -> Result<Report, Failure> {
    let (catalog, entry) = locate(app, backup, store).await?;
    catalog.pin(&entry.manifest, note, app.clock.now()).await?;
    Ok(Report { id: entry.manifest.id, pinned: true })
}

/// Lets it be deleted again.
pub async fn unpin(
    app: &App,
    backup: &BackupReference,
    store: Option<&StoreName>,
) -> Result<Report, Failure> {
    let (catalog, entry) = locate(app, backup, store).await?;
    catalog.unpin(&entry.manifest).await?;
    Ok(Report { id: entry.manifest.id, pinned: false })
}
