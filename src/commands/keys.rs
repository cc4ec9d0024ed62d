//! `jagad key`: generates, lists, rotates and exports keys.

use super::{App, Class, Confirmation, Failure};
use crate::config::{Inventory, KeySource};
use crate::crypto::{KeyUse, Keyring, KeyringEntry, MasterKey};
use crate::model::kind::word_enum;
use crate::model::{KeyName, Secret};
use serde::Serialize;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

word_enum! {
    /// What a key is used for.
    KeyStatus {
        /// New backups may be encrypted with it.
        Active = "active",
        /// It opens backups, and makes no new ones.
        Retired = "retired",
    }
}

/// One key of the configuration.
#[derive(Debug, Serialize)]
pub struct KeyReport {
    /// Its name.
    pub name: KeyName,
    /// Its id, as manifests name it; absent when it cannot be read, and for a passphrase, whose id differs from repository to repository.
    pub id: Option<String>,
    /// What it is used for.
    pub status: KeyStatus,
    /// Where it comes from.
    pub source: String,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// What is needed to read the backups when everything else is lost.
#[derive(Debug, Serialize)]
pub struct RecoveryNotes {
    /// Name of the key.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its file.
    pub key_file: Option<PathBuf>,
    /// The note, for people.
    pub note: String,
}

impl RecoveryNotes {
    /// The note for `key`. It does not hold the key.
    pub fn of(name: &str, key: &MasterKey, key_file: Option<PathBuf>) -> Self {
        let id = recovery_id(key);
        let note = format!(
            "Key `{name}` (id {id}) opens these backups. Nobody can recover them without it: keep a copy where the \
             database server is not (`jagad key export {name}`). To read a backup with nothing else: \
             `jagad decrypt FILE --key-file KEY`."
        );
        Self { name: name.to_owned(), id, key_file, note }
    }
}

/// The id of a key file.
fn recovery_id(key: &MasterKey) -> String {
    key.id().map(|id| id.to_string()).unwrap_or_default()
}

/// A new key.
#[derive(Debug, Serialize)]
pub struct Generated {
    /// Its name.
    pub name: KeyName,
    /// Its id.
    pub id: String,
    /// Its file.
    pub key_file: PathBuf,
    /// What to write into the configuration; empty where it declares the key already.
    pub configuration: String,
    /// What to keep somewhere safe.
    pub recovery: RecoveryNotes,
}

/// Writes `key` to a new file that only its owner can read. Never over a file that exists.
pub(super) fn write_key(path: &Path, key: &MasterKey) -> Result<PathBuf, Failure> {
    let text =
        key.to_file_text().ok_or_else(|| Failure::new(Class::Usage, "a passphrase key has no file"))?;
    write_secret(path, &text)
}

fn write_secret(path: &Path, text: &Secret) -> Result<PathBuf, Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(Class::Refused, format!("{} exists already", path.display()))
                .help("A key file is never overwritten: backups may need it.")
        }
        _ => Failure::from(error).doing(format!("write {}", path.display())),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(path.to_owned())
}

/// Makes a key file for `name`: the given one, or the one that `inventory` declares for it. The configuration is left to the user.
pub fn generate(
    name: &KeyName,
    file: Option<&Path>,
    inventory: Option<&Inventory>,
) -> Result<Generated, Failure> {
    let declared = inventory.and_then(|inventory| match &inventory.keys.get(name)?.source {
        KeySource::File(path) => Some(path.clone()),
        KeySource::Passphrase(_) => None,
    });
    let is_declared = file.is_none() && declared.is_some();
    let path = file.map(Path::to_owned).or(declared);
    let path = path.unwrap_or_else(|| PathBuf::from(format!("{name}.key")));
    let path =
        std::path::absolute(&path).map_err(|error| Failure::from(error).doing("find the current folder"))?;
    let key = MasterKey::generate()?;
    let key_file = write_key(&path, &key)?;
    Ok(Generated {
        name: name.clone(),
        id: recovery_id(&key),
        configuration: if is_declared { String::new() } else { section(name, &key_file) },
        recovery: RecoveryNotes::of(name.as_str(), &key, Some(key_file.clone())),
        key_file,
    })
}

