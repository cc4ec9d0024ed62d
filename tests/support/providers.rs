//! The refusals of services that call themselves S3, in the words in which each says them: in front of the server in this process,
//! they are what a store meets in the field.

use super::faulty::{Asked, Fault};
use http::Method;
use std::time::Duration;

/// A service and what it has against our requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    /// Google Cloud Storage's XML interface: no batches of deletions.
    Google,
    /// Backblaze B2: no conditional writes; caps.
    Backblaze,
    /// Cloudflare R2: no headers that it does not implement, parts of equal size, few writes of one key.
    Cloudflare,
    /// OVH: no checksum headers of newer clients, slow down with a time.
    Ovh,
    /// MinIO: not ready at first, keeps a completion alive with blanks.
    Minio,
}

impl Provider {
    pub(crate) const ALL: [Self; 5] =
        [Self::Google, Self::Backblaze, Self::Cloudflare, Self::Ovh, Self::Minio];

    /// What the service does with a request while all is well.
    pub(crate) fn usual(self, asked: &Asked) -> Fault {
        match self {
            Self::Google => google(asked),
            Self::Backblaze => backblaze(asked),
            Self::Cloudflare => cloudflare(asked),
            Self::Ovh => ovh(asked),
            Self::Minio => minio(asked),
        }
    }

    /// What it does when nothing more may be stored.
    pub(crate) fn when_full(self, asked: &Asked) -> Fault {
        if !is_write(asked) {
            return self.usual(asked);
        }
        match self {
            Self::Google => refusal(403, "QuotaExceeded", "The project exceeded its quota for stored bytes."),
            Self::Backblaze => refusal(
                403,
                "AccessDenied",
                "Cannot upload files, storage cap exceeded. See the Caps &amp; Alerts page to increase your cap.",
            ),
            Self::Cloudflare => refusal(403, "StorageQuotaExceeded", "You have reached your storage limit."),
            Self::Ovh => refusal(403, "QuotaExceeded", "The quota set on the resource was exceeded."),
            Self::Minio => refusal(
                507,
                "XMinioStorageFull",
                "Storage backend has reached its minimum free drive threshold. Please delete a few objects to proceed.",
            ),
        }
    }
}

/// Whether a request would store something.
pub(crate) fn is_write(asked: &Asked) -> bool {
    asked.method == Method::PUT || (asked.method == Method::POST && !asked.query.starts_with("delete"))
}

fn refusal(status: u16, code: &str, message: &str) -> Fault {
    Fault::Answer(
        status,
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Code>{code}</Code>\
             <Message>{message}</Message><RequestId>tx1</RequestId></Error>"
        ),
    )
}

fn google(asked: &Asked) -> Fault {
    if asked.method == Method::POST && asked.query.starts_with("delete") {
        return refusal(400, "InvalidArgument", "Invalid argument.");
    }
    Fault::Pass
}

fn backblaze(asked: &Asked) -> Fault {
    if asked.headers.contains_key("if-none-match") {
        let words = "A header you provided implies functionality that is not implemented.";
        return refusal(501, "NotImplemented", words);
    }
    Fault::Pass
}

fn cloudflare(asked: &Asked) -> Fault {
    for header in ["x-amz-object-lock-mode", "x-amz-tagging", "x-amz-storage-class", "x-amz-acl"] {
        if asked.headers.contains_key(header) {
            return refusal(501, "NotImplemented", &format!("Header '{header}' is not implemented"));
        }
    }
    if asked.method == Method::PUT && asked.before == 0 && asked.path.contains("/lease/") {
        let words = "Reduce your concurrent request rate for the same object.";
        return refusal(429, "TooManyRequests", words);
    }
    Fault::Pass
}

fn ovh(asked: &Asked) -> Fault {
    let newer = |name: &http::HeaderName| {
        name.as_str().starts_with("x-amz-checksum") || name.as_str().starts_with("x-amz-sdk-checksum")
    };
    let streaming = asked
        .headers
        .get("x-amz-content-sha256")
        .is_some_and(|value| value.to_str().is_ok_and(|text| text.starts_with("STREAMING")));
    if asked.headers.keys().any(newer) || streaming {
        return refusal(501, "NotImplemented", "Transfering payloads in multiple chunks is not implemented.");
    }
    // The first of a kind, as its gateways do under load.
    if asked.before == 0 && asked.method == Method::PUT && asked.path.contains(".json") {
        return refusal(503, "SlowDown", "Please reduce your request rate.");
    }
    Fault::Pass
}

fn minio(asked: &Asked) -> Fault {
    if asked.is_complete() {
        return Fault::Blanks(Duration::from_millis(20), 5);
    }
    if asked.method == Method::HEAD && asked.before == 0 {
        return refusal(503, "XMinioServerNotInitialized", "Server not initialized yet, please try again.");
    }
    Fault::Pass
}
