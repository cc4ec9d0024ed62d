//! The deepest verification of a physical backup: its files, with everything that it builds on, become a throw-away
//! server, which reads all of them.

use crate::commands::files_server::FilesServer;
use crate::commands::scratch::ScratchServer;
use crate::commands::{Failure, RunLog, environment};
use crate::engine::{Drill, DrilledFiles, Examination, Server};
use crate::model::Count;
use std::path::Path;

/// A chain that is verified in a throw-away server.
pub(super) struct FilesDrill<'a> {
    pub(super) files: FilesServer<'a>,
    pub(super) log: &'a RunLog,
}

impl FilesDrill<'_> {
    /// Creates the server below `folder`, reads everything in it, and stops it.
    pub(super) async fn run(&self, folder: &Path) -> Result<(), Failure> {
        let drill = self.files.make(folder).await?;
        let Some(files) = &drill.files else { return Ok(()) };
        let mut server = ScratchServer::new(self.files.app, &drill);
        let outcome = self.in_server(&mut server, &drill, files, folder).await;
        server.stop(self.log).await;
        outcome
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
                Err(environment::judge_loader(self.files.app.runner.as_ref(), drill, folder, failure).await)
            }
        }
    }

    /// Reads everything in the server: pages and indexes with the server's own checks, and every row by counting.
    async fn look(&self, server: &dyn Server, examination: &dyn Examination) -> Result<(), Failure> {
        let runner = self.files.app.runner.as_ref();
        let examining = examination.examine(runner);
        for said in self.files.app.cancel.unless_stopped(self.files.reading.stop, examining).await?? {
            self.log.say(format!("DRILL: {said}"));
        }
        for database in &server.facts().databases {
            let counting = server.logical().count(runner, &database.name);
            let found = self.files.app.cancel.unless_stopped(self.files.reading.stop, counting).await??;
            let tables = Count::len(found.tables.len(), "table");
            let rows = Count(found.rows(), self.files.newest.engine.unit());
            self.log.say(format!("DRILL: {}: {tables}, {rows} restored", database.name));
        }
        Ok(())
    }
}
