//! Which database entries a command is about.

use super::{App, Class, Failure};
use crate::config::DatabaseEntry;
use crate::model::DatabaseName;
use std::collections::BTreeMap;

/// Which database entries a command is about.
#[derive(Debug, Clone)]
pub enum DatabaseSelection {
    /// These.
    Named(Vec<DatabaseName>),
    /// All that are active and bear every one of these labels; no labels means all.
    Labelled(BTreeMap<String, String>),
}

/// The selected entries, in the order of their names or as named.
pub(super) fn select<'a>(
    app: &'a App,
    selection: &DatabaseSelection,
) -> Result<Vec<&'a DatabaseEntry>, Failure> {
    match selection {
        DatabaseSelection::Named(names) => {
            let mut entries: Vec<&DatabaseEntry> = Vec::new();
            for name in names {
                let entry = app.database(name)?;
                if !entries.iter().any(|other| other.name == entry.name) {
                    entries.push(entry);
                }
            }
            Ok(entries)
        }
        DatabaseSelection::Labelled(labels) => {
            let fits = |entry: &&DatabaseEntry| {
                labels.iter().all(|(key, value)| entry.labels.get(key) == Some(value))
            };
            let entries: Vec<_> =
                app.inventory.databases.values().filter(|entry| entry.active).filter(fits).collect();
            if entries.is_empty() {
                return Err(Failure::new(Class::NotFound, "no active database of the configuration matches")
                    .help("Add a [databases.NAME] table, or check the labels."));
            }
            Ok(entries)
        }
    }
}
