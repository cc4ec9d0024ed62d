//! `jagad config check` and `show`.

use super::App;
use serde::Serialize;

/// The contents of a valid configuration.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The files it was read from.
    pub files: Vec<String>,
    /// Stores.
    pub stores: usize,
    /// Keys.
    pub keys: usize,
    /// Database entries.
    pub databases: usize,
    /// What should be corrected.
    pub warnings: Vec<String>,
}

/// The configuration has been read before this runs, and its errors have been reported.
pub fn check(app: &App) -> Checked {
    let inventory = &app.inventory;
    Checked {
        files: inventory.files.iter().map(|file| file.display().to_string()).collect(),
        stores: inventory.stores.len(),
        keys: inventory.keys.len(),
        databases: inventory.databases.len(),
        warnings: inventory.warnings.clone(),
    }
}

/// The merged configuration without its secrets.
#[derive(Debug)]
pub struct Shown {
    /// As TOML.
    pub text: String,
    /// The same as a value.
    pub value: serde_json::Value,
}

/// The configuration merged from the files, the folder and `--set`.
pub fn show(app: &App) -> Shown {
    let value = app.inventory.shown();
    let text = toml::to_string_pretty(&value).unwrap_or_default();
    Shown { text, value }
}
