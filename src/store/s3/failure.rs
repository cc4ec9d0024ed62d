//! One failed request: what the server or the transport reported, whether to try again, and the error class for
//! callers.

use super::names::UnknownName;
use crate::store::{ObjectKey, StoreError};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Why one request failed. Never holds a URL, a header that was sent or a body that was sent.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    cause: Cause,
    retry_after: Option<Duration>,
    /// Whether the credentials that were refused have been fetched again since.
    renewed: bool,
}

#[derive(Debug, Clone)]
enum Cause {
    /// The server answered with an error.
    Answer { status: u16, code: String, message: String, region: Option<String> },
    /// Something that is not an S3 server answered with an error: a web server, a proxy.
    Foreign { status: u16, body: String },
    /// There was no (whole) answer.
    Transport { detail: String, kind: Breakdown },
    /// No credentials could be loaded.
    Credentials(String),
    /// The server answered with success, but not with what was asked for.
    Nonsense(String),
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breakdown {
    /// The connection was refused, broke, or fell silent.
    Broken,
    /// The server's name has no address.
    Lookup,
    /// The certificate, or TLS as a whole: every try fails the same way.
    Tls,
    /// The request could not be made.
    Hopeless,
}

/// Longest text of a server that is shown, in characters.
const WORDS_LIMIT: usize = 300;

/// The text of the first element `tag` in `xml`, with or without attributes and a namespace's prefix; empty when there is none.
/// It is shown to people: bounded, and without control characters.
fn element(xml: &str, tag: &str) -> String {
    let found = xml.match_indices(tag).find_map(|(at, _)| {
        let before = xml[..at].rsplit('<').next()?;
        let rest = &xml[at + tag.len()..];
        let opens = xml[..at].ends_with('<') || (before.ends_with(':') && !before.contains(['>', '/', ' ']));
        if !opens || !rest.starts_with(['>', ' ', '\n', '\t', '\r']) {
            return None;
        }
        let (_, text) = rest.split_once('>')?;
        Some(text.split_once("</")?.0)
    });
    let text = found.unwrap_or_default().trim();
    let text =
        quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned);
    let legible = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    legible.take(WORDS_LIMIT).collect()
}

/// Whether an answer means that the store is full. Backblaze says so in the message of an AccessDenied, Garage in that
/// of a Forbidden.
fn means_full(status: u16, code: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let spoken = [
        ("quota", "exceeded"),
        ("quota", "reached"),
        ("storage", "cap exceeded"),
        ("storage", "limit exceeded"),
    ];
    status == 507
        || code.contains("QuotaExceeded")
        || code.contains("StorageFull")
        || code.contains("InsufficientStorage")
        || (status == 403
            && spoken.iter().any(|(one, other)| message.contains(one) && message.contains(other)))
}

/// Statuses and codes that AWS or a compatible service sends for temporary conditions. `BadDigest` and similar codes
/// mean that bytes were damaged on the way: the next try signs and sends the same good bytes.
const TRANSIENT_STATUS: [u16; 6] = [408, 429, 500, 502, 503, 504];
const TRANSIENT_CODE: [&str; 10] = [
    "RequestTimeout",
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "OperationAborted",
    "ConditionalRequestConflict",
    "BadDigest",
    "InvalidDigest",
    "XAmzContentSHA256Mismatch",
    "IncompleteBody",
];
const EXPIRED_CODE: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"];
const CREDENTIAL_CODE: [&str; 5] =
    ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "NotSignedUp"];

impl Failure {
    /// What an error answer says.
    pub(super) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let xml = String::from_utf8_lossy(body);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after = text("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
        let region =
            Some(element(&xml, "Region")).filter(|name| !name.is_empty()).or(text("x-amz-bucket-region"));
        let (status, code, message) = (status.as_u16(), element(&xml, "Code"), element(&xml, "Message"));
        let cause = match foreign(&xml) {
            // Missing permissions show in the status alone, also when a proxy answers.
            Some(body) if status == 404 => Cause::Foreign { status, body },
            _ => Cause::Answer { status, code, message, region },
        };
        Self { cause, retry_after, renewed: false }
    }

