//! A tool's standard input. It is closed only after the whole body has been read without an error.

use super::launch::RunningTool;
use super::{FeedError, ToolError, ToolRun};
use crate::model::ByteReader;
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::ChildStdin;

const BUFFER_BYTES: usize = 256 * 1024;

/// A tool that is being fed. Dropping it before [`Feeding::close`] kills the tool and keeps its standard input open
/// until it is dead: a tool must never mistake the end of a torn stream for the end of a whole one.
struct Feeding {
    tool: Option<RunningTool>,
    stdin: Option<ChildStdin>,
}

/// What stopped the feeding.
enum Stop {
    /// The body ended well.
    Whole,
    /// The tool reads no more.
    ToolStoppedReading,
    /// The body failed.
    Body(io::Error),
    /// Writing failed in an unusual way.
    Pipe(io::Error),
}

impl Feeding {
    async fn pump(&mut self, body: &mut ByteReader<'_>) -> Stop {
        let (Some(tool), Some(stdin)) = (self.tool.as_ref(), self.stdin.as_mut()) else {
            return Stop::ToolStoppedReading;
        };
        let mut buffer = vec![0; BUFFER_BYTES];
        let exit = tool.group.exit();
        tokio::pin!(exit);
        loop {
            let count = tokio::select! {
                read = body.read(&mut buffer) => match read {
                    Ok(0) => return Stop::Whole,
                    Ok(count) => count,
                    Err(error) => return Stop::Body(error),
                },
                _ = &mut exit => return Stop::ToolStoppedReading,
            };
            let written = tokio::select! {
                written = stdin.write_all(&buffer[..count]) => written,
                _ = &mut exit => return Stop::ToolStoppedReading,
            };
            match written {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Stop::ToolStoppedReading,
                Err(error) => return Stop::Pipe(error),
            }
        }
    }

    /// Closes standard input and waits for the tool's own end.
    async fn close(mut self) -> Result<ToolRun, ToolError> {
        drop(self.stdin.take());
        match self.tool.take() {
            Some(tool) => tool.end().await,
            None => Ok(ToolRun::default()),
        }
    }

    /// Kills the tool and waits until it is dead, before its standard input closes.
    async fn kill(mut self) {
        self.kill_holding_input();
        if let Some(tool) = self.tool.take() {
            let _ = tool.end().await;
        }
    }

    fn kill_holding_input(&mut self) {
        let (Some(tool), Some(stdin)) = (self.tool.as_ref(), self.stdin.take()) else { return };
        tool.group.kill();
        if let Ok(file) = stdin.into_owned_fd() {
            tool.group.hold(file);
        }
    }
}

impl Drop for Feeding {
    fn drop(&mut self) {
        self.kill_holding_input();
    }
}

/// Feeds all of `body` to the tool. See [`super::Runner::feed`].
pub(super) async fn feed(
    tool: RunningTool,
    stdin: ChildStdin,
    mut body: ByteReader<'_>,
) -> Result<ToolRun, FeedError> {
    let label = tool.label.clone();
    let mut feeding = Feeding { tool: Some(tool), stdin: Some(stdin) };
    match feeding.pump(&mut body).await {
        Stop::Whole => Ok(feeding.close().await?),
        Stop::Body(source) => {
            feeding.kill().await;
            Err(FeedError::Body { label, source })
        }
        Stop::Pipe(source) => {
            feeding.kill().await;
            Err(ToolError::Pipe { label, source }.into())
        }
        // It may have read all it needed, as pg_restore does with a selection: then the rest of the body must still
        // prove to be whole. If the tool failed, its own error counts, not our broken pipe.
        Stop::ToolStoppedReading => {
            let run = feeding.close().await?;
            if run.status == 0 {
                let drained = tokio::io::copy(&mut body, &mut tokio::io::sink()).await;
                drained.map_err(|source| FeedError::Body { label, source })?;
            }
            Ok(run)
        }
    }
}
