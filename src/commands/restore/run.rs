//! A restore under way.

use super::Request;
use super::plan::RestorePlan;
use crate::catalog::Manifest;
use crate::commands::lease_guard::Claim;
use crate::commands::stored::StoredBackup;
use crate::commands::{App, RunLog};

/// A restore under way: its target is held, and nothing on it has been touched yet.
pub(super) struct RestoreRun<'a> {
    pub(super) app: &'a App,
    pub(super) request: &'a Request,
    pub(super) plan: &'a RestorePlan,
    /// The backup and what it builds on, the newest first, its full last.
    pub(super) chain: &'a [Manifest],
    pub(super) reading: &'a StoredBackup<'a>,
    pub(super) claim: &'a Claim,
    pub(super) log: &'a RunLog,
}
