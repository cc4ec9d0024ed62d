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

/// What the program's exit status means, for help and manual pages.
pub(super) const EXIT_STATUS: [(&str, &str); 16] = [
    ("0", "done"),
    ("1", "the operation failed"),
    ("2", "usage or configuration"),
    ("3", "partial: some failed"),
    ("4", "integrity: data is not what it was"),
    ("5", "not found"),
    ("6", "refused, or not confirmed"),
    ("7", "a tool, version or privilege is missing"),
    ("10", "the store cannot be reached or denies access"),
    ("11", "busy: another run holds the database"),
    ("12", "a key is missing or wrong"),
    ("13", "the policy is paused, nothing ran"),
    ("14", "the store or a disk is full"),
    ("20", "status --check: something is wrong"),
    ("129, 130, 143", "interrupted by SIGHUP, SIGINT or SIGTERM"),
    ("others", "new codes may appear: treat an unknown one as failure"),
];
