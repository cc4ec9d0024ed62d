//! Everything that would make a dump fail or leave something out, found before the night it matters.

use super::facts::PostgreSqlServer;
use super::pattern::{REMEMBER_PATH, filter_condition, rows_left_out};
use super::psql::{Patience, Question};
use super::quote::{identifier, literal};
use crate::engine::names::some_of;
use crate::engine::plan::DatabaseChoice;
use crate::engine::{EngineError, Finding, LogicalDatabase, Scope};
use crate::model::ServerRole;
use crate::process::{Runner, ToolError};
use serde::Deserialize;

/// Objects named in one finding; the rest is counted.

#[derive(Debug, Deserialize)]
struct ServerRights {
    connect: Vec<String>,
    passwords: bool,
    hot_standby_feedback: bool,
    standby_delay: String,
}

#[derive(Debug, Deserialize)]
struct DatabaseRights {
    /// Schemas that may not be used.
    schemas: Vec<String>,
    /// Tables and sequences that may not be read: schema, name, whether it is a sequence.
    unreadable: Vec<(String, String, bool)>,
    /// Tables of which row security would hide rows.
    hidden: Vec<(String, String)>,
    /// Large objects that may not be read.
    large_objects: Vec<i64>,
    subscriptions: i64,
    unlogged: i64,
}

impl PostgreSqlServer {
    pub(super) async fn findings(
        &self,
        runner: &dyn Runner,
        scope: &Scope,
    ) -> Result<Vec<Finding>, EngineError> {
        let databases = self.chosen(scope)?;
        let mut findings = vec![self.tool_finding()];
        findings.extend(self.unfit_findings(scope));
        let rights = self.server_rights(runner).await?;
        findings.extend(self.replica_finding(&rights));
        if scope.globals {
            findings.push(self.globals_finding(&rights));
        }
        for database in databases {
            let name = &database.name;
            let found = if rights.connect.contains(name) {
                self.database_findings(runner, database).await.map(Some)
            } else {
                Ok(None)
            };
            if !matches!(found, Ok(Some(_)))
                && matches!(scope.databases, DatabaseChoice::All { .. })
                && let Ok(Some(reason)) = self.ask_vanished(runner, name).await
            {
                let problem = format!("`{name}` is left out: {reason}");
                findings.push(warning("all databases".to_owned(), problem, String::new()));
            } else if let Some(found) = found? {
                findings.extend(found);
            } else {
                let grant = format!("GRANT CONNECT ON DATABASE {} TO {};", identifier(name), self.role());
                findings.push(error(
                    format!("connect to `{name}`"),
                    "the role may not connect".to_owned(),
                    grant,
                ));
            }
        }
        Ok(findings)
    }

    fn role(&self) -> String {
        identifier(self.user())
    }

    fn tool_finding(&self) -> Finding {
        let subject = format!("{} for PostgreSQL {}", self.facts.tool, self.facts.version);
        if self.tool.major == self.major {
            return ok(subject);
        }
        let problem = format!(
            "its archives can be read only by pg_restore {} and newer, which cannot restore into an older server, and of \
             some builds of an older server it writes what no server takes",
            self.tool.major
        );
        warning(subject, problem, format!("apt install postgresql-client-{}", self.major))
    }

    fn replica_finding(&self, rights: &ServerRights) -> Option<Finding> {
        if self.facts.role == ServerRole::Primary {
            return None;
        }
        let subject = "dump from a replica".to_owned();
        if rights.hot_standby_feedback {
            return Some(ok(subject));
        }
        let problem = format!(
            "replay may cancel a long dump after {} (`max_standby_streaming_delay`)",
            rights.standby_delay
        );
        Some(warning(subject, problem, "ALTER SYSTEM SET hot_standby_feedback = on;".to_owned()))
    }

    fn globals_finding(&self, rights: &ServerRights) -> Finding {
        let subject = "read roles and tablespaces".to_owned();
        if !self.connection.settings.role_passwords || rights.passwords {
            return ok(subject);
        }
        // The table is shared by all databases, but the rights to it are each database's own.
        let help = format!(
            "GRANT SELECT ON pg_authid TO {}; in the database `{}`, or set `role_passwords = false`",
            self.role(),
            self.connection.settings.maintenance_database
        );
        error(subject, "the role may not read the password hashes of roles".to_owned(), help)
    }

