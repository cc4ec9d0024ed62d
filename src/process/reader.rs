//! A tool's standard output as a stream that reports end of file only after the tool has succeeded.

use super::launch::RunningTool;
use super::{ToolError, ToolRun};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::process::ChildStdout;

/// How long standard output may stay open, with nothing in it, after the tool itself has ended.
const PATIENCE: Duration = Duration::from_secs(5);

type Wait<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum ReadState {
    /// Bytes may come.
    Reading { stdout: ChildStdout, tool: Option<RunningTool>, overdue: Wait<()> },
    /// The pipe has ended; the tool's exit status is not known yet.
    Ending(Wait<Result<ToolRun, ToolError>>),
    /// The tool succeeded.
    Whole,
    /// It failed. The error has been returned once.
    Broken,
}

/// Reads a tool's standard output. Dropping it stops the tool.
pub(super) struct ToolReader {
    label: String,
    state: ReadState,
    outcome: Arc<OnceLock<ToolRun>>,
}

impl ToolReader {
    pub(super) fn new(stdout: ChildStdout, tool: RunningTool) -> Self {
        let exit = tool.group.exit();
        let overdue = Box::pin(async move {
            exit.await;
            tokio::time::sleep(PATIENCE).await;
        });
        let label = tool.label.clone();
        Self {
            label,
            state: ReadState::Reading { stdout, tool: Some(tool), overdue },
            outcome: Arc::default(),
        }
    }

    /// Filled when the tool has ended, well or not.
    pub(super) fn outcome(&self) -> Arc<OnceLock<ToolRun>> {
        Arc::clone(&self.outcome)
    }

    /// Resolves when the tool is dead and reaped.
    pub(super) fn gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let gone = match &self.state {
            ReadState::Reading { tool: Some(tool), .. } => Some(tool.group.gone()),
            _ => None,
        };
        async move {
            if let Some(gone) = gone {
                gone.await;
            }
        }
    }

    fn break_off(&mut self, error: ToolError) -> Poll<io::Result<()>> {
        self.state = ReadState::Broken;
        Poll::Ready(Err(io::Error::other(error)))
    }

    /// The tool has ended: end of file when it succeeded, else its error.
    fn judge(&mut self, end: Result<ToolRun, ToolError>) -> Poll<io::Result<()>> {
        let run = match end {
            Ok(run) => run,
            Err(error) => return self.break_off(error),
        };
        let _ = self.outcome.set(run.clone());
        if run.status == 0 {
            self.state = ReadState::Whole;
            return Poll::Ready(Ok(()));
        }
        let label = self.label.clone();
        self.break_off(ToolError::Failed { label, status: run.status, stderr: run.stderr })
    }
}

impl AsyncRead for ToolReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            match &mut this.state {
                ReadState::Reading { stdout, tool, overdue } => {
                    let before = buf.filled().len();
                    match Pin::new(stdout).poll_read(cx, buf) {
                        Poll::Ready(Ok(())) if buf.filled().len() > before => return Poll::Ready(Ok(())),
                        Poll::Ready(Ok(())) => match tool.take() {
                            Some(tool) => this.state = ReadState::Ending(Box::pin(tool.end())),
                            None => this.state = ReadState::Broken,
                        },
                        Poll::Ready(Err(source)) => {
                            let label = this.label.clone();
                            return this.break_off(ToolError::Pipe { label, source });
                        }
                        Poll::Pending => {
                            ready!(overdue.as_mut().poll(cx));
                            let source = io::Error::other("its output is held open after its end");
                            let label = this.label.clone();
                            return this.break_off(ToolError::Pipe { label, source });
                        }
                    }
                }
                ReadState::Ending(end) => {
                    let end = ready!(end.as_mut().poll(cx));
                    return this.judge(end);
                }
                ReadState::Whole => return Poll::Ready(Ok(())),
                ReadState::Broken => {
                    let label = this.label.clone();
                    return Poll::Ready(Err(io::Error::other(ToolError::Cancelled { label })));
                }
            }
        }
    }
}
