//! Resolves the written configuration: checks that names exist and numbers are in bounds, and refuses conflicts with
//! file and line.

mod database;
mod hooks;
mod notify;
mod pgbackrest;
mod policy;
#[cfg(test)]
mod policy_tests;
mod replica;
mod store;
mod warnings;

use crate::config::document::{Document, wrong};
use crate::config::entry::{KeyEntry, KeySource, PackingEntry};
use crate::config::error::{ConfigError, nearest};
use crate::config::file::{
    DatabaseFile, EncryptionFile, FileConfig, KeyFile, LogFormat, LogLevel, PolicyFile, SettingsFile,
    StoreFile,
};
use crate::config::hooks::Hooks;
use crate::config::inventory::{Inventory, LogSettings, Settings};
use crate::config::search;
use crate::config::secret::{Forms, SecretSource};
use crate::crypto::KeyUse;
use crate::model::{Codec, Period, StoreName};
use chrono_tz::Tz;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The one format of configurations.
const VERSION: u32 = 1;

/// One table: its place in the document, and the folder for relative paths.
struct EntryPlace<'a> {
    document: &'a Document,
    path: Vec<String>,
    folder: &'a Path,
}

impl EntryPlace<'_> {
    /// An error about `key` of this table.
    fn wrong(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        self.wrong_with(key, problem, None)
    }

    fn wrong_with(&self, key: &str, problem: impl Into<String>, help: Option<String>) -> ConfigError {
        let mut path = self.path.clone();
        path.extend(key.split('.').filter(|part| !part.is_empty()).map(ToOwned::to_owned));
        wrong(self.document.origin(&path), format!("[{}]: {}", self.path.join("."), problem.into()), help)
    }

    fn file(&self, path: Option<&PathBuf>) -> Option<PathBuf> {
        path.map(|path| self.folder.join(path))
    }

    fn secret(&self, key: &str, forms: &Forms<'_>) -> Result<Option<SecretSource>, ConfigError> {
        let name = format!("{}.{key}", self.path.join("."));
        SecretSource::choose(&name, forms, self.folder).map_err(|problem| self.wrong("", problem))
    }

    /// A time zone by its name.
    fn zone(&self, key: &str, name: &str) -> Result<Tz, ConfigError> {
        name.parse().map_err(|_| {
            let help = nearest(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
            self.wrong_with(key, format!("no time zone is named `{name}`"), help)
        })
    }

    /// A number between bounds.
    fn bounded(
        &self,
        key: &str,
        value: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        if bounds.contains(&value) {
            return Ok(value);
        }
        Err(self.wrong(key, format!("`{key}` is {value}; it must be {} to {}", bounds.start(), bounds.end())))
    }

    /// A length of time between bounds.
    fn period(
        &self,
        key: &str,
        value: Duration,
        bounds: std::ops::RangeInclusive<Duration>,
    ) -> Result<(), ConfigError> {
        if bounds.contains(&value) {
            return Ok(());
        }
        let (low, high) = (Period(*bounds.start()), Period(*bounds.end()));
        Err(self.wrong(key, format!("`{key}` is {}; it must be {low} to {high}", Period(value))))
    }

    /// The name of an entry, or of a reference to one.
    fn name<T: std::str::FromStr>(&self, key: &str, text: &str) -> Result<T, ConfigError>
    where
        T::Err: std::fmt::Display,
    {
        text.parse().map_err(|error| self.wrong(key, format!("{error}")))
    }
}

