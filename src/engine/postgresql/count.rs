//! Rows of a live database, counted as a dump of it would count them.

use super::facts::PostgreSqlServer;
use super::psql::{Patience, Question};
use super::quote::identifier;
use crate::engine::EngineError;
use crate::model::{Contents, TableRows};
use crate::process::Runner;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};

/// Tables listed by one question: the longest names of so many stay below the limit of an answer.
const TABLES_PER_PAGE: usize = 5000;

/// Locks that one statement takes. The lock table of a server with default settings holds some 6,400, for all sessions.
const LOCKS_PER_STATEMENT: u32 = 400;

#[derive(Debug, Deserialize)]
struct ServerObjects {
    owners: Vec<String>,
    extensions: Vec<String>,
    large_objects: u64,
}

#[derive(Debug, Deserialize)]
struct CountedTable {
    oid: u32,
    schema: String,
    table: String,
    /// The same names in the database's own encoding, as its dump has them: bytes in hexadecimal.
    dumped_schema: String,
    dumped_table: String,
    /// For a table of an extension's own: `WHERE …`, the rows that are dumped; empty for all rows.
    condition: String,
    /// Locks that reading it takes: its own, and one for each index.
    locks: u32,
}

#[derive(Debug, Deserialize)]
struct Count {
    oid: u32,
    rows: u64,
}

/// As `pg_dump` chooses: no schemas of the server's own, no temporary tables, nothing that belongs to an extension.
const KEPT: &str = "kept AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relowner, '' AS condition
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
      AND d.deptype = 'e'))";

/// Tables that extensions mark as configuration: `pg_dump` dumps the rows that meet their condition.
const CONFIGURATION: &str = "configuration AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relowner, marked.condition
  FROM (SELECT unnest(extconfig) AS oid, unnest(extcondition) AS condition FROM pg_extension) marked
    JOIN pg_class c ON c.oid = marked.oid JOIN pg_namespace n ON n.oid = c.relnamespace)";

impl PostgreSqlServer {
    pub(super) async fn count_rows(
        &self,
        runner: &dyn Runner,
        database: &str,
        only: Option<&BTreeSet<(String, String)>>,
    ) -> Result<Contents, EngineError> {
        let ServerObjects { mut owners, extensions, large_objects } =
            self.inventory(runner, database).await?;
        owners.sort();
        let large_objects = only.is_none().then_some(large_objects);
        let mut contents = Contents { owners, large_objects, extensions, ..Contents::default() };
        let mut last = 0;
        loop {
            let mut page = self.tables_after(runner, database, last).await?;
            let Some(end) = page.last() else { break };
            last = end.oid;
            page.retain(|counted| only.is_none_or(|only| only.contains(&counted.dumped())));
            if !page.is_empty() {
                contents.tables.extend(self.count_page(runner, database, &page).await?);
            }
        }
        contents.tables.sort();
        Ok(contents)
    }

