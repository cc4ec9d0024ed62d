//! Runs a throw-away server: starts it, waits for it, watches it while it works, and always removes it.

use super::{App, Class, Failure, RunLog};
use crate::engine::{Drill, DrilledFiles, Server};
use crate::process::{FolderUse, Running, TemporaryFolder, sweep_folders};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;

/// A folder in `parent` for a throw-away server. Folders of killed runs are removed first: they may take the space that
/// the new one needs.
pub(super) async fn folder(app: &App, parent: &Path, log: &RunLog) -> Result<TemporaryFolder, Failure> {
    let doing = || format!("make a folder for the throw-away server in `{}`", parent.display());
    let places = [parent.to_owned(), app.inventory.settings.tmp_dir.clone()];
    let sweep = move || {
        let places: BTreeSet<PathBuf> = places.into_iter().collect();
        let removed = places.iter().flat_map(|place| sweep_folders(place, &[FolderUse::ScratchServer]));
        removed.collect::<Vec<PathBuf>>()
    };
    let removed = tokio::task::spawn_blocking(sweep).await.unwrap_or_default();
    for left in removed {
        log.say(format!("removed `{}`, which a killed run had left", left.display()));
    }
    TemporaryFolder::make(FolderUse::ScratchServer, parent, None)
        .map_err(|error| Failure::from(error).doing(doing()))
}

/// What the path of such a folder looks like, for plans.
pub(super) fn example(parent: &Path) -> PathBuf {
    parent.join("jagad-drill-xxxxxx")
}

/// How long a throw-away server may take until it answers.
const LONGEST_START: Duration = Duration::from_secs(60);
const START_POLL: Duration = Duration::from_millis(50);

/// A throw-away server. [`ScratchServer::stop`] must be called in any case.
pub(super) struct ScratchServer<'a> {
    app: &'a App,
    drill: &'a Drill,
    running: Option<Running>,
}

impl<'a> ScratchServer<'a> {
    /// The server of `drill`, not started yet.
    pub(super) fn new(app: &'a App, drill: &'a Drill) -> Self {
        Self { app, drill, running: None }
    }

    /// Creates and starts it, and returns the inspected server as soon as it answers. A failure does not mean that the
    /// backup is bad, so its class is `Prerequisite`.
    pub(super) async fn start(&mut self) -> Result<Box<dyn Server>, Failure> {
        let runner = self.app.runner.as_ref();
        for step in &self.drill.setup {
            runner.output(step).await.map_err(|error| not_started(error.into()))?;
        }
        let Some(tool) = &self.drill.server else { return Ok(self.drill.engine.inspect(runner).await?) };
        let running = runner.read(tool).await.map_err(|error| not_started(error.into()))?;
        answering(self.app, self.drill, self.running.insert(running)).await
    }

    /// Does `work` while the server runs; a server that ends by itself is the failure.
    pub(super) async fn work<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match &mut self.running {
            None => work.await,
            Some(running) => tokio::select! {
                biased;
                done = work => done,
                ended = end(running) => Err(ended),
            },
        }
    }

    /// Stops it. If it does not stop cleanly, this is only a warning.
    pub(super) async fn stop(self, log: &RunLog) {
        if let Some(running) = self.running {
            // It may still write into the folder that is removed next.
            running.stop().await;
        }
        for step in &self.drill.teardown {
            if let Err(error) = self.app.runner.output(step).await {
                let reason = Failure::from(error).message();
                log.warn(format!("the throw-away server did not stop cleanly: {reason}"));
            }
        }
    }
}

/// Makes the folder of a throw-away server ready for it. A failure says nothing about a backup.
pub(super) async fn ready(app: &App, files: &DrilledFiles) -> Result<(), Failure> {
    for step in &files.before {
        app.runner.output(step).await.map_err(|error| {
            not_started(error.into()).help(
                "The server runs as another account where jagad is root, and has to get to its folder: see settings.tmp_dir and `restore --scratch`.",
            )
        })?;
    }
    Ok(())
}

/// Reads a server's output until it ends, so that its pipe never fills, and returns why it ended.
async fn end(running: &mut Running) -> Failure {
    let failure = match tokio::io::copy(&mut running.body, &mut tokio::io::sink()).await {
        Ok(_) => Failure::new(Class::Prerequisite, "it ended by itself"),
        Err(error) => error.into(),
    };
    Failure { class: Class::Prerequisite, ..failure.doing("keep a throw-away server running") }
}

fn not_started(failure: Failure) -> Failure {
    Failure { class: Class::Prerequisite, ..failure.doing("start a throw-away server") }
}

async fn answering(app: &App, drill: &Drill, running: &mut Running) -> Result<Box<dyn Server>, Failure> {
    let deadline = Instant::now() + LONGEST_START;
    let mut printed = [0; 4096];
    loop {
        app.cancel.check()?;
        let error = match drill.engine.inspect(app.runner.as_ref()).await {
            Ok(server) => return Ok(server),
            Err(error) => Failure::from(error),
        };
        // A server that prints is alive; reading from one that has ended gives the reason.
        match tokio::time::timeout(START_POLL, running.body.read(&mut printed)).await {
            Ok(Ok(0)) => return Err(not_started(error.doing("the server ended at once"))),
            Ok(Err(ended)) => return Err(not_started(ended.into())),
            Ok(Ok(_)) => {}
            Err(_) if Instant::now() < deadline => {}
            Err(_) => return Err(not_started(error)),
        }
    }
}
