//! A throw-away server for restore drills.

use super::Redis;
use super::facts::Family;
use crate::engine::{Drill, EngineError, ServerSettings};
use crate::model::EngineKind;
use crate::process::{ToolSpec, program_directories};
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket.
const SOCKET_PATH_LIMIT: usize = 107;
/// Where packages put servers, whether or not `PATH` says so.
const USUAL_FOLDERS: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/opt/redis/bin"];

/// A server below `folder` of the family that the backup is of. Whether it takes the backup shows when it is asked.
pub(super) fn drill(
    settings: &ServerSettings,
    server_version: &str,
    folder: &Path,
) -> Result<Drill, EngineError> {
    let program = program(settings, server_version)?;
    let socket = folder.join("socket");
    if socket.as_os_str().len() > SOCKET_PATH_LIMIT {
        return Err(EngineError::Prerequisite {
            problem: format!("the path `{}` is too long for a socket", folder.display()),
            help: "Set TMPDIR to a short path.".to_owned(),
        });
    }
    // Nothing of a drill must survive it, and nobody else gets in.
    let server = ToolSpec::new(program)
        .args([
            "--port",
            "0",
            "--unixsocketperm",
            "600",
            "--daemonize",
            "no",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .args(["--databases", "10000", "--maxmemory", "0", "--protected-mode", "yes", "--loglevel", "notice"])
        .args(["--dir".to_owned(), folder.display().to_string()])
        .args(["--unixsocket".to_owned(), socket.display().to_string()]);
    let address =
        ServerSettings { socket: Some(socket), ..ServerSettings::tools_only(EngineKind::Redis, None) };
    Ok(Drill {
        setup: Vec::new(),
        server: Some(server),
        engine: Box::new(Redis::new(address)),
        teardown: Vec::new(),
    })
}

/// The server's program: of the backup's family, or of the other when that is all there is.
fn program(settings: &ServerSettings, server_version: &str) -> Result<PathBuf, EngineError> {
    let family = Family::of_version(server_version);
    let other = if family == Family::Redis { Family::Valkey } else { Family::Redis };
    let mut folders: Vec<PathBuf> = settings.bin_dir.iter().cloned().collect();
    if folders.is_empty() {
        folders = program_directories();
        folders.extend(USUAL_FOLDERS.map(PathBuf::from));
    }
    let find = |family: Family| folders.iter().map(|f| f.join(family.program())).find(|path| path.is_file());
    find(family).or_else(|| find(other)).ok_or_else(|| EngineError::ToolMissing {
        tool: format!("{} of version {server_version} or newer", family.program()),
        help: format!("Install it, or name its folder in `tools.bin_dir`: apt install {}", family.program()),
    })
}
