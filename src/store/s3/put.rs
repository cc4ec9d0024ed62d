//! One object that fits one request.

use super::client::{Client, date};
use super::failure::Failure;
use super::headers::{Keeping, is_write_once};
use super::lookup::FoundObject;
use super::request::{Answer, Payload, Request};
use crate::model::{Clock as _, SystemClock, random_word};
use crate::store::{ObjectKey, ObjectMeta, ObjectRole, StoreError};
use bytes::{Bytes, BytesMut};
use http::Method;

/// Letters of the random word that marks an upload.
pub(super) const NONCE_LETTERS: usize = 26;

/// An object whose bytes are all in memory.
pub(super) struct SmallPut<'a> {
    pub(super) client: &'a Client,
    pub(super) keeping: &'a Keeping,
    pub(super) key: &'a ObjectKey,
    pub(super) role: ObjectRole,
}

impl SmallPut<'_> {
    /// Stores `bytes`, see [`crate::store::Store::put`].
    pub(super) async fn run(&self, bytes: Bytes) -> Result<ObjectMeta, StoreError> {
        let nonce = random_word(NONCE_LETTERS);
        let payload =
            Payload::of_part(bytes, self.keeping.md5(self.role)).await.map_err(|f| self.error(f))?;
        if is_write_once(self.role)
            && let Some(found) = look_first(self.client, self.key).await?
        {
            return self.taken(found, &payload, &nonce).await;
        }
        let mut request = Request::object(Method::PUT, self.key)
            .headers(self.keeping.of_object(self.role, &nonce))
            .headers(Keeping::of_appearance(self.role))
            .body(payload);
        let mut tries = self.client.tries(&request, "put");
        loop {
            let failure = match self.client.once(&request, tries.left()).await {
                Ok(answer) => return Ok(self.stored(&answer, &request)),
                Err(failure) => failure,
            };
            if failure.status() == 412 {
                return match self.client.find(self.key).await.map_err(|f| self.error(f))? {
                    Some(found) => self.taken(found, &request.payload, &nonce).await,
                    None => Err(self.error(failure)),
                };
            }
            if failure.is_not_implemented() && request.headers.remove("if-none-match").is_some() {
                continue;
            }
            if !tries.again(&failure).await {
                return Err(self.error(failure));
            }
        }
    }

    fn error(&self, failure: Failure) -> StoreError {
        self.client.error(failure, "put", Some(self.key))
    }

    /// The answer's `Date` is used as the modification time: both are the server's clock.
    fn stored(&self, answer: &Answer, request: &Request) -> ObjectMeta {
        let modified = date(&answer.headers).unwrap_or_else(|| SystemClock.now());
        ObjectMeta { key: self.key.clone(), bytes: request.payload.bytes.len() as u64, modified }
    }

    /// The key exists already: by our own upload whose answer got lost, with the same bytes, or with other content.
    async fn taken(
        &self,
        found: FoundObject,
        payload: &Payload,
        nonce: &str,
    ) -> Result<ObjectMeta, StoreError> {
        let bytes = payload.bytes.len() as u64;
        if found.is_ours(bytes, nonce)
            || (found.meta.bytes == bytes && self.read_back(bytes).await? == payload.bytes)
        {
            return Ok(found.meta);
        }
        Err(StoreError::AlreadyExists { key: self.key.clone() })
    }

    /// At most `limit` bytes of the object that exists now.
    async fn read_back(&self, limit: u64) -> Result<Bytes, StoreError> {
        let request = Request::object(Method::GET, self.key);
        let left = self.client.tries(&request, "get").left();
        let mut response = self.client.open(&request, left).await.map_err(|failure| self.error(failure))?;
        let mut there = BytesMut::new();
        while let Some(chunk) =
            super::client::chunk(&mut response).await.map_err(|failure| self.error(failure))?
        {
            there.extend_from_slice(&chunk);
            if there.len() as u64 > limit {
                break;
            }
        }
        Ok(there.freeze())
    }
}

/// Looks up a write-once key before it is written. Some servers silently ignore the condition of a PUT, so only this
/// lookup protects an older object there. Credentials that may write but not read skip it.
pub(super) async fn look_first(client: &Client, key: &ObjectKey) -> Result<Option<FoundObject>, StoreError> {
    match client.find(key).await {
        Ok(found) => Ok(found),
        Err(failure) if failure.status() == 403 && failure.code() == "AccessDenied" => Ok(None),
        Err(failure) => Err(client.error(failure, "put", Some(key))),
    }
}
