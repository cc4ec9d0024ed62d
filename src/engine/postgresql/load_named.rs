//! A restore under the database's own name: an existing database is renamed first, and gets its name back if the load fails.

use super::archive::Outline;
use super::planner::{Creation, Filling, LoadPlanner};
use super::quote::{identifier, literal, with_suffix};
use super::swap::{ASIDE_MARK, ATTEMPTS, FILLING_MARK, back_sql, drop_sql, swap_sql};
use crate::engine::{EngineError, LoadPlan, TargetEffect};

impl LoadPlanner<'_> {
    /// Creates a database, gives it the target's name, and fills it.
    pub(super) async fn load_named(
        &self,
        outline: &Outline,
        list: Option<String>,
    ) -> Result<LoadPlan, EngineError> {
        let (target, facts) = (self.target, self.facts);
        let name = &target.database;
        let made = with_suffix(name, &format!("{FILLING_MARK}{}", target.token));
        let aside = with_suffix(name, &format!("{ASIDE_MARK}{}", target.token));
        self.check_unused([&made, &aside])?;
        let creation = self.creation(&made).await?;
        let Creation { create, notes, findings, .. } = creation;
        let finish = self.creation(name).await?.finish;
        // The comment marks it until it is whole, and the connection limit keeps everybody but superusers out.
        let mark = format!("jagad fills this database ({})", target.token);
        let mut create =
            format!("{create}\nCOMMENT ON DATABASE {} IS {};", identifier(&made), literal(&mark));
        if self.server.superuser {
            create.push_str(&format!("\nALTER DATABASE {} CONNECTION LIMIT 0;", identifier(&made)));
        }
        let finish = format!(
            "BEGIN;\nCOMMENT ON DATABASE {0} IS NULL;\nALTER DATABASE {0} CONNECTION LIMIT -1;\n{finish}COMMIT;",
            identifier(name)
        );
        let beside = self.server.maintenance_beside(name);
        let run = |sql: &str| self.step(&beside, sql);
        let old = facts.database.as_ref();
        let effect = old.map_or(TargetEffect::Creates, |existing| TargetEffect::PutsAside {
            bytes: existing.bytes,
            sessions: existing.sessions,
        });
        let feed = self.feed_into(Filling { archive: Some(&outline.facts), list }, name)?;
        let names = Names { database: name, made: &made, aside: &aside };
        let mut plan = LoadPlan {
            before: vec![run(&create)?, run(&swap_sql(name, &made, old.map(|_| aside.as_str())))?],
            after: vec![run(&finish)?],
            undo: vec![run(&names.back(&mark))?, run(&drop_sql(&made))?],
            cleanup: old.iter().map(|_| run(&drop_sql(&aside))).collect::<Result<_, _>>()?,
            filling: name.clone(),
            notes,
            findings,
            ..LoadPlan::new(effect, feed)
        };
        if old.is_some() {
            let back = back_sql(&aside, name);
            plan.notes
                .push(format!("if jagad is killed before it is done, the old database is `{aside}`: {back}"));
        }
        Ok(plan)
    }
}

struct Names<'a> {
    database: &'a str,
    made: &'a str,
    aside: &'a str,
}

impl Names<'_> {
    /// Takes the name from the new database, if it has it already, and gives it back to the database that was put aside.
    fn back(&self, mark: &str) -> String {
        let (database, made, aside) = (literal(self.database), literal(self.made), literal(self.aside));
        let away =
            format!("ALTER DATABASE {} RENAME TO {}", identifier(self.database), identifier(self.made));
        let back =
            format!("ALTER DATABASE {} RENAME TO {}", identifier(self.aside), identifier(self.database));
        let body = format!(
            "BEGIN
  FOR attempt IN 1..{ATTEMPTS} LOOP
    PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid
      WHERE d.datname IN ({database}, {made}) AND shobj_description(d.oid, 'pg_database') = {}
        AND a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL;
    BEGIN
      IF EXISTS (SELECT FROM pg_database WHERE datname = {database} AND shobj_description(oid, 'pg_database') = {}) THEN
        EXECUTE {};
      END IF;
      IF EXISTS (SELECT FROM pg_database WHERE datname = {aside})
         AND NOT EXISTS (SELECT FROM pg_database WHERE datname = {database}) THEN
        EXECUTE {};
      END IF;
      RETURN;
    EXCEPTION WHEN object_in_use THEN
      IF attempt = {ATTEMPTS} THEN RAISE; END IF;
    END;
  END LOOP;
END",
            literal(mark),
            literal(mark),
            literal(&away),
            literal(&back)
        );
        format!("DO {};", literal(&body))
    }
}
