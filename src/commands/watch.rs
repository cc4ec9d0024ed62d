//! The interface through which commands report while they work. The caller decides what is shown, and where.

use super::failure::Failure;
use crate::pipeline::Gauge;
use std::sync::{Arc, Mutex};

/// How serious a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Normal operation.
    Info,
    /// The work goes on, but the user should look at it.
    Warning,
}

/// A long piece of work.
#[derive(Debug, Clone)]
pub struct Task {
    /// For people: "dumping shop".
    pub label: String,
    /// Bytes to expect, where that is known.
    pub total: Option<u64>,
    /// Bytes done so far.
    pub gauge: Gauge,
}

/// A question before something harmful is done.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// What is about to happen, in lines.
    pub facts: Vec<String>,
    /// The question, answered with yes or no.
    pub question: String,
}

/// Shows progress until it is dropped.
pub trait Progress: Send {}

/// The observer of a run.
pub trait Watch: Send + Sync {
    /// Shows one line.
    fn say(&self, tone: Tone, line: &str);

    /// Starts to show a piece of work.
    fn start(&self, task: Task) -> Box<dyn Progress>;

    /// Asks for confirmation. `Ok` is yes; no, or no terminal to ask at, is a [`Failure`].
    fn confirm(&self, question: &Confirmation) -> Result<(), Failure>;
}

/// The log of one run: every line goes to the watcher at once and into the backup's log object at the end.
#[derive(Clone)]
pub struct RunLog {
    watch: Arc<dyn Watch>,
    clock: Arc<dyn crate::model::Clock>,
    lines: Arc<Mutex<String>>,
}

/// A log object never grows beyond this; later lines are counted, not kept.
const LOG_LIMIT: usize = 1 << 20;

impl RunLog {
    /// An empty log.
    pub fn new(watch: Arc<dyn Watch>, clock: Arc<dyn crate::model::Clock>) -> Self {
        Self { watch, clock, lines: Arc::default() }
    }

    /// Shows and keeps a line.
    pub fn say(&self, line: impl AsRef<str>) {
        self.add(Tone::Info, line.as_ref());
    }

    /// Shows and keeps a warning.
    pub fn warn(&self, line: impl AsRef<str>) {
        self.add(Tone::Warning, line.as_ref());
    }

    fn add(&self, tone: Tone, line: &str) {
        self.keep(match tone {
            Tone::Info => line.to_owned(),
            Tone::Warning => format!("warning: {line}"),
        });
        self.watch.say(tone, line);
    }

    /// Keeps a line that the watcher gets in another way.
    pub fn keep(&self, line: impl AsRef<str>) {
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if lines.len() < LOG_LIMIT {
            lines.push_str(&format!("{} {}\n", self.clock.now(), line.as_ref()));
        }
    }

    /// Keeps a failure that the watcher gets in another way, with the kept standard error of the tool that failed: the
    /// message has only a summary of it.
    pub fn keep_failure(&self, heading: &str, failure: &Failure) {
        for line in failure.tool_output().unwrap_or_default().lines() {
            self.keep(format!("TOOL: {line}"));
        }
        self.keep(format!("{heading}: {}", failure.message()));
    }

    /// Everything kept so far.
    pub fn text(&self) -> String {
        self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}
