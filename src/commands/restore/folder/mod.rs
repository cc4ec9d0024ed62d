//! A backup becomes files from which a server starts; no server is asked.

mod claim;

use self::claim::Claimed;
use super::Request;
use super::load;
use super::plan::choose;
use super::report::{FolderReport, LoadReport, Report, ReportStatus, ShownStep};
use crate::catalog::{Catalog, Manifest, Operation, Part};
use crate::commands::links::chain_of;
use crate::commands::locate::locate_good;
use crate::commands::reader_lease::announce;
use crate::commands::stored::{StoredBackup, StoredPart};
use crate::commands::verify::levels;
use crate::commands::{App, Class, Failure, Mode, Task, milliseconds};
use crate::engine::{Recovery, RecoveryLink, RecoveryPart, RecoveryRequest, RecoveryStep, RecoveryWrite};
use crate::model::{ByteSize, Method};
use crate::pipeline::UnpackGauges;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Writes the backup, with everything that it builds on, into `folder`, which is new or empty.
pub(super) async fn recover(app: &App, request: &Request, folder: &Path) -> Result<Report, Failure> {
    let began = Instant::now();
    let (catalog, entry) = locate_good(app, &request.backup, request.store.as_ref()).await?;
    let chain = chain_of(&catalog, &entry.manifest).await?;
    let links = links(request, &chain)?;
    let asked = RecoveryRequest { links: &links, folder, tablespaces: &request.tablespace_folders };
    let recovery = app.tools_of(&entry.manifest).recover(app.runner.as_ref(), &asked).await?;
    for filled in &recovery.folders {
        claim::refuse_occupied(filled)?;
    }
    let run = FolderRestore { app, catalog: &catalog, chain: &chain, recovery: &recovery, folder };
    let planned = run.report(ReportStatus::Planned)?;
    if request.mode == Mode::Plan {
        return Ok(planned);
    }
    claim::refuse_without_room(folder, recovery.bytes)?;
    run.run().await?;
    let report = Report { status: ReportStatus::Success, ..planned };
    Ok(Report { duration_ms: Some(milliseconds(began)), ..report })
}

/// What the engine has to know of every backup of the chain.
fn links(request: &Request, chain: &[Manifest]) -> Result<Vec<RecoveryLink>, Failure> {
    chain.iter().map(|manifest| link(request, manifest)).collect()
}

fn link(request: &Request, manifest: &Manifest) -> Result<RecoveryLink, Failure> {
    let parts: Vec<&Part> = match manifest.method {
        Method::Logical => choose(request, manifest)?,
        Method::Physical if request.databases.is_empty() => manifest.parts.iter().collect(),
        Method::Physical => {
            let message = format!("backup {} is of the files of a whole server", manifest.id);
            return Err(Failure::new(Class::Usage, message).help("Leave out --dbname with --target-dir."));
        }
    };
    Ok(RecoveryLink {
        backup: manifest.id.clone(),
        server_version: manifest.server.as_ref().map(|server| server.version.clone()).unwrap_or_default(),
        span: manifest.span.clone(),
        facts: manifest.physical.clone().unwrap_or_default(),
        parts: parts.into_iter().map(recovery_part).collect(),
    })
}

fn recovery_part(part: &Part) -> RecoveryPart {
    RecoveryPart {
        name: part.name.clone(),
        kind: part.kind,
        database: part.database.clone().unwrap_or_default(),
        properties: part.properties.clone(),
        plain_bytes: part.plain_bytes,
    }
}

/// A backup on its way into a folder.
struct FolderRestore<'a> {
    app: &'a App,
    catalog: &'a Catalog,
    /// The backup and what it builds on, the newest first.
    chain: &'a [Manifest],
    recovery: &'a Recovery,
    folder: &'a Path,
}

/// A part that is written, and of which backup.
struct Source<'a> {
    manifest: &'a Manifest,
    part: &'a Part,
}

