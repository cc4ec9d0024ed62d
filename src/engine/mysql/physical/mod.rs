//! Physical backups by the family's own copy tool. Neither tool looks whether it fits the server, whether an incremental
//! fits what it builds on, or whether it could write what it unpacks: all of that is looked at here.

mod archive;
mod checkpoints;
mod clone;
mod copy;
mod recover;
mod recover_clone;
mod steps;
mod stream;

pub(super) use archive::FilesWitness;
pub(super) use recover::recover;

use super::facts::MySqlServer;
use super::flavor::{CopyPackage, CopyTool, Flavor};
use super::tools::{Program, candidates};
use super::version::ToolVersion;
use crate::engine::EngineError;
use crate::model::help;
use crate::process::{Runner, ToolSpec};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the parts of a physical backup are called.
pub(super) const ARCHIVE: &str = "server";
/// The same of a clone.
pub(super) const CLONED_EXTENSION: &str = "tar";
/// What the source's server was told that the copy tool does not say, among the files of a restored one.
pub(super) const SOURCE_SETTINGS: &str = "jagad-my.cnf";
/// What their plain bytes are.
pub(super) const EXTENSION: &str = "xbstream";

/// The programs of a copy tool that fit a server.
#[derive(Debug)]
struct CopyPrograms {
    copy: Program,
    unpack: PathBuf,
}

impl CopyPackage {
    /// How it is installed, for people.
    fn command(&self, version: Option<ToolVersion>) -> String {
        match self {
            Self::Debian(package) => format!("on Debian with `apt install {package}`"),
            Self::Percona(package) => {
                let series =
                    version.map_or_else(String::new, |version| format!("{}{}", version.major, version.minor));
                format!("from Percona's repository with `apt install {package}{series}`")
            }
        }
    }
}

impl MySqlServer {
    /// The family's copy tool, where it has one.
    pub(super) fn copy_tool(&self) -> Option<&'static CopyTool> {
        self.flavor().copy_tool.as_ref()
    }
}

/// The family's copy tool.
fn copy_tool(flavor: &'static Flavor) -> Result<&'static CopyTool, EngineError> {
    flavor.copy_tool.as_ref().ok_or_else(|| EngineError::Refused {
        problem: format!("the files of {} cannot be copied by this version of jagad", flavor.name),
        help: help!("Leave out `method` of the database entry."),
    })
}

/// The copy tool of the version of the server: one of another version ends well and gives nothing that restores.
async fn find(
    runner: &dyn Runner,
    flavor: &'static Flavor,
    bin_dir: Option<&Path>,
    server_version: &str,
) -> Result<CopyPrograms, EngineError> {
    let tool = copy_tool(flavor)?;
    let wanted = ToolVersion::parse(server_version);
    let missing = |program: &str| EngineError::ToolMissing {
        tool: format!("{program} for {} {server_version}", flavor.name),
        help: help!("Install it: {}.", tool.package.command(wanted)),
    };
    let mut others = Vec::new();
    for path in candidates(bin_dir, tool.names) {
        let Some(program) = asked(runner, path).await else { continue };
        if Some(program.version) != wanted {
            others.push(program.text);
            continue;
        }
        let beside = program.path.parent().map(|folder| tool.unpackers.iter().map(|name| folder.join(name)));
        let beside = beside.into_iter().flatten().find(|path| path.is_file());
        let unpack = beside.or_else(|| candidates(bin_dir, tool.unpackers).into_iter().next());
        let unpack = unpack.ok_or_else(|| missing(tool.unpackers[0]))?;
        return Ok(CopyPrograms { copy: program, unpack });
    }
    if others.is_empty() {
        return Err(missing(tool.names[0]));
    }
    let problem = format!(
        "{} here is of version {}, and the server of the backup is {server_version}",
        tool.names[0],
        others.join(", ")
    );
    Err(EngineError::Version {
        problem,
        help: help!(
            "Install that of the server's version: {}; or name its folder in `tools.bin_dir`.",
            tool.package.command(wanted)
        ),
    })
}

/// A program and its version: "mariadb-backup based on MariaDB server 10.11.19-MariaDB …", "xtrabackup version 8.4.0-4 …".
async fn asked(runner: &dyn Runner, path: PathBuf) -> Option<Program> {
    let mut tool = ToolSpec::new(&path).arg("--version");
    tool.timeout = Some(Duration::from_secs(30));
    let run = runner.output(&tool).await.ok()?;
    // Some versions write it to standard error.
    let said = format!("{}\n{}", String::from_utf8_lossy(&run.stdout), run.stderr);
    let after = |word: &str| said.split_once(word).map(|(_, rest)| rest.trim_start());
    let text = after(" server ").or_else(|| after(" version "))?;
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let text = text[..end].to_owned();
    Some(Program { version: ToolVersion::parse(&text)?, path, text })
}
