//! Log lines on standard error, and in a file if one is configured.

use super::lines::Lines;
use super::plain::visible;
use crate::config::{LogFormat, LogLevel};
use crate::model::{Clock as _, SystemClock};
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, filter};

/// How lines are written for people.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    /// Time and level in front of each line: not on a terminal.
    pub(super) stamped: bool,
    /// Colours.
    pub(super) coloured: bool,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        if self.stamped {
            write!(writer, "{} {level:>5} ", SystemClock.now())?;
        } else if level <= Level::WARN {
            let (word, colour) =
                if level == Level::ERROR { ("error", "\x1b[1;31m") } else { ("warning", "\x1b[1;33m") };
            if self.coloured {
                write!(writer, "{colour}{word}:\x1b[0m ")?;
            } else {
                write!(writer, "{word}: ")?;
            }
        }
        let mut text = String::new();
        context.field_format().format_fields(Writer::new(&mut text), event)?;
        writeln!(writer, "{}", visible(&text))
    }
}

/// What is logged, and where.
pub(super) struct LogOptions<'a> {
    pub(super) level: LogLevel,
    pub(super) format: LogFormat,
    pub(super) file: Option<&'a Path>,
    pub(super) plain: Plain,
}

/// Starts logging for the whole process. A log file is only ever appended to.
pub(super) fn start(options: &LogOptions<'_>, lines: Lines) -> std::io::Result<()> {
    let own = |level: LevelFilter| {
        filter::Targets::new().with_target("jagad", level).with_default(LevelFilter::WARN.min(level))
    };
    let level = match options.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let talk = tracing_subscriber::fmt::layer().with_writer(lines).with_ansi(options.plain.coloured);
    let talk = match options.format {
        LogFormat::Text => talk.event_format(options.plain).boxed(),
        LogFormat::Json => talk.json().flatten_event(true).with_target(false).boxed(),
    };
    let file = match options.file {
        None => None,
        Some(path) => {
            let file = Mutex::new(File::options().create(true).append(true).open(path)?);
            let layer = tracing_subscriber::fmt::layer().with_writer(file).with_ansi(false);
            Some(match options.format {
                LogFormat::Text => layer.event_format(Plain { stamped: true, coloured: false }).boxed(),
                LogFormat::Json => layer.json().flatten_event(true).with_target(false).boxed(),
            })
        }
    };
    tracing_subscriber::registry()
        .with(talk.with_filter(own(level)))
        .with(file.map(|layer| layer.with_filter(own(level))))
        .init();
    Ok(())
}
