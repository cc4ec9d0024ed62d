//! A chain of physical backups becomes the data directory of a server: the full is unpacked and prepared in the folder, out of a
//! server's sight, and every incremental is unpacked beside it, applied and removed, the oldest first. A server would start on what
//! is half done, and make something of it: so the files get their place when all is.

use super::checkpoints::{CopyFacts, FIRST_FILE};
use super::{CopyPrograms, SOURCE_SETTINGS, copy_tool, find};
use crate::engine::mysql::connection::Connection;
use crate::engine::mysql::flavor::CopyTool;
use crate::engine::{
    Action, Consumer, EngineError, FilledFolder, Recovery, RecoveryLink, RecoveryPart, RecoveryRequest,
    RecoveryStep, RecoveryWrite, Step,
};
use crate::model::PartKind;
use crate::process::{Runner, ToolSpec};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the files are until all is done, inside the folder: on its file system, and out of a server's sight.
const FILES: &str = ".jagad-files";
/// Where an incremental is unpacked, likewise.
const INCREMENTAL: &str = ".jagad-incremental";
/// The last words of every step that went well.
const DONE: &str = "completed OK!";

/// Plans the way from the chain to the folder.
pub(in crate::engine::mysql) async fn recover(
    connection: &Connection,
    runner: &dyn Runner,
    request: &RecoveryRequest<'_>,
) -> Result<Recovery, EngineError> {
    let oldest_first: Vec<(usize, &RecoveryLink)> = request.links.iter().enumerate().rev().collect();
    let (Some((_, full)), Some((_, newest))) = (oldest_first.first(), oldest_first.last()) else {
        return Err(unknown("there is no backup"));
    };
    refuse_broken(&oldest_first)?;
    let bin_dir = connection.settings.bin_dir.as_deref();
    let tool = copy_tool(connection.flavor)?;
    let programs = find(runner, connection.flavor, bin_dir, &full.server_version).await?;
    let files = request.folder.join(FILES);
    let plan = Plan { programs: &programs, files: &files, tool };
    let (mut steps, mut bytes, mut largest) = (Vec::new(), 0, 0);
    for (place, (index, link)) in oldest_first.iter().enumerate() {
        let part = files_of(link)?;
        let more = if place + 1 < oldest_first.len() { Follows::Incremental } else { Follows::Server };
        if place == 0 {
            bytes = part.plain_bytes;
            steps.push(RecoveryStep::Run(Step::Native(Arc::new(MakeFolder { folder: files.clone() }))));
            steps.push(plan.unpack(*index, part, &files));
            steps.push(run(plan.prepare(more)));
        } else {
            largest = largest.max(part.plain_bytes);
            let folder = request.folder.join(INCREMENTAL);
            steps.push(RecoveryStep::Run(Step::Native(Arc::new(MakeFolder { folder: folder.clone() }))));
            steps.push(plan.unpack(*index, part, &folder));
            steps.push(run(plan.apply(&folder, more)));
            steps.push(RecoveryStep::Run(Step::Native(Arc::new(RemoveFolder { folder }))));
        }
    }
    let settings = facts(newest)?.settings;
    let notes = notes(connection.flavor.name, &full.server_version, &settings);
    if !settings.is_empty() {
        let file = files.join(SOURCE_SETTINGS);
        steps.push(RecoveryStep::Run(Step::Native(Arc::new(WriteSettings { file, settings }))));
    }
    steps.push(RecoveryStep::Run(Step::Native(Arc::new(Publish {
        files: files.clone(),
        folder: request.folder.to_owned(),
    }))));
    Ok(Recovery {
        steps,
        folders: vec![FilledFolder { path: request.folder.to_owned(), bytes: bytes.saturating_add(largest) }],
        notes,
    })
}

/// What somebody has to know before a server is started.
fn notes(family: &str, version: &str, settings: &BTreeMap<String, String>) -> Vec<String> {
    let mut notes = vec![
        format!("Start {family} {version} on it, and nothing older; the files belong to the owner of the folder."),
        "The server needs the settings of InnoDB's files that are in `backup-my.cnf`, where they are not the default.".to_owned(),
    ];
    let own = settings
        .iter()
        .map(|(name, value)| format!("The server needs `{name} = {value}`, as its source had it."));
    notes.extend(own);
    notes
}

/// The tool itself notices a wrong order, and neither another server nor another version.
fn refuse_broken(oldest_first: &[(usize, &RecoveryLink)]) -> Result<(), EngineError> {
    for pair in oldest_first.windows(2) {
        let ((_, below), (_, above)) = (pair[0], pair[1]);
        let (ends, begins) = (facts(below)?.to_lsn, facts(above)?.from_lsn);
        if ends != begins {
            return Err(unknown(&format!(
                "{} begins at {begins} in the redo log, and {}, which it builds on, ends at {ends}",
                above.backup, below.backup
            )));
        }
        if below.server_version != above.server_version {
            return Err(unknown(&format!(
                "{} is of version {}, and {} of version {}",
                above.backup, above.server_version, below.backup, below.server_version
            )));
        }
    }
    Ok(())
}

fn facts(link: &RecoveryLink) -> Result<CopyFacts, EngineError> {
    serde_json::from_value(link.facts.clone())
        .map_err(|error| unknown(&format!("{} does not say what it is: {error}", link.backup)))
}

fn files_of(link: &RecoveryLink) -> Result<&RecoveryPart, EngineError> {
    let found = link.parts.iter().find(|part| part.kind == PartKind::Files);
    found.ok_or_else(|| unknown(&format!("{} holds no files", link.backup)))
}

