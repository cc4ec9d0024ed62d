//! A restore into the existing database, for a role that may create none: it is emptied first.

use super::archive::{Outline, SkippedEntries};
use super::planner::{Filling, LoadPlanner};
use super::preflight::check_subscriptions;
use super::properties::{DatabaseProperties, Finish};
use super::psql::{Patience, Question};
use super::quote::{identifier, literal};
use super::target::ExistingDatabase;
use crate::engine::{EngineError, Finding, LoadPlan, TargetEffect};
use crate::model::{ByteSize, help};

/// Catalogues of the objects of a database, with the column that names the owner.
const OWNED: [(&str, &str); 17] = [
    ("pg_class", "relowner"),
    ("pg_proc", "proowner"),
    ("pg_type", "typowner"),
    ("pg_namespace", "nspowner"),
    ("pg_extension", "extowner"),
    ("pg_foreign_data_wrapper", "fdwowner"),
    ("pg_foreign_server", "srvowner"),
    ("pg_event_trigger", "evtowner"),
    ("pg_publication", "pubowner"),
    ("pg_largeobject_metadata", "lomowner"),
    ("pg_language", "lanowner"),
    ("pg_collation", "collowner"),
    ("pg_conversion", "conowner"),
    ("pg_operator", "oprowner"),
    ("pg_opfamily", "opfowner"),
    ("pg_ts_config", "cfgowner"),
    ("pg_ts_dict", "dictowner"),
];

/// Catalogues of objects without an owner, with the role whose rights it takes to drop one. Access methods are the first
/// superuser's.
const OWNED_BY_TYPES: [(&str, &str); 3] = [
    ("pg_transform", "(SELECT typowner FROM pg_type t WHERE t.oid = o.trftype)"),
    (
        "pg_cast",
        "(SELECT typowner FROM pg_type t WHERE t.oid IN (o.castsource, o.casttarget)
      ORDER BY pg_has_role(typowner, 'USAGE') DESC LIMIT 1)",
    ),
    ("pg_am", "10::oid"),
];

/// The first OID that the server gives to an object that a user creates.
const FIRST_OID: u32 = 16_384;

/// How long the emptying waits for a lock of a session that the role may not end.
const LONGEST_LOCK: &str = "60s";

impl LoadPlanner<'_> {
    /// Empties the database and fills it. This is not atomic: a load that fails leaves it incomplete.
    pub(super) async fn load_emptied(
        &self,
        outline: Option<&Outline>,
        existing: &ExistingDatabase,
    ) -> Result<LoadPlan, EngineError> {
        let (server, target, facts) = (self.server, self.target, self.facts);
        self.check_emptying(existing)?;
        let mut findings = self.foreign_objects(existing.inherits).await?;
        let list = outline.and_then(|outline| {
            outline.list(&SkippedEntries {
                extension_comments: !server.superuser,
                views: true,
                user_mappings: false,
            })
        });
        let contents = Filling { archive: outline.map(|outline| &outline.facts), list };
        let (finish, told) = self.finishing().await?;
        findings.extend(told);
        let effect = TargetEffect::Overwrites { holds: ByteSize(existing.bytes).to_string() };
        let feed = self.feed_into(contents, &target.database)?;
        let mut plan = LoadPlan {
            before: vec![self.step(&target.database, &empty_sql(&target.database, server.major))?],
            after: vec![self.step(&server.maintenance_beside(&target.database), &finish)?],
            filling: target.database.clone(),
            findings,
            ..LoadPlan::new(effect, feed)
        };
        plan.notes.push("default privileges stay, and so do the objects of the server itself".to_owned());
        if let Some(outline) = outline {
            let lacks = server.lacks(target, outline, facts);
            plan.findings.extend(lacks.findings);
            server.fill_views(&mut plan, target, &outline.views)?;
            server.make_roles(&mut plan, target, lacks.roles)?;
        }
        Ok(plan)
    }

    fn check_emptying(&self, existing: &ExistingDatabase) -> Result<(), EngineError> {
        self.server.check_owned(self.target, existing)?;
        check_subscriptions(self.target, existing)?;
        if let Some(gid) = existing.prepared.first() {
            return Err(EngineError::Refused {
                problem: format!(
                    "`{}` has prepared transactions, the first is `{gid}`: their locks would block the emptying",
                    self.target.database
                ),
                help: help!("Commit or roll them back first."),
            });
        }
        Ok(())
    }

    /// Objects in the database that the role may not drop.
    async fn foreign_objects(&self, inherits: bool) -> Result<Vec<Finding>, EngineError> {
        let (server, target) = (self.server, self.target);
        let all = OWNED.into_iter().chain(OWNED_BY_TYPES);
        let owned = all.map(|(catalogue, owner)| {
            format!(
                "SELECT {owner} AS owner FROM {catalogue} o WHERE oid >= {FIRST_OID} AND NOT EXISTS (SELECT FROM pg_depend d
      WHERE d.classid = '{catalogue}'::regclass AND d.objid = o.oid AND d.deptype IN ('e', 'i'))"
            )
        });
        let sql = format!(
            "SELECT coalesce(json_agg(DISTINCT pg_get_userbyid(owner)), '[]') FROM ({}) o WHERE NOT pg_has_role(owner, 'USAGE');",
            owned.collect::<Vec<_>>().join("\n  UNION ALL ")
        );
        let doing = format!("list the owners of the objects in `{}`", target.database);
        let question =
            Question { doing: &doing, database: &target.database, sql: &sql, patience: Patience::Small };
        let owners: Vec<String> = server.ask(self.runner, question).await?;
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = owners.iter().map(|owner| identifier(owner)).collect();
        let problem = format!("`{}` may not drop the objects of {}", server.user(), names.join(", "));
        let help = server.membership(&owners, inherits);
        Ok(vec![Finding::error(format!("empty `{}`", target.database), problem, help)])
    }

    /// The statements that give the database its properties at the end, and findings about settings that it does not get.
    async fn finishing(&self) -> Result<(String, Vec<Finding>), EngineError> {
        let (server, target, facts) = (self.server, self.target, self.facts);
        let reset = format!("ALTER DATABASE {} RESET ALL;\n", identifier(&target.database));
        if target.properties.is_null() {
            return Ok((reset, Vec::new()));
        }
        let properties: DatabaseProperties =
            serde_json::from_value(target.properties.clone()).map_err(|error| EngineError::Archive {
                problem: format!("the properties of its database: {error}"),
            })?;
        let refused = server.refused_settings(self.runner, &properties, facts).await?;
        let told = refused.iter().map(|refused| server.setting_finding(&target.database, refused)).collect();
        let finish = Finish { roles: &facts.roles, grants: target.privileges, refused: &refused };
        Ok((reset + &properties.finish_sql(&target.database, &finish), told))
    }
}

