//! The parts of a restore, one after the other.

use super::outcome::{FailedLoad, Loaded};
use super::plan::PlannedLoad;
use super::run::RestoreRun;
use super::{OnFailure, RestoreChecks};
use crate::commands::{Class, Failure};
use crate::model::PartKind;

impl RestoreRun<'_> {
    /// Loads part after part. Each becomes visible by itself, whole. The first that fails stops the rest, unless the request
    /// says otherwise of databases.
    pub(super) async fn load_all(&self) -> Result<Loaded, Failure> {
        let mut loaded = Loaded { failed: self.plan.refused.clone(), ..Loaded::default() };
        if self.request.proof == RestoreChecks::Full {
            loaded.failed.extend(self.prove().await?);
        }
        let proven = |planned: &&PlannedLoad| {
            let failed = |failed: &FailedLoad| failed.database == planned.database;
            planned.part.kind != PartKind::Database || !loaded.failed.iter().any(failed)
        };
        let planned: Vec<&PlannedLoad> = self.plan.loads.iter().filter(proven).collect();
        let mut done = Vec::new();
        for planned in planned {
            self.app.cancel.check()?;
            self.claim.check().await?;
            match self.load(planned).await {
                Ok(part) => {
                    loaded.add(&planned.database, part);
                    done.push(planned.database.as_str());
                }
                Err(failure) => {
                    let failed = self.without(planned, failure).map_err(|failure| match &*done {
                        [] => failure,
                        _ => failure.doing(format!("{} restored before this failed", done.join(", "))),
                    });
                    loaded.failed.push(failed?);
                }
            }
        }
        self.complete(&loaded.failed).await;
        self.replay().await?;
        self.settle(&loaded.failed).await;
        Ok(loaded)
    }

    /// Goes on without `planned`, where that was asked for; else `failure` comes back.
    pub(super) fn without(&self, planned: &PlannedLoad, failure: Failure) -> Result<FailedLoad, Failure> {
        if !self.goes_on(planned.part.kind, &failure) {
            return Err(failure);
        }
        self.log.keep_failure(&format!("RESTORE: `{}` failed", planned.database), &failure);
        Ok(FailedLoad::new(&planned.database, &failure))
    }

    /// Whether the rest is restored after `failure`: not when the run was stopped, or lost its lease.
    fn goes_on(&self, kind: PartKind, failure: &Failure) -> bool {
        let stopped = matches!(failure.class, Class::Interrupted(_) | Class::Busy);
        self.request.on_failure == OnFailure::GoOn && kind == PartKind::Database && !stopped
    }
}
