//! Downloads that go wrong on the way.

use super::body::{bytes, expected, fetched, reader};
use crate::support::faulty::{Asked, Fault, Faulty, error};
use http::Method;
use jagad::store::{ObjectKey, ObjectRole, S3Store, Store as _, StoreError, write_small};
use tokio::io::AsyncReadExt as _;

fn key() -> ObjectKey {
    "obj".parse().unwrap()
}

fn is_get(asked: &Asked) -> bool {
    asked.is_plain(&Method::GET)
}

async fn holding(length: usize, hook: impl Fn(&Asked) -> Fault + Send + Sync + 'static) -> (Faulty, S3Store) {
    let server = Faulty::start(hook).await;
    let store = server.store();
    store.put(&key(), reader(bytes(length)), ObjectRole::Mutable).await.expect("a put");
    (server, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_is_cut_again_and_again_brings_every_byte() {
    for every in [100_000, 1 << 20, (8 << 20) - 1] {
        let hook = move |asked: &Asked| if is_get(asked) { Fault::Truncate(every) } else { Fault::Pass };
        let (_server, store) = holding(20_000_001, hook).await;
        assert_eq!(
            fetched(&store, "obj").await.unwrap(),
            expected(&bytes(20_000_001)),
            "cut every {every} bytes"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_outlives_errors_that_pass() {
    for fault in [error(503, "SlowDown"), Fault::Drop, Fault::DropAfter, error(400, "RequestTimeout")] {
        // Every third request is served.
        let hook = move |asked: &Asked| {
            if is_get(asked) && asked.before % 3 != 2 { fault.clone() } else { Fault::Pass }
        };
        let (_server, store) = holding(30 << 20, hook).await;
        assert_eq!(fetched(&store, "obj").await.unwrap(), expected(&bytes(30 << 20)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_never_comes_to_its_end_is_an_error_and_no_end_of_file() {
    let hook = |asked: &Asked| {
        let start = asked.headers.get("range").and_then(|range| range.to_str().ok()).unwrap_or_default();
        match is_get(asked) {
            true if start.starts_with("bytes=0-") => Fault::Truncate(1_000_000),
            true if start.starts_with("bytes=1000000-") => Fault::Truncate(0),
            _ => Fault::Pass,
        }
    };
    let (_server, store) = holding(20 << 20, hook).await;
    let failed = fetched(&store, "obj").await;
    assert!(matches!(failed, Err(StoreError::Unreachable { .. })), "{failed:?}");

    let later = |asked: &Asked| {
        let start = asked.headers.get("range").and_then(|range| range.to_str().ok()).unwrap_or_default();
        if is_get(asked) && !start.starts_with("bytes=0-") { Fault::Truncate(0) } else { Fault::Pass }
    };
    let (_server, store) = holding(20 << 20, later).await;
    let mut body = store.get(&key()).await.expect("the first range");
    let mut got = Vec::new();
    let end = body.read_to_end(&mut got).await.expect_err("the end is missing");
    assert!(matches!(StoreError::from_read(&key(), end), StoreError::Unreachable { .. }));
    assert_eq!(got, bytes(20 << 20)[..8 << 20]);
    assert!(body.read(&mut [0; 10]).await.is_err(), "an error must not turn into an end of file");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_short_without_saying_so_is_fetched_again_to_its_end() {
    let hook = |asked: &Asked| match asked.before {
        0 if is_get(asked) => Fault::Shorten(1_000_000),
        _ => Fault::Pass,
    };
    let (_server, store) = holding(20 << 20, hook).await;
    assert_eq!(fetched(&store, "obj").await.unwrap(), expected(&bytes(20 << 20)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_replaced_while_it_is_read_is_an_error() {
    let (_server, store) = holding(60 << 20, |_| Fault::Pass).await;
    let mut body = store.get(&key()).await.expect("a get");
    body.read_exact(&mut [0; 100]).await.expect("the first bytes");
    store.put(&key(), reader(vec![1; 60 << 20]), ObjectRole::Mutable).await.expect("a put");
    let end = body.read_to_end(&mut Vec::new()).await.expect_err("two objects in one");
    let error = StoreError::from_read(&key(), end);
    assert_eq!(error.to_string(), "get `obj`: the object was replaced while it was read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_object_that_the_server_refuses_by_if_match_is_an_error() {
    let hook = |asked: &Asked| {
        if asked.headers.contains_key("if-match") { error(412, "PreconditionFailed") } else { Fault::Pass }
    };
    let (_server, store) = holding(9 << 20, hook).await;
    let failed = fetched(&store, "obj").await;
    assert!(matches!(failed, Err(StoreError::Broken { .. })), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_four_ranges_are_asked_for_before_the_reader_reads() {
    let (server, store) = holding(64 << 20, |_| Fault::Pass).await;
    let mut body = store.get(&key()).await.expect("a get");
    body.read_exact(&mut vec![0; 1 << 20]).await.expect("the first bytes");
    // Reading the rest of the first range asks for nothing new.
    let mut rest = vec![0; 7 << 20];
    body.read_exact(&mut rest).await.expect("the first range");
    assert!(server.count(is_get) <= 4, "{} requests", server.count(is_get));
    body.read_to_end(&mut Vec::new()).await.expect("the rest");
    assert_eq!(server.count(is_get), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_object_is_read_as_empty_whatever_the_server_says_of_its_ranges() {
    let server = Faulty::start(|asked| {
        if is_get(asked) && asked.headers.contains_key("range") {
            error(416, "InvalidRange")
        } else {
            Fault::Pass
        }
    })
    .await;
    let store = server.store();
    write_small(&store, &key(), Vec::new(), ObjectRole::Mutable).await.expect("a put");
    assert_eq!(store.read(&key(), 10).await.expect("a get"), b"");
    write_small(&store, &key(), vec![1], ObjectRole::Mutable).await.expect("a put");
    let failed = store.read(&key(), 10).await;
    assert!(matches!(failed, Err(StoreError::Broken { .. })), "{failed:?}");
}