/// Ends the sessions that the role may end, and drops everything, table by table: all at once would need more locks than
/// a server has.
fn empty_sql(database: &str, major: u32) -> String {
    // The schema `public` is created as in a new database.
    let (owner, right) = if major >= 15 { ("pg_database_owner", "USAGE") } else { ("CURRENT_USER", "ALL") };
    let body = format!(
            "DECLARE item record;
BEGIN
  PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
    WHERE a.datname = {} AND a.pid <> pg_backend_pid() AND pg_has_role(r.oid, 'USAGE')
      AND (NOT r.rolsuper OR current_setting('is_superuser') = 'on');
  FOR item IN SELECT evtname AS name FROM pg_event_trigger LOOP
    EXECUTE format('DROP EVENT TRIGGER %I', item.name);
  END LOOP;
  COMMIT;
  FOR item IN SELECT extname AS name FROM pg_extension WHERE oid >= {FIRST_OID} LOOP
    EXECUTE format('DROP EXTENSION IF EXISTS %I CASCADE', item.name);
    COMMIT;
  END LOOP;
  FOR item IN SELECT pubname AS name FROM pg_publication LOOP
    EXECUTE format('DROP PUBLICATION %I', item.name);
  END LOOP;
  FOR item IN SELECT n.nspname, c.relname, CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW'
      WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid >= {FIRST_OID} AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' LOOP
    EXECUTE format('DROP %s IF EXISTS %I.%I CASCADE', item.kind, item.nspname, item.relname);
    COMMIT;
  END LOOP;
  FOR item IN SELECT nspname AS name FROM pg_namespace
    WHERE nspname !~ '^pg_' AND (oid >= {FIRST_OID} OR nspname = 'public')
      AND pg_has_role(nspowner, 'USAGE') LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', item.name);
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') THEN
    CREATE SCHEMA public;
    ALTER SCHEMA public OWNER TO {owner};
    GRANT {right} ON SCHEMA public TO PUBLIC;
    COMMENT ON SCHEMA public IS 'standard public schema';
  END IF;
  FOR item IN SELECT p.oid::regprocedure::text AS name FROM pg_proc p
    WHERE p.oid >= {FIRST_OID} AND p.pronamespace = 'public'::regnamespace LOOP
    EXECUTE 'DROP ROUTINE IF EXISTS ' || item.name || ' CASCADE';
  END LOOP;
  FOR item IN SELECT t.oid::regtype::text AS name FROM pg_type t
    WHERE t.oid >= {FIRST_OID} AND t.typnamespace = 'public'::regnamespace AND t.typtype IN ('c', 'd', 'e', 'r') LOOP
    EXECUTE 'DROP TYPE IF EXISTS ' || item.name || ' CASCADE';
  END LOOP;
  FOR item IN SELECT c.relname AS name FROM pg_class c
    WHERE c.oid >= {FIRST_OID} AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' LOOP
    EXECUTE format('DROP SEQUENCE IF EXISTS public.%I CASCADE', item.name);
  END LOOP;
  FOR item IN SELECT castsource::regtype::text AS source, casttarget::regtype::text AS target FROM pg_cast
    WHERE oid >= {FIRST_OID} LOOP
    EXECUTE format('DROP CAST IF EXISTS (%s AS %s)', item.source, item.target);
  END LOOP;
  FOR item IN SELECT t.trftype::regtype::text AS name, l.lanname FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang
    WHERE t.oid >= {FIRST_OID} LOOP
    EXECUTE format('DROP TRANSFORM IF EXISTS FOR %s LANGUAGE %I CASCADE', item.name, item.lanname);
  END LOOP;
  FOR item IN SELECT fdwname AS name FROM pg_foreign_data_wrapper WHERE oid >= {FIRST_OID} LOOP
    EXECUTE format('DROP FOREIGN DATA WRAPPER %I CASCADE', item.name);
  END LOOP;
  FOR item IN SELECT lanname AS name FROM pg_language WHERE oid >= {FIRST_OID} LOOP
    EXECUTE format('DROP LANGUAGE %I CASCADE', item.name);
  END LOOP;
  FOR item IN SELECT amname AS name FROM pg_am WHERE oid >= {FIRST_OID} LOOP
    EXECUTE format('DROP ACCESS METHOD %I CASCADE', item.name);
  END LOOP;
  COMMIT;
  FOR item IN SELECT oid FROM pg_largeobject_metadata LOOP
    PERFORM lo_unlink(item.oid);
    COMMIT;
  END LOOP;
END",
            literal(database)
        );
    format!(
        "SET lock_timeout = '{LONGEST_LOCK}';\nSET client_min_messages = warning;\nDO {};",
        literal(&body)
    )
}