fn section(name: &KeyName, file: &Path) -> String {
    format!("[keys.{name}]\nkey_file = {}\n", toml::Value::String(file.display().to_string()))
}

/// Every key of the configuration.
pub async fn list(app: &App) -> Vec<KeyReport> {
    let mut reports = Vec::new();
    for (name, entry) in &app.inventory.keys {
        let key = app.inventory.key(name).await;
        reports.push(KeyReport {
            name: name.clone(),
            id: key.as_ref().ok().and_then(MasterKey::id).map(|id| id.to_string()),
            status: match entry.key_use {
                KeyUse::Active => KeyStatus::Active,
                KeyUse::Retired => KeyStatus::Retired,
            },
            source: entry.source.describe(),
            problem: key.err().map(|error| Failure::from(error).message()),
        });
    }
    reports
}

/// What a rotation did.
#[derive(Debug, Serialize)]
pub struct Rotated {
    /// The key that only opens old backups now.
    pub retired: KeyName,
    /// The key that new backups use.
    pub active: Generated,
    /// The configuration file that was changed.
    pub file: PathBuf,
}

/// Makes a new key beside `name`, marks `name` as retired in the configuration file, and replaces its other uses there
/// by the new key. Old backups stay readable, because a retired key still opens them. The rest of the file stays as it
/// is. If the configuration cannot be written, it is unchanged and the new key file remains.
pub fn rotate(app: &App, name: &KeyName) -> Result<Rotated, Failure> {
    let entry = app.inventory.keys.get(name).ok_or_else(|| {
        Failure::new(Class::NotFound, format!("no key is named `{name}`")).help("See `jagad key list`.")
    })?;
    if entry.key_use == KeyUse::Retired {
        return Err(Failure::new(Class::Refused, format!("key `{name}` is retired already")));
    }
    let old = entry.source.file().ok_or_else(|| {
        Failure::new(Class::Refused, format!("key `{name}` is not a key file"))
            .help("Generate a new key with `jagad key generate`, and set `retired = true` on the old one.")
    })?;
    let stamp = app.clock.now().compact().to_lowercase();
    let (base, _) = name.as_str().split_once("-2").unwrap_or((name.as_str(), ""));
    let new: KeyName = format!("{base}-{stamp}").parse().map_err(|error| {
        Failure::new(Class::Usage, format!("{error}"))
            .help("Give the new key a name by hand with `jagad key generate`.")
    })?;
    let file = app.inventory.file_of_key(name);
    let text = std::fs::read_to_string(&file).map_err(|error| failed_at(&file, error))?;
    let key_file = old.with_file_name(format!("{new}.key"));
    let changed = rewrite(&text, name, &new, &key_file)?;
    app.watch.confirm(&Confirmation {
        facts: vec![
            format!(
                "{} gets [keys.{new}]; [keys.{name}] is marked retired and still opens old backups.",
                file.display()
            ),
            format!("The new key is written to {}.", key_file.display()),
        ],
        question: "Rotate the key?".to_owned(),
    })?;
    let active = generate(&new, Some(&key_file), None)?;
    replace(&file, &changed)?;
    Ok(Rotated { retired: name.clone(), active, file })
}

fn failed_at(path: &Path, error: std::io::Error) -> Failure {
    Failure::from(error).doing(format!("change {}", path.display()))
}

/// The configuration's text with the new key in it: formatting and comments stay.
fn rewrite(text: &str, old: &KeyName, new: &KeyName, key_file: &Path) -> Result<String, Failure> {
    let unusable =
        |problem: &str| Failure::new(Class::Usage, format!("the configuration cannot be changed: {problem}"));
    let mut document: toml_edit::DocumentMut = text.parse().map_err(|_| unusable("it is not valid TOML"))?;
    let keys = document
        .get_mut("keys")
        .and_then(toml_edit::Item::as_table_mut)
        .ok_or_else(|| unusable("it has no [keys.NAME] table"))?;
    let retired = keys.get_mut(old.as_str()).and_then(toml_edit::Item::as_table_like_mut);
    retired
        .ok_or_else(|| unusable("the key is declared elsewhere"))?
        .insert("retired", toml_edit::value(true));
    let mut section = toml_edit::Table::new();
    section.insert("key_file", toml_edit::value(key_file.display().to_string()));
    keys.insert(new.as_str(), toml_edit::Item::Table(section));
    rename(document.as_table_mut(), (old, new));
    Ok(document.to_string())
}

