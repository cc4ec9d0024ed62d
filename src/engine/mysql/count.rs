//! Rows of a live database, counted as a dump of it would count them.

use super::client::Question;
use super::facts::MySqlServer;
use super::quote::{identifier, literal};
use super::reserved::UNFINISHED_MARK;
use crate::engine::EngineError;
use crate::model::{Contents, TableRows};
use crate::process::Runner;

/// Tables counted by one statement.
const TABLES_PER_STATEMENT: usize = 100;

/// Tables that only show the rows of others: a dump holds none of them.
const BORROWING_ENGINES: [&str; 3] = ["MRG_MYISAM", "MRG_ISAM", "FEDERATED"];

struct CountedTable {
    name: String,
    rows: Rows,
}

/// Which rows a dump has of a table.
enum Rows {
    /// None: they are another table's.
    Borrowed,
    /// All of them; of a versioned table those of this period.
    Own(&'static str),
}

impl CountedTable {
    fn of([name, engine, kind]: [String; 3]) -> Self {
        let rows = if BORROWING_ENGINES.contains(&engine.to_ascii_uppercase().as_str()) {
            Rows::Borrowed
        } else if kind == "SYSTEM VERSIONED" {
            // What a restore has loaded: with its history where the dump has it, and else nothing is history yet.
            Rows::Own(" FOR SYSTEM_TIME ALL")
        } else {
            Rows::Own("")
        };
        Self { name, rows }
    }
}

impl MySqlServer {
    /// In one snapshot, as far as the tables' engines have them.
    pub(super) async fn count_rows(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Contents, EngineError> {
        let doing = format!("list the tables of `{database}`");
        let sql = format!(
            "SELECT TABLE_NAME, COALESCE(ENGINE, ''), TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = {}
AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND LEFT(TABLE_NAME, {}) <> {} ORDER BY TABLE_NAME;",
            literal(database),
            UNFINISHED_MARK.len(),
            literal(UNFINISHED_MARK)
        );
        let present = self.ask(runner, &Question::short(&doing, &sql)).await?;
        let rows = present.into_iter().filter_map(|row| <[String; 3]>::try_from(row).ok());
        let chosen: Vec<CountedTable> = rows.map(CountedTable::of).collect();
        let mut sql = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT;\n"
            .to_owned();
        let numbered: Vec<(usize, &CountedTable)> = chosen.iter().enumerate().collect();
        for chunk in numbered.chunks(TABLES_PER_STATEMENT) {
            let counts: Vec<String> = chunk
                .iter()
                .map(|(at, table)| match table.rows {
                    Rows::Borrowed => format!("SELECT {at}, 0"),
                    Rows::Own(period) => {
                        let (database, name) = (identifier(database), identifier(&table.name));
                        format!("SELECT {at}, COUNT(*) FROM {database}.{name}{period}")
                    }
                })
                .collect();
            sql.push_str(&counts.join(" UNION ALL "));
            sql.push_str(";\n");
        }
        let doing = format!("count the rows of `{database}`");
        let counts = self.ask(runner, &Question::long(&doing, &sql)).await?;
        let mut tables = Vec::with_capacity(chosen.len());
        for row in counts {
            let number = |at: usize| row.get(at).and_then(|field| field.parse::<u64>().ok());
            let name = number(0).and_then(|at| chosen.get(usize::try_from(at).ok()?));
            let (Some(CountedTable { name, .. }), Some(rows)) = (name, number(1)) else {
                let problem = "not a table and its number of rows".to_owned();
                return Err(EngineError::Answer { question: doing, problem });
            };
            tables.push(TableRows { schema: String::new(), table: name.clone(), rows, fleeting: false });
        }
        tables.sort();
        Ok(Contents { tables, ..Contents::default() })
    }
}
