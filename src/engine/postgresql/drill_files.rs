//! A throw-away server on the files of a physical backup. Nothing of the configuration that is among them is read: it is of
//! another server, and names its folders and programs.

use super::PostgreSql;
use super::connection::Connection;
use super::drill::{
    QUIET, account, address, as_account, distrust, is_installed, place, sessions, start, stop,
};
use super::examination::PageExamination;
use super::quote::literal;
use super::tools::{self, ToolSet, major_of};
use crate::engine::isolation::without_network;
use crate::engine::{Drill, DrillRequest, DrilledFiles, EngineError, ServerSettings};
use crate::process::{ToolSpec, is_root};
use std::path::Path;

/// The superuser of the drill: nothing tells what the source's is called.
pub(super) const ROLE: &str = "jagad_drill";
/// The database that every server has.
const DATABASE: &str = "template1";

/// What a server on files needs beside what every drill has. With `recovery.signal` there and nothing to fetch, it replays what
/// is in the folder, and takes nobody in before that has ended.
const FLAGS: [&str; 6] = [
    "config_file=/dev/null",
    "ident_file=/dev/null",
    "wal_level=replica",
    "restore_command=false",
    "recovery_target_timeline=current",
    "hot_standby=off",
];

/// What only newer servers know: the first version, and the setting.
const NEWER_FLAGS: [(u32, &str); 3] =
    [(15, "allow_in_place_tablespaces=on"), (17, "event_triggers=off"), (17, "summarize_wal=off")];

/// Files of the configuration, in the order in which a later one counts less. The last is what the source had outside of its
/// data directory.
const CONFIGURATION: [&str; 3] = ["postgresql.auto.conf", "postgresql.conf", "postgresql.conf.source"];

/// A server of the very version, on `data`.
pub(super) fn drill(
    settings: &ServerSettings,
    request: &DrillRequest<'_>,
    data: &Path,
) -> Result<Drill, EngineError> {
    let set = server_tools(settings, request.server_version)?;
    let place = place(request)?;
    let (data_text, hba) = (data.display().to_string(), format!("{place}/hba"));
    let mut before = Vec::new();
    let mut write = ToolSpec::new("sh").arg("-c").args(["exec cat >\"$1\"", "sh"]).arg(hba.clone());
    write.stdin = b"local all all trust\n".to_vec();
    before.push(write);
    // A server reads it wherever its other configuration is.
    before.push(ToolSpec::new("rm").arg("-f").arg(format!("{data_text}/postgresql.auto.conf")));
    if is_root() {
        before.push(ToolSpec::new("chown").arg("-R").arg(account()).arg(place.clone()));
    }
    // Where it cannot enter, that is no fault of the files.
    before.push(as_account(ToolSpec::new("ls")).arg("-d").arg(format!("{place}/.")));
    let flags = flags(&set, &place, data);
    let program = set.program("postgres").display().to_string();
    let mut open = as_account(without_network(program, "postgres")).arg("--single");
    for flag in &flags {
        open = open.args(["-c".to_owned(), flag.clone()]);
    }
    open = open.args(["-D".to_owned(), data_text, DATABASE.to_owned()]);
    open.env.extend(distrust());
    open.stdin = statements().into_bytes();
    let address = ServerSettings {
        user: ROLE.to_owned(),
        maintenance_database: DATABASE.to_owned(),
        ..address(request.folder, &set)
    };
    let examination = PageExamination { connection: Connection::new(address.clone()), set: set.clone() };
    let files = DrilledFiles { before, open, examination: Box::new(examination) };
    Ok(Drill {
        files: Some(files),
        setup: vec![start(&set, &place, &flags)],
        server: None,
        engine: Box::new(PostgreSql::new(address)),
        teardown: vec![stop(&set, &place)],
    })
}

/// One statement a line, as the server reads them without a client. The first fails where the role is there already.
fn statements() -> String {
    let sessions = literal(&sessions(ROLE)).replace('\n', " ");
    format!("CREATE ROLE {ROLE}\nALTER ROLE {ROLE} LOGIN SUPERUSER\nDO {sessions}\n")
}

/// Files are of one major version, and of no other.
fn server_tools(settings: &ServerSettings, server_version: &str) -> Result<ToolSet, EngineError> {
    let major = major_of(server_version).unwrap_or(0);
    let configured = settings.bin_dir.as_deref();
    let mut sets = configured.map_or_else(Vec::new, |folder| tools::installed(Some(folder), "postgres"));
    // `bin_dir` may hold client programs alone.
    sets.extend(tools::installed(None, "postgres"));
    let exact = sets.iter().find(|set| set.major == major);
    let found = exact.or_else(|| sets.iter().find(|set| set.major == 0)).cloned();
    found.ok_or_else(|| tools::missing_exactly("postgres", major, configured))
}

fn flags(set: &ToolSet, place: &str, data: &Path) -> Vec<String> {
    let mut flags: Vec<String> = QUIET.iter().chain(&FLAGS).map(|flag| (*flag).to_owned()).collect();
    flags.push(format!("hba_file={place}/hba"));
    flags.push(format!("unix_socket_directories={place}"));
    let newer = NEWER_FLAGS.iter().filter(|(major, _)| set.major >= *major);
    flags.extend(newer.map(|(_, flag)| (*flag).to_owned()));
    // Transactions that were prepared need their places again.
    let prepared = configured(data, "max_prepared_transactions").and_then(|value| value.parse::<u32>().ok());
    if let Some(prepared) = prepared {
        flags.push(format!("max_prepared_transactions={prepared}"));
    }
    let preloaded = configured(data, "shared_preload_libraries").unwrap_or_default();
    let libraries = preloaded.split(',').map(|name| name.trim().trim_matches('"'));
    let libraries: Vec<&str> = libraries
        .map(|name| name.trim_start_matches("$libdir/"))
        .filter(|name| !name.is_empty() && is_installed(set, name))
        .collect();
    if !libraries.is_empty() {
        flags.push(format!("shared_preload_libraries={}", libraries.join(",")));
    }
    flags
}

/// What the source's configuration says of `name`, in the files that came with the backup.
fn configured(data: &Path, name: &str) -> Option<String> {
    CONFIGURATION.iter().find_map(|file| {
        let text = std::fs::read_to_string(data.join(file)).ok()?;
        text.lines().filter_map(|line| value_in(line, name)).next_back()
    })
}

/// The value in `name = 'value' # comment`, where the equals sign, the quotes and the comment may be missing.
fn value_in(line: &str, name: &str) -> Option<String> {
    let line = line.trim_start();
    let (word, rest) = line.split_at_checked(name.len())?;
    if !word.eq_ignore_ascii_case(name) || !rest.starts_with(|c: char| c == '=' || c.is_whitespace()) {
        return None;
    }
    let value = rest.trim_start().trim_start_matches('=').trim_start();
    let value = match value.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next().unwrap_or_default(),
        None => value.split(|c: char| c == '#' || c.is_whitespace()).next().unwrap_or_default(),
    };
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_in_every_form() {
        for (line, value) in [
            ("shared_preload_libraries = 'a, b' # two", Some("a, b")),
            ("  Shared_Preload_Libraries='a'", Some("a")),
            ("shared_preload_libraries a # one", Some("a")),
            ("shared_preload_libraries = ''", Some("")),
            ("#shared_preload_libraries = 'a'", None),
            ("shared_preload_libraries_x = 'a'", None),
            ("shared", None),
        ] {
            assert_eq!(value_in(line, "shared_preload_libraries").as_deref(), value, "{line}");
        }
    }
}
