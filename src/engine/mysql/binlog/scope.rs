//! What of a log is chosen: databases, from where on, and under which names.

use crate::model::LogPosition;
use std::collections::BTreeMap;

/// A place in the log: files have numbers that grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine::mysql) struct Place {
    pub(in crate::engine::mysql) file: u64,
    pub(in crate::engine::mysql) offset: u64,
}

impl Place {
    /// Where a dump says that it was taken; `None` for a file without a number.
    pub(in crate::engine::mysql) fn of(position: &LogPosition) -> Option<Self> {
        Some(Self { file: file_number(&position.file)?, offset: position.offset })
    }
}

/// The number at the end of the name of a file: `binlog.000003`.
pub(in crate::engine::mysql) fn file_number(file: &str) -> Option<u64> {
    let (_, digits) = file.rsplit_once('.')?;
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

/// A database that is chosen.
#[derive(Debug, Clone)]
pub(in crate::engine::mysql) struct Chosen {
    /// What was before is in the dump.
    pub(in crate::engine::mysql) begins: Place,
    /// Its name on the target.
    pub(in crate::engine::mysql) name: String,
}

/// The databases that are chosen, by their names in the log.
#[derive(Debug, Clone)]
pub(in crate::engine::mysql) struct LogScope {
    databases: BTreeMap<String, Chosen>,
    /// Whether names that differ in case alone are the same.
    pub(super) folds_case: bool,
}

impl LogScope {
    pub(in crate::engine::mysql) fn new(databases: BTreeMap<String, Chosen>, folds_case: bool) -> Self {
        let folded = |name: String| if folds_case { name.to_lowercase() } else { name };
        let databases = databases.into_iter().map(|(name, chosen)| (folded(name), chosen)).collect();
        Self { databases, folds_case }
    }

    fn chosen(&self, database: &str) -> Option<&Chosen> {
        if self.folds_case {
            self.databases.get(&database.to_lowercase())
        } else {
            self.databases.get(database)
        }
    }

    /// Whether it is chosen, wherever.
    pub(super) fn holds(&self, database: &str) -> bool {
        self.chosen(database).is_some()
    }

    /// The name on the target of a database whose changes at `place` are wanted.
    pub(super) fn at(&self, database: &str, place: Place) -> Option<&str> {
        self.chosen(database).filter(|chosen| place >= chosen.begins).map(|chosen| chosen.name.as_str())
    }

    /// Names that become others; `None` where all stay.
    pub(super) fn changes(&self) -> Option<Vec<(String, String)>> {
        let changed = self.databases.iter().filter(|(name, chosen)| **name != chosen.name);
        let changed: Vec<_> = changed.map(|(name, chosen)| (name.clone(), chosen.name.clone())).collect();
        (!changed.is_empty()).then_some(changed)
    }
}
