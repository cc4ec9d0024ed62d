//! The removal of a database that others may be using: it waits for them, and says for whom.

use super::client::{Client, Question, Row};
use super::facts::MySqlServer;
use super::quote::{identifier, literal};
use crate::engine::{Action, EngineError, Finding, Step};
use crate::model::help;
use crate::process::Runner;
use async_trait::async_trait;
use std::sync::Arc;

/// Seconds of one try. Everybody who comes later waits behind it.
const TRY_SECONDS: u32 = 5;

/// Tries before it is given up.
const TRIES: u32 = 120;

/// The error of a lock that was not to be had.
const LOCKED: &str = "ERROR 1205";

/// Drops one database.
#[derive(Debug)]
struct DropDatabase {
    client: Client,
    database: String,
    /// Said before.
    prologue: &'static str,
}

/// The step that drops `database`.
pub(super) fn drop_database(client: &Client, database: &str, prologue: &'static str) -> Step {
    Step::Native(Arc::new(DropDatabase { client: client.clone(), database: database.to_owned(), prologue }))
}

#[async_trait]
impl Action for DropDatabase {
    fn describe(&self) -> Vec<String> {
        vec![self.client.describe(), format!("DROP DATABASE IF EXISTS {};", identifier(&self.database))]
    }

    async fn run(&self, runner: &dyn Runner) -> Result<(), EngineError> {
        let doing = format!("drop `{}`", self.database);
        let sql = format!(
            "SET SESSION lock_wait_timeout = {TRY_SECONDS};\n{}DROP DATABASE IF EXISTS {};",
            self.prologue,
            identifier(&self.database)
        );
        let mut told = String::new();
        for left in (0..TRIES).rev() {
            let tool = self.client.script(&sql);
            let error = match runner.output(&tool).await {
                Ok(_) => return Ok(()),
                Err(error) if error.to_string().contains(LOCKED) => error,
                Err(error) => return Err(self.client.classify(&doing, error)),
            };
            let Users { who, kill } = self.users(runner).await;
            if left == 0 {
                let problem = format!("`{}` cannot be dropped, because it is used by {who}", self.database);
                let help =
                    help!("Let it finish, or end it ({kill}), and restore again. Nothing was removed.");
                tracing::debug!(%error, "a lock was not to be had");
                return Err(EngineError::Refused { problem, help });
            }
            if told != who {
                tracing::warn!("the restore waits to drop `{}`: it is used by {who} ({kill})", self.database);
                told = who;
            }
        }
        Ok(())
    }
}

/// Connections that use a database.
struct Users {
    /// Text.
    who: String,
    /// The statements that end them.
    kill: String,
}

/// Whose locks the removal of `database` waits for, as far as `questions` tell it.
async fn users(runner: &dyn Runner, client: &Client, questions: &[String]) -> Option<Users> {
    for sql in questions {
        let asked = client.ask(runner, &Question::short("ask who uses it", sql)).await;
        let rows = asked.unwrap_or_default();
        if rows.is_empty() {
            continue;
        }
        let field = |row: &Row, at: usize| row.get(at).cloned().unwrap_or_default();
        let user = |row: &Row| {
            let (number, account) = (field(row, 0), field(row, 1));
            format!("connection {number} of {account} ({} for {} s)", field(row, 2), field(row, 3))
        };
        let who: Vec<String> = rows.iter().map(user).collect();
        let kills: Vec<String> = rows.iter().map(|row| format!("KILL {};", field(row, 0))).collect();
        return Some(Users { who: who.join(", "), kill: kills.join(" ") });
    }
    None
}

const CONNECTIONS: &str =
    "p.ID, CONCAT(p.USER, '@', p.HOST), p.COMMAND, p.TIME FROM information_schema.PROCESSLIST p";

/// Who holds locks in a database; where the server does not tell that, who is in a transaction.
fn lock_questions(database: &str) -> Vec<String> {
    let name = literal(database);
    vec![
        format!(
            "SELECT DISTINCT t.PROCESSLIST_ID, CONCAT(t.PROCESSLIST_USER, '@', t.PROCESSLIST_HOST), t.PROCESSLIST_COMMAND,
  t.PROCESSLIST_TIME FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
WHERE m.OBJECT_SCHEMA = {name} AND m.OBJECT_TYPE = 'TABLE' AND m.LOCK_STATUS = 'GRANTED'
  AND t.PROCESSLIST_ID <> CONNECTION_ID() LIMIT 10;"
        ),
        format!(
            "SELECT DISTINCT {CONNECTIONS} JOIN information_schema.METADATA_LOCK_INFO m ON m.THREAD_ID = p.ID
WHERE m.TABLE_SCHEMA = {name} AND p.ID <> CONNECTION_ID() LIMIT 10;"
        ),
        format!(
            "SELECT {CONNECTIONS} JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID
WHERE p.ID <> CONNECTION_ID() LIMIT 10;"
        ),
    ]
}

