//! The command line as a whole.

use super::args::Global;
use super::commands::Command;
use clap::Parser;

/// Backs up databases to S3-compatible storage and restores them.
///
/// The configuration is a TOML file, each backup is streamed, and all state is in the bucket: no daemon and no local
/// state. Start with `jagad config init`, `jagad check`, `jagad backup --all`.
#[derive(Debug, Parser)]
#[command(name = "jagad", version, propagate_version = false, max_term_width = 100)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The exit codes, for `--help`.
pub(super) const EXIT_CODES: &str = "Exit codes:
  0  done                                   6  refused, or not confirmed
  1  the operation failed                   7  a tool, version or privilege is missing
  2  usage or configuration                10  the store cannot be reached or denies access
  3  partial: some failed                  11  busy: another run holds the database
  4  integrity: data is not what it was    12  a key is missing or wrong
  5  not found                             13  the policy is paused, nothing ran
 20  status --check: something is wrong    14  the store or a disk is full
129/130/143  interrupted
New codes may appear; treat an unknown one as failure.";

/// The exit codes, for manual pages.
pub(super) const EXIT_MEANINGS: [(&str, &str); 16] = [
    ("0", "Done."),
    ("1", "The operation failed."),
    ("2", "The command line or the configuration is wrong."),
    ("3", "Partial: some failed."),
    ("4", "Integrity: data is not what it was."),
    ("5", "Not found."),
    ("6", "Refused, or not confirmed."),
    ("7", "A tool, a version or a privilege is missing."),
    ("10", "The store cannot be reached or denies access."),
    ("11", "Busy: another run holds the database."),
    ("12", "A key is missing or wrong."),
    ("13", "The policy is paused, nothing ran."),
    ("14", "The store or a disk is full."),
    ("20", "status --check: something is wrong."),
    ("129, 130, 143", "Interrupted by SIGHUP, SIGINT or SIGTERM."),
    ("others", "New codes may appear; treat an unknown one as failure."),
];
