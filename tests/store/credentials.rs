//! Credentials that are looked up. Each case runs in a process of its own, because it is about the environment.

use crate::support::faulty::{Fault, Faulty, error};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use jagad::store::settings::S3Credentials;
use jagad::store::{KeyPrefix, S3Settings, S3Store, Store as _};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells a test that it is the child, and where its parent's server is.
const ENDPOINT: &str = "JAGAD_TEST_CHILD_ENDPOINT";
const PROFILE: &str = "JAGAD_TEST_CHILD_PROFILE";

/// In the child: asks the parent's server twice, with credentials from the environment that the parent has set.
async fn asked_as_child() -> bool {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return false };
    let credentials = std::env::var(PROFILE).map_or(S3Credentials::Chain, S3Credentials::Profile);
    let settings = S3Settings {
        credentials,
        ..crate::support::faulty::settings(&endpoint, crate::support::faulty::BUCKET)
    };
    let store = S3Store::open(&settings).expect("settings that work");
    for _ in 0..2 {
        store.clock().await.expect("the server lets us in");
    }
    store.sweep_unfinished(&KeyPrefix::root(), std::time::Duration::ZERO).await.expect("a sweep");
    true
}

/// In the parent: runs the test `name` again as a child with exactly these credentials in its environment.
async fn child(name: &str, endpoint: &str, environment: &[(&str, &str)]) {
    let mut command = tokio::process::Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", &format!("store::credentials::{name}"), "--nocapture"]);
    let own = std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("AWS_"));
    command.env_clear().envs(own).env("HOME", "/nonexistent").env(ENDPOINT, endpoint);
    let output = command.envs(environment.iter().copied()).output().await.expect("a child");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_the_first_place_of_the_chain() {
    if asked_as_child().await {
        return;
    }
    let server = Faulty::start(|_| Fault::Pass).await;
    let keys = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "SK"), ("AWS_SESSION_TOKEN", "token")];
    child("the_environment_is_the_first_place_of_the_chain", &server.endpoint, &keys).await;
    assert!(server.asked().iter().all(|asked| asked.headers["x-amz-security-token"] == "token"));
    assert!(!server.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_read_from_the_shared_file() {
    if asked_as_child().await {
        return;
    }
    let server = Faulty::start(|_| Fault::Pass).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text = "[default]\naws_access_key_id = X\naws_secret_access_key = X\n\
                [lab]\naws_access_key_id = AK\naws_secret_access_key = SK\n";
    std::fs::write(file.path(), text).expect("a file");
    let path = file.path().to_str().expect("a path");
    let places = [("AWS_SHARED_CREDENTIALS_FILE", path), (PROFILE, "lab")];
    child("a_profile_is_read_from_the_shared_file", &server.endpoint, &places).await;
    assert!(!server.asked().is_empty());
}

/// A metadata service of a container. Its first credentials live for `first` seconds, its later ones for a day.
async fn container(first: i64) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/credentials", listener.local_addr().expect("an address"));
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counter = Arc::clone(&counter);
            let service = hyper::service::service_fn(move |_| {
                let before = counter.fetch_add(1, Ordering::SeqCst);
                let (token, life) = if before == 0 { ("old", first) } else { ("new", 86_400) };
                let end = time::OffsetDateTime::now_utc() + time::Duration::seconds(life);
                let end = jagad::model::Timestamp::from_unix_seconds(end.unix_timestamp());
                let json = serde_json::json!({
                    "AccessKeyId": "AK", "SecretAccessKey": "SK", "Token": token, "Expiration": end.to_string(),
                });
                let body = Full::new(Bytes::from(json.to_string()));
                let answer = Response::builder().status(StatusCode::OK).body(body).expect("an answer");
                async move { Ok::<_, Infallible>(answer) }
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, count)
}

fn tokens(server: &Faulty) -> Vec<String> {
    let text = |header: &http::HeaderValue| header.to_str().expect("text").to_owned();
    server.asked().iter().map(|asked| text(&asked.headers["x-amz-security-token"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_credentials_are_renewed_before_they_expire() {
    if asked_as_child().await {
        return;
    }
    let server = Faulty::start(|_| Fault::Pass).await;
    let (url, count) = container(60).await;
    let places = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str())];
    child("temporary_credentials_are_renewed_before_they_expire", &server.endpoint, &places).await;
    assert_eq!(tokens(&server), ["old", "new", "new"]);
    assert_eq!(count.load(Ordering::SeqCst), 2, "good credentials are not asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_the_server_calls_expired_are_renewed() {
    if asked_as_child().await {
        return;
    }
    let server = Faulty::start(|asked| {
        if asked.headers["x-amz-security-token"] == "old" { error(400, "ExpiredToken") } else { Fault::Pass }
    })
    .await;
    let (url, _) = container(86_400).await;
    let places = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str())];
    child("credentials_that_the_server_calls_expired_are_renewed", &server.endpoint, &places).await;
    assert_eq!(tokens(&server), ["old", "new", "new", "new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credentials_at_all_are_told_before_anything_is_sent() {
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        let settings = crate::support::faulty::settings(&endpoint, crate::support::faulty::BUCKET);
        let store = S3Store::open(&S3Settings { credentials: S3Credentials::Chain, ..settings }).unwrap();
        let text = store.clock().await.expect_err("nobody is nobody").to_string();
        assert!(text.contains("none found in the environment"), "{text}");
        return;
    }
    let server = Faulty::start(|_| Fault::Pass).await;
    child("no_credentials_at_all_are_told_before_anything_is_sent", &server.endpoint, &[]).await;
    assert!(server.asked().is_empty());
}
