//! What is known of the server that a backup goes into.

use super::definition::kinds;
use super::facts::{MySqlServer, SYSTEM_DATABASES};
use super::properties::DatabaseProperties;
use super::query::Patience;
use super::quote::literals;
use super::rights::Accounts;
use crate::engine::{EngineError, Lifetime, RestoreTarget};
use crate::model::{Contents, EngineKind, Needs};
use crate::process::Runner;
use std::collections::{BTreeMap, BTreeSet};

/// Settings of the target that matter.
const SETTINGS: [&str; 11] = [
    "innodb_strict_mode",
    "innodb_file_per_table",
    "innodb_page_size",
    "innodb_force_primary_key",
    "innodb_read_only_compressed",
    "innodb_directories",
    "sql_require_primary_key",
    "sql_generate_invisible_primary_key",
    "disabled_storage_engines",
    "enforce_storage_engine",
    "log_bin_trust_function_creators",
];

/// What is restored, and what is known of the server that it goes into.
pub(super) struct Target<'a> {
    pub(super) restore: &'a RestoreTarget,
    pub(super) needs: &'a Needs,
    pub(super) owners: &'a [String],
    pub(super) accounts: &'a Accounts,
    /// Whether something that is there is removed for it.
    pub(super) replaces: bool,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) engines: BTreeSet<String>,
    /// General tablespaces, where they may be seen.
    pub(super) tablespaces: Option<BTreeSet<String>>,
    /// Databases on the server, in lower case.
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
        self.settings.get(setting).is_some_and(|value| value == "ON" || value == "1")
    }

    pub(super) fn setting(&self, setting: &str) -> &str {
        self.settings.get(setting).map_or("", String::as_str)
    }

    /// A table with that option.
    pub(super) fn table(&self, option: &str) -> Option<&String> {
        self.needs.tables.get(option)
    }

    /// Whether a database is there, and no part of this restore.
    pub(super) fn is_lasting(&self, database: &str) -> bool {
        let coming = self.restore.coming_databases.iter().any(|coming| coming.eq_ignore_ascii_case(database));
        !coming && !self.follows(database) && self.databases.contains(&database.to_lowercase())
    }

    /// Whether the restore brings a database after this one.
    pub(super) fn follows(&self, database: &str) -> bool {
        self.restore.following_databases.iter().any(|following| following.eq_ignore_ascii_case(database))
    }

    /// Whether the source took tables that strict servers refuse.
    pub(super) fn is_lenient(&self) -> bool {
        let properties = serde_json::from_value::<DatabaseProperties>(self.restore.properties.clone());
        properties.is_ok_and(|properties| properties.options.lenient)
    }

    pub(super) fn is_thrown_away(&self) -> bool {
        self.restore.lifetime == Lifetime::ThrownAway
    }
}

impl MySqlServer {
    /// Asks for all of it.
    pub(super) async fn target<'a>(
        &self,
        runner: &dyn Runner,
        restore: &'a RestoreTarget,
        (recorded, accounts, replaces): (&'a Contents, &'a Accounts, bool),
    ) -> Result<Target<'a>, EngineError> {
        let databases = "SELECT LOWER(SCHEMA_NAME) FROM information_schema.SCHEMATA;";
        let engines =
            "SELECT UPPER(ENGINE) FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT');";
        Ok(Target {
            restore,
            needs: &recorded.needs,
            owners: &recorded.owners,
            accounts,
            replaces,
            settings: self.ask_settings(runner).await?,
            engines: self.ask_names(runner, "list the storage engines", engines).await?,
            tablespaces: self.ask_tablespaces(runner, &recorded.needs).await,
            databases: {
                let there = self.ask_names(runner, "list the databases", databases).await?;
                let coming = restore.coming_databases.iter().map(|name| name.to_lowercase());
                there.into_iter().chain(coming).collect()
            },
        })
    }

    /// Who restores, and who else there is.
    pub(super) async fn restoring_accounts(&self, runner: &dyn Runner) -> Result<Accounts, EngineError> {
        let doing = "ask who is connected";
        let answer = self.ask(runner, (doing, "SELECT CURRENT_USER();", Patience::Small)).await?;
        let own = super::facts::one(doing, answer, 1)?.remove(0);
        if self.flavor().kind == EngineKind::MariaDb {
            return Ok(Accounts { own, all: None });
        }
        let sql = "SELECT CONCAT(u.User, '@', u.Host), EXISTS (SELECT 1 FROM mysql.global_grants g
  WHERE g.USER = u.User AND g.HOST = u.Host AND g.PRIV = 'SYSTEM_USER') FROM mysql.user u;";
        let rows = self.ask(runner, ("look for system users", sql, Patience::Small)).await;
        let all = rows.ok().map(|rows| {
            let rows = rows.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
            rows.map(|[name, above]| (name, above == "1")).collect()
        });
        Ok(Accounts { own, all })
    }

    pub(super) async fn ask_names(
        &self,
        runner: &dyn Runner,
        doing: &str,
        sql: &str,
    ) -> Result<BTreeSet<String>, EngineError> {
        Ok(self.ask(runner, (doing, sql, Patience::Small)).await?.into_iter().flatten().collect())
    }

    async fn ask_settings(&self, runner: &dyn Runner) -> Result<BTreeMap<String, String>, EngineError> {
        let sql = format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({});", literals(SETTINGS));
        let answer = self.ask(runner, ("ask for the target's settings", &sql, Patience::Small)).await?;
        let pairs = answer.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok());
        Ok(pairs.map(|[name, value]| (name.to_ascii_lowercase(), value)).collect())
    }

    async fn ask_tablespaces(&self, runner: &dyn Runner, needs: &Needs) -> Option<BTreeSet<String>> {
        if needs.tablespaces.is_empty() {
            return Some(BTreeSet::new());
        }
        let sql = "SELECT NAME FROM information_schema.INNODB_TABLESPACES;";
        self.ask_names(runner, "list the tablespaces", sql).await.ok()
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
