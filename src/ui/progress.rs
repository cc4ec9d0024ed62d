//! Progress of long work: bars on a terminal, lines elsewhere.

use super::plain::{self, one_line};
use crate::commands::{Progress, Task};
use crate::model::ByteSize;
use crate::pipeline::Gauge;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle as BarStyle};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Bars that move.
    Bar,
    /// A line every so often.
    Plain,
    /// The same as JSON.
    Json,
    /// Nothing.
    None,
}

/// How often a bar is redrawn.
const BAR_TICK: Duration = Duration::from_millis(100);
/// How often a line is written.
const LINE_TICK: Duration = Duration::from_secs(10);

/// A thread that looks at the gauge until it is told to stop.
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress for Ticker {}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Nothing is shown.
struct Silent;

impl Progress for Silent {}

/// Starts to show `task`.
pub(super) fn start(style: Style, bars: &MultiProgress, task: Task) -> Box<dyn Progress> {
    match style {
        Style::None => Box::new(Silent),
        Style::Bar => Box::new(bar(bars, task)),
        Style::Plain | Style::Json => Box::new(lines(style, task)),
    }
}

fn ticker(
    every: Duration,
    mut tick: impl FnMut() + Send + 'static,
    end: impl FnOnce() + Send + 'static,
) -> Ticker {
    let (stop, stopped) = channel::<()>();
    let thread = std::thread::spawn(move || {
        while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            tick();
        }
        end();
    });
    Ticker { stop: Some(stop), thread: Some(thread) }
}

fn bar(bars: &MultiProgress, task: Task) -> Ticker {
    let bar = match task.total {
        // An estimate that is too small must not show more than 100 %.
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::no_length(),
    };
    let template = match task.total {
        Some(_) => {
            "{spinner} {msg:<22!} {wide_bar} {bytes:>10} of {total_bytes:<10} {binary_bytes_per_sec:>12} eta {eta:>3}"
        }
        None => "{spinner} {msg:<22!} {bytes:>10} {binary_bytes_per_sec:>12} {elapsed:>4}",
    };
    let style = BarStyle::with_template(template).unwrap_or_else(|_| BarStyle::default_bar());
    bar.set_style(style.progress_chars("━╸─").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
    let bar = bars.add(bar);
    bar.set_message(one_line(&task.label));
    let (moving, ending, gauge) = (bar.clone(), bar, task.gauge);
    let tick = move || {
        let bytes = gauge.bytes();
        if moving.length().is_some_and(|length| bytes > length) {
            moving.set_length(bytes);
        }
        moving.set_position(bytes);
        moving.tick();
    };
    ticker(BAR_TICK, tick, move || ending.finish_and_clear())
}

fn lines(style: Style, task: Task) -> Ticker {
    let (began, label, total, gauge) = (Instant::now(), task.label, task.total, task.gauge);
    let mut last = 0;
    let tick = move || {
        let bytes = gauge.bytes();
        let rate = (bytes - last) / LINE_TICK.as_secs();
        last = bytes;
        match style {
            Style::Json => tell_json(&label, bytes, total, rate, began.elapsed()),
            _ => tell(&label, &gauge, total, rate, began.elapsed()),
        }
    };
    ticker(LINE_TICK, tick, || {})
}

fn tell(label: &str, gauge: &Gauge, total: Option<u64>, rate: u64, elapsed: Duration) {
    let of = total.map(|total| format!(" of about {}", ByteSize(total))).unwrap_or_default();
    tracing::info!(
        target: "jagad",
        "{label}: {}{of}, {}/s, {} s so far", ByteSize(gauge.bytes()), ByteSize(rate), elapsed.as_secs()
    );
}

fn tell_json(label: &str, bytes: u64, total: Option<u64>, rate: u64, elapsed: Duration) {
    let line = serde_json::json!({
        "progress": label, "bytes": bytes, "total": total, "bytes_per_second": rate, "elapsed_s": elapsed.as_secs(),
    });
    super::lines::talk(&plain::json(&format!("{line}\n")));
}
