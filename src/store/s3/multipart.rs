//! The requests of one multipart upload: begin, part, complete, abort.

use super::client::{Client, date};
use super::failure::Failure;
use super::headers::{Keeping, is_write_once};
use super::lookup::FoundObject;
use super::outgoing::{Sent, Upload};
use super::put::{NONCE_LETTERS, look_first};
use super::request::{Answer, Md5, Payload, Request, text, xml};
use crate::model::{Clock as _, SystemClock, random_word};
use crate::store::{ObjectKey, ObjectMeta, ObjectRole, StoreError};
use http::Method;
use s3::serde_types::{CompleteMultipartUploadData, InitiateMultipartUploadResponse, Part};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long joining the parts may take before the answer begins, plus [`JOIN_ONE`] for each part. AWS begins its answer
/// at once, and sends blanks while it joins; others send nothing until they are done.
const JOIN_PATIENCE: Duration = Duration::from_secs(30);
const JOIN_ONE: Duration = Duration::from_millis(50);

/// How long joining may take in all while blanks arrive: AWS may take minutes to join 10,000 parts.
const JOIN_LONGEST: Duration = Duration::from_secs(570);

/// How many unanswered completions are waited for. Each takes its whole time limit, and the last object of a backup
/// must not wait as long as an answer that trickles may take.
const UNANSWERED: u32 = 3;

/// How often an object that was completed is looked for before it counts as missing.
const LOOKS: u32 = 5;

/// An abort is tried less often than other requests: the sweep finds what it leaves behind.
const ABORT_ATTEMPTS: u32 = 4;

const ABORT: &str = "abort the upload of";

/// An upload that has begun. It must be completed or aborted; dropping it leaves it to the sweep.
pub(super) struct Multipart {
    client: Arc<Client>,
    key: ObjectKey,
    role: ObjectRole,
    id: String,
    nonce: String,
}

impl Multipart {
    /// Begins an upload. A retry may leave a second, empty upload behind, which the sweep finds.
    pub(super) async fn begin(upload: &Upload<'_>) -> Result<Self, StoreError> {
        let (client, key) = (upload.client, upload.key);
        if is_write_once(upload.role) && look_first(client, key).await?.is_some() {
            return Err(StoreError::AlreadyExists { key: key.clone() });
        }
        let nonce = random_word(NONCE_LETTERS);
        let request = Request::object(Method::POST, key)
            .ask("uploads", "")
            .headers(upload.keeping.of_object(upload.role, &nonce));
        let begun = match client.send(&request, "begin").await {
            Ok(answer) => xml::<InitiateMultipartUploadResponse>(&answer.body),
            Err(failure) => Err(failure),
        };
        let id = begun.map_err(|failure| client.error(failure, "begin", Some(key)))?.upload_id;
        Ok(Self { client: client.clone(), key: key.clone(), role: upload.role, id, nonce })
    }

    /// The request of part `number`, still without its body.
    pub(super) fn part_request(&self, number: u32) -> Request {
        Request::object(Method::PUT, &self.key)
            .ask("partNumber", number.to_string())
            .ask("uploadId", self.id.as_str())
    }

    /// The entry of a part in the completion request.
    pub(super) fn part(part_number: u32, answer: &Answer) -> Result<Part, Failure> {
        let etag = text(&answer.headers, "etag")
            .ok_or_else(|| Failure::nonsense("the answer to a part has no ETag header"))?
            .to_owned();
        Ok(Part { part_number, etag })
    }

