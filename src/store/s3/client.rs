//! The HTTP client of a bucket: addresses, TLS, signed tries with a time limit, answers read to their end.

use super::credentials::CredentialSource;
use super::failure::Failure;
use super::names::SystemNames;
use super::rate_limit::RateLimit;
use super::request::{Answer, Request, SHORT_ANSWER, is_error};
use super::request_progress::{RequestProgress, time_to_drain};
use super::retry::{RetryPolicy, Tries};
use super::signing::Signer;
use crate::certificates;
use crate::store::{ObjectKey, S3Settings, StoreError};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An answer that sends no byte for this long is aborted.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A call with all its tries takes at most this many times `answer_timeout`.
const ANSWERS_OF_A_CALL: u32 = 4;

/// Shorter than the idle time of any known server or load balancer, so that no request uses a connection that the other
/// side has just closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// No answer but an object's own bytes is larger: a page of 1,000 keys of 1 KiB with their elements.
const ANSWER_LIMIT: usize = 8 << 20;

/// A bucket on a server, with the credentials to use it.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    signer: Signer,
    /// `https://host/bucket/` or `https://bucket.host/`.
    base: Url,
    pub(super) bucket: String,
    /// Empty, or ending in `/`.
    prefix: String,
    retry: RetryPolicy,
    pace: Option<Arc<RateLimit>>,
    /// How long an answer may take to begin.
    answer_timeout: Duration,
}

fn refused(detail: impl Into<String>) -> StoreError {
    StoreError::Settings { detail: detail.into() }
}

