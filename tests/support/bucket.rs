//! Signed requests that the store itself never makes: creating a bucket, looking at a lock.

use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use jagad::model::digest::hex;
use jagad::store::S3Settings;
use s3::{Region, signing};
use sha2::{Digest as _, Sha256};

/// Sends a request without a body to the gateway, signed with its test key.
async fn signed(method: Method, url: &str, mut headers: HeaderMap) -> reqwest::Response {
    let url: url::Url = url.parse().expect("a URL");
    let (now, empty) = (time::OffsetDateTime::now_utc(), hex(&Sha256::digest(b"")));
    let region = Region::Custom { region: "default".to_owned(), endpoint: url.to_string() };
    let form = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let host = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    for (name, value) in [
        (HOST.as_str(), host),
        ("x-amz-date", now.format(&form).expect("a date")),
        ("x-amz-content-sha256", empty.clone()),
    ] {
        headers.insert(
            HeaderName::try_from(name).expect("a name"),
            HeaderValue::try_from(value).expect("a value"),
        );
    }
    let request = signing::canonical_request(method.as_str(), &url, &headers, &empty).expect("a request");
    let text = signing::string_to_sign(&now, &region, &request).expect("a text");
    let key = signing::signing_key(&now, "testsecret", &region, "s3").expect("a key");
    let mut code = <signing::HmacSha256 as hmac::Mac>::new_from_slice(&key).expect("a key");
    hmac::Mac::update(&mut code, text.as_bytes());
    let signature = hex(&hmac::Mac::finalize(code).into_bytes());
    let names = signing::signed_header_string(&headers);
    let line = signing::authorization_header("test", &now, &region, &names, &signature).expect("a header");
    headers.insert(AUTHORIZATION, HeaderValue::try_from(line).expect("a value"));
    reqwest::Client::new().request(method, url).headers(headers).send().await.expect("an answer")
}

/// Creates a bucket on the gateway at `endpoint`.
pub(crate) async fn create(endpoint: &str, bucket: &str, headers: HeaderMap) {
    let mut headers = headers;
    headers.insert("content-length", HeaderValue::from_static("0"));
    let answer = signed(Method::PUT, &format!("{endpoint}/{bucket}"), headers).await;
    assert!(answer.status().is_success(), "creating `{bucket}`: {}", answer.status());
}

/// The retention mode of an object of the store with `settings`.
pub(crate) async fn lock_mode(settings: &S3Settings, key: &str) -> Option<String> {
    let endpoint = settings.endpoint.as_deref().expect("an endpoint");
    let url = format!("{endpoint}/{}/{}/{key}", settings.bucket, settings.prefix);
    let answer = signed(Method::HEAD, &url, HeaderMap::new()).await;
    assert!(answer.status().is_success(), "looking at `{key}`: {}", answer.status());
    answer.headers().get("x-amz-object-lock-mode").map(|mode| mode.to_str().expect("text").to_owned())
}

/// How many uploads to `bucket` were begun and neither completed nor aborted.
pub(crate) async fn unfinished_uploads(endpoint: &str, bucket: &str) -> usize {
    let answer = signed(Method::GET, &format!("{endpoint}/{bucket}?uploads="), HeaderMap::new()).await;
    assert!(answer.status().is_success(), "listing uploads to `{bucket}`: {}", answer.status());
    answer.text().await.expect("a text").matches("<Upload>").count()
}
