//! The deepest look: the backup is restored into a server that nobody else knows, and counted.

use super::{contents, surroundings};
use crate::catalog::{Manifest, Part};
use crate::commands::restore::order::in_order;
use crate::commands::stored::{Reading, StoredPart};
use crate::commands::{App, Class, Failure, RunLog, Task, findings};
use crate::engine::{
    Drill, DrillRequest, EngineError, FindingLevel, Lifetime, MissingRoles, Naming, Occupied, Ownership,
    RestoreTarget, Selection, Server, StreamError,
};
use crate::model::{Contents, Count, PartKind, random_word};
use crate::pipeline::UnpackGauges;
use crate::process::{Running, ToolError};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;

/// How long a throw-away server may take until it answers.
const LONGEST_START: Duration = Duration::from_secs(60);
const START_POLL: Duration = Duration::from_millis(50);

/// Restores every logical database into a throw-away server, counts every table, and removes it all.
pub(super) async fn restores(
    app: &App,
    reading: &Reading<'_>,
    manifest: &Manifest,
    log: &RunLog,
) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("jagad-drill-")
        .tempdir_in(&app.inventory.settings.tmp_dir)
        .map_err(|error| Failure::from(error).doing("make a folder for the throw-away server"))?;
    let recorded = contents::read(reading, manifest).await?;
    let server_version = manifest.server.as_ref().map_or("", |server| server.version.as_str());
    let request = DrillRequest { server_version, recorded: &recorded, folder: folder.path() };
    let drill = app.tools_of(manifest).drill(&request)?;
    let outcome = in_server(app, (reading, manifest), (&request, &drill), log).await;
    for step in &drill.teardown {
        if let Err(error) = app.runner.output(step).await {
            log.warn(format!(
                "the throw-away server did not stop cleanly: {}",
                Failure::from(error).message()
            ));
        }
    }
    outcome
}