impl DropDatabase {
    async fn users(&self, runner: &dyn Runner) -> Users {
        let mut questions = lock_questions(&self.database);
        let name = literal(&self.database);
        questions
            .push(format!("SELECT {CONNECTIONS} WHERE p.DB = {name} AND p.ID <> CONNECTION_ID() LIMIT 10;"));
        users(runner, &self.client, &questions).await.unwrap_or_else(|| Users {
            who: "somebody who may not be seen".to_owned(),
            kill: "SHOW PROCESSLIST; with the right PROCESS shows whom".to_owned(),
        })
    }
}

impl MySqlServer {
    /// Who uses a database now that is to be dropped: that waits for them.
    pub(super) async fn users_finding(&self, runner: &dyn Runner, database: &str) -> Option<Finding> {
        let Users { who, kill } = users(runner, &self.client, &lock_questions(database)).await?;
        Some(Finding::warning(
            format!("removal of `{database}`"),
            format!("it may have to wait for {who}"),
            format!("Let it finish, or end it: {kill}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::Connection;
    use super::super::tools::{Program, ToolSet};
    use super::super::version::ToolVersion;
    use super::*;
    use crate::engine::ServerSettings;
    use crate::model::{ByteReader, EngineKind};
    use crate::process::{FeedError, Running, ToolError, ToolRun, ToolSpec};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A server whose database is always in use.
    #[derive(Default)]
    struct Locked {
        tries: AtomicU32,
    }

    #[async_trait]
    impl Runner for Locked {
        async fn read(&self, tool: &ToolSpec) -> Result<Running, ToolError> {
            unreachable!("{tool:?} is not to be read")
        }

        async fn feed(&self, tool: &ToolSpec, _body: ByteReader<'_>) -> Result<ToolRun, FeedError> {
            unreachable!("{tool:?} is not to be fed")
        }

        async fn output(&self, tool: &ToolSpec) -> Result<ToolRun, ToolError> {
            let asked = String::from_utf8_lossy(&tool.stdin).into_owned();
            if asked.contains("DROP DATABASE") {
                assert!(asked.contains("lock_wait_timeout = 5;"), "{asked}");
                self.tries.fetch_add(1, Ordering::Relaxed);
                let stderr = "ERROR 1205 (HY000) at line 3: Lock wait timeout exceeded".to_owned();
                return Err(ToolError::Failed { label: "mariadb".to_owned(), status: 1, stderr });
            }
            let stdout = b"7\tann@here\tSleep\t9\n".to_vec();
            Ok(ToolRun { status: 0, stdout, stderr: String::new() })
        }
    }

    #[tokio::test]
    async fn a_removal_is_given_up_after_ten_minutes() {
        let program = |name: &str| Program {
            path: PathBuf::from(name),
            version: ToolVersion { major: 11, minor: 8 },
            text: "11.8".to_owned(),
        };
        let (dump, client) = (program("mariadb-dump"), program("mariadb"));
        let removal = DropDatabase {
            client: Client {
                connection: Connection::new(ServerSettings::tools_only(EngineKind::MariaDb, None)),
                tools: ToolSet { dump, client, dump_says_first: true },
            },
            database: "shop".to_owned(),
            prologue: "",
        };
        let locked = Locked::default();
        let refused = removal.run(&locked).await.unwrap_err();
        assert_eq!(locked.tries.load(Ordering::Relaxed) * TRY_SECONDS, 600);
        let EngineError::Refused { problem, help } = refused else { panic!("{refused:?}") };
        assert_eq!(
            problem,
            "`shop` cannot be dropped, because it is used by connection 7 of ann@here (Sleep for 9 s)"
        );
        assert_eq!(&*help, "Let it finish, or end it (KILL 7;), and restore again. Nothing was removed.");
    }
}
