//! The history of system-versioned tables (MariaDB): rows that were changed or deleted, which an ordinary dump leaves out.

use super::facts::MySqlServer;
use super::filter::Choice;
use super::quote::identifier;
use super::tables::{Precision, VersionedTable};
use super::version::ToolVersion;
use crate::engine::names::some_of;
use crate::engine::{EngineError, Finding};

/// The first tools that dump history, and the first servers that take it back (`system_versioning_insert_history`).
const SINCE: ToolVersion = ToolVersion { major: 10, minor: 11 };

/// What becomes of the history of one database in a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum History {
    /// It has none.
    None,
    /// It is dumped.
    Dumped,
    /// These tables keep the dump tool from dumping any of it.
    Precise(Vec<String>),
    /// The dump tool or the server is too old.
    TooOld,
}

impl MySqlServer {
    /// What becomes of the history of `database` in a dump of the tables of `choice`.
    pub(super) fn history(&self, database: &str, choice: &Choice) -> History {
        let dumped = |table: &&VersionedTable| {
            let chosen = choice.tables.is_empty() || choice.tables.contains(&table.name);
            table.database == database && chosen && !choice.excluded.contains(&table.name)
        };
        let tables: Vec<&VersionedTable> = self.versioned.iter().filter(dumped).collect();
        if tables.is_empty() {
            return History::None;
        }
        if self.client.tools.dump.version < SINCE || self.version < SINCE {
            return History::TooOld;
        }
        let precise = tables.iter().filter(|table| table.precision == Precision::Transaction);
        let precise: Vec<String> = precise.map(|table| table.name.clone()).collect();
        if precise.is_empty() { History::Dumped } else { History::Precise(precise) }
    }

    /// A warning where the history of a database stays out of its backup.
    pub(super) fn history_finding(&self, database: &str) -> Result<Option<Finding>, EngineError> {
        let (problem, help) = match self.history(database, &self.choice(database)?) {
            History::None | History::Dumped => return Ok(None),
            History::Precise(tables) => {
                let named: Vec<String> = tables.iter().map(|table| format!("`{table}`")).collect();
                (
                    format!(
                        "the history of all its versioned tables is left out, because the dump tool refuses {} with \
                         transaction-precise history",
                        some_of(named.iter().cloned())
                    ),
                    format!(
                        "Back up {}.{} in an entry of its own, and exclude it here with `dump.exclude_tables`.",
                        identifier(database),
                        identifier(&tables[0])
                    ),
                )
            }
            History::TooOld => (
                format!(
                    "the history of its versioned tables is left out: that needs MariaDB {SINCE} or newer"
                ),
                format!("Use a server and `mariadb-dump` of MariaDB {SINCE} or newer."),
            ),
        };
        let subject = format!("history of the tables of `{database}`");
        Ok(Some(Finding::warning(subject, problem, help)))
    }
}
