//! The promises of [`jagad::store::Store`], tried on any store.

use super::body::{bytes, dying, expected, fetched, reader, stuck};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jagad::store::{KeyPrefix, ObjectKey, ObjectRole, Store, StoreError, write_small};
use std::time::Duration;

const PART: usize = 5 << 20;

/// Whether the store can list uploads that were begun and never ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfinished {
    Listed,
    /// It lists them, with a date that means nothing.
    Undated,
    /// It never has any, or cannot tell.
    Unknown,
}

fn key(text: &str) -> ObjectKey {
    text.parse().expect("a key")
}

fn folder(text: &str) -> KeyPrefix {
    KeyPrefix::root().folder(text).expect("a prefix")
}

async fn keys(store: &dyn Store, prefix: &KeyPrefix) -> Vec<String> {
    let listed = store.list(prefix).map_ok(|meta| meta.key.to_string()).try_collect();
    let mut names: Vec<String> = listed.await.expect("a listing");
    // No promise is made of the order.
    names.sort();
    names
}

/// Tries everything, in a store that nobody else uses at the same time.
pub(super) async fn every_promise_is_kept(store: &dyn Store, unfinished: Unfinished) {
    bodies_of_every_size_come_back(store).await;
    mutable_objects_are_replaced_and_the_others_are_not(store).await;
    absent_objects_are_told_apart(store).await;
    listings_are_complete_and_stay_in_their_folder(store).await;
    folders_are_named_and_nothing_else_is(store).await;
    more_keys_than_a_page_are_listed_and_deleted(store).await;
    a_dying_body_leaves_nothing(store).await;
    unfinished_uploads_are_swept_by_age(store, unfinished).await;
    the_clock_is_the_one_that_dates_objects(store).await;
}

async fn bodies_of_every_size_come_back(store: &dyn Store) {
    for size in [0, 1, PART - 1, PART, PART + 1, 3 * PART + 12_345, 8 << 20, (17 << 20) + 1] {
        let (name, body) = (format!("sizes/{size}"), bytes(size));
        let meta = store.put(&key(&name), reader(body.clone()), ObjectRole::Data).await.expect("a put");
        assert_eq!((meta.bytes, meta.key.to_string()), (size as u64, name.clone()));
        assert_eq!(fetched(store, &name).await.expect("a get"), expected(&body), "{size} bytes");
        let head = store.head(&key(&name)).await.expect("a look").expect("an object");
        assert_eq!(head.bytes, size as u64);
        let apart = head.modified.since(meta.modified).max(meta.modified.since(head.modified));
        assert!(apart <= Duration::from_secs(2), "{size} bytes: {apart:?}");
    }
}

async fn mutable_objects_are_replaced_and_the_others_are_not(store: &dyn Store) {
    for text in ["one", "two, longer"] {
        write_small(store, &key("roles/state"), text.into(), ObjectRole::Mutable).await.expect("a put");
        assert_eq!(store.read(&key("roles/state"), 100).await.expect("a get"), text.as_bytes());
    }
    for (name, role) in [("roles/record", ObjectRole::Record), ("roles/data", ObjectRole::Data)] {
        write_small(store, &key(name), b"first".to_vec(), role).await.expect("a put");
        write_small(store, &key(name), b"first".to_vec(), role).await.expect("the same bytes again");
        let other = write_small(store, &key(name), b"other".to_vec(), role).await;
        assert!(matches!(other, Err(StoreError::AlreadyExists { .. })), "{other:?}");
        assert_eq!(store.read(&key(name), 100).await.expect("a get"), b"first");
    }
    let big = store.put(&key("roles/data"), reader(bytes(PART + 1)), ObjectRole::Data).await;
    assert!(matches!(big, Err(StoreError::AlreadyExists { .. })), "{big:?}");
    assert_eq!(store.read(&key("roles/data"), 100).await.expect("a get"), b"first");
}

async fn absent_objects_are_told_apart(store: &dyn Store) {
    let absent = key("nothing/here");
    assert_eq!(store.head(&absent).await.expect("a look"), None);
    assert!(matches!(store.get(&absent).await.err(), Some(StoreError::NotFound { .. })));
    store.delete(&[absent.clone(), key("nothing/there")]).await.expect("deleting what is not there");
    store.delete(&[absent]).await.expect("deleting what is not there");
    assert_eq!(keys(store, &folder("nothing")).await, Vec::<String>::new());
    write_small(store, &key("large"), vec![7; 101], ObjectRole::Mutable).await.expect("a put");
    let large = store.read(&key("large"), 100).await;
    assert!(matches!(large, Err(StoreError::TooLarge { limit: 100, .. })), "{large:?}");
}