async fn in_server(
    app: &App,
    (reading, manifest): (&Reading<'_>, &Manifest),
    (request, drill): (&DrillRequest<'_>, &Drill),
    log: &RunLog,
) -> Result<(), Failure> {
    let (recorded, folder) = (request.recorded, request.folder);
    for step in &drill.setup {
        // What keeps the throw-away server from starting says nothing about the backup.
        app.runner.output(step).await.map_err(|error| not_started(error.into()))?;
    }
    let mut running = match &drill.server {
        Some(tool) => Some(app.runner.read(tool).await.map_err(|error| not_started(error.into()))?),
        None => None,
    };
    let outcome = async {
        let server = answering(app, drill, running.as_mut()).await?;
        let work = restore_all(app, reading, manifest, (server.as_ref(), recorded, log));
        let done = match running.as_mut() {
            None => work.await,
            Some(running) => tokio::select! {
                biased;
                done = work => done,
                ended = end(running) => Err(ended),
            },
        };
        match done {
            Err(failure) => {
                Err(surroundings::judge_loader(app.runner.as_ref(), drill, folder, failure).await)
            }
            done => done,
        }
    }
    .await;
    if let Some(running) = running {
        // It may still write into the folder that is removed next.
        running.stop().await;
    }
    outcome
}

/// Reads what a server prints, so that its pipe never fills, until it ends; why it did.
async fn end(running: &mut Running) -> Failure {
    let failure = match tokio::io::copy(&mut running.body, &mut tokio::io::sink()).await {
        Ok(_) => Failure::new(Class::Prerequisite, "it ended by itself"),
        Err(error) => error.into(),
    };
    Failure { class: Class::Prerequisite, ..failure.doing("keep a throw-away server running") }
}

async fn restore_all(
    app: &App,
    reading: &Reading<'_>,
    manifest: &Manifest,
    (server, recorded, log): (&dyn Server, &BTreeMap<String, Contents>, &RunLog),
) -> Result<(), Failure> {
    let mut dumps: Vec<&Part> = manifest.parts_of(PartKind::Globals).collect();
    dumps.extend(manifest.parts_of(PartKind::Database));
    for (preceding, part) in in_order(&dumps, recorded).into_iter().enumerate() {
        app.cancel.check()?;
        let part = (part, preceding);
        restore_part(app, reading, (manifest, part), (server, recorded, log)).await?;
    }
    Ok(())
}

fn not_started(failure: Failure) -> Failure {
    Failure { class: Class::Prerequisite, ..failure.doing("start a throw-away server") }
}

/// The inspected server, as soon as it answers.
async fn answering(
    app: &App,
    drill: &Drill,
    running: Option<&mut Running>,
) -> Result<Box<dyn Server>, Failure> {
    let Some(running) = running else {
        return Ok(drill.engine.inspect(app.runner.as_ref()).await?);
    };
    let deadline = Instant::now() + LONGEST_START;
    let mut printed = [0; 4096];
    loop {
        app.cancel.check()?;
        let error = match drill.engine.inspect(app.runner.as_ref()).await {
            Ok(server) => return Ok(server),
            Err(error) => Failure::from(error),
        };
        // A server that prints is alive; one that ended tells why.
        match tokio::time::timeout(START_POLL, running.body.read(&mut printed)).await {
            Ok(Ok(0)) => return Err(not_started(error.doing("the server ended at once"))),
            Ok(Err(ended)) => return Err(not_started(ended.into())),
            Ok(Ok(_)) => {}
            Err(_) if Instant::now() < deadline => {}
            Err(_) => return Err(not_started(error)),
        }
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

async fn restore_part(
    app: &App,
    reading: &Reading<'_>,
    (manifest, (part, preceding)): (&Manifest, (&Part, usize)),
    (server, recorded, log): (&dyn Server, &BTreeMap<String, Contents>, &RunLog),
) -> Result<(), Failure> {
    let database = part.database.clone().unwrap_or_default();
    let target = RestoreTarget {
        kind: part.kind,
        source_database: database.clone(),
        database: database.clone(),
        properties: part.properties.clone(),
        server_version: manifest.server.as_ref().map(|server| server.version.clone()).unwrap_or_default(),
        recorded: recorded.get(&database).cloned(),
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
        coming_tablespaces: Vec::new(),
        missing_roles: MissingRoles::Make,
        lifetime: Lifetime::ThrownAway,
        token: random_word(6),
    };
    let stored = StoredPart::new(reading, manifest, part);
    let plan = server.logical().load(app.runner.as_ref(), &target, &stored).await.map_err(too_old)?;
    if let Some(failure) = findings::failure_of(&plan.findings) {
        return Err(failure);
    }
    for finding in plan.findings.iter().filter(|finding| finding.level == FindingLevel::Warning) {
        log.warn(findings::line(finding));
    }
    for step in &plan.before {
        step.run(app.runner.as_ref()).await?;
    }
    let gauges = UnpackGauges::new();
    let task = Task {
        label: format!("drilling {}", part.name),
        total: Some(part.plain_bytes),
        gauge: gauges.plain.clone(),
    };
    let progress = app.watch.start(task);
    let feeding = plan.feed(app.runner.as_ref(), stored.plain(&gauges));
    let fed = app.cancel.unless_stopped(reading.stop, feeding).await;
    drop(progress);
    fed?.map_err(|error| not_restored(error, &part.name))?;
    if part.kind != PartKind::Database {
        // The server is its own: roles come to be only in these steps, and databases may need them.
        for step in &plan.after {
            step.run(app.runner.as_ref()).await?;
        }
        return Ok(());
    }
    let counting = server.logical().count(app.runner.as_ref(), &plan.filling);
    let found = app.cancel.unless_stopped(reading.stop, counting).await??;
    match recorded.get(&database) {
        Some(expected) => contents::compare(&database, &contents::as_named_on(server, expected), &found)?,
        None => log.warn(format!(
            "{database}: nothing was counted when it was dumped, so there is nothing to compare"
        )),
    }
    let unit = manifest.engine.unit();
    log.say(format!(
        "DRILL: {database}: {}, {} restored",
        Count::len(found.tables.len(), "table"),
        Count(found.rows(), unit)
    ));
    for step in &plan.undo {
        step.run(app.runner.as_ref()).await?;
    }
    Ok(())
}

/// A dump that its own tool cannot load is not whole; a stream that failed on its way says itself what it is.
fn not_restored(error: StreamError, part: &str) -> Failure {
    let refused = matches!(&error, StreamError::Tool(ToolError::Failed { .. }));
    let failure = Failure::from(error).doing(format!("restore {part} into a throw-away server"));
    if refused { Failure { class: Class::Integrity, ..failure } } else { failure }
}
