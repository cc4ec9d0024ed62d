//! The deepest look: the backup is restored into a server that nobody else knows, and counted.

use super::contents;
use super::drill_files::FilesDrill;
use crate::catalog::{Manifest, Part};
use crate::commands::files_server::FilesServer;
use crate::commands::replay::{self, Restored};
use crate::commands::restore::order::in_order;
use crate::commands::restore::{backup_of, full_of};
use crate::commands::scratch::{self, ScratchServer};
use crate::commands::stored::{StoredBackup, StoredPart};
use crate::commands::{App, Class, Failure, RunLog, Task, environment, findings};
use crate::engine::{
    Completion, Drill, DrillRequest, EngineError, FindingLevel, Lifetime, LoadPlan, MissingRoles, Naming,
    Occupied, Ownership, RestoreTarget, Selection, Server, StreamError,
};
use crate::model::{Contents, Count, Method, PartKind, random_word};
use crate::pipeline::UnpackGauges;
use crate::process::ToolError;
use std::collections::BTreeMap;

/// Restores the backup, with everything that it builds on, into a throw-away server, counts every table, and removes it all.
pub(super) async fn restores(
    app: &App,
    reading: &StoredBackup<'_>,
    chain: &[Manifest],
    log: &RunLog,
) -> Result<(), Failure> {
    let Some(manifest) = chain.first() else { return Ok(()) };
    let folder = scratch::folder(app, &app.inventory.settings.tmp_dir, log).await?;
    if manifest.method != Method::Logical {
        let files = FilesServer { app, reading, chain, newest: manifest };
        return FilesDrill { files, log }.run(folder.path()).await;
    }
    let recorded = contents::read(reading, full_of(chain)).await?;
    let server_version = manifest.server.as_ref().map_or("", |server| server.version.as_str());
    let request = DrillRequest { server_version, recorded: &recorded, folder: folder.path(), data: None };
    let drill = app.tools_of(manifest).drill(app.runner.as_ref(), &request).await?;
    let run = DrillRun { app, reading, chain, recorded: &recorded, log };
    let mut scratch = ScratchServer::new(app, &drill);
    let outcome = run.in_server(&mut scratch, &drill, &request).await;
    scratch.stop(log).await;
    outcome
}

/// A backup on its way into a throw-away server.
struct DrillRun<'a> {
    app: &'a App,
    reading: &'a StoredBackup<'a>,
    /// The backup and what it builds on, the newest first, its full last.
    chain: &'a [Manifest],
    /// What was recorded of each logical database.
    recorded: &'a BTreeMap<String, Contents>,
    log: &'a RunLog,
}

