//! When to try a request again, and after which pause.

use super::failure::Failure;
use std::time::Duration;

/// No pause is longer, whatever the server asks for: a wait must end within sight of the person who waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Exponential pauses with full jitter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retry {
    /// Tries of one request in all, at least 1.
    pub(super) attempts: u32,
    /// Bound of the first pause; doubled each time.
    pub(super) base: Duration,
}

impl Retry {
    /// Waits before the next try, after `tries` of them. `false`, at once, when there must be none.
    pub(super) async fn again(self, tries: u32, failure: &Failure) -> bool {
        if tries >= self.attempts || !failure.is_transient(tries) {
            return false;
        }
        tokio::time::sleep(self.pause(tries, failure, rand::random())).await;
        true
    }

    /// `chance` is from 0 to 1. A server's `Retry-After` wins over the own bound.
    fn pause(self, tries: u32, failure: &Failure, chance: f64) -> Duration {
        let doubled = self.base.saturating_mul(2u32.saturating_pow(tries.saturating_sub(1)));
        let own = doubled.min(LONGEST_PAUSE).mul_f64(chance.clamp(0.0, 1.0));
        failure.retry_after().map_or(own, |asked| asked.min(LONGEST_PAUSE))
    }

    /// The same pauses with at most `attempts` tries.
    pub(super) fn at_most(self, attempts: u32) -> Self {
        Self { attempts: self.attempts.min(attempts), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    #[test]
    fn pauses_double_up_to_a_bound_and_the_servers_wish_wins() {
        let retry = Retry { attempts: 8, base: Duration::from_millis(200) };
        let slow = Failure::broken("cut");
        for (tries, milliseconds) in [(1, 200), (2, 400), (3, 800), (20, 20_000)] {
            assert_eq!(retry.pause(tries, &slow, 1.0), Duration::from_millis(milliseconds));
            assert_eq!(retry.pause(tries, &slow, 0.0), Duration::ZERO);
        }
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "3".parse().unwrap())]);
        let asked = Failure::from_answer(StatusCode::SERVICE_UNAVAILABLE, &headers, b"");
        assert_eq!(retry.pause(1, &asked, 0.5), Duration::from_secs(3));
    }
}
