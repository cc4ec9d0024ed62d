//! The parts of a restore, one after the other.

use super::load::LoadedPart;
use super::plan::RestorePlan;
use super::{OnFailure, Proof, Request};
use crate::catalog::{FailureRecord, Manifest};
use crate::commands::lease_guard::Claim;
use crate::commands::stored::Reading;
use crate::commands::{App, Class, Failure, RunLog};
use crate::model::PartKind;
use serde::Serialize;
use std::collections::BTreeMap;

/// What came of all parts.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Errors that were ignored because that was asked for.
    pub(super) ignored: Vec<String>,
    /// Rows that were counted on the target, by the logical database there.
    pub(super) rows: BTreeMap<String, u64>,
    /// What could not be restored while the others were.
    pub(super) failed: Vec<FailedLoad>,
}

/// A database that could not be restored while others were.
#[derive(Debug, Clone, Serialize)]
pub struct FailedLoad {
    /// Its name on the target.
    pub database: String,
    /// Why.
    pub error: FailureRecord,
}

impl FailedLoad {
    pub(super) fn new(database: &str, failure: &Failure) -> Self {
        Self { database: database.to_owned(), error: failure.record() }
    }
}

impl Loaded {
    /// Whether all of the backup is on the target.
    pub(super) fn is_whole(&self) -> bool {
        self.ignored.is_empty() && self.failed.is_empty()
    }

    fn add(&mut self, database: &str, part: LoadedPart) {
        self.ignored.extend(part.ignored);
        self.rows.extend(part.rows.map(|rows| (database.to_owned(), rows)));
    }
}

/// A restore under way: its target is held, and nothing on it has been touched yet.
pub(super) struct RestoreRun<'a> {
    pub(super) app: &'a App,
    pub(super) request: &'a Request,
    pub(super) plan: &'a RestorePlan,
    pub(super) manifest: &'a Manifest,
    pub(super) reading: &'a Reading<'a>,
    pub(super) claim: &'a Claim,
    pub(super) log: &'a RunLog,
}

impl RestoreRun<'_> {
    /// Loads part after part. Each becomes visible by itself, whole. The first that fails stops the rest, unless the request
    /// says otherwise of databases.
    pub(super) async fn load_all(&self) -> Result<Loaded, Failure> {
        if self.request.proof == Proof::Full {
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
