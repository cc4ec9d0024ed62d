//! A command line as a value: it can be compared, printed and planned without being run.

use crate::model::Secret;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// One argument of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// Ordinary text; shown in plans, logs and manifests.
    Text(String),
    /// The path of a private file (mode 0600, owned by the user the tool runs as) with these contents. It is made just
    /// before the tool starts and removed when it has ended.
    File {
        /// Shown in plans in place of the path: `<list of objects>`.
        name: &'static str,
        /// Text in front of the path in the same argument, such as `--use-list=`.
        prefix: &'static str,
        /// The file's bytes.
        contents: Arc<[u8]>,
    },
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A program with its arguments and environment. It is never run through a shell. Secrets are only in `secret_env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSpec {
    /// For people and messages: "pg_dump".
    pub label: String,
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<Argument>,
    /// Environment besides a minimal one (`PATH`, `HOME`, `LANG`, `TZ`, `TMPDIR` are passed on, nothing else).
    pub env: Vec<(String, String)>,
    /// Environment whose values are secrets: never shown, and redacted from what the tool prints.
    pub secret_env: Vec<(String, Secret)>,
    /// Operating-system user to run as when jagad itself is root; ignored otherwise.
    pub user_when_root: Option<String>,
    /// Text for its standard input, for small tools; empty means no input.
    pub stdin: Vec<u8>,
    /// Longest life; `None` is unbounded.
    pub timeout: Option<Duration>,
}

impl ToolSpec {
    /// `program` with no arguments, a clean environment and no bound. The label is the program's file name.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        let label = program.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self {
            label,
            program,
            args: Vec::new(),
            env: Vec::new(),
            secret_env: Vec::new(),
            user_when_root: None,
            stdin: Vec::new(),
            timeout: None,
        }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<Argument>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<T: Into<Argument>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The command line as a manifest or a plan shows it: no secret, no environment.
    pub fn display_args(&self) -> Vec<String> {
        let shown = self.args.iter().map(|arg| match arg {
            Argument::Text(text) => text.clone(),
            Argument::File { name, prefix, .. } => format!("{prefix}<{name}>"),
        });
        std::iter::once(self.program.display().to_string()).chain(shown).collect()
    }
}
