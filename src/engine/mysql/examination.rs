//! Every table of a throw-away server, as the server itself checks it.

use super::client::Question;
use super::connection::Connection;
use super::facts::MySqlServer;
use super::quote::identifier;
use crate::engine::{EngineError, Examination};
use crate::model::{Count, help};
use crate::process::Runner;
use async_trait::async_trait;

const TABLES_PER_STATEMENT: usize = 50;
/// Damaged tables that a message names.
const NAMED: usize = 5;

/// Tables whose rows are in the server's own files.
const TABLES: &str = "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
WHERE ENGINE IN ('InnoDB', 'Aria', 'MyISAM', 'CSV', 'ARCHIVE') AND TABLE_TYPE <> 'VIEW'
AND TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema') ORDER BY 1, 2;";

/// Reads every table and index of a server with `CHECK TABLE`.
pub(super) struct TableExamination {
    pub(super) connection: Connection,
}

#[async_trait]
impl Examination for TableExamination {
    async fn examine(&self, runner: &dyn Runner) -> Result<Vec<String>, EngineError> {
        let server = MySqlServer::inspect(runner, self.connection.clone()).await?;
        let tables = server.ask(runner, &Question::long("list the tables", TABLES)).await?;
        let names: Vec<String> = tables
            .into_iter()
            .filter_map(|row| <[String; 2]>::try_from(row).ok())
            .map(|[schema, table]| format!("{}.{}", identifier(&schema), identifier(&table)))
            .collect();
        let mut damaged = Vec::new();
        for chunk in names.chunks(TABLES_PER_STATEMENT) {
            let sql = format!("CHECK TABLE {};", chunk.join(", "));
            let rows = server.ask(runner, &Question::long("check the tables", &sql)).await?;
            damaged.extend(rows.iter().filter_map(|row| fault(row)));
        }
        judge(&damaged)?;
        Ok(vec![format!("CHECK TABLE has read {} and their indexes", Count::len(names.len(), "table"))])
    }
}

/// What a row of the answer (table, operation, kind of message, message) says against its table.
fn fault(row: &[String]) -> Option<String> {
    let [table, _, kind, text] = row else { return None };
    let is_fault = match kind.to_ascii_lowercase().as_str() {
        "error" => true,
        "status" => text != "OK" && !text.ends_with("up to date"),
        _ => false,
    };
    // A table of an older version is whole.
    let is_old = text.contains("upgrade required") || text.contains("rebuild required");
    (is_fault && !is_old).then(|| format!("{table}: {text}"))
}

fn judge(damaged: &[String]) -> Result<(), EngineError> {
    if damaged.is_empty() {
        return Ok(());
    }
    let more = if damaged.len() > NAMED { "; …" } else { "" };
    let problem = format!(
        "CHECK TABLE finds fault with {}{more}",
        damaged.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ")
    );
    if damaged.iter().all(|fault| fault.contains("encrypt") || fault.contains("decrypt")) {
        return Err(EngineError::Prerequisite {
            problem,
            help: help!(
                "A drill has no keys of encrypted tables: restore the backup with --target-dir, and start a server with them."
            ),
        });
    }
    Err(EngineError::Damaged {
        problem,
        help: help!("Look at these tables in the source, repair them there, and take a full backup."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_against_a_table_is_a_fault() {
        let row = |kind: &str, text: &str| ["shop.t", "check", kind, text].map(ToOwned::to_owned);
        for (kind, text) in [
            ("status", "OK"),
            ("status", "Table is already up to date"),
            ("note", "The storage engine for the table doesn't support check"),
            ("warning", "1 client is using or hasn't closed the table properly"),
            ("error", "Table upgrade required. Please do \"REPAIR TABLE `t`\" or dump/reload to fix it!"),
        ] {
            assert_eq!(fault(&row(kind, text)), None, "{text}");
        }
        assert_eq!(fault(&row("error", "Corrupt")).as_deref(), Some("shop.t: Corrupt"));
        assert!(fault(&row("status", "Operation failed")).is_some());
    }

    #[test]
    fn a_table_without_its_key_says_nothing_about_the_backup() {
        let encrypted = "shop.t: Table `t` is encrypted but the key is not there".to_owned();
        assert!(matches!(judge(std::slice::from_ref(&encrypted)), Err(EngineError::Prerequisite { .. })));
        let both = vec![encrypted, "shop.u: Corrupt".to_owned()];
        assert!(matches!(judge(&both), Err(EngineError::Damaged { .. })));
    }
}
