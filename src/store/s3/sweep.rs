//! Uploads that were begun and never completed or aborted.

use super::client::{Client, date};
use super::failure::Failure;
use super::multipart::abort;
use super::request::{Request, xml};
use crate::model::{Clock as _, SystemClock, Timestamp};
use crate::store::{KeyPrefix, StoreError};
use http::Method;
use s3::serde_types::{ListMultipartUploadsResult, MultipartUpload};
use std::time::Duration;

const LIST: &str = "list unfinished uploads of";

/// See [`crate::store::Store::sweep_unfinished`]. Age is the server's clock minus the server's own record.
pub(super) async fn sweep(
    client: &Client,
    prefix: &KeyPrefix,
    older_than: Duration,
) -> Result<u64, StoreError> {
    let mut swept = 0;
    let mut marker = None;
    loop {
        let (page, now) = match page_after(client, prefix, marker.as_ref()).await {
            Ok(found) => found,
            Err(failure) if failure.is_not_implemented() => return Ok(swept),
            Err(failure) => return Err(client.error(failure, LIST, None)),
        };
        for upload in &page.uploads {
            let Some(key) = client.own_key(&upload.key) else { continue };
            if prefix.covers(&key) && is_older(upload, now, older_than) {
                let aborted = abort(client, &key, &upload.id).await;
                aborted.map_err(|failure| client.error(failure, "abort the upload of", Some(&key)))?;
                swept += 1;
            }
        }
        let next = (page.next_marker, page.next_upload_id_marker);
        if !page.is_truncated || next.0.is_none() || Some(&next) == marker.as_ref() {
            return Ok(swept);
        }
        marker = Some(next);
    }
}

type Marker = (Option<String>, Option<String>);

async fn page_after(
    client: &Client,
    prefix: &KeyPrefix,
    marker: Option<&Marker>,
) -> Result<(ListMultipartUploadsResult, Timestamp), Failure> {
    let mut request = Request::bucket(Method::GET).ask("uploads", "");
    let full = client.full_prefix(prefix.as_str());
    if !full.is_empty() {
        request = request.ask("prefix", full);
    }
    if let Some((key, upload)) = marker {
        request = request.ask("key-marker", key.clone().unwrap_or_default());
        if let Some(upload) = upload {
            request = request.ask("upload-id-marker", upload.as_str());
        }
    }
    let answer = client.send(&request, LIST).await?;
    let now = date(&answer.headers).unwrap_or_else(|| SystemClock.now());
    Ok((xml(&answer.body)?, now))
}

/// An upload whose age cannot be read is left alone.
fn is_older(upload: &MultipartUpload, now: Timestamp, older_than: Duration) -> bool {
    Timestamp::from_http(&upload.initiated).is_ok_and(|begun| now.since(begun) >= older_than)
}
