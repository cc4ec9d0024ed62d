//! The program's own parts in this process: with a clock that is set, and nobody who watches.

use jagad::commands::schedule::{Request, When};
use jagad::commands::{App, Cancel, Confirmation, Failure, Mode, Progress, Task, Tone, Watch};
use jagad::config::Inventory;
use jagad::model::{Clock, Timestamp};
use jagad::process::SystemRunner;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A clock that stands where it is set.
pub(crate) struct SetClock(Mutex<Timestamp>);

impl SetClock {
    pub(crate) fn new(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(now)))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap() = now;
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Somebody who answers each question with yes, after doing something else.
struct Slow<F>(F);

impl<F: Fn() + Send + Sync> Watch for Slow<F> {
    fn say(&self, _: Tone, _: &str) {}

    fn start(&self, _: Task) -> Box<dyn Progress> {
        Box::new(NoProgress)
    }

    fn confirm(&self, _: &Confirmation) -> Result<(), Failure> {
        self.0();
        Ok(())
    }
}

struct NoProgress;

impl Progress for NoProgress {}

/// What a command gets from outside.
pub(crate) fn app(inventory: Inventory, clock: &Arc<SetClock>) -> App {
    App {
        inventory: Arc::new(inventory),
        clock: Arc::clone(clock) as _,
        runner: Arc::new(SystemRunner),
        watch: Arc::new(Slow(|| ())),
        cancel: Cancel::default(),
        notifications: jagad::commands::notify::Notifications::Off,
        trust: jagad::commands::Trust::new(jagad::catalog::UnprovenManifests::Refused),
    }
}

/// As [`app`], for somebody who does something else before the answer to a question.
pub(crate) fn app_that_waits(
    inventory: Inventory,
    clock: &Arc<SetClock>,
    meanwhile: impl Fn() + Send + Sync + 'static,
) -> App {
    App { watch: Arc::new(Slow(meanwhile)), ..app(inventory, clock) }
}

/// A tick over everything.
pub(crate) fn whole_tick() -> Request {
    Request {
        databases: Vec::new(),
        policy: None,
        when: When::Due,
        mode: Mode::Run,
        wait: Duration::ZERO,
        jobs: 3,
        timeout: None,
        look_again: Duration::from_millis(100),
    }
}
