//! Databases of a physical backup go into a running server: a throw-away server on the files of the chain dumps them into its
//! folder, and ends. From there it is the restore of a logical backup.

use super::outcome::FailedLoad;
use super::report::{LoadReport, Report, ReportStatus, ScratchReport, ShownStep};
use super::{OnFailure, Request, RestoreChecks, RestoreSource, plan_and_restore};
use crate::catalog::{Catalog, Manifest, Operation, Part};
use crate::commands::backup::part::{self, Packing};
use crate::commands::files_server::FilesServer;
use crate::commands::links::chain_of;
use crate::commands::reader_lease::announce;
use crate::commands::recovery::{self, Recovering};
use crate::commands::scratch::{self, ScratchServer};
use crate::commands::stored::StoredBackup;
use crate::commands::verify::levels;
use crate::commands::{App, Class, Confirmation, Failure, Mode, RunLog, crash};
use crate::config::DatabaseEntry;
use crate::crypto::Keyring;
use crate::engine::{self, DatabaseChoice, DumpPart, Recovery, RecoveryStep, Scope, Server};
use crate::model::{ByteSize, Codec, Contents, Count, PartKind};
use crate::store::{self, LocalSettings, Store, StoreSettings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the dumps are, inside the folder of the throw-away server.
const DUMPS: &str = "dumps";
/// They are read again a moment later: speed matters, size does not.
const LEVEL: i32 = 1;

/// A restore of databases of a physical backup.
pub(super) struct FilesRestore<'a> {
    pub(super) app: &'a App,
    pub(super) request: &'a Request,
    /// Where the backup is.
    pub(super) catalog: &'a Catalog,
    pub(super) manifest: &'a Manifest,
    pub(super) target: &'a DatabaseEntry,
    pub(super) keyring: &'a Arc<Keyring>,
}

/// Everything that can be known before the throw-away server is made.
struct Prospect {
    chain: Vec<Manifest>,
    parent: PathBuf,
    recovery: Recovery,
    address: String,
    /// Size of each logical database of the target.
    present: BTreeMap<String, u64>,
}

/// The databases as a logical backup would hold them.
struct Dumped {
    /// The backup, with the dumps for its parts.
    manifest: Manifest,
    store: Arc<dyn Store>,
    /// Databases that could not be dumped, when the others are restored anyway.
    failed: Vec<(String, Failure)>,
}

