//! Starting tools for real.

use super::{Running, ToolError, ToolRun, ToolSpec};
use crate::model::ByteReader;
use async_trait::async_trait;

/// The only way to start a program.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Starts `tool` and gives its standard output as a stream that is whole only after exit status 0.
    async fn read(&self, tool: &ToolSpec) -> Result<Running, ToolError>;

    /// Starts `tool` and feeds it all of `body`. Its standard input is closed only after `body` has proven to be
    /// whole; if `body` fails, the tool is killed first, so that it never takes a torn input for a whole one, and
    /// that error comes back inside [`FeedError::Body`]. Says how the tool ended, whatever its status.
    async fn feed(&self, tool: &ToolSpec, body: ByteReader<'_>) -> Result<ToolRun, FeedError>;

    /// Runs `tool` to its end and collects at most 16 MiB of standard output. A status other than 0 is an error.
    async fn output(&self, tool: &ToolSpec) -> Result<ToolRun, ToolError>;
}

/// Which side of a feed failed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The stream that was to be fed failed; the tool was killed.
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

/// Runs programs on this machine.
#[derive(Debug, Clone)]
pub struct SystemRunner;
