//! Notifications of a restore's end, to the notifiers of its target.

use super::{Report, Request};
use crate::catalog::BackupReference;
use crate::commands::{App, Class, Failure, Mode, notify};
use crate::model::DatabaseName;
use crate::notify::EventKind;

/// Sends the notification of a restore's end. A plan is not a restore, and neither is a request that was refused before
/// it began.
pub(super) async fn ended(app: &App, request: &Request, result: &Result<Report, Failure>) {
    if request.mode == Mode::Plan {
        return;
    }
    let target = match result {
        Ok(report) => Some(&report.target),
        Err(failure) if matches!(failure.class, Class::Refused | Class::Usage) => return,
        Err(_) => request.target.as_ref().or_else(|| source(&request.backup)),
    };
    let Some(target) = target else { return };
    let Some(entry) = notify::entry(app, target).await else { return };
    let entry = &entry;
    let event = match result {
        Ok(report) => {
            let message =
                format!("{} of `{}` is restored into `{}`", report.backup, report.source, report.target);
            let event = notify::event(app, EventKind::RestoreFinished, Some(entry), &message)
                .backup(Some(&report.backup))
                .fact("status", report.status.as_str());
            match report.ignored_errors.len() {
                0 => event,
                count => event.fact("ignored errors", count),
            }
        }
        Err(failure) => {
            let event = notify::failed(app, EventKind::RestoreFailed, entry, failure);
            match &request.backup {
                BackupReference::Id(id) => event.backup(Some(id)),
                _ => event,
            }
        }
    };
    notify::send(app, entry, &event).await;
}

/// The entry of a backup, if the reference names it.
fn source(reference: &BackupReference) -> Option<&DatabaseName> {
    match reference {
        BackupReference::Latest(name) | BackupReference::At(name, _) => Some(name),
        BackupReference::Id(_) | BackupReference::Prefix(_) => None,
    }
}
