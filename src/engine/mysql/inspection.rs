//! What a server is asked first.

use super::accounts::ask_accounts;
use super::broken::ask_skipped;
use super::client::{Client, Question};
use super::connection::Connection;
use super::events::DisabledEvents;
use super::facts::MySqlServer;
use super::flavor::Flavor;
use super::grants::ask_grants;
use super::properties::ask_options;
use super::quote::{literal, literals};
use super::reserved::{SYSTEM_DATABASES, TRIAL_DATABASE};
use super::tables::{ask_tables, ask_versioned};
use super::tools::ToolSearch;
use super::version::ToolVersion;
use crate::engine::{EngineError, LogicalDatabase, ServerFacts, TlsMode};
use crate::model::{ServerRole, Timestamp, help};
use crate::process::Runner;
use std::collections::BTreeMap;

/// What matters of the server's variables.
const VARIABLES: [&str; 15] = [
    "server_uuid",
    "server_uid",
    "log_bin",
    "gtid_mode",
    "read_only",
    "super_read_only",
    "innodb_read_only",
    "lower_case_table_names",
    "datadir",
    "innodb_page_size",
    "innodb_data_file_path",
    "hostname",
    "event_scheduler",
    "max_allowed_packet",
    "partial_revokes",
];

impl MySqlServer {
    pub(super) async fn inspect(runner: &dyn Runner, connection: Connection) -> Result<Self, EngineError> {
        let bin_dir = connection.settings.bin_dir.clone();
        let search = ToolSearch { runner, flavor: connection.flavor, bin_dir: bin_dir.as_deref() };
        let mut client = Client { connection, tools: search.tools(None).await? };
        let doing = "ask the server who it is";
        let sql = "SELECT VERSION(), @@version_comment, \
                   DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ');";
        let greeting = client.ask_row(runner, &Question::short(doing, sql), 3).await?;
        let version = served_version(&client.connection, &greeting[0])?;
        client.tools = search.tools(Some(version)).await?;
        let flavor = client.connection.flavor;

        demand_encryption(runner, &client).await?;
        let variables = variables(runner, &client).await?;
        let databases = databases(runner, &client).await?;
        let grants = ask_grants(runner, &client).await?;
        let accounts = ask_accounts(runner, &client).await;
        let tables = ask_tables(runner, &client).await?;
        let versioned = ask_versioned(runner, &client).await?;
        let broken = ask_skipped(runner, &client).await?;
        let question = Question::short("ask whom it follows", flavor.replica_status);
        let replica = client.ask(runner, &question);
        // Whoever may not ask that is told nothing of it.
        let replica = replica.await.is_ok_and(|rows| !rows.is_empty());
        let facts = ServerFacts {
            version: bare_version(&greeting[0]),
            identity: variables.get(flavor.identity).filter(|value| !value.is_empty()).cloned(),
            role: if replica { ServerRole::Replica } else { ServerRole::Primary },
            time: time(doing, &greeting[2])?,
            databases,
            tool: client.tools.describe(),
        };
        Ok(Self {
            client,
            facts,
            version,
            variables,
            accounts,
            grants,
            tables,
            versioned,
            broken,
            events: DisabledEvents::default(),
        })
    }
}

/// Refuses a server of the other family, and one that is too old.
fn served_version(connection: &Connection, text: &str) -> Result<ToolVersion, EngineError> {
    let (flavor, told) = (connection.flavor, Flavor::told_by(text));
    if told.kind != flavor.kind {
        return Err(EngineError::Version {
            problem: format!("{} is {} {text}, not {}", connection.address(), told.name, flavor.name),
            help: help!("Write `engine = \"{}\"` in its entry.", told.kind),
        });
    }
    let version = ToolVersion::parse(text);
    version.filter(|version| *version >= flavor.oldest).ok_or_else(|| EngineError::Version {
        problem: format!("{} {text} is older than {}", flavor.name, flavor.oldest),
        help: help!("Upgrade the server to {} {} or newer.", flavor.name, flavor.oldest),
    })
}

/// MariaDB's tools go on without encryption where a server offers none, whatever they were told, unless they verify its
/// certificate.
async fn demand_encryption(runner: &dyn Runner, client: &Client) -> Result<(), EngineError> {
    const DOING: &str = "ask whether the connection is encrypted";
    let settings = client.connection.settings.as_ref();
    if settings.socket.is_some() || matches!(settings.tls.mode, TlsMode::Disable | TlsMode::Prefer) {
        return Ok(());
    }
    let answer =
        client.ask(runner, &Question::short(DOING, "SHOW SESSION STATUS LIKE 'Ssl_cipher';")).await?;
    if answer.first().and_then(|row| row.get(1)).is_some_and(|cipher| !cipher.is_empty()) {
        return Ok(());
    }
    let problem = "the server offers no encryption, and `tls.mode` demands it".to_owned();
    Err(EngineError::Unreachable { address: client.connection.address(), problem })
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

async fn variables(runner: &dyn Runner, client: &Client) -> Result<BTreeMap<String, String>, EngineError> {
    // Those that a version does not have are just not there.
    let sql = format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({});", literals(VARIABLES));
    let answer = client.ask(runner, &Question::short("ask for the server's settings", &sql)).await?;
    let pairs = answer.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
    Ok(pairs.map(|[name, value]| (name.to_ascii_lowercase(), value)).collect())
}

async fn databases(runner: &dyn Runner, client: &Client) -> Result<Vec<LogicalDatabase>, EngineError> {
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
    let answer = client.ask(runner, &Question::short(DOING, &sql)).await?;
    let mut options = ask_options(runner, client).await;
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