/// Every `key = "old"` of an encryption table, and `default_key`, names the new key.
fn rename(table: &mut dyn toml_edit::TableLike, names: (&KeyName, &KeyName)) {
    for (name, item) in table.iter_mut() {
        let points = matches!(name.get(), "key" | "default_key") && item.as_str() == Some(names.0.as_str());
        if points {
            *item = toml_edit::value(names.1.as_str());
        } else if name.get() != "keys"
            && let Some(inner) = item.as_table_like_mut()
        {
            rename(inner, names);
        }
    }
}

/// Writes beside the file and moves over it, keeping its permissions.
fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| failed_at(file, error);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = std::fs::metadata(file).map_err(failed)?.permissions();
    let mut partial = tempfile::Builder::new().prefix(".jagad-").tempfile_in(folder).map_err(failed)?;
    partial.write_all(text.as_bytes()).map_err(failed)?;
    partial.as_file().set_permissions(permissions).map_err(failed)?;
    partial.as_file().sync_all().map_err(failed)?;
    partial.persist(file).map(|_| ()).map_err(|error| failed(error.error))
}

/// A key as plain text, to be kept in a safe or on paper.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// Its name.
    pub name: KeyName,
    /// Its id.
    pub id: String,
    /// Where it was written; absent when it goes to standard output.
    pub output: Option<PathBuf>,
    /// The key file's text, when it goes to standard output.
    pub key: Option<String>,
}

/// The keys that `decrypt` tries: those of a file, or of the configuration.
pub async fn keyring(app: &App, file: Option<&Path>) -> Result<Keyring, Failure> {
    let Some(path) = file else { return Ok(app.inventory.keyring().await?) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::from(error).doing(format!("read {}", path.display())))?;
    let key = MasterKey::from_file_text(&text)
        .map_err(|error| Failure::from(error).doing(path.display().to_string()))?;
    let name = "file".parse().map_err(|error| Failure::new(Class::Usage, format!("{error}")))?;
    Ok(Keyring::new(vec![KeyringEntry { name, key, usage: KeyUse::Retired }]))
}

/// Exports a key. This is the only command that shows a secret, so it asks first.
pub async fn export(app: &App, name: &KeyName, output: Option<&Path>) -> Result<Exported, Failure> {
    let key = app.inventory.key(name).await?;
    let text = key.to_file_text().ok_or_else(|| {
        Failure::new(Class::Refused, format!("key `{name}` is a passphrase"))
            .help("Keep the passphrase itself safe.")
    })?;
    let id = recovery_id(&key);
    if let Some(path) = output {
        write_secret(path, &text)?;
        return Ok(Exported { name: name.clone(), id, output: Some(path.to_owned()), key: None });
    }
    app.watch.confirm(&Confirmation {
        facts: vec![format!("Whoever has key `{name}` can read every backup made with it.")],
        question: "Print it?".to_owned(),
    })?;
    Ok(Exported { name: name.clone(), id, output: None, key: Some(text.expose().to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_changes_the_lines_it_must_and_keeps_comments() {
        let text = "# mine\n[keys.main] # old\nkey_file = \"/k/main.key\"\n\n[settings]\ndefault_key = \"main\"\n\n\
                    [databases.a]\nhost = \"h\" # here\nencryption = { key = \"main\", cipher = \"aes-256-gcm\" }\n";
        let names: (KeyName, KeyName) = ("main".parse().unwrap(), "main-2".parse().unwrap());
        let changed = rewrite(text, &names.0, &names.1, Path::new("/k/main-2.key")).unwrap();
        for line in [
            "# mine",
            "host = \"h\" # here",
            "retired = true",
            "[keys.main-2]",
            "key_file = \"/k/main-2.key\"",
            "default_key = \"main-2\"",
            "encryption = { key = \"main-2\", cipher = \"aes-256-gcm\" }",
        ] {
            assert!(changed.contains(line), "`{line}` is not in:\n{changed}");
        }
    }
}
