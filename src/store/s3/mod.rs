//! A bucket of S3 or of a compatible service.
//!
//! rust-s3 provides the signature, the credentials and the XML types; every request goes through one HTTP client of our
//! own (`docs/adr/0002-s3-client.md` says why). A request passes `request` (what is sent) -> `client` (one signed try)
//! -> `failure` (what an error means) -> `retry` (whether and when to try again).

mod client;
mod credentials;
mod deletion;
mod download;
mod failure;
mod headers;
mod instant;
mod listing;
mod lookup;
mod multipart;
mod names;
mod outgoing;
mod put;
mod range;
mod rate_limit;
mod request;
mod request_progress;
mod retention;
mod retry;
mod signing;
mod sweep;
mod upload;

use super::{KeyPrefix, ObjectKey, ObjectMeta, ObjectRole, S3Settings, Store, StoreError};
use crate::model::{ByteReader, Timestamp};
use async_trait::async_trait;
use client::Client;
use futures_util::stream::BoxStream;
use headers::Keeping;
use outgoing::{PartPlan, Upload};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// S3's own bounds.
const PART_BYTES: RangeInclusive<u64> = 5 << 20..=5 << 30;
const MAX_PARTS: RangeInclusive<u32> = 1..=10_000;

/// Parts in flight: more than this makes no upload faster and costs memory.
const UPLOADS: RangeInclusive<u32> = 1..=64;

/// S3's bound of a key is 1,024 bytes, and ours is 900.
const PREFIX_LIMIT: usize = 120;

/// A bucket, below a prefix.
#[derive(Debug)]
pub struct S3Store {
    client: Arc<Client>,
    keeping: Keeping,
    plan: PartPlan,
    place: String,
}

fn refused(detail: String) -> StoreError {
    StoreError::Settings { detail }
}

fn check(settings: &S3Settings) -> Result<(), StoreError> {
    let S3Settings { bucket, prefix, part_size, max_parts, uploads, .. } = settings;
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if bucket.is_empty() || bucket.starts_with('.') || !bucket.chars().all(safe) {
        return Err(refused(format!("`{bucket}` is not the name of a bucket")));
    }
    if settings.region.is_empty() {
        return Err(refused("the region is missing".to_owned()));
    }
    if !prefix.is_empty() && (prefix.len() > PREFIX_LIMIT || prefix.parse::<ObjectKey>().is_err()) {
        return Err(refused(format!(
            "the prefix `{prefix}` is not usable: at most {PREFIX_LIMIT} characters of a-z, A-Z, 0-9, `.`, `_`, `-` and `/`"
        )));
    }
    if !PART_BYTES.contains(&part_size.bytes()) {
        return Err(refused(format!("part_size is {part_size}, it must be 5 MiB to 5 GiB")));
    }
    if !MAX_PARTS.contains(max_parts) {
        return Err(refused(format!("max_parts is {max_parts}, it must be 1 to 10000")));
    }
    if !UPLOADS.contains(uploads) {
        return Err(refused(format!("uploads is {uploads}, it must be 1 to 64")));
    }
    Ok(())
}

impl S3Store {
    /// Checks the settings and reads the private CA's file; no request is sent yet.
    pub fn open(settings: &S3Settings) -> Result<Self, StoreError> {
        check(settings)?;
        let plan = PartPlan {
            part_bytes: usize::try_from(settings.part_size.bytes())
                .map_err(|_| refused("part_size is larger than this machine's memory".to_owned()))?,
            max_parts: settings.max_parts,
            in_flight: settings.uploads as usize,
        };
        let slash = if settings.prefix.is_empty() { "" } else { "/" };
        let endpoint = client::endpoint(settings)?;
        let place = format!(
            "s3://{}{slash}{} at {}",
            settings.bucket,
            settings.prefix,
            endpoint.as_str().trim_end_matches('/')
        );
        Ok(Self { client: Arc::new(Client::new(settings)?), keeping: Keeping::new(settings)?, plan, place })
    }
}

#[async_trait]
impl Store for S3Store {
    async fn put(
        &self,
        key: &ObjectKey,
        body: ByteReader<'_>,
        role: ObjectRole,
    ) -> Result<ObjectMeta, StoreError> {
        let (client, keeping) = (&self.client, &self.keeping);
        let meta = Upload { client, keeping, plan: self.plan, key, role }.run(body).await?;
        if keeping.locks(role) {
            retention::ensure(client, keeping, key).await?;
        }
        Ok(meta)
    }

    async fn get(&self, key: &ObjectKey) -> Result<ByteReader<'static>, StoreError> {
        download::open(&self.client, key).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        self.client.head(key).await
    }

    fn list<'a>(&'a self, prefix: &'a KeyPrefix) -> BoxStream<'a, Result<ObjectMeta, StoreError>> {
        listing::list(&self.client, prefix)
    }

    async fn folders(&self, prefix: &KeyPrefix) -> Result<Vec<String>, StoreError> {
        listing::folders(&self.client, prefix).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), StoreError> {
        deletion::delete(&self.client, keys).await
    }

    async fn sweep_unfinished(&self, prefix: &KeyPrefix, older_than: Duration) -> Result<u64, StoreError> {
        sweep::sweep(&self.client, prefix, older_than).await
    }

    async fn clock(&self) -> Result<Timestamp, StoreError> {
        self.client.clock().await
    }

    fn object_limit(&self) -> u64 {
        self.plan.object_limit()
    }

    fn describe(&self) -> String {
        self.place.clone()
    }
}
