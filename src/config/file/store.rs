//! `[stores.NAME]` as it is written.

use super::{Words, secret};
use crate::model::{ByteSize, Period, Secret};
use serde::Deserialize;
use std::path::PathBuf;

/// The kind of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StoreType {
    /// S3 or compatible.
    S3,
    /// A directory.
    Local,
}

/// `"auto"`, `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PathStyle {
    /// Decided.
    Fixed(bool),
    /// Decided by the endpoint.
    Word(Auto),
}

/// The word "auto".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Auto {
    /// jagad decides.
    Auto,
}

/// Integrity header on uploads besides the signed SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ChecksumFile {
    /// Content-MD5 only where the service demands it.
    Auto,
    /// Content-MD5 on every part.
    Md5,
    /// None.
    None,
}

/// A store: where backups are kept.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StoreFile {
    /// s3 or local.
    #[serde(rename = "type")]
    pub kind: StoreType,
    /// Id of the repository that must exist there; a store without it is refused (default: any).
    pub repository: Option<String>,
    /// local: the directory; it must exist.
    pub path: Option<PathBuf>,
    /// s3: `https://host[:port]` (default: AWS in `region`).
    pub endpoint: Option<String>,
    /// s3: the bucket; it must exist.
    pub bucket: Option<String>,
    /// s3: the region (default us-east-1).
    pub region: Option<String>,
    /// s3: prefix of every key (default none).
    pub prefix: Option<String>,
    /// s3: access key, inline.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, deserialize_with = "secret")]
    pub access_key: Option<Secret>,
    /// s3: file with the access key.
    pub access_key_file: Option<PathBuf>,
    /// s3: environment variable with the access key.
    pub access_key_env: Option<String>,
    /// s3: command that prints the access key.
    pub access_key_command: Option<Words>,
    /// s3: systemd credential with the access key.
    pub access_key_credential: Option<String>,
    /// s3: secret key, inline.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, deserialize_with = "secret")]
    pub secret_key: Option<Secret>,
    /// s3: file with the secret key.
    pub secret_key_file: Option<PathBuf>,
    /// s3: environment variable with the secret key.
    pub secret_key_env: Option<String>,
    /// s3: command that prints the secret key.
    pub secret_key_command: Option<Words>,
    /// s3: systemd credential with the secret key.
    pub secret_key_credential: Option<String>,
    /// s3: session token, inline.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, deserialize_with = "secret")]
    pub session_token: Option<Secret>,
    /// s3: file with the session token.
    pub session_token_file: Option<PathBuf>,
    /// s3: environment variable with the session token.
    pub session_token_env: Option<String>,
    /// s3: command that prints the session token.
    pub session_token_command: Option<Words>,
    /// s3: systemd credential with the session token.
    pub session_token_credential: Option<String>,
    /// s3: profile of the shared AWS credentials file.
    pub profile: Option<String>,
    /// s3: bucket in the path instead of the host name (default "auto").
    pub path_style: Option<PathStyle>,
    /// s3: PEM file of a private CA.
    pub tls_ca: Option<PathBuf>,
    /// s3: accept any certificate; for tests only (default false).
    #[serde(default)]
    pub insecure_tls: bool,
    /// s3: accept an `http://` endpoint (default false).
    #[serde(default)]
    pub allow_http: bool,
    /// s3: storage class of data; manifests stay in the standard class.
    pub storage_class: Option<String>,
    /// s3: server-side encryption: AES256 or aws:kms.
    pub sse: Option<String>,
    /// s3: key of aws:kms.
    pub kms_key_id: Option<String>,
    /// s3: days of COMPLIANCE object lock on data and manifests (default 0: none).
    #[serde(default)]
    pub object_lock_days: u32,
    /// s3: size of a part; memory is part_size x uploads (default "8MiB").
    pub part_size: Option<ByteSize>,
    /// s3: parts of one object; longer backups are cut into several objects (default 1000).
    pub max_parts: Option<u32>,
    /// s3: parts in flight (default 4).
    pub uploads: Option<u32>,
    /// s3: integrity header besides the signed SHA-256 (default auto).
    pub checksum: Option<ChecksumFile>,
    /// s3: how long the server may take to begin its answer (default "30s").
    pub answer_timeout: Option<Period>,
    /// s3: highest upload rate per second (default none).
    pub bandwidth: Option<ByteSize>,
}
