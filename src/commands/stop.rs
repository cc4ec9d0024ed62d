//! Stops work: by a signal, by a deadline, or when a lease is lost.

use super::{Class, Failure};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long work may go on after a stop was requested.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// Stops every running step, and remembers which signal asked for it.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    /// Cancelled when the run must stop.
    pub token: CancellationToken,
    signal: Arc<AtomicU8>,
}

impl Cancel {
    /// Stops everything because of `signal`.
    pub fn stop(&self, signal: u8) {
        self.signal.store(signal, Ordering::SeqCst);
        self.token.cancel();
    }

    /// The failure that a stop by signal means, once one has happened.
    pub fn failure(&self) -> Option<Failure> {
        let signal = self.signal.load(Ordering::SeqCst);
        (signal != 0).then(|| {
            let name = match signal {
                1 => "SIGHUP",
                2 => "SIGINT",
                _ => "SIGTERM",
            };
            Failure::new(Class::Interrupted(signal), format!("interrupted by {name}"))
        })
    }

    /// Waits for `work` to end, but only for [`STOP_GRACE`] once `stop` is cancelled: a reader of a stream notices at
    /// once, but work after the end of the stream (a tool that builds indexes, a server that does not answer) could go
    /// on for hours. Unfinished work is dropped, and every process that it runs is ended.
    pub(crate) async fn unless_stopped<T>(
        &self,
        stop: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let overdue = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = overdue => {
                let stopped = || Failure::new(Class::Operation, "it was stopped before it ended");
                Err(self.failure().unwrap_or_else(stopped))
            }
        }
    }

    /// An error once a stop was requested; to be called between two steps.
    pub fn check(&self) -> Result<(), Failure> {
        self.failure().map_or(Ok(()), Err)
    }
}

/// A token that is cancelled when either of two is.
pub(super) fn either(one: &CancellationToken, other: &CancellationToken) -> CancellationToken {
    let both = one.child_token();
    let (fired, other) = (both.clone(), other.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = other.cancelled() => fired.cancel(),
            () = fired.cancelled() => {}
        }
    });
    both
}