fn unknown(problem: &str) -> EngineError {
    EngineError::Archive { problem: problem.to_owned() }
}

struct Plan<'a> {
    programs: &'a CopyPrograms,
    files: &'a Path,
    tool: &'static CopyTool,
}

impl Plan<'_> {
    fn unpack(&self, link: usize, part: &RecoveryPart, folder: &Path) -> RecoveryStep {
        let tool = ToolSpec::new(&self.programs.unpack).args(["-x", "-C"]).arg(folder.display().to_string());
        RecoveryStep::Write(RecoveryWrite {
            link,
            part: part.name.clone(),
            folder: folder.to_owned(),
            consumer: Consumer::Tolerant(tool, self.tool.unpacked),
        })
    }

    /// The full is made ready for a server, or for an incremental.
    fn prepare(&self, more: Follows) -> ToolSpec {
        let mut tool = ToolSpec::new(&self.programs.copy.path).args(["--no-defaults", "--prepare"]);
        if more == Follows::Incremental {
            tool = tool.args(self.tool.apply_log_only);
        }
        tool.arg(format!("--target-dir={}", self.files.display()))
    }

    /// The incremental in `folder` is applied.
    fn apply(&self, folder: &Path, more: Follows) -> ToolSpec {
        self.prepare(more).arg(format!("--incremental-dir={}", folder.display()))
    }
}

/// What comes after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// An incremental, which is applied to its result.
    Incremental,
    /// A server starts on it.
    Server,
}

fn run(tool: ToolSpec) -> RecoveryStep {
    RecoveryStep::Run(Step::Native(Arc::new(Prepare { tool })))
}

/// Runs the copy tool, which has to say that it went well too.
struct Prepare {
    tool: ToolSpec,
}

#[async_trait]
impl Action for Prepare {
    fn describe(&self) -> Vec<String> {
        self.tool.display_args()
    }

    async fn run(&self, runner: &dyn Runner) -> Result<(), EngineError> {
        let doing = || "prepare the files for a server".to_owned();
        let run =
            runner.output(&self.tool).await.map_err(|source| EngineError::Tool { doing: doing(), source })?;
        if run.stderr.trim_end().ends_with(DONE) {
            return Ok(());
        }
        Err(EngineError::Answer { question: doing(), problem: format!("it did not say `{DONE}`") })
    }
}

struct MakeFolder {
    folder: PathBuf,
}

#[async_trait]
impl Action for MakeFolder {
    fn describe(&self) -> Vec<String> {
        vec!["mkdir".to_owned(), self.folder.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        std::fs::create_dir(&self.folder).map_err(|source| failed("make", &self.folder, source))
    }
}

/// Writes what a throw-away server on the files has to be told beside what the copy tool says.
struct WriteSettings {
    file: PathBuf,
    settings: BTreeMap<String, String>,
}

#[async_trait]
impl Action for WriteSettings {
    fn describe(&self) -> Vec<String> {
        vec!["write".to_owned(), self.file.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        let lines = self.settings.iter().map(|(name, value)| format!("{name}={value}\n"));
        let text: String = std::iter::once("[mysqld]\n".to_owned()).chain(lines).collect();
        std::fs::write(&self.file, text).map_err(|source| failed("write", &self.file, source))
    }
}

struct RemoveFolder {
    folder: PathBuf,
}

#[async_trait]
impl Action for RemoveFolder {
    fn describe(&self) -> Vec<String> {
        vec!["rm".to_owned(), "-r".to_owned(), self.folder.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        std::fs::remove_dir_all(&self.folder).map_err(|source| failed("remove", &self.folder, source))
    }
}

/// Gives what root wrote to the owner of the folder, which is the user that the server runs as, writes it to the disk, and puts
/// it in its place.
struct Publish {
    files: PathBuf,
    folder: PathBuf,
}

#[async_trait]
impl Action for Publish {
    fn describe(&self) -> Vec<String> {
        vec!["mv".to_owned(), format!("{}/*", self.files.display()), self.folder.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        let (files, folder) = (self.files.clone(), self.folder.clone());
        let published = tokio::task::spawn_blocking(move || publish(&files, &folder)).await;
        let published = published.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        published.map_err(|source| failed("complete", &self.folder, source))
    }
}

fn publish(files: &Path, folder: &Path) -> std::io::Result<()> {
    settle(files, &std::fs::metadata(folder)?)?;
    let mut names: Vec<OsString> =
        std::fs::read_dir(files)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    // The last: without it no server takes the rest for its data.
    names.sort_by_key(|name| name == FIRST_FILE);
    for name in names {
        std::fs::rename(files.join(&name), folder.join(&name))?;
    }
    std::fs::remove_dir(files)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Everything in `folder` belongs to `owner`, and is on the disk.
fn settle(folder: &Path, owner: &std::fs::Metadata) -> std::io::Result<()> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            // Without root rights this fails, and the file stays with the current user.
            let _ = std::os::unix::fs::lchown(entry.path(), Some(owner.uid()), Some(owner.gid()));
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() {
                std::fs::File::open(entry.path())?.sync_all()?;
            }
        }
        std::fs::File::open(&folder)?.sync_all()?;
    }
    Ok(())
}

fn failed(doing: &str, folder: &Path, source: std::io::Error) -> EngineError {
    EngineError::Read { doing: format!("{doing} `{}`", folder.display()), source }
}