/// The inventory of `document`; `file` is its main file.
pub(super) fn resolve(document: Document, file: &Path) -> Result<Inventory, ConfigError> {
    let written: FileConfig = document.read()?;
    if written.version != VERSION {
        let problem = format!("version {} is not known; this jagad reads version {VERSION}", written.version);
        return Err(wrong(document.origin(&["version".to_owned()]), problem, None));
    }
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let place = |path: &[&str]| EntryPlace {
        document: &document,
        path: path.iter().map(|part| (*part).to_owned()).collect(),
        folder,
    };
    let mut inventory = Inventory {
        settings: settings(&place(&["settings"]), &written.settings)?,
        log: LogSettings {
            level: written.log.level.unwrap_or(LogLevel::Info),
            format: written.log.format.unwrap_or(LogFormat::Text),
            file: place(&["log"]).file(written.log.file.as_ref()),
        },
        ..Inventory::empty()
    };
    for (name, entry) in &written.keys {
        let place = place(&["keys", name]);
        inventory.keys.insert(place.name("", name)?, key(&place, entry)?);
    }
    for (name, entry) in &written.stores {
        add_store(&mut inventory, &place(&["stores", name]), name, entry)?;
    }
    for (name, entry) in &written.policies {
        add_policy(&mut inventory, &place(&["policies", name]), name, entry)?;
    }
    for (name, entry) in &written.notify {
        let notifier = notify::resolve(&place(&["notify", name]), name, entry)?;
        inventory.notifiers.insert(notifier.name.clone(), notifier);
    }
    let global = hooks::resolve(&place(&["hooks"]), &written.hooks, &Hooks::none())?;
    for (name, entry) in &written.databases {
        let own = hooks::resolve(&place(&["databases", name, "hooks"]), &entry.hooks, &global)?;
        add_database(&mut inventory, &place(&["databases", name]), name, entry, own)?;
    }
    references(&inventory, place)?;
    notify::references(&inventory, place)?;
    inventory.warnings = warnings::of(&inventory, &document);
    inventory.files.clone_from(&document.files);
    inventory.document = document;
    Ok(inventory)
}

fn add_store(
    inventory: &mut Inventory,
    place: &EntryPlace<'_>,
    name: &str,
    entry: &StoreFile,
) -> Result<(), ConfigError> {
    let name: StoreName = place.name("", name)?;
    if let Some(text) = &entry.repository {
        let id = text.clone().try_into().map_err(|error: String| place.wrong("repository", error))?;
        inventory.repositories.insert(name.clone(), id);
    }
    inventory.stores.insert(name, store::resolve(place, entry)?);
    Ok(())
}

fn add_policy(
    inventory: &mut Inventory,
    place: &EntryPlace<'_>,
    name: &str,
    entry: &PolicyFile,
) -> Result<(), ConfigError> {
    if name == database::NO_POLICY {
        return Err(place.wrong("", "`none` is reserved: it marks entries without a policy"));
    }
    let policy = policy::resolve(place, name, entry, inventory.settings.zone)?;
    inventory.policies.insert(policy.name.clone(), policy);
    Ok(())
}

fn add_database(
    inventory: &mut Inventory,
    place: &EntryPlace<'_>,
    name: &str,
    entry: &DatabaseFile,
    hooks: Hooks,
) -> Result<(), ConfigError> {
    let entry = database::resolve(place, name, entry, hooks)?;
    if let Some(policy) = inventory.policy_of(&entry) {
        // A level of the entry applies to the codec of its policy.
        let under = entry.under(policy);
        possible_level(place, under.codec(), under.level(None))?;
    }
    inventory.databases.insert(entry.name.clone(), entry);
    Ok(())
}

fn settings(place: &EntryPlace<'_>, written: &SettingsFile) -> Result<Settings, ConfigError> {
    let seconds =
        |period: Option<Period>, default: u64| period.map_or(Duration::from_secs(default), |period| period.0);
    let timeout = seconds(written.timeout, 0);
    let lifetime = seconds(written.lease_lifetime, 120);
    place.bounded("lease_lifetime", lifetime.as_secs(), 5..=3600)?;
    let jobs = place.bounded("max_concurrent", written.max_concurrent.unwrap_or(3).into(), 1..=64)?;
    Ok(Settings {
        max_concurrent: u32::try_from(jobs).unwrap_or(3),
        lock_wait: seconds(written.lock_wait, 0),
        timeout: (!timeout.is_zero()).then_some(timeout),
        lease_lifetime: lifetime,
        zone: match &written.timezone {
            Some(name) => place.zone("timezone", name)?,
            None => Tz::UTC,
        },
        state_dir: place.file(written.state_dir.as_ref()).unwrap_or_else(search::state_dir),
        tmp_dir: place.file(written.tmp_dir.as_ref()).unwrap_or_else(std::env::temp_dir),
        default_store: written
            .default_store
            .as_ref()
            .map(|name| place.name("default_store", name))
            .transpose()?,
        default_key: written.default_key.as_ref().map(|name| place.name("default_key", name)).transpose()?,
    })
}

