//! One part goes into the server.

use super::hooks::{self, HookPoint};
use super::outcome::{FailedLoad, LoadedPart};
use super::plan::{PlannedLoad, backup_of};
use super::run::RestoreRun;
use super::{OnError, RestoreChecks};
use crate::catalog::Part;
use crate::commands::stored::StoredPart;
use crate::commands::{App, Class, Failure, Task, crash, verify};
use crate::engine::{EngineError, Step, StreamError, TargetEffect, Trial};
use crate::model::{CipherKind, Contents, Count, PartKind};
use crate::pipeline::UnpackGauges;
use std::time::Duration;

/// How often undoing a load is tried.
const UNDO_TRIES: u32 = 6;
const UNDO_PAUSE: Duration = Duration::from_secs(1);

/// How far a load that cannot be undone has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Everything is as it was.
    Nothing,
    /// What was there is being removed.
    Removal,
    /// The part is going in.
    Feed,
    /// All of it was loaded, and its count differs from that of the dump.
    Mismatch,
}

impl RestoreRun<'_> {
    /// Where something is removed first there is no way back: every part proves itself from end to end before that, and the
    /// target tries its definitions. Those that fail while the others go on come back.
    pub(super) async fn prove(&self) -> Result<Vec<FailedLoad>, Failure> {
        let Self { app, plan, reading, .. } = self;
        let removes = |load: &PlannedLoad| matches!(load.plan.effect, TargetEffect::Overwrites { .. });
        let mut failed = Vec::new();
        if plan.loads.iter().any(removes) {
            for load in &plan.loads {
                app.cancel.check()?;
                let proven = if let Some(trial) = &load.plan.trial {
                    self.try_definitions(load, trial).await
                } else {
                    let manifest = backup_of(self.chain, &load.part);
                    verify::levels::part_parses(app, reading, manifest, &load.part).await
                };
                if let Err(failure) = proven {
                    failed.push(self.without(load, failure)?);
                }
            }
        }
        Ok(failed)
    }

    /// Reads one part to its end while the target tries it.
    async fn try_definitions(&self, load: &PlannedLoad, trial: &Trial) -> Result<(), Failure> {
        let Self { app, reading, log, .. } = self;
        let manifest = backup_of(self.chain, &load.part);
        let mut tried = Some(trial);
        for step in &trial.before {
            if let Err(error) = step.run(app.runner.as_ref()).await {
                let problem = Failure::from(error).message();
                log.warn(format!("definitions of `{}` are not tried beforehand: {problem}", load.database));
                tried = None;
                break;
            }
        }
        let taking = verify::levels::part_is_taken(app, reading, manifest, &load.part, tried);
        let taken = app.cancel.unless_stopped(reading.stop, taking).await;
        for step in &trial.undo {
            if let Err(failure) = undo(app, step).await {
                log.warn(format!(
                    "what the trial of `{}` made is left: {}",
                    load.database,
                    failure.message()
                ));
            }
        }
        let doing = format!("try the definitions of `{}` before anything is removed", load.database);
        taken?.map_err(|failure| if tried.is_some() { with_heading(failure).doing(doing) } else { failure })
    }

    /// Loads one part. When it fails the target is as before, unless only the count says that something is wrong.
    pub(super) async fn load(&self, load: &PlannedLoad) -> Result<LoadedPart, Failure> {
        let Self { app, log, .. } = self;
        let mut reach = Reach::Nothing;
        let loaded = self.steps(load, &mut reach).await;
        // What has given up its name gets it back.
        let gives_way = matches!(load.plan.effect, TargetEffect::PutsAside { .. });
        if reach == Reach::Mismatch && !gives_way {
            return loaded.map_err(|failure| kept(load, failure));
        }
        if loaded.is_err() {
            match (&load.plan.effect, reach) {
                (TargetEffect::Overwrites { .. } | TargetEffect::Fills, Reach::Feed) => {
                    log.warn(format!(
                        "`{}` is incomplete now, until a restore into it succeeds: fix the cause first",
                        load.database
                    ));
                }
                (TargetEffect::Overwrites { .. }, Reach::Removal) => {
                    log.warn(format!(
                        "what `{}` held may be gone: check it, and fix the cause before the next restore",
                        load.database
                    ));
                }
                _ => {}
            }
            for step in &load.plan.undo {
                if let Err(failure) = undo(app, step).await {
                    let left = &load.plan.filling;
                    log.warn(format!(
                        "clean-up failed, so `{left}` is left on the server: {}",
                        failure.message()
                    ));
                }
            }
        }
        loaded
    }

    async fn steps(&self, load: &PlannedLoad, reach: &mut Reach) -> Result<LoadedPart, Failure> {
        let Self { app, request, claim, log, .. } = self;
        let manifest = backup_of(self.chain, &load.part);
        for step in &load.plan.before {
            let before = std::mem::replace(reach, Reach::Removal);
            if let Err(error) = step.run(app.runner.as_ref()).await {
                // What refuses has done nothing.
                if matches!(error, StreamError::Engine(EngineError::Refused { .. })) {
                    *reach = before;
                }
                return Err(Failure::from(error).heading("RESTORE ERROR"));
            }
        }
        hooks::run(self, load, HookPoint::BeforeFeed).await?;
        *reach = Reach::Feed;
        crash::point("restore-before-feed");
        let mut ignored = self.feed(load).await?;
        crash::point("restore-after-feed");
        let mut rows = None;
        let known = request.selection.is_everything() || load.plan.tables.is_some();
        let countable = load.part.kind == PartKind::Database && known && !load.plan.filling.is_empty();
        if request.proof == RestoreChecks::Full && countable {
            let counted = self.count(load).await?;
            match counted.difference {
                None => log.say(counted.line(load, manifest.engine.unit())),
                // The tool itself found nothing wrong, or was told to go on.
                Some(difference) if request.on_error == OnError::Count => {
                    log.warn(difference.message());
                    ignored.push(difference.message());
                }
                Some(difference) => {
                    *reach = Reach::Mismatch;
                    return Err(difference);
                }
            }
            rows = Some(counted.found.rows());
        }
        // Where a log follows, nothing is there yet that anybody could change for good.
        if self.plan.replay.is_none() {
            hooks::run(self, load, HookPoint::AfterCount).await?;
        }
        app.cancel.check()?;
        // What was loaded becomes visible now. Somebody may have taken the lease away while it was loaded, and another run may be at work.
        claim.check().await?;
        for step in &load.plan.after {
            run(app, step).await?;
            crash::point("restore-after-step");
        }
        // The restore has happened: what stays behind now is only in the way.
        for step in &load.plan.cleanup {
            if let Err(error) = step.run(app.runner.as_ref()).await {
                log.warn(format!(
                    "what was replaced could not be removed: {}",
                    Failure::from(error).message()
                ));
            }
        }
        Ok(LoadedPart { ignored, rows })
    }

    /// Streams the part into its tool, and closes the tool's input only after every digest has matched.
    async fn feed(&self, load: &PlannedLoad) -> Result<Vec<String>, Failure> {
        let Self { app, reading, log, .. } = self;
        let manifest = backup_of(self.chain, &load.part);
        let gauges = UnpackGauges::new();
        let body = StoredPart::new(reading, manifest, &load.part).plain(&gauges);
        let task = Task {
            label: format!("restoring {}", load.database),
            total: Some(load.part.plain_bytes),
            gauge: gauges.plain.clone(),
        };
        let progress = app.watch.start(task);
        let fed = app.cancel.unless_stopped(reading.stop, load.plan.feed(app.runner.as_ref(), body)).await;
        drop(progress);
        let ignored = fed?.map_err(|error| with_heading(error.into()))?;
        self.say_downloaded(&load.part);
        if !ignored.is_empty() {
            let failed = Count::len(ignored.len(), "statement");
            log.warn(format!("{failed} failed while restoring {}", load.database));
        }
        Ok(ignored)
    }

    /// The lines users know.
    fn say_downloaded(&self, part: &Part) {
        let log = self.log;
        let manifest = backup_of(self.chain, part);
        if manifest.method.takes_whole_server() {
            return log.say(format!("LOAD: {} bytes, dumped out of the throw-away server", part.plain_bytes));
        }
        for segment in &part.segments {
            log.say(format!("DOWNLOAD: {} ({} bytes)", segment.key, segment.bytes));
        }
        if let Some(cipher) = manifest.recipe.cipher {
            let name = match cipher {
                CipherKind::Aes256Gcm => "AES-256-GCM",
                CipherKind::ChaCha20Poly1305 => "ChaCha20-Poly1305",
            };
            log.say(format!("DECRYPT: OK ({name})"));
        }
        log.say(format!("DECOMPRESS: {} -> {} bytes", part.packed_bytes, part.plain_bytes));
    }

    /// Counts what was loaded, before anybody can see it, against what was counted while it was dumped.
    async fn count(&self, load: &PlannedLoad) -> Result<Counted, Failure> {
        let Self { app, plan, reading, .. } = self;
        let manifest = backup_of(self.chain, &load.part);
        let recorded = verify::contents::read(reading, manifest).await?;
        let expected = load.part.database.as_ref().and_then(|database| recorded.get(database));
        let (runner, filling) = (app.runner.as_ref(), &load.plan.filling);
        let counting = async {
            match &load.plan.tables {
                Some(tables) => plan.server.logical().count_tables(runner, filling, tables).await,
                None => plan.server.logical().count(runner, filling).await,
            }
        };
        let found = app.cancel.unless_stopped(reading.stop, counting).await??;
        let difference = expected.and_then(|expected| {
            let expected = verify::contents::as_named_on(plan.server.as_ref(), expected);
            let (mut expected, mut found) = (expected.into_owned(), found.clone());
            if let Some(tables) = &load.plan.tables {
                expected.tables.retain(|rows| tables.contains(&(rows.schema.clone(), rows.table.clone())));
            }
            if load.plan.effect == TargetEffect::AddsTo {
                forget_later_rows(&expected, &mut found);
            }
            verify::contents::compare(&load.database, &expected, &found).err()
        });
        Ok(Counted { found, difference })
    }

    /// What of the parts needs others, when every part is in its place. The restore has succeeded: this is told.
    pub(super) async fn complete(&self, failed: &[FailedLoad]) {
        for load in self.restored(failed) {
            self.told(load, &load.plan.last).await;
        }
    }

    /// What can only be done, or seen, at the end. The restore has succeeded: this is told.
    pub(super) async fn settle(&self, failed: &[FailedLoad]) {
        let Self { app, plan, log, .. } = self;
        let loads = self.restored(failed);
        for load in &loads {
            self.told(load, &load.plan.finally).await;
        }
        for load in loads.iter().filter(|load| load.part.kind == PartKind::Database) {
            match plan.server.logical().check_restored(app.runner.as_ref(), &load.database).await {
                Ok(findings) => {
                    for finding in findings {
                        log.warn(format!("{}: {}. {}", finding.subject, finding.problem, finding.hint()));
                    }
                }
                Err(error) => {
                    log.warn(format!(
                        "{} was not looked at: {}",
                        load.database,
                        Failure::from(error).message()
                    ));
                }
            }
        }
    }
}

