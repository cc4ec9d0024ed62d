//! pgBackRest's command lines, and what its failures mean.

use super::NAME;
use crate::engine::{EngineError, PgBackRestSettings, ServerSettings};
use crate::model::help;
use crate::process::{Runner, ToolError, ToolRun, ToolSpec, program_directories, user_exists};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PROGRAM: &str = "pgbackrest";
/// The first version that keeps a note beside a backup.
pub(super) const OLDEST: (u32, u32) = (2, 41);
/// How long it may take to say something of itself or its repository: it tries a store that does not answer for 20 s and more.
const PATIENCE: Duration = Duration::from_secs(120);

/// What it ends with when another of its processes holds the lock of the stanza.
pub(super) const STATUS_LOCKED: i32 = 50;
/// A file of the repository is not in the form that it should be in.
pub(super) const STATUS_FORMAT: i32 = 29;
/// Files of the repository are damaged or gone.
pub(super) const STATUS_DAMAGED: [i32; 4] = [26, 28, STATUS_FORMAT, 55];
const STATUS_NO_SERVER: i32 = 56;
const STATUS_ARCHIVE_COMMAND: i32 = 68;
const STATUS_ARCHIVE_TIMEOUT: i32 = 82;
/// From here on a status is that of a signal.
const SIGNALLED: i32 = 128;
const FULL: &str = "No space left on device";
const STATUS_OPTION: [i32; 4] = [27, 31, 32, 37];
const STATUS_UNREADABLE: [i32; 2] = [41, 39];

/// pgBackRest as the entry wants it run.
#[derive(Debug, Clone)]
pub(super) struct Program {
    bin_dir: Option<PathBuf>,
    pub(super) settings: PgBackRestSettings,
}

impl Program {
    pub(super) fn of(settings: &ServerSettings) -> Option<Self> {
        Some(Self { bin_dir: settings.bin_dir.clone(), settings: settings.pgbackrest.clone()? })
    }

    /// For a backup that is kept under `stanza`, whatever the entry says now.
    pub(super) fn for_stanza(&self, stanza: &str) -> Self {
        let settings = PgBackRestSettings { stanza: stanza.to_owned(), ..self.settings.clone() };
        Self { settings, ..self.clone() }
    }

    /// The program: in the entry's folder of tools, or where the system finds it.
    fn path(&self) -> PathBuf {
        let folders = self.bin_dir.iter().cloned().chain(program_directories());
        let mut programs = folders.map(|folder| folder.join(PROGRAM));
        programs.find(|program| program.is_file()).unwrap_or_else(|| PathBuf::from(PROGRAM))
    }

    /// `command` for the stanza. What it has to say goes to its standard error, and never into a log of its own.
    pub(super) fn command(&self, command: &str) -> ToolSpec {
        self.telling("warn", command)
    }

    /// As [`Program::command`], with a standard error of this level.
    pub(super) fn telling(&self, level: &str, command: &str) -> ToolSpec {
        let mut tool = self.bare();
        if let Some(config) = &self.settings.config {
            tool = tool.arg(format!("--config={}", config.display()));
        }
        tool.arg(format!("--stanza={}", self.settings.stanza))
            .args(["--log-level-console=off", "--log-level-file=off"])
            .arg(format!("--log-level-stderr={level}"))
            .arg(command)
    }

    /// A question that it answers at once, or not at all.
    pub(super) fn question(&self, command: &str) -> ToolSpec {
        ToolSpec { timeout: Some(PATIENCE), ..self.command(command) }
    }

    fn bare(&self) -> ToolSpec {
        let mut tool = ToolSpec::new(self.path());
        NAME.clone_into(&mut tool.label);
        // Its files are of the account that the server runs as: root would leave locks and logs that the server cannot open.
        tool.user_when_root = self.account();
        tool.env.push(("LC_ALL".to_owned(), "C".to_owned()));
        tool
    }

    /// The account that it runs as where we are root.
    pub(super) fn account(&self) -> Option<String> {
        user_exists(&self.settings.user).then(|| self.settings.user.clone())
    }

    /// The configuration, for people.
    pub(super) fn config(&self) -> String {
        let path = self.settings.config.as_deref().unwrap_or(Path::new("/etc/pgbackrest/pgbackrest.conf"));
        path.display().to_string()
    }

    /// The same command as somebody types it.
    pub(super) fn typed(&self, command: &str) -> String {
        let config = self.settings.config.as_ref();
        let config = config.map(|config| format!(" --config={}", config.display())).unwrap_or_default();
        format!(
            "sudo -u {} {PROGRAM}{config} --stanza={} {command}",
            self.settings.user, self.settings.stanza
        )
    }

