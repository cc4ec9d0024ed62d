//! Whether a run is due now.

use super::Cadence;
use crate::model::Timestamp;

/// What a tick does about one kind of backup of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It is due: the planned time that it makes up for. Of several that were missed only the last is made up for.
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

/// Looks at the plan and the last attempt. `last` is when the last run began, whatever became of it, or when the database
/// was attached: what was planned before is nobody's duty. A clock that was set back makes nothing due twice.
pub fn due(cadence: &Cadence, last: Timestamp, now: Timestamp) -> Due {
    match cadence.latest(now) {
        Some(planned) if planned > last => Due::Now { planned },
        _ => Due::Later { next: cadence.next(now.max(last)) },
    }
}
