//! The HTTP client for web services: TLS, a second try after a failure that may be temporary, and no secret in any
//! error.

use super::{HttpSettings, NotifyError};
use crate::certificates;
use crate::model::Secret;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use std::error::Error as _;
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Tries of one message: a duplicate is better than none.
const TRIES: u32 = 2;
/// Between them.
const PAUSE: Duration = Duration::from_millis(500);

impl HttpSettings {
    fn parsed(&self) -> Result<Url, NotifyError> {
        let refused = |problem: &str, help: &str| Err(NotifyError::new(problem).help(help));
        let help = "Correct `url` of the notifier.";
        // Parse errors do not contain the text, and no error here may contain it.
        let url: Url = match self.url.expose().trim().parse() {
            Ok(url) => url,
            Err(error) => return refused(&format!("the URL is not valid: {error}"), help),
        };
        match url.scheme() {
            "https" => {}
            "http" if self.allow_plain => {}
            "http" => {
                return refused(
                    "the url is not encrypted: it begins with http://",
                    "Use https://, or set allow_plain = true if you mean it.",
                );
            }
            _ => return refused("the url does not begin with https://", help),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return refused("the url names no host", help);
        }
        Ok(url)
    }

    /// Scheme and host, for people: the rest of the URL may be secret.
    pub(super) fn place(&self) -> String {
        self.parsed().map_or_else(|_| String::new(), |url| origin(&url))
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// A POST request.
pub(super) struct Post<'a> {
    /// Where.
    pub(super) url: &'a Url,
    /// Of this type.
    pub(super) content_type: &'static str,
    /// The bytes.
    pub(super) body: Vec<u8>,
}

/// A client for one web service.
pub(super) struct Http {
    client: reqwest::Client,
    url: Url,
    token: Option<HeaderValue>,
}

impl Http {
    /// Checks the settings; no byte is sent.
    pub(super) fn open(settings: &HttpSettings, token: Option<&Secret>) -> Result<Self, NotifyError> {
        let url = settings.parsed()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("jagad/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect must not send the message, or the token, to another host.
            .redirect(reqwest::redirect::Policy::none())
            .https_only(!settings.allow_plain);
        if let Some(path) = &settings.tls_ca {
            for certificate in certificates::read(path).map_err(NotifyError::authority)? {
                let certificate = reqwest::Certificate::from_der(&certificate);
                let certificate = certificate.map_err(|error| NotifyError::authority(chain(&error)))?;
                builder = builder.add_root_certificate(certificate);
            }
        }
        let client = builder.build().map_err(|error| {
            NotifyError::new(format!("TLS cannot be set up: {}", chain(&error.without_url())))
        })?;
        let token = token.map(bearer).transpose()?;
        Ok(Self { client, url, token })
    }

    /// The whole URL, from which others are made.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Posts until the service answers 2xx, at most twice.
    pub(super) async fn post(&self, post: Post<'_>) -> Result<(), NotifyError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.once(&post).await {
                Ok(()) => return Ok(()),
                Err((Again::Yes, _)) if tries < TRIES => tokio::time::sleep(PAUSE).await,
                Err((_, error)) => return Err(error),
            }
        }
    }

    async fn once(&self, post: &Post<'_>) -> Result<(), (Again, NotifyError)> {
        let mut request = self.client.post(post.url.clone());
        request = request.header(CONTENT_TYPE, post.content_type).body(post.body.clone());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        let answer = request.send().await.map_err(|error| (Again::Yes, self.unreachable(error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let error = NotifyError::new(format!("{} answered {status}", origin(post.url)));
        Err(match status.as_u16() {
            500.. => (Again::Yes, error.help("Check the service; the error is on its side.")),
            401 | 403 => (Again::No, error.help("Correct `token` or `url` of the notifier.")),
            300..=399 => (Again::No, error.help("Redirects are not followed: set `url` to where it leads.")),
            _ => (Again::No, error.help("Correct `url` of the notifier.")),
        })
    }

    /// Checks that the service's host has an address, accepts a connection and has a trusted certificate. Requests the
    /// host's front page, whose answer may be anything: a request to the URL itself could count as a message.
    pub(super) async fn probe(&self) -> Result<(), NotifyError> {
        let mut front = self.url.clone();
        front.set_path("/");
        front.set_query(None);
        front.set_fragment(None);
        self.client.get(front).send().await.map(drop).map_err(|error| self.unreachable(error))
    }

    fn unreachable(&self, error: reqwest::Error) -> NotifyError {
        let told = chain(&error.without_url());
        let help = if told.contains("certificate") {
            "Name the authority that signed the service's certificate in `tls_ca`."
        } else {
            "Check the host in `url`, and whether a firewall blocks the connection."
        };
        NotifyError::new(format!("{} cannot be reached: {told}", origin(&self.url))).help(help)
    }
}

/// Whether a second try may succeed.
enum Again {
    Yes,
    No,
}

fn bearer(token: &Secret) -> Result<HeaderValue, NotifyError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| {
        NotifyError::new("the token has characters that no header can carry")
            .help("Correct `token` of the notifier.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The innermost causes name the problem; the outer ones only say that a request failed.
fn chain(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        words = source.to_string();
        next = source.source();
    }
    words
}
