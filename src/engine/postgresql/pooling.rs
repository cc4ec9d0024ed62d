//! A connection pooler may give each transaction of a session to another session of the server. Then what a tool has set is
//! missing in its next statement, and is there for applications, to which it was never said.

use super::connection::Connection;
use super::psql::{Patience, Question, ask};
use super::quote::literal;
use super::tools::ToolSet;
use crate::engine::EngineError;
use crate::model::{help, random_word};
use crate::process::Runner;
use std::fmt::Write as _;

/// A variable that means nothing to a server.
const VARIABLE: &str = "jagad.session";
const TOKEN_LENGTH: usize = 12;
/// How often a session is asked for what it has set. On a busy pool its statements soon get to another session of the server.
const QUESTIONS: usize = 8;

/// Fails where sessions are not kept together: what one has set must be there as long as it lasts, and for no other one.
pub(super) async fn refuse_shared_sessions(
    runner: &dyn Runner,
    connection: &Connection,
    tool: &ToolSet,
) -> Result<(), EngineError> {
    let token = random_word(TOKEN_LENGTH);
    let database = &connection.settings.maintenance_database;
    let question = |sql| Question {
        doing: "ask whether a session stays the same",
        database,
        sql,
        patience: Patience::Small,
    };
    let (first, second) = (kept_sql(&token), found_sql(&token));
    let kept: Vec<bool> = ask(runner, connection, tool, question(&first)).await?;
    // Another session, which finds it only where it was given the first one's.
    let found: bool = ask(runner, connection, tool, question(&second)).await?;
    if kept.iter().all(|kept| *kept) && !found {
        return Ok(());
    }
    Err(EngineError::Prerequisite {
        problem: format!(
            "the connection pooler at {} shares sessions of the server between clients, so that settings of pg_dump and \
             pg_restore get lost and reach applications",
            connection.address()
        ),
        help: help!("Name the server itself, or a pool with `pool_mode = session`."),
    })
}

fn is_set(token: &str) -> String {
    format!("current_setting('{VARIABLE}', true) IS NOT DISTINCT FROM {}", literal(token))
}

/// Sets it, and tells of each of the next statements whether it is there.
fn kept_sql(token: &str) -> String {
    let mut sql = format!("SET {VARIABLE} = {};\n", literal(token));
    let mut names = Vec::new();
    for number in 0..QUESTIONS {
        let _ = writeln!(sql, "SELECT {} AS kept_{number} \\gset", is_set(token));
        names.push(format!(":'kept_{number}'::bool"));
    }
    let _ = write!(sql, "SELECT json_build_array({});", names.join(", "));
    sql
}

fn found_sql(token: &str) -> String {
    format!("SELECT {} AS found \\gset\nSET {VARIABLE} = '';\nSELECT to_json(:'found'::bool);", is_set(token))
}
