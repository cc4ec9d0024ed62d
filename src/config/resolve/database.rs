//! Resolves `[databases.NAME]` and checks each key against the entry's engine.

use super::{EntryPlace, packing, pgbackrest, replica};
use crate::config::entry::{Connection, DatabaseEntry};
use crate::config::error::ConfigError;
use crate::config::file::DatabaseFile;
use crate::config::hooks::Hooks;
use crate::config::secret::Forms;
use crate::engine::{DatabaseChoice, TlsSettings};
use crate::model::{EngineKind, Method, SourceChoice};

/// The value of `policy` for an entry without a policy.
pub(super) const NO_POLICY: &str = "none";

/// A key that is not for every engine: its name, whether it is set, and the engines that use it.
type Suited = (&'static str, fn(&DatabaseFile) -> bool, &'static [EngineKind]);

const POSTGRESQL: &[EngineKind] = &[EngineKind::PostgreSql];
const MYSQL: &[EngineKind] = &[EngineKind::MySql, EngineKind::MariaDb];
const SQL: &[EngineKind] = &[EngineKind::PostgreSql, EngineKind::MySql, EngineKind::MariaDb];

const SUITED: [Suited; 13] = [
    ("maintenance_database", |written| written.maintenance_database.is_some(), POSTGRESQL),
    ("dump.schemas", |written| !written.dump.schemas.is_empty(), POSTGRESQL),
    ("dump.exclude_schemas", |written| !written.dump.exclude_schemas.is_empty(), POSTGRESQL),
    ("dump.role_passwords", |written| written.dump.role_passwords, POSTGRESQL),
    ("dbnames", |written| !written.dbnames.is_empty(), SQL),
    ("all_databases", |written| written.all_databases, SQL),
    ("exclude_databases", |written| !written.exclude_databases.is_empty(), SQL),
    ("dump.tables", |written| !written.dump.tables.is_empty(), SQL),
    ("dump.exclude_tables", |written| !written.dump.exclude_tables.is_empty(), SQL),
    ("dump.exclude_table_data", |written| !written.dump.exclude_table_data.is_empty(), SQL),
    ("dump.skip_broken_views", |written| written.dump.skip_broken_views, MYSQL),
    ("dump.globals", |written| written.dump.globals.is_some(), SQL),
    ("dump.extra_args", |written| !written.dump.extra_args.is_empty(), SQL),
];

/// Refuses a key that the entry's engine does not use: ignoring it would hide a mistake.
fn refuse_strange_keys(place: &EntryPlace<'_>, written: &DatabaseFile) -> Result<(), ConfigError> {
    let strange =
        SUITED.iter().find(|(_, given, engines)| given(written) && !engines.contains(&written.engine));
    let Some((key, _, engines)) = strange else { return Ok(()) };
    let engines: Vec<&str> = engines.iter().map(|engine| engine.as_str()).collect();
    let problem = format!("`{key}` is for {}, and this entry is {}", engines.join(", "), written.engine);
    Err(place.wrong_with(key, problem, Some("Leave it out.".to_owned())))
}

/// How the data is taken; an error if the engine does not support that.
fn method(place: &EntryPlace<'_>, written: &DatabaseFile) -> Result<Method, ConfigError> {
    let method = written.method.unwrap_or(Method::Logical);
    if !written.engine.methods().contains(&method) {
        let known: Vec<&str> = written.engine.methods().iter().map(|method| method.as_str()).collect();
        let problem =
            format!("`method` is \"{method}\", and backups of {} are {}", written.engine, known.join(" or "));
        return Err(place.wrong_with("method", problem, Some("Leave it out.".to_owned())));
    }
    if let (Some(_), true) = (&written.pgbackrest, method != Method::PgBackRest) {
        let problem = format!("`pgbackrest` is for method = \"pgbackrest\", and `method` is \"{method}\"");
        let help = "Leave it out, or set method = \"pgbackrest\".".to_owned();
        return Err(place.wrong_with("pgbackrest", problem, Some(help)));
    }
    if !method.takes_whole_server() {
        return Ok(method);
    }
    let choosing = SUITED.iter().find(|(key, given, _)| *key != "maintenance_database" && given(written));
    let Some((key, ..)) = choosing else {
        if method == Method::PgBackRest {
            pgbackrest::refuse_strange_keys(place, written)?;
        }
        return Ok(method);
    };
    let problem =
        format!("`{key}` is for logical backups, and `method` is \"{method}\": it takes the whole server");
    let help = "Leave it out; or back up the dumps under a second entry, without `method`.".to_owned();
    Err(place.wrong_with(key, problem, Some(help)))
}

