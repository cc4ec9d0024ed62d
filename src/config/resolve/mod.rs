//! From what was written to what is meant: names exist, numbers are in bounds, conflicts are refused with file and line.

mod database;
mod hooks;
mod notify;
mod policy;
#[cfg(test)]
mod policy_tests;
mod replica;
mod warnings;

use crate::config::document::{Document, wrong};
use crate::config::entry::{CredentialsEntry, KeyEntry, KeySource, PackingEntry, S3Entry, StoreEntry};
use crate::config::error::{ConfigError, nearest};
use crate::config::file::{
    ChecksumFile, EncryptionFile, FileConfig, KeyFile, LogFormat, LogLevel, PathStyle, SettingsFile,
    StoreFile, StoreType,
};
use crate::config::hooks::Hooks;
use crate::config::inventory::{Inventory, LogSettings, Settings};
use crate::config::search;
use crate::config::secret::{Forms, SecretSource};
use crate::crypto::KeyUse;
use crate::model::{ByteSize, Codec, Period, StoreName};
use crate::store::settings::S3Checksum;
use chrono_tz::Tz;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The one format of configurations.
const VERSION: u32 = 1;

/// Reading one table: where it is in the document, and what relative paths are relative to.
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

/// The inventory that `document` means; `file` is its main file.
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
        let place = place(&["stores", name]);
        let name: StoreName = place.name("", name)?;
        if let Some(text) = &entry.repository {
            let id = text.clone().try_into().map_err(|error: String| place.wrong("repository", error))?;
            inventory.repositories.insert(name.clone(), id);
        }
        inventory.stores.insert(name, store(&place, entry)?);
    }
    for (name, entry) in &written.policies {
        let place = place(&["policies", name]);
        if name == database::NO_POLICY {
            return Err(place.wrong("", "`none` is reserved: it marks entries without a policy"));
        }
        let policy = policy::resolve(&place, name, entry, inventory.settings.zone)?;
        inventory.policies.insert(policy.name.clone(), policy);
    }
    for (name, entry) in &written.notify {
        let place = place(&["notify", name]);
        let notifier = notify::resolve(&place, name, entry)?;
        inventory.notifiers.insert(notifier.name.clone(), notifier);
    }
    let global = hooks::resolve(&place(&["hooks"]), &written.hooks, &Hooks::none())?;
    for (name, entry) in &written.databases {
        let own = hooks::resolve(&place(&["databases", name, "hooks"]), &entry.hooks, &global)?;
        let place = place(&["databases", name]);
        let entry = database::resolve(&place, name, entry, own)?;
        if let Some(policy) = inventory.policy_of(&entry) {
            // A level of the entry goes with the codec of its policy.
            let under = entry.under(policy);
            possible_level(&place, under.codec(), under.level(None))?;
        }
        inventory.databases.insert(entry.name.clone(), entry);
    }
    references(&inventory, place)?;
    notify::references(&inventory, place)?;
    inventory.warnings = warnings::of(&inventory, &document);
    inventory.files.clone_from(&document.files);
    inventory.document = document;
    Ok(inventory)
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

/// Compression and encryption, as an entry or its policy writes them.
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

fn store(place: &EntryPlace<'_>, written: &StoreFile) -> Result<StoreEntry, ConfigError> {
    match (written.kind, &written.path) {
        (StoreType::Local, Some(path)) => match s3_only(place) {
            Some(key) => Err(place.wrong(key, format!("`{key}` goes with type = \"s3\""))),
            None => Ok(StoreEntry::Local(place.folder.join(path))),
        },
        (StoreType::Local, None) => Err(place.wrong("", "`path` is needed with type = \"local\"")),
        (StoreType::S3, Some(_)) => {
            Err(place.wrong("path", "`path` goes with type = \"local\"; S3 has `prefix`"))
        }
        (StoreType::S3, None) => Ok(StoreEntry::S3(Box::new(s3(place, written)?))),
    }
}

/// A key that a directory has no use for: leaving it would look as if it did something.
fn s3_only<'a>(place: &'a EntryPlace<'_>) -> Option<&'a str> {
    let table = place.path.iter().try_fold(place.document.root(), |table, key| table.get(key)?.as_table())?;
    table.keys().map(String::as_str).find(|key| !matches!(*key, "type" | "path" | "repository"))
}

