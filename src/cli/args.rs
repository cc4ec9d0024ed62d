//! Global flags.

use crate::config::{LogFormat, LogLevel};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Configuration file [default: $JAGAD_CONFIG, ./jagad.toml, ~/.config/jagad/jagad.toml, /etc/jagad/jagad.toml]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Override one configuration key, for example --set settings.max_concurrent=1
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Print data as JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,

    /// How to show progress on standard error
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "HOW")]
    pub progress: ProgressStyle,

    /// Colours on standard error and in tables
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,

    /// Answer yes to every confirmation
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Run at most this many backups at once [default: settings.max_concurrent]
    #[arg(short, long, global = true, value_name = "N", env = "JAGAD_MAX_CONCURRENT",
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: Option<u32>,

    /// Wait this long for a busy database or a free slot, for example 10m [default: settings.lock_wait]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<Duration>,

    /// Stop a backup that takes longer, for example 6h [default: settings.timeout]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,

    /// Send no notifications
    #[arg(long, global = true)]
    pub no_notify: bool,

    /// Log more (-vv for everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Log only warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Log level, instead of -v and -q
    #[arg(long, global = true, value_parser = word::<LogLevel>, value_name = "error|warn|info|debug|trace")]
    pub log_level: Option<LogLevel>,

    /// Format of log lines
    #[arg(long, global = true, value_parser = word::<LogFormat>, value_name = "text|json")]
    pub log_format: Option<LogFormat>,

    /// Append the log to a file as well
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

/// How the progress of long work is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// Bars on a terminal, else plain lines.
    Auto,
    /// Bars.
    Bar,
    /// A line now and then.
    Plain,
    /// A line of JSON now and then.
    Json,
    /// Nothing.
    None,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A word of a closed set that the configuration uses too.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// A length of time as in the configuration.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<crate::model::Period>().map(|period| period.0).map_err(|error| error.to_string())
}
