//! What is done to the folders of a restore, before, by and after pgBackRest.

use super::NAME;
use super::facts::{Label, Segment};
use super::tool::{Program, STATUS_DAMAGED};
use crate::engine::postgresql::combine::{MinimumSettings, starting_files};
use crate::engine::{Action, EngineError};
use crate::model::help;
use crate::process::{Runner, ToolError, ToolSpec, give_to};
use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file by which pgBackRest takes a folder for one that it may fill. Its own is written in its place.
const FILLABLE: &str = "backup.manifest";
const MAIN: &str = "postgresql.conf";
const AUTO: &str = "postgresql.auto.conf";
/// What `archive-get` ends with when the archive has no such segment.
const NOT_THERE: i32 = 1;
/// Segments of WAL that are fetched at once.
const FETCHES: usize = 4;

/// Lets pgBackRest into the folders, which hold the mark of this restore.
#[derive(Debug)]
pub(super) struct Preparation {
    /// That of the server first.
    pub(super) folders: Vec<PathBuf>,
    /// A folder that they are in, and that is only for them.
    pub(super) around: Option<PathBuf>,
    /// Who pgBackRest runs as.
    pub(super) owner: Option<String>,
}

#[async_trait]
impl Action for Preparation {
    fn describe(&self) -> Vec<String> {
        let owner = self.owner.as_deref().unwrap_or("the user of jagad");
        let folders = self.folders.iter().map(|folder| folder.display().to_string());
        ["give".to_owned(), "to".to_owned(), owner.to_owned()].into_iter().chain(folders).collect()
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        for folder in self.around.iter().chain(&self.folders) {
            give_to(folder, self.owner.as_deref()).map_err(|error| unwritten(folder, &error))?;
        }
        // Without it, pgBackRest fills only what is empty; with it, what is there gives way, which is the mark alone.
        let Some(data) = self.folders.first() else { return Ok(()) };
        let file = data.join(FILLABLE);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        made.and_then(|_| give_to(&file, self.owner.as_deref())).map_err(|error| unwritten(&file, &error))
    }
}

/// pgBackRest itself. It gives `pg_control` its name last.
#[derive(Debug)]
pub(super) struct Restore {
    pub(super) program: Program,
    pub(super) label: Label,
    pub(super) tool: ToolSpec,
}

#[async_trait]
impl Action for Restore {
    fn describe(&self) -> Vec<String> {
        self.tool.display_args()
    }

    async fn run(&self, runner: &dyn Runner) -> Result<(), EngineError> {
        run(runner, &self.program, &self.tool, &format!("restore {}", self.label)).await
    }
}

/// Fetches the WAL that the backup needs, so that its files are whole by themselves.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) program: Program,
    pub(super) segments: Vec<Segment>,
    pub(super) folder: PathBuf,
}

#[async_trait]
impl Action for Fetch {
    fn describe(&self) -> Vec<String> {
        let range = self.segments.first().zip(self.segments.last());
        let range = range.map(|(first, last)| format!("{first}..{last}")).unwrap_or_default();
        let mut shown = self.program.command("archive-get").display_args();
        shown.extend([range, self.folder.join("pg_wal").display().to_string()]);
        shown
    }

    async fn run(&self, runner: &dyn Runner) -> Result<(), EngineError> {
        let mut fetches = stream::iter(self.segments.clone())
            .map(|segment| self.fetch(runner, segment))
            .buffer_unordered(FETCHES);
        while let Some(fetched) = fetches.next().await {
            fetched?;
        }
        Ok(())
    }
}

impl Fetch {
    async fn fetch(&self, runner: &dyn Runner, segment: Segment) -> Result<(), EngineError> {
        let place = self.folder.join("pg_wal").join(&*segment);
        let tool = self.program.command("archive-get").arg(format!("--pg1-path={}", self.folder.display()));
        let tool = tool.arg(segment.to_string()).arg(place.display().to_string());
        match runner.output(&tool).await {
            Ok(_) => Ok(()),
            Err(ToolError::Failed { status: NOT_THERE, .. }) => Err(missing(&segment)),
            Err(error) => Err(failure(&self.program, &format!("fetch the WAL segment {segment}"), error)),
        }
    }
}

/// Writes the configuration that a server cannot start without, where the source had its own elsewhere, and what must not be smaller.
#[derive(Debug)]
pub(super) struct Completion {
    pub(super) folder: PathBuf,
    pub(super) owner: Option<String>,
    pub(super) minimum: MinimumSettings,
}

#[async_trait]
impl Action for Completion {
    fn describe(&self) -> Vec<String> {
        vec!["complete".to_owned(), self.folder.join(MAIN).display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        for (name, text) in starting_files() {
            let path = self.folder.join(name);
            if !path.exists() {
                self.write(&path, text).map_err(|error| unwritten(&path, &error))?;
            }
        }
        let lines = self.minimum.lines();
        // The source may have had them on its command line.
        if !lines.is_empty() {
            let path = self.folder.join(AUTO);
            let text =
                format!("\n# Written by jagad: the server needs at least what its source had.\n{lines}");
            self.append(&path, &text).map_err(|error| unwritten(&path, &error))?;
        }
        Ok(())
    }
}

impl Completion {
    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        give_to(path, self.owner.as_deref())
    }

    fn append(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        give_to(path, self.owner.as_deref())
    }
}

async fn run(
    runner: &dyn Runner,
    program: &Program,
    tool: &ToolSpec,
    doing: &str,
) -> Result<(), EngineError> {
    runner.output(tool).await.map(|_| ()).map_err(|error| failure(program, doing, error))
}

fn failure(program: &Program, doing: &str, error: ToolError) -> EngineError {
    match error {
        ToolError::Failed { status, .. } if STATUS_DAMAGED.contains(&status) => EngineError::Damaged {
            problem: format!("{doing}: {error}"),
            help: help!("{NAME}'s repository is damaged there: choose another backup from `jagad list`."),
        },
        error => program.failure(doing, error),
    }
}

fn missing(segment: &Segment) -> EngineError {
    EngineError::Damaged {
        problem: format!("{NAME} has no WAL segment {segment}, which the backup needs"),
        help: help!("Choose another backup from `jagad list`, and find out what removed it."),
    }
}

fn unwritten(path: &Path, error: &io::Error) -> EngineError {
    EngineError::Refused {
        problem: format!("`{}` cannot be prepared: {error}", path.display()),
        help: help!("Choose a folder that {NAME} can write to."),
    }
}
