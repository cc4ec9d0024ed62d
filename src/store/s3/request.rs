//! One request before it is signed, and the answer to it.

use crate::model::digest::hex;
use crate::store::ObjectKey;
use base64::Engine as _;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use sha2::Digest as _;
use std::time::Duration;

use super::failure::Failure;

/// A connection slower than this counts as dead; it limits the time of every request with a body.
pub(super) const SLOWEST_BYTES_PER_SECOND: u64 = 64 << 10;

/// The time that `bytes` may take on a slow connection.
pub(super) fn time_to_move(bytes: u64) -> Duration {
    Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
}

/// The least time for the body of an answer: a page of a listing, say.
pub(super) const SHORT_ANSWER: Duration = Duration::from_secs(30);

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

/// A request, not signed yet.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// `None` asks about the bucket itself.
    pub(super) key: Option<ObjectKey>,
    /// Names and values before percent-encoding.
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
    /// How long its bytes and those of a large answer may take, in addition to the wait for the answer to begin.
    pub(super) moving: Duration,
    /// How much longer than usual the server may take before its answer begins.
    pub(super) patience: Duration,
}

impl Request {
    fn new(method: Method, key: Option<ObjectKey>) -> Self {
        Self {
            method,
            key,
            query: Vec::new(),
            headers: HeaderMap::new(),
            payload: Payload::empty(),
            moving: Duration::ZERO,
            patience: Duration::ZERO,
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
        self.moving = time_to_move(payload.bytes.len() as u64);
        self.payload = payload;
        self
    }
}

/// A successful answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The text of a header; `None` when it is absent or not text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the body of an answer with a success status is an error: some servers send the status before the work is
/// done. The outermost element decides, with a namespace or without.
pub(super) fn is_error(body: &[u8]) -> bool {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(body);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                return element.local_name().as_ref() == b"Error";
            }
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

/// The answer's XML as `T`.
pub(super) fn xml<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    std::str::from_utf8(body)
        .ok()
        .and_then(|text| quick_xml::de::from_str(text).ok())
        .ok_or_else(|| Failure::nonsense("the answer is not valid S3 XML"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_the_body_of_a_success_is_seen_however_it_is_written() {
        for body in [
            "<Error><Code>x</Code></Error>",
            "  \n<?xml version=\"1.0\"?><!-- late --><Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>",
            "<s3:Error xmlns:s3=\"x\"></s3:Error>",
        ] {
            assert!(is_error(body.as_bytes()), "{body}");
        }
        for body in ["", "    ", "<DeleteResult><Error/></DeleteResult>", "Error", "<ErrorDocument/>", "{}"] {
            assert!(!is_error(body.as_bytes()), "{body}");
        }
    }
}
