//! An object's bytes in order, with a few ranges fetched ahead.

use super::client::Client;
use super::range::{Fetch, ObjectVersion};
use crate::model::{ByteReader, Stage, stage};
use crate::store::{ObjectKey, StoreError};
use bytes::BytesMut;
use std::collections::VecDeque;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;
use tokio_util::task::AbortOnDropHandle;

/// Bytes of one request.
const RANGE_BYTES: u64 = 8 << 20;
const BUFFER_BYTES: usize = 8 << 20;

/// Ranges in memory at once: the one that is delivered and those that are fetched ahead. With [`RANGE_BYTES`] this
/// bounds the memory of one download to 32 MiB, however slow its reader is.
const RANGES_IN_MEMORY: usize = 4;

/// See [`crate::store::Store::get`].
pub(super) async fn open(client: &Arc<Client>, key: &ObjectKey) -> Result<ByteReader<'static>, StoreError> {
    let (version, first) = Fetch::first(client, key, RANGE_BYTES).await?;
    let next = first.len() as u64;
    let mut reader = RangedReader {
        client: client.clone(),
        key: key.clone(),
        version,
        current: first,
        position: 0,
        spare: Vec::new(),
        ahead: VecDeque::new(),
        next,
        delivered: 0,
    };
    reader.fetch_ahead();
    Ok(stage::as_reader(reader))
}

/// Delivers ranges in order. Dropping it ends every request.
struct RangedReader {
    client: Arc<Client>,
    key: ObjectKey,
    version: ObjectVersion,
    /// The range that is delivered, and how much of it has been.
    current: BytesMut,
    position: usize,
    /// Buffers of delivered ranges. They are reused: if buffers were freed and allocated on changing threads, the
    /// allocator would hold several times as many.
    spare: Vec<BytesMut>,
    ahead: VecDeque<AbortOnDropHandle<Result<BytesMut, StoreError>>>,
    /// First byte that no request has been made for.
    next: u64,
    delivered: u64,
}

impl RangedReader {
    fn fetch_ahead(&mut self) {
        while self.next < self.version.bytes && self.ahead.len() + 1 < RANGES_IN_MEMORY {
            let range = self.next..(self.next + RANGE_BYTES).min(self.version.bytes);
            self.next = range.end;
            let (client, key, version) = (self.client.clone(), self.key.clone(), self.version.clone());
            let buffer = self.spare.pop().unwrap_or_else(|| BytesMut::with_capacity(BUFFER_BYTES));
            let fetch = async move { Fetch::rest(&client, &key, range, version, buffer).await };
            self.ahead.push_back(AbortOnDropHandle::new(tokio::spawn(fetch)));
        }
    }

    fn poll_range(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<BytesMut>, StoreError>> {
        let Some(front) = self.ahead.front_mut() else {
            // End of file is reported only when every byte has been delivered.
            return Poll::Ready(if self.delivered == self.version.bytes {
                Ok(None)
            } else {
                Err(self.short())
            });
        };
        let fetched = ready!(Pin::new(front).poll(cx));
        self.ahead.pop_front();
        let mut delivered = std::mem::take(&mut self.current);
        if delivered.capacity() >= BUFFER_BYTES {
            delivered.clear();
            self.spare.push(delivered);
        }
        self.fetch_ahead();
        Poll::Ready(fetched.unwrap_or_else(|_| Err(self.short())).map(Some))
    }

    fn short(&self) -> StoreError {
        let detail = format!("only {} of {} bytes came", self.delivered, self.version.bytes);
        StoreError::Broken { key: self.key.clone(), detail }
    }
}

impl Stage for RangedReader {
    fn poll_more(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.position == self.current.len() {
            match ready!(self.poll_range(cx)) {
                Ok(None) => return Poll::Ready(Ok(())),
                Ok(Some(range)) => (self.current, self.position) = (range, 0),
                Err(error) => {
                    self.ahead.clear();
                    return Poll::Ready(Err(io::Error::other(error)));
                }
            }
        }
        let count = (self.current.len() - self.position).min(buf.remaining());
        buf.put_slice(&self.current[self.position..self.position + count]);
        self.position += count;
        self.delivered += count as u64;
        Poll::Ready(Ok(()))
    }

    fn failed_before(&self) -> io::Error {
        io::Error::other(self.short())
    }
}
