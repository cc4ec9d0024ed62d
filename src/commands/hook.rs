//! Runs a hook, a program of the user.

use super::{App, Failure, RunLog};
use crate::model::Help;
use crate::process::ToolSpec;
use std::time::Duration;

/// One run of a hook.
pub(super) struct Hook<'a> {
    /// Its name in the configuration.
    pub(super) name: &'static str,
    /// The program and its arguments; empty for none.
    pub(super) argv: &'a [String],
    /// Its time limit.
    pub(super) timeout: Duration,
    /// Its environment variables.
    pub(super) environment: Vec<(String, String)>,
}

impl Hook<'_> {
    /// Runs it and everything that it starts to the end. Its standard output is thrown away; the end of its standard
    /// error is part of its failure.
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
        // A help that is meant for database tools would mislead here.
        ended.await.map_err(|failure| Failure {
            help: Help::new(&format!("Fix the hook, or take `{}` out of the configuration.", self.name)),
            ..failure
        })
    }
}
