//! What the target server of a restore has, and what the connected role may do there.

use super::cron::CRON_DATABASE;
use super::facts::PostgreSqlServer;
use super::psql::{Patience, Question};
use super::quote::literal;
use crate::engine::{EngineError, RestoreTarget};
use crate::process::Runner;
use serde::Deserialize;

/// The target of a restore.
#[derive(Debug, Deserialize)]
pub(super) struct TargetFacts {
    /// The database to restore into, if it exists.
    pub(super) database: Option<ExistingDatabase>,
    /// Whether transactions take no writes unless they ask to.
    pub(super) read_only: bool,
    /// Whether the role may create databases.
    pub(super) createdb: bool,
    /// Every role, and those that are made before it is filled.
    pub(super) roles: Vec<String>,
    /// The roles that exist now.
    #[serde(default)]
    pub(super) present_roles: Vec<String>,
    /// Those the connected role can act as.
    pub(super) usable_roles: Vec<String>,
    /// Whether the connected role has the rights of those that it is a member of.
    pub(super) inherits: bool,
    /// Every tablespace, and those that are made before it is filled.
    pub(super) tablespaces: Vec<String>,
    /// Those in which the connected role may create something.
    pub(super) usable_tablespaces: Vec<String>,
    /// The database that `pg_cron` lives in, where the server has it loaded and the role may know.
    pub(super) cron_database: Option<String>,
    /// Libraries that the server loads at its start, where the role may know.
    pub(super) preloaded: Option<String>,
    /// Every database, templates and closed ones too.
    pub(super) databases: Vec<String>,
    /// Extensions that can be made there.
    pub(super) extensions: Vec<AvailableExtension>,
}

/// A database that is in the way of a new one.
#[derive(Debug, Deserialize)]
pub(super) struct ExistingDatabase {
    pub(super) bytes: u64,
    pub(super) sessions: u64,
    /// Sessions that the connected role may not end.
    pub(super) foreign_sessions: u64,
    /// Prepared transactions: the database cannot be renamed while there are any.
    pub(super) prepared: Vec<String>,
    /// Logical replication slots: the database cannot be dropped while there are any.
    pub(super) slots: Vec<String>,
    /// Subscriptions: enabled ones would go on filling the database that was replaced, and it could not be dropped.
    pub(super) subscriptions: Vec<String>,
    pub(super) owner: String,
    pub(super) owned: bool,
    pub(super) template: bool,
    /// Whether the connected role has the rights of those that it is a member of.
    pub(super) inherits: bool,
}

/// An extension whose files are installed.
#[derive(Debug, Deserialize)]
pub(super) struct AvailableExtension {
    pub(super) name: String,
    /// Whether a role that is no superuser may create it.
    pub(super) open: bool,
}

impl PostgreSqlServer {
    /// A database other than `database`, to run statements about `database` in.
    pub(super) fn maintenance_beside(&self, database: &str) -> String {
        let usual = &self.connection.settings.maintenance_database;
        [usual.as_str(), "postgres", "template1"]
            .into_iter()
            .find(|name| *name != database)
            .unwrap_or(usual)
            .to_owned()
    }

    pub(super) async fn target_facts(
        &self,
        runner: &dyn Runner,
        database: &str,
    ) -> Result<TargetFacts, EngineError> {
        let sql = target_sql(self.major, database);
        let beside = self.maintenance_beside(database);
        let doing = "look at the target";
        let question = Question { doing, database: &beside, sql: &sql, patience: Patience::Small };
        let mut facts: TargetFacts = self.ask(runner, question).await?;
        facts.present_roles.clone_from(&facts.roles);
        Ok(facts)
    }
}

impl TargetFacts {
    /// Adds what will exist when the load begins.
    pub(super) fn expect(&mut self, target: &RestoreTarget) {
        self.roles.extend(target.coming_roles.iter().cloned());
        self.usable_roles.extend(target.coming_roles.iter().cloned());
        self.tablespaces.extend(target.coming_tablespaces.iter().cloned());
        self.usable_tablespaces.extend(target.coming_tablespaces.iter().cloned());
    }
}

fn target_sql(major: u32, database: &str) -> String {
    // Objects are given to a role, which since 16 is a right of its own, and then filled, indexed and granted: that takes its rights.
    let gives = if major >= 16 { "pg_has_role(r.oid, 'SET') AND " } else { "" };
    let name = literal(database);
    // What kind of session another role's is, only `pg_read_all_stats` may know; the server's own have no role.
    format!(
        "WITH me AS (SELECT r.oid, r.rolsuper, r.rolcreatedb, r.rolinherit,
    r.rolsuper OR pg_has_role('pg_signal_backend', 'USAGE') AS signals
  FROM pg_roles r WHERE r.rolname = current_user)
SELECT json_build_object(
  'database', (SELECT json_build_object(
      'bytes', CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END,
      'sessions', (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.pid <> pg_backend_pid()
        AND a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'),
      'foreign_sessions', (SELECT count(*) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
        WHERE a.datid = d.oid AND a.pid <> pg_backend_pid()
          AND coalesce(a.backend_type, 'client backend') = 'client backend' AND NOT me.rolsuper
          AND NOT pg_has_role(r.oid, 'USAGE') AND (r.rolsuper OR NOT me.signals)),
      'prepared', (SELECT coalesce(json_agg(gid), '[]') FROM pg_prepared_xacts WHERE database = d.datname),
      'slots', (SELECT coalesce(json_agg(slot_name), '[]') FROM pg_replication_slots WHERE database = d.datname),
      'subscriptions', (SELECT coalesce(json_agg(subname ORDER BY subname), '[]') FROM pg_subscription
        WHERE subdbid = d.oid),
      'owner', pg_get_userbyid(d.datdba), 'owned', me.rolsuper OR pg_has_role(d.datdba, 'USAGE'),
      'template', d.datistemplate, 'inherits', me.rolsuper OR me.rolinherit)
    FROM pg_database d WHERE d.datname = {name}),
  'read_only', current_setting('default_transaction_read_only')::bool,
  'createdb', me.rolsuper OR me.rolcreatedb,
  'roles', (SELECT json_agg(rolname) FROM pg_roles),
  'usable_roles', (SELECT json_agg(rolname) FROM pg_roles r WHERE me.rolsuper OR {gives}pg_has_role(r.oid, 'USAGE')),
  'inherits', me.rolsuper OR me.rolinherit,
  'tablespaces', (SELECT json_agg(spcname) FROM pg_tablespace),
  'usable_tablespaces', (SELECT coalesce(json_agg(spcname), '[]') FROM pg_tablespace
    WHERE spcname <> 'pg_global' AND has_tablespace_privilege(oid, 'CREATE')),
  'cron_database', (SELECT setting FROM pg_settings WHERE name = '{CRON_DATABASE}'),
  'preloaded', (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries'),
  'databases', (SELECT json_agg(datname) FROM pg_database),
  'extensions', (SELECT coalesce(json_agg(json_build_object('name', name, 'open', open)), '[]') FROM
    (SELECT name, bool_or(me.rolsuper OR trusted OR NOT superuser) AS open FROM pg_available_extension_versions
     GROUP BY name) e)
) FROM me;"
    )
}
