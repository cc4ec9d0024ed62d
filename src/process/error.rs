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
    #[error("{label} failed with exit status {status}: {}", gist(.stderr))]
    Failed {
        /// For people: "pg_dump".
        label: String,
        /// Exit status; 128 + signal number when a signal ended it.
        status: i32,
        /// Its standard error, secrets redacted; of a long one the beginning and the end.
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
    /// It printed more than its output limit.
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

/// Limits of what is shown of a tool's standard error.
const GIST_LINES: usize = 6;
const GIST_CHARS: usize = 1000;

/// Whether this line of a tool's standard error reports an error.
fn is_error(line: &str) -> bool {
    let marked = |word: &str| {
        line.match_indices(word).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            before.is_none_or(|c| !c.is_alphanumeric()) && matches!(after, Some(':' | ' '))
        })
    };
    ["ERROR", "FATAL", "PANIC"].iter().any(|word| marked(word))
        || ["error:", "Error:", "fatal:", "rror number"].iter().any(|word| line.contains(word))
}

/// A tool's standard error on one line: the first line that reports an error and what follows it, or else the last
/// three lines.
fn gist(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.iter().position(|line| is_error(line)).unwrap_or(lines.len().saturating_sub(3));
    let shown = &lines[from..(from + GIST_LINES).min(lines.len())];
    if shown.is_empty() {
        return "it said nothing".to_owned();
    }
    let text = shown.join("; ");
    let more = shown.len() < lines.len() - from || text.chars().count() > GIST_CHARS;
    let text: String = text.chars().take(GIST_CHARS).collect();
    if more { format!("{text} …") } else { text }
}

/// Which side of a feed failed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The input stream failed; the tool was killed.
    #[error("the stream for {label} failed")]
    Body {
        /// For people: "pg_restore".
        label: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The tool failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_shown_with_what_follows_it() {
        let restore = "pg_restore: connecting\npg_restore: error: could not execute query: ERROR:  type \"x\" does not exist\n\
                       Command was: CREATE TABLE public.t (\n    x \"text\",\n    arr \"text\"[]\n);\n\n";
        assert_eq!(
            gist(restore),
            "pg_restore: error: could not execute query: ERROR:  type \"x\" does not exist; Command was: CREATE TABLE public.t (; \
             x \"text\",; arr \"text\"[]; );"
        );
        assert_eq!(gist("a\nb\nERROR 1045 (28000): Access denied\n"), "ERROR 1045 (28000): Access denied");
        assert_eq!(gist("mysqldump: Got error: 1146: no table\n"), "mysqldump: Got error: 1146: no table");
        assert_eq!(gist("one\ntwo\nthree\nfour\n"), "two; three; four");
        assert_eq!(gist(" \n"), "it said nothing");
    }

    #[test]
    fn a_gist_is_short_and_says_that_there_is_more() {
        let long = format!("psql:1: ERROR:  no\n{}", "detail\n".repeat(100));
        assert_eq!(gist(&long), "psql:1: ERROR:  no; detail; detail; detail; detail; detail …");
        assert!(gist(&format!("error: {}", "ä".repeat(5000))).chars().count() < GIST_CHARS + 5);
    }
}