    /// Runs `tool` to its end.
    pub(super) async fn run(
        &self,
        runner: &dyn Runner,
        tool: &ToolSpec,
        doing: &str,
    ) -> Result<ToolRun, EngineError> {
        match runner.output(tool).await {
            Ok(run) => Ok(run),
            Err(error) => Err(self.failure(doing, explained(runner, tool, error).await)),
        }
    }

    /// Its version, which must be one that keeps notes beside backups.
    pub(super) async fn version(&self, runner: &dyn Runner) -> Result<String, EngineError> {
        let tool = ToolSpec { timeout: Some(PATIENCE), ..self.bare().arg("version") };
        let run = self.run(runner, &tool, "ask pgBackRest for its version").await?;
        let text = String::from_utf8_lossy(&run.stdout);
        let version = text.trim().strip_prefix(NAME).map(str::trim).unwrap_or_default();
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok(version.to_owned()),
            (Some(_), Some(_)) => Err(EngineError::Version {
                problem: format!("{NAME} {version} is older than {}.{}", OLDEST.0, OLDEST.1),
                help: help!("Install a newer {NAME}, or name its folder in `tools.bin_dir`."),
            }),
            _ => Err(EngineError::Answer {
                question: "ask pgBackRest for its version".to_owned(),
                problem: text.chars().take(80).collect(),
            }),
        }
    }

    /// What a failure means.
    pub(super) fn failure(&self, doing: &str, error: ToolError) -> EngineError {
        let status = match &error {
            // A full disk has a class of its own.
            ToolError::Failed { stderr, .. } if stderr.contains(FULL) => {
                return EngineError::Tool { doing: doing.to_owned(), source: error };
            }
            ToolError::Failed { status, .. } => *status,
            ToolError::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                return EngineError::ToolMissing {
                    tool: NAME.to_owned(),
                    help: help!(
                        "Install it on this host, which must be the one of the server or of its repository (on Debian with `apt install pgbackrest`), or name its folder in `tools.bin_dir`."
                    ),
                };
            }
            _ => return EngineError::Tool { doing: doing.to_owned(), source: error },
        };
        let problem = format!("{doing}: {error}");
        if STATUS_UNREADABLE.contains(&status) {
            let (user, config) = (&self.settings.user, self.config());
            return EngineError::Prerequisite {
                problem,
                help: help!(
                    "Let the user `{user}` read `{config}` and what it names: jagad runs {NAME} as that user when it is root."
                ),
            };
        }
        if STATUS_OPTION.contains(&status) {
            let (stanza, config) = (&self.settings.stanza, self.config());
            return EngineError::Prerequisite {
                problem,
                help: help!(
                    "Correct `{config}`: it needs a section [{stanza}] with `pg1-path`, and a repository."
                ),
            };
        }
        let help = match status {
            STATUS_ARCHIVE_TIMEOUT => help!(
                "WAL does not reach the repository: see the log of the server for what `archive_command` says, and run `{}`.",
                self.typed("check --log-level-console=info")
            ),
            STATUS_NO_SERVER => help!(
                "Let the user `{}` connect to the server through its socket, as `pg1-socket-path`, `pg1-port` and `pg1-user` of `{}` say, and run jagad on the host that this configuration is for.",
                self.settings.user,
                self.config()
            ),
            STATUS_ARCHIVE_COMMAND => {
                help!("`jagad check` prints the statement that sets `archive_command`.")
            }
            _ => help!("Look at it with `{}`.", self.typed("check --log-level-console=info")),
        };
        EngineError::Delegated { problem, help }
    }
}

/// What is wrong with its configuration, newer versions say on their standard output, before they have read where to.
pub(super) async fn explained(runner: &dyn Runner, tool: &ToolSpec, error: ToolError) -> ToolError {
    let silent = |error: &ToolError| match error {
        ToolError::Failed { status, stderr, .. } => *status < SIGNALLED && stderr.trim().is_empty(),
        _ => false,
    };
    if !silent(&error) {
        return error;
    }
    // It had not begun with anything, and does not now.
    let program = tool.program.display().to_string();
    let mut aloud = ToolSpec {
        program: PathBuf::from("sh"),
        args: ["-c", "exec \"$@\" >&2", "sh"].map(Into::into).to_vec(),
        ..tool.clone()
    };
    aloud.args.push(program.into());
    aloud.args.extend(tool.args.iter().cloned());
    match runner.output(&aloud).await {
        Err(told @ ToolError::Failed { .. }) => told,
        _ => error,
    }
}
