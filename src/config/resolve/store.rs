//! Resolves `[stores.NAME]`.

use super::EntryPlace;
use crate::config::entry::{CredentialsEntry, S3Entry, StoreEntry};
use crate::config::error::ConfigError;
use crate::config::file::{ChecksumFile, PathStyle, StoreFile, StoreType};
use crate::config::secret::Forms;
use crate::model::ByteSize;
use crate::store::settings::S3Checksum;
use std::time::Duration;

/// One `[stores.NAME]` table.
pub(super) fn resolve(place: &EntryPlace<'_>, written: &StoreFile) -> Result<StoreEntry, ConfigError> {
    match (written.kind, &written.path) {
        (StoreType::Local, Some(path)) => match s3_only(place) {
            Some(key) => Err(place.wrong(key, format!("`{key}` goes with type = \"s3\""))),
            None => Ok(StoreEntry::Local(place.folder.join(path))),
        },
        (StoreType::Local, None) => Err(place.wrong("", "`path` is needed with type = \"local\"")),
        (StoreType::S3, Some(_)) => {
            Err(place.wrong("path", "`path` goes with type = \"local\"; S3 has `prefix`"))
        }
        (StoreType::S3, None) => Ok(StoreEntry::S3(Box::new(s3(place, written)?))),
    }
}

/// A key that a directory store does not use; it is refused, because it would have no effect.
fn s3_only<'a>(place: &'a EntryPlace<'_>) -> Option<&'a str> {
    let table = place.path.iter().try_fold(place.document.root(), |table, key| table.get(key)?.as_table())?;
    table.keys().map(String::as_str).find(|key| !matches!(*key, "type" | "path" | "repository"))
}

fn s3(place: &EntryPlace<'_>, written: &StoreFile) -> Result<S3Entry, ConfigError> {
    let bucket =
        written.bucket.clone().ok_or_else(|| place.wrong("", "`bucket` is needed with type = \"s3\""))?;
    let part_size = written.part_size.unwrap_or(ByteSize::mib(8));
    place.bounded("part_size", part_size.bytes(), 5 << 20..=5 << 30)?;
    let max_parts = place.bounded("max_parts", written.max_parts.unwrap_or(1000).into(), 1..=10_000)?;
    let uploads = place.bounded("uploads", written.uploads.unwrap_or(4).into(), 1..=64)?;
    let answer_timeout = written.answer_timeout.map_or(Duration::from_secs(30), |period| period.0);
    place.period("answer_timeout", answer_timeout, Duration::from_secs(1)..=Duration::from_secs(600))?;
    Ok(S3Entry {
        endpoint: written.endpoint.clone(),
        bucket,
        region: written.region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
        prefix: written.prefix.as_deref().unwrap_or_default().trim_matches('/').to_owned(),
        credentials: credentials(place, written)?,
        path_style: match written.path_style {
            Some(PathStyle::Fixed(path_style)) => Some(path_style),
            Some(PathStyle::Word(_)) | None => None,
        },
        tls_ca: place.file(written.tls_ca.as_ref()),
        insecure_tls: written.insecure_tls,
        allow_http: written.allow_http,
        storage_class: written.storage_class.clone(),
        sse: written.sse.clone(),
        kms_key_id: written.kms_key_id.clone(),
        object_lock_days: written.object_lock_days,
        part_size,
        max_parts: u32::try_from(max_parts).unwrap_or(1000),
        uploads: u32::try_from(uploads).unwrap_or(4),
        checksum: match written.checksum {
            Some(ChecksumFile::Md5) => S3Checksum::Md5,
            Some(ChecksumFile::None) => S3Checksum::None,
            Some(ChecksumFile::Auto) | None => S3Checksum::Auto,
        },
        bandwidth: written.bandwidth,
        answer_timeout,
    })
}

fn credentials(place: &EntryPlace<'_>, written: &StoreFile) -> Result<CredentialsEntry, ConfigError> {
    let access_key = Forms {
        inline: written.access_key.as_ref(),
        file: written.access_key_file.as_ref(),
        environment: written.access_key_env.as_ref(),
        command: written.access_key_command.as_ref(),
        credential: written.access_key_credential.as_ref(),
    };
    let secret_key = Forms {
        inline: written.secret_key.as_ref(),
        file: written.secret_key_file.as_ref(),
        environment: written.secret_key_env.as_ref(),
        command: written.secret_key_command.as_ref(),
        credential: written.secret_key_credential.as_ref(),
    };
    let session_token = Forms {
        inline: written.session_token.as_ref(),
        file: written.session_token_file.as_ref(),
        environment: written.session_token_env.as_ref(),
        command: written.session_token_command.as_ref(),
        credential: written.session_token_credential.as_ref(),
    };
    let keys = (place.secret("access_key", &access_key)?, place.secret("secret_key", &secret_key)?);
    let session_token = place.secret("session_token", &session_token)?;
    match (keys, &written.profile) {
        ((Some(access_key), Some(secret_key)), None) => {
            Ok(CredentialsEntry::Static { access_key, secret_key, session_token })
        }
        ((None, None), Some(profile)) => Ok(CredentialsEntry::Profile(profile.clone())),
        ((None, None), None) => Ok(CredentialsEntry::Chain),
        ((Some(_), None), _) => Err(place.wrong("", "an access key without a secret key")),
        ((None, Some(_)), _) => Err(place.wrong("", "a secret key without an access key")),
        ((Some(_), Some(_)), Some(_)) => {
            Err(place.wrong("profile", "`profile` and keys are given together; choose one"))
        }
    }
}
