//! Rows of a live database, counted as a dump of it would count them.

use super::facts::PostgreSqlServer;
use super::psql::{Patience, Question};
use super::quote::{identifier, literal};
use crate::engine::EngineError;
use crate::model::{Contents, TableRows};
use crate::process::Runner;
use serde::Deserialize;

/// Tables counted by one statement: each holds a lock and a plan.
const TABLES_PER_STATEMENT: usize = 200;

#[derive(Debug, Deserialize)]
struct Inventory {
    tables: Vec<(String, String)>,
    owners: Vec<String>,
    extensions: Vec<String>,
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
  'tables', (SELECT coalesce(json_agg(json_build_array(nspname, relname)), '[]') FROM kept
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
        let mut tables: Vec<TableRows> = self.ask(runner, question).await?;
        tables.sort();
        let Inventory { mut owners, extensions, .. } = inventory;
        owners.sort();
        Ok(Contents { tables, owners, extensions })
    }
}

/// Counts all tables in one snapshot. Row security is not applied: where it would hide rows it is an error.
fn count_sql(tables: &[(String, String)]) -> String {
    let mut sql =
        "SET row_security = off;\nBEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n\\qecho [\n".to_owned();
    for (index, chunk) in tables.chunks(TABLES_PER_STATEMENT).enumerate() {
        let counts: Vec<String> = chunk.iter().map(|(schema, table)| count_of(schema, table)).collect();
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
fn count_of(schema: &str, table: &str) -> String {
    format!(
        "SELECT {} AS schema, {} AS \"table\", count(*) AS rows FROM ONLY {}.{}",
        literal(schema),
        literal(table),
        identifier(schema),
        identifier(table)
    )
}
