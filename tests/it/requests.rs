//! What a tick asks of the store.

use crate::host::{SetClock, app, whole_tick};
use crate::support::faulty::{BUCKET, Fault, Faulty};
use futures_util::stream::BoxStream;
use jagad::catalog::{Attachment, Catalog, CatalogError, NoKeys};
use jagad::commands::schedule::{self, TickAction};
use jagad::config::{ConfigRequest, Inventory};
use jagad::model::{ByteReader, Timestamp};
use jagad::store::{
    KeyPrefix, LocalSettings, LocalStore, ObjectKey, ObjectMeta, ObjectRole, Store, StoreError, write_small,
};
use std::sync::Arc;
use std::time::Duration;

const DATABASES: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_with_nothing_due_asks_three_things_of_each_database_and_one_of_the_store() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = server.settings();
    let mut text = format!(
        "version = 1\n[stores.main]\ntype = \"s3\"\nendpoint = \"{}\"\nbucket = \"{BUCKET}\"\nprefix = \"{}\"\n\
         allow_http = true\npath_style = true\naccess_key = \"AK\"\nsecret_key = \"SK\"\n\
         [policies.prod]\nfull = {{ every = \"daily\", at = \"02:00\" }}\n",
        server.endpoint, settings.prefix
    );
    for number in 0..DATABASES {
        text +=
            &format!("[databases.d{number}]\nengine = \"redis\"\nhost = \"127.0.0.1\"\npolicy = \"prod\"\n");
    }
    let path = folder.path().join("jagad.toml");
    std::fs::write(&path, text).unwrap();
    let inventory = Inventory::load(&ConfigRequest { path: Some(path), set: Vec::new() }).unwrap();
    let now: Timestamp = "2027-03-01T12:00:00Z".parse().unwrap();
    let catalog =
        Catalog::open_or_create(Arc::new(server.store()), Arc::new(NoKeys), now, Duration::from_secs(60))
            .await
            .unwrap();
    for name in inventory.databases.keys() {
        let attachment = Attachment::new("prod".parse().unwrap(), now);
        catalog.attach(name, &attachment).await.unwrap();
    }
    let before = server.asked().len();
    let report = schedule::run(&app(inventory, &SetClock::new(now)), &whole_tick()).await.unwrap();
    assert_eq!(report.databases.len(), DATABASES);
    assert!(
        report.databases.iter().all(|one| one.action == TickAction::Waiting),
        "{:?}",
        report.databases[0].reason
    );
    let asked = server.asked().len() - before;
    assert_eq!(asked, 3 * DATABASES + 1);
}

/// Lists, shows and finds backups among others, and counts what that takes.
#[tokio::test(flavor = "multi_thread")]
async fn one_backup_is_found_without_a_look_at_the_others() {
    let server = Faulty::start(|_| Fault::Pass).await;
    let store = Arc::new(server.store());
    let now: Timestamp = "2027-03-01T12:00:00Z".parse().unwrap();
    let catalog =
        Catalog::open_or_create(store.clone(), Arc::new(NoKeys), now, Duration::from_secs(60)).await.unwrap();
    let databases = 5;
    let backups = 300;
    let mut ids = Vec::new();
    for database in 0..databases {
        for number in 0..backups {
            let id = format!(
                "20270101T{:02}{:02}{:02}Z-full-{database}{number:05}",
                number / 60,
                number % 60,
                database
            );
            let key = format!("databases/d{database}/backups/{id}/manifest.json").parse().unwrap();
            let manifest = MANIFEST
                .replace("ID", &id)
                .replace("REPOSITORY", &catalog.id().to_string())
                .replace("DATABASE", &format!("d{database}"));
            write_small(store.as_ref(), &key, manifest.into_bytes(), ObjectRole::Record).await.unwrap();
            ids.push(id);
        }
    }
    let asked = |before: usize| server.asked().len() - before;
    // The folders, one look into each, and the manifest.
    for text in [ids[7].as_str(), &ids[7][..ids[7].len() - 1]] {
        let before = server.asked().len();
        let found = catalog.find(&text.parse().unwrap(), &[], now).await.unwrap();
        assert_eq!(found.entry.manifest.id.to_string(), ids[7]);
        assert!(asked(before) <= 1 + databases + 2, "{text}: {}", asked(before));
    }
    // Everything: a page for each thousand objects, and each manifest once.
    let before = server.asked().len();
    let listing = catalog.list(None).await.unwrap();
    assert_eq!((listing.entries.len(), listing.unreadable.len()), (ids.len(), 0));
    let pages = ids.len().div_ceil(1000);
    assert!(asked(before) <= ids.len() + pages, "{}", asked(before));
}

