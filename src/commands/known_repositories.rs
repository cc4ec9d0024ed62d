//! Which repositories this host has seen, so that a store whose folder is not mounted, or whose prefix was mistyped,
//! does not count as an empty one. They are small files below `settings.state_dir`; a host that loses them only loses
//! this check.

use super::{App, Tone, host_files};
use crate::catalog::{Catalog, FORMAT};
use crate::config::DatabaseEntry;
use crate::model::{RepositoryId, Sha256Digest, StoreName, digest};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Most files that are read: one for each store of each configuration of this host.
const LIMIT: usize = 1000;

/// A repository that was seen.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    format: u32,
    /// The configuration that named the store.
    configuration: PathBuf,
    store: StoreName,
    /// Where it was, as the store describes itself.
    place: String,
    repository: RepositoryId,
}

fn folder(app: &App) -> PathBuf {
    app.inventory.settings.state_dir.join("repositories")
}

fn configuration(app: &App) -> PathBuf {
    app.inventory.files.first().and_then(|file| std::path::absolute(file).ok()).unwrap_or_default()
}

/// A key for this configuration that is unique on this host.
pub(super) fn configuration_key(app: &App) -> String {
    let path = configuration(app).display().to_string();
    digest::hex(&Sha256Digest::of(path.as_bytes()).0[..16])
}

/// A key for the store `name` that is unique among the configurations of this host.
fn key(app: &App, name: &StoreName) -> String {
    let named = format!("{}\n{name}", configuration(app).display());
    digest::hex(&Sha256Digest::of(named.as_bytes()).0[..16])
}

fn file(app: &App, name: &StoreName) -> PathBuf {
    folder(app).join(format!("{}.json", key(app, name)))
}

fn seen(app: &App, name: &StoreName) -> Option<Seen> {
    serde_json::from_str(&host_files::read(&file(app, name)).ok()?).ok()
}

/// The keys of this host's state files about `entry` in the store `named`, or in the entry's own: that of the
/// repository first, if one was seen there, and that of the store.
pub(super) fn keys(app: &App, entry: &DatabaseEntry, named: Option<&StoreName>) -> Vec<String> {
    let Some(name) = app.inventory.store_of(entry, named) else { return Vec::new() };
    let repository = seen(app, &name).map(|seen| seen.repository.to_string());
    repository.into_iter().chain([key(app, &name)]).collect()
}

/// The same for everything that may belong to the repository of `catalog`.
pub(super) fn keys_of(app: &App, catalog: &Catalog) -> Vec<String> {
    let names = app.inventory.stores.keys();
    let ours = names.filter(|name| seen(app, name).is_some_and(|seen| seen.repository == catalog.id()));
    [catalog.id().to_string()].into_iter().chain(ours.map(|name| key(app, name))).collect()
}

/// Remembers that the store `name` holds the repository of `catalog`. A change is a warning: either a new repository
/// was begun on purpose, or it is the wrong store.
pub(super) fn remember(app: &App, name: &StoreName, catalog: &Catalog) {
    let seen = Seen {
        format: FORMAT,
        configuration: configuration(app),
        store: name.clone(),
        place: catalog.store().describe(),
        repository: catalog.id(),
    };
    let path = file(app, name);
    let before = self::seen(app, name);
    if before.as_ref() == Some(&seen) {
        return;
    }
    if let Some(before) = before.filter(|before| before.repository != seen.repository) {
        let (old, new, place) = (before.repository, seen.repository, &seen.place);
        let warning = format!("store `{name}` held the repository {old}, and now {place} holds {new}");
        app.watch.say(Tone::Warning, &warning);
    }
    if let Err(error) = host_files::write(&path, &serde_json::to_vec(&seen).unwrap_or_default()) {
        tracing::debug!(%error, path = %path.display(), "the repository is not remembered");
    }
}

/// The repository that this host saw in the store `name` of this configuration, or at this place in any.
pub(super) fn known(app: &App, name: &StoreName, place: &str) -> Option<RepositoryId> {
    let configuration = configuration(app);
    let files = std::fs::read_dir(folder(app)).ok()?.flatten().take(LIMIT);
    files
        .filter_map(|file| serde_json::from_str::<Seen>(&host_files::read(&file.path()).ok()?).ok())
        .find(|seen| seen.place == place || (seen.configuration == configuration && seen.store == *name))
        .map(|seen| seen.repository)
}
