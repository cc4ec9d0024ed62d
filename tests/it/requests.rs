//! What a tick asks of the store.

use crate::host::{SetClock, app, whole_tick};
use crate::support::faulty::{BUCKET, Fault, Faulty};
use jagad::catalog::{Attachment, Catalog, NoKeys};
use jagad::commands::schedule::{self, Action};
use jagad::config::{ConfigRequest, Inventory};
use jagad::model::Timestamp;
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
        Catalog::open_or_create(Arc::new(server.store()), Arc::new(NoKeys), (now, Duration::from_secs(60)))
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
        report.databases.iter().all(|one| one.action == Action::Waiting),
        "{:?}",
        report.databases[0].reason
    );
    let asked = server.asked().len() - before;
    assert_eq!(asked, 3 * DATABASES + 1);
}