impl FolderRestore<'_> {
    /// Writes everything, while nobody may delete the backup. A failure leaves the folders as they were.
    async fn run(&self) -> Result<(), Failure> {
        let Self { app, catalog, chain, recovery, .. } = self;
        let keyring = Arc::new(app.inventory.keyring().await?);
        let reading = StoredBackup { store: catalog.store(), keyring: &keyring, stop: &app.cancel.token };
        // Nothing goes before what builds on it.
        let reader = announce(app, catalog, self.newest()?, Operation::Restore, &app.log()).await?;
        let written = async {
            for manifest in *chain {
                levels::every_object_is_there(reading.store.as_ref(), manifest).await?;
            }
            let claimed = Claimed::take(&recovery.folders)?;
            match self.steps(&reading).await {
                Ok(()) => claimed.release(),
                Err(failure) => {
                    claimed.clear();
                    Err(failure)
                }
            }
        }
        .await;
        reader.finish().await;
        written
    }

    fn newest(&self) -> Result<&Manifest, Failure> {
        self.chain.first().ok_or_else(|| Failure::new(Class::Integrity, "the backup has no chain"))
    }

    async fn steps(&self, reading: &StoredBackup<'_>) -> Result<(), Failure> {
        for step in &self.recovery.steps {
            self.app.cancel.check()?;
            match step {
                RecoveryStep::Write(write) => self.write(reading, write).await?,
                RecoveryStep::Run(step) => step.run(self.app.runner.as_ref()).await?,
            }
        }
        Ok(())
    }

    async fn write(&self, reading: &StoredBackup<'_>, write: &RecoveryWrite) -> Result<(), Failure> {
        let Source { manifest, part } = self.source(write)?;
        let gauges = UnpackGauges::new();
        let body = StoredPart::new(reading, manifest, part).plain(&gauges);
        let task = Task {
            label: format!("writing {}", self.name(manifest, part)),
            total: Some(part.plain_bytes),
            gauge: gauges.plain.clone(),
        };
        let progress = self.app.watch.start(task);
        let taken = write.consumer.take(self.app.runner.as_ref(), body).await;
        drop(progress);
        taken.map(|_| ()).map_err(|error| load::with_heading(error.into()))
    }

    fn source(&self, write: &RecoveryWrite) -> Result<Source<'_>, Failure> {
        let manifest = self.chain.get(write.link);
        manifest
            .and_then(|manifest| {
                let part = manifest.parts.iter().find(|part| part.name == write.part)?;
                Some(Source { manifest, part })
            })
            .ok_or_else(|| Failure::new(Class::Integrity, format!("the backup has no part `{}`", write.part)))
    }

    /// What a part is called, for people.
    fn name(&self, manifest: &Manifest, part: &Part) -> String {
        match &part.database {
            Some(database) => database.clone(),
            None if self.chain.len() == 1 => part.name.to_string(),
            None => format!("{} of {}", part.name, manifest.id),
        }
    }

    fn report(&self, status: ReportStatus) -> Result<Report, Failure> {
        let newest = self.newest()?;
        let mut loads = Vec::new();
        for step in &self.recovery.steps {
            match step {
                RecoveryStep::Write(write) => loads.push(self.load(write)?),
                RecoveryStep::Run(step) => {
                    let shown = step.shown();
                    if let Some(last) = loads.last_mut() {
                        last.steps.push(ShownStep { argv: shown.argv, input: shown.input });
                    }
                }
            }
        }
        Ok(Report {
            status,
            backup: newest.id.clone(),
            source: newest.database.clone(),
            target: newest.database.clone(),
            address: self.folder.display().to_string(),
            folder: Some(FolderReport {
                path: self.folder.display().to_string(),
                chain: self.chain.iter().map(|manifest| manifest.id.clone()).collect(),
                bytes: self.recovery.bytes,
                notes: self.recovery.notes.clone(),
            }),
            restore: None,
            loads,
            duration_ms: None,
            ignored_errors: Vec::new(),
            failed: Vec::new(),
        })
    }

    fn load(&self, write: &RecoveryWrite) -> Result<LoadReport, Failure> {
        let Source { manifest, part } = self.source(write)?;
        let name = self.name(manifest, part);
        let size = ByteSize(part.plain_bytes);
        Ok(LoadReport {
            everything: true,
            effect: format!("\"{name}\" ({size}) is written into `{}`.", write.folder.display()),
            database: name,
            plain_bytes: part.plain_bytes,
            rows: part.rows,
            unit: manifest.engine.unit(),
            steps: vec![ShownStep { argv: write.consumer.shown().argv, input: None }],
            notes: Vec::new(),
        })
    }
}