impl DrillRun<'_> {
    async fn in_server(
        &self,
        scratch: &mut ScratchServer<'_>,
        drill: &Drill,
        request: &DrillRequest<'_>,
    ) -> Result<(), Failure> {
        let server = scratch.start().await?;
        let done = scratch.work(self.restore_all(server.as_ref())).await;
        match done {
            Ok(()) => Ok(()),
            Err(failure) => {
                let runner = self.app.runner.as_ref();
                Err(environment::judge_loader(runner, drill, request.folder, failure).await)
            }
        }
    }

    async fn restore_all(&self, server: &dyn Server) -> Result<(), Failure> {
        let mut dumps: Vec<&Part> = self.chain[0].parts_of(PartKind::Globals).collect();
        dumps.extend(full_of(self.chain).parts_of(PartKind::Database));
        for (preceding, part) in in_order(&dumps, self.recorded).into_iter().enumerate() {
            self.app.cancel.check()?;
            self.restore_part(server, part, preceding).await?;
        }
        self.replay(server).await
    }

    /// Brings everything forward by the log of the chain, and counts it.
    async fn replay(&self, server: &dyn Server) -> Result<(), Failure> {
        let chain = replay::Chain { app: self.app, reading: self.reading, links: self.chain };
        let dumps = full_of(self.chain).parts_of(PartKind::Database);
        let restored = dumps
            .map(|part| Restored { part: part.clone(), target: part.database.clone().unwrap_or_default() });
        let restored: Vec<Restored> = restored.collect();
        let Some(planned) = chain.plan(server, &restored, Ownership::Keep, Lifetime::ThrownAway).await?
        else {
            return Ok(());
        };
        if let Some(obstacle) = planned.replay.obstacle() {
            return Err(Failure { class: Class::Integrity, ..obstacle.into() });
        }
        chain.run(&planned, self.log).await?;
        for one in &restored {
            // The log may have dropped it.
            if server.logical().vanished(self.app.runner.as_ref(), &one.target).await?.is_some() {
                continue;
            }
            let counting = server.logical().count(self.app.runner.as_ref(), &one.target);
            let found = self.app.cancel.unless_stopped(self.reading.stop, counting).await??;
            let (tables, rows) =
                (Count::len(found.tables.len(), "table"), Count(found.rows(), self.chain[0].engine.unit()));
            self.log.say(format!("DRILL: {}: {tables}, {rows} after the log", one.target));
        }
        Ok(())
    }

    /// Loads one part, and counts what it brought; globals have nothing to count.
    async fn restore_part(&self, server: &dyn Server, part: &Part, preceding: usize) -> Result<(), Failure> {
        let runner = self.app.runner.as_ref();
        let stored = StoredPart::new(self.reading, backup_of(self.chain, part), part);
        let plan = self.plan(server, &stored, self.target(part, preceding)).await?;
        for step in &plan.before {
            step.run(runner).await?;
        }
        self.feed(&plan, &stored, part).await?;
        if part.kind != PartKind::Database {
            // The server is its own: roles come to be only in these steps, and databases may need them.
            for step in &plan.after {
                step.run(runner).await?;
            }
            return Ok(());
        }
        self.compare(server, part, &plan.filling).await?;
        if self.chain.len() > 1 {
            return Ok(());
        }
        for step in &plan.undo {
            step.run(runner).await?;
        }
        Ok(())
    }

    fn target(&self, part: &Part, preceding: usize) -> RestoreTarget {
        let database = part.database.clone().unwrap_or_default();
        let version = full_of(self.chain).server.as_ref().map(|server| server.version.clone());
        RestoreTarget {
            kind: part.kind,
            source_database: database.clone(),
            properties: part.properties.clone(),
            server_version: version.unwrap_or_default(),
            recorded: self.recorded.get(&database).cloned(),
            database,
            selection: Selection::default(),
            owners: Ownership::Skip,
            privileges: Ownership::Skip,
            tablespaces: Ownership::Skip,
            definers: Ownership::Keep,
            occupied: Occupied::Refuse,
            naming: Naming::Temporary,
            preceding,
            stop_at_first_error: true,
            coming_roles: Vec::new(),
            coming_databases: Vec::new(),
            following_databases: Vec::new(),
            coming_tablespaces: Vec::new(),
            missing_roles: MissingRoles::Make,
            lifetime: Lifetime::ThrownAway,
            completion: match self.chain {
                [_, _, ..] => Completion::BroughtForward,
                _ => Completion::Whole,
            },
            token: random_word(6),
        }
    }

    async fn plan(
        &self,
        server: &dyn Server,
        stored: &StoredPart,
        target: RestoreTarget,
    ) -> Result<LoadPlan, Failure> {
        let runner = self.app.runner.as_ref();
        let plan = server.logical().load(runner, &target, stored).await.map_err(too_old)?;
        if let Some(failure) = findings::failure_of(&plan.findings) {
            return Err(failure);
        }
        for finding in plan.findings.iter().filter(|finding| finding.level == FindingLevel::Warning) {
            self.log.warn(findings::line(finding));
        }
        Ok(plan)
    }

    async fn feed(&self, plan: &LoadPlan, stored: &StoredPart, part: &Part) -> Result<(), Failure> {
        let gauges = UnpackGauges::new();
        let task = Task {
            label: format!("drilling {}", part.name),
            total: Some(part.plain_bytes),
            gauge: gauges.plain.clone(),
        };
        let progress = self.app.watch.start(task);
        let feeding = plan.feed(self.app.runner.as_ref(), stored.plain(&gauges));
        let fed = self.app.cancel.unless_stopped(self.reading.stop, feeding).await;
        drop(progress);
        fed?.map_err(|error| not_restored(error, &part.name))?;
        Ok(())
    }

    /// Counts `filling` and compares it with what was counted in the dump.
    async fn compare(&self, server: &dyn Server, part: &Part, filling: &str) -> Result<(), Failure> {
        let database = part.database.as_deref().unwrap_or_default();
        let counting = server.logical().count(self.app.runner.as_ref(), filling);
        let found = self.app.cancel.unless_stopped(self.reading.stop, counting).await??;
        match self.recorded.get(database) {
            Some(expected) => contents::compare(database, &contents::as_named_on(server, expected), &found)?,
            None => self.log.warn(format!(
                "{database}: nothing was counted when it was dumped, so there is nothing to compare"
            )),
        }
        let unit = self.chain[0].engine.unit();
        let (tables, rows) = (Count::len(found.tables.len(), "table"), Count(found.rows(), unit));
        self.log.say(format!("DRILL: {database}: {tables}, {rows} restored"));
        Ok(())
    }
}

/// The server's program that was found is not the one that the backup needs.
fn too_old(error: EngineError) -> Failure {
    let too_old = matches!(error, EngineError::Version { .. });
    let failure = Failure::from(error);
    if !too_old {
        return failure;
    }
    Failure { class: Class::Prerequisite, ..failure.doing("the throw-away server is too old") }
        .help("Name the folder of a newer server program in the entry's `tools.bin_dir`.")
}

/// A dump that its own tool cannot load is not whole; a stream that failed on its way says itself what it is.
fn not_restored(error: StreamError, part: &str) -> Failure {
    let refused = matches!(&error, StreamError::Tool(ToolError::Failed { .. }));
    let failure = Failure::from(error).doing(format!("restore {part} into a throw-away server"));
    if refused { Failure { class: Class::Integrity, ..failure } } else { failure }
}
