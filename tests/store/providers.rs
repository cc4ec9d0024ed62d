//! The store in front of services that refuse in ways of their own.

use super::body::{bytes, expected, fetched, reader};
use crate::support::faulty::{Asked, Faulty};
use crate::support::providers::{Provider, is_write};
use futures_util::TryStreamExt as _;
use jagad::store::{KeyPrefix, ObjectKey, ObjectRole, Store as _, StoreError, write_small};
use std::time::Duration;

fn key(text: &str) -> ObjectKey {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_stores_lists_gives_back_and_deletes() {
    for provider in Provider::ALL {
        let server = Faulty::start(move |asked| provider.usual(asked)).await;
        let store = server.store();
        let body = bytes((5 << 20) + 1);
        store
            .put(&key("a/big"), reader(body.clone()), ObjectRole::Data)
            .await
            .unwrap_or_else(|error| panic!("{provider:?}: {error}"));
        assert_eq!(fetched(&store, "a/big").await.unwrap(), expected(&body), "{provider:?}");
        for name in ["a/record.json", "a/other.json", "lease/x.json"] {
            let small = write_small(&store, &key(name), b"{}".to_vec(), ObjectRole::Record).await;
            small.unwrap_or_else(|error| panic!("{provider:?}, {name}: {error}"));
        }
        let again = write_small(&store, &key("a/record.json"), b"no".to_vec(), ObjectRole::Record).await;
        assert!(matches!(again, Err(StoreError::AlreadyExists { .. })), "{provider:?}: {again:?}");
        let listed: Vec<_> = store.list(&KeyPrefix::root()).try_collect().await.unwrap();
        assert_eq!(listed.len(), 4, "{provider:?}");
        let doomed: Vec<ObjectKey> = listed.into_iter().map(|meta| meta.key).collect();
        store.delete(&doomed).await.unwrap_or_else(|error| panic!("{provider:?}: {error}"));
        let left: Vec<_> = store.list(&KeyPrefix::root()).try_collect().await.unwrap();
        assert_eq!(left, [], "{provider:?}");
        let swept = store.sweep_unfinished(&KeyPrefix::root(), Duration::ZERO).await;
        assert_eq!(swept.unwrap(), 0, "{provider:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_room_is_full_in_whatever_words() {
    for provider in Provider::ALL {
        let server = Faulty::start(move |asked| provider.when_full(asked)).await;
        let store = server.store();
        for bytes_sent in [100, (5 << 20) + 1] {
            let put = store.put(&key("k"), reader(bytes(bytes_sent)), ObjectRole::Data).await;
            let error = put.expect_err("there is no room");
            assert!(error.is_full() && error.refuses_writes(), "{provider:?}: {error}");
        }
        let writes = server.count(is_write);
        assert_eq!(writes, 2, "{provider:?}: a full store was asked again: {:?}", asked(&server));
        assert_eq!(store.head(&key("k")).await.unwrap(), None);
    }
}

fn asked(server: &Faulty) -> Vec<String> {
    server
        .asked()
        .iter()
        .map(|asked: &Asked| format!("{} {}?{}", asked.method, asked.path, asked.query))
        .collect()
}