/// The compression and encryption keys of an entry or a policy.
fn packing(
    place: &EntryPlace<'_>,
    codec: Option<Codec>,
    level: Option<i32>,
    encryption: &EncryptionFile,
) -> Result<PackingEntry, ConfigError> {
    if let Some(level) = level {
        possible_level(place, codec.unwrap_or(Codec::Zstd), level)?;
    }
    Ok(PackingEntry {
        codec,
        level,
        encrypt: encryption.enabled,
        cipher: encryption.cipher,
        key: encryption.key.as_ref().map(|key| place.name("encryption.key", key)).transpose()?,
    })
}

fn possible_level(place: &EntryPlace<'_>, codec: Codec, level: i32) -> Result<(), ConfigError> {
    let (low, high) = match codec {
        Codec::Zstd => (1, 19),
        Codec::Gzip => (1, 9),
        Codec::None => (0, 0),
    };
    if (low..=high).contains(&level) {
        return Ok(());
    }
    let problem = format!("`compression_level` is {level}; for {codec} it must be {low} to {high}");
    Err(place.wrong("compression_level", problem))
}

fn key(place: &EntryPlace<'_>, written: &KeyFile) -> Result<KeyEntry, ConfigError> {
    let forms = Forms {
        inline: written.passphrase.as_ref(),
        file: written.passphrase_file.as_ref(),
        environment: written.passphrase_env.as_ref(),
        command: written.passphrase_command.as_ref(),
        credential: written.passphrase_credential.as_ref(),
    };
    let passphrase = place.secret("passphrase", &forms)?;
    let source = match (place.file(written.key_file.as_ref()), passphrase) {
        (Some(file), None) => KeySource::File(file),
        (None, Some(passphrase)) => KeySource::Passphrase(passphrase),
        (Some(_), Some(_)) => {
            return Err(place.wrong("", "key_file and a passphrase are given together; choose one"));
        }
        (None, None) => return Err(place.wrong("", "key_file or one form of passphrase is needed")),
    };
    Ok(KeyEntry { key_use: if written.retired { KeyUse::Retired } else { KeyUse::Active }, source })
}

/// Checks that every name that is used exists.
fn references<'d>(
    inventory: &Inventory,
    place: impl Fn(&[&str]) -> EntryPlace<'d>,
) -> Result<(), ConfigError> {
    let stores: BTreeSet<&str> = inventory.stores.keys().map(crate::model::StoreName::as_str).collect();
    let keys: BTreeSet<&str> = inventory.keys.keys().map(crate::model::KeyName::as_str).collect();
    let look = |at: EntryPlace<'d>, key: &str, what: &str, (name, known): (Option<&str>, &BTreeSet<&str>)| {
        match name {
            Some(name) if !known.contains(name) => {
                let help = nearest(name, known.iter().copied());
                Err(at.wrong_with(key, format!("no {what} is named `{name}`"), help))
            }
            _ => Ok(()),
        }
    };
    let policies: BTreeSet<&str> = inventory.policies.keys().map(crate::model::PolicyName::as_str).collect();
    for policy in inventory.policies.values() {
        let store = policy.store.as_ref().map(crate::model::StoreName::as_str);
        let at = || place(&["policies", policy.name.as_str()]);
        look(at(), "store", "store", (store, &stores))?;
        let key = policy.packing.key.as_ref().map(crate::model::KeyName::as_str);
        look(at(), "encryption.key", "key", (key, &keys))?;
    }
    let settings = &inventory.settings;
    let store = settings.default_store.as_ref().map(crate::model::StoreName::as_str);
    look(place(&["settings"]), "default_store", "store", (store, &stores))?;
    let key = settings.default_key.as_ref().map(crate::model::KeyName::as_str);
    look(place(&["settings"]), "default_key", "key", (key, &keys))?;
    for entry in inventory.databases.values() {
        let at = || place(&["databases", entry.name.as_str()]);
        let store = entry.store.as_ref().map(crate::model::StoreName::as_str);
        look(at(), "store", "store", (store, &stores))?;
        let policy = entry.policy.as_ref().map(crate::model::PolicyName::as_str);
        look(at(), "policy", "policy", (policy, &policies))?;
        let key = entry.packing.key.as_ref().map(crate::model::KeyName::as_str);
        look(at(), "encryption.key", "key", (key, &keys))?;
    }
    Ok(())
}
