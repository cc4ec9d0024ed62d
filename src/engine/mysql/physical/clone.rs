//! A full copy by MySQL's own CLONE plugin, where XtraBackup is not installed: the server writes its files once more into a folder of
//! this machine, from where they are streamed as a `tar` archive.

use super::archive::FilesWitness;
use super::{ARCHIVE, CLONED_EXTENSION};
use crate::engine::mysql::client::{Client, Question};
use crate::engine::mysql::facts::MySqlServer;
use crate::engine::mysql::quote::literal;
use crate::engine::{CopyEnd, DumpPart, EngineError, Finding, PhysicalCopy, Producer, names};
use crate::model::{ByteSize, PartKind, Span, help};
use crate::process::{FolderUse, Runner, TemporaryFolder, ToolSpec, is_root, sweep_folders};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Rights that it takes: the second to learn how large the files are, the third to see every table that would come out empty.
pub(super) const RIGHTS: [&str; 3] = ["BACKUP_ADMIN", "PROCESS", "SELECT"];
/// Where the server writes, inside a folder that is ours.
const FILES: &str = "files";
/// What a backup says that CLONE has taken it.
const BY_CLONE: &str = "clone";

const IS_ACTIVE: &str = "SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'clone' AND PLUGIN_STATUS = 'ACTIVE';";

/// Tables of which it copies the definitions alone. Those of the server itself are logs.
const EMPTIED: &str = "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.TABLES
WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB'
AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1;";

/// What the clone takes: its redo log is small.
const BYTES: &str = "SELECT COALESCE(SUM(FILE_SIZE), 0) FROM information_schema.INNODB_TABLESPACES;";

/// The place in the redo log; servers before 8.0.30 do not say it so.
const POSITION: &str = "SELECT VARIABLE_VALUE FROM performance_schema.global_status
WHERE VARIABLE_NAME = 'Innodb_redo_log_current_lsn';";

/// What is recorded of a copy that CLONE has made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CloneFacts {
    /// [`BY_CLONE`].
    way: String,
    /// Bytes of its files.
    pub(super) bytes: u64,
    /// Settings of the server that one which is started on the files must have too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) settings: BTreeMap<String, String>,
}

impl CloneFacts {
    /// What a backup says of itself; `None` when it was taken otherwise.
    pub(super) fn read(facts: &serde_json::Value) -> Option<Self> {
        serde_json::from_value(facts.clone()).ok().filter(|facts: &Self| facts.way == BY_CLONE)
    }
}

impl MySqlServer {
    /// Whether the server has the plugin.
    pub(super) async fn can_clone(&self, runner: &dyn Runner) -> Result<bool, EngineError> {
        let answer = self.ask(runner, &Question::short("look for the CLONE plugin", IS_ACTIVE)).await?;
        Ok(answer.first().and_then(|row| row.first()).is_some_and(|count| count != "0"))
    }

    /// What would be lost: the rows of tables of other engines.
    pub(super) async fn emptied_finding(&self, runner: &dyn Runner) -> Result<Finding, EngineError> {
        let subject = "copy the rows of every table";
        let emptied =
            self.ask(runner, &Question::long("look for tables that CLONE empties", EMPTIED)).await?;
        if emptied.is_empty() {
            return Ok(Finding::good(subject));
        }
        let emptied: Vec<String> = emptied.into_iter().flatten().map(|name| format!("`{name}`")).collect();
        let tables = names::some_of(emptied.into_iter());
        Ok(Finding::error(
            subject,
            format!("CLONE copies InnoDB alone, and {tables} would be empty"),
            "Alter them to ENGINE = InnoDB, or install XtraBackup of the server's series.",
        ))
    }

    /// Begins a clone in a folder below `parent`. The server is asked when the part is read.
    pub(super) async fn begin_clone(
        &self,
        runner: &dyn Runner,
        parent: &Path,
    ) -> Result<ClonedFiles, EngineError> {
        let emptied = self.emptied_finding(runner).await?;
        if let (false, Some(help)) = (emptied.problem.is_empty(), emptied.help) {
            return Err(EngineError::Prerequisite { problem: emptied.problem, help });
        }
        let bytes = number(&self.client, runner, "ask how large the files are", BYTES).await?;
        let failed = |source| EngineError::Read {
            doing: format!("make a folder for the clone in `{}`", parent.display()),
            source,
        };
        let parent = parent.canonicalize().map_err(failed)?;
        sweep_folders(&parent, &[FolderUse::Clone]);
        refuse_without_room(&parent, bytes)?;
        let folder = TemporaryFolder::make(FolderUse::Clone, &parent, None).map_err(failed)?;
        self.give(folder.path()).map_err(failed)?;
        let tool = format!("CLONE plugin {}", self.facts.version);
        let settings = self.settings_of_clone();
        Ok(ClonedFiles { client: self.client.clone(), tool, folder, bytes, settings, begins: 0, made: false })
    }

