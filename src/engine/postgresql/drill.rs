//! A throw-away server for restore drills.

use super::PostgreSql;
use super::tools::{self, ToolSet, major_of};
use crate::engine::{Drill, EngineError, Filter, ServerSettings, TlsSettings};
use crate::model::EngineKind;
use crate::process::{ToolSpec, user_exists};
use std::path::Path;
use std::time::Duration;

/// The longest path of a Unix socket.
const SOCKET_PATH_LIMIT: usize = 107;
const SOCKET_NAME: &str = "/.s.PGSQL.5432";

/// Nothing of a drill must survive a crash, so nothing is made durable.
const FLAGS: [&str; 14] = [
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
];

/// A server below `folder` that can take a dump of `server_version`, of the same major or the next that is installed.
pub(super) fn drill(
    settings: &ServerSettings,
    server_version: &str,
    folder: &Path,
) -> Result<Drill, EngineError> {
    let set = server_tools(settings, server_version)?;
    let place = checked_path(folder)?;
    let data = format!("{place}/data");
    // PostgreSQL refuses to run as root.
    let account = if user_exists("postgres") { "postgres" } else { "nobody" };
    let tool = |program: &str| {
        let mut tool = ToolSpec::new(set.program(program));
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
    setup.push(tool("initdb").arg(format!("--pgdata={data}")).args(initdb));
    let control =
        |action: &str| tool("pg_ctl").arg(action).arg(format!("--pgdata={data}")).args(["-w", "-t", "240"]);
    let flags: Vec<String> = FLAGS.iter().map(|flag| format!("-c {}", shell_quoted(flag))).collect();
    let flags = flags.join(" ");
    let flags = format!("{flags} -c {}", shell_quoted(&format!("unix_socket_directories={place}")));
    setup.push(control("start").arg(format!("--log={place}/log")).arg(format!("--options={flags}")));
    let teardown = vec![control("stop").arg("--mode=immediate")];
    Ok(Drill { setup, server: None, engine: Box::new(PostgreSql::new(address(folder, &set))), teardown })
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

/// The folder as text, where a socket fits below it and its name survives the list of directories that it goes into.
fn checked_path(folder: &Path) -> Result<String, EngineError> {
    let help = "Set TMPDIR to a short path of plain characters.".to_owned();
    let place = folder.to_str().filter(|place| !place.contains([',', '"', '\\', '\n']));
    let Some(place) = place else {
        let problem = format!("a server cannot have its socket in `{}`", folder.display());
        return Err(EngineError::Prerequisite { problem, help });
    };
    if place.len() + SOCKET_NAME.len() > SOCKET_PATH_LIMIT {
        let problem = format!("the path `{place}` is too long for a socket");
        return Err(EngineError::Prerequisite { problem, help });
    }
    Ok(place.to_owned())
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