impl FilesRestore<'_> {
    pub(super) async fn run(&self) -> Result<Report, Failure> {
        let Self { app, request, manifest, target, keyring, .. } = self;
        let reading = StoredBackup { store: self.catalog.store(), keyring, stop: &app.cancel.token };
        let prospect = self.prospect(&reading).await?;
        if request.mode == Mode::Plan {
            return Ok(self.planned(&prospect));
        }
        recovery::refuse_without_room(&prospect.recovery.folders)?;
        app.watch.confirm(&self.question(&prospect))?;
        let log = app.log();
        let folder = scratch::folder(app, &prospect.parent, &log).await?;
        // Nothing of the chain goes while it is read.
        let reader = announce(app, self.catalog, manifest, Operation::Restore, &log).await?;
        let files = FilesServer { app, reading: &reading, chain: &prospect.chain, newest: manifest };
        let dumped = self.dump(&files, folder.path(), &log).await;
        reader.finish().await;
        // What was stopped says that, and not what came of it.
        app.cancel.check()?;
        let Dumped { manifest, store, mut failed } = dumped?;
        let mut databases = request.databases.clone();
        databases.retain(|name| failed.iter().all(|(failed, _)| failed != name));
        // Where nothing is left to restore, that is no partial success.
        if databases.is_empty() && !failed.is_empty() {
            return Err(failed.remove(0).1);
        }
        let request = &Request { databases, ..(*request).clone() };
        let lost = failed.iter().map(|(database, failure)| FailedLoad::new(database, failure)).collect();
        let source = RestoreSource {
            catalog: self.catalog,
            chain: std::slice::from_ref(&manifest),
            store: &store,
            lost,
        };
        plan_and_restore(app, request, target, &source, keyring).await
    }

    /// Looks at the chain, at this machine and at the target.
    async fn prospect(&self, reading: &StoredBackup<'_>) -> Result<Prospect, Failure> {
        let Self { app, request, manifest, target, .. } = self;
        let chain = chain_of(self.catalog, manifest).await?;
        if request.proof == RestoreChecks::Full {
            for link in &chain {
                levels::every_object_is_there(reading.store.as_ref(), link).await?;
            }
        }
        let parent = parent(app, request.scratch.as_deref())?;
        let place = scratch::example(&parent);
        let files = FilesServer { app, reading, chain: &chain, newest: manifest };
        files.server(&place).await?;
        let recovery = files.recovery(&place).await?;
        let engine = engine::open(app.inventory.engine_settings(target).await?);
        let server = engine.inspect(app.runner.as_ref()).await?;
        let databases = server.facts().databases.iter();
        let present = databases.map(|database| (database.name.clone(), database.bytes)).collect();
        Ok(Prospect { chain, parent, recovery, address: engine.address(), present })
    }

    /// Dumps the databases from a server on the files of the chain, then removes everything but the dumps.
    async fn dump(&self, files: &FilesServer<'_>, folder: &Path, log: &RunLog) -> Result<Dumped, Failure> {
        let drill = files.make(folder).await?;
        crash::point("restore-scratch-files");
        let mut scratch = ScratchServer::new(self.app, &drill);
        let dumped = match scratch.start().await {
            Ok(server) => {
                crash::point("restore-scratch-started");
                scratch.work(self.dump_all(server.as_ref(), folder, log)).await
            }
            Err(failure) => Err(failure),
        };
        scratch.stop(log).await;
        let dumped = dumped?;
        crash::point("restore-scratch-dumped");
        keep_dumps(folder).map_err(|error| {
            Failure::from(error)
                .doing(format!("remove the files of the throw-away server from `{}`", folder.display()))
        })?;
        Ok(dumped)
    }

    async fn dump_all(&self, server: &dyn Server, folder: &Path, log: &RunLog) -> Result<Dumped, Failure> {
        let Self { app, request, manifest, .. } = self;
        self.refuse_unknown(server)?;
        let settings = LocalSettings { path: folder.join(DUMPS) };
        let settings = StoreSettings::Local(settings);
        store::prepare(&settings)?;
        let store = store::open(&settings)?;
        let packing = Packing {
            store: Arc::clone(&store),
            codec: Codec::Zstd,
            level: LEVEL,
            // What it comes from lies beside it as it is.
            sealing: None,
            stop: app.cancel.token.clone(),
            log: log.clone(),
        };
        let mut copy = Manifest {
            parts: Vec::new(),
            recipe: packing.recipe(manifest.repository),
            ..(*manifest).clone()
        };
        let (mut contents, mut failed) = (BTreeMap::<String, Contents>::new(), Vec::new());
        let scope = Scope {
            databases: DatabaseChoice::Named(request.databases.clone()),
            globals: request.globals == super::Globals::Restore,
        };
        for part in server.logical().dump(&scope)? {
            app.cancel.check()?;
            let (kind, database) = (part.kind, part.database.clone());
            match self.dump_part(&packing, server, &copy, part).await {
                Ok((part, counted)) => {
                    contents.extend(part.database.clone().zip(counted));
                    copy.parts.push(part);
                }
                Err(failure) if request.on_failure == OnFailure::GoOn && kind == PartKind::Database => {
                    app.cancel.check()?;
                    let database = database.unwrap_or_default();
                    log.keep_failure(&format!("RESTORE: `{database}` failed"), &failure);
                    failed.push((database, failure));
                }
                Err(failure) => return Err(failure),
            }
        }
        let contents =
            serde_json::to_vec(&contents).map_err(|error| Failure::from(std::io::Error::other(error)))?;
        copy.parts.push(part::store_bytes(&packing, &copy, PartKind::Contents, contents).await?);
        Ok(Dumped { manifest: copy, store, failed })
    }

    async fn dump_part(
        &self,
        packing: &Packing,
        server: &dyn Server,
        copy: &Manifest,
        dump: DumpPart,
    ) -> Result<(Part, Option<Contents>), Failure> {
        let name = dump.database.clone().unwrap_or_else(|| dump.kind.to_string());
        let dumping = part::dump(self.app, packing, server, copy, dump);
        let dumped = self.app.cancel.unless_stopped(&packing.stop, dumping).await?;
        dumped.map_err(|failure| failure.doing(format!("dump {name} out of the throw-away server")))
    }

    /// Refuses names that the backup does not hold: they are known only now.
    fn refuse_unknown(&self, server: &dyn Server) -> Result<(), Failure> {
        let Self { request, manifest, .. } = self;
        let all = Scope { databases: DatabaseChoice::All { exclude: Vec::new() }, globals: false };
        let known: Vec<&str> =
            server.facts().databases.iter().map(|database| database.name.as_str()).collect();
        let Some(wanted) = request.databases.iter().find(|wanted| !known.contains(&wanted.as_str())) else {
            return Ok(());
        };
        let mut unfit = server.logical().unfit(&all).into_iter();
        if let Some(unfit) = unfit.find(|unfit| unfit.database == *wanted) {
            let problem =
                format!("database `{wanted}` of backup {} cannot be dumped: {}", manifest.id, unfit.reason);
            return Err(Failure::new(Class::Prerequisite, problem)
                .help("Restore the whole server with --target-dir, and change the database there."));
        }
        let problem = format!("backup {} holds no database `{wanted}`", manifest.id);
        Err(Failure::new(Class::NotFound, problem).help(format!("It holds {}", known.join(", "))))
    }

    /// What would be done, as far as that is known before the throw-away server runs.
    fn planned(&self, prospect: &Prospect) -> Report {
        let Self { request, manifest, target, .. } = self;
        let load = |database: &String| LoadReport {
            effect: self.effect(prospect, database),
            database: self.name_of(database).to_owned(),
            plain_bytes: 0,
            rows: None,
            everything: request.selection.is_everything(),
            unit: manifest.engine.unit(),
            steps: Vec::new(),
            notes: Vec::new(),
        };
        Report {
            status: ReportStatus::Planned,
            backup: manifest.id.clone(),
            source: manifest.database.clone(),
            target: target.name.clone(),
            address: prospect.address.clone(),
            folder: None,
            scratch: Some(self.scratch(prospect)),
            restore: None,
            replay: None,
            loads: request.databases.iter().map(load).collect(),
            duration_ms: None,
            ignored_errors: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// The name that the database `name` gets on the target.
    fn name_of<'n>(&'n self, name: &'n str) -> &'n str {
        self.request.into.as_deref().unwrap_or(name)
    }

    fn effect(&self, prospect: &Prospect, database: &str) -> String {
        let name = self.name_of(database);
        match prospect.present.get(name) {
            None if self.request.selection.is_everything() => format!("Database \"{name}\" is created."),
            None => format!("Database \"{name}\" is created with the chosen objects."),
            Some(_) if !self.request.selection.is_everything() => {
                format!("Objects are added to database \"{name}\"; what is there stays as it is.")
            }
            Some(bytes) => format!("Database \"{name}\" ({}) is replaced.", ByteSize(*bytes)),
        }
    }

    fn scratch(&self, prospect: &Prospect) -> ScratchReport {
        let source = Recovering { app: self.app, chain: &prospect.chain, recovery: &prospect.recovery };
        let step = |step: &RecoveryStep| match step {
            RecoveryStep::Run(step) => step.shown().argv,
            RecoveryStep::Write(write) => match source.source(write) {
                Ok(found) => vec!["write".to_owned(), source.name(found.manifest, found.part)],
                Err(_) => vec!["write".to_owned(), write.part.to_string()],
            },
        };
        let steps = prospect.recovery.steps.iter().map(|one| ShownStep { argv: step(one), input: None });
        ScratchReport {
            path: prospect.parent.display().to_string(),
            chain: prospect.chain.iter().map(|manifest| manifest.id.clone()).collect(),
            bytes: prospect.recovery.bytes(),
            steps: steps.collect(),
            notes: vec![
                "The compressed dump comes to the files, and they are removed before the dump is loaded."
                    .to_owned(),
                format!(
                    "Whether the backup holds what was chosen, how large the dump is, and what `{}` lacks for it, is known when the \
                     throw-away server runs: before anything in `{}` is changed.",
                    self.target.name, self.target.name
                ),
            ],
        }
    }

    /// Asked before disk and time are taken. The exact plan follows, with a question of its own.
    fn question(&self, prospect: &Prospect) -> Confirmation {
        let Self { request, manifest, target, .. } = self;
        let links = Count::len(prospect.chain.len(), "backup");
        let mut facts = vec![format!(
            "A throw-away server is made of {links} in `{}`: {} of files, and the compressed dump beside them.",
            prospect.parent.display(),
            ByteSize(prospect.recovery.bytes())
        )];
        facts.extend(request.databases.iter().map(|database| self.effect(prospect, database)));
        let databases = request.databases.join(", ");
        let question = format!(
            "Take {databases} out of {} for `{}`, and ask again before that is changed?",
            manifest.id, target.name
        );
        Confirmation { facts, question }
    }
}

/// Where the folder of the throw-away server is made.
fn parent(app: &App, chosen: Option<&Path>) -> Result<PathBuf, Failure> {
    let parent = chosen.unwrap_or(&app.inventory.settings.tmp_dir);
    // Servers do not run where we do.
    let found = parent.canonicalize().and_then(|found| std::fs::read_dir(&found).map(|_| found));
    found.map_err(|error| {
        Failure::from(error)
            .doing(format!("look at the folder `{}` for a throw-away server", parent.display()))
            .help("Name a folder that exists with --scratch.")
    })
}

/// Leaves nothing but the dumps of what is in `folder`.
fn keep_dumps(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == DUMPS {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
