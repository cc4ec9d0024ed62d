//! What a server says of itself.

use super::accounts::Account;
use super::broken::BrokenView;
use super::client::{Client, Question, Row};
use super::events::DisabledEvents;
use super::flavor::Flavor;
use super::grants::Grants;
use super::quote::{identifier, pattern};
use super::reserved::SYSTEM_DATABASES;
use super::tables::{Table, VersionedTable};
use super::version::ToolVersion;
use crate::engine::{EngineError, Finding, LogicalDatabase, ServerFacts, names};
use crate::model::{Help, help};
use crate::process::Runner;
use std::collections::{BTreeMap, BTreeSet};

/// Rights on a database that a whole dump of it needs.
pub(super) const DATABASE_RIGHTS: [&str; 4] = ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT"];

/// An inspected server.
#[derive(Debug)]
pub(super) struct MySqlServer {
    pub(super) client: Client,
    pub(super) facts: ServerFacts,
    pub(super) version: ToolVersion,
    /// By lower-case name.
    pub(super) variables: BTreeMap<String, String>,
    /// Accounts that a backup of users takes; `None` when they may not be read.
    pub(super) accounts: Option<Vec<Account>>,
    /// What the connected user may do.
    pub(super) grants: Grants,
    /// Tables that filters speak of, and what the engine needs to know of each.
    pub(super) tables: Vec<Table>,
    /// Tables that keep the history of their rows.
    pub(super) versioned: Vec<VersionedTable>,
    /// Views that are left out because they are broken.
    pub(super) broken: Vec<BrokenView>,
    /// Events that a restore has created disabled, which the log of changes may speak of before they are enabled.
    pub(super) events: DisabledEvents,
}

impl MySqlServer {
    /// Asks this server.
    pub(super) async fn ask(
        &self,
        runner: &dyn Runner,
        question: &Question<'_>,
    ) -> Result<Vec<Row>, EngineError> {
        self.client.ask(runner, question).await
    }

    /// The set of names that the server answers with.
    pub(super) async fn ask_names(
        &self,
        runner: &dyn Runner,
        question: &Question<'_>,
    ) -> Result<BTreeSet<String>, EngineError> {
        Ok(self.ask(runner, question).await?.into_iter().flatten().collect())
    }

    pub(super) fn flavor(&self) -> &'static Flavor {
        self.client.connection.flavor
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
                let grantee = identifier(&self.client.connection.settings.user);
                return EngineError::Privilege { problem: unseen(name), help: see(name, &grantee) };
            }
            let existing = self.facts.databases.iter().map(|database| database.name.as_str());
            names::not_found("database", name, &format!(" on {}", self.client.connection.address()), existing)
        })
    }

    /// Whether the variable is on.
    pub(super) fn is_on(&self, variable: &str) -> bool {
        self.variables.get(variable).is_some_and(|value| value == "ON" || value == "1")
    }
}

/// That a database is not to be seen, by a user from whom databases may be hidden.
pub(super) fn unseen_finding(database: &str, grantee: &str) -> Finding {
    Finding::error(format!("see the database `{database}`"), unseen(database), see(database, grantee))
}

fn unseen(database: &str) -> String {
    format!("the user has no right on `{database}`, or there is no such database")
}

/// The statement that lets the user see it.
fn see(database: &str, grantee: &str) -> Help {
    help!("GRANT {} ON {}.* TO {grantee};", DATABASE_RIGHTS.join(", "), pattern(database))
}
