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
use crate::commands::recovery::{self, Recovering, Source};
use crate::commands::stored::StoredBackup;
use crate::commands::verify::levels;
use crate::commands::{App, Class, Failure, Mode, milliseconds};
use crate::engine::{RecoveryLink, RecoveryPoint, RecoveryRequest, RecoveryStep, RecoveryWrite};
use crate::model::{ByteSize, Integrity, Method};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Writes the backup, with everything that it builds on, into `folder`, which is new or empty.
pub(super) async fn recover(app: &App, request: &Request, folder: &Path) -> Result<Report, Failure> {
    let began = Instant::now();
    let (catalog, entry) = locate_good(app, &request.backup, request.store.as_ref()).await?;
    refuse_until(request, &entry.manifest)?;
    let chain = chain_of(&catalog, &entry.manifest).await?;
    let links = links(request, &chain)?;
    let asked = RecoveryRequest {
        links: &links,
        folder,
        tablespaces: &request.tablespace_folders,
        others: None,
        until: &request.until,
    };
    let recovery = app.tools_of(&entry.manifest).recover(app.runner.as_ref(), &asked).await?;
    for filled in &recovery.folders {
        claim::refuse_occupied(&filled.path)?;
    }
    let recovering = Recovering { app, chain: &chain, recovery: &recovery };
    let run = FolderRestore { app, catalog: &catalog, recovering, folder };
    let planned = run.report(ReportStatus::Planned)?;
    if request.mode == Mode::Plan {
        return Ok(planned);
    }
    recovery::refuse_without_room(&recovery.folders)?;
    run.run().await?;
    let report = Report { status: ReportStatus::Success, ..planned };
    Ok(Report { duration_ms: Some(milliseconds(began)), ..report })
}

/// Only what has an archive of the server's own log can go beyond the end of a backup.
fn refuse_until(request: &Request, manifest: &Manifest) -> Result<(), Failure> {
    if request.until == RecoveryPoint::Backup || manifest.method == Method::PgBackRest {
        return Ok(());
    }
    let problem = format!(
        "backup {} is {}, and nothing has archived what the server did after it",
        manifest.id, manifest.method
    );
    Err(Failure::new(Class::Refused, problem).help(
        "Leave out --to-…: it is restored as it was. Backups with method = \"pgbackrest\" can be restored to a moment.",
    ))
}

/// What the engine has to know of every backup of the chain.
fn links(request: &Request, chain: &[Manifest]) -> Result<Vec<RecoveryLink>, Failure> {
    chain.iter().map(|manifest| link(request, manifest)).collect()
}

fn link(request: &Request, manifest: &Manifest) -> Result<RecoveryLink, Failure> {
    let parts: Vec<&Part> = match manifest.method {
        Method::Logical => choose(request, std::slice::from_ref(manifest))?,
        Method::Physical | Method::PgBackRest if request.databases.is_empty() => {
            manifest.parts.iter().collect()
        }
        Method::Physical | Method::PgBackRest => {
            let message = format!("backup {} is of the files of a whole server", manifest.id);
            return Err(Failure::new(Class::Usage, message).help("Leave out --dbname with --target-dir; or leave out --target-dir, and the database goes into a running server."));
        }
    };
    Ok(recovery::link_of(manifest, &parts))
}

/// A backup on its way into a folder.
struct FolderRestore<'a> {
    app: &'a App,
    catalog: &'a Catalog,
    recovering: Recovering<'a>,
    folder: &'a Path,
}

impl FolderRestore<'_> {
    /// Writes everything, while nobody may delete the backup. A failure leaves the folders as they were.
    async fn run(&self) -> Result<(), Failure> {
        let Self { app, catalog, recovering, .. } = self;
        let keyring = Arc::new(app.inventory.keyring().await?);
        let reading = StoredBackup { store: catalog.store(), keyring: &keyring, stop: &app.cancel.token };
        // Nothing goes before what builds on it.
        let reader = announce(app, catalog, self.newest()?, Operation::Restore, &app.log()).await?;
        let written = async {
            for manifest in recovering.chain {
                levels::every_object_is_there(reading.store.as_ref(), manifest).await?;
            }
            let claimed = Claimed::take(&recovering.recovery.folders)?;
            match recovering.write_all(&reading).await {
                Ok(()) => claimed.release(),
                Err(failure) => {
                    claimed.clear();
                    Err(load::with_heading(failure))
                }
            }
        }
        .await;
        reader.finish().await;
        written
    }

    fn newest(&self) -> Result<&Manifest, Failure> {
        self.recovering.chain.first().ok_or_else(|| Failure::new(Class::Integrity, "the backup has no chain"))
    }

    fn report(&self, status: ReportStatus) -> Result<Report, Failure> {
        let newest = self.newest()?;
        let mut loads = Vec::new();
        for step in &self.recovering.recovery.steps {
            match step {
                RecoveryStep::Write(write) => loads.push(self.load(write)?),
                RecoveryStep::Run(step) => {
                    let shown = step.shown();
                    if loads.is_empty() && newest.integrity == Integrity::Delegated {
                        loads.push(self.delegated(newest));
                    }
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
            replay: None,
            folder: Some(FolderReport {
                path: self.folder.display().to_string(),
                chain: self.recovering.chain.iter().map(|manifest| manifest.id.clone()).collect(),
                bytes: self.recovering.recovery.bytes(),
                notes: self.recovering.recovery.notes.clone(),
            }),
            scratch: None,
            restore: None,
            loads,
            duration_ms: None,
            ignored_errors: Vec::new(),
            failed: Vec::new(),
        })
    }

    /// What another tool writes.
    fn delegated(&self, manifest: &Manifest) -> LoadReport {
        let size = ByteSize(manifest.plain_bytes());
        LoadReport {
            everything: true,
            effect: format!("The files of the server ({size}) are written into `{}`.", self.folder.display()),
            database: manifest.database.to_string(),
            plain_bytes: manifest.plain_bytes(),
            rows: None,
            unit: manifest.engine.unit(),
            steps: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn load(&self, write: &RecoveryWrite) -> Result<LoadReport, Failure> {
        let Source { manifest, part } = self.recovering.source(write)?;
        let name = self.recovering.name(manifest, part);
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