    /// What nothing among the files says.
    fn settings_of_clone(&self) -> BTreeMap<String, String> {
        let mut settings = self.settings_of_files();
        let defaults = [("innodb_page_size", "16384"), ("innodb_data_file_path", "ibdata1:12M:autoextend")];
        for (name, default) in defaults {
            let value = self.variables.get(name).filter(|value| *value != default);
            settings.extend(value.map(|value| (name.to_owned(), value.clone())));
        }
        settings
    }

    /// Lets the server write into `folder`: it runs as the owner of its files.
    fn give(&self, folder: &Path) -> std::io::Result<()> {
        if !is_root() {
            return Ok(());
        }
        let owner = std::fs::metadata(self.data_folder())?;
        std::os::unix::fs::chown(folder, Some(owner.uid()), Some(owner.gid()))
    }
}

/// What is run for a clone, for people.
pub(super) fn shown() -> Vec<String> {
    ["CLONE", "LOCAL", "DATA", "DIRECTORY", "=", "<a new folder in settings.tmp_dir>"]
        .map(ToOwned::to_owned)
        .to_vec()
}

async fn number(client: &Client, runner: &dyn Runner, doing: &str, sql: &str) -> Result<u64, EngineError> {
    let answer = client.ask(runner, &Question::long(doing, sql)).await?;
    Ok(answer.first().and_then(|row| row.first()).and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// The server would fill the disk, which may be its own.
fn refuse_without_room(parent: &Path, bytes: u64) -> Result<(), EngineError> {
    // A file system that does not say has its own way to tell.
    let Ok(said) = nix::sys::statvfs::statvfs(parent) else { return Ok(()) };
    let free = said.blocks_available().saturating_mul(said.fragment_size());
    if free >= bytes {
        return Ok(());
    }
    let (free, needed) = (ByteSize(free), ByteSize(bytes));
    Err(EngineError::Prerequisite {
        problem: format!(
            "`{}` has {free} free, and a clone of the server's files takes {needed}",
            parent.display()
        ),
        help: help!(
            "Name a larger folder in `settings.tmp_dir`, or install XtraBackup of the server's series, which needs no room."
        ),
    })
}

/// A clone of the server's files.
pub(super) struct ClonedFiles {
    client: Client,
    tool: String,
    folder: TemporaryFolder,
    bytes: u64,
    settings: BTreeMap<String, String>,
    /// The place in the redo log before it was made.
    begins: u64,
    made: bool,
}

impl ClonedFiles {
    async fn position(&self, runner: &dyn Runner) -> Result<u64, EngineError> {
        number(&self.client, runner, "ask for the place in the redo log", POSITION).await
    }
}

#[async_trait]
impl PhysicalCopy for ClonedFiles {
    async fn next_part(&mut self, runner: &dyn Runner) -> Result<Option<DumpPart>, EngineError> {
        if std::mem::replace(&mut self.made, true) {
            return Ok(None);
        }
        self.begins = self.position(runner).await?;
        let files: PathBuf = self.folder.path().join(FILES);
        let sql = format!("CLONE LOCAL DATA DIRECTORY = {};", literal(&files.display().to_string()));
        self.client.ask(runner, &Question::long("clone the files of the server", &sql)).await?;
        let archive = ToolSpec::new("tar").args(["--create", "--format=gnu", "--file=-"]);
        let archive = archive.arg(format!("--directory={}", files.display())).arg(".");
        Ok(Some(DumpPart {
            kind: PartKind::Files,
            database: None,
            archive: Some(ARCHIVE.to_owned()),
            extension: CLONED_EXTENSION,
            source: Producer::Tool(archive),
            witness: Box::new(FilesWitness::new()),
            estimate: self.bytes,
            properties: serde_json::Value::Null,
        }))
    }

    async fn finish(self: Box<Self>, runner: &dyn Runner) -> Result<CopyEnd, EngineError> {
        let span = Span { start: self.begins.to_string(), end: self.position(runner).await?.to_string() };
        let Self { bytes, settings, tool, .. } = *self;
        let facts = CloneFacts { way: BY_CLONE.to_owned(), bytes, settings };
        let facts = serde_json::to_value(&facts).map_err(|error| EngineError::Answer {
            question: "describe the copy".to_owned(),
            problem: error.to_string(),
        })?;
        Ok(CopyEnd { span, facts, tool, notes: Vec::new() })
    }
}
