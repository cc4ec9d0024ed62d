//! What people are told when the server does not let them in.

use crate::support::faulty::{BUCKET, Fault, Faulty, credentials, error};
use jagad::model::Secret;
use jagad::store::settings::S3Credentials;
use jagad::store::{ObjectRole, S3Settings, S3Store, Store as _, StoreError, write_small};

async fn told(settings: &S3Settings) -> StoreError {
    let store = S3Store::open(settings).expect("settings that work");
    let written = write_small(&store, &"k".parse().unwrap(), vec![1], ObjectRole::Record).await;
    written.expect_err("the server lets nobody in")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_and_not_shown() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let error = told(&S3Settings { credentials: credentials("AK", "hunter2"), ..server.settings() }).await;
    let text = error.to_string();
    assert!(text.starts_with("put `k`: the credentials were rejected (SignatureDoesNotMatch"), "{text}");
    assert!(!format!("{error:?} {:?}", server.settings()).contains("hunter2"));
    assert!(!format!("{:?}", server.store()).contains("SK"), "the store shows its secret");
    let error = told(&S3Settings { credentials: credentials("nobody", "SK"), ..server.settings() }).await;
    assert!(matches!(error, StoreError::Credentials { .. } | StoreError::Denied { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_told_by_name() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let store = S3Store::open(&S3Settings { bucket: "nowhere".to_owned(), ..server.settings() }).unwrap();
    let error = store.clock().await.expect_err("there is no such bucket");
    assert_eq!(error.to_string(), "bucket `nowhere` does not exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_region_names_the_right_one() {
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-1</Region></Error>";
    let server = Faulty::start(move |_| Fault::Answer(400, body.to_owned())).await;
    assert_eq!(
        told(&server.settings()).await.to_string(),
        "put `k`: wrong region (the bucket is in `eu-west-1`)"
    );
    let moved = Faulty::start(|_| error(301, "PermanentRedirect")).await;
    assert!(matches!(told(&moved.settings()).await, StoreError::WrongRegion { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_told_after_one_more_try() {
    let server = Faulty::start(|_| error(403, "RequestTimeTooSkewed")).await;
    let store = server.store();
    let error = store.clock().await.expect_err("the clocks differ");
    assert!(matches!(error, StoreError::ClockSkew { .. }), "{error}");
    assert_eq!(server.count(|_| true), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_without_its_query() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = told(&crate::support::faulty::settings(&endpoint, BUCKET)).await;
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("refused") && !text.contains('?'), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn write_only_credentials_can_write() {
    // Neither HEAD nor GET is allowed, as with a policy of s3:PutObject alone.
    let server = Faulty::start(|asked| {
        let reads = matches!(asked.method, http::Method::HEAD | http::Method::GET);
        if reads { error(403, "AccessDenied") } else { Fault::Pass }
    })
    .await;
    let store = server.store();
    write_small(&store, &"small".parse().unwrap(), vec![1], ObjectRole::Record).await.expect("a put");
    let body = super::body::reader(super::body::bytes((5 << 20) + 1));
    store.put(&"big".parse().unwrap(), body, ObjectRole::Data).await.expect("a put");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_token_is_sent() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let credentials = S3Credentials::Static {
        access_key: "AK".to_owned(),
        secret_key: Secret::new("SK".to_owned()),
        session_token: Some(Secret::new("token".to_owned())),
    };
    let store = S3Store::open(&S3Settings { credentials, ..server.settings() }).unwrap();
    store.head(&"k".parse().unwrap()).await.expect("a look");
    assert_eq!(server.asked()[0].headers["x-amz-security-token"], "token");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_words_are_shown_without_what_moves_a_cursor() {
    let body = "<?xml version=\"1.0\"?><Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Code>AccessDenied</Code>\
                <Message>Ask &quot;ops&quot;\u{1b}[31m &amp; wait</Message></Error>";
    let server = Faulty::start(move |_| Fault::Answer(403, body.to_owned())).await;
    let text = told(&server.settings()).await.to_string();
    assert_eq!(text, "put `k`: permission denied (AccessDenied: Ask \"ops\"\u{fffd}[31m & wait)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_full_is_told_apart_whatever_its_words_are() {
    for (status, code, message) in [
        (403, "QuotaExceeded", "Bucket quota exceeded"),
        (403, "AccessDenied", "Cannot upload files, storage cap exceeded. See the Caps & Alerts page."),
        (507, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold."),
        (400, "XMinioAdminBucketQuotaExceeded", "Bucket quota exceeded"),
        (403, "Forbidden", "Forbidden: Bucket size quota is reached, maximum total size of objects"),
        (507, "", ""),
    ] {
        let body =
            format!("<Error><Code>{code}</Code><Message>{}</Message></Error>", message.replace('&', "&amp;"));
        let server = Faulty::start(move |asked| {
            if asked.method == http::Method::PUT { Fault::Answer(status, body.clone()) } else { Fault::Pass }
        })
        .await;
        let error = told(&server.settings()).await;
        assert!(error.is_full(), "{status} {code}: {error}");
        assert!(error.to_string().contains(message), "{error}");
        let puts = server.count(|asked| asked.method == http::Method::PUT);
        assert_eq!(puts, 1, "{status} {code} was tried again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_expired_is_told_at_once() {
    let server = Faulty::start(|_| error(400, "ExpiredToken")).await;
    let told = told(&server.settings()).await;
    assert!(matches!(told, StoreError::Expired { .. }), "{told}");
    assert!(server.asked().len() <= 2, "{} requests", server.asked().len());
}
