//! Whether a run is due now.

use super::Cadence;
use crate::model::Timestamp;

/// Whether one kind of backup of one database is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It is due for this planned time. Of several missed times only the last is made up for.
    Now {
        /// When it was planned.
        planned: Timestamp,
    },
    /// It is not; the next one, if there is any.
    Later {
        /// When it is planned.
        next: Option<Timestamp>,
    },
}

/// Decides from the schedule and the last attempt. `last` is when the last run began, whatever its outcome, or when the
/// database was attached: times that were planned before are not made up for. A clock that was set back makes nothing
/// due twice.
pub fn due(cadence: &Cadence, last: Timestamp, now: Timestamp) -> Due {
    match cadence.latest(now) {
        Some(planned) if planned > last => Due::Now { planned },
        _ => Due::Later { next: cadence.next(now.max(last)) },
    }
}
