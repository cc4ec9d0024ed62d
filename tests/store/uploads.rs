//! Uploads that go wrong on the way.

use super::body::{bytes, dying, expected, fetched, reader, stuck};
use super::contract::{Unfinished, every_promise_is_kept};
use crate::support::faulty::{Asked, Fault, Faulty, error};
use http::Method;
use jagad::model::ByteSize;
use jagad::store::{ObjectKey, ObjectMeta, ObjectRole, S3Settings, S3Store, Store, StoreError, write_small};
use std::time::{Duration, Instant};

const PART: usize = 5 << 20;

fn key() -> ObjectKey {
    "obj".parse().unwrap()
}

async fn put(store: &S3Store, length: usize) -> Result<ObjectMeta, StoreError> {
    store.put(&key(), reader(bytes(length)), ObjectRole::Data).await
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_in_process_keeps_every_promise() {
    let server = Faulty::start(|_| Fault::Pass).await;
    every_promise_is_kept(&server.store(), Unfinished::Unknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_for_good_is_an_error_with_one_abort_and_nothing_visible() {
    for fault in [error(403, "AccessDenied"), error(503, "SlowDown"), Fault::Drop] {
        let shown = format!("{fault:?}");
        let server =
            Faulty::start(move |asked| if asked.is_part(3) { fault.clone() } else { Fault::Pass }).await;
        let store = server.store();
        let failed = put(&store, 8 * PART).await.expect_err("a part is missing");
        assert!(failed.to_string().starts_with("put part 3 of `obj`: "), "{shown}: {failed}");
        assert_eq!(server.count(Asked::is_abort), 1, "{shown}");
        assert_eq!(server.count(Asked::is_complete), 0, "{shown}");
        assert_eq!(store.head(&key()).await.unwrap(), None, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_part_ends_the_upload_while_the_body_is_silent() {
    let server =
        Faulty::start(|asked| if asked.is_part(1) { error(403, "AccessDenied") } else { Fault::Pass }).await;
    let store = server.store();
    let key = key();
    let put = store.put(&key, stuck(PART + 1), ObjectRole::Data);
    let failed = tokio::time::timeout(Duration::from_secs(20), put).await.expect("it waits for the body");
    assert!(matches!(failed, Err(StoreError::Denied { .. })), "{failed:?}");
    assert_eq!(server.count(Asked::is_abort), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_on_its_way_while_the_body_is_silent() {
    let (seen, mut part) = tokio::sync::mpsc::unbounded_channel();
    let server = Faulty::start(move |asked| {
        // The first try fails: the second one proves that the part goes on by itself.
        if asked.is_part(1) && asked.before == 1 {
            seen.send(()).expect("a listener");
        }
        if asked.is_part(1) && asked.before == 0 { error(503, "SlowDown") } else { Fault::Pass }
    })
    .await;
    let (store, key) = (server.store(), key());
    tokio::select! {
        ended = store.put(&key, stuck(PART + 1), ObjectRole::Data) => panic!("{ended:?}"),
        sent = part.recv() => assert!(sent.is_some()),
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("the part waits for the body"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_pass_are_outlived() {
    for fault in
        [error(503, "SlowDown"), error(400, "RequestTimeout"), error(500, ""), Fault::Drop, Fault::DropAfter]
    {
        let shown = format!("{fault:?}");
        // Every request that may be sent twice fails once; a begun upload whose answer is lost stays behind.
        let server =
            Faulty::start(move |asked| if asked.before == 0 { fault.clone() } else { Fault::Pass }).await;
        let store = server.store();
        let meta = put(&store, 3 * PART + 7).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(meta.bytes, 3 * PART as u64 + 7);
        assert_eq!(fetched(&store, "obj").await.unwrap(), expected(&bytes(3 * PART + 7)), "{shown}");
        assert_eq!(server.count(Asked::is_abort), 0, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_says_200_and_error_is_an_error_with_one_abort() {
    let server =
        Faulty::start(|asked| if asked.is_complete() { error(200, "InternalError") } else { Fault::Pass })
            .await;
    let store = server.store();
    let failed = put(&store, 2 * PART).await.expect_err("the completion failed");
    assert_eq!(failed.to_string(), "complete `obj`: the store answered 200 InternalError: injected");
    assert_eq!(server.count(Asked::is_complete), 4, "it is tried as often as the settings allow");
    assert_eq!(server.count(Asked::is_abort), 1);
    assert_eq!(store.head(&key()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_whose_answer_is_lost_is_a_success() {
    let server =
        Faulty::start(|asked| if asked.is_complete() { Fault::DropAfter } else { Fault::Pass }).await;
    let store = server.store();
    let meta = put(&store, 2 * PART + 1).await.expect("the object is there");
    assert_eq!(meta.bytes, 2 * PART as u64 + 1);
    assert_eq!(server.count(Asked::is_complete), 1);
    assert_eq!(server.count(Asked::is_abort), 0);
    assert_eq!(fetched(&store, "obj").await.unwrap(), expected(&bytes(2 * PART + 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_fails_beside_a_strangers_object_of_the_same_size_is_no_success() {
    // The look before the upload is blind, so that only the last look meets the stranger's object.
    let server = Faulty::start(|asked| match asked {
        _ if asked.is_complete() => error(403, "AccessDenied"),
        _ if asked.is_plain(&Method::HEAD) && asked.before == 0 => error(404, ""),
        _ => Fault::Pass,
    })
    .await;
    let stranger = S3Store::open(&S3Settings { part_size: ByteSize::mib(16), ..server.settings() }).unwrap();
    stranger.put(&key(), reader(vec![9; 2 * PART]), ObjectRole::Mutable).await.expect("a put");
    let failed = put(&server.store(), 2 * PART).await;
    assert!(matches!(failed, Err(StoreError::Denied { .. })), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_object_whose_answer_is_lost_is_a_success_and_a_strangers_is_not() {
    // Blind to the look before, as a store with write-only credentials is.
    let server = Faulty::start(|asked| match asked.method {
        Method::HEAD if asked.before == 0 => error(404, ""),
        Method::PUT if asked.before == 0 => Fault::DropAfter,
        _ => Fault::Pass,
    })
    .await;
    let store = server.store();
    write_small(&store, &key(), b"mine".to_vec(), ObjectRole::Record).await.expect("the object is ours");
    assert_eq!(server.count(|asked| asked.is_plain(&Method::PUT)), 2, "the second try meets our own object");
    assert_eq!(store.read(&key(), 9).await.unwrap(), b"mine");

    let server = Faulty::start(|asked| match asked.method {
        Method::HEAD if asked.before < 2 => error(404, ""),
        _ => Fault::Pass,
    })
    .await;
    let store = server.store();
    write_small(&store, &key(), b"mine".to_vec(), ObjectRole::Record).await.expect("a put");
    let other = write_small(&store, &key(), b"else".to_vec(), ObjectRole::Record).await;
    assert!(matches!(other, Err(StoreError::AlreadyExists { .. })), "{other:?}");
    assert_eq!(store.read(&key(), 9).await.unwrap(), b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_conditional_writes_is_asked_without_them() {
    for (status, code) in [(501, "NotImplemented"), (400, "NotImplemented")] {
        let server = Faulty::start(move |asked| {
            let conditional = asked.headers.contains_key("if-none-match");
            if conditional { error(status, code) } else { Fault::Pass }
        })
        .await;
        let store = server.store();
        write_small(&store, &"small".parse().unwrap(), vec![1], ObjectRole::Record).await.expect("a put");
        put(&store, PART + 1).await.expect("a put");
        assert_eq!(fetched(&store, "obj").await.unwrap(), expected(&bytes(PART + 1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_dies_in_the_middle_is_aborted_once() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let store = server.store();
    let failed = store.put(&key(), dying(4 * PART + 3), ObjectRole::Data).await;
    assert!(matches!(failed, Err(StoreError::Body { .. })), "{failed:?}");
    assert_eq!(server.count(Asked::is_abort), 1);
    assert_eq!(server.count(Asked::is_complete), 0);
    let asked = server.asked();
    assert!(asked.last().is_some_and(Asked::is_abort), "nothing may be sent after the abort: {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_in_flight_are_ended_before_the_abort() {
    let server = Faulty::start(|asked| match asked {
        _ if asked.is_part(2) => error(503, "SlowDown"),
        _ if asked.is_abort() => Fault::Delay(Duration::from_millis(300)),
        _ => Fault::Pass,
    })
    .await;
    // Part 2 is tried again at once and for ever, unless somebody ends it.
    let settings = S3Settings { attempts: u32::MAX, retry_base: Duration::ZERO, ..server.settings() };
    let store = S3Store::open(&settings).unwrap();
    store.put(&key(), dying(2 * PART + 1), ObjectRole::Data).await.expect_err("the body died");
    let asked = server.asked();
    let later = asked.iter().skip_while(|asked| !asked.is_abort()).filter(|asked| asked.is_part(2)).count();
    // One may have been on the wire.
    assert!(later <= 1, "{later} tries of a part after the abort");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_body_takes_one_put_and_no_multipart_upload() {
    let server = Faulty::start(|_| Fault::Pass).await;
    put(&server.store(), PART - 1).await.expect("a put");
    assert_eq!(server.count(Asked::is_begin), 0);
    assert_eq!(server.count(|asked| asked.method == Method::PUT), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_ends_at_the_limit_of_parts() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let store = S3Store::open(&S3Settings { max_parts: 3, ..server.settings() }).unwrap();
    assert_eq!(store.object_limit(), 3 * PART as u64);
    let thousand = S3Store::open(&S3Settings { part_size: ByteSize::mib(8), ..server.settings() }).unwrap();
    assert_eq!(thousand.object_limit(), 1000 * (8 << 20));
    put(&store, 3 * PART).await.expect("an object that just fits");
    assert_eq!(server.count(|asked| asked.query.contains("partNumber=")), 3);
    let larger = store.put(&"larger".parse().unwrap(), reader(bytes(3 * PART + 1)), ObjectRole::Data).await;
    assert!(
        matches!(larger, Err(StoreError::TooLarge { limit, .. }) if limit == 3 * PART as u64),
        "{larger:?}"
    );
    assert_eq!(server.count(Asked::is_abort), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_follow_the_role() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let settings = S3Settings {
        storage_class: Some("REDUCED_REDUNDANCY".to_owned()),
        checksum: jagad::store::settings::S3Checksum::Md5,
        ..server.settings()
    };
    let store = S3Store::open(&settings).unwrap();
    for (name, role) in [("d", ObjectRole::Data), ("r", ObjectRole::Record), ("m", ObjectRole::Mutable)] {
        write_small(&store, &name.parse().unwrap(), vec![1], role).await.expect("a put");
    }
    put(&store, PART + 1).await.expect("a put");
    let asked = server.asked();
    let of = |path: &str| {
        asked.iter().find(|asked| asked.method == Method::PUT && asked.path.ends_with(path)).unwrap()
    };
    let has = |path: &str, header: &str| of(path).headers.contains_key(header);
    assert!(
        has("/d", "x-amz-storage-class")
            && !has("/r", "x-amz-storage-class")
            && !has("/m", "x-amz-storage-class")
    );
    assert!(has("/d", "if-none-match") && has("/r", "if-none-match") && !has("/m", "if-none-match"));
    assert!(
        asked
            .iter()
            .filter(|asked| asked.method == Method::PUT)
            .all(|put| put.headers.contains_key("content-md5"))
    );
    let begin = asked.iter().find(|asked| asked.is_begin()).unwrap();
    assert!(begin.headers.contains_key("x-amz-storage-class"));
    assert!(!of("/obj").headers.contains_key("x-amz-storage-class"), "AWS refuses it on a part");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upload_rate_keeps_to_its_bound() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let settings = S3Settings { bandwidth: Some(ByteSize::mib(10)), ..server.settings() };
    let store = S3Store::open(&settings).unwrap();
    let begin = Instant::now();
    put(&store, 3 * PART).await.expect("a put");
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(1400), "15 MiB at 10 MiB/s took {took:?}");
    assert_eq!(fetched(&store, "obj").await.unwrap(), expected(&bytes(3 * PART)));
}
