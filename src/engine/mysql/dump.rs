//! Plans of backups.

use super::facts::MySqlServer;
use super::history::History;
use super::rows::{UNCONVERTED, marked_rows};
use super::users;
use super::witness::DumpWitness;
use crate::engine::{DumpPart, EngineError, Producer, Scope};
use crate::model::{PartKind, help};
use crate::process::ToolSpec;

/// One snapshot, no waiting for locks, and everything that a database holds. No hexadecimal digits, which would be twice as
/// long as the bytes and more than the server takes in one statement. No `LOCK TABLES` around rows: MariaDB then refuses defaults that ask a sequence.
const OPTIONS: [&str; 6] = [
    "--single-transaction",
    "--quick",
    "--skip-add-locks",
    "--triggers",
    "--max-allowed-packet=1G",
    "--dump-date",
];

/// What belongs to a database and to none of its tables.
const BESIDE_TABLES: [&str; 2] = ["--routines", "--events"];

impl MySqlServer {
    pub(super) fn plan_dump(&self, scope: &Scope) -> Result<Vec<DumpPart>, EngineError> {
        check_extra_args(&self.client.connection.settings.extra_args)?;
        let databases = scope.choose(&self.facts.databases, |name| self.database(name))?;
        if databases.is_empty() && !scope.globals {
            return Err(EngineError::Refused {
                problem: format!("no database of {} is chosen", self.client.connection.address()),
                help: help!("Name databases, or exclude fewer of them."),
            });
        }
        let mut parts = Vec::with_capacity(databases.len() + 1);
        if scope.globals {
            parts.push(DumpPart {
                kind: PartKind::Globals,
                database: None,
                archive: None,
                extension: "sql",
                source: self.dump_users()?,
                witness: Box::new(users::witness()),
                estimate: 0,
                properties: serde_json::Value::Null,
            });
        }
        for database in databases {
            parts.push(DumpPart {
                kind: PartKind::Database,
                database: Some(database.name.clone()),
                archive: None,
                extension: "sql",
                source: self.dump_rows(&database.name)?,
                witness: Box::new(DumpWitness::new(self.own_needs())),
                estimate: database.bytes,
                properties: database.properties.clone(),
            });
        }
        Ok(parts)
    }

    /// A dump of one database, with rows as the bytes that they are.
    fn dump_rows(&self, name: &str) -> Result<Producer, EngineError> {
        let tool = self.dump_database(name, &[])?;
        Ok(match self.text() {
            Text::Converted(_) => Producer::Tool(tool),
            Text::Kept => Producer::Rewritten(tool, marked_rows()),
        })
    }

    /// What becomes of text that is not Unicode.
    pub(super) fn text(&self) -> Text {
        let extra_args = &self.client.connection.settings.extra_args;
        if let Some(arg) = extra_args.iter().find(|arg| converts(arg)) {
            return Text::Converted(ConversionReason::Argument(arg.clone()));
        }
        if self.flavor().unconverted.is_some() && !self.client.tools.dump_says_first {
            return Text::Converted(ConversionReason::OldTool);
        }
        Text::Kept
    }

    /// A dump of one database in the plain form: it names no database, so it can be restored under any name.
    pub(super) fn dump_database(&self, name: &str, more: &[&str]) -> Result<ToolSpec, EngineError> {
        let choice = self.choice(name)?;
        let mut tool = self.client.connection.tool(&self.client.tools.dump).args(OPTIONS);
        tool = match self.text() {
            Text::Converted(_) => tool.arg("--default-character-set=utf8mb4"),
            Text::Kept => tool
                .arg(format!("--default-character-set={UNCONVERTED}"))
                .args(self.flavor().unconverted.map(|sql| format!("--init-command={sql}"))),
        };
        if choice.tables.is_empty() {
            tool = tool.args(BESIDE_TABLES);
        }
        tool = tool.args(self.flavor().dump_options.iter().copied()).args(self.coordinate_options());
        if self.history(name, &choice) == History::Dumped {
            tool = tool.arg("--dump-history");
        }
        tool = tool.args(choice.excluded.iter().map(|table| format!("--ignore-table={name}.{table}")));
        tool = tool.args(self.skipped_views(name).map(|view| format!("--ignore-table={name}.{view}")));
        tool = tool.args(choice.rowless.iter().map(|table| format!("--ignore-table-data={name}.{table}")));
        tool =
            tool.args(self.client.connection.settings.extra_args.iter().cloned()).args(more.iter().copied());
        let broken = |table: &String| self.skipped_views(name).any(|view| view == table.as_str());
        let left =
            choice.tables.into_iter().filter(|table| !choice.excluded.contains(table) && !broken(table));
        Ok(tool.arg("--").arg(name).args(left))
    }

    /// Whether a dump can tell its place in the binary log; if not, what is missing.
    pub(super) fn coordinates(&self) -> Coordinates {
        if !self.is_on("log_bin") {
            return Coordinates::NoLog;
        }
        let able = self.flavor().coordinates_are_open
            || ((self.grants.everywhere("RELOAD") || self.grants.everywhere("FLUSH_TABLES"))
                && self.grants.everywhere("REPLICATION CLIENT"));
        if able { Coordinates::Told } else { Coordinates::NotAllowed }
    }

