//! Bytes in both directions, as messages.

use super::failure::Failure;
use super::message::{self, Message};
use super::transport::Wire;
use bytes::BytesMut;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Small questions are answered at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
const READ_BUFFER_BYTES: usize = 256 << 10;

/// A connection, and what has arrived of its next message.
pub(super) struct Line {
    stream: Box<dyn Wire>,
    held: BytesMut,
    /// How long the server may be silent.
    patience: Duration,
}

impl Line {
    pub(super) fn new(stream: Box<dyn Wire>) -> Self {
        Self { stream, held: BytesMut::new(), patience: ANSWER_LIMIT }
    }

    /// With another limit of how long the server may be silent.
    pub(super) fn be_patient(&mut self, limit: Duration) {
        self.patience = limit;
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let stream = &mut self.stream;
        let sent = tokio::time::timeout(self.patience, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::Broken(format!("the connection was lost: {error}"))),
            Err(_) => Err(self.silent("takes nothing")),
        }
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> Result<Message, Failure> {
        loop {
            if let Some(message) = message::take(&mut self.held).map_err(Failure::Broken)? {
                return Ok(message);
            }
            self.held.reserve(READ_BUFFER_BYTES);
            match tokio::time::timeout(self.patience, self.stream.read_buf(&mut self.held)).await {
                Ok(Ok(1..)) => {}
                Ok(Ok(0)) => return Err(Failure::Broken("the server closed the connection".to_owned())),
                Ok(Err(error)) => return Err(Failure::Broken(format!("the connection was lost: {error}"))),
                Err(_) => return Err(self.silent("sends nothing")),
            }
        }
    }

    fn silent(&self, what: &str) -> Failure {
        Failure::Broken(format!("the server {what} for {} s", self.patience.as_secs()))
    }
}

/// A message that does not belong here.
pub(super) fn unexpected(tag: u8) -> Failure {
    Failure::Broken(format!("an unexpected message `{}`", tag.escape_ascii()))
}
