//! What a server says of itself.

use super::check::unseen_finding;
use super::connection::Connection;
use super::flavor::Flavor;
use super::properties::ask_options;
use super::query::{Patience, Row, ask};
use super::quote::{identifier, literal, literals};
use super::tools::{self, ToolSet, ToolVersion};
use super::trial::TRIAL_DATABASE;
use crate::engine::{EngineError, Finding, LogicalDatabase, ServerFacts, TlsMode, names};
use crate::model::{ServerRole, Timestamp};
use crate::process::Runner;
use std::collections::BTreeMap;

/// Databases that every server makes for itself.
pub(super) const SYSTEM_DATABASES: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// What matters of the server's variables.
const VARIABLES: [&str; 12] = [
    "server_uuid",
    "server_uid",
    "log_bin",
    "gtid_mode",
    "read_only",
    "super_read_only",
    "innodb_read_only",
    "lower_case_table_names",
    "datadir",
    "event_scheduler",
    "max_allowed_packet",
    "partial_revokes",
];

/// An inspected server.
#[derive(Debug)]
pub(super) struct MySqlServer {
    pub(super) connection: Connection,
    pub(super) facts: ServerFacts,
    pub(super) version: ToolVersion,
    pub(super) tools: ToolSet,
    /// By lower-case name.
    pub(super) variables: BTreeMap<String, String>,
    /// Accounts that a backup of users takes; `None` when they may not be read.
    pub(super) accounts: Option<Vec<super::users::Account>>,
    /// What the connected user may do.
    pub(super) grants: super::grants::Grants,
    /// Tables that filters speak of, and what the engine needs to know of each.
    pub(super) tables: Vec<super::filter::Table>,
    /// Tables that keep the history of their rows.
    pub(super) versioned: Vec<super::history::VersionedTable>,
    /// Views that are left out because they are broken.
    pub(super) broken: Vec<super::broken::BrokenView>,
}

impl MySqlServer {
    pub(super) async fn inspect(runner: &dyn Runner, connection: Connection) -> Result<Self, EngineError> {
        let bin_dir = connection.settings.bin_dir.clone();
        let identify = |version| tools::identify(runner, connection.flavor, (bin_dir.as_deref(), version));
        let newest = identify(None).await?;
        let doing = "ask the server who it is";
        let sql = "SELECT VERSION(), @@version_comment, \
                   DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ');";
        let answer = ask(runner, (&connection, &newest), (doing, sql, Patience::Small)).await?;
        let greeting = one(doing, answer, 3)?;
        let version = served_version(&connection, &greeting[0])?;
        let tools = identify(Some(version)).await?;
        let server = (&connection, &tools);

        demand_encryption(runner, server).await?;
        let variables = variables(runner, server).await?;
        let databases = databases(runner, server).await?;
        let grants = super::grants::ask_grants(runner, server).await?;
        let accounts = super::users::ask_accounts(runner, server).await;
        let tables = super::filter::ask_tables(runner, server).await?;
        let versioned = super::history::ask_versioned(runner, server).await?;
        let broken = super::broken::ask_skipped(runner, server).await?;
        let replica =
            ask(runner, server, ("ask whom it follows", connection.flavor.replica_status, Patience::Small));
        // Whoever may not ask that is told nothing of it.
        let replica = replica.await.is_ok_and(|rows| !rows.is_empty());
        let facts = ServerFacts {
            version: bare_version(&greeting[0]),
            identity: variables.get(connection.flavor.identity).filter(|value| !value.is_empty()).cloned(),
            role: if replica { ServerRole::Replica } else { ServerRole::Primary },
            time: time(doing, &greeting[2])?,
            databases,
            tool: tools.describe(),
        };
        Ok(Self { connection, facts, version, tools, variables, accounts, grants, tables, versioned, broken })
    }

    /// Asks this server.
    pub(super) async fn ask(
        &self,
        runner: &dyn Runner,
        (doing, sql, patience): (&str, &str, Patience),
    ) -> Result<Vec<Row>, EngineError> {
        ask(runner, (&self.connection, &self.tools), (doing, sql, patience)).await
    }

    pub(super) fn flavor(&self) -> &'static Flavor {
        self.connection.flavor
    }

    /// Whether the connected user sees every database of the server.
    pub(super) fn sees_every_database(&self) -> bool {
        let seen = |name: &str| self.facts.databases.iter().any(|database| database.name == name);
        self.grants.hides_nothing(|name| seen(name) || SYSTEM_DATABASES.contains(&name))
    }

    /// The database `name`, or why it cannot be had.
    pub(super) fn database(&self, name: &str) -> Result<&LogicalDatabase, EngineError> {
        let found = self.facts.databases.iter().find(|database| database.name == name);
        found.ok_or_else(|| {
            if !self.sees_every_database() {
                let Finding { problem, help, .. } =
                    unseen_finding(name, &identifier(&self.connection.settings.user));
                return EngineError::Privilege { problem, help };
            }
            let existing = self.facts.databases.iter().map(|database| database.name.as_str());
            names::not_found("database", name, &format!(" on {}", self.connection.address()), existing)
        })
    }

    /// Whether the variable is on.
    pub(super) fn is_on(&self, variable: &str) -> bool {
        self.variables.get(variable).is_some_and(|value| value == "ON" || value == "1")
    }
}

