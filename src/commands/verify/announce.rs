//! Notifications that a backup is not what it was, or could not be looked at.

use super::Request;
use crate::catalog::{Manifest, Verification};
use crate::commands::selection::select;
use crate::commands::{App, Class, Failure, notify};
use crate::notify::EventKind;

/// Tells of a verification that failed those who are told of the backup's database.
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

/// Tells that no backup could be looked at, of all databases that were asked for.
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
