//! The streams of a backup, handed from the connection that they arrive on to whoever reads them.

use super::start::Member;
use super::stream::BaseBackup;
use crate::engine::{EngineError, Pull};
use crate::model::ByteReader;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::io::StreamReader;

/// Where the backup is while nobody reads one of its streams. A reader takes it from here, and brings it back only at the
/// proven end of its stream: with one that is dropped before, the connection ends, and the backup with it.
#[derive(Clone)]
pub(super) struct Handover(Arc<Mutex<Option<Box<BaseBackup>>>>);

impl Handover {
    pub(super) fn new(backup: BaseBackup) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(backup)))))
    }

    pub(super) fn take(&self, address: &str) -> Result<Box<BaseBackup>, EngineError> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or_else(|| EngineError::Answer {
            question: format!("{address}: BASE_BACKUP"),
            problem: "a stream of the backup was not read to its end".to_owned(),
        })
    }

    pub(super) fn give(&self, backup: Box<BaseBackup>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(backup);
    }
}

/// One stream of a backup that is under way.
pub(super) struct Incoming {
    handover: Handover,
    address: String,
    member: Member,
}

impl Incoming {
    pub(super) fn new(handover: Handover, address: String, member: Member) -> Self {
        Self { handover, address, member }
    }
}

#[async_trait]
impl Pull for Incoming {
    fn describe(&self) -> Vec<String> {
        vec!["BASE_BACKUP".to_owned(), self.address.clone(), self.member.name()]
    }

    async fn open(&self) -> Result<ByteReader<'static>, EngineError> {
        let backup = self.handover.take(&self.address)?;
        let arriving = Arrival { handover: self.handover.clone(), backup };
        let pieces = stream::try_unfold(arriving, |arriving| async {
            arriving.next().await.map_err(io::Error::other)
        });
        Ok(Box::pin(StreamReader::new(Box::pin(pieces))))
    }
}

struct Arrival {
    handover: Handover,
    backup: Box<BaseBackup>,
}

impl Arrival {
    /// The next bytes; at the end the backup goes back to where the next stream is taken from.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, EngineError> {
        if let Some(bytes) = self.backup.read().await? {
            return Ok(Some((bytes, self)));
        }
        self.handover.give(self.backup);
        Ok(None)
    }
}
