//! Views that nothing can be read from any more, because what they read is gone, and views that this user may not read. The
//! dump tool stops at the first one of either.

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

/// How a server begins to say that somebody lacks a right: on a database, a table, a column, a routine, one that an
/// administrator gives, and on what a view reads.
const DENIALS: [&str; 6] = ["1044", "1142", "1143", "1370", "1227", "1345"];

/// A view that cannot be dumped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokenView {
    pub(super) database: String,
    pub(super) name: String,
    /// What the server says of it.
    problem: String,
    /// Whether it is whole, and only this user may not read it.
    denied: bool,
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
    // One that may not be read is left out of no backup in silence.
    let mut broken = ask_broken(runner, server, &condition).await?;
    broken.retain(|view| !view.denied);
    Ok(broken)
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
        for Said { code, line, problem } in run.stderr.lines().filter_map(said) {
            // The first line is in front of every script.
            let mut end = 1;
            let at = tries.iter().position(|text| {
                end += text.lines().count();
                line <= end
            });
            if let Some([database, name]) = at.and_then(|at| views.get(at)) {
                let (database, name) = (database.clone(), name.clone());
                let denied = DENIALS.contains(&code);
                broken.push(BrokenView { database, name, problem: problem.to_owned(), denied });
            }
        }
    }
    Ok(broken)
}

/// An error of the client.
struct Said<'a> {
    code: &'a str,
    line: usize,
    problem: &'a str,
}

/// `ERROR 1356 (HY000) at line 2: View …`
fn said(text: &str) -> Option<Said<'_>> {
    let (code, rest) = text.strip_prefix("ERROR ")?.split_once(' ')?;
    let (line, problem) = rest.split_once("at line ")?.1.split_once(": ")?;
    Some(Said { code, line: line.parse().ok()?, problem })
}

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
        let broken = ask_broken(runner, (&self.connection, &self.tools), &condition).await?;
        let dumped = |view: &&BrokenView| {
            (choice.tables.is_empty() || choice.tables.contains(&view.name))
                && !choice.excluded.contains(&view.name)
        };
        let (denied, broken): (Vec<&BrokenView>, Vec<&BrokenView>) =
            broken.iter().filter(dumped).partition(|view| view.denied);
        let names_of = |views: &[&BrokenView]| -> String {
            let names: Vec<String> = views.iter().map(|view| format!("`{}`", view.name)).collect();
            some_of(&names)
        };
        let subject = format!("views of `{database}`");
        if let (Some(first), Rights::Complete) = (denied.first(), rights) {
            let problem = format!("the dump would stop at {}: {}", names_of(&denied), first.problem);
            let help =
                "Grant the right that the server names, or leave the view out with `dump.exclude_tables`.";
            let help = help.to_owned();
            return Ok(Some(Finding { level: FindingLevel::Error, subject, problem, help }));
        }
        let Some(first) = broken.first() else { return Ok(None) };
        if self.connection.settings.filter.skip_broken_views {
            let problem = format!("{} cannot be read and stays out of the backup", names_of(&broken));
            let help = format!("DROP VIEW {}.{};", identifier(database), identifier(&first.name));
            return Ok(Some(Finding { level: FindingLevel::Warning, subject, problem, help }));
        }
        Ok(Some(Finding {
            level: FindingLevel::Error,
            subject,
            problem: format!("the dump would stop at {}: {}", names_of(&broken), first.problem),
            help: format!(
                "DROP VIEW {}.{}; or leave such views out: each in `dump.exclude_tables`, or all with \
                 `dump.skip_broken_views = true`.",
                identifier(database),
                identifier(&first.name)
            ),
        }))
    }
}
