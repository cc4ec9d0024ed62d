//! Looks up one object, and the server's clock.

use super::client::{Client, date};
use super::failure::Failure;
use super::headers::{is_locked, nonce};
use super::request::{Answer, Request, text};
use crate::model::Timestamp;
use crate::store::{ObjectKey, ObjectMeta, StoreError};
use http::{HeaderMap, Method};

const LOOK_UP: &str = "look up";
const CLOCK: &str = "ask the clock of";

/// An object as a HEAD shows it.
#[derive(Debug)]
pub(super) struct FoundObject {
    pub(super) meta: ObjectMeta,
    /// The random word of the upload that made it, where the server keeps it.
    pub(super) nonce: Option<String>,
    pub(super) locked: bool,
}

impl FoundObject {
    fn from_headers(key: &ObjectKey, headers: &HeaderMap) -> Result<Self, Failure> {
        let bytes = text(headers, "content-length").and_then(|length| length.parse().ok());
        let modified = text(headers, "last-modified").and_then(|time| Timestamp::from_http(time).ok());
        let (Some(bytes), Some(modified)) = (bytes, modified) else {
            return Err(Failure::nonsense("the answer contains no size or no time of the object"));
        };
        let meta = ObjectMeta { key: key.clone(), bytes, modified };
        Ok(Self { meta, nonce: nonce(headers).map(str::to_owned), locked: is_locked(headers) })
    }

    /// Whether this is certainly the object of the upload that was marked with `nonce`.
    pub(super) fn is_ours(&self, bytes: u64, nonce: &str) -> bool {
        self.meta.bytes == bytes && self.nonce.as_deref() == Some(nonce)
    }
}

fn found(key: &ObjectKey, answer: Result<Answer, Failure>) -> Result<Option<FoundObject>, Failure> {
    match answer {
        Ok(answer) => FoundObject::from_headers(key, &answer.headers).map(Some),
        Err(failure) if failure.status() == 404 => Ok(None),
        Err(failure) => Err(failure),
    }
}

impl Client {
    /// One object, `None` when it is absent.
    pub(super) async fn find(&self, key: &ObjectKey) -> Result<Option<FoundObject>, Failure> {
        let request = Request::object(Method::HEAD, key);
        let refusal = match self.send(&request, LOOK_UP).await {
            Err(failure) if failure.is_refusal() => failure,
            other => return found(key, other),
        };
        // An answer to HEAD has no body, so it cannot say why. A GET of one byte can. If the reason is gone by then
        // (credentials that were renewed), HEAD is sent again.
        match self.send(&Request::object(Method::GET, key).header("range", "bytes=0-0"), LOOK_UP).await {
            Err(told) if told.status() == 404 => Ok(None),
            Err(told) if told.status() == refusal.status() => Err(told),
            _ => found(key, self.send(&request, LOOK_UP).await),
        }
    }

    /// [`Client::find`] without what only uploads need.
    pub(super) async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        let found = self.find(key).await.map_err(|failure| self.error(failure, LOOK_UP, Some(key)))?;
        Ok(found.map(|found| found.meta))
    }

    /// The server's clock, to the second. The request asks for one key of the bucket, so that wrong credentials and a
    /// missing bucket are found too.
    pub(super) async fn clock(&self) -> Result<Timestamp, StoreError> {
        let request = Request::bucket(Method::GET)
            .ask("list-type", "2")
            .ask("max-keys", "1")
            .ask("prefix", self.full_prefix(""));
        let answer = self.send(&request, CLOCK).await.map_err(|failure| self.error(failure, CLOCK, None))?;
        date(&answer.headers)
            .ok_or_else(|| self.error(Failure::nonsense("the answer has no Date header"), CLOCK, None))
    }
}
