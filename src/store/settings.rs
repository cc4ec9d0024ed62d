//! Settings of a store after resolution: typed, complete, with the secrets fetched.

use crate::model::{ByteSize, Secret};
use std::path::PathBuf;

/// Settings of one store.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    /// S3 or a compatible service.
    S3(Box<S3Settings>),
    /// A directory.
    Local(LocalSettings),
}

/// Settings of a directory store.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// The directory; created when absent.
    pub path: PathBuf,
}

/// Settings of an S3 store.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// `https://host[:port]` without a path; `None` means AWS in `region`.
    pub endpoint: Option<String>,
    /// The bucket; never created by jagad.
    pub bucket: String,
    /// The region used for signing.
    pub region: String,
    /// Prefix of every key, without slashes at its ends; may be empty.
    pub prefix: String,
    /// Where credentials come from.
    pub credentials: S3Credentials,
    /// `bucket` in the path (`true`) or in the host name; `None` lets the store decide by the endpoint.
    pub path_style: Option<bool>,
    /// PEM file with certificates of a private CA, trusted besides the system's.
    pub tls_ca: Option<PathBuf>,
    /// Accept any certificate. For tests only.
    pub insecure_tls: bool,
    /// Accept `http://` endpoints.
    pub allow_http: bool,
    /// Storage class of data objects; manifests stay in the standard class.
    pub storage_class: Option<String>,
    /// Server-side encryption: `AES256` or `aws:kms`.
    pub sse: Option<String>,
    /// Key of `aws:kms`.
    pub kms_key_id: Option<String>,
    /// Days of COMPLIANCE retention on data and records; 0 for none.
    pub object_lock_days: u32,
    /// Size of every part but the last, 5 MiB to 5 GiB.
    pub part_size: ByteSize,
    /// Parts of one object, 1 to 10,000; an object never exceeds `part_size x max_parts`.
    pub max_parts: u32,
    /// Parts in flight, 1 to 64. Memory is `part_size x uploads`.
    pub uploads: u32,
    /// Integrity header of parts besides the signed SHA-256.
    pub checksum: S3Checksum,
    /// Upper bound of the upload rate in bytes per second.
    pub bandwidth: Option<ByteSize>,
    /// How long an answer may take to begin. A call with all its tries takes at most four times as long, plus the time
    /// that its bytes need.
    pub answer_timeout: std::time::Duration,
    /// Tries of each request; 8 unless a test wants fewer.
    pub attempts: u32,
    /// First pause between tries, doubled each time up to 20 s, with full jitter.
    pub retry_base: std::time::Duration,
}

/// Where S3 credentials come from.
#[derive(Debug, Clone)]
pub enum S3Credentials {
    /// Given in the configuration.
    Static {
        /// Access key id.
        access_key: String,
        /// Secret access key.
        secret_key: Secret,
        /// Session token of temporary credentials.
        session_token: Option<Secret>,
    },
    /// A profile of the shared credentials file.
    Profile(String),
    /// Environment, shared file, web identity, container, instance: the usual AWS order.
    Chain,
}

/// Integrity header on part uploads. The signed payload hash is always sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Checksum {
    /// `Content-MD5` only where the service demands it (object lock).
    Auto,
    /// `Content-MD5` on every part.
    Md5,
    /// None at all.
    None,
}
