//! `jagad pin` and `unpin`: protects backups from deletion.

use super::locate::locate;
use super::{App, Failure};
use crate::catalog::BackupReference;
use crate::model::{BackupId, StoreName};
use serde::Serialize;

/// The result of `pin` or `unpin`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The backup.
    pub id: BackupId,
    /// Whether it is pinned now.
    pub pinned: bool,
}

/// Protects a backup from deletion.
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

/// Removes the protection.
pub async fn unpin(
    app: &App,
    backup: &BackupReference,
    store: Option<&StoreName>,
) -> Result<Report, Failure> {
    let (catalog, entry) = locate(app, backup, store).await?;
    catalog.unpin(&entry.manifest).await?;
    Ok(Report { id: entry.manifest.id, pinned: false })
}
