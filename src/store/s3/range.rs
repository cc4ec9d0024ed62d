//! One range of an object, fetched into memory and resumed after breaks.

use super::client::{Client, chunk};
use super::failure::Failure;
use super::request::{Request, text, time_to_move};
use crate::store::{ObjectKey, StoreError};
use bytes::BytesMut;
use http::{HeaderMap, Method, StatusCode};
use std::ops::Range;
use std::time::Duration;

/// The version of an object that is being read: every answer must be of the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectVersion {
    /// Size of the whole object.
    pub(super) bytes: u64,
    etag: Option<String>,
    modified: Option<String>,
}

impl ObjectVersion {
    /// The version that an answer to a GET describes; `None` when it has no size.
    fn of(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let bytes = if status == StatusCode::PARTIAL_CONTENT {
            text(headers, "content-range")?.rsplit_once('/')?.1.parse().ok()?
        } else {
            text(headers, "content-length")?.parse().ok()?
        };
        let own = |name| text(headers, name).map(str::to_owned);
        Some(Self { bytes, etag: own("etag"), modified: own("last-modified") })
    }
}

/// First byte of the range that an answer carries.
fn start(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    if status == StatusCode::PARTIAL_CONTENT {
        let range = text(headers, "content-range")?.strip_prefix("bytes ")?;
        range.split_once('-')?.0.parse().ok()
    } else {
        Some(0)
    }
}

/// A range that is being fetched. `got` grows until it is whole.
pub(super) struct Fetch<'a> {
    client: &'a Client,
    key: &'a ObjectKey,
    range: Range<u64>,
    version: Option<ObjectVersion>,
    got: BytesMut,
}

enum Break {
    /// Another try may bring the rest.
    Failed(Failure),
    /// No try can: the object was replaced.
    Changed(String),
}

impl From<Failure> for Break {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Fetch<'a> {
    /// Fetches the first `bytes` of an object, or all of it when it is smaller, and the version that it found.
    pub(super) async fn first(
        client: &'a Client,
        key: &'a ObjectKey,
        bytes: u64,
    ) -> Result<(ObjectVersion, BytesMut), StoreError> {
        let mut fetch = Self { client, key, range: 0..bytes, version: None, got: BytesMut::new() };
        fetch.run().await?;
        match fetch.version.take() {
            Some(version) => Ok((version, fetch.got)),
            None => Ok((ObjectVersion { bytes: 0, etag: None, modified: None }, fetch.got)),
        }
    }

    /// `range` of `version` of an object, all of it, in `buffer`, which is empty and keeps its memory.
    pub(super) async fn rest(
        client: &'a Client,
        key: &'a ObjectKey,
        range: Range<u64>,
        version: ObjectVersion,
        buffer: BytesMut,
    ) -> Result<BytesMut, StoreError> {
        let mut fetch = Self { client, key, range, version: Some(version), got: buffer };
        fetch.run().await?;
        Ok(fetch.got)
    }

    fn missing(&self) -> Range<u64> {
        self.range.start + self.got.len() as u64..self.range.end
    }

    async fn run(&mut self) -> Result<(), StoreError> {
        let mut tries = self.client.tries(&self.request(), "get");
        while !self.missing().is_empty() {
            let before = self.got.len();
            let Err(end) = self.attempt(tries.left()).await else { return Ok(()) };
            let failure = match end {
                Break::Failed(failure) => failure,
                Break::Changed(detail) => return Err(self.broken(detail)),
            };
            // Progress resets the number of tries: a connection that breaks every minute still delivers the object.
            if self.got.len() > before {
                tries.moved();
            }
            if failure.status() == 412 {
                return Err(self.broken("the object was replaced while it was read".to_owned()));
            }
            if failure.status() == 416 && self.version.is_none() {
                return self.empty().await;
            }
            if !tries.again(&failure).await {
                return Err(self.client.error(failure, "get", Some(self.key)));
            }
        }
        Ok(())
    }

    fn broken(&self, detail: String) -> StoreError {
        StoreError::Broken { key: self.key.clone(), detail }
    }

    /// An empty object has no valid range. Any other object with this answer is an error.
    async fn empty(&mut self) -> Result<(), StoreError> {
        match self.client.head(self.key).await? {
            Some(meta) if meta.bytes == 0 => Ok(()),
            Some(_) => Err(self.broken("the store refuses to read ranges of it".to_owned())),
            None => Err(StoreError::NotFound { key: self.key.clone() }),
        }
    }

    /// A request for what is still missing.
    fn request(&self) -> Request {
        let missing = self.missing();
        let mut request = Request::object(Method::GET, self.key)
            .header("range", &format!("bytes={}-{}", missing.start, missing.end - 1));
        if let Some(etag) = self.version.as_ref().and_then(|version| version.etag.as_deref()) {
            request = request.header("if-match", etag);
        }
        request
    }

    /// One request for what is still missing. `Ok` when the range is whole.
    async fn attempt(&mut self, left: Duration) -> Result<(), Break> {
        let missing = self.missing();
        let mut request = self.request();
        request.moving = time_to_move(missing.end - missing.start);
        let mut response = self.client.open(&request, left).await?;
        self.check(&response, missing.start)?;
        while !self.missing().is_empty() {
            let Some(chunk) = chunk(&mut response).await? else {
                return Err(Failure::broken("the answer ended early").into());
            };
            let missing = self.missing();
            let wanted = usize::try_from(missing.end - missing.start).unwrap_or(usize::MAX).min(chunk.len());
            self.got.extend_from_slice(&chunk[..wanted]);
        }
        Ok(())
    }

    /// Checks that the answer is of the version that is being read, and begins at the requested byte.
    fn check(&mut self, response: &reqwest::Response, wanted: u64) -> Result<(), Break> {
        let Some(version) = ObjectVersion::of(response.status(), response.headers()) else {
            return Err(Failure::nonsense("the answer does not contain the object's size").into());
        };
        if start(response.status(), response.headers()) != Some(wanted) {
            return Err(Failure::nonsense("the answer is not the requested range").into());
        }
        match &self.version {
            // Garage, Ceph and AWS refuse by If-Match; servers that ignore it are detected here.
            Some(first) if *first != version => {
                Err(Break::Changed("the object was replaced while it was read".to_owned()))
            }
            Some(_) => Ok(()),
            None => {
                self.range.end = self.range.end.min(version.bytes);
                let size = usize::try_from(self.range.end - self.range.start).unwrap_or_default();
                self.got.reserve(size);
                self.version = Some(version);
                Ok(())
            }
        }
    }
}
