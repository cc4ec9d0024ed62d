//! A chain of physical backups becomes the data directory of a server: the full is unpacked and prepared in the folder, out of a
//! server's sight, and every incremental is unpacked beside it, applied and removed, the oldest first. A server would start on what
//! is half done, and make something of it: so the files get their place when all is.

use super::checkpoints::CopyFacts;
use super::clone::CloneFacts;
use super::recover_clone;
use super::steps::{FILES, MakeFolder, Publish, RemoveFolder, WriteSettings, files_of, notes, unknown};
use super::{CopyPrograms, SOURCE_SETTINGS, copy_tool, find};
use crate::engine::mysql::connection::Connection;
use crate::engine::mysql::flavor::CopyTool;
use crate::engine::{
    Action, Consumer, EngineError, FilledFolder, Recovery, RecoveryLink, RecoveryPart, RecoveryRequest,
    RecoveryStep, RecoveryWrite, Step,
};
use crate::process::{Runner, ToolSpec};
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;

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
    if let ([link], Some(facts)) = (request.links, CloneFacts::read(&newest.facts)) {
        return recover_clone::recover(connection, request.folder, link, facts);
    }
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