    fn coordinate_options(&self) -> Vec<&'static str> {
        let mut options = Vec::new();
        let told = self.coordinates() == Coordinates::Told;
        let flavor = self.flavor();
        if told {
            let old = flavor
                .old_coordinates
                .filter(|(version, _)| self.client.tools.dump.text.starts_with(version));
            options.push(old.map_or(flavor.coordinates, |(_, option)| option));
        }
        if let Some((commented, off)) = flavor.transaction_options {
            let numbered = self.variables.get("gtid_mode").is_some_and(|mode| mode != "OFF");
            options.push(if told && numbered { commented } else { off });
        }
        options
    }
}

/// What becomes of text of character sets that are not Unicode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// Every byte stays.
    Kept,
    /// It becomes UTF-8, and some characters others on the way back.
    Converted(ConversionReason),
}

/// Why text is converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConversionReason {
    /// This argument of the user's needs it.
    Argument(String),
    /// The dump tool cannot do otherwise.
    OldTool,
}

/// Whether a dump tells its place in the binary log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coordinates {
    /// It does.
    Told,
    /// The server keeps none.
    NoLog,
    /// The user may not ask.
    NotAllowed,
}

/// Options that ask for text in which the tool's connection must understand characters, or leave out what tells those of
/// a table.
const CONVERTING: [&str; 3] = ["where", "no-create-info", "create-options"];

/// Whether text is converted to UTF-8 in a dump with this argument.
fn converts(arg: &str) -> bool {
    let name = option_name(arg);
    CONVERTING.iter().any(|option| option.starts_with(&name))
}

/// Options, without dashes in front, that would change where, how or what is dumped, or where to connect.
const REFUSED: [&str; 58] = [
    "add-drop-database",
    "all-databases",
    "all-tablespaces",
    "apply-replica-statements",
    "apply-slave-statements",
    "comments",
    "compact",
    "compatible",
    "databases",
    "debug",
    "default-character-set",
    "defaults-extra-file",
    "defaults-file",
    "defaults-group-suffix",
    "delete-master-logs",
    "delete-source-logs",
    "dir",
    "dump-date",
    "dump-history",
    "dump-replica",
    "dump-slave",
    "flush-privileges",
    "force",
    "gtid",
    "help",
    "hex-blob",
    "host",
    "init-command",
    "lock-all-tables",
    "lock-tables",
    "log-error",
    "login-path",
    "master-data",
    "no-defaults",
    "no-login-paths",
    "no-set-names",
    "password",
    "port",
    "print-defaults",
    "protocol",
    "quick",
    "quote-names",
    "result-file",
    "set-charset",
    "set-gtid-purged",
    "single-transaction",
    "socket",
    "source-data",
    "system",
    "tab",
    "tables",
    "user",
    "users",
    "version",
    "xml",
    "opt",
    "parallel",
    "order-by-size",
];

/// In front of an option, and of the same meaning or the opposite.
const PREFIXES: [&str; 5] = ["loose-", "skip-", "disable-", "enable-", "maximum-"];

/// Refuses extra arguments of the dump tool that would break the stream. Only long options with their value in the same
/// word: anything else could be taken for the name of a database or table.
pub(super) fn check_extra_args(args: &[String]) -> Result<(), EngineError> {
    let refused = |arg: &str, why: &str| EngineError::Refused {
        problem: format!("the extra argument `{arg}` of the dump tool {why}"),
        help: help!("Take it out of `extra_args`; write options as `--option` or `--option=value`."),
    };
    for arg in args {
        let Some(long) = arg.strip_prefix("--").filter(|long| !long.is_empty()) else {
            return Err(refused(arg, "is no long option"));
        };
        let name = option_name(long);
        // The tools accept every unambiguous beginning of an option.
        if name.is_empty() || REFUSED.iter().any(|option| option.starts_with(&name)) {
            return Err(refused(arg, "would change where, how or what is dumped"));
        }
    }
    Ok(())
}

/// The name of an option without what may stand before and after it.
fn option_name(arg: &str) -> String {
    let name = arg.trim_start_matches('-').split('=').next().unwrap_or_default().replace('_', "-");
    let mut name = name.as_str();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        name = rest;
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_arguments_that_would_break_the_stream_are_refused() {
        let check = |arg: &str| check_extra_args(&[arg.to_owned()]);
        for good in
            ["--order-by-primary", "--where=a > 1", "--skip-tz-utc", "--complete-insert", "--insert-ignore"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "-f",
            "-fx",
            "shop",
            "--",
            "-",
            "--force",
            "--loose-force",
            "--databases",
            "--all_databases",
            "--skip-comments",
            "--compact",
            "--result-file=x",
            "--res=x",
            "--dump-replica",
            "--dump-slave=2",
            "--set-gtid-purged=ON",
            "--host=x",
            "--skip-quick",
            "--master-data",
            "--skip-opt",
        ] {
            assert!(check(bad).is_err(), "{bad} was accepted");
        }
    }
}
