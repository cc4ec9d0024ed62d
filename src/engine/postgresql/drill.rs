//! A throw-away server for restore drills.

use super::PostgreSql;
use super::connection::{Connection, NO_FILE};
use super::cron::{CRON, CRON_DATABASE};
use super::psql::statements;
use super::quote::literal;
use super::tools::{self, ToolSet, major_of};
use crate::engine::isolation::without_network;
use crate::engine::socket;
use crate::engine::{Drill, DrillRequest, EngineError, Filter, ServerSettings, TlsSettings};
use crate::model::EngineKind;
use crate::process::{ToolSpec, user_exists};
use std::path::Path;
use std::time::Duration;

const SOCKET_NAME: &str = ".s.PGSQL.5432";
const LONGEST_START: Duration = Duration::from_secs(300);

/// Nothing of a drill must survive a crash, so nothing is made durable. Without places for workers none runs: no job of an
/// extension, and no subscription.
pub(super) const QUIET: [&str; 15] = [
    "listen_addresses=",
    "port=5432",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_wal_senders=0",
    "archive_mode=off",
    "autovacuum=off",
    "max_wal_size=8GB",
    "checkpoint_timeout=1h",
    "maintenance_work_mem=256MB",
    "max_connections=20",
    "max_locks_per_transaction=4096",
    "max_worker_processes=0",
    "max_logical_replication_workers=0",
];

/// What libpq inside of the server finds, where a function of the backup makes it connect to some other server: no peer on
/// a socket and no certificate is good enough.
const DISTRUST: [(&str, &str); 4] = [
    ("PGREQUIREPEER", "nobody that a drill knows"),
    ("PGSSLMODE", "verify-full"),
    ("PGSSLROOTCERT", NO_FILE),
    ("PGPASSFILE", NO_FILE),
];

/// Settings of every session, as far as the server knows them: tablespaces are in the server's own folder, no foreign table
/// is read, no event trigger is fired.
const SESSIONS: &str = "BEGIN
  IF EXISTS (SELECT FROM pg_settings WHERE name = 'allow_in_place_tablespaces') THEN
    ALTER ROLE postgres SET allow_in_place_tablespaces = on;
  END IF;
  IF EXISTS (SELECT FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind') THEN
    ALTER ROLE postgres SET restrict_nonsystem_relation_kind = 'foreign-table';
  END IF;
  IF EXISTS (SELECT FROM pg_settings WHERE name = 'event_triggers') THEN
    ALTER ROLE postgres SET event_triggers = off;
  END IF;
END";

/// Extensions that are created only in a server that has loaded their library at its start, for backups that do not say
/// what their server loads.
const PRELOADED: [&str; 4] = ["citus", "pg_cron", "pg_net", "timescaledb"];

/// The account that a server runs as where we are root: PostgreSQL refuses to be root.
pub(super) fn account() -> &'static str {
    if user_exists("postgres") { "postgres" } else { "nobody" }
}

/// Runs as that account, with messages that can be understood.
pub(super) fn as_account(mut tool: ToolSpec) -> ToolSpec {
    tool.user_when_root = Some(account().to_owned());
    tool.env.push(("LC_ALL".to_owned(), "C".to_owned()));
    tool
}

/// A server that can take the backup, of the same major version or the next that is installed.
pub(super) fn drill(settings: &ServerSettings, request: &DrillRequest<'_>) -> Result<Drill, EngineError> {
    let set = server_tools(settings, request.server_version)?;
    let place = place(request)?;
    let data = format!("{place}/data");
    let mut setup = Vec::new();
    if crate::process::is_root() {
        setup.push(ToolSpec::new("chown").arg(account()).arg(place.clone()));
    }
    let initdb = ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"];
    let mut make = as_account(ToolSpec::new(set.program("initdb")));
    make.timeout = Some(LONGEST_START);
    setup.push(make.arg(format!("--pgdata={data}")).args(initdb));
    setup.push(start(&set, &place, &flags(request, &set, &place)));
    let address = address(request.folder, &set);
    let sessions = format!("DO {};", literal(&sessions("postgres")));
    setup.push(statements(&Connection::new(address.clone()), &set, "postgres", &sessions)?);
    let teardown = vec![stop(&set, &place)];
    Ok(Drill { files: None, setup, server: None, engine: Box::new(PostgreSql::new(address)), teardown })
}

/// The folder of the request as text: its name has to survive the list of directories that it goes into.
pub(super) fn place(request: &DrillRequest<'_>) -> Result<String, EngineError> {
    socket::folder_for(request.folder, SOCKET_NAME, &[',', '"', '\\', '\n'])
}

