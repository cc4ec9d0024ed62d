//! Programs of the user: how one is run, and what its failure means.

use super::{App, Failure, RunLog};
use crate::model::Help;
use crate::process::ToolSpec;
use std::time::Duration;

/// One program, when it is run.
pub(super) struct Hook<'a> {
    /// Its name in the configuration.
    pub(super) name: &'static str,
    /// The program and its arguments; empty for none.
    pub(super) argv: &'a [String],
    /// Its longest life.
    pub(super) timeout: Duration,
    /// What it is told.
    pub(super) environment: Vec<(String, String)>,
}

impl Hook<'_> {
    /// Runs it to its end, with all it started. What it prints is thrown away; the end of its standard error is part of its
    /// failure.
    pub(super) async fn run(self, app: &App, log: &RunLog) -> Result<(), Failure> {
        let Some((program, words)) = self.argv.split_first() else { return Ok(()) };
        let mut tool = ToolSpec::new(program).args(words.iter().map(String::as_str));
        tool.label = format!("hook {}", self.name);
        tool.timeout = Some(self.timeout);
        tool.env = self.environment;
        log.say(format!("HOOK: {} started", self.name));
        let ended = async {
            let mut running = app.runner.read(&tool).await?;
            tokio::io::copy(&mut running.body, &mut tokio::io::sink()).await?;
            Ok::<(), Failure>(())
        };
        // A hint that was made for the tools of databases would mislead here.
        ended.await.map_err(|failure| Failure {
            help: Help::new(&format!("Fix the hook, or take `{}` out of the configuration.", self.name)),
            ..failure
        })
    }
}
