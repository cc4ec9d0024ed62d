//! Promises that only a directory can break.

use super::body::{bytes, reader};
use super::contract::{Unfinished, every_promise_is_kept};
use crate::support::presence::skipped;
use futures_util::TryStreamExt as _;
use jagad::store::{KeyPrefix, LocalSettings, LocalStore, ObjectRole, Store as _, StoreError, write_small};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt as _;

fn store(path: &Path) -> LocalStore {
    LocalStore::open(&LocalSettings { path: path.to_owned() }).expect("a directory")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_keeps_every_promise() {
    let directory = tempfile::tempdir().unwrap();
    let missing = LocalSettings { path: directory.path().join("made/new") };
    // One that is missing may be a disk that is not mounted.
    assert!(matches!(LocalStore::open(&missing), Err(StoreError::PlaceMissing { .. })));
    // A file is there, and is no directory: nobody shall be told to create what exists.
    let parent = directory.path().join("made");
    std::fs::create_dir(&parent).unwrap();
    std::fs::write(&missing.path, "a file").unwrap();
    let file = LocalStore::open(&missing);
    assert!(
        matches!(&file, Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotADirectory),
        "{file:?}"
    );
    std::fs::remove_file(&missing.path).unwrap();
    LocalStore::create(&missing).unwrap();
    every_promise_is_kept(&store(&missing.path), Unfinished::Unknown).await;
}

#[tokio::test]
async fn a_symbolic_link_never_leads_out_of_the_directory() {
    let (directory, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(outside.path().join("secret"), b"secret").unwrap();
    let store = store(directory.path());
    std::os::unix::fs::symlink(outside.path(), directory.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), directory.path().join("file")).unwrap();
    for name in ["folder/secret", "file"] {
        let key = name.parse().unwrap();
        assert!(store.get(&key).await.is_err(), "{name} was read");
        assert!(store.head(&key).await.is_err(), "{name} was looked at");
        assert!(store.delete(std::slice::from_ref(&key)).await.is_err(), "{name} was deleted");
        let written = write_small(&store, &key, vec![1], ObjectRole::Mutable).await;
        assert!(matches!(written, Err(StoreError::Io { .. })), "{written:?}");
    }
    assert_eq!(store.list(&KeyPrefix::root()).try_collect::<Vec<_>>().await.unwrap(), []);
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn what_a_killed_run_left_is_invisible_and_swept_by_age() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let staging = directory.path().join(".jagad-staging");
    for name in ["databases!shop!dump!x1", "databases!blog!dump!x2"] {
        std::fs::write(staging.join(name), b"half").unwrap();
    }
    assert_eq!(store.list(&KeyPrefix::root()).try_collect::<Vec<_>>().await.unwrap(), []);
    let shop = KeyPrefix::root().folder("databases/shop").unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!(store.sweep_unfinished(&shop, hour).await.unwrap(), 0, "it is young");
    let old = std::fs::File::options().write(true).open(staging.join("databases!shop!dump!x1")).unwrap();
    old.set_modified(SystemTime::now() - 2 * hour).unwrap();
    assert_eq!(store.sweep_unfinished(&shop, hour).await.unwrap(), 1);
    assert_eq!(store.sweep_unfinished(&KeyPrefix::root(), Duration::ZERO).await.unwrap(), 1);
    let reserved = write_small(&store, &".jagad-staging/x".parse().unwrap(), vec![1], ObjectRole::Data).await;
    assert!(reserved.is_err(), "a key in the staging folder was accepted");
}

#[tokio::test]
async fn a_file_that_becomes_shorter_while_it_is_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let key = "k".parse().unwrap();
    store.put(&key, reader(bytes(9 << 20)), ObjectRole::Data).await.unwrap();
    let mut body = store.get(&key).await.unwrap();
    body.read_exact(&mut [0; 10]).await.unwrap();
    std::fs::File::options().write(true).open(directory.path().join("k")).unwrap().set_len(6 << 20).unwrap();
    let end = body.read_to_end(&mut Vec::new()).await.expect_err("the end is missing");
    assert!(matches!(StoreError::from_read(&key, end), StoreError::Broken { .. }));
}

#[tokio::test]
async fn a_directory_that_went_away_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("disk");
    std::fs::create_dir(&path).unwrap();
    let store = store(&path);
    std::fs::remove_dir_all(&path).unwrap();
    let written = write_small(&store, &"k".parse().unwrap(), vec![1], ObjectRole::Mutable).await;
    assert!(matches!(written, Err(StoreError::PlaceMissing { .. })), "{written:?}");
    assert!(!path.exists(), "a disk that is not mounted must not be written beside");
}

#[tokio::test]
async fn deleting_the_last_object_of_a_folder_removes_the_folder() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    for name in ["a/b/c", "a/d"] {
        write_small(&store, &name.parse().unwrap(), vec![1], ObjectRole::Data).await.unwrap();
    }
    store.delete(&["a/b/c".parse().unwrap()]).await.unwrap();
    assert!(!directory.path().join("a/b").exists());
    assert_eq!(store.read(&"a/d".parse().unwrap(), 9).await.unwrap(), [1]);
    store.delete(&["a/d".parse().unwrap()]).await.unwrap();
    assert!(!directory.path().join("a").exists());
}

/// A file system of 2 MiB, unmounted when dropped.
struct TinyDisk(tempfile::TempDir);

impl TinyDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(directory.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            skipped("only root can mount a small disk, so no full disk was tried");
        }
        mounted.then_some(Self(directory))
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let Some(disk) = TinyDisk::mount() else { return };
    let store = store(disk.0.path());
    let failed = store.put(&"a/big".parse().unwrap(), reader(bytes(4 << 20)), ObjectRole::Data).await;
    let Err(StoreError::Io { action, source }) = failed else { panic!("{failed:?}") };
    assert_eq!(action, "put `a/big`");
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{source}");
    assert_eq!(store.list(&KeyPrefix::root()).try_collect::<Vec<_>>().await.unwrap(), []);
    assert_eq!(std::fs::read_dir(disk.0.path().join(".jagad-staging")).unwrap().count(), 0);
    write_small(&store, &"a/small".parse().unwrap(), vec![1; 1 << 20], ObjectRole::Data)
        .await
        .expect("it fits");
}
