//! A throw-away server for restore drills.

use super::Redis;
use crate::engine::socket;
use crate::engine::{Drill, EngineError, ServerSettings};
use crate::model::EngineKind;
use crate::process::ToolSpec;
use std::path::{Path, PathBuf};

const SOCKET_NAME: &str = "socket";

/// A server of this program below `folder`. Whether it takes the backup shows when it is asked.
pub(super) fn drill(program: PathBuf, folder: &Path) -> Result<Drill, EngineError> {
    socket::folder_for(folder, SOCKET_NAME, &[])?;
    let socket = folder.join(SOCKET_NAME);
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
        files: None,
        setup: Vec::new(),
        server: Some(server),
        engine: Box::new(Redis::new(address)),
        teardown: Vec::new(),
    })
}
