//! The two output streams of the process, and confirmations by a user at a terminal.

use super::draw::Draw;
use super::lines::{Lines, talk};
use super::log::{self, LogOptions, Plain};
use super::page::Page;
use super::plain;
use super::progress::{self, Style};
use crate::cli::args::{ColorChoice, Global, ProgressStyle};
use crate::commands::{Class, Confirmation, Failure, Progress, Task, Tone, Watch};
use crate::config::{LogFormat, LogLevel};
use indicatif::{MultiProgress, ProgressDrawTarget};
use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;

/// How to print and log.
#[derive(Debug, Clone)]
pub struct Options {
    json: bool,
    yes: bool,
    style: Style,
    level: LogLevel,
    format: LogFormat,
    file: Option<PathBuf>,
    plain: bool,
    coloured: bool,
}

impl Options {
    /// What the flags ask for; `configured` applies where they are not given.
    pub fn new(global: &Global, configured: Option<&crate::config::LogSettings>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let style = match global.progress {
            ProgressStyle::Auto if terminal && !global.quiet => Style::Bar,
            ProgressStyle::Auto if !global.quiet => Style::Plain,
            ProgressStyle::Auto | ProgressStyle::None => Style::None,
            ProgressStyle::Bar => Style::Bar,
            ProgressStyle::Plain => Style::Plain,
            ProgressStyle::Json => Style::Json,
        };
        let spoken = match (global.quiet, global.verbose) {
            (true, _) => Some(LogLevel::Warn),
            (false, 0) => None,
            (false, 1) => Some(LogLevel::Debug),
            (false, _) => Some(LogLevel::Trace),
        };
        Self {
            json: global.json,
            yes: global.yes,
            style,
            level: global.log_level.or(spoken).or(configured.map(|log| log.level)).unwrap_or(LogLevel::Info),
            format: global.log_format.or(configured.map(|log| log.format)).unwrap_or(LogFormat::Text),
            file: global.log_file.clone().or_else(|| configured.and_then(|log| log.file.clone())),
            plain: terminal,
            coloured: match global.color {
                ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
                ColorChoice::Always => true,
                ColorChoice::Never => false,
            },
        }
    }
}

/// Standard output and standard error.
#[derive(Debug)]
pub struct Terminal {
    options: Options,
    bars: MultiProgress,
}

impl Terminal {
    /// Starts logging and opens the streams. Fails when the log file cannot be opened.
    pub fn start(options: Options) -> Result<Self, Failure> {
        let target = match options.style {
            Style::Bar => ProgressDrawTarget::stderr(),
            _ => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        let log = LogOptions {
            level: options.level,
            format: options.format,
            file: options.file.as_deref(),
            plain: Plain { stamped: !options.plain, coloured: options.coloured },
        };
        let page = match options.format {
            LogFormat::Text => Page::of_talk(),
            LogFormat::Json => Page::ENDLESS,
        };
        log::start(&log, Lines { bars: bars.clone(), page }).map_err(|error| {
            Failure::from(error).doing("open the log file").help("Check --log-file or log.file.")
        })?;
        Ok(Self { options, bars })
    }

    /// Shows a report on standard output and returns the class that decides the exit code.
    pub fn show(&self, report: &dyn Draw) -> Result<Option<Class>, Failure> {
        if self.options.json {
            print_json(&report.json())
        } else {
            print_wrapped(&report.human(Page::of_output()))
        }?;
        Ok(report.verdict())
    }

    /// Shows a failure: on standard error for people, and on standard output as JSON where data was to be JSON.
    pub fn fail(&self, failure: &Failure) {
        if self.options.json {
            let text = serde_json::json!({ "error": super::draw::failure(failure) });
            let _ = print_json(&format!("{text:#}\n"));
        }
        let text = describe(failure, self.options.coloured);
        self.bars.suspend(|| talk(&Page::of_talk().wrap(&text)));
    }
}

/// A failure for people: the chain of errors on one line, and the help on lines of its own.
pub(super) fn describe(failure: &Failure, coloured: bool) -> String {
    let (red, cyan, reset) = if coloured { ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m") } else { ("", "", "") };
    let mut text = format!("{red}error:{reset} {}\n", plain::visible(&failure.message()));
    for line in failure.help.iter().flat_map(|help| help.lines()) {
        text.push_str(&format!("{cyan} help:{reset} {}\n", plain::visible(line)));
    }
    text
}

/// Shows a failure before the terminal is set up.
pub fn print_failure(failure: &Failure) {
    talk(&Page::of_talk().wrap(&describe(failure, false)));
}

/// Writes text for people to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    write(plain::visible(text).as_bytes())
}

/// Writes a report to standard output, wrapped to its width.
fn print_wrapped(text: &str) -> Result<(), Failure> {
    print(&Page::of_output().wrap(text))
}

/// Writes JSON to standard output.
pub fn print_json(text: &str) -> Result<(), Failure> {
    write(plain::json(text).as_bytes())
}

/// Writes our own output to standard output. A closed pipe (`| head`) is not an error.
pub fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::from(error).doing("write to standard output"))
        }
        _ => Ok(()),
    }
}

impl Watch for Terminal {
    fn say(&self, tone: Tone, line: &str) {
        match tone {
            Tone::Info => tracing::info!(target: "jagad", "{line}"),
            Tone::Warning => tracing::warn!(target: "jagad", "{line}"),
        }
    }

    fn start(&self, task: Task) -> Box<dyn Progress> {
        progress::start(self.options.style, &self.bars, task)
    }

    fn confirm(&self, question: &Confirmation) -> Result<(), Failure> {
        for fact in &question.facts {
            talk(&Page::of_talk().wrap(&format!("{}\n", plain::visible(fact))));
        }
        if self.options.yes {
            return Ok(());
        }
        let refused = |message: &str| Failure::new(Class::Refused, message);
        if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
            return Err(
                refused("not confirmed: there is no terminal to ask at").help("Add --yes if you mean it.")
            );
        }
        talk(&format!("{} [y/N] ", plain::visible(&question.question)));
        let mut answer = String::new();
        let _ = std::io::stdin().read_line(&mut answer);
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(refused("not confirmed: nothing was done")),
        }
    }
}