/// One `[databases.NAME]` table.
pub(super) fn resolve(
    place: &EntryPlace<'_>,
    name: &str,
    written: &DatabaseFile,
    hooks: Hooks,
) -> Result<DatabaseEntry, ConfigError> {
    refuse_strange_keys(place, written)?;
    let method = method(place, written)?;
    let connection = connection(place, written)?;
    let source = written.source.unwrap_or(SourceChoice::Auto);
    if source == SourceChoice::Replica && written.replicas.is_empty() {
        let help = Some("Add a [[databases.NAME.replicas]] table, or leave out `source`.".to_owned());
        return Err(place.wrong_with("source", "`source` is \"replica\", and no replica is declared", help));
    }
    Ok(DatabaseEntry {
        name: place.name("", name)?,
        engine: written.engine,
        method,
        active: written.active.unwrap_or(true),
        protect: written.protect,
        labels: written.labels.clone(),
        policy: match written.policy.as_deref() {
            None | Some(NO_POLICY) => None,
            Some(policy) => Some(place.name("policy", policy)?),
        },
        no_policy: written.policy.as_deref() == Some(NO_POLICY),
        store: written.store.as_ref().map(|store| place.name("store", store)).transpose()?,
        hooks,
        packing: packing(place, written.compression, written.compression_level, &written.encryption)?,
        choice: choice(place, written)?,
        globals: written.dump.globals.unwrap_or(written.engine.has_databases()),
        source,
        replicas: replica::resolve(place, &written.replicas, &connection)?,
        connection,
    })
}

fn choice(place: &EntryPlace<'_>, written: &DatabaseFile) -> Result<DatabaseChoice, ConfigError> {
    if !written.engine.has_databases() || written.method.is_some_and(Method::takes_whole_server) {
        return Ok(DatabaseChoice::All { exclude: Vec::new() });
    }
    match (written.all_databases, written.dbnames.is_empty()) {
        (true, true) => Ok(DatabaseChoice::All { exclude: written.exclude_databases.clone() }),
        (false, false) if !written.exclude_databases.is_empty() => {
            Err(place.wrong("exclude_databases", "`exclude_databases` goes with all_databases = true"))
        }
        (false, false) => Ok(DatabaseChoice::Named(written.dbnames.clone())),
        (true, false) => {
            Err(place.wrong("dbnames", "`dbnames` and `all_databases` are given together; choose one"))
        }
        (false, true) => {
            let help = Some("Set dbnames = [\"shop\"], or all_databases = true.".to_owned());
            Err(place.wrong_with("", "it does not say which logical databases to back up", help))
        }
    }
}

fn connection(place: &EntryPlace<'_>, written: &DatabaseFile) -> Result<Connection, ConfigError> {
    if written.user.is_none() && written.engine.has_databases() {
        let help = Some("Set user = \"jagad\".".to_owned());
        return Err(place.wrong_with("", "missing field `user`", help));
    }
    if written.host.is_some() == written.socket.is_some() {
        let problem =
            if written.host.is_some() { "`host` and `socket` are given together" } else { "no host" };
        return Err(place.wrong_with("", problem, Some("Give `host`, or `socket`.".to_owned())));
    }
    let password = Forms {
        inline: written.password.as_ref(),
        file: written.password_file.as_ref(),
        environment: written.password_env.as_ref(),
        command: written.password_command.as_ref(),
        credential: written.password_credential.as_ref(),
    };
    Ok(Connection {
        host: written.host.clone(),
        socket: place.file(written.socket.as_ref()),
        port: written.port.unwrap_or(written.engine.default_port()),
        user: written.user.clone().unwrap_or_default(),
        password: place.secret("password", &password)?,
        tls: TlsSettings {
            mode: written.tls.mode.unwrap_or_default(),
            ca: place.file(written.tls.ca.as_ref()),
            cert: place.file(written.tls.cert.as_ref()),
            key: place.file(written.tls.key.as_ref()),
        },
        maintenance_database: written.maintenance_database.clone().unwrap_or_else(|| "postgres".to_owned()),
        filter: written.dump.filter(),
        role_passwords: written.dump.role_passwords,
        extra_args: written.dump.extra_args.clone(),
        bin_dir: place.file(written.tools.bin_dir.as_ref()),
        pgbackrest: match written.method {
            Some(Method::PgBackRest) => Some(pgbackrest::resolve(place, written.pgbackrest.as_ref())?),
            _ => None,
        },
    })
}