/// The server's address, without a path.
pub(super) fn endpoint(settings: &S3Settings) -> Result<Url, StoreError> {
    let aws = || {
        let suffix = if settings.region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://s3.{}.amazonaws.com{suffix}", settings.region)
    };
    let text = settings.endpoint.clone().unwrap_or_else(aws);
    let url: Url =
        text.parse().map_err(|error| refused(format!("the endpoint `{text}` is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused(format!("the endpoint `{text}` must begin with https://")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("the endpoint must not hold credentials: use access_key and secret_key"));
    }
    if url.path() != "/" || url.query().is_some() {
        return Err(refused(format!(
            "the endpoint `{text}` must not have a path: the bucket is a setting of its own"
        )));
    }
    if url.scheme() == "http" && !settings.allow_http {
        return Err(refused(format!(
            "the endpoint `{text}` is not encrypted: use https://, or set allow_http = true if you mean it"
        )));
    }
    Ok(url)
}

/// The bucket's address. A bucket name with a dot never matches the server's wildcard certificate, so it goes into
/// the path too.
fn base(endpoint: &Url, settings: &S3Settings) -> Result<Url, StoreError> {
    let host = endpoint.host_str().unwrap_or_default();
    let aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    let path_style = settings.path_style.unwrap_or(!aws || settings.bucket.contains('.'));
    let mut base = endpoint.clone();
    if path_style {
        base.set_path(&format!("/{}/", settings.bucket));
    } else {
        base.set_host(Some(&format!("{}.{host}", settings.bucket))).map_err(|error| {
            refused(format!("the bucket `{}` cannot be part of a host name: {error}", settings.bucket))
        })?;
    }
    Ok(base)
}

fn http_client(settings: &S3Settings) -> Result<reqwest::Client, StoreError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("jagad/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .dns_resolver(Arc::new(SystemNames))
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .tcp_keepalive(Duration::from_secs(30))
        // A redirect would need a new signature for its target and means a wrong region: it is reported, not followed.
        .redirect(reqwest::redirect::Policy::none())
        .https_only(!settings.allow_http)
        .danger_accept_invalid_certs(settings.insecure_tls);
    if let Some(path) = &settings.tls_ca {
        let unusable = |problem| refused(format!("tls_ca: {problem}"));
        for certificate in certificates::read(path).map_err(unusable)? {
            let certificate = reqwest::Certificate::from_der(&certificate);
            builder = builder.add_root_certificate(certificate.map_err(|error| unusable(error.to_string()))?);
        }
    }
    builder.build().map_err(|error| {
        let detail = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
        refused(format!("cannot set up TLS: {detail}"))
    })
}

impl Client {
    /// Checks the settings; no byte is sent.
    pub(super) fn new(settings: &S3Settings) -> Result<Self, StoreError> {
        let endpoint = endpoint(settings)?;
        let credentials = CredentialSource::new(settings.credentials.clone());
        let prefix = if settings.prefix.is_empty() { String::new() } else { format!("{}/", settings.prefix) };
        Ok(Self {
            http: http_client(settings)?,
            signer: Signer::new(&settings.region, endpoint.as_str(), credentials),
            base: base(&endpoint, settings)?,
            bucket: settings.bucket.clone(),
            prefix,
            retry: RetryPolicy::new(settings.attempts, settings.retry_base),
            pace: settings.bandwidth.map(|rate| Arc::new(RateLimit::new(rate.bytes()))),
            answer_timeout: settings.answer_timeout,
        })
    }

    /// The key as the server knows it.
    pub(super) fn full_key(&self, key: &ObjectKey) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The store's prefix as the server knows it, with `below` added.
    pub(super) fn full_prefix(&self, below: &str) -> String {
        format!("{}{below}", self.prefix)
    }

    /// The key below the store's prefix; `None` for what is not jagad's: outside it, or no key of ours.
    pub(super) fn own_key(&self, full: &str) -> Option<ObjectKey> {
        full.strip_prefix(&self.prefix)?.parse().ok()
    }

    fn url(&self, request: &Request) -> Url {
        let mut url = self.base.clone();
        if let Some(key) = &request.key {
            // Keys and prefix hold no character that would need encoding.
            url.set_path(&format!("{}{}", self.base.path(), self.full_key(key)));
        }
        if !request.query.is_empty() {
            // Strict encoding: a `+` in an upload id must arrive as `+`, not as a space.
            let pairs: Vec<_> = request
                .query
                .iter()
                .map(|(name, value)| format!("{name}={}", s3::signing::uri_encode(value, true)))
                .collect();
            url.set_query(Some(&pairs.join("&")));
        }
        url
    }

    /// One try of at most `left`, up to the answer's headers. An answer that is not 2xx is a failure.
    pub(super) async fn open(&self, request: &Request, left: Duration) -> Result<reqwest::Response, Failure> {
        let url = self.url(request);
        let mut headers = request.headers.clone();
        if let Some(md5) = &request.payload.md5 {
            headers.insert("content-md5", md5.clone());
        }
        let headers = self.signer.sign(&request.method, &url, headers, &request.payload.sha256).await?;
        let body = request.payload.bytes.clone();
        let begin = self.answer_timeout + request.patience + time_to_drain(body.len());
        // Later than the end of `begin`, whose error is more precise.
        let mut whole = (begin + SHORT_ANSWER + request.moving).min(left) + Duration::from_secs(1);
        let mut sending = self.http.request(request.method.clone(), url).headers(headers);
        let movement = RequestProgress::new();
        if !body.is_empty() {
            if let Some(pace) = &self.pace {
                // The whole rate may be shared with as many others as there are: 64 uploads at most.
                whole += pace.time_for(body.len()).saturating_mul(64);
            }
            let length = body.len();
            let slices = reqwest::Body::wrap_stream(movement.clone().slices(body, self.pace.clone()));
            sending = sending.header(CONTENT_LENGTH, length).body(slices);
        } else if matches!(request.method, http::Method::PUT | http::Method::POST) {
            sending = sending.header(CONTENT_LENGTH, 0);
        }
        let response = tokio::select! {
            answered = sending.timeout(whole).send() => answered.map_err(Failure::from_transport)?,
            () = movement.stalled(begin.min(left)) => return Err(Failure::silent(begin.min(left))),
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = collect(response).await.unwrap_or_default();
        Err(self.renewing(Failure::from_answer(status, &headers, &body)).await)
    }

    /// Fetches expired credentials again before the next try, if their source can give new ones.
    async fn renewing(&self, failure: Failure) -> Failure {
        if failure.is_expired() && self.signer.credentials.renew().await {
            return failure.with_renewed_credentials();
        }
        failure
    }

    /// One try of at most `left`, with the answer read to its end.
    pub(super) async fn once(&self, request: &Request, left: Duration) -> Result<Answer, Failure> {
        let response = self.open(request, left).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = collect(response).await?;
        if is_error(&body) {
            return Err(self.renewing(Failure::from_answer(status, &headers, &body)).await);
        }
        Ok(Answer { headers, body })
    }

    /// The tries of `request`, all of them within a bound. `verb` says what it does.
    pub(super) fn tries(&self, request: &Request, verb: &str) -> Tries<'_> {
        let slow = request.patience + request.moving;
        let bound = self.answer_timeout * ANSWERS_OF_A_CALL + slow.saturating_mul(2);
        self.retry.tries(self.action(verb, request.key.as_ref()), bound)
    }

    /// The tries for looking up an object that may become visible a moment later.
    pub(super) fn looks(&self, key: &ObjectKey) -> Tries<'_> {
        self.retry.tries(self.action("look up", Some(key)), self.answer_timeout * ANSWERS_OF_A_CALL)
    }

    /// As many tries as the settings allow. Only for requests that may be sent twice.
    pub(super) async fn send(&self, request: &Request, verb: &str) -> Result<Answer, Failure> {
        self.send_within(request, self.tries(request, verb)).await
    }

    /// As many tries as `tries` allows.
    pub(super) async fn send_within(
        &self,
        request: &Request,
        mut tries: Tries<'_>,
    ) -> Result<Answer, Failure> {
        loop {
            match self.once(request, tries.left()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if !tries.again(&failure).await => return Err(failure),
                Err(_) => {}
            }
        }
    }

    /// What is being done to what.
    fn action(&self, verb: &str, key: Option<&ObjectKey>) -> String {
        key.map_or_else(|| format!("{verb} bucket `{}`", self.bucket), |key| format!("{verb} `{key}`"))
    }

    /// `failure` as the class that callers act on.
    pub(super) fn error(&self, failure: Failure, verb: &str, key: Option<&ObjectKey>) -> StoreError {
        failure.into_error(self.action(verb, key), &self.bucket, key)
    }
}

/// The server's clock when it sent the answer, as its `Date` header says.
pub(super) fn date(headers: &HeaderMap) -> Option<crate::model::Timestamp> {
    crate::model::Timestamp::from_http(super::request::text(headers, "date")?).ok()
}

/// The next bytes of an answer, `None` at its end; a stalled connection is a failure.
pub(super) async fn chunk(response: &mut reqwest::Response) -> Result<Option<Bytes>, Failure> {
    match tokio::time::timeout(IDLE_TIMEOUT, response.chunk()).await {
        Ok(chunk) => chunk.map_err(Failure::from_transport),
        Err(_) => Err(Failure::broken(format!("no byte came for {} s", IDLE_TIMEOUT.as_secs()))),
    }
}

async fn collect(mut response: reqwest::Response) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = chunk(&mut response).await? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Failure::nonsense(format!("the answer is larger than {ANSWER_LIMIT} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ByteSize, Secret};
    use crate::store::settings::{S3Checksum, S3Credentials};

    fn settings() -> S3Settings {
        S3Settings {
            endpoint: None,
            bucket: "bkt".to_owned(),
            region: "eu-west-1".to_owned(),
            prefix: "p".to_owned(),
            credentials: S3Credentials::Static {
                access_key: "AK".to_owned(),
                secret_key: Secret::new("SK".to_owned()),
                session_token: None,
            },
            path_style: None,
            tls_ca: None,
            insecure_tls: false,
            allow_http: false,
            storage_class: None,
            sse: None,
            kms_key_id: None,
            object_lock_days: 0,
            part_size: ByteSize::mib(8),
            max_parts: 1000,
            uploads: 4,
            checksum: S3Checksum::Auto,
            bandwidth: None,
            answer_timeout: Duration::from_secs(30),
            attempts: 8,
            retry_base: Duration::from_millis(200),
        }
    }

    #[test]
    fn the_bucket_is_in_the_host_at_aws_and_in_the_path_elsewhere() {
        let minio = Some("https://minio.lan:9000".to_owned());
        let table = [
            (settings(), "https://bkt.s3.eu-west-1.amazonaws.com/p/k"),
            (
                S3Settings { region: "cn-north-1".to_owned(), ..settings() },
                "https://bkt.s3.cn-north-1.amazonaws.com.cn/p/k",
            ),
            (
                S3Settings { bucket: "b.k".to_owned(), ..settings() },
                "https://s3.eu-west-1.amazonaws.com/b.k/p/k",
            ),
            (
                S3Settings { path_style: Some(true), ..settings() },
                "https://s3.eu-west-1.amazonaws.com/bkt/p/k",
            ),
            (S3Settings { endpoint: minio.clone(), ..settings() }, "https://minio.lan:9000/bkt/p/k"),
            (
                S3Settings { endpoint: minio, path_style: Some(false), prefix: String::new(), ..settings() },
                "https://bkt.minio.lan:9000/k",
            ),
        ];
        for (settings, expected) in table {
            let client = Client::new(&settings).unwrap();
            let request = Request::object(http::Method::GET, &"k".parse().unwrap());
            assert_eq!(client.url(&request).as_str(), expected);
        }
    }
}
