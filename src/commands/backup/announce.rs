//! One backup from its beginning to the notification of its end.

use super::announcement::{Announcement, Ended};
use super::run::BackupRun;
use super::{Choices, Ran, Report, Trigger};
use crate::catalog::{Catalog, Manifest};
use crate::commands::{App, Failure, crash, notify, verify};
use crate::config::DatabaseEntry;

/// Takes one backup, verifies it if requested, and sends the notifications, also when it could not begin. A success is
/// announced only after the verification.
pub(in crate::commands) async fn back_up(
    app: &App,
    database: &DatabaseEntry,
    choices: &Choices,
    trigger: Trigger,
) -> Result<Ran, Failure> {
    let announcement = Announcement::new(app, database, choices);
    let run = BackupRun { app, database, choices, trigger, announcement: &announcement };
    let report = match run.take().await {
        Ok(Ran::Taken(report)) => report,
        // Nothing was begun, and nothing failed.
        Ok(ran) => return Ok(ran),
        // Nothing could be tried with such a configuration: no run has failed, so there is no notification.
        Err(failure) if !notify::is_reported(&failure) => {
            announcement.unannounced().await;
            return Err(failure);
        }
        Err(failure) => {
            let again = announcement.tried_again();
            announcement.ended(Ended::Failed { failure: &failure, again }).await;
            return match again {
                Some(at) => Ok(Ran::Again(failure, at)),
                None => Err(failure),
            };
        }
    };
    let Some(level) = choices.verify else {
        announcement.ended(Ended::Succeeded(&report)).await;
        return Ok(Ran::Taken(report));
    };
    crash::point("before-verify");
    let verified = verify::of_run(app, database, &report, choices, level).await;
    announcement.counted(verified.counted);
    match verified.result {
        Ok(verification) => {
            let report = Box::new(Report { verification: Some(verification), ..*report });
            announcement.ended(Ended::Succeeded(&report)).await;
            Ok(Ran::Taken(report))
        }
        Err(failure) => {
            let again = announcement.tried_again();
            announcement
                .ended(Ended::NotVerified { failure: &failure, proven_bad: verified.proven_bad, again })
                .await;
            Ok(Ran::NotVerified(report, failure))
        }
    }
}

/// Sends the notifications of a run whose backup another process took and this one verified.
pub(in crate::commands) async fn run_verified(
    app: &App,
    database: &DatabaseEntry,
    catalog: &Catalog,
    manifest: Manifest,
    verified: verify::OfRun,
) -> Result<(), Failure> {
    let id = manifest.id.clone();
    let choices = Choices::default();
    let announcement = Announcement::new(app, database, &choices);
    announcement.of(id);
    // Another process counted and announced it.
    let counted = verified.counted.is_some();
    announcement.counted(verified.counted);
    let again = announcement.tried_again();
    match verified.result {
        Ok(verification) => {
            let report = Report {
                verification: Some(verification),
                ..Report::of(manifest, catalog.store().describe())
            };
            if counted {
                announcement.ended(Ended::Succeeded(&report)).await;
            }
            Ok(())
        }
        Err(failure) => {
            if counted {
                announcement
                    .ended(Ended::NotVerified { failure: &failure, proven_bad: verified.proven_bad, again })
                    .await;
            }
            Err(failure)
        }
    }
}
