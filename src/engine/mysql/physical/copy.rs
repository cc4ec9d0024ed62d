//! Copies of the files of a running server.

use super::archive::FilesWitness;
use super::checkpoints::{CopiedServer, CopyFacts, FIRST_FILE, lineage};
use super::clone;
use super::{ARCHIVE, CopyPrograms, EXTENSION, find};
use crate::engine::mysql::facts::MySqlServer;
use crate::engine::mysql::flavor::DataFolder;
use crate::engine::{
    CopyEnd, CopyParent, CopyRequest, DumpPart, EngineError, Finding, Physical, PhysicalCopy, Producer,
    ServerSettings,
};
use crate::model::{BackupKind, PartKind, Span, help};
use crate::process::{FolderUse, Runner, TemporaryFolder, ToolSpec};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::Path;

/// Where a server tells of itself.
const PERFORMANCE_SCHEMA: &str = "performance_schema";
/// Why there is nothing but fulls.
const NO_INCREMENTALS: &str = "XtraBackup is not installed, and the server's CLONE plugin copies everything";
const INSTALL_XTRABACKUP: &str =
    "Install XtraBackup of the server's series; until then fulls are taken in their place.";
/// What is asked of the server in front of a copy.
const RIGHTS_SUBJECT: &str = "copy the files of the server";

#[async_trait]
impl Physical for MySqlServer {
    async fn check_copy(&self, runner: &dyn Runner, kind: BackupKind) -> Result<Vec<Finding>, EngineError> {
        let grantee = self.grantee(runner).await?;
        let mut findings = Vec::new();
        match self.way(runner).await {
            Ok(CopyWay::Tool(programs)) => {
                let CopyPrograms { copy, .. } = &programs;
                findings.push(Finding::good(format!("{} {}", copy.path.display(), copy.text)));
                findings.extend(
                    self.copy_tool().map(|tool| self.copy_rights_finding(tool.rights, tool.tables, &grantee)),
                );
            }
            Ok(CopyWay::Clone) => {
                findings.push(Finding::good("CLONE plugin of the server, as XtraBackup is not installed"));
                findings.push(self.copy_rights_finding(&clone::RIGHTS, &[], &grantee));
                findings.push(self.emptied_finding(runner).await?);
                if kind == BackupKind::Incremental {
                    findings.push(Finding::no_incrementals(NO_INCREMENTALS, INSTALL_XTRABACKUP));
                }
            }
            Err(error) => findings.push(no_way(&error)),
        }
        findings.push(self.same_host_finding());
        Ok(findings)
    }

    async fn plan_copy(&self, runner: &dyn Runner, kind: BackupKind) -> Result<Vec<String>, EngineError> {
        let CopyWay::Tool(programs) = self.way(runner).await? else { return Ok(clone::shown()) };
        let mut shown = self.connected(&programs).display_args();
        if kind == BackupKind::Incremental {
            shown.push("--incremental-lsn=<end of the last backup>".to_owned());
        }
        Ok(shown)
    }

    async fn begin_copy(
        &self,
        runner: &dyn Runner,
        request: CopyRequest<'_>,
    ) -> Result<Box<dyn PhysicalCopy>, EngineError> {
        let programs = match (self.way(runner).await?, request.parent) {
            (CopyWay::Tool(programs), _) => programs,
            (CopyWay::Clone, None) => return Ok(Box::new(self.begin_clone(runner, request.folder).await?)),
            (CopyWay::Clone, Some(parent)) => {
                let (backup, reason) = (parent.backup.clone(), NO_INCREMENTALS.to_owned());
                return Err(EngineError::NoBase { backup, reason });
            }
        };
        let since = request.parent.map(|parent| self.begin_of(parent)).transpose()?;
        let notes = notes_folder(&self.client.connection.tool(&programs.copy))?;
        let (tool, lineage) = (self.copying(&programs, since, notes.path()), self.lineage()?);
        let server = CopiedServer { lineage, settings: self.settings_of_files() };
        Ok(Box::new(Copy { tool, programs, since, server, notes, taken: false }))
    }
}

/// How the files of a server are copied.
enum CopyWay {
    /// By the family's copy tool.
    Tool(CopyPrograms),
    /// By the server itself.
    Clone,
}

