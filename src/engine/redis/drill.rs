//! A throw-away server for restore drills.

use super::Redis;
use crate::engine::{Drill, EngineError, ServerSettings};
use crate::model::EngineKind;
use crate::process::ToolSpec;
use std::path::{Path, PathBuf};

/// The longest path of a Unix socket.
const SOCKET_PATH_LIMIT: usize = 107;

/// A server of this program below `folder`. Whether it takes the backup shows when it is asked.
pub(super) fn drill(program: PathBuf, folder: &Path) -> Result<Drill, EngineError> {
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
