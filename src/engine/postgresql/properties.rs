//! What a database is created with: the part of it that pg_dump leaves to `CREATE DATABASE`.

use super::quote::{identifier, literal};
use super::settings::{RefusedSetting, Setting};
use crate::engine::{EngineError, Ownership};
use crate::model::help;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Everything about a database that is not inside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DatabaseProperties {
    /// Role that owns it.
    pub(super) owner: String,
    /// Encoding: "UTF8".
    pub(super) encoding: String,
    /// `LC_COLLATE`.
    pub(super) collate: String,
    /// `LC_CTYPE`.
    pub(super) ctype: String,
    /// Who collates.
    #[serde(default = "libc")]
    pub(super) provider: Provider,
    /// Locale of ICU or builtin.
    #[serde(default)]
    pub(super) locale: Option<String>,
    /// Extra rules of ICU.
    #[serde(default)]
    pub(super) icu_rules: Option<String>,
    /// Default tablespace.
    pub(super) tablespace: String,
    /// -1 is unlimited.
    #[serde(default = "unlimited")]
    pub(super) connection_limit: i64,
    /// `COMMENT ON DATABASE`.
    #[serde(default)]
    pub(super) comment: Option<String>,
    /// Grants; `None` are PostgreSQL's defaults.
    #[serde(default)]
    pub(super) acl: Option<Vec<Grant>>,
    /// `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET`.
    #[serde(default)]
    pub(super) settings: Option<Vec<Setting>>,
}

/// Who collates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Provider {
    /// The C library.
    #[serde(rename = "c")]
    Libc,
    /// ICU.
    #[serde(rename = "i")]
    Icu,
    /// The server itself.
    #[serde(rename = "b")]
    Builtin,
}

fn libc() -> Provider {
    Provider::Libc
}

fn unlimited() -> i64 {
    -1
}

/// One right on the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    /// Role, `None` for everybody.
    pub(super) grantee: Option<String>,
    /// Which.
    pub(super) privilege: Privilege,
    /// Whether it may be handed on.
    pub(super) grantable: bool,
}

/// What can be granted on a database. It stands in a statement as it is, so it is one of these and no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Privilege {
    /// To make schemas.
    Create,
    /// To connect.
    Connect,
    /// To make temporary tables.
    Temporary,
}

impl Privilege {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Connect => "CONNECT",
            Self::Temporary => "TEMPORARY",
        }
    }
}

/// The SQL expression that gives the properties of `pg_database d` joined with `pg_tablespace t`, by server version.
pub(super) fn properties_sql(major: u32) -> String {
    let provider = if major >= 15 { "d.datlocprovider::text" } else { "'c'" };
    let locale = match major {
        17.. => "d.datlocale",
        15 | 16 => "d.daticulocale",
        _ => "NULL",
    };
    let rules = if major >= 16 { "d.daticurules" } else { "NULL" };
    format!(
        "json_build_object('owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
    'collate', d.datcollate, 'ctype', d.datctype, 'provider', {provider}, 'locale', {locale},
    'icu_rules', {rules}, 'tablespace', t.spcname, 'connection_limit', d.datconnlimit,
    'comment', shobj_description(d.oid, 'pg_database'),
    'acl', CASE WHEN d.datacl IS NOT NULL THEN (SELECT coalesce(json_agg(json_build_object(
        'grantee', CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END,
        'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]') FROM aclexplode(d.datacl) a) END,
    'settings', (SELECT json_agg(json_build_object(
        'role', CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END, 'setting', c))
        FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE s.setdatabase = d.oid))"
    )
}

/// What the target offers to a new database.
pub(super) struct Surroundings<'a> {
    /// Its major version.
    pub(super) major: u32,
    /// Role that shall own the database; `None` is the role that creates it.
    pub(super) owner: Option<&'a str>,
    /// Tablespaces that exist.
    pub(super) tablespaces: &'a [String],
}

