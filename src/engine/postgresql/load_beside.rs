//! A restore into a new database, which takes the name of the target once it is full.

use super::planner::{Creation, Filling, LoadPlanner};
use super::quote::with_suffix;
use super::swap::{FILLING_MARK, REPLACED_MARK, drop_sql, leftovers, swap_sql};
use crate::engine::{EngineError, LoadPlan, TargetEffect};

impl LoadPlanner<'_> {
    /// Fills a new database and gives it the target's name at the end. `PostgreSqlServer::check_beside` has found that
    /// possible.
    pub(super) async fn load_beside(&self, contents: Filling<'_>) -> Result<LoadPlan, EngineError> {
        let (target, facts) = (self.target, self.facts);
        let filling = with_suffix(&target.database, &format!("{FILLING_MARK}{}", target.token));
        let replaced = with_suffix(&target.database, &format!("{REPLACED_MARK}{}", target.token));
        self.check_unused([&filling, &replaced])?;
        let Creation { create, finish, mut notes, findings } = self.creation(&filling).await?;
        let feed = self.feed_into(contents, &filling)?;
        let beside = self.server.maintenance_beside(&target.database);
        let run = |sql: &str| self.step(&beside, sql);
        let effect = facts.database.as_ref().map_or(TargetEffect::Creates, |existing| {
            TargetEffect::Replaces { bytes: existing.bytes, sessions: existing.sessions }
        });
        let old = facts.database.as_ref().map(|_| replaced.as_str());
        let mut after = Vec::new();
        if !finish.is_empty() {
            after.push(run(&finish)?);
        }
        after.push(run(&swap_sql(&target.database, &filling, old))?);
        notes.extend(leftovers(&facts.databases).map(|name| {
            format!(
                "an interrupted restore left the database `{name}`; if no restore is running: {}",
                drop_sql(name)
            )
        }));
        Ok(LoadPlan {
            before: vec![run(&create)?],
            after,
            undo: vec![run(&drop_sql(&filling))?],
            cleanup: old.iter().map(|replaced| run(&drop_sql(replaced))).collect::<Result<_, _>>()?,
            filling,
            notes,
            findings,
            ..LoadPlan::new(effect, feed)
        })
    }
}
