//! AWS Signature Version 4 for every request, with the functions of rust-s3.

use super::credentials::CredentialSource;
use super::failure::Failure;
use super::instant::now;
use crate::model::digest::hex;
use hmac::Mac as _;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use s3::{Region, signing};
use url::Url;

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signs requests for one region.
#[derive(Debug)]
pub(super) struct Signer {
    region: Region,
    pub(super) credentials: CredentialSource,
}

impl Signer {
    /// `Region::Custom` even for AWS: a name that rust-s3 does not know would otherwise become a host name.
    pub(super) fn new(region: &str, endpoint: &str, credentials: CredentialSource) -> Self {
        let region = Region::Custom { region: region.to_owned(), endpoint: endpoint.to_owned() };
        Self { region, credentials }
    }

    /// `headers` with the date, the payload's hash and the signature over all of them.
    ///
    /// Called for every try, so that a retried request has a fresh date and fresh credentials.
    pub(super) async fn sign(
        &self,
        method: &Method,
        url: &Url,
        mut headers: HeaderMap,
        payload_sha256: &str,
    ) -> Result<HeaderMap, Failure> {
        let credentials = self.credentials.current().await?;
        let (Some(access_key), Some(secret_key)) = (&credentials.access_key, &credentials.secret_key) else {
            return Err(Failure::credentials("the access key or the secret key is missing"));
        };
        let time = now();
        headers.insert(HOST, value(&host(url))?);
        headers.insert(AMZ_CONTENT_SHA256, value(payload_sha256)?);
        let form = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
        headers.insert(AMZ_DATE, value(&time.format(&form).map_err(|_| unsignable())?)?);
        if let Some(token) = credentials.session_token.as_ref().or(credentials.security_token.as_ref()) {
            headers.insert(AMZ_SECURITY_TOKEN, secret_value(token)?);
        }
        let request = signing::canonical_request(method.as_str(), url, &headers, payload_sha256);
        let text = request.and_then(|request| signing::string_to_sign(&time, &self.region, &request));
        let key = signing::signing_key(&time, secret_key, &self.region, "s3").map_err(|_| unsignable())?;
        let mut code = signing::HmacSha256::new_from_slice(&key).map_err(|_| unsignable())?;
        code.update(text.map_err(|_| unsignable())?.as_bytes());
        let signature = hex(&code.finalize().into_bytes());
        let signed = signing::signed_header_string(&headers);
        let line = signing::authorization_header(access_key, &time, &self.region, &signed, &signature);
        headers.insert(AUTHORIZATION, secret_value(&line.map_err(|_| unsignable())?)?);
        Ok(headers)
    }
}

/// The `Host` header as the HTTP client sends it: without the scheme's own port.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|_| unsignable())
}

fn secret_value(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = value(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// This happens only for a key or token with characters that are not allowed in a header.
fn unsignable() -> Failure {
    Failure::credentials("they contain characters that cannot be sent")
}