async fn listings_are_complete_and_stay_in_their_folder(store: &dyn Store) {
    let names = ["order/a.b", "order/a/1", "order/a/2/x", "order/a0", "order/b", "order2/c"];
    for name in names.iter().rev() {
        write_small(store, &key(name), name.as_bytes().to_vec(), ObjectRole::Mutable).await.expect("a put");
    }
    assert_eq!(keys(store, &folder("order")).await, names[..5]);
    assert_eq!(keys(store, &folder("order/a")).await, names[1..3]);
    let all = keys(store, &KeyPrefix::root()).await;
    let ordered: Vec<_> = all.iter().filter(|name| name.starts_with("order")).collect();
    assert_eq!(ordered, names.iter().collect::<Vec<_>>());
    let metas: Vec<_> = store.list(&folder("order")).try_collect().await.expect("a listing");
    assert!(metas.iter().all(|meta| meta.bytes == meta.key.as_str().len() as u64));
}

async fn folders_are_named_and_nothing_else_is(store: &dyn Store) {
    let wide: Vec<_> = (0..1100).map(|number| format!("wide/{number:04}/x")).collect();
    let names = ["below/a/1", "below/a/2/x", "below/a.b/1", "below/file", "below2/c"];
    let all = names.iter().map(|name| key(name)).chain(wide.iter().map(|name| key(name)));
    stream::iter(all)
        .map(|name| async move {
            write_small(store, &name, vec![1], ObjectRole::Mutable).await.expect("a put");
        })
        .buffer_unordered(16)
        .count()
        .await;
    let folders = async |prefix: &str| {
        let mut folders = store.folders(&folder(prefix)).await.expect("folders");
        folders.sort();
        folders
    };
    assert_eq!(folders("below").await, ["a", "a.b"]);
    assert_eq!(folders("below/a").await, ["2"]);
    assert_eq!(folders("nowhere").await, Vec::<String>::new());
    let mut root = store.folders(&KeyPrefix::root()).await.expect("folders");
    root.retain(|name| name.starts_with("below"));
    root.sort();
    assert_eq!(root, ["below", "below2"]);
    // More than one page of them.
    let wide_names: Vec<_> = (0..1100).map(|number| format!("{number:04}")).collect();
    assert_eq!(folders("wide").await, wide_names);
    let doomed: Vec<_> = wide.iter().map(|name| key(name)).collect();
    store.delete(&doomed).await.expect("a deletion");
}

async fn more_keys_than_a_page_are_listed_and_deleted(store: &dyn Store) {
    let names: Vec<_> = (0..1205).map(|number| format!("many/{number:04}")).collect();
    stream::iter(&names)
        .map(|name| async move {
            write_small(store, &key(name), vec![1], ObjectRole::Mutable).await.expect("a put");
        })
        .buffer_unordered(16)
        .count()
        .await;
    assert_eq!(keys(store, &folder("many")).await, names);
    let doomed: Vec<_> = names.iter().map(|name| key(name)).collect();
    store.delete(&doomed).await.expect("a deletion");
    assert_eq!(keys(store, &folder("many")).await, Vec::<String>::new());
}

async fn a_dying_body_leaves_nothing(store: &dyn Store) {
    for size in [0, 1000, 2 * PART + 1] {
        let failed = store.put(&key("dying/x"), dying(size), ObjectRole::Data).await;
        let Err(StoreError::Body { source, .. }) = failed else { panic!("{size} bytes: {failed:?}") };
        assert_eq!(source.to_string(), "the tool died");
        assert_eq!(store.head(&key("dying/x")).await.expect("a look"), None, "{size} bytes");
    }
    assert_eq!(keys(store, &folder("dying")).await, Vec::<String>::new());
    let left = store.sweep_unfinished(&KeyPrefix::root(), Duration::ZERO).await.expect("a sweep");
    assert_eq!(left, 0, "unfinished uploads were left behind");
}

async fn unfinished_uploads_are_swept_by_age(store: &dyn Store, unfinished: Unfinished) {
    let name = key("unfinished/x");
    let put = store.put(&name, stuck(PART + 1), ObjectRole::Data);
    let dropped = tokio::time::timeout(Duration::from_millis(1500), put).await;
    assert!(dropped.is_err(), "a body that never ends was stored");
    let hour = Duration::from_secs(3600);
    let (after_an_hour, at_once) = match unfinished {
        Unfinished::Listed => (0, 1),
        Unfinished::Undated => (1, 0),
        Unfinished::Unknown => (0, 0),
    };
    for (prefix, age, expected) in [
        ("other", Duration::ZERO, 0),
        ("unfinished", hour, after_an_hour),
        ("unfinished", Duration::ZERO, at_once),
    ] {
        let swept = store.sweep_unfinished(&folder(prefix), age).await.expect("a sweep");
        assert_eq!(swept, expected, "below {prefix}, older than {age:?}");
    }
    assert_eq!(store.sweep_unfinished(&KeyPrefix::root(), Duration::ZERO).await.expect("a sweep"), 0);
    assert_eq!(store.head(&name).await.expect("a look"), None);
}

async fn the_clock_is_the_one_that_dates_objects(store: &dyn Store) {
    let before = store.clock().await.expect("a clock");
    write_small(store, &key("clock"), vec![1], ObjectRole::Mutable).await.expect("a put");
    let written = store.head(&key("clock")).await.expect("a look").expect("an object").modified;
    let after = store.clock().await.expect("a clock");
    let second = Duration::from_secs(1);
    assert!(before.minus(second) <= written && written <= after.plus(second), "{before} {written} {after}");
}
