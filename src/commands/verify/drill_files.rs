//! The deepest look at a physical backup: its files, with everything that it builds on, become a throw-away server, which
//! reads all of them.

use super::environment;
use crate::catalog::Manifest;
use crate::commands::recovery::{self, Recovering};
use crate::commands::scratch::{self, ScratchServer};
use crate::commands::stored::StoredBackup;
use crate::commands::{App, Failure, RunLog};
use crate::engine::{Drill, DrillRequest, DrilledFiles, Examination, FilledFolder, RecoveryRequest, Server};
use crate::model::Count;
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// A chain on its way into a throw-away server.
pub(super) struct FilesDrill<'a> {
    pub(super) app: &'a App,
    pub(super) reading: &'a StoredBackup<'a>,
    /// The backup and what it builds on, the newest first.
    pub(super) chain: &'a [Manifest],
    pub(super) newest: &'a Manifest,
    pub(super) log: &'a RunLog,
}

impl FilesDrill<'_> {
    /// Makes the server below `folder`, has everything in it read, and stops it.
    pub(super) async fn run(&self, folder: &Path) -> Result<(), Failure> {
        let Self { app, newest, .. } = self;
        let (data, nothing) = (folder.join("data"), BTreeMap::new());
        let server_version = newest.server.as_ref().map_or("", |server| server.version.as_str());
        let request = DrillRequest { server_version, recorded: &nothing, folder, data: Some(&data) };
        let (tools, runner) = (app.tools_of(newest), app.runner.as_ref());
        // What is missing here is found before anything is written.
        tools.drill(runner, &request).await?;
        self.write(folder, &data).await?;
        let drill = tools.drill(runner, &request).await?;
        let Some(files) = &drill.files else { return Ok(()) };
        let opened = app.cancel.unless_stopped(self.reading.stop, scratch::open(app, files)).await?;
        opened.map_err(|failure| {
            environment::judge_opener(folder, failure).doing("open the files of the backup with a server")
        })?;
        let mut server = ScratchServer::new(app, &drill);
        let outcome = self.in_server(&mut server, &drill, files, folder).await;
        server.stop(self.log).await;
        outcome
    }

    /// The chain becomes files.
    async fn write(&self, folder: &Path, data: &Path) -> Result<(), Failure> {
        let Self { app, chain, newest, .. } = self;
        let links: Vec<_> = chain
            .iter()
            .map(|manifest| recovery::link_of(manifest, &manifest.parts.iter().collect::<Vec<_>>()))
            .collect();
        let named = BTreeMap::new();
        let request =
            RecoveryRequest { links: &links, folder: data, tablespaces: &named, others: Some(folder) };
        let recovery = app.tools_of(newest).recover(app.runner.as_ref(), &request).await?;
        recovery::refuse_without_room(&recovery.folders)?;
        for FilledFolder { path: filled, .. } in &recovery.folders {
            let made = DirBuilder::new().mode(0o700).create(filled);
            made.map_err(|error| Failure::from(error).doing(format!("make `{}`", filled.display())))?;
        }
        let writing = Recovering { app, chain, recovery: &recovery };
        let written = app.cancel.unless_stopped(self.reading.stop, writing.write_all(self.reading)).await?;
        written.map_err(|failure| {
            environment::judge_opener(folder, failure).doing("make the files of a server of the backup")
        })
    }

    async fn in_server(
        &self,
        scratch: &mut ScratchServer<'_>,
        drill: &Drill,
        files: &DrilledFiles,
        folder: &Path,
    ) -> Result<(), Failure> {
        let server = scratch.start().await?;
        let looking = self.look(server.as_ref(), files.examination.as_ref());
        match scratch.work(looking).await {
            Ok(()) => Ok(()),
            Err(failure) => {
                let failure = environment::judge_reader(failure);
                Err(environment::judge_loader(self.app.runner.as_ref(), drill, folder, failure).await)
            }
        }
    }

    /// Everything in the server is read: pages and indexes by what the server has for that, and every row by counting it.
    async fn look(&self, server: &dyn Server, examination: &dyn Examination) -> Result<(), Failure> {
        let runner = self.app.runner.as_ref();
        let examining = examination.examine(runner);
        for said in self.app.cancel.unless_stopped(self.reading.stop, examining).await?? {
            self.log.say(format!("DRILL: {said}"));
        }
        for database in &server.facts().databases {
            let counting = server.logical().count(runner, &database.name);
            let found = self.app.cancel.unless_stopped(self.reading.stop, counting).await??;
            let tables = Count::len(found.tables.len(), "table");
            let rows = Count(found.rows(), self.newest.engine.unit());
            self.log.say(format!("DRILL: {}: {tables}, {rows} restored", database.name));
        }
        Ok(())
    }
}
