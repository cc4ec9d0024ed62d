//! `jagad policy`: which databases are protected, and how they fare.

mod apply;
mod attach;
mod report;
mod switch;

pub use apply::{Applied, ApplyRequest, Change, apply};
pub use attach::{AttachRequest, Attached, Attachments, Detached, attach, detach};
pub use report::{Copy, PolicyReport, PolicySummary, Summary, Unknown, WardReport, list, show};
pub use switch::{Missed, SwitchReport, SwitchRequest, Turned, pause, resume};

use super::lease_guard::{LeaseRequest, acquire_lease};
use super::{App, Failure, RunLog};
use crate::catalog::lease::Operation;
use crate::catalog::{Catalog, Lease};
use crate::config::DatabaseEntry;
use std::time::Duration;

/// Takes the lease on an entry to change how it is protected.
async fn hold_for_policy(
    app: &App,
    catalog: &Catalog,
    entry: &DatabaseEntry,
    (wait, log): (Duration, &RunLog),
) -> Result<Lease, Failure> {
    let purpose = LeaseRequest { operation: Operation::Policy, backup: None, makes: None, wait, log };
    acquire_lease(app, catalog, entry, &purpose).await
}
