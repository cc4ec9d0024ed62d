//! When to try a request again, after which pause, and for how long in total.

use super::failure::Failure;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No pause is longer, whatever the server asks for: somebody may be waiting at a terminal.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A name that has had no address for this long is not looked up again.
const LOOKUP_BOUND: Duration = Duration::from_secs(5);

/// When many requests fail for the same reason, one warning within this time is enough.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(5);

/// Exponential pauses with full jitter.
#[derive(Debug)]
pub(super) struct RetryPolicy {
    /// Total number of tries of one request, at least 1.
    attempts: u32,
    /// Bound of the first pause; doubled each time.
    base: Duration,
    /// When a retry was last logged as a warning.
    warned: Mutex<Option<Instant>>,
}

impl RetryPolicy {
    pub(super) fn new(attempts: u32, base: Duration) -> Self {
        Self { attempts: attempts.max(1), base, warned: Mutex::default() }
    }

    /// The tries of one call, which may take `bound` in total. `what` is a verb with its object.
    pub(super) fn tries(&self, what: String, bound: Duration) -> Tries<'_> {
        Tries { retry: self, what, bound, attempts: self.attempts, made: 0, began: Instant::now() }
    }

    /// The bound of the pause after `tries` tries.
    fn longest_pause(&self, tries: u32) -> Duration {
        self.base.saturating_mul(2u32.saturating_pow(tries.saturating_sub(1))).min(LONGEST_PAUSE)
    }

    /// `chance` is from 0 to 1. A server's `Retry-After` wins over our own pause.
    fn pause(&self, tries: u32, failure: &Failure, chance: f64) -> Duration {
        let own = self.longest_pause(tries).mul_f64(chance.clamp(0.0, 1.0));
        failure.retry_after().map_or(own, |asked| asked.min(LONGEST_PAUSE))
    }

    fn warn(&self, what: &str, failure: &Failure) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let words = failure.words();
        if warned.is_some_and(|last| last.elapsed() < BETWEEN_WARNINGS) {
            tracing::debug!("{what}: {words}; trying again");
            return;
        }
        *warned = Some(Instant::now());
        tracing::warn!("{what}: {words}; trying again");
    }
}

/// The tries of one call.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    retry: &'a RetryPolicy,
    what: String,
    bound: Duration,
    attempts: u32,
    made: u32,
    began: Instant,
}

impl Tries<'_> {
    /// The same with at most `attempts` tries.
    pub(super) fn at_most(mut self, attempts: u32) -> Self {
        self.attempts = self.attempts.min(attempts);
        self
    }

    /// The time that is left for the call.
    pub(super) fn left(&self) -> Duration {
        self.bound.saturating_sub(self.began.elapsed())
    }

    /// There was progress: the count and the time start again.
    pub(super) fn moved(&mut self) {
        (self.made, self.began) = (0, Instant::now());
    }

    /// Waits before the next try. Returns `false` at once when there must be none.
    pub(super) async fn again(&mut self, failure: &Failure) -> bool {
        self.made += 1;
        if self.made >= self.attempts || !failure.is_transient(self.made) {
            return false;
        }
        let pause = self.retry.pause(self.made, failure, rand::random());
        let bound = if failure.is_lookup() { self.bound.min(LOOKUP_BOUND) } else { self.bound };
        // A try that begins shortly before the end would be given no time to succeed.
        if self.began.elapsed() + pause + bound / 8 >= bound {
            return false;
        }
        if self.made == 1 {
            self.retry.warn(&self.what, failure);
        }
        tokio::time::sleep(pause).await;
        true
    }

    /// Waits before the next lookup of an object that may become visible a moment later. `false` when it was looked up
    /// often enough.
    pub(super) async fn look_again(&mut self) -> bool {
        self.made += 1;
        let pause = self.retry.longest_pause(self.made);
        if self.made >= self.attempts || self.began.elapsed() + pause >= self.bound {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    #[test]
    fn pauses_double_up_to_a_bound_and_retry_after_wins() {
        let retry = RetryPolicy::new(8, Duration::from_millis(200));
        let slow = Failure::broken("cut");
        for (tries, milliseconds) in [(1, 200), (2, 400), (3, 800), (20, 20_000)] {
            assert_eq!(retry.pause(tries, &slow, 1.0), Duration::from_millis(milliseconds));
            assert_eq!(retry.pause(tries, &slow, 0.0), Duration::ZERO);
        }
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "3".parse().unwrap())]);
        let asked = Failure::from_answer(StatusCode::SERVICE_UNAVAILABLE, &headers, b"");
        assert_eq!(retry.pause(1, &asked, 0.5), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn a_call_ends_when_its_time_is_over_though_tries_are_left() {
        let retry = RetryPolicy::new(1000, Duration::from_millis(1));
        let (began, failure) = (Instant::now(), Failure::broken("cut"));
        let mut tries = retry.tries("list".to_owned(), Duration::from_millis(50));
        while tries.again(&failure).await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(began.elapsed() < Duration::from_secs(2));
        assert_eq!(retry.tries("x".to_owned(), Duration::from_secs(1)).at_most(1).attempts, 1);
    }
}
