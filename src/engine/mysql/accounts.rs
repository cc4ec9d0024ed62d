//! Users and roles of a server.

use super::client::{Client, Question};
use super::flavor::Flavor;
use super::quote::{account, identifier};
use super::reserved::DRILL_USER;
use crate::process::Runner;
use std::collections::BTreeMap;

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
    [UNFINISHED, DRILL_USER].contains(&user) || key == "root@localhost" || flavor.own_accounts.contains(&user)
}

/// Every account but the server's own; `None` when they may not be read.
pub(super) async fn ask_accounts(runner: &dyn Runner, client: &Client) -> Option<Vec<Account>> {
    let flavor = client.connection.flavor;
    let answer = client.ask(runner, &Question::short("list the users", flavor.accounts)).await.ok()?;
    let rows = answer.into_iter().filter_map(|row| <[String; 4]>::try_from(row).ok());
    let mut details = ask_details(runner, client).await;
    let accounts = rows.map(|[user, host, role, default_role]| {
        let details = details.remove(&(user.clone(), host.clone())).unwrap_or_default();
        Account { user, host, role: role == "Y", default_role, details }
    });
    Some(accounts.filter(|account| !is_own(flavor, &account.key())).collect())
}

/// What is known beyond the server's own words, by user and host.
async fn ask_details(runner: &dyn Runner, client: &Client) -> BTreeMap<(String, String), Details> {
    let Some(sql) = client.connection.flavor.account_details else { return BTreeMap::new() };
    let answer = client.ask(runner, &Question::short("ask for certificates", sql)).await;
    let rows = answer.unwrap_or_default().into_iter().filter_map(|row| <[String; 6]>::try_from(row).ok());
    let details = |[user, host, subject, issuer, cipher, second]: [String; 6]| {
        let demands = vec![("SUBJECT", subject), ("ISSUER", issuer), ("CIPHER", cipher)];
        ((user, host), Details { demands, second_password: second == "1" })
    };
    rows.map(details).collect()
}
