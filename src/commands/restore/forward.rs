//! Replays the log of changes after the databases were loaded.

use super::hooks::{self, HookPoint};
use super::load::{undo, with_heading};
use super::run::RestoreRun;
use crate::commands::{Failure, crash, replay};
use crate::engine::TargetEffect;

impl RestoreRun<'_> {
    /// Replays the log of changes, where there is one. Databases that the restore made are removed when it fails.
    pub(super) async fn replay(&self) -> Result<(), Failure> {
        let Self { app, plan, claim, log, .. } = self;
        let Some(planned) = &plan.replay else { return Ok(()) };
        claim.check().await?;
        crash::point("restore-before-log");
        let chain = replay::Chain { app, reading: self.reading, links: self.chain };
        let running = async {
            chain.run(planned, log).await?;
            for load in &plan.loads {
                hooks::run(self, load, HookPoint::AfterCount).await?;
            }
            app.cancel.check()?;
            claim.check().await
        };
        let Err(failure) = running.await else { return Ok(()) };
        for load in &plan.loads {
            if let TargetEffect::Overwrites { .. } | TargetEffect::Fills = load.plan.effect {
                log.warn(format!(
                    "`{}` is incomplete now, until a restore into it succeeds: fix the cause first",
                    load.database
                ));
            }
            for step in &load.plan.undo {
                if let Err(failure) = undo(app, step).await {
                    log.warn(format!(
                        "clean-up failed, so `{}` is left: {}",
                        load.database,
                        failure.message()
                    ));
                }
            }
        }
        Err(with_heading(failure))
    }
}