    async fn server_rights(&self, runner: &dyn Runner) -> Result<ServerRights, EngineError> {
        let sql = "SELECT json_build_object(
  'connect', (SELECT coalesce(json_agg(datname), '[]') FROM pg_database
    WHERE datallowconn AND has_database_privilege(oid, 'CONNECT')),
  'passwords', has_table_privilege('pg_authid', 'SELECT'),
  'hot_standby_feedback', current_setting('hot_standby_feedback')::bool,
  'standby_delay', current_setting('max_standby_streaming_delay'));";
        let database = &self.connection.settings.maintenance_database;
        let doing = "ask for the rights of the role";
        self.ask(runner, Question { doing, database, sql, patience: Patience::Small }).await
    }

    async fn database_findings(
        &self,
        runner: &dyn Runner,
        database: &LogicalDatabase,
    ) -> Result<Vec<Finding>, EngineError> {
        let name = &database.name;
        let doing = format!("ask what may be read of `{name}`");
        let sql = self.database_rights_sql();
        let question = Question { doing: &doing, database: name, sql: &sql, patience: Patience::Small };
        let rights: DatabaseRights = self.ask(runner, question).await?;

        let mut findings = Vec::new();
        findings.extend(self.schema_finding(name, &rights));
        findings.extend(self.table_finding(name, &rights));
        findings.extend(self.row_security_finding(name, &rights));
        findings.extend(self.large_object_finding(name, &rights));
        if findings.is_empty() {
            findings.push(ok(format!("read everything in `{name}`")));
        }
        if rights.subscriptions > 0 && !self.superuser {
            let problem =
                format!("{} subscriptions are left out: only a superuser sees them", rights.subscriptions);
            findings.push(warning(format!("subscriptions of `{name}`"), problem, String::new()));
        }
        if rights.unlogged > 0 && self.facts.role == ServerRole::Replica {
            let problem = format!("a replica does not have the rows of {} unlogged tables", rights.unlogged);
            let help = "Back up the primary if these rows matter.".to_owned();
            findings.push(warning(format!("unlogged tables of `{name}`"), problem, help));
        }
        Ok(findings)
    }

    fn schema_finding(&self, name: &str, rights: &DatabaseRights) -> Option<Finding> {
        let first = rights.schemas.first()?;
        let problem =
            format!("no USAGE on {}", some_of(rights.schemas.iter().map(|schema| format!("`{schema}`"))));
        let help = self.read_all(&format!("GRANT USAGE ON SCHEMA {} TO {};", identifier(first), self.role()));
        Some(error(format!("use the schemas of `{name}`"), problem, help))
    }

    fn table_finding(&self, name: &str, rights: &DatabaseRights) -> Option<Finding> {
        let (schema, table, sequence) = rights.unreadable.first()?;
        let names = rights.unreadable.iter().map(|(schema, table, _)| format!("`{schema}.{table}`"));
        let kind = if *sequence { "SEQUENCE" } else { "TABLE" };
        let object = format!("{}.{}", identifier(schema), identifier(table));
        let help = self.read_all(&format!("GRANT SELECT ON {kind} {object} TO {};", self.role()));
        Some(error(format!("read the tables of `{name}`"), format!("no SELECT on {}", some_of(names)), help))
    }

    /// PostgreSQL 14 has a role that may read everything; before that every object needs its grant.
    fn read_all(&self, single: &str) -> String {
        if self.major >= 14 {
            format!("GRANT pg_read_all_data TO {}; or: {single}", self.role())
        } else {
            single.to_owned()
        }
    }

    fn row_security_finding(&self, name: &str, rights: &DatabaseRights) -> Option<Finding> {
        if rights.hidden.is_empty() {
            return None;
        }
        let tables = some_of(rights.hidden.iter().map(|(schema, table)| format!("`{schema}.{table}`")));
        let problem = format!("row security would hide rows of {tables}, so pg_dump refuses");
        let help = format!("ALTER ROLE {} BYPASSRLS;", self.role());
        Some(error(format!("read all rows of `{name}`"), problem, help))
    }

    fn large_object_finding(&self, name: &str, rights: &DatabaseRights) -> Option<Finding> {
        let first = rights.large_objects.first()?;
        let problem = format!(
            "large objects may not be read: {}",
            some_of(rights.large_objects.iter().map(i64::to_string))
        );
        let role = self.role();
        let help = format!(
            "GRANT SELECT ON LARGE OBJECT {first} TO {role}; for each, or leave them out with `--no-blobs`"
        );
        Some(error(format!("read the large objects of `{name}`"), problem, help))
    }

    /// Lets pg_dump itself lock every table and read every definition, database after database.
    pub(super) async fn rehearsals(
        &self,
        runner: &dyn Runner,
        scope: &Scope,
    ) -> Result<Vec<Finding>, EngineError> {
        let mut findings = Vec::new();
        for database in self.chosen(scope)? {
            findings.push(self.rehearse(runner, &database.name).await);
        }
        Ok(findings)
    }

    async fn rehearse(&self, runner: &dyn Runner, name: &str) -> Finding {
        let subject = format!("dump the definitions of `{name}`");
        if self.connection.settings.extra_args.iter().any(|arg| ["-a", "--data-only"].contains(&arg.as_str()))
        {
            return ok(subject);
        }
        let mut tool = self.dump_database(name).args(["--schema-only", "--no-sync", "--file=/dev/null"]);
        tool.label = "pg_dump".to_owned();
        match runner.output(&tool).await {
            Ok(_) => ok(subject),
            Err(failure @ ToolError::Failed { .. }) => {
                error(subject, failure.to_string(), "Fix what pg_dump reports.".to_owned())
            }
            Err(failure) => error(subject, failure.to_string(), String::new()),
        }
    }

    fn database_rights_sql(&self) -> String {
        let filter = &self.connection.settings.filter;
        let chosen = filter_condition(filter);
        let no_rows = rows_left_out(filter);
        // With a choice of schemas or tables pg_dump leaves large objects out.
        let everything = filter.schemas.is_empty() && filter.tables.is_empty();
        let blobs_refused = self
            .connection
            .settings
            .extra_args
            .iter()
            .any(|arg| ["-B", "--no-blobs", "--no-large-objects"].contains(&arg.as_str()));
        let large_objects = if everything && !blobs_refused { "true" } else { "false" };
        let user = literal(self.user());
        format!(
            "{REMEMBER_PATH}WITH kept AS (
  SELECT c.oid, n.oid AS namespace, n.nspname, c.relname, c.relkind, c.relpersistence, {no_rows} AS no_rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
    AND c.relkind IN ('r', 'p', 'S') AND {chosen}
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
      AND d.deptype = 'e'))
