//! Configuration settings that apply in one database.

use super::quote::{identifier, literal};
use serde::{Deserialize, Serialize};

/// One configuration setting that applies in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setting {
    /// Only for this role; `None` for everybody.
    pub(super) role: Option<String>,
    /// `name=value`, as the catalogue has it.
    pub(super) setting: String,
}

/// A setting that is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefusedSetting {
    pub(super) setting: Setting,
    pub(super) why: String,
}

impl Setting {
    /// `variable TO value`, as a statement says it.
    pub(super) fn assignment(&self) -> Option<String> {
        let (variable, value) = self.setting.split_once('=')?;
        Some(format!("{} TO {}", variable_name(variable), setting_value(variable, value)))
    }

    /// The libraries that it makes every session load.
    pub(super) fn libraries(&self) -> Vec<String> {
        match self.setting.split_once('=') {
            Some(("session_preload_libraries", list)) => split_names(list),
            _ => Vec::new(),
        }
    }
}

/// The variable of a setting, as a statement says it.
pub(super) fn variable_of(setting: &str) -> String {
    variable_name(setting.split_once('=').map_or(setting, |(variable, _)| variable))
}

/// A variable may have a prefix of its own: `plpgsql.extra_warnings`.
fn variable_name(name: &str) -> String {
    name.split('.').map(identifier).collect::<Vec<_>>().join(".")
}

/// Variables whose value is a list of names: quoted as one string they would be one name. pg_dump keeps the same list
/// (`variable_is_guc_list_quote`).
const LISTS: [&str; 7] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
    "oauth_validator_libraries",
];

fn setting_value(variable: &str, value: &str) -> String {
    if !LISTS.contains(&variable.to_ascii_lowercase().as_str()) {
        return literal(value);
    }
    let names = split_names(value);
    if names.is_empty() {
        "''".to_owned()
    } else {
        names.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ")
    }
}

/// The names of a list such as `"$user", public`.
pub(super) fn split_names(list: &str) -> Vec<String> {
    let (mut names, mut name, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    let mut chars = list.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => name.extend(chars.next()),
            '"' => (quoted, begun) = (!quoted, true),
            ',' if !quoted => {
                names.push(std::mem::take(&mut name));
                begun = false;
            }
            ' ' if !quoted => {}
            other => {
                name.push(other);
                begun = true;
            }
        }
    }
    if begun || !names.is_empty() {
        names.push(name);
    }
    names
}
