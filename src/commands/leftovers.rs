//! Removes what failed and dead runs stored. This is housekeeping: what the store does not delete is logged, shown by
//! `status` and tried again, and never prevents a backup.

use super::{App, Failure, RunLog, protection};
use crate::catalog::{Catalog, layout};
use crate::model::{BackupId, DatabaseName};
use std::time::Duration;

/// The run whose data is removed.
#[derive(Clone, Copy)]
pub(super) struct Leftovers<'a> {
    pub(super) app: &'a App,
    pub(super) catalog: &'a Catalog,
    pub(super) database: &'a DatabaseName,
    pub(super) id: &'a BackupId,
    pub(super) log: &'a RunLog,
}

impl Leftovers<'_> {
    /// Removes what a run stored that has just failed and has finished its uploads. Its manifest and its log stay.
    pub(super) async fn of_failed_run(&self) {
        if let Err(error) = self.catalog.delete_leftovers(self.database, self.id).await {
            self.tell(&format!("data of {} was not removed: {}", self.id, words(error))).await;
        }
    }

    /// Removes what a run stored that died, and aborts its uploads. Its manifest and its log stay.
    pub(super) async fn of_dead_run(&self) {
        let folder = layout::backup(self.database, self.id);
        let mut problems = Vec::new();
        match self.catalog.store().sweep_unfinished(&folder, Duration::ZERO).await {
            Ok(0) => {}
            Ok(uploads) => self.log.say(format!("aborted {uploads} unfinished uploads of {}", self.id)),
            Err(error) => {
                problems.push(format!("unfinished uploads of {} may stay: {}", self.id, words(error)));
            }
        }
        if let Err(error) = self.catalog.delete_leftovers(self.database, self.id).await {
            problems.push(format!("data of {} was not removed: {}", self.id, words(error)));
        }
        if problems.is_empty() {
            self.log.say(format!("removed what {} had stored", self.id));
            return;
        }
        self.tell(&problems.join("; ")).await;
    }

    /// Removes what an interrupted deletion left. If it had not yet deleted the manifest, nothing is removed.
    pub(super) async fn of_deletion(&self) {
        if let Err(error) = self.catalog.delete_rest(self.database, self.id).await {
            self.tell(&format!("data of the deleted {} was not removed: {}", self.id, words(error))).await;
        }
    }

    async fn tell(&self, problem: &str) {
        self.log.warn(format!("{problem}; `jagad prune` tries it again"));
        protection::note_leftovers(self.app, self.catalog, self.database, Some(problem)).await;
    }
}

fn words(error: impl Into<Failure>) -> String {
    error.into().message()
}
