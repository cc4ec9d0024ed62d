//! Checks a store: everything that backups and their deletion need.

use super::{Findings, Section, SectionKind};
use crate::commands::{App, Class, Failure};
use crate::model::{ByteReader, ByteSize, StoreName, random_word};
use crate::store::{self, KeyPrefix, ObjectKey, ObjectRole, Store, StoreError, StoreSettings};
use futures_util::TryStreamExt as _;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// A larger difference between the clocks is a warning.
const SKEW: Duration = Duration::from_secs(60);

/// Tries one store.
pub(super) async fn check(app: &App, name: &StoreName) -> (Section, Option<Class>) {
    let mut findings = Findings::new();
    let mut place = String::new();
    let settings = app.inventory.store_settings(Some(name)).await.map_err(Failure::from);
    if let Some(settings) = findings.result("settings and secrets", settings)
        && let Some(store) = findings.result("open", store::open(&settings).map_err(Failure::from))
    {
        place = store.describe();
        if let Ok(folder) = KeyPrefix::root().folder("check") {
            let (store, settings, findings) = (store.as_ref(), &settings, &mut findings);
            Probe { app, store, settings, folder, findings }.run().await;
        }
    }
    findings.section(SectionKind::Store, name.to_string(), place)
}

/// A store that is being checked.
struct Probe<'a> {
    app: &'a App,
    store: &'a dyn Store,
    settings: &'a StoreSettings,
    /// A folder that nothing else uses.
    folder: KeyPrefix,
    findings: &'a mut Findings,
}

impl Probe<'_> {
    /// A unique key.
    fn new_key(&self) -> Option<ObjectKey> {
        self.folder.object(&random_word(20)).ok()
    }

    /// Puts, gets, lists and deletes an object, and checks the optional features of the server.
    async fn run(&mut self) {
        let Some(key) = self.new_key() else { return };
        let store = self.store;
        let put = store::write_small(store, &key, b"jagad".to_vec(), ObjectRole::Mutable).await;
        if self.findings.result("put an object", put.map_err(Failure::from)).is_none() {
            return;
        }
        let got = store.read(&key, 16).await.map_err(Failure::from).and_then(|bytes| match &bytes[..] {
            b"jagad" => Ok(()),
            _ => Err(Failure::new(Class::Store, "another object came back than was put")),
        });
        self.findings.result("get it", got);
        let listed: Result<Vec<_>, _> = store.list(&self.folder).try_collect().await;
        let seen = listed.map_err(Failure::from).and_then(|objects| {
            let there = objects.iter().any(|object| object.key == key);
            there
                .then_some(())
                .ok_or_else(|| Failure::new(Class::Store, "the object just put is not in the listing"))
        });
        self.findings.result("list it", seen);
        self.compare_clocks().await;
        self.try_conditional().await;
        self.try_large().await;
        let swept = store.sweep_unfinished(&self.folder, Duration::from_secs(3600)).await;
        match swept {
        Ok(_) => self.findings.ok("list and abort unfinished uploads"),
        // Only the cost of storage depends on it.
        Err(error) => self.findings.warning(
            "list and abort unfinished uploads",
            &Failure::from(error).message(),
            "Give the key s3:ListBucketMultipartUploads and s3:AbortMultipartUpload, or let a lifecycle rule of the bucket abort them.",
        ),
    }
        self.try_deletion(key).await;
    }

    /// Deletes several keys at once, as for a backup, and checks that they are gone.
    async fn try_deletion(&mut self, key: ObjectKey) {
        let store = self.store;
        let mut keys = vec![key];
        for _ in 0..2 {
            let Some(key) = self.new_key() else { return };
            let put = store::write_small(store, &key, b"jagad".to_vec(), ObjectRole::Mutable).await;
            if self.findings.result("put another", put.map_err(Failure::from)).is_none() {
                break;
            }
            keys.push(key);
        }
        let subject = format!("delete {} at once", keys.len());
        if self.findings.result(&subject, store.delete(&keys).await.map_err(Failure::from)).is_none() {
            return;
        }
        let mut left = Vec::new();
        for key in &keys {
            match store.head(key).await {
                Ok(None) => {}
                Ok(Some(_)) => left.push(key.to_string()),
                Err(error) => {
                    self.findings.result("look whether they are gone", Err::<(), _>(Failure::from(error)));
                    return;
                }
            }
        }
        let gone = match left.as_slice() {
            [] => Ok(()),
            left => Err(Failure::new(
                Class::Store,
                format!("the store says that it deleted {}, and still has it", left.join(", ")),
            )),
        };
        self.findings.result("look whether they are gone", gone);
    }

    async fn compare_clocks(&mut self) {
        let clock = self.store.clock().await.map_err(Failure::from);
        let Some(theirs) = self.findings.result("ask for the time", clock) else { return };
        let ours = self.app.clock.now();
        let skew = ours.since(theirs).max(theirs.since(ours));
        if skew > SKEW {
            let problem = format!("this machine's clock is off by {} s", skew.as_secs());
            self.findings.warning(
                "compare clocks",
                &problem,
                "Set the clock (NTP); S3 refuses more than 15 minutes.",
            );
        }
    }

    /// Whether the server enforces write-once. jagad does not rely on it, so this is no error.
    async fn try_conditional(&mut self) {
        const SUBJECT: &str = "write once (conditional put)";
        let store = self.store;
        if let StoreSettings::S3(settings) = self.settings
            && settings.object_lock_days > 0
        {
            // The probe could not be deleted again.
            self.findings.ok("write once (not tried: object lock is on)");
            return;
        }
        let Some(key) = self.new_key() else { return };
        let first = store::write_small(store, &key, b"1".to_vec(), ObjectRole::Record).await;
        if self.findings.result("put a write-once object", first.map_err(Failure::from)).is_none() {
            return;
        }
        match store::write_small(store, &key, b"2".to_vec(), ObjectRole::Record).await {
            Err(StoreError::AlreadyExists { .. }) => self.findings.ok(SUBJECT),
            Ok(_) => self.findings.warning(
                SUBJECT,
                "the server ignores the condition",
                "No action is needed: jagad does not rely on it.",
            ),
            Err(error) => {
                self.findings.result(SUBJECT, Err::<(), _>(Failure::from(error)));
            }
        }
        let deleted = store.delete(std::slice::from_ref(&key)).await;
        self.findings.result("delete it again", deleted.map_err(Failure::from));
    }

    /// One byte more than a part, so that the upload takes two.
    async fn try_large(&mut self) {
        let StoreSettings::S3(settings) = self.settings else { return };
        let store = self.store;
        let bytes = settings.part_size.bytes() + 1;
        let Some(key) = self.new_key() else { return };
        let body: ByteReader<'static> = Box::pin(tokio::io::repeat(0).take(bytes));
        let put = store.put(&key, body, ObjectRole::Mutable).await.map_err(Failure::from);
        let subject = format!("multipart upload of two parts ({})", ByteSize(bytes));
        if self.findings.result(&subject, put).is_some() {
            self.findings
                .result("delete it", store.delete(std::slice::from_ref(&key)).await.map_err(Failure::from));
        }
    }
}
