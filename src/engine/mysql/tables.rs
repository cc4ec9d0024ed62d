//! Tables of a server that are asked for once: those that filters speak of, and those that keep their history.

use super::client::{Client, Question};
use super::quote::literals;
use super::reserved::SYSTEM_DATABASES;
use crate::engine::EngineError;
use crate::model::EngineKind;
use crate::process::Runner;

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) database: String,
    pub(super) name: String,
}

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

/// Every table of the server, when a filter speaks of tables.
pub(super) async fn ask_tables(runner: &dyn Runner, client: &Client) -> Result<Vec<Table>, EngineError> {
    let filter = &client.connection.settings.filter;
    if filter.tables.is_empty() && filter.exclude_tables.is_empty() && filter.exclude_table_data.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE LOWER(TABLE_SCHEMA) NOT IN ({})
ORDER BY TABLE_SCHEMA, TABLE_NAME;",
        literals(SYSTEM_DATABASES)
    );
    let answer = client.ask(runner, &Question::short("list the tables", &sql)).await?;
    let pairs = answer.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
    Ok(pairs.map(|[database, name]| Table { database, name }).collect())
}

/// Every table of the server that keeps its history.
pub(super) async fn ask_versioned(
    runner: &dyn Runner,
    client: &Client,
) -> Result<Vec<VersionedTable>, EngineError> {
    if client.connection.flavor.kind != EngineKind::MariaDb {
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
    let answer = client.ask(runner, &Question::short(doing, &sql)).await?;
    let rows = answer.into_iter().filter_map(|row| <[String; 3]>::try_from(row).ok());
    let table = |[database, name, precise]: [String; 3]| {
        let precision = if precise == "1" { Precision::Transaction } else { Precision::Timestamp };
        VersionedTable { database, name, precision }
    };
    Ok(rows.map(table).collect())
}
