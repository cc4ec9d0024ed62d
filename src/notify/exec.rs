//! A program that gets the event. It is never run through a shell.

use super::event::{TEXT_BYTES, line};
use super::{Channel, Event, ExecSettings, NotifyError};
use crate::process::{Runner, ToolSpec, program_directories};
use async_trait::async_trait;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The event is JSON on the program's standard input and, for scripts, in its environment.
pub(super) struct Exec {
    pub(super) command: ExecSettings,
    pub(super) timeout: Duration,
    pub(super) runner: Arc<dyn Runner>,
}

impl Exec {
    fn program(&self) -> &str {
        self.command.argv.first().map_or("", String::as_str)
    }

    fn tool(&self, event: &Event) -> ToolSpec {
        let args = self.command.argv.iter().skip(1).map(String::as_str);
        let mut tool = ToolSpec::new(self.program()).args(args);
        let named = |name: &str| event.placeholder(name).unwrap_or_default();
        tool.env = vec![
            ("JAGAD_EVENT".to_owned(), event.kind().to_string()),
            ("JAGAD_DATABASE".to_owned(), named("database")),
            ("JAGAD_POLICY".to_owned(), named("policy")),
            ("JAGAD_BACKUP_ID".to_owned(), named("backup")),
            ("JAGAD_HOST".to_owned(), event.host().to_owned()),
            ("JAGAD_MESSAGE".to_owned(), event.message().to_owned()),
        ];
        tool.stdin = event.json();
        tool.timeout = Some(self.timeout);
        tool
    }
}

#[async_trait]
impl Channel for Exec {
    async fn send(&self, event: &Event) -> Result<(), NotifyError> {
        let told = self.runner.output(&self.tool(event)).await;
        told.map(drop).map_err(|error| {
            let cause = std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
            NotifyError::new(line(&format!("{error}{cause}"), TEXT_BYTES))
                .help("Run the program by hand, with an event on its standard input.")
        })
    }

    async fn probe(&self) -> Result<(), NotifyError> {
        let program = Path::new(self.program());
        let places: Vec<PathBuf> = if self.program().contains('/') {
            vec![program.to_owned()]
        } else {
            program_directories().into_iter().map(|folder| folder.join(program)).collect()
        };
        let runs = |path: &PathBuf| {
            std::fs::metadata(path)
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        if places.iter().any(runs) {
            return Ok(());
        }
        Err(NotifyError::new(format!(
            "the program `{}` does not exist or is not executable",
            program.display()
        ))
        .help("Correct `command` of the notifier, or install the program and make it executable."))
    }
}
