//! Global flags.

use super::commands::Command;
use crate::config::{LogFormat, LogLevel};
use clap::{Args, Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Backs up databases to S3-compatible storage and gets them back.
///
/// One declarative TOML inventory, one streaming pipeline per backup, every fact in the bucket: no daemon and no local
/// state. Start with `jagad config init`, `jagad check`, `jagad backup --all`.
#[derive(Debug, Parser)]
#[command(name = "jagad", version, propagate_version = false, max_term_width = 100)]
#[command(after_long_help = EXIT_CODES)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0  done                                   6  refused, or not confirmed
  1  the operation failed                   7  a tool, version or privilege is missing
  2  usage or configuration                10  the store cannot be reached or denies access
  3  partial: some failed                  11  busy: another run holds the database
  4  integrity: data is not what it was    12  a key is missing or wrong
  5  not found                             13  the policy is paused, nothing ran
 20  status --check: something is wrong    14  the store or a disk is full
129/130/143  interrupted
New codes may appear; treat an unknown one as failure.";

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

    /// How long work is shown on standard error
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "HOW")]
    pub progress: ProgressStyle,

    /// Colours on standard error and in tables
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,

    /// Answer yes to every question
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Backups at once [default: settings.max_concurrent]
    #[arg(short, long, global = true, value_name = "N", env = "JAGAD_MAX_CONCURRENT",
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: Option<u32>,

    /// Wait so long for a busy database or a free slot, for example 10m [default: settings.lock_wait]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<Duration>,

    /// Stop a backup that takes longer, for example 6h [default: settings.timeout]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,

    /// Tell no notifier
    #[arg(long, global = true)]
    pub no_notify: bool,

    /// Say more (-vv for everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Log level, instead of -v and -q
    #[arg(long, global = true, value_parser = word::<LogLevel>, value_name = "error|warn|info|debug|trace")]
    pub log_level: Option<LogLevel>,

    /// Form of log lines
    #[arg(long, global = true, value_parser = word::<LogFormat>, value_name = "text|json")]
    pub log_format: Option<LogFormat>,

    /// Append the log to a file as well
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

/// How long work is shown.
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

/// A word of a closed set that the configuration knows too.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// A length of time as in the configuration.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<crate::model::Period>().map(|period| period.0).map_err(|error| error.to_string())
}
