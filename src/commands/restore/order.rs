//! The order in which the parts of a backup are loaded.

use crate::catalog::Part;
use crate::model::Contents;
use std::collections::{BTreeMap, BTreeSet};

/// Databases that others refer to come first: a view can be created only when what it refers to exists. Otherwise the
/// order stays as it was.
pub(in crate::commands) fn in_order<'p>(
    parts: &[&'p Part],
    recorded: &BTreeMap<String, Contents>,
) -> Vec<&'p Part> {
    let mut ordered: Vec<&Part> = Vec::with_capacity(parts.len());
    let mut begun: BTreeSet<&str> = BTreeSet::new();
    // Each stays on the stack until everything that it refers to has been placed.
    let mut waiting: Vec<&Part> = parts.iter().rev().copied().collect();
    while let Some(part) = waiting.pop() {
        let name = &*part.name;
        if ordered.iter().any(|placed| placed.name == part.name) {
            continue;
        }
        let first_time = begun.insert(name);
        let contents = part.database.as_ref().and_then(|database| recorded.get(database));
        let read = contents.into_iter().flat_map(|contents| contents.needs.databases.keys());
        let read = read.filter_map(|database| {
            parts.iter().copied().find(|other| other.database.as_ref() == Some(database))
        });
        let mut read: Vec<&Part> = read.filter(|other| !begun.contains(&*other.name)).collect();
        if first_time && !read.is_empty() {
            waiting.push(part);
            waiting.append(&mut read);
        } else {
            ordered.push(part);
        }
    }
    ordered
}
