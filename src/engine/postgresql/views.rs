//! Materialized views are filled when everything else is there. One that cannot be filled costs no restore: it stays
//! empty, is tried again when the other databases of the restore are in their places, and is told.

use super::archive::Relation;
use super::facts::PostgreSqlServer;
use super::psql::statements;
use super::quote::{identifier, literal};
use crate::engine::{EngineError, LoadPlan, RestoreTarget, Step};
use std::fmt::Write as _;

/// What to do with a view that cannot be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failing {
    /// Nothing: it is tried again.
    PassOver,
    /// It is an error, after all have been tried.
    Tell,
}

impl PostgreSqlServer {
    /// Lets `plan` fill `views` before the database becomes visible, and those that stayed empty at last.
    pub(super) fn fill_views(
        &self,
        plan: &mut LoadPlan,
        target: &RestoreTarget,
        views: &[Relation],
    ) -> Result<(), EngineError> {
        if views.is_empty() {
            return Ok(());
        }
        let run = |database: &str, sql: &str| statements(&self.connection, &self.tool, database, sql);
        let first = run(&plan.filling, &self.fill_sql(views, Failing::PassOver))?;
        plan.after.insert(0, Step::from(first));
        let again = run(&target.database, &self.fill_sql(views, Failing::Tell))?;
        plan.last.push(Step::from(again));
        Ok(())
    }

    /// Fills those of `views` that are empty, one after the other, each for good.
    fn fill_sql(&self, views: &[Relation], failing: Failing) -> String {
        let mut sql = "SET row_security = off;\n".to_owned();
        if self.superuser {
            // The event triggers exist by now. They are not meant for a restore, and may forbid its statements.
            sql.push_str("SET session_replication_role = replica;\n");
        }
        let mut body = "DECLARE failed text := '';\nBEGIN\n".to_owned();
        for Relation { schema, name } in views {
            let view = format!("{}.{}", identifier(schema), identifier(name));
            let (refresh, quoted) = (format!("REFRESH MATERIALIZED VIEW {view}"), literal(&view));
            let _ = write!(
                body,
                "  BEGIN
    IF NOT (SELECT relispopulated FROM pg_class WHERE oid = {quoted}::regclass) THEN EXECUTE {}; END IF;
  EXCEPTION WHEN OTHERS THEN failed := failed || format('; %s: %s', {quoted}, SQLERRM);
  END;
  COMMIT;
",
                literal(&refresh)
            );
        }
        if failing == Failing::Tell {
            body.push_str(
                "  IF failed <> '' THEN RAISE EXCEPTION 'materialized views stay empty: %', substr(failed, 3); END IF;\n",
            );
        }
        body.push_str("END");
        let _ = write!(sql, "DO {};", literal(&body));
        sql
    }
}
