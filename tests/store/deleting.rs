//! Deletions that go wrong, listings that do not end, and sweeps of servers that cannot list.

use crate::support::faulty::{Asked, Fault, Faulty, error};
use futures_util::TryStreamExt as _;
use http::Method;
use jagad::store::{KeyPrefix, ObjectKey, ObjectRole, Store as _, StoreError, write_small};
use std::time::Duration;

fn keys(count: usize) -> Vec<ObjectKey> {
    (0..count).map(|number| format!("k{number}").parse().unwrap()).collect()
}

fn is_batch(asked: &Asked) -> bool {
    asked.method == Method::POST && asked.query == "delete="
}

fn refusal(key: &str, code: &str) -> Fault {
    let error =
        format!("<Error><Key>pre/fix/{key}</Key><Code>{code}</Code><Message>injected</Message></Error>");
    Fault::Answer(200, format!("<DeleteResult>{error}</DeleteResult>"))
}

/// Whether `asked` deletes one key by itself.
fn is_single(asked: &Asked, key: &str) -> bool {
    asked.method == Method::DELETE && asked.path.ends_with(&format!("/{key}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_batch_refuses_though_the_answer_is_200_is_tried_by_itself() {
    let server =
        Faulty::start(|asked| if is_batch(asked) { refusal("k1", "AccessDenied") } else { Fault::Pass })
            .await;
    let store = server.store();
    for key in keys(3) {
        write_small(&store, &key, vec![1], ObjectRole::Mutable).await.unwrap();
    }
    store.delete(&keys(3)).await.expect("by itself it can be deleted");
    assert_eq!(store.head(&keys(3)[1]).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_deleted_is_named_and_the_others_are_deleted_all_the_same() {
    let server = Faulty::start(|asked| {
        if is_batch(asked) || is_single(asked, "k1") { error(403, "AccessDenied") } else { Fault::Pass }
    })
    .await;
    let store = server.store();
    for key in keys(4) {
        write_small(&store, &key, vec![1], ObjectRole::Mutable).await.unwrap();
    }
    let failed = store.delete(&keys(4)).await.expect_err("one key is still there");
    assert_eq!(failed.to_string(), "delete `k1`: permission denied (AccessDenied: injected)");
    let left: Vec<_> = store.list(&KeyPrefix::root()).try_collect().await.unwrap();
    assert_eq!(left.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["k1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_fails_for_a_moment_is_deleted_by_the_next_try() {
    let server = Faulty::start(|asked| match is_batch(asked) {
        true if asked.before == 0 => refusal("k1", "InternalError"),
        true if asked.before == 1 => Fault::Drop,
        _ => Fault::Pass,
    })
    .await;
    let store = server.store();
    for key in keys(3) {
        write_small(&store, &key, vec![1], ObjectRole::Mutable).await.unwrap();
    }
    store.delete(&keys(3)).await.expect("the next try deletes it");
    assert_eq!(store.head(&keys(3)[1]).await.unwrap(), None);
    let lasting =
        Faulty::start(|asked| if is_batch(asked) { refusal("k1", "InternalError") } else { Fault::Pass })
            .await;
    lasting.store().delete(&keys(3)).await.expect_err("it never goes away");
    assert_eq!(lasting.count(is_batch), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_refuses_a_batch_for_good_the_keys_are_deleted_one_by_one() {
    let refusals = [
        // Google Cloud Storage.
        (400, "InvalidArgument"),
        (501, "NotImplemented"),
        (405, "MethodNotAllowed"),
        (403, "AccessDenied"),
        (400, "MissingContentMD5"),
        (400, "InvalidRequest"),
        (400, "MalformedXML"),
        (411, ""),
        // Said in the body of a success.
        (200, "NotImplemented"),
    ];
    for (status, code) in refusals {
        let server =
            Faulty::start(move |asked| if is_batch(asked) { error(status, code) } else { Fault::Pass }).await;
        let store = server.store();
        for key in keys(3) {
            write_small(&store, &key, vec![1], ObjectRole::Mutable).await.unwrap();
        }
        store.delete(&keys(3)).await.unwrap_or_else(|error| panic!("{status} {code}: {error}"));
        let left = store.list(&KeyPrefix::root()).try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(left, [], "{status} {code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_not_taken_for_deleted_objects() {
    let server = Faulty::start(|_| error(404, "NoSuchBucket")).await;
    for count in [1, 3] {
        let failed = server.store().delete(&keys(count)).await;
        assert!(matches!(failed, Err(StoreError::PlaceMissing { .. })), "{failed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_goes_round_in_circles_is_an_error() {
    let page = "<ListBucketResult><Name>bkt</Name><IsTruncated>true</IsTruncated>\
                <NextContinuationToken>same</NextContinuationToken></ListBucketResult>";
    for body in [page.to_owned(), page.replace("<NextContinuationToken>same</NextContinuationToken>", "")] {
        let server = Faulty::start(move |_| Fault::Answer(200, body.clone())).await;
        let listed: Result<Vec<_>, _> = server.store().list(&KeyPrefix::root()).try_collect().await;
        let text = listed.expect_err("it never ends").to_string();
        assert!(text.contains("has no continuation token"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_ours_are_left_out_of_listings() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let store = server.store();
    write_small(&store, &"mine".parse().unwrap(), vec![1], ObjectRole::Mutable).await.unwrap();
    let all = jagad::store::S3Settings { prefix: String::new(), ..server.settings() };
    let all = jagad::store::S3Store::open(&all).unwrap();
    write_small(&all, &"pre/fix2/other".parse().unwrap(), vec![1], ObjectRole::Mutable).await.unwrap();
    let listed: Vec<_> = store.list(&KeyPrefix::root()).try_collect().await.unwrap();
    assert_eq!(listed.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), ["mine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_list_unfinished_uploads_has_none() {
    for (status, code) in [(501, "NotImplemented"), (405, "MethodNotAllowed")] {
        let server = Faulty::start(move |_| error(status, code)).await;
        assert_eq!(server.store().sweep_unfinished(&KeyPrefix::root(), Duration::ZERO).await.unwrap(), 0);
    }
    let denied = Faulty::start(|_| error(403, "AccessDenied")).await;
    let failed = denied.store().sweep_unfinished(&KeyPrefix::root(), Duration::ZERO).await;
    assert!(matches!(failed, Err(StoreError::Denied { .. })), "{failed:?}");
}
