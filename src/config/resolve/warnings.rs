//! Settings that work but should be corrected.

use crate::config::document::Document;
use crate::config::entry::{CredentialsEntry, DatabaseEntry, KeySource, PolicyEntry, StoreEntry};
use crate::config::inventory::Inventory;
use crate::config::notifier::NotifierEntry;
use crate::config::secret::SecretSource;
use std::os::unix::fs::PermissionsExt as _;

/// All warnings about the configuration, one line each.
pub(super) fn of(inventory: &Inventory, document: &Document) -> Vec<String> {
    let mut warnings = Vec::new();
    let inline = inventory.databases.values().any(|entry| {
        let connections = entry.replicas.iter().map(|replica| &replica.connection).chain([&entry.connection]);
        let mut passwords = connections.filter_map(|connection| connection.password.as_ref());
        passwords.any(SecretSource::is_inline)
    }) || inventory.stores.values().any(|store| match store {
        StoreEntry::S3(entry) => matches!(&entry.credentials, CredentialsEntry::Static { secret_key, .. } if secret_key.is_inline()),
        StoreEntry::Local(_) => false,
    }) || inventory.keys.values().any(|key| match &key.source {
        KeySource::Passphrase(source) => source.is_inline(),
        KeySource::File(_) => false,
    }) || inventory.notifiers.values().any(NotifierEntry::has_inline_secret);
    for file in document.files.iter().filter(|_| inline) {
        let mode = std::fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
        if mode & 0o077 != 0 {
            let shown = file.display();
            warnings.push(format!(
                "{shown} may hold secrets and can be read by others (mode {mode:04o}): chmod 600 {shown}"
            ));
        }
    }
    warnings.extend(inventory.policies.values().filter_map(|policy| without_incrementals(inventory, policy)));
    for entry in inventory.databases.values() {
        if entry.packing.encrypts()
            && let Err(error) = inventory.key_of(entry)
        {
            warnings.push(format!("{error}. {}", error.help().unwrap_or_default()));
        }
    }
    warnings
}

/// A warning when a policy has incrementals that none or some of its databases support.
fn without_incrementals(inventory: &Inventory, policy: &PolicyEntry) -> Option<String> {
    policy.incremental.as_ref()?;
    let names = |entry: &&DatabaseEntry| entry.policy.as_ref() == Some(&policy.name);
    let databases = inventory.databases.values().filter(names).filter(|entry| !entry.takes_incrementals());
    let reasons: Vec<String> = databases.map(DatabaseEntry::without_incrementals).collect();
    (!reasons.is_empty())
        .then(|| format!("policies.{}.incremental is set, but {}", policy.name, reasons.join("; ")))
}
