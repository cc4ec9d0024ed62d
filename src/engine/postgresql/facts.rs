//! Facts about a server.

use super::connection::Connection;
use super::pooling::refuse_shared_sessions;
use super::properties::properties_sql;
use super::psql::{Patience, Question, ask};
use super::settings::split_names;
use super::tools::{self, ToolSet, major_of};
use crate::engine::names;
use crate::engine::{EngineError, LogicalDatabase, ServerFacts, Unfit};
use crate::model::{ServerRole, Timestamp, help};
use crate::process::Runner;
use serde::Deserialize;

/// The oldest server whose behaviour was tried: `DROP DATABASE … WITH (FORCE)` came with it.
const OLDEST_MAJOR: u32 = 13;

/// Makes a server end the session of a client that has died, instead of keeping its locks (14 and newer, where the
/// operating system allows it).
const NOTICE_DEAD_CLIENTS: &str = "client_connection_check_interval=1000";

/// A database may have a limit of its own, which would end a question before that can lift it.
const NO_LIMIT: &str = "statement_timeout=0";

/// An inspected server.
#[derive(Debug)]
pub(super) struct PostgreSqlServer {
    pub(super) connection: Connection,
    pub(super) facts: ServerFacts,
    pub(super) major: u32,
    pub(super) superuser: bool,
    /// Databases that cannot be dumped because they take no connections.
    pub(super) closed: Vec<String>,
    /// Databases that cannot be dumped because somebody's `DROP DATABASE` was interrupted.
    pub(super) invalid: Vec<String>,
    /// Libraries that it loads at its start, where the role may know.
    pub(super) preloaded: Vec<String>,
    /// Every installed set of client programs.
    pub(super) tools: Vec<ToolSet>,
    /// The set that fits the server.
    pub(super) tool: ToolSet,
}

#[derive(Debug, Deserialize)]
struct Greeting {
    version: String,
    number: u32,
    replica: bool,
    superuser: bool,
    linux: bool,
}

#[derive(Debug, Deserialize)]
struct FactsRow {
    identity: Option<String>,
    time: Timestamp,
    databases: Vec<LogicalDatabase>,
    closed: Vec<String>,
    invalid: Vec<String>,
    preloaded: Option<String>,
    /// Whether the session has the setting that it was begun with.
    marked: bool,
}

const GREETING: &str = "SELECT json_build_object('version', current_setting('server_version'),
  'number', current_setting('server_version_num')::int, 'replica', pg_is_in_recovery(),
  'superuser', current_setting('is_superuser') = 'on', 'linux', version() ~ 'linux');";

/// Tells a session that took its settings from one that lost them on the way.
const MARK: &str = "jagad.marked=yes";

/// The connection limit of a database whose `DROP DATABASE` was interrupted; nobody can connect to it.
pub(super) const INVALID: i32 = -2;

/// The right to call `pg_control_system` is checked before any `CASE` around it, so psql itself must leave it out.
const IDENTITY: &str = "SELECT has_function_privilege('pg_control_system()', 'execute') AS allowed \\gset
\\if :allowed
SELECT system_identifier::text AS identity FROM pg_control_system() \\gset
\\else
\\set identity ''
\\endif
";