fn no_way(error: &EngineError) -> Finding {
    let help = match error {
        EngineError::ToolMissing { help, .. } | EngineError::Version { help, .. } => help.clone(),
        _ => help!("Install the copy tool of the server's version."),
    };
    Finding::error("find the copy tool", error.to_string(), help)
}

impl MySqlServer {
    async fn copy_programs(&self, runner: &dyn Runner) -> Result<CopyPrograms, EngineError> {
        let bin_dir = self.client.connection.settings.bin_dir.as_deref();
        find(runner, self.flavor(), bin_dir, &self.facts.version).await
    }

    /// The copy tool where it is installed; else the server itself, where it has learned to. A tool of another version is a mistake to
    /// be told of: it was installed to be used.
    async fn way(&self, runner: &dyn Runner) -> Result<CopyWay, EngineError> {
        let missing = match self.copy_programs(runner).await {
            Ok(programs) => return Ok(CopyWay::Tool(programs)),
            Err(EngineError::ToolMissing { tool, help }) if self.flavor().clones => (tool, help),
            Err(error) => return Err(error),
        };
        if self.can_clone(runner).await? {
            return Ok(CopyWay::Clone);
        }
        let (tool, help) = missing;
        let help = help!(
            "{help} Or have full backups by the server itself: INSTALL PLUGIN clone SONAME 'mysql_clone.so';"
        );
        Err(EngineError::ToolMissing { tool, help })
    }

    fn copy_rights_finding(&self, rights: &[&str], tables: &[&str], grantee: &str) -> Finding {
        let missing: Vec<&str> =
            rights.iter().copied().filter(|right| !self.grants.everywhere(right)).collect();
        let unread: Vec<String> = tables
            .iter()
            .filter(|table| !self.grants.on_table("SELECT", PERFORMANCE_SCHEMA, table))
            .map(|table| format!("SELECT ON {PERFORMANCE_SCHEMA}.{table}"))
            .collect();
        if missing.is_empty() && unread.is_empty() {
            return Finding::good(RIGHTS_SUBJECT);
        }
        let everywhere = (!missing.is_empty()).then(|| missing.join(", "));
        let lacks: Vec<String> = everywhere.iter().chain(&unread).cloned().collect();
        let grants = everywhere.map(|rights| format!("{rights} ON *.*")).into_iter().chain(unread);
        let grants: Vec<String> = grants.map(|right| format!("GRANT {right} TO {grantee};")).collect();
        let problem = format!("the user does not have {}", lacks.join(", "));
        Finding::error(RIGHTS_SUBJECT, problem, grants.join("\n"))
    }

    /// The tool reads the files of this machine, wherever the server is that it talks to.
    fn same_host_finding(&self) -> Finding {
        let subject = "reach the files of the server";
        let host = self.variables.get("hostname").map(String::as_str).unwrap_or_default();
        let own =
            nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let data = self.data_folder();
        // A socket leads to this machine, whatever name a container has given to the server.
        let here = self.client.connection.settings.socket.is_some() || host == own;
        if here && data.join(FIRST_FILE).exists() {
            return Finding::good(subject);
        }
        let problem = if here {
            format!("the data directory `{}` cannot be read here, or holds no `{FIRST_FILE}`", data.display())
        } else {
            format!("the server runs on `{host}`, and this is `{own}`")
        };
        Finding::error(
            subject,
            problem,
            "Run jagad on the host of the server, as root or as the user that the server runs as.",
        )
    }

    pub(super) fn data_folder(&self) -> &Path {
        Path::new(self.variables.get("datadir").map(String::as_str).unwrap_or_default())
    }

    /// What the copy tool does not say of the server, where it is not the default.
    pub(super) fn settings_of_files(&self) -> BTreeMap<String, String> {
        let name = "lower_case_table_names";
        let value = self.variables.get(name).filter(|value| *value != "0");
        value.map(|value| (name.to_owned(), value.clone())).into_iter().collect()
    }

    fn lineage(&self) -> Result<String, EngineError> {
        let folder = self.data_folder();
        let doing = || format!("look at the data directory `{}`", folder.display());
        lineage(folder).map_err(|source| EngineError::Read { doing: doing(), source })
    }

