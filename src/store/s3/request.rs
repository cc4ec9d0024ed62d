//! One request before it is signed, and the answer to it.

use crate::model::digest::hex;
use crate::store::ObjectKey;
use base64::Engine as _;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use sha2::Digest as _;
use std::time::Duration;

use super::failure::Failure;

/// A line that carries less than this is as good as dead; it bounds the time of every request with a body.
pub(super) const SLOWEST_BYTES_PER_SECOND: u64 = 64 << 10;

/// Time of a request beside its body's.
const BASE_TIME: Duration = Duration::from_secs(30);

/// The time that a request which moves `bytes` may take in all.
pub(super) fn time_to_move(bytes: u64) -> Duration {
    BASE_TIME + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
}

/// A body with its hash, which is computed once for all tries.
#[derive(Debug, Clone)]
pub(super) struct Payload {
    pub(super) bytes: Bytes,
    pub(super) sha256: String,
    pub(super) md5: Option<HeaderValue>,
}

/// Whether a body also carries `Content-MD5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Md5 {
    Send,
    Omit,
}

impl Payload {
    /// The body of a request that has none.
    pub(super) fn empty() -> Self {
        Self::of(Bytes::new(), Md5::Omit)
    }

    /// A small body, hashed on the spot.
    pub(super) fn of(bytes: Bytes, md5: Md5) -> Self {
        let sha256 = hex(&sha2::Sha256::digest(&bytes));
        let md5 = (md5 == Md5::Send)
            .then(|| base64::engine::general_purpose::STANDARD.encode(md5::compute(&bytes).0))
            .and_then(|text| HeaderValue::from_str(&text).ok());
        Self { bytes, sha256, md5 }
    }

    /// A large body, hashed on a thread of its own so that the connections keep moving.
    pub(super) async fn of_part(bytes: Bytes, md5: Md5) -> Result<Self, Failure> {
        tokio::task::spawn_blocking(move || Self::of(bytes, md5))
            .await
            .map_err(|_| Failure::nonsense("hashing a part was interrupted"))
    }
}

/// What is asked of the server.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// `None` asks about the bucket itself.
    pub(super) key: Option<ObjectKey>,
    /// Names and values before percent-encoding.
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
    /// Bound of one try, from the first byte sent to the last byte received.
    pub(super) timeout: Duration,
}

impl Request {
    fn new(method: Method, key: Option<ObjectKey>) -> Self {
        Self {
            method,
            key,
            query: Vec::new(),
            headers: HeaderMap::new(),
            payload: Payload::empty(),
            timeout: time_to_move(0),
        }
    }

    /// A request about one object.
    pub(super) fn object(method: Method, key: &ObjectKey) -> Self {
        Self::new(method, Some(key.clone()))
    }

    /// A request about the bucket.
    pub(super) fn bucket(method: Method) -> Self {
        Self::new(method, None)
    }

    /// The same with a query parameter.
    pub(super) fn ask(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same with a header; one that cannot be written as a header is left out.
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// The same with headers.
    pub(super) fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The same with a body, and the time that it may take.
    pub(super) fn body(mut self, payload: Payload) -> Self {
        self.timeout = time_to_move(payload.bytes.len() as u64);
        self.payload = payload;
        self
    }
}

/// A successful answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The text of a header; `None` when it is absent or not text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The answer's XML as `T`.
pub(super) fn xml<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    std::str::from_utf8(body)
        .ok()
        .and_then(|text| quick_xml::de::from_str(text).ok())
        .ok_or_else(|| Failure::nonsense("the answer is not the XML that S3 describes"))
}
