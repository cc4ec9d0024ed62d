//! How the parts of a backup reach the merge.

use super::feed::feed;
use super::problem::damaged;
use super::source::SourceConfiguration;
use super::work::{Turn, Work};
use crate::engine::{Action, EngineError, Push, StreamError};
use crate::model::ByteReader;
use crate::process::{FeedError, Runner};
use async_trait::async_trait;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncReadExt as _;

/// Three files that people write.
const CONFIGURATION_LIMIT: u64 = 16 << 20;

/// One archive.
pub(super) struct ArchivePush {
    pub(super) work: Arc<Mutex<Work>>,
    pub(super) folder: PathBuf,
    pub(super) turn: Turn,
}

#[async_trait]
impl Push for ArchivePush {
    fn describe(&self) -> Vec<String> {
        vec!["merge".to_owned(), self.turn.archive.to_string(), self.folder.display().to_string()]
    }

    async fn take(&self, body: ByteReader<'_>) -> Result<Vec<String>, StreamError> {
        let (work, turn) = (Arc::clone(&self.work), self.turn);
        let label = format!("`{}`", self.folder.display());
        feed(body, label, move |pieces| {
            work.lock().unwrap_or_else(PoisonError::into_inner).read(turn, pieces)
        })
        .await?;
        Ok(Vec::new())
    }
}

/// The record of the source's configuration.
pub(super) struct ConfigurationPush {
    pub(super) work: Arc<Mutex<Work>>,
    pub(super) folder: PathBuf,
}

#[async_trait]
impl Push for ConfigurationPush {
    fn describe(&self) -> Vec<String> {
        vec!["configure".to_owned(), self.folder.display().to_string()]
    }

    async fn take(&self, body: ByteReader<'_>) -> Result<Vec<String>, StreamError> {
        let mut text = Vec::new();
        let read = body.take(CONFIGURATION_LIMIT).read_to_end(&mut text).await;
        read.map_err(|source| FeedError::Body { label: self.folder.display().to_string(), source })?;
        let configuration: SourceConfiguration = serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("the record of the server's configuration: {error}")))?;
        self.work.lock().unwrap_or_else(PoisonError::into_inner).configuration = Some(configuration);
        Ok(Vec::new())
    }
}

/// The last step.
pub(super) struct Finish {
    pub(super) work: Arc<Mutex<Work>>,
    pub(super) folder: PathBuf,
}

#[async_trait]
impl Action for Finish {
    fn describe(&self) -> Vec<String> {
        vec!["complete".to_owned(), self.folder.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        let work = Arc::clone(&self.work);
        let finish = move || work.lock().unwrap_or_else(PoisonError::into_inner).finish();
        let finished = tokio::task::spawn_blocking(finish).await;
        let doing = || format!("complete `{}`", self.folder.display());
        finished.map_err(|error| EngineError::Read { doing: doing(), source: io::Error::other(error) })?
    }
}