impl RestoreRun<'_> {
    fn restored(&self, failed: &[FailedLoad]) -> Vec<&PlannedLoad> {
        let restored = |load: &&PlannedLoad| failed.iter().all(|failed| failed.database != load.database);
        self.plan.loads.iter().filter(restored).collect()
    }

    async fn told(&self, load: &PlannedLoad, steps: &[Step]) {
        for step in steps {
            if let Err(error) = step.run(self.app.runner.as_ref()).await {
                let problem = Failure::from(error).message();
                self.log.warn(format!("{}: left out: {problem}", load.database));
            }
        }
    }
}

/// A server whose disk is full, or that crashed, is often back a moment later; what is left on it would keep it full.
pub(super) async fn undo(app: &App, step: &Step) -> Result<(), Failure> {
    let mut tries = 1;
    loop {
        match step.run(app.runner.as_ref()).await {
            Ok(()) => return Ok(()),
            Err(error) if tries == UNDO_TRIES => return Err(error.into()),
            Err(_) => tokio::time::sleep(UNDO_PAUSE).await,
        }
        tries += 1;
    }
}

async fn run(app: &App, step: &Step) -> Result<(), Failure> {
    step.run(app.runner.as_ref()).await.map_err(|error| Failure::from(error).heading("RESTORE ERROR"))
}

