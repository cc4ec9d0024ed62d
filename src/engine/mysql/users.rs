//! Users, roles and grants as plain statements. The server itself writes each account; what it writes is put into lines
//! that any client of the family can run. `mysqldump --users` would do it for MySQL 9 alone.

use super::connection::Connection;
use super::edit::{Edit, edited};
use super::facts::MySqlServer;
use super::flavor::Flavor;
use super::query::{Patience, ask, script, unescaped};
use super::quote::{account, identifier, literal};
use super::tools::ToolSet;
use crate::engine::trailer::TrailerWitness;
use crate::engine::{EngineError, Producer, Rewrite};
use crate::process::Runner;
use std::io;
use std::sync::Arc;

const FORMAT: &str = "list of users";

/// The last line, as in a dump.
const MARKER: &str = "-- Dump completed";

/// The longest statement that is believed.
const LINE_LIMIT: usize = 1024 * 1024;

/// A user or role of the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Account {
    pub(super) user: String,
    /// Empty for a role of MariaDB.
    pub(super) host: String,
    pub(super) role: bool,
    /// MariaDB: the role that is active after login.
    pub(super) default_role: String,
}

impl Account {
    /// As statements write it.
    pub(super) fn sql(&self) -> String {
        if self.role { identifier(&self.user) } else { account(&self.user, &self.host) }
    }

    /// As [`super::load_users`] compares it.
    pub(super) fn key(&self) -> String {
        if self.role { self.user.clone() } else { format!("{}@{}", self.user, self.host) }
    }
}

/// Whether an account is the server's own, or its superuser, and so neither dumped nor restored.
pub(super) fn is_own(flavor: &Flavor, key: &str) -> bool {
    let user = key.rsplit_once('@').map_or(key, |(user, _)| user);
    key == "root@localhost" || key == "PUBLIC" || flavor.own_accounts.contains(&user)
}

/// Every account but the server's own; `None` when they may not be read.
pub(super) async fn ask_accounts(
    runner: &dyn Runner,
    (connection, tools): (&Connection, &ToolSet),
) -> Option<Vec<Account>> {
    let answer =
        ask(runner, (connection, tools), ("list the users", connection.flavor.accounts, Patience::Small))
            .await
            .ok()?;
    let rows = answer.into_iter().filter_map(|row| <[String; 4]>::try_from(row).ok());
    let accounts =
        rows.map(|[user, host, role, default_role]| Account { user, host, role: role == "Y", default_role });
    Some(accounts.filter(|account| !is_own(connection.flavor, &account.key())).collect())
}

impl MySqlServer {
    /// Writes every account and what it was granted.
    pub(super) fn dump_users(&self) -> Result<Producer, EngineError> {
        let accounts = self.accounts.as_ref().ok_or_else(|| EngineError::Privilege {
            problem: "users and grants may not be read".to_owned(),
            help: accounts_help(&identifier(&self.connection.settings.user)),
        })?;
        let mut sql = self.flavor().before_accounts.to_owned();
        let say = |text: &str| format!("SELECT {};\n", literal(text));
        sql.push_str(&say(&format!("-- Users and grants of {} {}", self.flavor().name, self.facts.version)));
        for account in accounts {
            if account.role {
                sql.push_str(&say(&format!("CREATE ROLE {}", account.sql())));
            } else {
                sql.push_str(&format!("SHOW CREATE USER {};\n", account.sql()));
            }
        }
        for account in accounts {
            sql.push_str(&format!("SHOW GRANTS FOR {};\n", account.sql()));
            if !account.default_role.is_empty() {
                let role = identifier(&account.default_role);
                sql.push_str(&say(&format!("SET DEFAULT ROLE {role} FOR {}", account.sql())));
            }
        }
        sql.push_str(&say(MARKER));
        let tool = script(&self.connection, &self.tools, &sql);
        Ok(Producer::Shaped(tool, Rewrite(Arc::new(|body| edited(body, Lines::default())))))
    }
}

/// How the users become readable.
pub(super) fn accounts_help(grantee: &str) -> String {
    format!("GRANT SELECT ON mysql.* TO {grantee}; or set `dump.globals = false`")
}

/// From the client's rows to statements, one in a line where its texts have no ends of lines.
#[derive(Debug, Default)]
struct Lines {
    line: Vec<u8>,
}

impl Edit for Lines {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for slice in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(slice);
            if slice.ends_with(b"\n") || self.line.len() > LINE_LIMIT {
                let line = std::mem::take(&mut self.line);
                out.extend_from_slice(statement(&String::from_utf8_lossy(&line)).as_bytes());
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            out.extend_from_slice(statement(&String::from_utf8_lossy(&line)).as_bytes());
        }
        Ok(())
    }
}

fn statement(line: &str) -> String {
    let text = unescaped(line.trim_end_matches('\n'));
    if text.starts_with("--") {
        return format!("{text}\n");
    }
    for created in ["CREATE USER ", "CREATE ROLE "] {
        if let Some(rest) = text.strip_prefix(created) {
            return format!("{created}IF NOT EXISTS {rest};\n");
        }
    }
    format!("{text};\n")
}

/// Watches for the last line.
pub(super) fn witness() -> TrailerWitness {
    TrailerWitness::new(FORMAT, MARKER)
}
