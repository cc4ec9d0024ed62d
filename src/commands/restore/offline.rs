//! A backup becomes files from which a server starts; no server is asked.

use super::Request;
use super::load;
use super::plan::choose;
use super::report::{LoadReport, Report, ShownStep};
use crate::catalog::{Manifest, Operation, Part};
use crate::commands::locate::locate_good;
use crate::commands::reading::announce;
use crate::commands::stored::{StoredBackup, StoredPart};
use crate::commands::verify::levels;
use crate::commands::{App, Class, Failure, Mode, Task};
use crate::engine::Consumer;
use crate::model::{ByteSize, PartName};
use crate::pipeline::UnpackGauges;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// One part, and where it goes.
struct Piece<'m> {
    part: &'m Part,
    name: String,
    folder: PathBuf,
    consumer: Consumer,
}

/// Lays the backup out in `folder`, which is new or empty; each part in a folder of its own when there are several.
pub(super) async fn lay_out(app: &App, request: &Request, folder: &Path) -> Result<Report, Failure> {
    let began = Instant::now();
    let (catalog, entry) = locate_good(app, &request.backup, request.store.as_ref()).await?;
    let manifest = &entry.manifest;
    let engine = app.tools_of(manifest);
    let parts = choose(request, manifest)?;
    let single = parts.len() == 1;
    let mut pieces = Vec::new();
    for part in parts {
        let name = part.database.clone().unwrap_or_default();
        let folder = if single { folder.to_owned() } else { folder.join(folder_of(&name)?) };
        let consumer = engine.lay_out(&folder)?;
        pieces.push(Piece { part, name, folder, consumer });
    }
    refuse_occupied(folder)?;
    if request.mode == Mode::Plan {
        return Ok(report(manifest, &pieces, ("planned", folder)));
    }
    let keyring = Arc::new(app.inventory.keyring().await?);
    let reading = StoredBackup { store: catalog.store(), keyring: &keyring, stop: &app.cancel.token };
    let reader = announce(app, &catalog, manifest, Operation::Restore, &app.log()).await?;
    let written = async {
        levels::every_object_is_there(reading.store.as_ref(), manifest).await?;
        for piece in &pieces {
            app.cancel.check()?;
            write(app, manifest, piece, &reading).await?;
        }
        Ok::<(), Failure>(())
    }
    .await;
    reader.finish().await;
    written?;
    let report = report(manifest, &pieces, ("success", folder));
    Ok(Report { duration_ms: Some(super::milliseconds(began)), ..report })
}

/// The folder of one of several parts, which must not lead out of the folder of them all.
fn folder_of(name: &str) -> Result<&str, Failure> {
    match name.parse::<PartName>() {
        Ok(_) => Ok(name),
        Err(_) => Err(Failure::new(Class::Integrity, format!("`{name}` of the backup cannot name a folder"))),
    }
}

async fn write(
    app: &App,
    manifest: &Manifest,
    piece: &Piece<'_>,
    reading: &StoredBackup<'_>,
) -> Result<(), Failure> {
    let gauges = UnpackGauges::new();
    let body = StoredPart::new(reading, manifest, piece.part).plain(&gauges);
    let task = Task {
        label: format!("writing {}", piece.name),
        total: Some(piece.part.plain_bytes),
        gauge: gauges.plain.clone(),
    };
    let progress = app.watch.start(task);
    let taken = piece.consumer.take(app.runner.as_ref(), body).await;
    drop(progress);
    taken.map(|_| ()).map_err(|error| load::with_heading(error.into()))
}

fn refuse_occupied(folder: &Path) -> Result<(), Failure> {
    let occupied = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            return Err(Failure::from(error).doing(format!("look into `{}`", folder.display())));
        }
    };
    if !occupied {
        return Ok(());
    }
    Err(Failure::new(Class::Refused, format!("`{}` is not empty", folder.display()))
        .help("Give a folder that is new or empty: nothing in it is ever overwritten."))
}

fn report(manifest: &Manifest, pieces: &[Piece<'_>], (status, folder): (&str, &Path)) -> Report {
    let load = |piece: &Piece<'_>| LoadReport {
        everything: true,
        database: piece.name.clone(),
        effect: format!(
            "\"{}\" ({} of dump) is written into `{}`.",
            piece.name,
            ByteSize(piece.part.plain_bytes),
            piece.folder.display()
        ),
        plain_bytes: piece.part.plain_bytes,
        rows: piece.part.rows,
        unit: manifest.engine.unit(),
        steps: vec![ShownStep { argv: piece.consumer.shown().argv, input: None }],
        notes: Vec::new(),
    };
    Report {
        status: status.to_owned(),
        backup: manifest.id.clone(),
        source: manifest.database.clone(),
        target: manifest.database.clone(),
        address: folder.display().to_string(),
        folder: Some(folder.display().to_string()),
        restore: None,
        loads: pieces.iter().map(load).collect(),
        duration_ms: None,
        ignored_errors: Vec::new(),
        failed: Vec::new(),
    }
}
