//! The limit of the upload rate.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes sent between two reads of the clock: small enough that a slow upload flows evenly.
pub(super) const SLICE: usize = 32 << 10;

/// A rate that all uploads of a store share.
#[derive(Debug)]
pub(super) struct RateLimit {
    bytes_per_second: u64,
    /// When the next slice may be sent.
    next: Mutex<Instant>,
}

impl RateLimit {
    /// `bytes_per_second` is at least 1.
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), next: Mutex::new(Instant::now()) }
    }

    /// How long `bytes` take at this rate.
    pub(super) fn time_for(&self, bytes: usize) -> Duration {
        let nanoseconds = u128::from(bytes as u64) * 1_000_000_000 / u128::from(self.bytes_per_second);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// When a slice of `bytes` that is ready at `now` may be sent; the next one may follow after the time that this one
    /// takes.
    pub(super) fn turn(&self, now: Instant, bytes: usize) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = (*next).max(now);
        *next = at + self.time_for(bytes);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_of_all_bodies_together_keep_to_the_rate() {
        let pace = RateLimit::new(1 << 20);
        let start = Instant::now() + Duration::from_secs(1);
        let turns: Vec<_> = (0..64).map(|_| pace.turn(start, SLICE) - start).collect();
        assert_eq!(turns[0], Duration::ZERO);
        assert_eq!(turns[32], Duration::from_secs(1));
        let idle = start + Duration::from_secs(60);
        assert_eq!(pace.turn(idle, SLICE), idle, "time without uploads is not saved up");
    }
}