SELECT json_build_object(
  'schemas', (SELECT coalesce(json_agg(DISTINCT nspname), '[]') FROM kept
    WHERE NOT has_schema_privilege(namespace, 'USAGE')),
  'unreadable', (SELECT coalesce(json_agg(json_build_array(nspname, relname, relkind = 'S') ORDER BY nspname, relname), '[]')
    FROM kept WHERE NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'SELECT')
      ELSE has_table_privilege(oid, 'SELECT') END),
  'hidden', (SELECT coalesce(json_agg(json_build_array(nspname, relname) ORDER BY nspname, relname), '[]')
    FROM kept WHERE relkind = 'r' AND NOT no_rows AND row_security_active(oid)),
  'large_objects', (SELECT coalesce(json_agg(m.oid::bigint ORDER BY m.oid), '[]') FROM pg_largeobject_metadata m
    WHERE {large_objects} AND current_setting('is_superuser') = 'off' AND current_setting('lo_compat_privileges') = 'off'
      AND NOT pg_has_role({user}, m.lomowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'
        AND (a.grantee = 0 OR pg_has_role({user}, a.grantee, 'USAGE')))),
  'subscriptions', (SELECT count(subname) FROM pg_subscription
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())),
  'unlogged', (SELECT count(*) FROM kept WHERE relkind = 'r' AND relpersistence = 'u'));"
        )
    }
}

fn ok(subject: String) -> Finding {
    Finding::good(subject)
}

fn warning(subject: String, problem: String, help: String) -> Finding {
    Finding::warning(subject, problem, help)
}

fn error(subject: String, problem: String, help: String) -> Finding {
    Finding::error(subject, problem, help)
}
