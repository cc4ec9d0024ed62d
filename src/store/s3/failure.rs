//! One failed request: what the server or the transport said, whether to try again, and what it means to callers.

use crate::store::{ObjectKey, StoreError};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Why one request failed. Never holds a URL, a header that was sent or a body that was sent.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    cause: Cause,
    retry_after: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Cause {
    /// The server answered with an error.
    Answer { status: u16, code: String, message: String, region: Option<String> },
    /// There was no (whole) answer. `hopeless` ones look the same at every try, such as a refused certificate.
    Transport { detail: String, hopeless: bool },
    /// No credentials could be had.
    Credentials(String),
    /// The server answered with success, but not with what was asked for.
    Nonsense(String),
}

/// The text of the first element `tag` in `xml`; empty when there is none.
fn element<'a>(xml: &'a str, tag: &str) -> &'a str {
    xml.split_once(&format!("<{tag}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")))
        .map_or("", |(text, _)| text)
}

/// Statuses and codes that AWS or a compatible service sends for something that passes by itself. `BadDigest` and
/// its kin mean that bytes were damaged on the way: the next try signs and sends the same good bytes.
const TRANSIENT_STATUS: [u16; 6] = [408, 429, 500, 502, 503, 504];
const TRANSIENT_CODE: [&str; 11] = [
    "RequestTimeout",
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "ExpiredToken",
    "OperationAborted",
    "ConditionalRequestConflict",
    "BadDigest",
    "InvalidDigest",
    "XAmzContentSHA256Mismatch",
    "IncompleteBody",
];
const CREDENTIAL_CODE: [&str; 7] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidClientTokenId",
    "NotSignedUp",
];

impl Failure {
    /// What an error answer says.
    pub(super) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let xml = String::from_utf8_lossy(body);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after = text("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
        let region = Some(element(&xml, "Region").to_owned())
            .filter(|name| !name.is_empty())
            .or(text("x-amz-bucket-region"));
        let cause = Cause::Answer {
            status: status.as_u16(),
            code: element(&xml, "Code").to_owned(),
            message: element(&xml, "Message").to_owned(),
            region,
        };
        Self { cause, retry_after }
    }

