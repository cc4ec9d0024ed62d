//! Deletes objects and checks the answer for every key.

use super::client::Client;
use super::failure::Failure;
use super::request::{Md5, Payload, Request, xml};
use crate::store::{ObjectKey, StoreError};
use futures_util::future;
use http::{HeaderMap, Method, StatusCode};
use s3::serde_types::{DeleteError, DeleteObjectsRequest, DeleteObjectsResult, ObjectIdentifier};

/// Keys of one batch request: S3's own bound.
const BATCH_KEYS: usize = 1_000;

/// How many keys are deleted at a time when there is no batch.
const AT_ONCE: usize = 8;

/// See [`crate::store::Store::delete`].
pub(super) async fn delete(client: &Client, keys: &[ObjectKey]) -> Result<(), StoreError> {
    for batch in keys.chunks(BATCH_KEYS) {
        if let [key] = batch {
            delete_one(client, key).await?;
        } else {
            delete_batch(client, batch).await?;
        }
    }
    Ok(())
}

async fn delete_one(client: &Client, key: &ObjectKey) -> Result<(), StoreError> {
    match client.send(&Request::object(Method::DELETE, key), "delete").await {
        Ok(_) => Ok(()),
        // A missing bucket is 404 too, but does not mean that anything was deleted.
        Err(failure) if failure.status() == 404 && failure.code() != "NoSuchBucket" => Ok(()),
        Err(failure) => Err(client.error(failure, "delete", Some(key))),
    }
}

/// After a permanent error of the batch, or of a key in it, each key is tried by itself: Google's S3 interface has no
/// batches, some servers require a header that others refuse, and each reports this differently.
async fn delete_batch(client: &Client, batch: &[ObjectKey]) -> Result<(), StoreError> {
    let mut left: Vec<&ObjectKey> = batch.iter().collect();
    let mut tries = client.tries(&batch_request(client, &left), "delete objects of");
    while !left.is_empty() {
        let failure = match client.once(&batch_request(client, &left), tries.left()).await {
            Ok(answer) => match xml::<DeleteObjectsResult>(&answer.body) {
                Ok(DeleteObjectsResult { errors, .. }) => {
                    left.retain(|key| errors.iter().any(|error| is_left(client, error, key)));
                    let Some(failure) = worst(&errors) else { return Ok(()) };
                    failure
                }
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        if !failure.is_transient(1) {
            return delete_each(client, &left).await;
        }
        if !tries.again(&failure).await {
            return Err(client.error(failure, "delete", left.first().copied()));
        }
    }
    Ok(())
}

/// Tries every key and returns the first failure.
async fn delete_each(client: &Client, keys: &[&ObjectKey]) -> Result<(), StoreError> {
    let mut ended = Ok(());
    for some in keys.chunks(AT_ONCE) {
        let all = future::join_all(some.iter().map(|key| delete_one(client, key))).await;
        ended = all.into_iter().fold(ended, Result::and);
    }
    ended
}

fn is_left(client: &Client, error: &DeleteError, key: &ObjectKey) -> bool {
    error.code != "NoSuchKey" && error.key == client.full_key(key)
}

fn batch_request(client: &Client, keys: &[&ObjectKey]) -> Request {
    let named = |key: &&ObjectKey| ObjectIdentifier { key: client.full_key(key), version_id: None };
    let list = DeleteObjectsRequest { objects: keys.iter().map(named).collect(), quiet: true };
    Request::bucket(Method::POST)
        .ask("delete", "")
        .header("content-type", "application/xml")
        // AWS refuses a batch without it.
        .body(Payload::of(list.to_string().into(), Md5::Send))
}

/// The first error that a retry cannot fix, or else the first one. Missing keys are not errors.
fn worst(errors: &[DeleteError]) -> Option<Failure> {
    let failures: Vec<_> = errors.iter().filter(|error| error.code != "NoSuchKey").map(failure).collect();
    let lasting = failures.iter().position(|failure| !failure.is_transient(1));
    failures.into_iter().nth(lasting.unwrap_or(0))
}

/// The error of one key as if it were an answer of its own.
fn failure(error: &DeleteError) -> Failure {
    let status = if error.code == "AccessDenied" { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let body = format!("<Error><Code>{}</Code><Message>{}</Message></Error>", error.code, error.message);
    Failure::from_answer(status, &HeaderMap::new(), body.as_bytes())
}
