//! What is known of the server that a backup goes into.

use super::client::Question;
use super::definition::kinds;
use super::facts::MySqlServer;
use super::properties::{DatabaseOptions, DatabaseProperties};
use super::quote::{account, identifier, literals};
use super::reserved::SYSTEM_DATABASES;
use crate::engine::{EngineError, Lifetime, RestoreTarget};
use crate::model::{Contents, EngineKind, Needs};
use crate::process::Runner;
use std::collections::{BTreeMap, BTreeSet};

/// Settings of the target that matter.
const SETTINGS: [&str; 14] = [
    "innodb_strict_mode",
    "innodb_file_per_table",
    "innodb_page_size",
    "innodb_force_primary_key",
    "innodb_read_only_compressed",
    "innodb_directories",
    "innodb_encrypt_tables",
    "sql_require_primary_key",
    "sql_generate_invisible_primary_key",
    "default_table_encryption",
    "table_encryption_privilege_check",
    "disabled_storage_engines",
    "enforce_storage_engine",
    "log_bin_trust_function_creators",
];

/// What the server says of accounts.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// The one that is connected: "j@localhost".
    pub(super) own: String,
    /// All of them, and whether each is above ordinary ones (`SYSTEM_USER`); `None` where they may not be read.
    pub(super) all: Option<BTreeMap<String, bool>>,
}

impl Accounts {
    /// As statements name the connected one.
    pub(super) fn grantee(&self) -> String {
        let named = self.own.rsplit_once('@');
        named.map_or_else(|| identifier(&self.own), |(user, host)| account(user, host))
    }
}

/// What is restored, and what is known of the server that it goes into.
pub(super) struct Target<'a> {
    pub(super) restore: &'a RestoreTarget,
    pub(super) needs: &'a Needs,
    pub(super) owners: &'a [String],
    pub(super) accounts: &'a Accounts,
    /// Whether something that is there is removed for it.
    pub(super) replaces: bool,
    pub(super) server: TargetServer,
}

/// What only a restore asks its server for.
pub(super) struct TargetServer {
    settings: BTreeMap<String, String>,
    pub(super) engines: BTreeSet<String>,
    /// General tablespaces, where they may be seen.
    pub(super) tablespaces: Option<BTreeSet<String>>,
    /// Databases on the server and those that the restore brings, in lower case.
    pub(super) databases: BTreeSet<String>,
}

impl Target<'_> {
    /// Whether this is another database than the one that is restored.
    pub(super) fn is_other(&self, database: &str) -> bool {
        let own = [&self.restore.source_database, &self.restore.database];
        !own.iter().any(|own| own.eq_ignore_ascii_case(database))
            && !SYSTEM_DATABASES.contains(&database.to_ascii_lowercase().as_str())
    }

    pub(super) fn is_on(&self, setting: &str) -> bool {
        self.server.settings.get(setting).is_some_and(|value| value == "ON" || value == "1")
    }

    pub(super) fn setting(&self, setting: &str) -> &str {
        self.server.settings.get(setting).map_or("", String::as_str)
    }

    /// A table with that option.
    pub(super) fn table(&self, option: &str) -> Option<&String> {
        self.needs.tables.get(option)
    }

    /// Whether a database is there, and no part of this restore.
    pub(super) fn is_lasting(&self, database: &str) -> bool {
        let coming = self.restore.coming_databases.iter().any(|coming| coming.eq_ignore_ascii_case(database));
        !coming && !self.follows(database) && self.server.databases.contains(&database.to_lowercase())
    }

    /// Whether the restore brings a database after this one.
    pub(super) fn follows(&self, database: &str) -> bool {
        self.restore.following_databases.iter().any(|following| following.eq_ignore_ascii_case(database))
    }

    /// Whether the source took tables that strict servers refuse.
    pub(super) fn is_lenient(&self) -> bool {
        self.options().lenient
    }

    /// Whether new tables of the database are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.options().encrypted
    }

    fn options(&self) -> DatabaseOptions {
        let properties = serde_json::from_value::<DatabaseProperties>(self.restore.properties.clone());
        properties.map_or_else(|_| DatabaseOptions::default(), |properties| properties.options)
    }

    pub(super) fn is_thrown_away(&self) -> bool {
        self.restore.lifetime == Lifetime::ThrownAway
    }
}

