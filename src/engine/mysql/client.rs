//! Questions to a server through its own client program. SQL goes in by standard input: an argument would show in the process
//! list. Answers are rows of texts, as the client's batch mode writes them.

use super::connection::Connection;
use super::tools::ToolSet;
use crate::engine::EngineError;
use crate::model::help;
use crate::process::{Runner, ToolError, ToolSpec};
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest that a small question may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// In front of every script: a server's own `sql_mode` may read quotes and backslashes in another way.
const PROLOGUE: &str = "SET SESSION sql_mode = '';\n";

/// Errors of the client itself, of the connection above all; servers number theirs from 1000 to 1999 and above 3000.
const CANNOT_CONNECT: [&str; 9] = ["2001", "2002", "2003", "2004", "2005", "2006", "2012", "2013", "2055"];
const LOGIN: [&str; 8] = ["1045", "1044", "1698", "1862", "1820", "3118", "2061", "1130"];
const PRIVILEGE: [&str; 6] = ["1142", "1143", "1227", "1370", "1419", "1410"];

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// What it is for, in messages: "list the tables".
    doing: &'a str,
    sql: &'a str,
    /// How long the answer may take; `None` is as long as it takes.
    timeout: Option<Duration>,
}

impl<'a> Question<'a> {
    /// One that is answered in a moment.
    pub(super) fn short(doing: &'a str, sql: &'a str) -> Self {
        Self { doing, sql, timeout: Some(PATIENCE) }
    }

    /// One for which the server reads every row.
    pub(super) fn long(doing: &'a str, sql: &'a str) -> Self {
        Self { doing, sql, timeout: None }
    }
}

/// One row of an answer.
pub(super) type Row = Vec<String>;

/// A server, and the programs that fit it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) connection: Connection,
    pub(super) tools: ToolSet,
}

impl Client {
    /// A client that runs `sql`, outside of any database, and stops at the first error.
    pub(super) fn script(&self, sql: &str) -> ToolSpec {
        let Self { connection, tools } = self;
        let options = ["--batch", "--skip-column-names", "--binary-mode", "--unbuffered"];
        let mut tool = connection
            .tool(&tools.client)
            .args(options)
            .args(connection.flavor.client_options.iter().copied());
        tool.stdin = format!("{PROLOGUE}{sql}\n").into_bytes();
        tool
    }

    /// The path of the client program, for people.
    pub(super) fn describe(&self) -> String {
        self.tools.client.path.display().to_string()
    }

    /// Runs statements that are bytes of some character set; `doing` is for messages.
    pub(super) async fn run_bytes(
        &self,
        runner: &dyn Runner,
        doing: &str,
        sql: &[u8],
    ) -> Result<(), EngineError> {
        let mut tool = self.script("");
        tool.stdin.extend_from_slice(sql);
        tool.timeout = Some(PATIENCE);
        runner.output(&tool).await.map(|_| ()).map_err(|error| self.classify(doing, error))
    }

    /// The rows of the answer.
    pub(super) async fn ask(
        &self,
        runner: &dyn Runner,
        question: &Question<'_>,
    ) -> Result<Vec<Row>, EngineError> {
        self.answer(runner, question, self.script(question.sql)).await
    }

    /// The only row of the answer, with `fields` fields.
    pub(super) async fn ask_row(
        &self,
        runner: &dyn Runner,
        question: &Question<'_>,
        fields: usize,
    ) -> Result<Row, EngineError> {
        let answer = self.ask(runner, question).await?;
        let row = answer.into_iter().next().filter(|row| row.len() == fields);
        row.ok_or_else(|| EngineError::Answer {
            question: question.doing.to_owned(),
            problem: format!("not one row of {fields} fields"),
        })
    }

    /// The rows of the answer whose columns differ between versions, so each is a map from their names.
    pub(super) async fn ask_named(
        &self,
        runner: &dyn Runner,
        question: &Question<'_>,
    ) -> Result<Vec<BTreeMap<String, String>>, EngineError> {
        let tool = self.script(question.sql).arg("--column-names");
        let mut rows = self.answer(runner, question, tool).await?.into_iter();
        let names = rows.next().unwrap_or_default();
        Ok(rows.map(|row| names.iter().cloned().zip(row).collect()).collect())
    }

    async fn answer(
        &self,
        runner: &dyn Runner,
        question: &Question<'_>,
        mut tool: ToolSpec,
    ) -> Result<Vec<Row>, EngineError> {
        tool.timeout = question.timeout;
        let run = runner.output(&tool).await.map_err(|error| self.classify(question.doing, error))?;
        let text = String::from_utf8_lossy(&run.stdout);
        // Not `lines`, which takes a carriage return that ends a field for the end of a line.
        let lines = text.split_terminator('\n');
        Ok(lines.map(|line| line.split('\t').map(unescaped).collect()).collect())
    }

    /// What the failure of a client means, by the number of its error.
    pub(super) fn classify(&self, doing: &str, error: ToolError) -> EngineError {
        let connection = &self.connection;
        let address = connection.address();
        let user = connection.settings.user.clone();
        let ToolError::Failed { ref stderr, .. } = error else {
            return EngineError::Tool { doing: doing.to_owned(), source: error };
        };
        let problem = gist(stderr);
        let number = error_number(&problem);
        let numbered = |numbers: &[&str]| numbers.iter().any(|other| Some(*other) == number);
        let plugin = number == Some("2059") || number == Some("1524");
        if numbered(&PRIVILEGE) {
            let help = help!("Grant that right to `{user}`; `jagad check` names it.");
            return EngineError::Privilege { problem: format!("{doing}: {problem}"), help };
        }
        if plugin {
            let help = help!(
                "The client programs of {} here lack the plugin that `{user}` logs in with: install the package that \
                 brings it, or alter the user to one that they have. Or it is a server of the other family: see `engine`.",
                connection.flavor.name
            );
            return EngineError::Prerequisite { problem: format!("{address}: {problem}"), help };
        }
        if numbered(&LOGIN) {
            return EngineError::Login { address, user, problem };
        }
        if numbered(&CANNOT_CONNECT) || number == Some("2026") {
            return EngineError::Unreachable { address, problem };
        }
        EngineError::Tool { doing: doing.to_owned(), source: error }
    }
}

/// The field as it was: the client writes four characters as escapes.
pub(super) fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            (c, false) => text.push(c),
        }
    }
    text
}

/// The first line that speaks of an error.
fn gist(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines().find(|line| error_number(line).is_some()).or_else(|| lines().next());
    line.unwrap_or("it said nothing").to_owned()
}

/// The number of `ERROR 1045 (28000): …`, `Got error: 1045: …` and `… (1146)`.
fn error_number(line: &str) -> Option<&str> {
    let rest = line.split_once("ERROR ").or_else(|| line.split_once("error: ")).map(|(_, rest)| rest)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (end == 4).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_as_they_were() {
        for (field, text) in [
            ("plain", "plain"),
            ("a\\nb\\tc\\\\d\\0", "a\nb\tc\\d\0"),
            ("", ""),
            ("end\\", "end\\"),
            ("ö", "ö"),
        ] {
            assert_eq!(unescaped(field), text);
        }
    }

    #[test]
    fn the_number_of_an_error_is_found() {
        for (line, number) in [
            ("ERROR 1045 (28000): Access denied", Some("1045")),
            ("mysqldump: Got error: 2003: Can't connect", Some("2003")),
            ("ERROR: no number", None),
            ("nothing", None),
        ] {
            assert_eq!(error_number(line), number, "{line}");
        }
    }
}
