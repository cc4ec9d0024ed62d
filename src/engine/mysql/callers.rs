//! Views that call stored functions. To read how such a view looks, MariaDB wants the right to call what it calls.

use super::check::pattern;
use super::facts::MySqlServer;
use super::query::Patience;
use super::quote::literal;
use crate::engine::{EngineError, Finding};
use crate::model::EngineKind;
use crate::process::Runner;

impl MySqlServer {
    /// The right to call functions, where a view of `database` does and the user may not: the dump stops at it (1370).
    pub(super) async fn callers_finding(
        &self,
        runner: &dyn Runner,
        database: &str,
        grantee: &str,
    ) -> Result<Option<Finding>, EngineError> {
        if self.flavor().kind != EngineKind::MariaDb || self.grants.in_database("EXECUTE", database) {
            return Ok(None);
        }
        // Functions of the server itself are written without quotes.
        let sql = format!(
            "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = {} AND LOCATE('`(', VIEW_DEFINITION) > 0
ORDER BY TABLE_NAME;",
            literal(database)
        );
        let doing = format!("look for views of `{database}` that call functions");
        let views = self.ask(runner, (&doing, &sql, Patience::Small)).await?;
        let first = views.into_iter().flatten().next();
        Ok(first.map(|view| {
            Finding::error(
                format!("view `{view}` of `{database}`"),
                "it calls a stored function, and without EXECUTE the dump stops at it",
                format!("GRANT EXECUTE ON {}.* TO {grantee};", pattern(database)),
            )
        }))
    }
}
