//! The current time in the form that rust-s3's functions take.

use crate::model::{Clock as _, SystemClock, Timestamp};
use time::OffsetDateTime;

/// Now, to the second.
pub(super) fn now() -> OffsetDateTime {
    let seconds = SystemClock.now().since(Timestamp::from_unix_seconds(0)).as_secs();
    OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)
}
