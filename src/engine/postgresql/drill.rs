//! A throw-away server for restore drills.

use super::PostgreSql;
use super::connection::{Connection, NO_FILE};
use super::cron::{CRON, CRON_DATABASE};
use super::psql::statements;
use super::quote::literal;
use super::tools::{self, ToolSet, major_of};
use crate::engine::socket;
use crate::engine::{Drill, DrillRequest, EngineError, Filter, ServerSettings, TlsSettings};
use crate::model::EngineKind;
use crate::process::{ToolSpec, user_exists};
use std::path::Path;
use std::time::Duration;

const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// Nothing of a drill must survive a crash, so nothing is made durable. Without places for workers none runs: no job of an
/// extension, and no subscription.
const FLAGS: [&str; 16] = [
    "listen_addresses=",
    "port=5432",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
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

/// Runs its arguments without a network, where the system lets an ordinary user have that.
const WITHOUT_NETWORK: &str = "unshare --map-current-user --net true 2>/dev/null && \
exec unshare --map-current-user --net \"$@\"; exec \"$@\"";

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

/// A server that can take the backup, of the same major version or the next that is installed.
pub(super) fn drill(settings: &ServerSettings, request: &DrillRequest<'_>) -> Result<Drill, EngineError> {
    let set = server_tools(settings, request.server_version)?;
    // Its name has to survive the list of directories that it goes into.
    let place = socket::folder_for(request.folder, SOCKET_NAME, &[',', '"', '\\', '\n'])?;
    let data = format!("{place}/data");
    // PostgreSQL refuses to run as root.
    let account = if user_exists("postgres") { "postgres" } else { "nobody" };
    let as_account = |mut tool: ToolSpec| {
        tool.user_when_root = Some(account.to_owned());
        tool.env.push(("LC_ALL".to_owned(), "C".to_owned()));
        tool.timeout = Some(Duration::from_secs(300));
        tool
    };
    let mut setup = Vec::new();
    if crate::process::is_root() {
        setup.push(ToolSpec::new("chown").arg(account).arg(place.clone()));
    }
    let initdb = ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"];
    let tool = as_account(ToolSpec::new(set.program("initdb")));
    setup.push(tool.arg(format!("--pgdata={data}")).args(initdb));
    let pg_ctl = set.program("pg_ctl").display().to_string();
    let control = |tool: ToolSpec, action: &str| {
        tool.arg(action).arg(format!("--pgdata={data}")).args(["-w", "-t", "240"])
    };
    let flags: Vec<String> =
        flags(request, &set, &place).iter().map(|flag| format!("-c {}", shell_quoted(flag))).collect();
    let mut start = as_account(ToolSpec::new("sh")).arg("-c").args([WITHOUT_NETWORK, "sh"]).arg(pg_ctl);
    start.label = "pg_ctl".to_owned();
    start.env.extend(DISTRUST.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let start = control(start, "start").arg(format!("--log={place}/log"));
    setup.push(start.arg(format!("--options={}", flags.join(" "))));
    let address = address(request.folder, &set);
    let sessions = format!("DO {};", literal(SESSIONS));
    setup.push(statements(&Connection::new(address.clone()), &set, "postgres", &sessions)?);
    let stop = control(as_account(ToolSpec::new(set.program("pg_ctl"))), "stop");
    let teardown = vec![stop.arg("--mode=immediate")];
    Ok(Drill { setup, server: None, engine: Box::new(PostgreSql::new(address)), teardown })
}

fn flags(request: &DrillRequest<'_>, set: &ToolSet, place: &str) -> Vec<String> {
    let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
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
    let installed = |library: &String| {
        let plain = library.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let folder = set.folder.parent().map(|parent| parent.join("lib"));
        plain && folder.is_some_and(|folder| folder.join(format!("{library}.so")).exists())
    };
    wanted.retain(installed);
    wanted
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

fn address(folder: &Path, set: &ToolSet) -> ServerSettings {
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
    }
}
