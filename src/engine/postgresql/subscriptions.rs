//! A database with a subscription is not dropped, so what a failed restore has filled must lose those that it got.

use super::facts::PostgreSqlServer;
use super::psql::script;
use super::quote::{connection_string, literal, with_suffix};
use super::swap::FILLING_MARK;
use crate::engine::{LoadPlan, RestoreTarget, Step};

/// Drops the subscriptions of the database it runs in, and nothing on the servers that they would follow.
const DROP_ALL: &str = "DECLARE one name;
BEGIN
  FOR one IN SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
      WHERE d.datname = current_database() LOOP
    EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', one);
    EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', one);
    EXECUTE format('DROP SUBSCRIPTION %I', one);
  END LOOP;
END";

impl PostgreSqlServer {
    /// Lets the undoing of `plan` drop the subscriptions of what was filled, just before it drops the database, if that came to be.
    pub(super) fn undo_subscriptions(&self, plan: &mut LoadPlan, target: &RestoreTarget) {
        let filled = with_suffix(&target.database, &format!("{FILLING_MARK}{}", target.token));
        let beside = self.maintenance_beside(&target.database);
        let tool = script(&self.connection, &self.tool, &beside, &drop_sql(&filled));
        let drop = plan.undo.len().saturating_sub(1);
        plan.undo.insert(drop, Step::from(tool));
    }
}

/// Only from inside of a database can its subscriptions be dropped, and psql alone can ask first whether it is there. Its name
/// gets to psql's commands as the value of a variable.
fn drop_sql(database: &str) -> String {
    format!(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = {}) AS made, {} AS place \\gset
\\if :made
\\connect -reuse-previous=on :place
SET statement_timeout = 0;
SET search_path = pg_catalog, pg_temp;
DO {};
\\endif",
        literal(database),
        literal(&connection_string(database)),
        literal(DROP_ALL)
    )
}
