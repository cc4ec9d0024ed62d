//! Lets tests kill the process between two steps, and set its clock. Compiled away unless the `crash-points` feature is
//! on, which no release has.

use crate::model::{Clock, SystemClock};
use std::sync::Arc;

/// Kills this process with SIGKILL when the environment names this point: `JAGAD_CRASH_AT=point`.
#[cfg(feature = "crash-points")]
pub(super) fn point(name: &str) {
    if std::env::var("JAGAD_CRASH_AT").is_ok_and(|wanted| wanted == name) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        loop {
            std::thread::park();
        }
    }
}

/// The same for one of several numbered points: `recovery-step-3`.
#[cfg(feature = "crash-points")]
pub(super) fn numbered(name: &str, number: usize) {
    point(&format!("{name}-{number}"));
}

/// Does nothing.
#[cfg(not(feature = "crash-points"))]
pub(super) const fn point(_name: &str) {}

/// Does nothing.
#[cfg(not(feature = "crash-points"))]
pub(super) const fn numbered(_name: &str, _number: usize) {}

/// A clock with an offset.
#[cfg(feature = "crash-points")]
struct ShiftedClock {
    start: crate::model::Timestamp,
    began: std::time::Instant,
}

#[cfg(feature = "crash-points")]
impl Clock for ShiftedClock {
    fn now(&self) -> crate::model::Timestamp {
        self.start.plus(self.began.elapsed())
    }
}

/// The machine's clock, or one that the environment sets: `JAGAD_CLOCK=2026-03-29T00:59:00Z`.
#[cfg(feature = "crash-points")]
pub fn clock() -> Arc<dyn Clock> {
    let start = std::env::var("JAGAD_CLOCK").ok().and_then(|text| text.parse().ok());
    match start {
        Some(start) => Arc::new(ShiftedClock { start, began: std::time::Instant::now() }),
        None => Arc::new(SystemClock),
    }
}

/// The machine's clock.
#[cfg(not(feature = "crash-points"))]
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}