    /// No answer, or half of one. `reqwest` hides the cause behind the first sentence and shows the URL: the chain
    /// is walked here, and the URL is dropped because its query names uploads.
    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut detail = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            detail = format!("{detail}: {inner}");
            source = inner.source();
        }
        let hopeless = error.is_builder() || detail.contains("certificate");
        Self { cause: Cause::Transport { detail, hopeless }, retry_after: None }
    }

    /// The connection fell silent or ended early.
    pub(super) fn broken(detail: impl Into<String>) -> Self {
        Self { cause: Cause::Transport { detail: detail.into(), hopeless: false }, retry_after: None }
    }

    /// No credentials; `detail` must not hold any part of one.
    pub(super) fn credentials(detail: impl Into<String>) -> Self {
        Self { cause: Cause::Credentials(detail.into()), retry_after: None }
    }

    /// A success that is none.
    pub(super) fn nonsense(detail: impl Into<String>) -> Self {
        Self { cause: Cause::Nonsense(detail.into()), retry_after: None }
    }

    /// HTTP status, 0 without an answer.
    pub(super) fn status(&self) -> u16 {
        match self.cause {
            Cause::Answer { status, .. } => status,
            _ => 0,
        }
    }

    /// S3 error code, empty when there is none (an answer to HEAD has no body).
    pub(super) fn code(&self) -> &str {
        match &self.cause {
            Cause::Answer { code, .. } => code,
            _ => "",
        }
    }

    /// Pause the server asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether another try can end otherwise, after `tries` of them.
    pub(super) fn is_transient(&self, tries: u32) -> bool {
        match &self.cause {
            // A request may wait so long that its date is old when it leaves: once more with a fresh date.
            Cause::Answer { code, .. } if code == "RequestTimeTooSkewed" => tries < 2,
            Cause::Answer { status, code, .. } => {
                TRANSIENT_STATUS.contains(status) || TRANSIENT_CODE.contains(&code.as_str())
            }
            Cause::Transport { hopeless, .. } => !hopeless,
            Cause::Credentials(_) | Cause::Nonsense(_) => false,
        }
    }

    /// Whether the server says that it does not know this operation or condition.
    pub(super) fn is_not_implemented(&self) -> bool {
        matches!(self.status(), 501 | 405) || matches!(self.code(), "NotImplemented" | "MethodNotAllowed")
    }

    /// Whether the server refuses what was asked for, for whatever reason, without saying more (HEAD).
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self.status(), 400 | 401 | 403)
    }

    /// The class that callers act on. `action` says what was done to what; `bucket` and `key` name the places that
    /// may be missing.
    pub(super) fn into_error(self, action: String, bucket: &str, key: Option<&ObjectKey>) -> StoreError {
        let (status, code, message, region) = match self.cause {
            Cause::Transport { detail, .. } => return StoreError::Unreachable { action, detail },
            Cause::Credentials(code) => return StoreError::Credentials { action, code },
            Cause::Nonsense(message) => {
                return StoreError::Response { action, status: 200, code: "unexpected".to_owned(), message };
            }
            Cause::Answer { status, code, message, region } => (status, code, message, region),
        };
        let shown = if code.is_empty() { format!("HTTP {status}") } else { code.clone() };
        match (status, code.as_str()) {
            (_, "NoSuchBucket") => StoreError::PlaceMissing { place: format!("bucket `{bucket}`") },
            (_, "RequestTimeTooSkewed") => StoreError::ClockSkew { action, detail: message },
            (_, code) if CREDENTIAL_CODE.contains(&code) => StoreError::Credentials { action, code: shown },
            (301 | 307, _)
            | (
                _,
                "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException",
            ) => {
                let detail = region.map_or(message, |name| format!("the bucket is in `{name}`"));
                StoreError::WrongRegion { action, detail }
            }
            // An archived object is no matter of rights: the message says what to do.
            (403, "InvalidObjectState") => StoreError::Response { action, status, code, message },
            (401 | 403, _) => StoreError::Denied { action, code: shown },
            (404, "" | "NoSuchKey") if key.is_some() => key
                .map_or(StoreError::PlaceMissing { place: bucket.to_owned() }, |key| StoreError::NotFound {
                    key: key.clone(),
                }),
            _ => StoreError::Response { action, status, code, message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: &str) -> Failure {
        let body = format!("<Error><Code>{code}</Code><Message>because</Message></Error>");
        Failure::from_answer(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn answers_are_sorted_into_the_classes_that_callers_act_on() {
        let key: ObjectKey = "a/b".parse().unwrap();
        let table = [
            (403, "SignatureDoesNotMatch", "get: the credentials are not accepted (SignatureDoesNotMatch)"),
            (403, "InvalidAccessKeyId", "get: the credentials are not accepted (InvalidAccessKeyId)"),
            (403, "AccessDenied", "get: permission denied (AccessDenied)"),
            (403, "", "get: permission denied (HTTP 403)"),
            (404, "NoSuchBucket", "bucket `bkt` does not exist"),
            (404, "NoSuchKey", "no object `a/b`"),
            (404, "", "no object `a/b`"),
            (301, "PermanentRedirect", "get: wrong region (because)"),
            (400, "AuthorizationHeaderMalformed", "get: wrong region (because)"),
            (403, "RequestTimeTooSkewed", "get: the clocks differ too much (because)"),
            (403, "InvalidObjectState", "get: the store answered 403 InvalidObjectState: because"),
            (409, "Odd", "get: the store answered 409 Odd: because"),
        ];
        for (status, code, text) in table {
            let error = answer(status, code).into_error("get".to_owned(), "bkt", Some(&key));
            assert_eq!(error.to_string(), text, "{status} {code}");
        }
    }

    #[test]
    fn the_region_that_the_server_names_is_told() {
        let body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
        let failure = Failure::from_answer(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
        let error = failure.into_error("list".to_owned(), "bkt", None);
        assert_eq!(error.to_string(), "list: wrong region (the bucket is in `eu-west-1`)");
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        for (status, code) in
            [(503, "SlowDown"), (500, ""), (429, ""), (400, "RequestTimeout"), (400, "ExpiredToken")]
        {
            assert!(answer(status, code).is_transient(1), "{status} {code}");
        }
        for (status, code) in
            [(403, "AccessDenied"), (404, "NoSuchKey"), (400, "InvalidPart"), (412, ""), (501, "")]
        {
            assert!(!answer(status, code).is_transient(1), "{status} {code}");
        }
        assert!(answer(403, "RequestTimeTooSkewed").is_transient(1));
        assert!(!answer(403, "RequestTimeTooSkewed").is_transient(2));
    }
}
