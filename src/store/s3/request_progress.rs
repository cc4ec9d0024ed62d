//! A request under way: when it last made progress, and when it counts as stalled.

use super::rate_limit::RateLimit;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes handed to the connection at once where no rate is set.
const SLICE: usize = 256 << 10;

/// Bytes of a body that a connection may have accepted and not sent yet.
const BUFFERED_BYTES: u64 = 4 << 20;

/// When a request last made progress.
#[derive(Debug, Clone)]
pub(super) struct RequestProgress(Arc<Mutex<Instant>>);

impl RequestProgress {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moves_at(&self, time: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Resolves when there was no progress for `limit`.
    pub(super) async fn stalled(&self, limit: Duration) {
        loop {
            let end = self.last() + limit;
            if Instant::now() >= end {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }

    /// `body` in slices, each of which counts as progress, at the rate of `pace` if there is one.
    pub(super) fn slices(
        self,
        body: Bytes,
        pace: Option<Arc<RateLimit>>,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        let size = pace.as_ref().map_or(SLICE, |_| super::rate_limit::SLICE);
        stream::unfold((self, pace, body), move |(movement, pace, mut rest)| async move {
            if rest.is_empty() {
                return None;
            }
            let slice = rest.split_to(rest.len().min(size));
            movement.moves_at(Instant::now());
            if let Some(pace) = &pace {
                let turn = pace.turn(Instant::now(), slice.len());
                movement.moves_at(turn);
                tokio::time::sleep_until(turn).await;
            }
            Some((Ok(slice), (movement, pace, rest)))
        })
    }
}

/// How much longer the answer to a body of `bytes` may take than one without a body: its last bytes are still buffered
/// when the connection has accepted them.
pub(super) fn time_to_drain(bytes: usize) -> Duration {
    Duration::from_secs((bytes as u64).min(BUFFERED_BYTES) / super::request::SLOWEST_BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;

    #[tokio::test]
    async fn a_body_in_slices_is_the_same_body() {
        let body: Bytes = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        for pace in [None, Some(Arc::new(RateLimit::new(1 << 40)))] {
            let slices: Vec<_> = RequestProgress::new().slices(body.clone(), pace).collect().await;
            let together: Vec<u8> = slices.into_iter().flat_map(Result::unwrap_or_default).collect();
            assert_eq!(together, body);
        }
    }

    #[tokio::test]
    async fn what_moves_is_not_stalled() {
        let movement = RequestProgress::new();
        let later = Instant::now() + Duration::from_millis(300);
        movement.moves_at(later);
        movement.stalled(Duration::from_millis(50)).await;
        assert!(Instant::now() >= later);
    }
}
