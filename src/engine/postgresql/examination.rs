//! Every page of a throw-away server, as PostgreSQL's own checker reads it.

use super::connection::Connection;
use super::psql::{Patience, Question, ask};
use super::tools::ToolSet;
use crate::engine::{EngineError, Examination};
use crate::process::{Runner, ToolSpec};
use async_trait::async_trait;

const CHECKER: &str = "pg_amcheck";
/// The first version that says by which rules the texts of a database were sorted.
const TELLS_COLLATIONS: u32 = 15;

const DATABASES: &str = "SELECT json_build_object(
  'amcheck', EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck'),
  'databases', (SELECT json_agg(datname ORDER BY datname) FROM pg_database WHERE datallowconn))";

/// Whether anything in a database is sorted by rules that are not this machine's.
const SORTED_OTHERWISE: &str = "SELECT to_json(
  EXISTS (SELECT FROM pg_database WHERE datname = current_database()
    AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid))
  OR EXISTS (SELECT FROM pg_collation WHERE collversion IS NOT NULL
    AND collversion IS DISTINCT FROM pg_collation_actual_version(oid)))";

/// Reads every table and every B-tree index of a server with pg_amcheck.
pub(super) struct PageExamination {
    pub(super) connection: Connection,
    pub(super) set: ToolSet,
}

#[derive(serde::Deserialize)]
struct Checkable {
    amcheck: bool,
    databases: Vec<String>,
}

#[async_trait]
impl Examination for PageExamination {
    async fn examine(&self, runner: &dyn Runner) -> Result<Vec<String>, EngineError> {
        if !self.set.program(CHECKER).is_file() {
            return Ok(vec![unseen(&format!("{CHECKER} is not installed"))]);
        }
        let checkable: Checkable =
            self.ask(runner, self.maintenance(), "look for amcheck", DATABASES).await?;
        if !checkable.amcheck {
            return Ok(vec![unseen("the extension amcheck is not installed")]);
        }
        let indexes = self.sorts_alike(runner, &checkable.databases).await?;
        let tool = self.checker(indexes);
        runner.output(&tool).await.map_err(|source| EngineError::Tool {
            doing: "check the pages of a server on the files of the backup".to_owned(),
            source,
        })?;
        Ok(if indexes {
            vec![format!("{CHECKER} has read every table and every B-tree index")]
        } else {
            vec![
                format!("{CHECKER} has read every table"),
                "indexes were not looked at, as this machine may sort texts otherwise than the source"
                    .to_owned(),
            ]
        })
    }
}

impl PageExamination {
    fn maintenance(&self) -> &str {
        &self.connection.settings.maintenance_database
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        runner: &dyn Runner,
        database: &str,
        doing: &str,
        sql: &str,
    ) -> Result<T, EngineError> {
        let sql = format!("{sql};");
        let question = Question { doing, database, sql: &sql, patience: Patience::Small };
        ask(runner, &self.connection, &self.set, question).await
    }

    /// Whether this machine sorts as the source did: in an index that was sorted by other rules everything looks damaged.
    async fn sorts_alike(&self, runner: &dyn Runner, databases: &[String]) -> Result<bool, EngineError> {
        if self.set.major < TELLS_COLLATIONS {
            return Ok(false);
        }
        for database in databases {
            if self.ask(runner, database, "compare the collations", SORTED_OTHERWISE).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// It writes what it finds to standard output; here it is its error.
    fn checker(&self, indexes: bool) -> ToolSpec {
        let database = self.maintenance();
        let checker = self.connection.tool(&self.set, CHECKER, database);
        let mut tool = ToolSpec::new("sh").arg("-c").args(["exec \"$@\" >&2", "sh"]);
        tool = tool.arg(self.set.program(CHECKER).display().to_string());
        CHECKER.clone_into(&mut tool.label);
        (tool.env, tool.user_when_root) = (checker.env, checker.user_when_root);
        tool = tool.args(["-w", "--all", "--install-missing"]).arg(format!("--maintenance-db={database}"));
        tool.arg(if indexes { "--heapallindexed" } else { "--no-dependent-indexes" })
    }
}

fn unseen(why: &str) -> String {
    format!("pages and indexes were not looked at, as {why}")
}
