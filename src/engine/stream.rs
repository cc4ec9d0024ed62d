//! Where bytes of a part come from, where they go, and what is done before and after: tools mostly, and what an engine
//! says to a server itself where no tool does it exactly.

use super::EngineError;
use crate::model::ByteReader;
use crate::process::{FeedError, Runner, ToolError, ToolRun, ToolSpec};
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

/// Where the bytes of a part come from.
#[derive(Debug, Clone)]
pub enum Producer {
    /// The standard output of a tool.
    Tool(ToolSpec),
    /// The standard output of a tool, in another shape.
    Rewritten(ToolSpec, Rewrite),
    /// A stream that the engine asks the server for.
    Native(Arc<dyn Pull>),
}

/// A stream that the engine asks a server for.
#[async_trait]
pub trait Pull: Send + Sync {
    /// For plans and manifests, word by word like a command line; no secret is in it.
    fn describe(&self) -> Vec<String>;

    /// Asks for the stream. Its end of file arrives only when the server has said that it is whole; every other end is
    /// an `io::Error` that holds an [`EngineError`]. Dropping it ends the connection.
    async fn open(&self) -> Result<ByteReader<'static>, EngineError>;
}

/// Where the bytes of a part go.
#[derive(Debug, Clone)]
pub enum Consumer {
    /// The standard input of a tool.
    Tool(ToolSpec),
    /// The standard input of a tool that was told to go on after errors.
    Tolerant(ToolSpec, Tolerance),
    /// The engine itself.
    Native(Arc<dyn Push>),
}

/// What the end of a tool means that was told to go on: the errors that it passed over, or `None` when it failed.
pub type Tolerance = fn(&ToolRun) -> Option<Vec<String>>;

/// What the engine does with a stream by itself.
#[async_trait]
pub trait Push: Send + Sync {
    /// For plans, word by word like a command line; no secret is in it.
    fn describe(&self) -> Vec<String>;

    /// Takes all of `body`. The errors that were allowed and ignored come back; an error of `body` itself comes back as
    /// [`StreamError::Feed`] with [`FeedError::Body`].
    async fn take(&self, body: ByteReader<'_>) -> Result<Vec<String>, StreamError>;
}

/// A stage that changes the bytes on their way into or out of a server, and never their end or their errors.
#[derive(Clone)]
pub struct Rewrite(pub Arc<dyn for<'a> Fn(ByteReader<'a>) -> ByteReader<'a> + Send + Sync>);

/// One thing done before or after the bytes go by.
#[derive(Debug, Clone)]
pub enum Step {
    /// A tool, run to its end.
    Tool(ToolSpec),
    /// The engine itself.
    Native(Arc<dyn Action>),
}

/// What the engine does to a server by itself.
#[async_trait]
pub trait Action: Send + Sync {
    /// For plans, word by word like a command line; no secret is in it.
    fn describe(&self) -> Vec<String>;

    /// Does it.
    async fn run(&self, runner: &dyn Runner) -> Result<(), EngineError>;
}

/// Which side failed: a tool, or the engine itself.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A tool could not be started or failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// Feeding failed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Producer {
    /// Opens the stream; its end of file is the proof that it is whole.
    pub async fn open(&self, runner: &dyn Runner) -> Result<ByteReader<'static>, StreamError> {
        match self {
            Self::Tool(tool) => Ok(runner.read(tool).await?.body),
            Self::Rewritten(tool, shape) => Ok((shape.0)(runner.read(tool).await?.body)),
            Self::Native(native) => Ok(native.open().await?),
        }
    }

    /// The command line for plans and manifests; secrets are never in it.
    pub fn display_args(&self) -> Vec<String> {
        match self {
            Self::Tool(tool) | Self::Rewritten(tool, _) => tool.display_args(),
            Self::Native(native) => native.describe(),
        }
    }
}

impl Consumer {
    /// Feeds all of `body`. The errors that were ignored, where that is allowed, come back.
    pub async fn take(&self, runner: &dyn Runner, body: ByteReader<'_>) -> Result<Vec<String>, StreamError> {
        let none: Tolerance = |run| (run.status == 0).then(Vec::new);
        match self {
            Self::Tool(tool) => judge(tool, runner.feed(tool, body).await?, none),
            Self::Tolerant(tool, tolerance) => judge(tool, runner.feed(tool, body).await?, *tolerance),
            Self::Native(native) => native.take(body).await,
        }
    }

    /// As plans show it.
    pub fn shown(&self) -> Shown {
        match self {
            Self::Tool(tool) | Self::Tolerant(tool, _) => Shown::tool(tool),
            Self::Native(native) => Shown { argv: native.describe(), input: None },
        }
    }
}

/// One step as plans show it; no secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The command line, or what the engine does in its form.
    pub argv: Vec<String>,
    /// What the tool reads on standard input, when that is a script.
    pub input: Option<String>,
}

impl Shown {
    fn tool(tool: &ToolSpec) -> Self {
        let input = String::from_utf8_lossy(&tool.stdin).trim().to_owned();
        Self { argv: tool.display_args(), input: (!input.is_empty()).then_some(input) }
    }
}

fn judge(tool: &ToolSpec, run: ToolRun, tolerance: Tolerance) -> Result<Vec<String>, StreamError> {
    tolerance(&run).ok_or_else(|| {
        let label = tool.label.clone();
        ToolError::Failed { label, status: run.status, stderr: run.stderr }.into()
    })
}

impl Step {
    /// Does it; a tool that ends with another status than 0 is an error.
    pub async fn run(&self, runner: &dyn Runner) -> Result<(), StreamError> {
        match self {
            Self::Tool(tool) => runner.output(tool).await.map(|_| ()).map_err(StreamError::from),
            Self::Native(native) => Ok(native.run(runner).await?),
        }
    }

    /// As plans show it.
    pub fn shown(&self) -> Shown {
        match self {
            Self::Tool(tool) => Shown::tool(tool),
            Self::Native(native) => Shown { argv: native.describe(), input: None },
        }
    }
}

impl From<ToolSpec> for Step {
    fn from(tool: ToolSpec) -> Self {
        Self::Tool(tool)
    }
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewrite")
    }
}

impl fmt::Debug for dyn Pull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe().join(" "))
    }
}

impl fmt::Debug for dyn Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe().join(" "))
    }
}

impl fmt::Debug for dyn Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe().join(" "))
    }
}