    /// Where an incremental on top of `parent` begins; why there can be none.
    fn begin_of(&self, parent: &CopyParent) -> Result<u64, EngineError> {
        let no_base = |reason: String| Err(EngineError::NoBase { backup: parent.backup.clone(), reason });
        if parent.identity != self.facts.identity || self.facts.identity.is_none() {
            return no_base("it is of another server, or nobody knows of which".to_owned());
        }
        if parent.server_version != self.facts.version {
            return no_base(format!(
                "its server was {}, and is {} now",
                parent.server_version, self.facts.version
            ));
        }
        match serde_json::from_value::<CopyFacts>(parent.facts.clone()) {
            Ok(facts) if facts.lineage != self.lineage()? => no_base(
                "the files of the server are not those that it was taken of: it was restored since"
                    .to_owned(),
            ),
            Ok(facts) => Ok(facts.to_lsn),
            Err(_) => no_base("it does not say where it ends in the redo log".to_owned()),
        }
    }

    fn connected(&self, programs: &CopyPrograms) -> ToolSpec {
        let tool = self.client.connection.tool(&programs.copy).args(["--backup", "--stream=xbstream"]);
        if self.copy_tool().is_none_or(|tool| tool.folder == DataFolder::Asked) {
            return tool;
        }
        let tool = tool.arg(format!("--datadir={}", self.data_folder().display()));
        // It reads no protocol, and takes this name for a socket.
        let ServerSettings { host, socket, .. } = self.client.connection.settings.as_ref();
        let by_name = socket.is_none() && host.as_deref().is_none_or(|host| host == "localhost");
        if by_name { tool.arg("--host=127.0.0.1") } else { tool }
    }

    fn copying(&self, programs: &CopyPrograms, since: Option<u64>, notes: &Path) -> ToolSpec {
        let mut tool = self.connected(programs);
        // Nothing is written there while it streams.
        tool = tool.arg(format!("--target-dir={}", notes.join("unused").display()));
        tool = tool.arg(format!("--extra-lsndir={}", notes.display()));
        match since {
            Some(lsn) => tool.arg(format!("--incremental-lsn={lsn}")),
            None => tool,
        }
    }
}

/// A folder for what the tool says of its copy, which the account that it runs as may write to.
fn notes_folder(tool: &ToolSpec) -> Result<TemporaryFolder, EngineError> {
    let (place, account) = (std::env::temp_dir(), tool.user_when_root.as_deref());
    TemporaryFolder::make(FolderUse::CopyNotes, &place, account)
        .map_err(|source| EngineError::Read { doing: "make a folder for the copy tool".to_owned(), source })
}

/// A copy under way: one stream, and what the tool says of it at its end.
struct Copy {
    tool: ToolSpec,
    programs: CopyPrograms,
    since: Option<u64>,
    server: CopiedServer,
    notes: TemporaryFolder,
    taken: bool,
}

#[async_trait]
impl PhysicalCopy for Copy {
    async fn next_part(&mut self, _runner: &dyn Runner) -> Result<Option<DumpPart>, EngineError> {
        if std::mem::replace(&mut self.taken, true) {
            return Ok(None);
        }
        Ok(Some(DumpPart {
            kind: PartKind::Files,
            database: None,
            archive: Some(ARCHIVE.to_owned()),
            extension: EXTENSION,
            source: Producer::Tool(self.tool.clone()),
            witness: Box::new(FilesWitness::new()),
            estimate: 0,
            properties: serde_json::Value::Null,
        }))
    }

    async fn finish(self: Box<Self>, _runner: &dyn Runner) -> Result<CopyEnd, EngineError> {
        let facts = CopyFacts::read(self.notes.path(), &self.programs.copy.text, &self.server)?;
        // No version of the tool looks at what it was told.
        if self.since.unwrap_or(0) != facts.from_lsn || facts.to_lsn < facts.from_lsn {
            return Err(EngineError::Answer {
                question: "read what the copy tool says of its copy".to_owned(),
                problem: format!(
                    "it copied what changed from {} to {}, and was to begin at {}",
                    facts.from_lsn,
                    facts.to_lsn,
                    self.since.unwrap_or(0)
                ),
            });
        }
        let span = Span { start: facts.from_lsn.to_string(), end: facts.last_lsn.to_string() };
        let facts = serde_json::to_value(&facts).map_err(|error| EngineError::Answer {
            question: "describe the copy".to_owned(),
            problem: error.to_string(),
        })?;
        let name = self.programs.copy.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let tool = format!("{} {}", name.unwrap_or_default(), self.programs.copy.text);
        Ok(CopyEnd { span, facts, tool, notes: Vec::new() })
    }
}
