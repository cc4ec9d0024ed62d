//! Views that nothing can be read from any more, because what they read is gone. The dump tool stops at the first one.

use super::check::some_of;
use super::connection::Connection;
use super::facts::{MySqlServer, SYSTEM_DATABASES};
use super::query::{Patience, ask, script};
use super::quote::{identifier, literal, literals};
use super::tools::ToolSet;
use crate::engine::{EngineError, Finding, FindingLevel};
use crate::process::Runner;

/// Views that are tried by one client: each answers with a line for each of its columns.
const VIEWS_AT_ONCE: usize = 200;

/// A view that cannot be dumped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokenView {
    pub(super) database: String,
    pub(super) name: String,
    /// What the server says of it.
    problem: String,
}

/// Every broken view of the server, where they are to be left out.
pub(super) async fn ask_skipped(
    runner: &dyn Runner,
    server: (&Connection, &ToolSet),
) -> Result<Vec<BrokenView>, EngineError> {
    if !server.0.settings.filter.skip_broken_views {
        return Ok(Vec::new());
    }
    let condition = format!("LOWER(TABLE_SCHEMA) NOT IN ({})", literals(SYSTEM_DATABASES));
    ask_broken(runner, server, &condition).await
}

/// Tries each view as the dump tool does.
async fn ask_broken(
    runner: &dyn Runner,
    (connection, tools): (&Connection, &ToolSet),
    condition: &str,
) -> Result<Vec<BrokenView>, EngineError> {
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.VIEWS WHERE {condition} ORDER BY 1, 2;"
    );
    let listed = ask(runner, (connection, tools), ("list the views", &sql, Patience::Small)).await?;
    let views: Vec<[String; 2]> =
        listed.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok()).collect();
    let mut broken = Vec::new();
    for views in views.chunks(VIEWS_AT_ONCE) {
        let tries = views.iter().map(|[database, name]| {
            format!("SHOW FIELDS FROM {}.{};", identifier(database), identifier(name))
        });
        let tries: Vec<String> = tries.collect();
        // It goes on behind each error, and tells the line of it.
        let tool = script(connection, tools, &tries.join("\n")).arg("--force");
        let run = runner
            .output(&tool)
            .await
            .map_err(|error| super::query::classify(connection, "try the views", error))?;
        for (line, problem) in run.stderr.lines().filter_map(error_at) {
            // The first line is in front of every script.
            let mut end = 1;
            let at = tries.iter().position(|text| {
                end += text.lines().count();
                line <= end
            });
            if let Some([database, name]) = at.and_then(|at| views.get(at)) {
                let (database, name) = (database.clone(), name.clone());
                broken.push(BrokenView { database, name, problem: problem.to_owned() });
            }
        }
    }
    Ok(broken)
}

/// `ERROR 1356 (HY000) at line 2: View …`
fn error_at(said: &str) -> Option<(usize, &str)> {
    let (line, problem) = said.strip_prefix("ERROR ")?.split_once(" at line ")?.1.split_once(": ")?;
    Some((line.parse().ok()?, problem))
}

impl MySqlServer {
    /// Views of `database` that are left out because they are broken.
    pub(super) fn skipped_views<'a>(&'a self, database: &'a str) -> impl Iterator<Item = &'a str> {
        self.broken.iter().filter(move |view| view.database == database).map(|view| view.name.as_str())
    }

    /// Views at which a dump of `database` would stop, or which it leaves out.
    pub(super) async fn broken_finding(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<Option<Finding>, EngineError> {
        let choice = self.choice(database)?;
        let condition = format!("TABLE_SCHEMA = {}", literal(database));
        let broken = ask_broken(runner, (&self.connection, &self.tools), &condition).await?;
        let dumped = |view: &&BrokenView| {
            (choice.tables.is_empty() || choice.tables.contains(&view.name))
                && !choice.excluded.contains(&view.name)
        };
        let broken: Vec<&BrokenView> = broken.iter().filter(dumped).collect();
        let Some(first) = broken.first() else { return Ok(None) };
        let names: Vec<String> = broken.iter().map(|view| format!("`{}`", view.name)).collect();
        let subject = format!("views of `{database}`");
        if self.connection.settings.filter.skip_broken_views {
            let problem = format!("{} cannot be read and stays out of the backup", some_of(&names));
            let help = format!("DROP VIEW {}.{};", identifier(database), identifier(&first.name));
            return Ok(Some(Finding { level: FindingLevel::Warning, subject, problem, help }));
        }
        Ok(Some(Finding {
            level: FindingLevel::Error,
            subject,
            problem: format!("the dump would stop at {}: {}", some_of(&names), first.problem),
            help: format!(
                "DROP VIEW {}.{}; or leave such views out: each in `dump.exclude_tables`, or all with \
                 `dump.skip_broken_views = true`.",
                identifier(database),
                identifier(&first.name)
            ),
        }))
    }
}
