//! Definers that are not there: what they define was restored, and fails as soon as somebody uses it.

use super::client::Question;
use super::facts::MySqlServer;
use super::quote::literal;
use crate::engine::names::some_of;
use crate::engine::{EngineError, Finding};
use crate::process::Runner;
use std::collections::BTreeMap;

impl MySqlServer {
    /// What of `database` belongs to accounts that the server does not have. Nothing when accounts may not be seen.
    pub(super) async fn missing_definers(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Vec<Finding>, EngineError> {
        let name = literal(database);
        // Whoever may not see accounts is told nothing of those that are missing.
        let sql = format!(
            "SELECT d.what, d.definer FROM (
  SELECT CONCAT('view `', TABLE_NAME, '`') AS what, DEFINER AS definer FROM information_schema.VIEWS
    WHERE TABLE_SCHEMA = {name} AND SECURITY_TYPE = 'DEFINER'
  UNION ALL SELECT CONCAT(LOWER(ROUTINE_TYPE), ' `', ROUTINE_NAME, '`'), DEFINER FROM information_schema.ROUTINES
    WHERE ROUTINE_SCHEMA = {name} AND SECURITY_TYPE = 'DEFINER'
  UNION ALL SELECT CONCAT('trigger `', TRIGGER_NAME, '`'), DEFINER FROM information_schema.TRIGGERS
    WHERE TRIGGER_SCHEMA = {name}
  UNION ALL SELECT CONCAT('event `', EVENT_NAME, '`'), DEFINER FROM information_schema.EVENTS
    WHERE EVENT_SCHEMA = {name}) d
WHERE NOT EXISTS (SELECT 1 FROM mysql.user u WHERE BINARY d.definer = BINARY CONCAT(u.User, '@', u.Host)
  OR BINARY d.definer = BINARY u.User) ORDER BY d.definer, d.what;"
        );
        let doing = format!("look for the definers in `{database}`");
        let Ok(rows) = self.ask(runner, &Question::short(&doing, &sql)).await else { return Ok(Vec::new()) };
        let mut by_definer: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for [what, definer] in rows.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok()) {
            by_definer.entry(definer).or_default().push(what);
        }
        let finding = |(definer, objects): (String, Vec<String>)| {
            let shown = some_of(objects.iter().cloned());
            Finding::warning(
                format!("definer `{definer}`"),
                format!("there is no such user, so {shown} of `{database}` cannot be used"),
                "Create it (`--globals` brings the users of the backup), or restore with `--strip-definer`.",
            )
        };
        Ok(by_definer.into_iter().map(finding).collect())
    }
}
