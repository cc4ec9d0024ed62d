//! The history of system-versioned tables (MariaDB): rows that were changed or deleted, which an ordinary dump leaves out.

use super::check::some_of;
use super::connection::Connection;
use super::facts::{MySqlServer, SYSTEM_DATABASES};
use super::filter::Choice;
use super::query::{Patience, ask};
use super::quote::{identifier, literals};
use super::tools::{ToolSet, ToolVersion};
use crate::engine::{EngineError, Finding, FindingLevel};
use crate::model::EngineKind;
use crate::process::Runner;

/// The first tools that dump history, and the first servers that take it back (`system_versioning_insert_history`).
const SINCE: ToolVersion = ToolVersion { major: 10, minor: 11 };

/// How a table numbers its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    /// By time.
    Timestamp,
    /// By transaction. The dump tool refuses a whole database that has one such table: "Cannot use --dump-history for
    /// table `t` with transaction-precise history" (MariaDB 10.11 and 11.8).
    Transaction,
}

/// A table that keeps its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VersionedTable {
    pub(super) database: String,
    pub(super) name: String,
    pub(super) precision: Precision,
}

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

/// Every table of the server that keeps its history.
pub(super) async fn ask_versioned(
    runner: &dyn Runner,
    (connection, tools): (&Connection, &ToolSet),
) -> Result<Vec<VersionedTable>, EngineError> {
    if connection.flavor.kind != EngineKind::MariaDb {
        return Ok(Vec::new());
    }
    // Only a column that numbers transactions is a number: times are TIMESTAMP(6), and mostly not visible as columns.
    let sql = format!(
        "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, EXISTS (SELECT 1 FROM information_schema.COLUMNS c
    WHERE c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME AND c.DATA_TYPE = 'bigint'
      AND c.GENERATION_EXPRESSION = 'ROW START')
FROM information_schema.TABLES t WHERE t.TABLE_TYPE = 'SYSTEM VERSIONED' AND LOWER(t.TABLE_SCHEMA) NOT IN ({})
ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME;",
        literals(SYSTEM_DATABASES)
    );
    let doing = "ask for system-versioned tables";
    let answer = ask(runner, (connection, tools), (doing, &sql, Patience::Small)).await?;
    let rows = answer.into_iter().filter_map(|row| <[String; 3]>::try_from(row).ok());
    let table = |[database, name, precise]: [String; 3]| {
        let precision = if precise == "1" { Precision::Transaction } else { Precision::Timestamp };
        VersionedTable { database, name, precision }
    };
    Ok(rows.map(table).collect())
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
        if self.tools.dump.version < SINCE || self.version < SINCE {
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
                        some_of(&named)
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
        Ok(Some(Finding { level: FindingLevel::Warning, subject, problem, help }))
    }
}