impl PostgreSqlServer {
    pub(super) async fn inspect(runner: &dyn Runner, plain: Connection) -> Result<Self, EngineError> {
        let tools = tools::identify(runner, plain.settings.bin_dir.as_deref()).await?;
        let newest = tools.iter().max_by_key(|set| set.major).unwrap_or(&tools[0]).clone();
        let maintenance = plain.settings.maintenance_database.clone();
        let question =
            |sql, doing| Question { doing, database: &maintenance, sql, patience: Patience::Small };
        let greeting: Greeting =
            ask(runner, &plain, &newest, question(GREETING, "ask the server for its version")).await?;
        let major = greeting.number / 10_000;
        if major < OLDEST_MAJOR {
            return Err(EngineError::Version {
                problem: format!("PostgreSQL {} is older than {OLDEST_MAJOR}", greeting.version),
                help: help!("Upgrade the server to PostgreSQL {OLDEST_MAJOR} or newer."),
            });
        }
        let tool = tools::fitting(&tools, major)
            .cloned()
            .ok_or_else(|| tools::missing("pg_dump", Some(major), plain.settings.bin_dir.as_deref()))?;

        let sql = inventory_sql(major);
        let doing = "ask the server what it holds";
        let mut connection = plain.with_option(NO_LIMIT);
        if major >= 14 && greeting.linux {
            connection = connection.with_option(NOTICE_DEAD_CLIENTS);
        }
        let marked = connection.with_option(MARK);
        let mut answer: Result<FactsRow, _> = ask(runner, &marked, &tool, question(&sql, doing)).await;
        if !answer.as_ref().is_ok_and(|inventory| inventory.marked) {
            // A connection pooler in between may refuse settings of its own sessions, or pass over them.
            connection = plain.without_options();
            answer = ask(runner, &connection, &tool, question(&sql, doing)).await;
            if answer.is_ok() {
                refuse_shared_sessions(runner, &connection, &tool).await?;
            }
        }
        let inventory = answer?;
        let version = greeting.version.split_whitespace().next().unwrap_or_default().to_owned();
        let facts = ServerFacts {
            version,
            identity: inventory.identity,
            role: if greeting.replica { ServerRole::Replica } else { ServerRole::Primary },
            time: inventory.time,
            databases: inventory.databases,
            tool: format!("pg_dump {}", tool.version),
        };
        let superuser = greeting.superuser;
        let preloaded = inventory.preloaded.as_deref().map(split_names).unwrap_or_default();
        Ok(Self {
            connection,
            facts,
            major,
            superuser,
            closed: inventory.closed,
            invalid: inventory.invalid,
            preloaded,
            tools,
            tool,
        })
    }

    /// A question to one of its databases.
    pub(super) async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        runner: &dyn Runner,
        question: Question<'_>,
    ) -> Result<T, EngineError> {
        ask(runner, &self.connection, &self.tool, question).await
    }

    /// The database `name`; an error if it does not exist or accepts no connections.
    pub(super) fn database(&self, name: &str) -> Result<&LogicalDatabase, EngineError> {
        let found = self.facts.databases.iter().find(|database| database.name == name);
        found.ok_or_else(|| {
            if let Some(Unfit { reason, help, .. }) = self.unusable().find(|unfit| unfit.database == name) {
                return EngineError::Prerequisite { problem: format!("database `{name}`: {reason}"), help };
            }
            let existing = self.facts.databases.iter().map(|database| database.name.as_str());
            names::not_found("database", name, &format!(" on {}", self.connection.address()), existing)
        })
    }

    /// The role of the connection.
    pub(super) fn user(&self) -> &str {
        &self.connection.settings.user
    }

    /// The major version that `version` tells, of a dump or another server.
    pub(super) fn major_of_dump(version: &str) -> u32 {
        major_of(version).unwrap_or(0)
    }
}

fn inventory_sql(major: u32) -> String {
    format!(
        "{IDENTITY}SELECT json_build_object('identity', nullif(:'identity', ''),
  'marked', current_setting('jagad.marked', true) IS NOT DISTINCT FROM 'yes',
  'time', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
  'databases', (SELECT coalesce(json_agg(json_build_object('name', d.datname,
      'bytes', CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END,
      'properties', {}) ORDER BY d.datname), '[]')
    FROM pg_database d LEFT JOIN pg_tablespace t ON t.oid = d.dattablespace
    WHERE d.datallowconn AND NOT d.datistemplate AND d.datconnlimit <> {INVALID}),
  'preloaded', (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries'),
  'closed', (SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database
    WHERE NOT datallowconn AND NOT datistemplate AND datconnlimit <> {INVALID}),
  'invalid', (SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database
    WHERE datconnlimit = {INVALID}));",
        properties_sql(major)
    )
}
