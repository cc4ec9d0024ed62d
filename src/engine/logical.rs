//! Logical backups: what a server's tools or its protocol give as statements and rows, and take back.

use super::{DumpPart, EngineError, Finding, LoadPlan, OpenArchive, RestoreTarget, Scope, Unfit};
use crate::model::Contents;
use crate::process::Runner;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Dumps of a server's logical databases, and their way back.
#[async_trait]
pub trait Logical: Send + Sync {
    /// The parts of a full logical backup of `scope`, in the order they are to be taken. An empty scope, or a name
    /// that is not on the server, is an error.
    fn dump(&self, scope: &Scope) -> Result<Vec<DumpPart>, EngineError>;

    /// Everything that would make [`Logical::dump`] fail or leave something out, each with the statement that fixes it.
    async fn check_dump(&self, runner: &dyn Runner, scope: &Scope) -> Result<Vec<Finding>, EngineError>;

    /// What questions cannot find: the dump tool itself reads every definition of `scope`, and no rows.
    async fn rehearse_dump(&self, runner: &dyn Runner, scope: &Scope) -> Result<Vec<Finding>, EngineError>;

    /// Logical databases that a scope of all would take, and that cannot be dumped, each with the reason.
    fn unfit(&self, _scope: &Scope) -> Vec<Unfit> {
        Vec::new()
    }

    /// Why a database that was there when the server was inspected cannot be dumped any more: it is gone, or closed. `None`
    /// when it still can, and for engines that do not ask.
    async fn vanished(&self, _runner: &dyn Runner, _database: &str) -> Result<Option<String>, EngineError> {
        Ok(None)
    }

    /// What is worth knowing of a dump that was just taken of `database`: what would keep it from coming back here.
    fn judge_dump(&self, _database: &str, _contents: &Contents) -> Vec<Finding> {
        Vec::new()
    }

    /// What a dump of `database` that is under way waits for now, in words: which lock, and who holds it. Empty when it waits for
    /// nobody, and for engines whose dumps do not wait.
    async fn waits(&self, _runner: &dyn Runner, _database: &str) -> Result<Vec<String>, EngineError> {
        Ok(Vec::new())
    }

    /// How to load one part. Looks at the server and, where needed, at the head of the archive; changes nothing.
    async fn load(
        &self,
        runner: &dyn Runner,
        target: &RestoreTarget,
        archive: &dyn OpenArchive,
    ) -> Result<LoadPlan, EngineError>;

    /// Counts the rows of every table of one logical database now.
    async fn count(&self, runner: &dyn Runner, database: &str) -> Result<Contents, EngineError>;

    /// Whether names of tables are not told apart by case here.
    fn folds_names(&self) -> bool {
        false
    }

    /// Counts the rows of some tables of one logical database, by schema and name.
    async fn count_tables(
        &self,
        runner: &dyn Runner,
        database: &str,
        tables: &BTreeSet<(String, String)>,
    ) -> Result<Contents, EngineError> {
        let mut contents = self.count(runner, database).await?;
        contents.tables.retain(|rows| tables.contains(&(rows.schema.clone(), rows.table.clone())));
        Ok(Contents { large_objects: None, ..contents })
    }

    /// What is worth knowing of a logical database that was just restored, now that everything is in its place. Most
    /// engines find all of it before they begin.
    async fn check_restored(
        &self,
        _runner: &dyn Runner,
        _database: &str,
    ) -> Result<Vec<Finding>, EngineError> {
        Ok(Vec::new())
    }
}

/// What to take and leave inside each logical database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Only these schemas (patterns of the dump tool).
    pub schemas: Vec<String>,
    /// Not these schemas.
    pub exclude_schemas: Vec<String>,
    /// Only these tables.
    pub tables: Vec<String>,
    /// Not these tables.
    pub exclude_tables: Vec<String>,
    /// These tables without their rows.
    pub exclude_table_data: Vec<String>,
    /// MySQL, MariaDB: not the views that cannot be read.
    pub skip_broken_views: bool,
}
