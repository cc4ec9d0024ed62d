//! The deepest look: the backup is restored into a server that nobody else knows, and counted.

use super::contents;
use crate::catalog::{Manifest, Part};
use crate::commands::stored::{Reading, StoredPart};
use crate::commands::{App, Class, Failure, RunLog, Task};
use crate::engine::{Drill, Ownership, RestoreTarget, Selection, Server};
use crate::model::{Contents, PartKind, random_word};
use crate::pipeline::UnpackGauges;
use crate::process::ToolError;
use std::collections::BTreeMap;

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
    let version = manifest.server.as_ref().map_or("", |server| server.version.as_str());
    let drill = app.tools_of(manifest).drill(version, folder.path())?;
    let outcome = in_server(app, reading, manifest, (&drill, log)).await;
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
    reading: &Reading<'_>,
    manifest: &Manifest,
    (drill, log): (&Drill, &RunLog),
) -> Result<(), Failure> {
    for step in &drill.setup {
        // What keeps the throw-away server from starting says nothing about the backup.
        app.runner.output(step).await.map_err(|error| Failure {
            class: Class::Prerequisite,
            ..Failure::from(error).doing("start a throw-away server")
        })?;
    }
    let server = drill.engine.inspect(app.runner.as_ref()).await?;
    let recorded = contents::read(reading, manifest).await?;
    let mut dumps: Vec<&Part> = manifest.parts_of(PartKind::Globals).collect();
    dumps.extend(manifest.parts_of(PartKind::Database));
    for part in dumps {
        app.cancel.check()?;
        restore_part(app, reading, (manifest, part), (server.as_ref(), &recorded, log)).await?;
    }
    Ok(())
}

async fn restore_part(
    app: &App,
    reading: &Reading<'_>,
    (manifest, part): (&Manifest, &Part),
    (server, recorded, log): (&dyn Server, &BTreeMap<String, Contents>, &RunLog),
) -> Result<(), Failure> {
    let database = part.database.clone().unwrap_or_default();
    let target = RestoreTarget {
        kind: part.kind,
        source_database: database.clone(),
        database: database.clone(),
        properties: part.properties.clone(),
        server_version: manifest.server.as_ref().map(|server| server.version.clone()).unwrap_or_default(),
        selection: Selection::default(),
        owners: Ownership::Skip,
        privileges: Ownership::Skip,
        stop_at_first_error: true,
        coming_roles: Vec::new(),
        token: random_word(6),
    };
    let stored = StoredPart::new(reading, manifest, part);
    let plan = server.load(app.runner.as_ref(), &target, &stored).await?;
    for step in &plan.before {
        app.runner.output(step).await?;
    }
    let gauges = UnpackGauges::new();
    let task = Task {
        label: format!("drilling {}", part.name),
        total: Some(part.plain_bytes),
        gauge: gauges.plain.clone(),
    };
    let progress = app.watch.start(task);
    let run = app.runner.feed(&plan.feed, stored.plain(&gauges)).await?;
    drop(progress);
    if run.status != 0 {
        let error =
            ToolError::Failed { label: plan.feed.label.clone(), status: run.status, stderr: run.stderr };
        let failure = Failure::from(error).doing(format!("restore {} into a throw-away server", part.name));
        return Err(Failure { class: Class::Integrity, ..failure });
    }
    if part.kind != PartKind::Database {
        // The server is its own: roles come to be only in these steps, and databases may need them.
        for step in &plan.after {
            app.runner.output(step).await?;
        }
        return Ok(());
    }
    let found = server.count(app.runner.as_ref(), &plan.filling).await?;
    match recorded.get(&database) {
        Some(expected) => contents::compare(&database, expected, &found)?,
        None => log.warn(format!(
            "{database}: nothing was counted when it was dumped, so there is nothing to compare"
        )),
    }
    log.say(format!("DRILL: {database}: {} tables, {} rows restored", found.tables.len(), found.rows()));
    for step in &plan.undo {
        app.runner.output(step).await?;
    }
    Ok(())
}