    /// No answer, or half of one. `reqwest` shows only the outermost error, with the URL: the chain is walked here for
    /// the cause, and the URL is dropped because its query names uploads.
    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut detail = error.to_string();
        let mut kind = if error.is_builder() { Breakdown::Hopeless } else { Breakdown::Broken };
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            if let Some(unknown) = inner.downcast_ref::<UnknownName>() {
                return Self::transport(unknown.to_string(), Breakdown::Lookup);
            }
            detail = format!("{detail}: {inner}");
            source = inner.source();
        }
        if ["certificate", "fatal alert", "InvalidContentType", "corrupt message"]
            .iter()
            .any(|word| detail.contains(word))
        {
            kind = Breakdown::Tls;
        }
        Self::transport(detail, kind)
    }

    fn transport(detail: String, kind: Breakdown) -> Self {
        Self { cause: Cause::Transport { detail, kind }, retry_after: None, renewed: false }
    }

    /// No answer has begun, or the body could not be sent.
    pub(super) fn silent(limit: Duration) -> Self {
        Self::broken(format!("no answer began within {} s", limit.as_secs_f64().ceil()))
    }

    /// The connection stalled or ended early.
    pub(super) fn broken(detail: impl Into<String>) -> Self {
        Self::transport(detail.into(), Breakdown::Broken)
    }

    /// No credentials; `detail` must not hold any part of one.
    pub(super) fn credentials(detail: impl Into<String>) -> Self {
        Self { cause: Cause::Credentials(detail.into()), retry_after: None, renewed: false }
    }

    /// The answer has a success status but is not a valid answer.
    pub(super) fn nonsense(detail: impl Into<String>) -> Self {
        Self { cause: Cause::Nonsense(detail.into()), retry_after: None, renewed: false }
    }

    /// HTTP status, 0 without an answer.
    pub(super) fn status(&self) -> u16 {
        match self.cause {
            Cause::Answer { status, .. } | Cause::Foreign { status, .. } => status,
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

    /// Whether the credentials of this try have run out.
    pub(super) fn is_expired(&self) -> bool {
        EXPIRED_CODE.contains(&self.code())
    }

    /// The same failure, after the credentials were fetched again.
    pub(super) fn with_renewed_credentials(self) -> Self {
        Self { renewed: true, ..self }
    }

    /// Whether the server's name has no address.
    pub(super) fn is_lookup(&self) -> bool {
        matches!(self.cause, Cause::Transport { kind: Breakdown::Lookup, .. })
    }

    /// Whether no answer came.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self.cause, Cause::Transport { .. })
    }

    /// The text for people, to be shown beside what was being done.
    pub(super) fn words(&self) -> String {
        match &self.cause {
            Cause::Answer { status, code, message, .. } => {
                let shown = if code.is_empty() { format!("HTTP {status}") } else { code.clone() };
                if message.is_empty() { shown } else { format!("{shown}: {message}") }
            }
            Cause::Foreign { status, body } => format!("HTTP {status}: {body}"),
            Cause::Transport { detail, .. } | Cause::Credentials(detail) | Cause::Nonsense(detail) => {
                detail.clone()
            }
        }
    }

    /// Pause the server asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether another try may succeed after `tries` of them.
    pub(super) fn is_transient(&self, tries: u32) -> bool {
        match &self.cause {
            // A request may wait so long that its date is old when it leaves: once more with a fresh date.
            Cause::Answer { code, .. } if code == "RequestTimeTooSkewed" => tries < 2,
            // The same credentials would be refused again; new ones may be accepted.
            Cause::Answer { .. } if self.is_expired() => self.renewed && tries < 2,
            Cause::Answer { status, code, message, .. } => {
                !means_full(*status, code, message)
                    && (TRANSIENT_STATUS.contains(status) || TRANSIENT_CODE.contains(&code.as_str()))
            }
            Cause::Transport { kind, .. } => matches!(kind, Breakdown::Broken | Breakdown::Lookup),
            Cause::Credentials(_) | Cause::Nonsense(_) | Cause::Foreign { .. } => false,
        }
    }

    /// Whether the server says that it does not know this operation or condition.
    pub(super) fn is_not_implemented(&self) -> bool {
        matches!(self.status(), 501 | 405) || matches!(self.code(), "NotImplemented" | "MethodNotAllowed")
    }

    /// Whether the server refuses the request without giving a reason (HEAD).
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self.status(), 400 | 401 | 403)
    }

    /// The class that callers act on. `action` says what was done to what; `bucket` and `key` name the places that
    /// may be missing.
    pub(super) fn into_error(self, action: String, bucket: &str, key: Option<&ObjectKey>) -> StoreError {
        let words = self.words();
        let expired = self.is_expired();
        let (status, code, message, region) = match self.cause {
            Cause::Transport { detail, kind: Breakdown::Tls } => return StoreError::Tls { action, detail },
            Cause::Transport { detail, .. } => return StoreError::Unreachable { action, detail },
            Cause::Credentials(code) => return StoreError::Credentials { action, code },
            Cause::Nonsense(message) => {
                return StoreError::Response { action, status: 200, code: "unexpected".to_owned(), message };
            }
            Cause::Foreign { status, body } => {
                return StoreError::Response { action, status, code: "not S3".to_owned(), message: body };
            }
            Cause::Answer { status, code, message, region } => (status, code, message, region),
        };
        match (status, code.as_str()) {
            _ if expired => StoreError::Expired { action, code: words },
            _ if means_full(status, &code, &message) => StoreError::Full { action, code: words },
            (_, "NoSuchBucket") => StoreError::PlaceMissing { place: format!("bucket `{bucket}`") },
            (_, "RequestTimeTooSkewed") => StoreError::ClockSkew { action, detail: message },
            (_, code) if CREDENTIAL_CODE.contains(&code) => StoreError::Credentials { action, code: words },
            (301 | 307, _)
            | (
                _,
                "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException",
            ) => {
                let detail = region.map_or(message, |name| format!("the bucket is in `{name}`"));
                StoreError::WrongRegion { action, detail }
            }
            // An archived object is not a matter of permissions: the message says what to do.
            (403, "InvalidObjectState") => StoreError::Response { action, status, code, message },
            (401 | 403, _) => StoreError::Denied { action, code: words },
            (404, "" | "NoSuchKey") if key.is_some() => key
                .map_or(StoreError::PlaceMissing { place: bucket.to_owned() }, |key| StoreError::NotFound {
                    key: key.clone(),
                }),
            _ => StoreError::Response { action, status, code, message },
        }
    }
}

