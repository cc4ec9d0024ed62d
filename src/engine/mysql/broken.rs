//! Views that nothing can be read from any more, because what they read is gone, and views that this user may not read. The
//! dump tool stops at the first one of either.

use super::client::{Client, Question};
use super::quote::{identifier, literals};
use super::reserved::SYSTEM_DATABASES;
use crate::engine::EngineError;
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
    pub(super) problem: String,
    /// Whether it is whole, and only this user may not read it.
    pub(super) denied: bool,
}

/// Every broken view of the server, where they are to be left out.
pub(super) async fn ask_skipped(
    runner: &dyn Runner,
    client: &Client,
) -> Result<Vec<BrokenView>, EngineError> {
    if !client.connection.settings.filter.skip_broken_views {
        return Ok(Vec::new());
    }
    let condition = format!("LOWER(TABLE_SCHEMA) NOT IN ({})", literals(SYSTEM_DATABASES));
    // One that may not be read is left out of no backup in silence.
    let mut broken = ask_broken(runner, client, &condition).await?;
    broken.retain(|view| !view.denied);
    Ok(broken)
}

/// Tries each view as the dump tool does.
pub(super) async fn ask_broken(
    runner: &dyn Runner,
    client: &Client,
    condition: &str,
) -> Result<Vec<BrokenView>, EngineError> {
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.VIEWS WHERE {condition} ORDER BY 1, 2;"
    );
    let listed = client.ask(runner, &Question::short("list the views", &sql)).await?;
    let views: Vec<[String; 2]> =
        listed.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok()).collect();
    let mut broken = Vec::new();
    for views in views.chunks(VIEWS_AT_ONCE) {
        let tries = views.iter().map(|[database, name]| {
            format!("SHOW FIELDS FROM {}.{};", identifier(database), identifier(name))
        });
        let tries: Vec<String> = tries.collect();
        // It goes on behind each error, and tells the line of it.
        let tool = client.script(&tries.join("\n")).arg("--force");
        let run = runner.output(&tool).await.map_err(|error| client.classify("try the views", error))?;
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
