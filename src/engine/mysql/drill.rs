//! A throw-away server for restore drills.

use super::MySql;
use super::flavor::{Flavor, Making};
use super::preflight::ENGINE_LIBRARIES;
use super::tools::{candidates, missing};
use crate::engine::socket;
use crate::engine::{Drill, DrillRequest, EngineError, ServerSettings};
use crate::model::{EngineKind, Needs, help};
use crate::process::{ToolSpec, is_root, user_exists};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Nothing of a drill must survive a crash, nobody else may reach it, and nothing in it may act by itself.
pub(super) const FLAGS: [&str; 7] = [
    "--skip-networking",
    "--skip-log-bin",
    "--event-scheduler=OFF",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=256M",
    "--max-allowed-packet=1G",
    "--secure-file-priv=",
];

/// What makes the system tables of MariaDB, without its script that expects one place of installation.
const BOOTSTRAP: [&str; 3] = ["system_tables.sql", "performance_tables.sql", "system_tables_data.sql"];

/// What makes its database `sys` (10.6 and newer).
const SYS: &str = "sys_schema.sql";

/// The account that a server runs as where we are root: they refuse to be root unless they are told to, and nobody should.
pub(super) fn account() -> &'static str {
    if user_exists("mysql") { "mysql" } else { "nobody" }
}

/// A server below `folder`, of the family of the settings. Whether it is new enough for the dump, it says itself when
/// it runs.
pub(super) fn drill(settings: &ServerSettings, request: &DrillRequest<'_>) -> Result<Drill, EngineError> {
    let flavor = Flavor::of(settings.kind);
    let program = server_program(settings, flavor)?;
    let place = socket::folder_for(request.folder, "s", &[])?;
    let needs = || request.recorded.values().map(|contents| &contents.needs);
    // MySQL takes the value only when the server is made.
    let folds = needs().any(|needs| needs.folds_names);
    let (data, socket) = (format!("{place}/data"), format!("{place}/s"));
    let base = program.parent().and_then(Path::parent).map_or_else(|| PathBuf::from("/usr"), Path::to_owned);
    let messages = messages_folder(&base, flavor);
    let account = account();
    let tool = |args: &[&str]| {
        let mut tool = ToolSpec::new(&program).arg("--no-defaults").args(args.iter().copied());
        tool = tool.arg(format!("--basedir={}", base.display()));
        tool = tool.arg(format!("--lc-messages-dir={}", messages.display())).arg(format!("--datadir={data}"));
        // Both families (seen on MySQL 9.7 and MariaDB 11.8) remove at their start every `#sql*` file of the folder for
        // temporary files, also those of a server that is at work there: its queries then fail, and MariaDB may crash.
        tool = tool.arg(format!("--tmpdir={place}"));
        if folds {
            tool = tool.arg("--lower-case-table-names=1");
        }
        tool.user_when_root = Some(account.to_owned());
        tool
    };
    let mut setup = vec![ToolSpec::new("mkdir").arg("-p").arg(data.clone())];
    if is_root() {
        setup.push(ToolSpec::new("chown").arg("-R").arg(account).arg(place.clone()));
    }
    let mut make = match flavor.making {
        Making::Script => {
            let mut make = tool(&["--bootstrap", "--innodb-log-file-size=8M"]);
            let reads_sys = needs().any(|needs| needs.databases.contains_key("sys"));
            make.stdin = bootstrap(&messages, if reads_sys { &[SYS] } else { &[] })?;
            make
        }
        Making::Option(option) => tool(&[option, "--secure-file-priv="]),
    };
    make.timeout = Some(Duration::from_secs(300));
    setup.push(make);
    let server = tool(&FLAGS).arg(format!("--socket={socket}")).arg(format!("--pid-file={place}/pid"));
    let server = server.args(flavor.drill_options.iter().copied());
    let server = server.args(engine_options(flavor, needs()));
    let mut settings = ServerSettings::tools_only(settings.kind, settings.bin_dir.clone());
    settings.socket = Some(PathBuf::from(socket));
    "root".clone_into(&mut settings.user);
    Ok(Drill {
        files: None,
        setup,
        server: Some(server),
        engine: Box::new(MySql::new(settings)),
        teardown: Vec::new(),
    })
}

/// What gives the throw-away server the storage engines that the backup needs and that no server has by itself.
fn engine_options<'n>(flavor: &Flavor, needs: impl Iterator<Item = &'n Needs>) -> Vec<String> {
    let engines: BTreeSet<&str> = needs.flat_map(|needs| needs.engines.keys()).map(String::as_str).collect();
    if flavor.kind == EngineKind::MySql {
        return engines
            .into_iter()
            .filter(|engine| *engine == "FEDERATED")
            .map(|_| "--federated".to_owned())
            .collect();
    }
    let libraries = ENGINE_LIBRARIES.iter().filter(|(engine, _)| engines.contains(engine));
    libraries.map(|(_, library)| format!("--plugin-load-add={library}")).collect()
}

/// A server of the family: the name of the file that links lead to tells which it is.
fn server_program(settings: &ServerSettings, flavor: &Flavor) -> Result<PathBuf, EngineError> {
    let preferred = flavor.server[0];
    let configured = settings.bin_dir.as_deref();
    let mut found = candidates(configured, flavor.server);
    // `bin_dir` may hold client programs alone.
    found.extend(candidates(None, flavor.server));
    let fits = |path: &PathBuf| {
        path.canonicalize().is_ok_and(|real| real.file_name().is_some_and(|name| name == preferred))
    };
    let program = found.into_iter().find(fits).ok_or_else(|| missing(flavor, preferred, configured))?;
    program.canonicalize().map_err(|_| missing(flavor, preferred, configured))
}

/// Where a family keeps its messages, and MariaDB its system tables.
pub(super) fn messages_folder(base: &Path, flavor: &Flavor) -> PathBuf {
    let found = flavor
        .message_folders
        .iter()
        .map(|name| base.join("share").join(name))
        .find(|folder| folder.is_dir());
    found.unwrap_or_else(|| base.join("share"))
}

fn bootstrap(folder: &Path, more: &[&str]) -> Result<Vec<u8>, EngineError> {
    // The server reads one statement per line here.
    let mut script = b"CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n".to_vec();
    for name in BOOTSTRAP.iter().chain(more) {
        let read = ["mariadb", "mysql"]
            .iter()
            .find_map(|family| std::fs::read(folder.join(format!("{family}_{name}"))).ok());
        script.extend(read.ok_or_else(|| EngineError::Prerequisite {
            problem: format!("`{}` has no `mariadb_{name}`", folder.display()),
            help: help!("Install the whole server package: `apt install mariadb-server`."),
        })?);
        script.push(b'\n');
    }
    Ok(script)
}
