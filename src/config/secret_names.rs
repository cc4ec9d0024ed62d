//! Names of the secrets that the process which starts jagad must provide.

use super::Inventory;
use std::collections::BTreeSet;

/// Names of the secrets that the process which starts jagad must provide.
#[derive(Debug, Default)]
pub struct SecretNames {
    /// Of `…_env` keys.
    pub variables: BTreeSet<String>,
    /// Of `…_credential` keys.
    pub credentials: BTreeSet<String>,
}

fn collect(value: &serde_json::Value, names: &mut SecretNames) {
    value.as_array().into_iter().flatten().for_each(|inner| collect(inner, names));
    for (key, inner) in value.as_object().into_iter().flatten() {
        match inner.as_str() {
            Some(name) if key.ends_with("_env") => drop(names.variables.insert(name.to_owned())),
            Some(name) if key.ends_with("_credential") => drop(names.credentials.insert(name.to_owned())),
            _ => collect(inner, names),
        }
    }
}

impl Inventory {
    /// The environment variables and the systemd credentials that secrets are read from.
    pub fn secret_names(&self) -> SecretNames {
        let mut names = SecretNames::default();
        collect(&serde_json::to_value(self.document.root()).unwrap_or_default(), &mut names);
        names
    }
}
