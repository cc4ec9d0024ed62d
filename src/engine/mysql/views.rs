//! What is found of views before a dump: those at which it would stop, and those that do not come back.

use super::broken::{BrokenView, ask_broken};
use super::client::Question;
use super::facts::MySqlServer;
use super::quote::{identifier, literal, pattern};
use crate::engine::names::some_of;
use crate::engine::{EngineError, Finding};
use crate::model::EngineKind;
use crate::process::Runner;

/// Whether the user is known to lack a right on a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// None is known to be missing.
    Complete,
    /// Some are, and that was told.
    Missing,
}

impl MySqlServer {
    /// Views of `database` that are left out because they are broken.
    pub(super) fn skipped_views<'a>(&'a self, database: &'a str) -> impl Iterator<Item = &'a str> {
        self.broken.iter().filter(move |view| view.database == database).map(|view| view.name.as_str())
    }

    /// Views at which a dump of `database` would stop, or which it leaves out; and those that the user may not read, where no
    /// right was missed before.
    pub(super) async fn broken_finding(
        &self,
        runner: &dyn Runner,
        database: &str,
        rights: Rights,
    ) -> Result<Option<Finding>, EngineError> {
        let choice = self.choice(database)?;
        let condition = format!("TABLE_SCHEMA = {}", literal(database));
        let broken = ask_broken(runner, &self.client, &condition).await?;
        let dumped = |view: &&BrokenView| {
            (choice.tables.is_empty() || choice.tables.contains(&view.name))
                && !choice.excluded.contains(&view.name)
        };
        let (denied, broken): (Vec<&BrokenView>, Vec<&BrokenView>) =
            broken.iter().filter(dumped).partition(|view| view.denied);
        let names_of = |views: &[&BrokenView]| -> String {
            let names: Vec<String> = views.iter().map(|view| format!("`{}`", view.name)).collect();
            some_of(names.iter().cloned())
        };
        let subject = format!("views of `{database}`");
        if let (Some(first), Rights::Complete) = (denied.first(), rights) {
            let problem = format!("the dump would stop at {}: {}", names_of(&denied), first.problem);
            let help =
                "Grant the right that the server names, or leave the view out with `dump.exclude_tables`.";
            let help = help.to_owned();
            return Ok(Some(Finding::error(subject, problem, help)));
        }
        let Some(first) = broken.first() else { return Ok(None) };
        if self.client.connection.settings.filter.skip_broken_views {
            let problem = format!("{} cannot be read and stays out of the backup", names_of(&broken));
            let help = format!("DROP VIEW {}.{};", identifier(database), identifier(&first.name));
            return Ok(Some(Finding::warning(subject, problem, help)));
        }
        Ok(Some(Finding::error(
            subject,
            format!("the dump would stop at {}: {}", names_of(&broken), first.problem),
            format!(
                "DROP VIEW {}.{}; or leave such views out: each in `dump.exclude_tables`, or all with \
                 `dump.skip_broken_views = true`.",
                identifier(database),
                identifier(&first.name)
            ),
        )))
    }

    /// The tools write views in the order of their names, each on placeholders of those that come later, and a server
    /// refuses a check option on a placeholder: ERROR 1368 when it is restored (MySQL 9.7, MariaDB 10.11 and 11.8).
    pub(super) async fn views_finding(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Option<Finding>, EngineError> {
        let doing = format!("ask for the views of `{database}`");
        let sql = format!(
            "SELECT DISTINCT v.TABLE_NAME FROM information_schema.VIEWS v JOIN information_schema.VIEWS w
  ON w.TABLE_SCHEMA = v.TABLE_SCHEMA AND w.TABLE_NAME > v.TABLE_NAME
  AND LOCATE(CONCAT('`', REPLACE(w.TABLE_NAME, '`', '``'), '`'), v.VIEW_DEFINITION) > 0
WHERE v.TABLE_SCHEMA = {} AND v.CHECK_OPTION <> 'NONE' ORDER BY v.TABLE_NAME;",
            literal(database)
        );
        let views = self.ask(runner, &Question::short(&doing, &sql)).await?;
        let names: Vec<String> = views.into_iter().flatten().map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            return Ok(None);
        }
        Ok(Some(Finding::warning(
            format!("views of `{database}`"),
            format!(
                "a restore stops at {}: a view WITH CHECK OPTION on a view whose name sorts after its own",
                some_of(names.iter().cloned())
            ),
            "Give the view below a name that sorts before, or do without the check option; a restore goes on past \
                   it with --allow-errors.",
        )))
    }

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
        let views = self.ask(runner, &Question::short(&doing, &sql)).await?;
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