/// Refuses a server of the other family, and one that is too old.
fn served_version(connection: &Connection, text: &str) -> Result<ToolVersion, EngineError> {
    let (flavor, told) = (connection.flavor, Flavor::told_by(text));
    if told.kind != flavor.kind {
        return Err(EngineError::Version {
            problem: format!("{} is {} {text}, not {}", connection.address(), told.name, flavor.name),
            help: format!("Write `engine = \"{}\"` in its entry.", told.kind),
        });
    }
    let version = ToolVersion::parse(text);
    version.filter(|version| *version >= flavor.oldest).ok_or_else(|| EngineError::Version {
        problem: format!("{} {text} is older than {}", flavor.name, flavor.oldest),
        help: format!("Upgrade the server to {} {} or newer.", flavor.name, flavor.oldest),
    })
}

/// MariaDB's tools go on without encryption where a server offers none, whatever they were told, unless they verify its
/// certificate.
async fn demand_encryption(runner: &dyn Runner, server: (&Connection, &ToolSet)) -> Result<(), EngineError> {
    const DOING: &str = "ask whether the connection is encrypted";
    let settings = server.0.settings.as_ref();
    if settings.socket.is_some() || matches!(settings.tls.mode, TlsMode::Disable | TlsMode::Prefer) {
        return Ok(());
    }
    let answer =
        ask(runner, server, (DOING, "SHOW SESSION STATUS LIKE 'Ssl_cipher';", Patience::Small)).await?;
    if answer.first().and_then(|row| row.get(1)).is_some_and(|cipher| !cipher.is_empty()) {
        return Ok(());
    }
    let problem = "the server offers no encryption, and `tls.mode` demands it".to_owned();
    Err(EngineError::Unreachable { address: server.0.address(), problem })
}

/// "10.11.19" of "10.11.19-MariaDB-0+deb12u1-log".
fn bare_version(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].to_owned()
}

fn time(doing: &str, text: &str) -> Result<Timestamp, EngineError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|error| EngineError::Answer { question: doing.to_owned(), problem: error.to_string() })
}

/// The only row of an answer, with `fields` fields.
pub(super) fn one(doing: &str, answer: Vec<Row>, fields: usize) -> Result<Row, EngineError> {
    let row = answer.into_iter().next().filter(|row| row.len() == fields);
    row.ok_or_else(|| EngineError::Answer {
        question: doing.to_owned(),
        problem: format!("not one row of {fields} fields"),
    })
}

async fn variables(
    runner: &dyn Runner,
    server: (&Connection, &ToolSet),
) -> Result<BTreeMap<String, String>, EngineError> {
    // Those that a version does not have are just not there.
    let sql = format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({});", literals(VARIABLES));
    let answer = ask(runner, server, ("ask for the server's settings", &sql, Patience::Small)).await?;
    let pairs = answer.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
    Ok(pairs.map(|[name, value]| (name.to_ascii_lowercase(), value)).collect())
}

async fn databases(
    runner: &dyn Runner,
    server: (&Connection, &ToolSet),
) -> Result<Vec<LogicalDatabase>, EngineError> {
    const DOING: &str = "ask the server what it holds";
    let sql = format!(
        "SELECT s.SCHEMA_NAME, s.DEFAULT_CHARACTER_SET_NAME, s.DEFAULT_COLLATION_NAME,
  (SELECT COALESCE(SUM(t.DATA_LENGTH + t.INDEX_LENGTH), 0) FROM information_schema.TABLES t
    WHERE t.TABLE_SCHEMA = s.SCHEMA_NAME AND t.TABLE_TYPE <> 'VIEW')
FROM information_schema.SCHEMATA s WHERE LOWER(s.SCHEMA_NAME) NOT IN ({}) AND s.SCHEMA_NAME NOT LIKE '#mysql50#%'
  AND LEFT(s.SCHEMA_NAME, {}) <> {}
ORDER BY s.SCHEMA_NAME;",
        literals(SYSTEM_DATABASES),
        TRIAL_DATABASE.len(),
        literal(TRIAL_DATABASE)
    );
    let answer = ask(runner, server, (DOING, &sql, Patience::Small)).await?;
    let mut options = ask_options(runner, server).await;
    let mut databases = Vec::with_capacity(answer.len());
    for row in answer {
        let [name, charset, collation, bytes] =
            <[String; 4]>::try_from(row).map_err(|row| EngineError::Answer {
                question: DOING.to_owned(),
                problem: format!("a row of {} fields", row.len()),
            })?;
        let mut properties = serde_json::json!(options.remove(&name).unwrap_or_default());
        properties["charset"] = charset.into();
        properties["collation"] = collation.into();
        databases.push(LogicalDatabase { name, bytes: bytes.parse().unwrap_or(0), properties });
    }
    databases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(databases)
}
