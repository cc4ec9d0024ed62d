//! A throw-away server on the files of a physical backup.

use super::MySql;
use super::connection::Connection;
use super::drill::{FLAGS, account, messages_folder};
use super::drill_entry::Entry;
use super::examination::TableExamination;
use super::flavor::Flavor;
use super::physical::SOURCE_SETTINGS;
use super::reserved::DRILL_USER;
use super::tools::ToolSearch;
use crate::engine::isolation::without_network;
use crate::engine::socket;
use crate::engine::{Drill, DrillRequest, DrilledFiles, EngineError, ServerSettings};
use crate::process::{Runner, ToolSpec, is_root};
use std::path::{Path, PathBuf};

/// Where the copy tool writes how InnoDB divides its files.
const LAYOUT_FILE: &str = "backup-my.cnf";
/// What of that the server has to be told.
const LAYOUT: [&str; 6] = [
    "innodb_checksum_algorithm",
    "innodb_data_file_path",
    "innodb_log_file_size",
    "innodb_page_size",
    "innodb_undo_tablespaces",
    "lower_case_table_names",
];

/// A server of the very version, on `data`.
pub(super) async fn drill(
    settings: &ServerSettings,
    runner: &dyn Runner,
    request: &DrillRequest<'_>,
    data: &Path,
) -> Result<Drill, EngineError> {
    let flavor = Flavor::of(settings.kind);
    if flavor.copy_tool.is_none() {
        return Err(EngineError::not_files(settings.kind, data));
    }
    let search = ToolSearch { runner, flavor, bin_dir: settings.bin_dir.as_deref() };
    let program = search.server(request.server_version).await?.path;
    let program = program.canonicalize().unwrap_or(program);
    let place = socket::folder_for(request.folder, "s", &[])?;
    let base = program.parent().and_then(Path::parent).map_or_else(|| PathBuf::from("/usr"), Path::to_owned);
    let layout = layout(data);
    let tool = |args: &[&str]| {
        let mut tool = without_network(program.display().to_string(), flavor.server[0]);
        tool = tool.arg("--no-defaults").args(args.iter().copied());
        tool = tool.arg(format!("--basedir={}", base.display()));
        tool = tool.arg(format!("--lc-messages-dir={}", messages_folder(&base, flavor).display()));
        tool = tool.arg(format!("--datadir={}", data.display()));
        // A server removes files of others in a folder for temporary files: this one has its own.
        tool = tool.arg(format!("--tmpdir={place}")).args(layout.iter().cloned());
        tool.user_when_root = Some(account().to_owned());
        tool
    };
    let entry = Entry::of(flavor);
    let mut before: Vec<ToolSpec> = entry.before(&place).into_iter().collect();
    if is_root() {
        before.push(ToolSpec::new("chown").arg("-R").arg(account()).arg(place.clone()));
    }
    // Where it cannot enter, that is no fault of the files.
    let mut enter = ToolSpec::new("ls").arg("-d").arg(format!("{place}/."));
    enter.user_when_root = Some(account().to_owned());
    before.push(enter);
    let here = [format!("--socket={place}/s"), format!("--pid-file={place}/pid")];
    let open = entry.open(tool(&["--skip-log-bin"]).args(here.iter().cloned()), &place);
    let server = tool(&FLAGS).args(flavor.files_drill_options.iter().copied()).args(here);
    let mut address = ServerSettings::tools_only(settings.kind, settings.bin_dir.clone());
    address.socket = Some(PathBuf::from(format!("{place}/s")));
    DRILL_USER.clone_into(&mut address.user);
    address.password = entry.password();
    let examination = TableExamination { connection: Connection::new(address.clone()) };
    Ok(Drill {
        files: Some(DrilledFiles { before, open, examination: Box::new(examination) }),
        setup: Vec::new(),
        server: Some(server),
        engine: Box::new(MySql::new(address)),
        teardown: Vec::new(),
    })
}

/// The options that make InnoDB find its files again.
fn layout(data: &Path) -> Vec<String> {
    let read = |name: &str| std::fs::read_to_string(data.join(name)).unwrap_or_default();
    let text = read(LAYOUT_FILE) + &read(SOURCE_SETTINGS);
    let option = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | ';' | '.' | '-');
        (LAYOUT.contains(&name) && value.chars().all(plain)).then(|| format!("--loose-{name}={value}"))
    };
    text.lines().filter_map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_how_files_are_divided_is_taken_from_the_backup() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[mysqld]\ninnodb_page_size=16384\ninnodb_data_file_path=ibdata1:12M:autoextend\nplugin_load=evil\n\
                    innodb_undo_tablespaces = 3\ninnodb_undo_directory=/etc\ninnodb_log_file_size=1 --x\n";
        std::fs::write(folder.path().join(LAYOUT_FILE), text).unwrap();
        let expected = [
            "--loose-innodb_page_size=16384",
            "--loose-innodb_data_file_path=ibdata1:12M:autoextend",
            "--loose-innodb_undo_tablespaces=3",
        ];
        assert_eq!(layout(folder.path()), expected);
    }
}
