//! Users, roles and grants as plain statements. The server itself writes each account; what it writes is put into lines
//! that any client of the family can run. `mysqldump --users` would do it for MySQL 9 alone.

use super::connection::Connection;
use super::edit::edited;
use super::facts::MySqlServer;
use super::flavor::Flavor;
use super::query::{Patience, ask, script};
use super::quote::{account, identifier, literal};
use super::tools::ToolSet;
use super::user_lines::Lines;
use crate::engine::trailer::TrailerWitness;
use crate::engine::{EngineError, Producer, Rewrite};
use crate::process::Runner;
use std::collections::BTreeMap;
use std::sync::Arc;

const FORMAT: &str = "list of users";

/// The last line, as in a dump.
pub(super) const MARKER: &str = "-- Dump completed";

/// A user or role of the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Account {
    pub(super) user: String,
    /// Empty for a role of MariaDB.
    pub(super) host: String,
    pub(super) role: bool,
    /// MariaDB: the role that is active after login.
    pub(super) default_role: String,
    pub(super) details: Details,
}

impl Account {
    /// As statements write it.
    pub(super) fn sql(&self) -> String {
        match self.role {
            true if self.is_everybody() => EVERYBODY.to_owned(),
            true => identifier(&self.user),
            false => account(&self.user, &self.host),
        }
    }

    /// Whether it is no account, and stands for all of them.
    pub(super) fn is_everybody(&self) -> bool {
        self.role && self.user == EVERYBODY
    }

    /// As [`super::load_users`] compares it.
    pub(super) fn key(&self) -> String {
        if self.role { self.user.clone() } else { format!("{}@{}", self.user, self.host) }
    }
}

/// What MariaDB (10.11 and newer) calls a role that everybody has, in capitals.
pub(super) const EVERYBODY: &str = "PUBLIC";

/// A role that is there only while accounts are being restored. One that stays tells that they are incomplete.
pub(super) const UNFINISHED: &str = "__jagad_unfinished";

/// Says that rights can be taken away again inside a database: it gives statements another meaning.
pub(super) const PARTIAL_REVOKES: &str = "-- Partial revokes: on";

/// What the server's own words do not tell of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Details {
    /// A certificate's subject and issuer, and a cipher; empty where none is demanded.
    pub(super) demands: Vec<(&'static str, String)>,
    /// Whether it has a second password.
    pub(super) second_password: bool,
}

/// Whether an account is the server's own, or its superuser, and so neither dumped nor restored.
pub(super) fn is_own(flavor: &Flavor, key: &str) -> bool {
    let user = key.rsplit_once('@').map_or(key, |(user, _)| user);
    user == UNFINISHED || key == "root@localhost" || flavor.own_accounts.contains(&user)
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
    let mut details = ask_details(runner, (connection, tools)).await;
    let accounts = rows.map(|[user, host, role, default_role]| {
        let details = details.remove(&(user.clone(), host.clone())).unwrap_or_default();
        Account { user, host, role: role == "Y", default_role, details }
    });
    Some(accounts.filter(|account| !is_own(connection.flavor, &account.key())).collect())
}

/// What is known beyond the server's own words, by user and host.
async fn ask_details(
    runner: &dyn Runner,
    (connection, tools): (&Connection, &ToolSet),
) -> BTreeMap<(String, String), Details> {
    let Some(sql) = connection.flavor.account_details else { return BTreeMap::new() };
    let answer = ask(runner, (connection, tools), ("ask for certificates", sql, Patience::Small)).await;
    let rows = answer.unwrap_or_default().into_iter().filter_map(|row| <[String; 6]>::try_from(row).ok());
    let details = |[user, host, subject, issuer, cipher, second]: [String; 6]| {
        let demands = vec![("SUBJECT", subject), ("ISSUER", issuer), ("CIPHER", cipher)];
        ((user, host), Details { demands, second_password: second == "1" })
    };
    rows.map(details).collect()
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
        if self.is_on("partial_revokes") {
            sql.push_str(&say(PARTIAL_REVOKES));
        }
        for account in accounts {
            if account.is_everybody() {
                // It is always there.
            } else if account.role {
                sql.push_str(&say(&format!("CREATE ROLE {}", account.sql())));
            } else {
                sql.push_str(&format!("SHOW CREATE USER {};\n", account.sql()));
            }
            if account.details.second_password {
                sql.push_str(&second_password_sql(account));
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
        let odd: Arc<[Account]> =
            accounts.iter().filter(|account| !account.details.demands.is_empty()).cloned().collect();
        Ok(Producer::Rewritten(tool, Rewrite(Arc::new(move |body| edited(body, Lines::new(odd.clone()))))))
    }
}

/// Statements that the server puts together: the second password is set first, and kept when the first one is. What expired
/// does so again.
fn second_password_sql(account: &Account) -> String {
    let of = format!(
        "FROM mysql.user WHERE User = {} AND Host = {}",
        literal(&account.user),
        literal(&account.host)
    );
    let alter = literal(&format!("ALTER USER {} ", account.sql()));
    let set = |hash: &str, rest: &str| {
        format!(
            "SELECT CONCAT({alter}, 'IDENTIFIED WITH ', QUOTE(plugin), ' AS 0x', HEX({hash}), '{rest}') {of};\n"
        )
    };
    let second = set("User_attributes->>'$.additional_password'", "");
    let first = set("authentication_string", " RETAIN CURRENT PASSWORD");
    format!("{second}{first}SELECT CONCAT({alter}, 'PASSWORD EXPIRE') {of} AND password_expired = 'Y';\n")
}

/// How the users become readable.
pub(super) fn accounts_help(grantee: &str) -> String {
    format!("GRANT SELECT ON mysql.* TO {grantee}; or set `dump.globals = false`")
}

/// Watches for the last line.
pub(super) fn witness() -> TrailerWitness {
    TrailerWitness::new(FORMAT, MARKER)
}
