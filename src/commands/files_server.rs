//! A throw-away server on the files of a physical backup: for a drill, and to dump a database out of it.

use super::recovery::{self, Recovering};
use super::stored::StoredBackup;
use super::{App, Failure, environment, scratch};
use crate::catalog::Manifest;
use crate::engine::{
    Drill, DrillRequest, EngineError, FilledFolder, Recovery, RecoveryPoint, RecoveryRequest,
};
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// A chain on its way into a throw-away server.
pub(super) struct FilesServer<'a> {
    pub(super) app: &'a App,
    pub(super) reading: &'a StoredBackup<'a>,
    /// The backup and what it builds on, the newest first.
    pub(super) chain: &'a [Manifest],
    pub(super) newest: &'a Manifest,
}

impl FilesServer<'_> {
    /// Writes the chain below `folder` and has the server's program open it: what starts and stops the server.
    pub(super) async fn make(&self, folder: &Path) -> Result<Drill, Failure> {
        let Self { app, .. } = self;
        // What is missing here is found before anything is written.
        if let Some(files) = &self.server(folder).await?.files {
            scratch::ready(app, files).await?;
        }
        self.write(folder).await?;
        let drill = self.server(folder).await?;
        if let Some(files) = &drill.files {
            scratch::ready(app, files).await?;
            let opening = app.runner.output(&files.open);
            let opened = app.cancel.unless_stopped(self.reading.stop, opening).await?;
            opened.map_err(|error| {
                let failure = environment::judge_opener(folder, error.into());
                failure.doing("open the files of the backup with a server")
            })?;
        }
        Ok(drill)
    }

    /// The server below `folder`, which has no files yet or all of them.
    pub(super) async fn server(&self, folder: &Path) -> Result<Drill, Failure> {
        let Self { app, newest, .. } = self;
        let (data, nothing) = (folder.join("data"), BTreeMap::new());
        let server_version = newest.server.as_ref().map_or("", |server| server.version.as_str());
        let request = DrillRequest { server_version, recorded: &nothing, folder, data: Some(&data) };
        Ok(app.tools_of(newest).drill(app.runner.as_ref(), &request).await?)
    }

    /// How the chain becomes the files of it.
    pub(super) async fn recovery(&self, folder: &Path) -> Result<Recovery, EngineError> {
        let Self { app, chain, newest, .. } = self;
        let links: Vec<_> = chain
            .iter()
            .map(|manifest| recovery::link_of(manifest, &manifest.parts.iter().collect::<Vec<_>>()))
            .collect();
        let named = BTreeMap::new();
        let request = RecoveryRequest {
            links: &links,
            folder: &folder.join("data"),
            tablespaces: &named,
            others: Some(folder),
            until: &RecoveryPoint::Backup,
        };
        app.tools_of(newest).recover(app.runner.as_ref(), &request).await
    }

    async fn write(&self, folder: &Path) -> Result<(), Failure> {
        let Self { app, chain, .. } = self;
        let recovery = self.recovery(folder).await?;
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
}
