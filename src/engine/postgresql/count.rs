//! Rows of a live database, counted as a dump of it would count them.

use super::facts::PostgreSqlServer;
use super::psql::{Patience, Question};
use super::quote::identifier;
use crate::engine::EngineError;
use crate::model::{Contents, TableRows};
use crate::process::Runner;
use serde::Deserialize;

/// Tables counted by one statement: each holds a lock and a plan.
const TABLES_PER_STATEMENT: usize = 200;

#[derive(Debug, Deserialize)]
struct Inventory {
    tables: Vec<CountedTable>,
    owners: Vec<String>,
    extensions: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct CountedTable {
    schema: String,
    table: String,
    /// The same names in the database's own encoding, as its dump has them: bytes in hexadecimal.
    dumped_schema: String,
    dumped_table: String,
}

#[derive(Debug, Deserialize)]
struct Count {
    /// Position among the tables.
    at: usize,
    rows: u64,
}

/// As pg_dump chooses: partitions but not their parents, no foreign tables, no rows of materialized views, nothing of
/// an extension's own, and no unlogged rows on a replica, where they cannot be read.
const INVENTORY: &str = "WITH kept AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relowner
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
      AND d.deptype = 'e'))
SELECT json_build_object(
  'tables', (SELECT coalesce(json_agg(json_build_object('schema', nspname, 'table', relname,
      'dumped_schema', encode(convert_to(nspname, getdatabaseencoding()), 'hex'),
      'dumped_table', encode(convert_to(relname, getdatabaseencoding()), 'hex'))), '[]') FROM kept
    WHERE relkind = 'r' AND NOT (relpersistence = 'u' AND pg_is_in_recovery())),
  'owners', (SELECT coalesce(json_agg(DISTINCT pg_get_userbyid(relowner)), '[]') FROM kept),
  'extensions', (SELECT coalesce(json_agg(extname ORDER BY extname), '[]') FROM pg_extension
    WHERE extname <> 'plpgsql'));";

impl PostgreSqlServer {
    pub(super) async fn count_rows(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Contents, EngineError> {
        let doing = format!("list the tables of `{database}`");
        let question = Question { doing: &doing, database, sql: INVENTORY, patience: Patience::Small };
        let inventory: Inventory = self.ask(runner, question).await?;
        let doing = format!("count the rows of `{database}`");
        let sql = count_sql(&inventory.tables);
        let question = Question { doing: &doing, database, sql: &sql, patience: Patience::Endless };
        let counts: Vec<Count> = self.ask(runner, question).await?;
        let mut tables: Vec<TableRows> = counts
            .into_iter()
            .filter_map(|Count { at, rows }| {
                let counted = inventory.tables.get(at)?;
                let (schema, table) =
                    (dumped_name(&counted.dumped_schema), dumped_name(&counted.dumped_table));
                Some(TableRows { schema, table, rows, fleeting: false })
            })
            .collect();
        tables.sort();
        let Inventory { mut owners, extensions, .. } = inventory;
        owners.sort();
        Ok(Contents { tables, owners, extensions, position: None })
    }
}

/// Counts all tables in one snapshot. Row security is not applied: where it would hide rows it is an error.
fn count_sql(tables: &[CountedTable]) -> String {
    let mut sql =
        "SET row_security = off;\nBEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n\\qecho [\n".to_owned();
    for (index, chunk) in tables.chunks(TABLES_PER_STATEMENT).enumerate() {
        let first = index * TABLES_PER_STATEMENT;
        let counts: Vec<String> =
            chunk.iter().enumerate().map(|(offset, table)| count_of(first + offset, table)).collect();
        if index > 0 {
            sql.push_str("\\qecho ,\n");
        }
        // The chunks' arrays, without their brackets, become one.
        sql.push_str("SELECT btrim(json_agg(t)::text, '[]') FROM (");
        sql.push_str(&counts.join(" UNION ALL "));
        sql.push_str(") t;\n");
    }
    sql.push_str("\\qecho ]\nCOMMIT;");
    sql
}

/// `ONLY`: as in a dump, the rows of a parent are its own, and those of its children are counted with the children.
fn count_of(at: usize, counted: &CountedTable) -> String {
    let (schema, table) = (identifier(&counted.schema), identifier(&counted.table));
    format!("SELECT {at} AS at, count(*) AS rows FROM ONLY {schema}.{table}")
}

/// The name as the witness of a dump reads it: bytes that are no UTF-8 are replaced.
fn dumped_name(hex: &str) -> String {
    let pairs = hex.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    let bytes: Vec<u8> = pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
