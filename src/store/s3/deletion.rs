//! Deleting objects, with every key's own answer looked at.

use super::client::Client;
use super::failure::Failure;
use super::request::{Md5, Payload, Request, xml};
use crate::store::{ObjectKey, StoreError};
use http::{HeaderMap, Method, StatusCode};
use s3::serde_types::{DeleteError, DeleteObjectsRequest, DeleteObjectsResult, ObjectIdentifier};

/// Keys of one batch request: S3's own bound.
const BATCH_KEYS: usize = 1_000;

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
    match client.send(&Request::object(Method::DELETE, key)).await {
        Ok(_) => Ok(()),
        // A missing bucket is 404 too, and no reason to believe that anything was deleted.
        Err(failure) if failure.status() == 404 && failure.code() != "NoSuchBucket" => Ok(()),
        Err(failure) => Err(client.error(failure, "delete", Some(key))),
    }
}

async fn delete_batch(client: &Client, batch: &[ObjectKey]) -> Result<(), StoreError> {
    let mut left: Vec<&ObjectKey> = batch.iter().collect();
    let mut tries = 0;
    while let Some(first) = left.first() {
        tries += 1;
        let answer = match client.send(&batch_request(client, &left)).await {
            Ok(answer) => xml::<DeleteObjectsResult>(&answer.body),
            // Google's S3 interface has no batches.
            Err(failure) if failure.is_not_implemented() => return delete_each(client, &left).await,
            Err(failure) => Err(failure),
        };
        let errors = answer.map_err(|failure| client.error(failure, "delete", Some(*first)))?.errors;
        let Some((key, failure)) = worst(client, &errors) else { return Ok(()) };
        let named = key.as_ref().unwrap_or(first);
        if !client.retry.again(tries, &failure).await {
            return Err(client.error(failure, "delete", Some(named)));
        }
        left.retain(|key| errors.iter().any(|error| error.key == client.full_key(key)));
    }
    Ok(())
}

async fn delete_each(client: &Client, keys: &[&ObjectKey]) -> Result<(), StoreError> {
    for key in keys {
        delete_one(client, key).await?;
    }
    Ok(())
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

/// The first error that trying again does not mend, or else the first one. Absent keys are no errors.
fn worst(client: &Client, errors: &[DeleteError]) -> Option<(Option<ObjectKey>, Failure)> {
    let failures: Vec<_> = errors
        .iter()
        .filter(|error| error.code != "NoSuchKey")
        .map(|error| (client.own_key(&error.key), failure(error)))
        .collect();
    let lasting = failures.iter().position(|(_, failure)| !failure.is_transient(1));
    failures.into_iter().nth(lasting.unwrap_or(0))
}

/// The error of one key in the form of an answer of its own.
fn failure(error: &DeleteError) -> Failure {
    let status = if error.code == "AccessDenied" { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let body = format!("<Error><Code>{}</Code><Message>{}</Message></Error>", error.code, error.message);
    Failure::from_answer(status, &HeaderMap::new(), body.as_bytes())
}