/// How much is shown of an answer that is not from an S3 server.
const SHOWN_OF_A_FOREIGN_BODY: usize = 80;

/// The beginning of a body that is not an S3 error. An answer to HEAD has no body, and some servers send none.
fn foreign(body: &str) -> Option<String> {
    let words: Vec<&str> = body.split_whitespace().collect();
    let foreign = !words.is_empty() && !body.contains("<Error");
    foreign.then(|| words.join(" ").chars().take(SHOWN_OF_A_FOREIGN_BODY).collect())
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
            (
                403,
                "SignatureDoesNotMatch",
                "get: the credentials were rejected (SignatureDoesNotMatch: because)",
            ),
            (403, "InvalidAccessKeyId", "get: the credentials were rejected (InvalidAccessKeyId: because)"),
            (403, "AccessDenied", "get: permission denied (AccessDenied: because)"),
            (403, "", "get: permission denied (HTTP 403: because)"),
            (400, "ExpiredToken", "get: the credentials have expired (ExpiredToken: because)"),
            (403, "QuotaExceeded", "get: the store is full (QuotaExceeded: because)"),
            (507, "", "get: the store is full (HTTP 507: because)"),
            (404, "NoSuchBucket", "bucket `bkt` does not exist"),
            (404, "NoSuchKey", "no object `a/b`"),
            (404, "", "no object `a/b`"),
            (301, "PermanentRedirect", "get: wrong region (because)"),
            (400, "AuthorizationHeaderMalformed", "get: wrong region (because)"),
            (403, "RequestTimeTooSkewed", "get: the clocks differ too much (because)"),
            (403, "InvalidObjectState", "get: the store answered 403 InvalidObjectState: because"),
            (409, "Odd", "get: the store answered 409 Odd: because"),
            (500, "", "get: the store answered 500: because"),
        ];
        for (status, code, text) in table {
            let error = answer(status, code).into_error("get".to_owned(), "bkt", Some(&key));
            assert_eq!(error.to_string(), text, "{status} {code}");
        }
    }

    #[test]
    fn a_404_page_of_a_web_server_does_not_count_as_a_missing_object() {
        let key: ObjectKey = "a/b".parse().unwrap();
        let error = |body: &[u8]| {
            let failure = Failure::from_answer(StatusCode::NOT_FOUND, &HeaderMap::new(), body);
            failure.into_error("get".to_owned(), "bkt", Some(&key)).to_string()
        };
        assert_eq!(
            error(b"<html>not\n here</html>"),
            "get: the store answered 404 not S3: <html>not here</html>"
        );
        assert_eq!(error(b""), "no object `a/b`");
    }

    #[test]
    fn the_region_that_the_server_names_is_shown() {
        let body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
        let failure = Failure::from_answer(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
        let error = failure.into_error("list".to_owned(), "bkt", None);
        assert_eq!(error.to_string(), "list: wrong region (the bucket is in `eu-west-1`)");
    }

    #[test]
    fn only_temporary_failures_are_tried_again() {
        for (status, code) in [(503, "SlowDown"), (500, ""), (429, ""), (400, "RequestTimeout")] {
            assert!(answer(status, code).is_transient(1), "{status} {code}");
        }
        for (status, code) in
            [(403, "AccessDenied"), (404, "NoSuchKey"), (400, "InvalidPart"), (412, ""), (501, "")]
        {
            assert!(!answer(status, code).is_transient(1), "{status} {code}");
        }
        assert!(!answer(400, "ExpiredToken").is_transient(1));
        assert!(answer(400, "ExpiredToken").with_renewed_credentials().is_transient(1));
        assert!(!answer(503, "QuotaExceeded").is_transient(1), "it stays full");
        assert!(answer(403, "RequestTimeTooSkewed").is_transient(1));
        assert!(!answer(403, "RequestTimeTooSkewed").is_transient(2));
    }
}