    async fn inventory(&self, runner: &dyn Runner, database: &str) -> Result<ServerObjects, EngineError> {
        let sql = format!(
            "WITH {KEPT} SELECT json_build_object(
  'owners', (SELECT coalesce(json_agg(DISTINCT pg_get_userbyid(relowner)), '[]') FROM kept),
  'extensions', (SELECT coalesce(json_agg(extname ORDER BY extname), '[]') FROM pg_extension
    WHERE extname <> 'plpgsql'),
  'large_objects', (SELECT count(*) FROM pg_largeobject_metadata));"
        );
        let doing = format!("list the owners, extensions and large objects of `{database}`");
        let question = Question { doing: &doing, database, sql: &sql, patience: Patience::Small };
        self.ask(runner, question).await
    }

    /// The next tables by oid. As in a dump: partitions but not their parents, no foreign tables, no rows of
    /// materialized views, and no unlogged rows on a replica, where they cannot be read.
    async fn tables_after(
        &self,
        runner: &dyn Runner,
        database: &str,
        last: u32,
    ) -> Result<Vec<CountedTable>, EngineError> {
        let sql = format!(
            "WITH {KEPT}, {CONFIGURATION}, page AS (
  SELECT * FROM (SELECT * FROM kept UNION ALL SELECT * FROM configuration) t
  WHERE relkind = 'r' AND NOT (relpersistence = 'u' AND pg_is_in_recovery()) AND oid > {last}
  ORDER BY oid LIMIT {TABLES_PER_PAGE})
SELECT coalesce(json_agg(json_build_object('oid', oid::bigint, 'schema', nspname, 'table', relname,
    'dumped_schema', encode(convert_to(nspname, getdatabaseencoding()), 'hex'),
    'dumped_table', encode(convert_to(relname, getdatabaseencoding()), 'hex'),
    'condition', condition,
    'locks', 1 + (SELECT count(*) FROM pg_index i WHERE i.indrelid = page.oid)) ORDER BY oid), '[]') FROM page;"
        );
        let doing = format!("list the tables of `{database}`");
        let question = Question { doing: &doing, database, sql: &sql, patience: Patience::Small };
        self.ask(runner, question).await
    }

    async fn count_page(
        &self,
        runner: &dyn Runner,
        database: &str,
        page: &[CountedTable],
    ) -> Result<Vec<TableRows>, EngineError> {
        let doing = format!("count the rows of `{database}`");
        let sql = count_sql(page);
        let question = Question { doing: &doing, database, sql: &sql, patience: Patience::Endless };
        let counts: Vec<Count> = self.ask(runner, question).await?;
        let by_oid: HashMap<u32, u64> = counts.into_iter().map(|count| (count.oid, count.rows)).collect();
        let rows = page.iter().filter_map(|counted| {
            let (schema, table) = counted.dumped();
            Some(TableRows { schema, table, rows: *by_oid.get(&counted.oid)?, fleeting: false })
        });
        Ok(rows.collect())
    }
}

impl CountedTable {
    /// Schema and name as the witness of a dump reads them.
    fn dumped(&self) -> (String, String) {
        (dumped_name(&self.dumped_schema), dumped_name(&self.dumped_table))
    }
}

/// Counts `tables`, a few in each statement and no transaction around them: locks are given back after each, so the
/// number of tables is not bounded by the server's lock table. Row security is not applied: where it would hide rows it
/// is an error.
fn count_sql(tables: &[CountedTable]) -> String {
    let mut sql = "SET row_security = off;\n\\qecho [\n".to_owned();
    let mut rest = tables;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(tables_of_one_statement(rest));
        let counts: Vec<String> = chunk.iter().map(count_of).collect();
        // The chunks' arrays, without their brackets, become one.
        sql.push_str("SELECT btrim(json_agg(t)::text, '[]') FROM (");
        sql.push_str(&counts.join(" UNION ALL "));
        sql.push_str(") t;\n");
        if !after.is_empty() {
            sql.push_str("\\qecho ,\n");
        }
        rest = after;
    }
    sql.push_str("\\qecho ]");
    sql
}

/// How many of the first `tables` fit into one statement: at least one.
fn tables_of_one_statement(tables: &[CountedTable]) -> usize {
    let mut locks = 0u32;
    let fits = |table: &&CountedTable| {
        locks = locks.saturating_add(table.locks);
        locks <= LOCKS_PER_STATEMENT
    };
    tables.iter().take_while(fits).count().max(1)
}

/// `ONLY`: as in a dump, the rows of a parent are its own, and those of its children are counted with the children.
fn count_of(counted: &CountedTable) -> String {
    let CountedTable { oid, condition, .. } = counted;
    let (schema, table) = (identifier(&counted.schema), identifier(&counted.table));
    format!("SELECT {oid} AS oid, count(*) AS rows FROM ONLY {schema}.{table} {condition}")
}

/// The name as the witness of a dump reads it: bytes that are no UTF-8 are replaced.
fn dumped_name(hex: &str) -> String {
    let pairs = hex.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    let bytes: Vec<u8> = pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