/// Starts the server on `data` below `place`, with these settings.
pub(super) fn start(set: &ToolSet, place: &str, flags: &[String]) -> ToolSpec {
    let options: Vec<String> = flags.iter().map(|flag| format!("-c {}", shell_quoted(flag))).collect();
    let pg_ctl = set.program("pg_ctl").display().to_string();
    let mut start = as_account(without_network(pg_ctl, "pg_ctl"));
    start.timeout = Some(LONGEST_START);
    start.env.extend(distrust());
    control(start, place, "start")
        .arg(format!("--log={place}/log"))
        .arg(format!("--options={}", options.join(" ")))
}

/// Stops it at once.
pub(super) fn stop(set: &ToolSet, place: &str) -> ToolSpec {
    let mut stop = as_account(ToolSpec::new(set.program("pg_ctl")));
    stop.timeout = Some(LONGEST_START);
    control(stop, place, "stop").arg("--mode=immediate")
}

fn control(tool: ToolSpec, place: &str, action: &str) -> ToolSpec {
    tool.arg(action).arg(format!("--pgdata={place}/data")).args(["-w", "-t", "240"])
}

/// The environment of a server that is to trust nobody.
pub(super) fn distrust() -> impl Iterator<Item = (String, String)> {
    DISTRUST.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The statements that set [`SESSIONS`] for `role`.
pub(super) fn sessions(role: &str) -> String {
    SESSIONS.replace("ROLE postgres", &format!("ROLE {role}"))
}

fn flags(request: &DrillRequest<'_>, set: &ToolSet, place: &str) -> Vec<String> {
    let mut flags: Vec<String> =
        QUIET.iter().chain(&["wal_level=minimal"]).map(|flag| (*flag).to_owned()).collect();
    flags.push(format!("unix_socket_directories={place}"));
    let libraries = libraries(request, set);
    if !libraries.is_empty() {
        flags.push(format!("shared_preload_libraries={}", libraries.join(",")));
    }
    let with_jobs =
        request.recorded.iter().find(|(_, contents)| contents.extensions.iter().any(|name| name == CRON));
    if let Some((database, _)) = with_jobs {
        flags.push(format!("{CRON_DATABASE}={database}"));
    }
    flags
}

/// The libraries that the extensions of the backup want to be loaded at the start, of those that are installed.
fn libraries(request: &DrillRequest<'_>, set: &ToolSet) -> Vec<String> {
    let mut wanted = Vec::new();
    for contents in request.recorded.values() {
        let preloaded = contents.needs.preloaded.iter().map(String::as_str).chain(PRELOADED);
        for library in preloaded.filter(|library| contents.extensions.iter().any(|name| name == library)) {
            if !wanted.iter().any(|known| known == library) {
                wanted.push(library.to_owned());
            }
        }
    }
    wanted.retain(|library| is_installed(set, library));
    wanted
}

/// Whether the server finds this library among its own.
pub(super) fn is_installed(set: &ToolSet, library: &str) -> bool {
    let plain = library.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let folder = set.folder.parent().map(|parent| parent.join("lib"));
    plain && folder.is_some_and(|folder| folder.join(format!("{library}.so")).exists())
}

fn server_tools(settings: &ServerSettings, server_version: &str) -> Result<ToolSet, EngineError> {
    let major = major_of(server_version).unwrap_or(0);
    let configured = settings.bin_dir.as_deref();
    let sets = configured.map_or_else(Vec::new, |folder| tools::installed(Some(folder), "initdb"));
    let found = tools::fitting_or_unknown(&sets, major).cloned();
    // `bin_dir` may hold client programs alone.
    let found =
        found.or_else(|| tools::fitting_or_unknown(&tools::installed(None, "initdb"), major).cloned());
    found.ok_or_else(|| tools::missing("initdb", Some(major), configured))
}

/// pg_ctl hands its options through a shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Where the server answers.
pub(super) fn address(folder: &Path, set: &ToolSet) -> ServerSettings {
    ServerSettings {
        kind: EngineKind::PostgreSql,
        host: None,
        socket: Some(folder.to_owned()),
        port: 5432,
        user: "postgres".to_owned(),
        password: None,
        tls: TlsSettings::default(),
        maintenance_database: "postgres".to_owned(),
        filter: Filter::default(),
        role_passwords: true,
        extra_args: Vec::new(),
        bin_dir: Some(set.folder.clone()),
        pgbackrest: None,
    }
}
