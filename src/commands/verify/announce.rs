//! Notifications of failed verifications.

use super::Request;
use crate::catalog::{Manifest, Verification};
use crate::commands::selection::select;
use crate::commands::{App, Class, Failure, notify};
use crate::notify::EventKind;

/// Sends the notification of a failed verification to the notifiers of the backup's database.
pub(super) async fn ended(
    app: &App,
    manifest: &Manifest,
    result: &Result<(Verification, Option<Failure>), Failure>,
) {
    let (Ok((_, Some(failure))) | Err(failure)) = result else { return };
    if !notify::is_reported(failure) {
        return;
    }
    let Some(entry) = notify::entry(app, &manifest.database).await else { return };
    let event = notify::failed(app, EventKind::VerifyFailed, &entry, failure).backup(Some(&manifest.id));
    notify::send(app, &entry, &event).await;
}

/// Sends the notifications that no backup could be verified, for all selected databases.
pub(super) async fn not_begun(app: &App, request: &Request, failure: &Failure) {
    if failure.class == Class::NotFound || !notify::is_reported(failure) {
        return;
    }
    let Some(Ok(entries)) = request.databases.as_ref().map(|databases| select(app, databases)) else {
        return;
    };
    for entry in entries {
        let event = notify::failed(app, EventKind::VerifyFailed, entry, failure);
        notify::send(app, entry, &event).await;
    }
}
