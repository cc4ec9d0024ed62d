//! Users, roles and grants as plain statements. The server itself writes each account; what it writes is put into lines
//! that any client of the family can run. `mysqldump --users` would do it for MySQL 9 alone.

use super::accounts::{Account, MARKER, PARTIAL_REVOKES};
use super::edit::edited;
use super::facts::MySqlServer;
use super::quote::{identifier, literal};
use super::user_lines::Lines;
use crate::engine::trailer::TrailerWitness;
use crate::engine::{EngineError, Producer, Rewrite};
use crate::model::{Help, help};
use std::sync::Arc;

const FORMAT: &str = "list of users";

impl MySqlServer {
    /// Writes every account and what it was granted.
    pub(super) fn dump_users(&self) -> Result<Producer, EngineError> {
        let accounts = self.accounts.as_ref().ok_or_else(|| EngineError::Privilege {
            problem: "users and grants may not be read".to_owned(),
            help: accounts_help(&identifier(&self.client.connection.settings.user)),
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
        let tool = self.client.script(&sql);
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
pub(super) fn accounts_help(grantee: &str) -> Help {
    help!("GRANT SELECT ON mysql.* TO {grantee}; or set `dump.globals = false`.")
}

/// Watches for the last line.
pub(super) fn witness() -> TrailerWitness {
    TrailerWitness::new(FORMAT, MARKER)
}
