//! How a tool can fail.

use std::path::PathBuf;

/// A tool that did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The program is not there or may not be run.
    #[error("cannot start `{program}`")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended with another status than 0.
    #[error("{label} failed with exit status {status}: {}", last_lines(.stderr))]
    Failed {
        /// For people: "pg_dump".
        label: String,
        /// Exit status; 128 + signal number when a signal ended it.
        status: i32,
        /// The end of its standard error, secrets redacted.
        stderr: String,
    },
    /// It took longer than it may.
    #[error("{label} did not end within {seconds} s")]
    TimedOut {
        /// For people: "pg_dump".
        label: String,
        /// The bound.
        seconds: u64,
    },
    /// It printed more than is believable for a small answer.
    #[error("{label} answered with more than {limit} bytes")]
    TooMuchOutput {
        /// For people: "psql".
        label: String,
        /// The bound.
        limit: usize,
    },
    /// The run was cancelled.
    #[error("{label} was stopped")]
    Cancelled {
        /// For people: "pg_dump".
        label: String,
    },
    /// Talking to it failed.
    #[error("cannot talk to {label}")]
    Pipe {
        /// For people: "pg_restore".
        label: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The last three lines that are not blank, on one line: the gist of what a tool said.
fn last_lines(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        "it said nothing".to_owned()
    } else {
        lines[lines.len().saturating_sub(3)..].join("; ")
    }
}
