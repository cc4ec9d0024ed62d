//! The parts of a restore, one after the other.

use super::outcome::{FailedLoad, Loaded};
use super::run::RestoreRun;
use super::{OnFailure, RestoreChecks};
use crate::commands::{Class, Failure};
use crate::model::PartKind;

impl RestoreRun<'_> {
    /// Loads part after part. Each becomes visible by itself, whole. The first that fails stops the rest, unless the request
    /// says otherwise of databases.
    pub(super) async fn load_all(&self) -> Result<Loaded, Failure> {
        if self.request.proof == RestoreChecks::Full {
            self.prove().await?;
        }
        let mut loaded = Loaded { failed: self.plan.refused.clone(), ..Loaded::default() };
        let mut done = Vec::new();
        for planned in &self.plan.loads {
            self.app.cancel.check()?;
            self.claim.check().await?;
            match self.load(planned).await {
                Ok(part) => {
                    loaded.add(&planned.database, part);
                    done.push(planned.database.as_str());
                }
                Err(failure) if self.goes_on(planned.part.kind, &failure) => {
                    self.log.keep_failure(&format!("RESTORE: `{}` failed", planned.database), &failure);
                    loaded.failed.push(FailedLoad::new(&planned.database, &failure));
                }
                Err(failure) if done.is_empty() => return Err(failure),
                Err(failure) => {
                    return Err(failure.doing(format!("{} restored before this failed", done.join(", "))));
                }
            }
        }
        self.settle(&loaded.failed).await;
        Ok(loaded)
    }

    /// Whether the rest is restored after `failure`. Who stopped the run, or took its target away, meant all of it.
    fn goes_on(&self, kind: PartKind, failure: &Failure) -> bool {
        let stopped = matches!(failure.class, Class::Interrupted(_) | Class::Busy);
        self.request.on_failure == OnFailure::GoOn && kind == PartKind::Database && !stopped
    }
}
