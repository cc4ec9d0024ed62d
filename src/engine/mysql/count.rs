//! Rows of a live database, counted as a dump of it would count them.

use super::facts::MySqlServer;
use super::load::UNFINISHED_MARK;
use super::query::Patience;
use super::quote::{identifier, literal};
use crate::engine::EngineError;
use crate::model::{Contents, TableRows};
use crate::process::Runner;

/// Tables counted by one statement.
const TABLES_PER_STATEMENT: usize = 100;

/// Tables that only show the rows of others: a dump holds none of them.
const BORROWING_ENGINES: [&str; 3] = ["MRG_MYISAM", "MRG_ISAM", "FEDERATED"];

impl MySqlServer {
    /// In one snapshot, as far as the tables' engines have them.
    pub(super) async fn count_rows(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Contents, EngineError> {
        let doing = format!("list the tables of `{database}`");
        let sql = format!(
            "SELECT TABLE_NAME, COALESCE(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = {}
AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND LEFT(TABLE_NAME, {}) <> {} ORDER BY TABLE_NAME;",
            literal(database),
            UNFINISHED_MARK.len(),
            literal(UNFINISHED_MARK)
        );
        let present = self.ask(runner, (&doing, &sql, Patience::Small)).await?;
        let pairs = present.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
        let chosen: Vec<(String, bool)> = pairs
            .map(|[name, engine]| (name, BORROWING_ENGINES.contains(&engine.to_ascii_uppercase().as_str())))
            .collect();
        let mut sql = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT;\n"
            .to_owned();
        let numbered: Vec<(usize, &(String, bool))> = chosen.iter().enumerate().collect();
        for chunk in numbered.chunks(TABLES_PER_STATEMENT) {
            let counts: Vec<String> = chunk
                .iter()
                .map(|(at, (name, borrows))| match borrows {
                    true => format!("SELECT {at}, 0"),
                    false => {
                        format!("SELECT {at}, COUNT(*) FROM {}.{}", identifier(database), identifier(name))
                    }
                })
                .collect();
            sql.push_str(&counts.join(" UNION ALL "));
            sql.push_str(";\n");
        }
        let doing = format!("count the rows of `{database}`");
        let counts = self.ask(runner, (&doing, &sql, Patience::Endless)).await?;
        let mut tables = Vec::with_capacity(chosen.len());
        for row in counts {
            let number = |at: usize| row.get(at).and_then(|field| field.parse::<u64>().ok());
            let name = number(0).and_then(|at| chosen.get(usize::try_from(at).ok()?));
            let (Some((name, _)), Some(rows)) = (name, number(1)) else {
                let problem = "not a table and its number of rows".to_owned();
                return Err(EngineError::Answer { question: doing, problem });
            };
            tables.push(TableRows { schema: String::new(), table: name.clone(), rows, fleeting: false });
        }
        tables.sort();
        Ok(Contents { tables, ..Contents::default() })
    }
}