    /// Makes the object visible, and checks that it exists in full.
    ///
    /// The check decides: an answer may be lost or time out after the object has become visible, and some servers
    /// refuse a second completion then. The object is ours when it has our size and our nonce.
    pub(super) async fn complete(&self, sent: &Sent) -> Result<ObjectMeta, StoreError> {
        let list = CompleteMultipartUploadData { parts: sent.parts.clone() }.to_string();
        let mut request = Request::object(Method::POST, &self.key)
            .ask("uploadId", self.id.as_str())
            .headers(Keeping::of_appearance(self.role))
            .header("content-type", "application/xml")
            .body(Payload::of(list.into(), Md5::Omit));
        request.moving = JOIN_LONGEST;
        let parts = u32::try_from(sent.parts.len()).unwrap_or(u32::MAX);
        request.patience = JOIN_PATIENCE + JOIN_ONE.saturating_mul(parts);
        let mut tries = self.client.tries(&request, "complete");
        let mut unanswered = 0;
        loop {
            let began = Instant::now();
            let completed = self.client.once(&request, tries.left()).await;
            let silent = completed.as_ref().is_err_and(Failure::is_silence);
            unanswered += u32::from(silent && began.elapsed() >= request.patience);
            let found = self.look(completed.as_ref().err()).await;
            let failure = match (completed, found) {
                (_, Ok(Some(found))) if found.is_ours(sent.bytes, &self.nonce) => return Ok(found.meta),
                // A server that forgets metadata.
                (Ok(_), Ok(Some(found))) if found.meta.bytes == sent.bytes && found.nonce.is_none() => {
                    return Ok(found.meta);
                }
                // Credentials that may write but not read.
                (Ok(answer), Err(failure)) if failure.status() == 403 => {
                    let modified = date(&answer.headers).unwrap_or_else(|| SystemClock.now());
                    return Ok(ObjectMeta { key: self.key.clone(), bytes: sent.bytes, modified });
                }
                (Ok(_), Ok(_)) => {
                    Failure::nonsense("the upload was completed, but the object differs from what was sent")
                }
                (Err(failure), Ok(Some(_))) if failure.status() == 412 => {
                    return Err(StoreError::AlreadyExists { key: self.key.clone() });
                }
                // Neither the completion nor the lookup, which was tried for long, was answered: the server is down.
                (Err(failure), Err(look)) if failure.is_silence() && look.is_silence() => {
                    return Err(self.client.error(failure, "complete", Some(&self.key)));
                }
                (Ok(_), Err(failure)) | (Err(failure), _) => failure,
            };
            if failure.is_not_implemented() && request.headers.remove("if-none-match").is_some() {
                continue;
            }
            if unanswered == UNANSWERED || !tries.again(&failure).await {
                return Err(self.client.error(failure, "complete", Some(&self.key)));
            }
        }
    }

    /// Looks up the object after a completion that ended with `failure`. If the completion may have taken effect, a
    /// missing object is looked up again: on some servers it becomes visible a moment later.
    async fn look(&self, failure: Option<&Failure>) -> Result<Option<FoundObject>, Failure> {
        let refused = failure.is_some_and(|failure| {
            !failure.is_silence() && failure.status() != 404 && failure.status() < 500
        });
        let mut looks = self.client.looks(&self.key).at_most(if refused { 1 } else { LOOKS });
        loop {
            match self.client.find(&self.key).await {
                Ok(Some(found))
                    if refused || found.nonce.as_deref().is_none_or(|nonce| nonce == self.nonce) =>
                {
                    return Ok(Some(found));
                }
                Ok(found) => {
                    if !looks.look_again().await {
                        return Ok(found);
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Aborts the upload and frees what was sent. What cannot be freed now is logged and left to the sweep.
    pub(super) async fn abort(&self) {
        if let Err(failure) = abort(&self.client, &self.key, &self.id).await {
            let error = self.client.error(failure, ABORT, Some(&self.key));
            tracing::warn!(key = %self.key, %error, "an unfinished upload stays in the bucket until the next sweep");
        }
    }
}

/// Aborts upload `id`; one that no longer exists counts as aborted.
pub(super) async fn abort(client: &Client, key: &ObjectKey, id: &str) -> Result<(), Failure> {
    let request = Request::object(Method::DELETE, key).ask("uploadId", id);
    match client.send_within(&request, client.tries(&request, ABORT).at_most(ABORT_ATTEMPTS)).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.status() == 404 => Ok(()),
        Err(failure) => Err(failure),
    }
}