impl MySqlServer {
    /// Asks what matters to a restore that needs `needs`.
    pub(super) async fn target_server(
        &self,
        runner: &dyn Runner,
        restore: &RestoreTarget,
        needs: &Needs,
    ) -> Result<TargetServer, EngineError> {
        let databases = Question::short(
            "list the databases",
            "SELECT LOWER(SCHEMA_NAME) FROM information_schema.SCHEMATA;",
        );
        let engines = Question::short(
            "list the storage engines",
            "SELECT UPPER(ENGINE) FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT');",
        );
        let there = self.ask_names(runner, &databases).await?;
        let coming = restore.coming_databases.iter().map(|name| name.to_lowercase());
        Ok(TargetServer {
            settings: self.ask_settings(runner).await?,
            engines: self.ask_names(runner, &engines).await?,
            tablespaces: self.ask_tablespaces(runner, needs).await,
            databases: there.into_iter().chain(coming).collect(),
        })
    }

    /// Who restores, and who else there is.
    pub(super) async fn restoring_accounts(&self, runner: &dyn Runner) -> Result<Accounts, EngineError> {
        let doing = "ask who is connected";
        let question = Question::short(doing, "SELECT CURRENT_USER();");
        let own = self.client.ask_row(runner, &question, 1).await?.remove(0);
        if self.flavor().kind == EngineKind::MariaDb {
            return Ok(Accounts { own, all: None });
        }
        let sql = "SELECT CONCAT(u.User, '@', u.Host), EXISTS (SELECT 1 FROM mysql.global_grants g
  WHERE g.USER = u.User AND g.HOST = u.Host AND g.PRIV = 'SYSTEM_USER') FROM mysql.user u;";
        let rows = self.ask(runner, &Question::short("look for system users", sql)).await;
        let all = rows.ok().map(|rows| {
            let rows = rows.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
            rows.map(|[name, above]| (name, above == "1")).collect()
        });
        Ok(Accounts { own, all })
    }

    async fn ask_settings(&self, runner: &dyn Runner) -> Result<BTreeMap<String, String>, EngineError> {
        let sql = format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({});", literals(SETTINGS));
        let answer = self.ask(runner, &Question::short("ask for the target's settings", &sql)).await?;
        let pairs = answer.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
        Ok(pairs.map(|[name, value]| (name.to_ascii_lowercase(), value)).collect())
    }

    async fn ask_tablespaces(&self, runner: &dyn Runner, needs: &Needs) -> Option<BTreeSet<String>> {
        if needs.tablespaces.is_empty() {
            return Some(BTreeSet::new());
        }
        let sql = "SELECT NAME FROM information_schema.INNODB_TABLESPACES;";
        self.ask_names(runner, &Question::short("list the tablespaces", sql)).await.ok()
    }
}

/// What was recorded of what is restored. Of a choice of tables that is what is recorded of just these.
pub(super) fn recorded(restore: &RestoreTarget) -> Contents {
    let mut recorded = restore.recorded.clone().unwrap_or_default();
    if restore.selection.tables.is_empty() {
        return recorded;
    }
    let chosen = |table: &str| {
        let qualified = format!("{}.{table}", restore.source_database);
        restore.selection.tables.iter().any(|wanted| wanted == table || *wanted == qualified)
    };
    recorded.owners.clear();
    recorded.tables.retain(|table| chosen(&table.table));
    let needs = &mut recorded.needs;
    let kinds = [kinds::TABLE, kinds::FOREIGN_KEY];
    needs.objects.retain(|kind, table| kinds.contains(&kind.as_str()) && chosen(table));
    needs.databases.clear();
    for by_table in [&mut needs.engines, &mut needs.referenced, &mut needs.tables] {
        by_table.retain(|_, table| chosen(table));
    }
    recorded
}