/// A store that names no folder, as some servers leave out those that hold nothing but folders.
#[derive(Debug)]
struct Unnamed(Arc<dyn Store>);

#[async_trait::async_trait]
impl Store for Unnamed {
    async fn put(
        &self,
        key: &ObjectKey,
        body: ByteReader<'_>,
        role: ObjectRole,
    ) -> Result<ObjectMeta, StoreError> {
        self.0.put(key, body, role).await
    }

    async fn get(&self, key: &ObjectKey) -> Result<ByteReader<'static>, StoreError> {
        self.0.get(key).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        self.0.head(key).await
    }

    fn list<'a>(&'a self, prefix: &'a KeyPrefix) -> BoxStream<'a, Result<ObjectMeta, StoreError>> {
        self.0.list(prefix)
    }

    async fn folders(&self, _: &KeyPrefix) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), StoreError> {
        self.0.delete(keys).await
    }

    async fn sweep_unfinished(&self, prefix: &KeyPrefix, older_than: Duration) -> Result<u64, StoreError> {
        self.0.sweep_unfinished(prefix, older_than).await
    }

    async fn clock(&self) -> Result<Timestamp, StoreError> {
        self.0.clock().await
    }

    fn object_limit(&self) -> u64 {
        self.0.object_limit()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[tokio::test]
async fn a_backup_is_found_where_the_server_names_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let settings = LocalSettings { path: folder.path().to_owned() };
    let store: Arc<dyn Store> = Arc::new(Unnamed(Arc::new(LocalStore::open(&settings).unwrap())));
    let now: Timestamp = "2027-03-01T12:00:00Z".parse().unwrap();
    let catalog =
        Catalog::open_or_create(store.clone(), Arc::new(NoKeys), now, Duration::from_secs(60)).await.unwrap();
    let id = "20270101T000000Z-full-abcdef";
    let key = format!("databases/d/backups/{id}/manifest.json").parse().unwrap();
    let manifest =
        MANIFEST.replace("ID", id).replace("REPOSITORY", &catalog.id().to_string()).replace("DATABASE", "d");
    write_small(store.as_ref(), &key, manifest.into_bytes(), ObjectRole::Record).await.unwrap();
    for text in [id, &id[..12]] {
        let found = catalog.find(&text.parse().unwrap(), &[], now).await.unwrap();
        assert_eq!(found.entry.manifest.id.to_string(), id);
    }
    let place = catalog.place_of(&id.parse().unwrap()).await.unwrap();
    assert_eq!(place.map(|name| name.to_string()).as_deref(), Some("d"));
    let missing = catalog.find(&"20270101T000000Z-full-zzzzzz".parse().unwrap(), &[], now).await;
    assert!(matches!(missing, Err(CatalogError::NotFound { .. })), "{missing:?}");
}

const MANIFEST: &str = r#"{"format":1,"id":"ID","repository":"REPOSITORY","database":"DATABASE","engine":"redis",
"server":null,"tool":null,"method":"logical","kind":"full","purpose":"manual","parent":null,"source":null,
"started_at":"2027-01-01T00:00:00Z","finished_at":"2027-01-01T00:00:01Z","duration_ms":1000,"span":null,
"status":"success","error":null,"fallback_reason":null,"partial":false,"left_out":{},"note":null,"labels":{},
"jagad":"0.1.0","host":"h","recipe":{"codec":"zstd","level":3,"cipher":null,"key_id":null},"parts":[]}"#;
