//! Uploads a stream of unknown length as one object: cuts it into equal parts and sends several at once.

use super::multipart::Multipart;
use super::outgoing::{Sent, Upload};
use super::put::SmallPut;
use super::request::Payload;
use crate::model::ByteReader;
use crate::store::{ObjectMeta, StoreError};
use bytes::{BufMut as _, Bytes, BytesMut};
use s3::serde_types::Part;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};

/// A part that was read, and its place among those in memory.
struct FullPart {
    number: u32,
    buffer: BytesMut,
    slot: OwnedSemaphorePermit,
}

type PartTasks = JoinSet<Result<Part, StoreError>>;

impl Upload<'_> {
    /// See [`crate::store::Store::put`]. A body that is shorter than a part takes one request.
    pub(super) async fn run(&self, mut body: ByteReader<'_>) -> Result<ObjectMeta, StoreError> {
        let mut first = self.buffer();
        self.fill(&mut body, &mut first).await?;
        if first.len() < self.plan.part_bytes {
            let small =
                SmallPut { client: self.client, keeping: self.keeping, key: self.key, role: self.role };
            // Free the rest of the buffer when the body is short: the copy is small then.
            let bytes = if first.len() < self.plan.part_bytes / 2 {
                Bytes::copy_from_slice(&first)
            } else {
                first.freeze()
            };
            return small.run(bytes).await;
        }
        let multipart = Multipart::begin(self).await?;
        let mut tasks = JoinSet::new();
        let sent = self.send_parts(&multipart, first, &mut body, &mut tasks).await;
        // Parts still in flight would arrive after the abort and stay for ever: stop them first.
        tasks.shutdown().await;
        let outcome = match sent {
            Ok(sent) => multipart.complete(&sent).await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            multipart.abort().await;
        }
        outcome
    }

    fn buffer(&self) -> BytesMut {
        BytesMut::with_capacity(self.plan.part_bytes)
    }

    /// Reads until `buffer` holds a whole part or the body ends. May be dropped at any time without losing a byte.
    async fn fill(&self, body: &mut ByteReader<'_>, buffer: &mut BytesMut) -> Result<(), StoreError> {
        while buffer.len() < self.plan.part_bytes {
            let room = self.plan.part_bytes - buffer.len();
            let read = body.read_buf(&mut buffer.limit(room)).await;
            if read.map_err(|source| StoreError::Body { key: self.key.clone(), source })? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Sends every part. A failed part ends this at once, whatever it waits for.
    async fn send_parts(
        &self,
        multipart: &Multipart,
        first: BytesMut,
        body: &mut ByteReader<'_>,
        tasks: &mut PartTasks,
    ) -> Result<Sent, StoreError> {
        let slots = Arc::new(Semaphore::new(self.plan.in_flight));
        let mut sent = Sent { bytes: 0, parts: Vec::new() };
        let slot = self.slot(&slots, tasks, &mut sent).await?;
        let mut part = FullPart { number: 1, buffer: first, slot };
        while !part.buffer.is_empty() {
            if part.number > self.plan.max_parts {
                return Err(StoreError::TooLarge { key: self.key.clone(), limit: self.plan.object_limit() });
            }
            let (next, is_last) = (part.number + 1, part.buffer.len() < self.plan.part_bytes);
            sent.bytes += part.buffer.len() as u64;
            self.spawn(multipart, part, tasks);
            if is_last {
                break;
            }
            // The permit comes before the buffer: it is what bounds the memory.
            let slot = self.slot(&slots, tasks, &mut sent).await?;
            let mut buffer = self.buffer();
            loop {
                tokio::select! {
                    filled = self.fill(body, &mut buffer) => break filled?,
                    Some(ended) = tasks.join_next() => sent.parts.push(self.part(ended)?),
                }
            }
            part = FullPart { number: next, buffer, slot };
        }
        while let Some(ended) = tasks.join_next().await {
            sent.parts.push(self.part(ended)?);
        }
        sent.parts.sort_unstable_by_key(|part| part.part_number);
        Ok(sent)
    }

    async fn slot(
        &self,
        slots: &Arc<Semaphore>,
        tasks: &mut PartTasks,
        sent: &mut Sent,
    ) -> Result<OwnedSemaphorePermit, StoreError> {
        loop {
            tokio::select! {
                Ok(slot) = slots.clone().acquire_owned() => return Ok(slot),
                Some(ended) = tasks.join_next() => sent.parts.push(self.part(ended)?),
            }
        }
    }

    /// Each part is a task of its own, so that a slow body never delays a part.
    fn spawn(&self, multipart: &Multipart, part: FullPart, tasks: &mut PartTasks) {
        let (client, key, md5) = (self.client.clone(), self.key.clone(), self.keeping.md5(self.role));
        let request = multipart.part_request(part.number);
        tasks.spawn(async move {
            let verb = format!("put part {} of", part.number);
            let named = |failure| client.error(failure, &verb, Some(&key));
            let payload = Payload::of_part(part.buffer.freeze(), md5).await.map_err(named)?;
            let answer = client.send(&request.body(payload), &verb).await.map_err(named)?;
            drop(part.slot);
            Multipart::part(part.number, &answer).map_err(named)
        });
    }

    fn part(&self, ended: Result<Result<Part, StoreError>, JoinError>) -> Result<Part, StoreError> {
        ended.unwrap_or_else(|_| {
            Err(StoreError::Unreachable {
                action: format!("put a part of `{}`", self.key),
                detail: "the upload was interrupted".to_owned(),
            })
        })
    }
}
