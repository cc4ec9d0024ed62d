//! The headers that decide how an object is kept, by its role.

use super::instant::now;
use super::request::{Md5, text};
use crate::model::Timestamp;
use crate::store::settings::S3Checksum;
use crate::store::{ObjectRole, S3Settings, StoreError};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// Marks each upload with a random word, so that a lost answer can be looked up: an object with our word is the one
/// that we sent.
const NONCE: HeaderName = HeaderName::from_static("x-amz-meta-jagad-nonce");
const IF_NONE_MATCH: HeaderName = HeaderName::from_static("if-none-match");
const LOCK_MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
const LOCK_UNTIL: HeaderName = HeaderName::from_static("x-amz-object-lock-retain-until-date");

/// The settings that decide how a store keeps objects.
#[derive(Debug)]
pub(super) struct Keeping {
    storage_class: Option<HeaderValue>,
    encryption: HeaderMap,
    lock_days: u32,
    checksum: S3Checksum,
}

fn value(setting: &str, text: &str) -> Result<HeaderValue, StoreError> {
    HeaderValue::from_str(text).map_err(|_| StoreError::Settings {
        detail: format!("{setting} holds characters that cannot be sent"),
    })
}

/// Whether objects of `role` are written once.
pub(super) fn is_write_once(role: ObjectRole) -> bool {
    matches!(role, ObjectRole::Data | ObjectRole::Record)
}

impl Keeping {
    pub(super) fn new(settings: &S3Settings) -> Result<Self, StoreError> {
        let mut encryption = HeaderMap::new();
        if let Some(sse) = &settings.sse {
            encryption.insert("x-amz-server-side-encryption", value("sse", sse)?);
        }
        if let Some(key) = &settings.kms_key_id {
            if settings.sse.as_deref() != Some("aws:kms") {
                return Err(StoreError::Settings { detail: "kms_key_id needs sse = \"aws:kms\"".to_owned() });
            }
            encryption.insert("x-amz-server-side-encryption-aws-kms-key-id", value("kms_key_id", key)?);
        }
        let storage_class =
            settings.storage_class.as_deref().map(|class| value("storage_class", class)).transpose()?;
        Ok(Self {
            storage_class,
            encryption,
            lock_days: settings.object_lock_days,
            checksum: settings.checksum,
        })
    }

    /// Headers of the request that creates the object: a whole PUT, or the start of a multipart upload.
    pub(super) fn of_object(&self, role: ObjectRole, nonce: &str) -> HeaderMap {
        let mut headers = self.encryption.clone();
        headers.insert("content-type", HeaderValue::from_static("application/octet-stream"));
        if let Ok(nonce) = HeaderValue::from_str(nonce) {
            headers.insert(NONCE, nonce);
        }
        if role == ObjectRole::Data
            && let Some(class) = &self.storage_class
        {
            headers.insert("x-amz-storage-class", class.clone());
        }
        if self.locks(role)
            && let Ok(until) = HeaderValue::from_str(&self.lock_until())
        {
            headers.insert(LOCK_MODE, HeaderValue::from_static("COMPLIANCE"));
            headers.insert(LOCK_UNTIL, until);
        }
        headers
    }

    /// Headers of the request that makes the object visible.
    pub(super) fn of_appearance(role: ObjectRole) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if is_write_once(role) {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        headers
    }

    /// Whether objects of `role` must be under retention.
    pub(super) fn locks(&self, role: ObjectRole) -> bool {
        self.lock_days > 0 && is_write_once(role)
    }

    /// The end of the retention of an object written now. Our own clock is good enough: a server refuses signatures of
    /// a clock that is a quarter of an hour off, and the unit here is a day.
    pub(super) fn lock_until(&self) -> String {
        let end = now() + time::Duration::days(i64::from(self.lock_days));
        Timestamp::from_unix_seconds(end.unix_timestamp()).to_string()
    }

    /// Whether bodies of `role` carry `Content-MD5`. AWS demands it where retention is set.
    pub(super) fn md5(&self, role: ObjectRole) -> Md5 {
        match self.checksum {
            S3Checksum::Md5 => Md5::Send,
            S3Checksum::Auto if self.locks(role) => Md5::Send,
            S3Checksum::Auto | S3Checksum::None => Md5::Omit,
        }
    }
}

/// The random word of the upload that made the object.
pub(super) fn nonce(headers: &HeaderMap) -> Option<&str> {
    text(headers, NONCE.as_str())
}

/// Whether the object is under COMPLIANCE retention.
pub(super) fn is_locked(headers: &HeaderMap) -> bool {
    text(headers, LOCK_MODE.as_str()).is_some_and(|mode| mode.eq_ignore_ascii_case("COMPLIANCE"))
}
