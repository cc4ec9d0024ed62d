//! Programs that jagad starts: each is described by a value and watched to its end.

mod account;
mod error;
mod group;
mod launch;
mod peer;
mod private;
mod reader;
pub mod runner;
pub mod spec;
mod stderr;
mod temporary;
mod writer;

pub use account::{give_to, is_root, program_directories, user_exists};
pub use error::{FeedError, ToolError};
pub use group::{hangup_is_ignored, wait_for_all};
pub use peer::connect_as;
pub use runner::{Runner, SystemRunner};
pub use spec::{Argument, ToolSpec};
pub use temporary::{FolderUse, TemporaryFolder, sweep_folders};

use crate::model::ByteReader;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How a tool ended.
#[derive(Debug, Clone, Default)]
pub struct ToolRun {
    /// Its standard output when it was collected ([`Runner::output`]); else empty.
    pub stdout: Vec<u8>,
    /// Its standard error, secrets redacted; of a long one the first and the last 64 KiB.
    pub stderr: String,
    /// Its exit status; 128 + signal number when a signal ended it.
    pub status: i32,
}

/// A started tool whose standard output is being read.
pub struct Running {
    /// Standard output. Its end of file arrives only after exit status 0; every other end is an `io::Error` that
    /// holds a [`ToolError`]. Dropping it stops the tool: SIGTERM to its process group, SIGKILL five seconds later.
    pub body: ByteReader<'static>,
    /// Empty until the body has ended.
    pub outcome: Arc<OnceLock<ToolRun>>,
    /// Resolves when every process of the tool is dead and its private files are gone.
    gone: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Running {
    /// Stops the tool and waits until none of its processes is left: at most a second longer than the grace period
    /// after SIGTERM.
    pub async fn stop(self) {
        let Self { body, gone, .. } = self;
        drop(body);
        let patience = group::GRACE + Duration::from_secs(1);
        let _ = tokio::time::timeout(patience, gone).await;
    }
}
