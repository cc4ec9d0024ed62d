//! Which tables of each database are dumped: patterns, resolved against what the server has. The tools know no patterns,
//! and pass over a name that is not there.

use super::facts::MySqlServer;
use super::tables::Table;
use crate::engine::{EngineError, Filter, names};
use crate::model::help;

/// What filters make of one database.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// Only these; empty means all.
    pub(super) tables: Vec<String>,
    /// Not these.
    pub(super) excluded: Vec<String>,
    /// These without their rows.
    pub(super) rowless: Vec<String>,
}

impl MySqlServer {
    /// What the entry's filter means in `database`.
    pub(super) fn choice(&self, database: &str) -> Result<Choice, EngineError> {
        let Filter { tables, exclude_tables, exclude_table_data, .. } =
            &self.client.connection.settings.filter;
        if !exclude_table_data.is_empty() && !self.flavor().leaves_out_rows {
            return Err(EngineError::Refused {
                problem: format!("mysqldump of {} cannot leave out the rows of a table", self.flavor().name),
                help: help!("Leave the table out with `dump.exclude_tables`, or take its rows too."),
            });
        }
        let choice = Choice {
            tables: self.matching(database, tables),
            excluded: self.matching(database, exclude_tables),
            rowless: self.matching(database, exclude_table_data),
        };
        let left = |table: &&String| !choice.excluded.contains(table);
        if !tables.is_empty() && choice.tables.iter().filter(left).count() == 0 {
            // Without names the tool would take them all.
            let existing = self.tables.iter().filter(|table| table.database == database);
            let place = format!(" in `{database}`");
            return Err(names::not_found(
                "table",
                &tables.join(", "),
                &place,
                existing.map(|table| table.name.as_str()),
            ));
        }
        Ok(choice)
    }

    fn matching(&self, database: &str, patterns: &[String]) -> Vec<String> {
        let matches = |table: &&Table| {
            let qualified = format!("{database}.{}", table.name);
            patterns.iter().any(|pattern| {
                names::matches(pattern, &table.name)
                    || (pattern.contains('.') && names::matches(pattern, &qualified))
            })
        };
        let here = self.tables.iter().filter(|table| table.database == database);
        here.filter(matches).map(|table| table.name.clone()).collect()
    }
}