/// A failure that has no known wording of its own is a failure of the restore.
pub(super) fn with_heading(failure: Failure) -> Failure {
    if failure.heading.is_none() && failure.class == Class::Operation {
        failure.heading("RESTORE ERROR")
    } else {
        failure
    }
}

/// A failure that only the count has found: what was loaded is kept, and how to have it is said.
fn kept(load: &PlannedLoad, failure: Failure) -> Failure {
    let filled = &load.plan.filling;
    let help = if *filled == load.database {
        format!(
            "All of it was loaded into `{filled}`, and stays there. `--allow-errors` accepts what differs."
        )
    } else {
        format!(
            "What was loaded is kept as `{filled}`: look at it and drop it. `--allow-errors` accepts what differs."
        )
    };
    failure.help(help)
}

/// What was loaded, against what was counted while it was dumped.
struct Counted {
    found: Contents,
    difference: Option<Failure>,
}

impl Counted {
    fn line(&self, load: &PlannedLoad, unit: &str) -> String {
        let (tables, rows) = (Count::len(self.found.tables.len(), "table"), Count(self.found.rows(), unit));
        format!("{}: {tables}, {rows}, as they were dumped", load.database)
    }
}

/// Tables that were added to a database which is in use are in use too: others may have put rows into them already.
fn forget_later_rows(expected: &Contents, found: &mut Contents) {
    for table in &expected.tables {
        let same = found.tables.iter_mut().find(|now| now.schema == table.schema && now.table == table.table);
        if let Some(now) = same {
            now.rows = now.rows.min(table.rows);
        }
    }
}
