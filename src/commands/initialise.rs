//! `jagad config init`: a first configuration and its key, in one step.

use super::keys::{self, RecoveryNotes};
use super::{Class, Failure};
use crate::crypto::MasterKey;
use serde::Serialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A configuration with every key there is.
pub const EXAMPLE: &str = include_str!("../../jagad.example.toml");

/// What to write where.
#[derive(Debug, Clone)]
pub struct Request {
    /// The configuration file; must not exist.
    pub file: PathBuf,
    /// Folder of the key; must be writable.
    pub key_folder: PathBuf,
    /// What the first store is.
    pub store: FirstStore,
}

/// The first store of a new configuration.
#[derive(Debug, Clone)]
pub enum FirstStore {
    /// A directory.
    Local(PathBuf),
    /// S3; details are for the user to fill in.
    S3,
}

/// What was written.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The configuration file.
    pub file: PathBuf,
    /// The key file.
    pub key_file: PathBuf,
    /// What to keep somewhere safe.
    pub recovery: RecoveryNotes,
}

/// Writes a key file (0600) and a configuration that loads, neither over anything that exists. If the configuration
/// cannot be written, the key file is removed again; new folders may remain.
pub fn run(request: &Request) -> Result<Report, Failure> {
    if request.file.exists() {
        let message = format!("{} exists already", request.file.display());
        return Err(
            Failure::new(Class::Refused, message).help("Edit it, or choose another file with --config.")
        );
    }
    if let FirstStore::Local(path) = &request.store {
        // A store's directory is never created implicitly later: a missing one may be a disk that is not mounted.
        let path = request.file.parent().map_or_else(|| path.clone(), |folder| folder.join(path));
        std::fs::create_dir_all(&path).map_err(|error| failed(&path, error))?;
    }
    let key = MasterKey::generate()?;
    let folder =
        std::path::absolute(&request.key_folder).map_err(|error| failed(&request.key_folder, error))?;
    let key_file = keys::write_key(&folder.join("main.key"), &key)?;
    let text = template(&request.store, &key_file);
    if let Some(folder) = request.file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    let written =
        std::fs::File::create_new(&request.file).and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        // A key that no configuration names would be confusing.
        let _ = std::fs::remove_file(&key_file);
        return Err(failed(&request.file, error));
    }
    let recovery = RecoveryNotes::of("main", &key, Some(key_file.clone()));
    Ok(Report { file: request.file.clone(), key_file, recovery })
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure::from(error).doing(format!("write {}", path.display()))
}

/// The text of a first configuration, with comments about further keys.
pub(super) fn template(store: &FirstStore, key_file: &Path) -> String {
    let store = match store {
        FirstStore::Local(path) => format!(
            "[stores.main]\ntype = \"local\"\npath = {}              # a directory; use type = \"s3\" for a bucket\n",
            quoted(path)
        ),
        FirstStore::S3 => "[stores.main]\n\
            type = \"s3\"\n\
            endpoint = \"https://s3.us-east-1.amazonaws.com\"\n\
            region = \"us-east-1\"\n\
            bucket = \"my-backups\"                   # must exist; jagad never creates buckets\n\
            prefix = \"jagad\"\n\
            # Without these two the usual AWS sources are asked (environment, profile, instance role).\n\
            # access_key_env = \"AWS_ACCESS_KEY_ID\"\n\
            # secret_key_file = \"/run/secrets/s3_secret\"\n"
            .to_owned(),
    };
    format!(
        "# jagad configuration. `jagad config example` explains every key.\n\
         # Try it with `jagad check`, then `jagad backup main`.\n\
         version = 1\n\n\
         [keys.main]\n\
         key_file = {}       # without this key no backup can be read: keep a copy elsewhere\n\n\
         {store}\n\
         [databases.main]\n\
         engine = \"postgresql\"                  # or mysql, mariadb, redis (Valkey too)\n\
         socket = \"/var/run/postgresql\"          # or host = \"db1.internal\", port = 5432\n\
         user = \"postgres\"\n\
         # password_file = \"/run/secrets/db\"     # or password_env, password_command, password_credential\n\
         all_databases = true                   # or dbnames = [\"shop\"]\n\n\
         # Protection that runs by itself, once `jagad policy attach nightly main` and `jagad schedule install` were run.\n\
         [policies.nightly]\n\
         full = {{ every = \"daily\", at = \"02:00\" }}   # UTC, unless settings.timezone says otherwise\n\
         retention = {{ full = 7, keep_weekly = 4 }}\n",
        quoted(key_file)
    )
}

fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}
