//! Databases that cannot be dumped, and those that only a restore has left behind.

use super::facts::{INVALID, PostgreSqlServer};
use super::psql::{Patience, Question};
use super::quote::{identifier, literal};
use super::swap::{drop_sql, is_leftover};
use crate::engine::plan::DatabaseChoice;
use crate::engine::{EngineError, Finding, LogicalDatabase, Scope, Unfit};
use crate::model::help;
use crate::process::Runner;

impl PostgreSqlServer {
    /// Databases that nobody can connect to.
    pub(super) fn unusable(&self) -> impl Iterator<Item = Unfit> {
        let closed = self.closed.iter().map(|name| Unfit {
            database: name.clone(),
            reason: "it accepts no connections".to_owned(),
            help: help!("ALTER DATABASE {} ALLOW_CONNECTIONS true;", identifier(name)),
        });
        let invalid = self.invalid.iter().map(|name| Unfit {
            database: name.clone(),
            reason: "it is invalid, because a DROP DATABASE of it was interrupted".to_owned(),
            help: help!("DROP DATABASE {};", identifier(name)),
        });
        closed.chain(invalid)
    }

    /// The databases that `scope` means. What interrupted restores have left belongs to all of a server only where somebody
    /// names it.
    pub(super) fn chosen(&self, scope: &Scope) -> Result<Vec<&LogicalDatabase>, EngineError> {
        let mut databases = scope.choose(&self.facts.databases, |name| self.database(name))?;
        if matches!(scope.databases, DatabaseChoice::All { .. }) {
            databases.retain(|database| !is_leftover(&database.name));
        }
        Ok(databases)
    }

    /// What of all databases stays out of a backup.
    pub(super) fn unfit_findings(&self, scope: &Scope) -> Vec<Finding> {
        let left = self.left_out(scope).into_iter().map(|unfit| {
            Finding::warning(
                "all databases",
                format!("`{}` is left out: {}", unfit.database, unfit.reason),
                unfit.help,
            )
        });
        let all = matches!(scope.databases, DatabaseChoice::All { .. });
        let names = self.facts.databases.iter().map(|database| &database.name);
        let leftovers = names.filter(|name| all && is_leftover(name)).map(|name| {
            Finding::warning(
                "all databases",
                format!("`{name}` is left out: an interrupted restore left it behind"),
                format!("If no restore is running: {}", drop_sql(name)),
            )
        });
        left.chain(leftovers).collect()
    }

    /// Those of all databases that cannot be dumped, but for what is excluded anyway.
    pub(super) fn left_out(&self, scope: &Scope) -> Vec<Unfit> {
        let DatabaseChoice::All { exclude } = &scope.databases else { return Vec::new() };
        let excluded =
            |name: &str| exclude.iter().any(|pattern| crate::engine::names::matches(pattern, name));
        self.unusable().filter(|unfit| !excluded(&unfit.database) && !is_leftover(&unfit.database)).collect()
    }

    /// Why `database`, which was there, cannot be dumped any more.
    pub(super) async fn ask_vanished(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Option<String>, EngineError> {
        let sql = format!(
            "SELECT to_json(coalesce((SELECT CASE WHEN datconnlimit = {INVALID} THEN 'invalid' WHEN datallowconn THEN 'open'
  ELSE 'closed' END FROM pg_database WHERE datname = {}), 'gone'));",
            literal(database)
        );
        let beside = self.maintenance_beside(database);
        let question = Question {
            doing: "look whether the database still exists",
            database: &beside,
            sql: &sql,
            patience: Patience::Small,
        };
        let state: String = self.ask(runner, question).await?;
        Ok(match state.as_str() {
            "open" => None,
            "closed" => Some("it accepts no connections any more".to_owned()),
            "invalid" => Some("it is being dropped".to_owned()),
            _ => Some("it was dropped or renamed during the backup".to_owned()),
        })
    }
}
