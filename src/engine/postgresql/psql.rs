//! Questions to a server, as SQL that gives one JSON value, and statements that change it. SQL goes in by standard
//! input: an argument would show in the process list. There a backslash outside of quotes begins a command of psql's own.
//! Questions of this program use some; what a backup brings never gets to one: names and texts are quoted without
//! backslashes, and [`statements`] takes none at all.

use super::connection::Connection;
use super::tools::ToolSet;
use crate::engine::EngineError;
use crate::model::help;
use crate::process::{Runner, ToolError, ToolSpec};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The longest that a small question may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What to ask where.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// For messages: "list the databases".
    pub(super) doing: &'a str,
    /// Database to ask in.
    pub(super) database: &'a str,
    /// Gives exactly one JSON value.
    pub(super) sql: &'a str,
    /// How long it may take.
    pub(super) patience: Patience,
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Two minutes.
    Small,
    /// As long as it takes: it reads every row.
    Endless,
}

/// A psql that runs `sql`, which may hold something of a backup, in `database` and stops at the first error.
pub(super) fn statements(
    connection: &Connection,
    set: &ToolSet,
    database: &str,
    sql: &str,
) -> Result<ToolSpec, EngineError> {
    if sql.contains('\\') {
        let problem = "a statement of the restore has a backslash where psql would run it".to_owned();
        return Err(EngineError::Archive { problem });
    }
    Ok(script(connection, set, database, sql))
}

/// A psql that runs `sql`, which is this program's own and may have commands of psql's, in `database` and stops at the first
/// error.
pub(super) fn script(connection: &Connection, set: &ToolSet, database: &str, sql: &str) -> ToolSpec {
    let mut tool = connection.tool(set, "psql", database).args(["-XAtq", "-v", "ON_ERROR_STOP=1"]);
    tool.env.push(("PGCLIENTENCODING".to_owned(), "UTF8".to_owned()));
    // A database may set a short timeout for all: it is lifted before anything else.
    tool.stdin = format!(
        "SET statement_timeout = 0;\nSET search_path = pg_catalog, pg_temp;\nSET standard_conforming_strings = on;\n{sql}\n"
    )
    .into_bytes();
    tool
}

/// Asks and understands the answer.
pub(super) async fn ask<T: DeserializeOwned>(
    runner: &dyn Runner,
    connection: &Connection,
    set: &ToolSet,
    question: Question<'_>,
) -> Result<T, EngineError> {
    let mut tool = script(connection, set, question.database, question.sql);
    tool.timeout = (question.patience == Patience::Small).then_some(PATIENCE);
    let run = runner.output(&tool).await.map_err(|error| classify(connection, question.doing, error))?;
    serde_json::from_slice(&run.stdout).map_err(|error| EngineError::Answer {
        question: question.doing.to_owned(),
        problem: error.to_string(),
    })
}

/// Status of psql when the connection failed, and when a statement did.
const STATUS_CONNECTION: i32 = 2;
const STATUS_STATEMENT: i32 = 3;

/// What the failure of a psql means. Only the words tell: psql has one status for every failure to connect.
pub(super) fn classify(connection: &Connection, doing: &str, error: ToolError) -> EngineError {
    let address = connection.address();
    let user = connection.settings.user.clone();
    let ToolError::Failed { status, ref stderr, .. } = error else {
        return EngineError::Tool { doing: doing.to_owned(), source: error };
    };
    let said = |words: &[&str]| words.iter().any(|words| stderr.contains(words));
    let problem = gist(stderr);
    if status == STATUS_STATEMENT && said(&["permission denied", "must be owner of", "must be superuser"]) {
        let help = help!("Let a role with that right run it, or grant it to `{user}`.");
        return EngineError::Privilege { problem: format!("{doing}: {problem}"), help };
    }
    if status != STATUS_CONNECTION {
        return EngineError::Tool { doing: doing.to_owned(), source: error };
    }
    if said(&["permission denied for database"]) {
        let help = help!("GRANT CONNECT ON DATABASE … TO {};", super::quote::identifier(&user));
        return EngineError::Privilege { problem: format!("{doing}: {problem}"), help };
    }
    if said(&["FATAL:  database \"", "FATAL: database \""]) && said(&["does not exist"]) {
        let help = help!("Correct the name, or `maintenance_database` when that one is missing.");
        return EngineError::NotFound { what: problem, place: format!(" on {address}"), help };
    }
    let login = [
        "authentication failed",
        "no password supplied",
        "no pg_hba.conf entry",
        "pg_hba.conf rejects",
        "is not permitted to log in",
        "\" does not exist",
        "certificate",
    ];
    if said(&login) && said(&["FATAL:", "no password supplied"]) {
        return EngineError::Login { address, user, problem };
    }
    EngineError::Unreachable { address, problem }
}

/// The first line that says something, without psql's own name.
fn gist(stderr: &str) -> String {
    let line = stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    line.trim_start_matches("psql: ").trim_start_matches("error: ").to_owned()
}