/// What a database gets at last.
pub(super) struct Finish<'a> {
    /// Roles that exist.
    pub(super) roles: &'a [String],
    /// Its grants.
    pub(super) grants: Ownership,
    /// Settings that the target does not take.
    pub(super) refused: &'a [RefusedSetting],
}

impl DatabaseProperties {
    /// The statement that creates the database `name` from `template0`. An ICU or builtin locale on a server that has
    /// no such provider is an error.
    pub(super) fn create_sql(&self, name: &str, target: &Surroundings<'_>) -> Result<String, EngineError> {
        let mut sql = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            identifier(name),
            literal(&self.encoding),
            literal(&self.collate),
            literal(&self.ctype)
        );
        let (provider, option, since) = match self.provider {
            Provider::Icu => ("icu", "ICU_LOCALE", 15),
            Provider::Builtin => ("builtin", "BUILTIN_LOCALE", 17),
            Provider::Libc => ("libc", "", 15),
        };
        if !option.is_empty() && target.major < since {
            return Err(EngineError::Version {
                problem: format!(
                    "the database uses the {provider} locale provider, which PostgreSQL {} does not have",
                    target.major
                ),
                help: help!("Restore into PostgreSQL {since} or newer."),
            });
        }
        if target.major >= 15 {
            let _ = write!(sql, " LOCALE_PROVIDER {provider}");
        }
        if let (Some(locale), false) = (&self.locale, option.is_empty()) {
            let _ = write!(sql, " {option} {}", literal(locale));
        }
        if let (Some(rules), true) = (&self.icu_rules, target.major >= 16) {
            let _ = write!(sql, " ICU_RULES {}", literal(rules));
        }
        if let Some(owner) = target.owner {
            let _ = write!(sql, " OWNER {}", identifier(owner));
        }
        if self.tablespace != "pg_default" && target.tablespaces.contains(&self.tablespace) {
            let _ = write!(sql, " TABLESPACE {}", identifier(&self.tablespace));
        }
        Ok(sql + ";")
    }

    /// Statements that give the database `name` its comment, limit, settings and (if `finish` keeps them) rights.
    pub(super) fn finish_sql(&self, name: &str, finish: &Finish<'_>) -> String {
        let Finish { roles, grants, refused } = finish;
        let database = identifier(name);
        let mut sql = String::new();
        if let Some(comment) = &self.comment {
            let _ = writeln!(sql, "COMMENT ON DATABASE {database} IS {};", literal(comment));
        }
        if self.connection_limit >= 0 {
            let _ = writeln!(sql, "ALTER DATABASE {database} CONNECTION LIMIT {};", self.connection_limit);
        }
        let known = |role: &Option<String>| role.as_ref().is_none_or(|role| roles.contains(role));
        let kept = |setting: &&Setting| {
            known(&setting.role) && !refused.iter().any(|refused| refused.setting == **setting)
        };
        for setting in self.settings.iter().flatten().filter(kept) {
            let whose = match &setting.role {
                Some(role) => format!("ROLE {} IN DATABASE {database}", identifier(role)),
                None => format!("DATABASE {database}"),
            };
            if let Some(assignment) = setting.assignment() {
                let _ = writeln!(sql, "ALTER {whose} SET {assignment};");
            }
        }
        if let (Some(acl), Ownership::Keep) = (&self.acl, grants) {
            let _ = writeln!(sql, "REVOKE ALL ON DATABASE {database} FROM PUBLIC;");
            for Grant { grantee, privilege, grantable } in acl.iter().filter(|grant| known(&grant.grantee)) {
                let to = grantee.as_ref().map_or_else(|| "PUBLIC".to_owned(), |role| identifier(role));
                let option = if *grantable { " WITH GRANT OPTION" } else { "" };
                let privilege = privilege.as_str();
                let _ = writeln!(sql, "GRANT {privilege} ON DATABASE {database} TO {to}{option};");
            }
        }
        sql
    }

    /// Roles that the grants and settings name.
    pub(super) fn roles(&self) -> impl Iterator<Item = &String> {
        let grantees = self.acl.iter().flatten().filter_map(|grant| grant.grantee.as_ref());
        grantees.chain(self.settings.iter().flatten().filter_map(|setting| setting.role.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties() -> DatabaseProperties {
        serde_json::from_str(
            r#"{"owner":"o","encoding":"UTF8","collate":"C","ctype":"C.UTF-8","tablespace":"fast",
                "comment":"it's","connection_limit":5,
                "acl":[{"grantee":null,"privilege":"CONNECT","grantable":false},
                       {"grantee":"r","privilege":"CREATE","grantable":true},
                       {"grantee":"gone","privilege":"CREATE","grantable":false}],
                "settings":[{"role":null,"setting":"search_path=\"$user\", \"a\"\"b, c\", public"},
                            {"role":"r","setting":"my.x=1=2"},{"role":null,"setting":"search_path=\"\""}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_database_is_created_with_what_the_server_version_knows() {
        let mut props = properties();
        let spaces = ["fast".to_owned()];
        let target = |major, owner| Surroundings { major, owner, tablespaces: &spaces };
        let base =
            "CREATE DATABASE \"x\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'";
        let sql = props.create_sql("x", &target(13, None)).unwrap();
        assert_eq!(sql, format!("{base} TABLESPACE \"fast\";"));
        let alone = Surroundings { major: 15, owner: Some("o"), tablespaces: &[] };
        assert_eq!(
            props.create_sql("x", &alone).unwrap(),
            format!("{base} LOCALE_PROVIDER libc OWNER \"o\";")
        );
        (props.provider, props.locale, props.icu_rules) =
            (Provider::Icu, Some("de".into()), Some("&a<b".into()));
        let sql = props.create_sql("x", &target(16, None)).unwrap();
        assert!(sql.contains(" LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&a<b'"), "{sql}");
        assert!(matches!(props.create_sql("x", &target(14, None)), Err(EngineError::Version { .. })));
        props.provider = Provider::Builtin;
        assert!(matches!(props.create_sql("x", &target(16, None)), Err(EngineError::Version { .. })));
        assert!(props.create_sql("x", &target(17, None)).unwrap().contains("BUILTIN_LOCALE 'de'"));
    }

    #[test]
    fn only_rights_that_a_database_has_are_read() {
        let read = |privilege: &str| {
            let grant = serde_json::json!({"grantee": null, "privilege": privilege, "grantable": false});
            serde_json::from_value::<Grant>(grant)
        };
        assert!(read("TEMPORARY").is_ok());
        for bad in ["connect", "ALL", "CREATE ON DATABASE x TO y;\n\\! id > file", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn settings_and_grants_follow_for_roles_that_exist() {
        let roles = ["r".to_owned()];
        let finish = Finish { roles: &roles, grants: Ownership::Keep, refused: &[] };
        let sql = properties().finish_sql("x", &finish);
        let expected = "COMMENT ON DATABASE \"x\" IS 'it''s';
ALTER DATABASE \"x\" CONNECTION LIMIT 5;
ALTER DATABASE \"x\" SET \"search_path\" TO '$user', 'a\"b, c', 'public';
ALTER ROLE \"r\" IN DATABASE \"x\" SET \"my\".\"x\" TO '1=2';
ALTER DATABASE \"x\" SET \"search_path\" TO '';
REVOKE ALL ON DATABASE \"x\" FROM PUBLIC;
GRANT CONNECT ON DATABASE \"x\" TO PUBLIC;
GRANT CREATE ON DATABASE \"x\" TO \"r\" WITH GRANT OPTION;
";
        assert_eq!(sql, expected);
        let finish = Finish { roles: &[], grants: Ownership::Skip, refused: &[] };
        assert!(!properties().finish_sql("x", &finish).contains("GRANT"));
    }
}
