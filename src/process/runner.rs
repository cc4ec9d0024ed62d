//! Starts tools as processes of this machine.

use super::launch::{Launched, Pipes, launch};
use super::reader::ToolReader;
use super::{FeedError, Running, ToolError, ToolRun, ToolSpec, writer};
use crate::model::ByteReader;
use async_trait::async_trait;
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout};

/// The most that [`Runner::output`] collects.
pub const OUTPUT_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// The only way to start a program.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Starts `tool` and gives its standard output as a stream that is whole only after exit status 0.
    async fn read(&self, tool: &ToolSpec) -> Result<Running, ToolError>;

    /// Starts `tool` and feeds it all of `body`. Its standard input is closed only after `body` has proven to be
    /// whole; if `body` fails, the tool is killed first, so that it never mistakes a torn input for a whole one, and
    /// that error comes back inside [`FeedError::Body`]. Returns how the tool ended, whatever its status.
    async fn feed(&self, tool: &ToolSpec, body: ByteReader<'_>) -> Result<ToolRun, FeedError>;

    /// Runs `tool` to its end and collects at most 16 MiB of standard output. A status other than 0 is an error.
    async fn output(&self, tool: &ToolSpec) -> Result<ToolRun, ToolError>;
}

/// Runs programs on this machine.
#[derive(Debug, Clone)]
pub struct SystemRunner;

#[async_trait]
impl Runner for SystemRunner {
    async fn read(&self, tool: &ToolSpec) -> Result<Running, ToolError> {
        let reader = start_reading(tool)?;
        let (outcome, gone) = (reader.outcome(), Box::pin(reader.gone()));
        Ok(Running { body: Box::pin(reader), outcome, gone })
    }

    async fn feed(&self, tool: &ToolSpec, body: ByteReader<'_>) -> Result<ToolRun, FeedError> {
        let Launched { tool, stdin, .. } = launch(tool, Pipes::Input)?;
        let stdin = stdin.ok_or_else(|| no_pipe(&tool.label))?;
        writer::feed(tool, stdin, body).await
    }

    async fn output(&self, tool: &ToolSpec) -> Result<ToolRun, ToolError> {
        let reader = start_reading(tool)?;
        let outcome = reader.outcome();
        let mut stdout = Vec::new();
        let limit = OUTPUT_LIMIT_BYTES as u64 + 1;
        reader.take(limit).read_to_end(&mut stdout).await.map_err(|error| own_error(tool, error))?;
        if stdout.len() > OUTPUT_LIMIT_BYTES {
            return Err(ToolError::TooMuchOutput { label: tool.label.clone(), limit: OUTPUT_LIMIT_BYTES });
        }
        Ok(ToolRun { stdout, ..outcome.get().cloned().unwrap_or_default() })
    }
}

/// Starts `tool`, whose standard input is its text, if it has one.
fn start_reading(tool: &ToolSpec) -> Result<ToolReader, ToolError> {
    let pipes = if tool.stdin.is_empty() { Pipes::Output } else { Pipes::Both };
    let Launched { tool: running, stdin, stdout } = launch(tool, pipes)?;
    let stdout: ChildStdout = stdout.ok_or_else(|| no_pipe(&tool.label))?;
    if let Some(stdin) = stdin {
        tokio::spawn(write_text(stdin, tool.stdin.clone()));
    }
    Ok(ToolReader::new(stdout, running))
}

/// A failed write is no error here: a tool that needs all of its text fails by its exit status.
async fn write_text(mut stdin: ChildStdin, text: Vec<u8>) {
    let _ = stdin.write_all(&text).await;
}

fn own_error(tool: &ToolSpec, error: io::Error) -> ToolError {
    error
        .downcast::<ToolError>()
        .unwrap_or_else(|source| ToolError::Pipe { label: tool.label.clone(), source })
}

fn no_pipe(label: &str) -> ToolError {
    ToolError::Pipe { label: label.to_owned(), source: io::ErrorKind::BrokenPipe.into() }
}