fn s3(place: &EntryPlace<'_>, written: &StoreFile) -> Result<S3Entry, ConfigError> {
    let bucket =
        written.bucket.clone().ok_or_else(|| place.wrong("", "`bucket` is needed with type = \"s3\""))?;
    let part_size = written.part_size.unwrap_or(ByteSize::mib(8));
    place.bounded("part_size", part_size.bytes(), 5 << 20..=5 << 30)?;
    let max_parts = place.bounded("max_parts", written.max_parts.unwrap_or(1000).into(), 1..=10_000)?;
    let uploads = place.bounded("uploads", written.uploads.unwrap_or(4).into(), 1..=64)?;
    let answer_timeout = written.answer_timeout.map_or(Duration::from_secs(30), |period| period.0);
    place.period("answer_timeout", answer_timeout, Duration::from_secs(1)..=Duration::from_secs(600))?;
    Ok(S3Entry {
        endpoint: written.endpoint.clone(),
        bucket,
        region: written.region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
        prefix: written.prefix.as_deref().unwrap_or_default().trim_matches('/').to_owned(),
        credentials: credentials(place, written)?,
        path_style: match written.path_style {
            Some(PathStyle::Fixed(path_style)) => Some(path_style),
            Some(PathStyle::Word(_)) | None => None,
        },
        tls_ca: place.file(written.tls_ca.as_ref()),
        insecure_tls: written.insecure_tls,
        allow_http: written.allow_http,
        storage_class: written.storage_class.clone(),
        sse: written.sse.clone(),
        kms_key_id: written.kms_key_id.clone(),
        object_lock_days: written.object_lock_days,
        part_size,
        max_parts: u32::try_from(max_parts).unwrap_or(1000),
        uploads: u32::try_from(uploads).unwrap_or(4),
        checksum: match written.checksum {
            Some(ChecksumFile::Md5) => S3Checksum::Md5,
            Some(ChecksumFile::None) => S3Checksum::None,
            Some(ChecksumFile::Auto) | None => S3Checksum::Auto,
        },
        bandwidth: written.bandwidth,
        answer_timeout,
    })
}

fn credentials(place: &EntryPlace<'_>, written: &StoreFile) -> Result<CredentialsEntry, ConfigError> {
    let access_key = Forms {
        inline: written.access_key.as_ref(),
        file: written.access_key_file.as_ref(),
        environment: written.access_key_env.as_ref(),
        command: written.access_key_command.as_ref(),
        credential: written.access_key_credential.as_ref(),
    };
    let secret_key = Forms {
        inline: written.secret_key.as_ref(),
        file: written.secret_key_file.as_ref(),
        environment: written.secret_key_env.as_ref(),
        command: written.secret_key_command.as_ref(),
        credential: written.secret_key_credential.as_ref(),
    };
    let session_token = Forms {
        inline: written.session_token.as_ref(),
        file: written.session_token_file.as_ref(),
        environment: written.session_token_env.as_ref(),
        command: written.session_token_command.as_ref(),
        credential: written.session_token_credential.as_ref(),
    };
    let keys = (place.secret("access_key", &access_key)?, place.secret("secret_key", &secret_key)?);
    let session_token = place.secret("session_token", &session_token)?;
    match (keys, &written.profile) {
        ((Some(access_key), Some(secret_key)), None) => {
            Ok(CredentialsEntry::Static { access_key, secret_key, session_token })
        }
        ((None, None), Some(profile)) => Ok(CredentialsEntry::Profile(profile.clone())),
        ((None, None), None) => Ok(CredentialsEntry::Chain),
        ((Some(_), None), _) => Err(place.wrong("", "an access key without a secret key")),
        ((None, Some(_)), _) => Err(place.wrong("", "a secret key without an access key")),
        ((Some(_), Some(_)), Some(_)) => {
            Err(place.wrong("profile", "`profile` and keys are given together; choose one"))
        }
    }
}

/// Every name that is used exists.
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
