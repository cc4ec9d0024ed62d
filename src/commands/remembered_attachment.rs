//! To which policy each database was attached when its store last answered this host. An entry need not name its policy, and
//! while the store is down only this tells what is planned. Small files below `settings.state_dir`; a host that loses them
//! only loses this care.

use super::{App, host_files, known_repositories};
use crate::catalog::FORMAT;
use crate::config::{DatabaseEntry, PolicyEntry};
use crate::model::{DatabaseName, PolicyName, StoreName};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// An attachment that was seen.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    format: u32,
    policy: PolicyName,
    /// Where it is recorded.
    store: StoreName,
}

fn file(app: &App, database: &DatabaseName) -> PathBuf {
    let folder = app.inventory.settings.state_dir.join("attached");
    folder.join(known_repositories::configuration_key(app)).join(format!("{database}.json"))
}

fn seen(app: &App, database: &DatabaseName) -> Option<Seen> {
    serde_json::from_str(&host_files::read(&file(app, database)).ok()?).ok()
}

/// Remembers that `database` is attached to `policy` in `store`.
pub(super) fn remember(app: &App, database: &DatabaseName, policy: &PolicyName, store: &StoreName) {
    let attached = Seen { format: FORMAT, policy: policy.clone(), store: store.clone() };
    if seen(app, database).as_ref() == Some(&attached) {
        return;
    }
    let path = file(app, database);
    if let Err(error) = host_files::write(&path, &serde_json::to_vec(&attached).unwrap_or_default()) {
        tracing::debug!(%error, path = %path.display(), "the attachment is not remembered");
    }
}

/// Forgets the attachment of a database that is attached no more.
pub(super) fn forget(app: &App, database: &DatabaseName) {
    let _ = std::fs::remove_file(file(app, database));
}

/// The policy of `entry` by this configuration, or the one that it was last attached to.
pub(super) fn policy_of<'a>(app: &'a App, entry: &DatabaseEntry) -> Option<&'a PolicyEntry> {
    let named = app.inventory.policy_of(entry);
    named.or_else(|| app.inventory.policies.get(&seen(app, &entry.name)?.policy))
}

/// The entry under that policy, in the store of its attachment.
pub(super) fn under_policy(app: &App, entry: &DatabaseEntry) -> DatabaseEntry {
    if let Some(policy) = app.inventory.policy_of(entry) {
        return entry.under(policy);
    }
    let seen = seen(app, &entry.name);
    let found = seen.and_then(|seen| Some((app.inventory.policies.get(&seen.policy)?, seen.store)));
    let Some((policy, store)) = found else { return entry.clone() };
    let mut entry = entry.under(policy);
    entry.store = Some(store);
    entry
}
