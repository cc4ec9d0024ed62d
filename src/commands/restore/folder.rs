//! A backup becomes files from which a server starts; no server is asked.

use super::Request;
use super::load;
use super::plan::choose;
use super::report::{LoadReport, Report, ReportStatus, ShownStep};
use crate::catalog::{Manifest, Operation, Part};
use crate::commands::locate::locate_good;
use crate::commands::reading::announce;
use crate::commands::stored::{StoredBackup, StoredPart};
use crate::commands::verify::levels;
use crate::commands::{App, Class, Failure, Mode, Task, milliseconds};
use crate::engine::{RecoveryPart, RecoveryRequest, RecoveryWrite};
use crate::model::ByteSize;
use crate::pipeline::UnpackGauges;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Writes the backup into `folder`, which is new or empty.
pub(super) async fn recover(app: &App, request: &Request, folder: &Path) -> Result<Report, Failure> {
    let began = Instant::now();
    let (catalog, entry) = locate_good(app, &request.backup, request.store.as_ref()).await?;
    let manifest = &entry.manifest;
    let parts = choose(request, manifest)?;
    let named: Vec<RecoveryPart> = parts.iter().map(|part| recovery_part(part)).collect();
    let recovery = app.tools_of(manifest).recover(&RecoveryRequest { parts: &named, folder })?;
    if recovery.writes.len() != parts.len() {
        return Err(Failure::new(Class::Integrity, "not every part of the backup would become files"));
    }
    let writes: Vec<Write<'_>> =
        parts.iter().zip(recovery.writes).map(|(part, how)| Write { part, how }).collect();
    refuse_occupied(folder)?;
    if request.mode == Mode::Plan {
        return Ok(report(manifest, &writes, ReportStatus::Planned, folder));
    }
    let keyring = Arc::new(app.inventory.keyring().await?);
    let reading = StoredBackup { store: catalog.store(), keyring: &keyring, stop: &app.cancel.token };
    let reader = announce(app, &catalog, manifest, Operation::Restore, &app.log()).await?;
    let written = async {
        levels::every_object_is_there(reading.store.as_ref(), manifest).await?;
        for write in &writes {
            app.cancel.check()?;
            write.run(app, manifest, &reading).await?;
        }
        Ok::<(), Failure>(())
    }
    .await;
    reader.finish().await;
    written?;
    let report = report(manifest, &writes, ReportStatus::Success, folder);
    Ok(Report { duration_ms: Some(milliseconds(began)), ..report })
}

fn recovery_part(part: &Part) -> RecoveryPart {
    RecoveryPart { name: part.name.clone(), database: part.database.clone().unwrap_or_default() }
}

/// One part, and how it becomes files.
struct Write<'m> {
    part: &'m Part,
    how: RecoveryWrite,
}

impl Write<'_> {
    fn name(&self) -> &str {
        self.part.database.as_deref().unwrap_or_default()
    }

    async fn run(&self, app: &App, manifest: &Manifest, reading: &StoredBackup<'_>) -> Result<(), Failure> {
        let gauges = UnpackGauges::new();
        let body = StoredPart::new(reading, manifest, self.part).plain(&gauges);
        let task = Task {
            label: format!("writing {}", self.name()),
            total: Some(self.part.plain_bytes),
            gauge: gauges.plain.clone(),
        };
        let progress = app.watch.start(task);
        let taken = self.how.consumer.take(app.runner.as_ref(), body).await;
        drop(progress);
        taken.map(|_| ()).map_err(|error| load::with_heading(error.into()))
    }

    fn report(&self, manifest: &Manifest) -> LoadReport {
        let name = self.name().to_owned();
        let size = ByteSize(self.part.plain_bytes);
        LoadReport {
            everything: true,
            effect: format!("\"{name}\" ({size} of dump) is written into `{}`.", self.how.folder.display()),
            database: name,
            plain_bytes: self.part.plain_bytes,
            rows: self.part.rows,
            unit: manifest.engine.unit(),
            steps: vec![ShownStep { argv: self.how.consumer.shown().argv, input: None }],
            notes: Vec::new(),
        }
    }
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

fn report(manifest: &Manifest, writes: &[Write<'_>], status: ReportStatus, folder: &Path) -> Report {
    Report {
        status,
        backup: manifest.id.clone(),
        source: manifest.database.clone(),
        target: manifest.database.clone(),
        address: folder.display().to_string(),
        folder: Some(folder.display().to_string()),
        restore: None,
        loads: writes.iter().map(|write| write.report(manifest)).collect(),
        duration_ms: None,
        ignored_errors: Vec::new(),
        failed: Vec::new(),
    }
}
