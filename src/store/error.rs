//! The errors of a store, in the classes that callers act on.

use super::key::ObjectKey;

/// A failed store operation. `action` is a verb with its object: "put `databases/shop/…`".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The object does not exist.
    #[error("no object `{key}`")]
    NotFound {
        /// The key asked for.
        key: ObjectKey,
    },
    /// A write-once key exists with other content.
    #[error("`{key}` exists already with other content")]
    AlreadyExists {
        /// The key that was to be written.
        key: ObjectKey,
    },
    /// The bucket or directory itself is missing.
    #[error("{place} does not exist")]
    PlaceMissing {
        /// Bucket name or directory.
        place: String,
    },
    /// The credentials are missing, unknown or wrong.
    #[error("{action}: the credentials were rejected ({code})")]
    Credentials {
        /// What was being done.
        action: String,
        /// The server's words, or what is missing.
        code: String,
    },
    /// The credentials are valid but lack the permission.
    #[error("{action}: permission denied ({code})")]
    Denied {
        /// What was being done.
        action: String,
        /// The server's words.
        code: String,
    },
    /// The temporary credentials have run out.
    #[error("{action}: the credentials have expired ({code})")]
    Expired {
        /// What was being done.
        action: String,
        /// The server's words.
        code: String,
    },
    /// There is no space left: a quota, a cap or a disk of the server.
    #[error("{action}: the store is full ({code})")]
    Full {
        /// What was being done.
        action: String,
        /// The server's words.
        code: String,
    },
    /// The server's certificate is not trusted, or it does not speak TLS.
    #[error("{action}: TLS failed: {detail}")]
    Tls {
        /// What was being done.
        action: String,
        /// The transport's own error.
        detail: String,
    },
    /// The bucket lives in another region than configured.
    #[error("{action}: wrong region ({detail})")]
    WrongRegion {
        /// What was being done.
        action: String,
        /// What the server said.
        detail: String,
    },
    /// The server refuses the request because our clock differs too much.
    #[error("{action}: the clocks differ too much ({detail})")]
    ClockSkew {
        /// What was being done.
        action: String,
        /// What the server said.
        detail: String,
    },
    /// No connection, broken connection or no answer in time, after all retries.
    #[error("{action}: the store cannot be reached: {detail}")]
    Unreachable {
        /// What was being done.
        action: String,
        /// The transport's own error, without any URL query.
        detail: String,
    },
    /// The server answered with an error that no other class covers.
    #[error("{action}: the store answered {}", answer(*.status, .code, .message))]
    Response {
        /// What was being done.
        action: String,
        /// HTTP status.
        status: u16,
        /// S3 error code.
        code: String,
        /// S3 error message.
        message: String,
    },
    /// The object changed, or ended early, while it was read.
    #[error("get `{key}`: {detail}")]
    Broken {
        /// The object.
        key: ObjectKey,
        /// What did not match.
        detail: String,
    },
    /// An object that must be small is not.
    #[error("`{key}` is larger than {limit} bytes")]
    TooLarge {
        /// The object.
        key: ObjectKey,
        /// The bound.
        limit: u64,
    },
    /// Reading the body failed: its error is the source, and the store is not at fault.
    #[error("put `{key}`: the source of the data failed")]
    Body {
        /// The object that was being written. It has not become visible.
        key: ObjectKey,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The local file system failed.
    #[error("{action}")]
    Io {
        /// What was being done.
        action: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The settings cannot be used.
    #[error("{detail}")]
    Settings {
        /// What is wrong with them.
        detail: String,
    },
}

/// A server's answer for people: not every answer has a code or a message.
fn answer(status: u16, code: &str, message: &str) -> String {
    let known = if code.is_empty() { status.to_string() } else { format!("{status} {code}") };
    if message.is_empty() { known } else { format!("{known}: {message}") }
}

/// Whether `error` says that a disk or a quota is full.
fn is_disk_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

impl StoreError {
    /// Whether the store has no room left.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Io { source, .. } => is_disk_full(source),
            _ => false,
        }
    }

    /// Whether the store refuses all writes permanently: it is full, read-only, or the credentials may only read. Its
    /// objects can still be read.
    pub fn refuses_writes(&self) -> bool {
        use std::io::ErrorKind;
        match self {
            Self::Full { .. } | Self::Denied { .. } => true,
            Self::Response { status, .. } => matches!(status, 405 | 501),
            Self::Io { source, .. } => {
                is_disk_full(source)
                    || matches!(source.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
            }
            _ => false,
        }
    }

    /// The [`StoreError`] that a reader from [`super::Store::get`] carries, or one made from its `io::Error`.
    pub fn from_read(key: &ObjectKey, error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(inner) => inner,
            Err(error) => Self::Io { action: format!("read `{key}`"), source: error },
        }
    }
}
