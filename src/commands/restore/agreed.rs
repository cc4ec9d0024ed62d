//! A restore that was planned and confirmed: safety copy, leases, the loads, and the record of how it ended.

use super::outcome::Loaded;
use super::plan::RestorePlan;
use super::run::RestoreRun;
use super::{Report, Request, Safety};
use crate::catalog::lease::{Operation, host_name};
use crate::catalog::{Catalog, FORMAT, Manifest, RestoreRecord};
use crate::commands::lease_guard::{Claim, LeaseRequest, claim};
use crate::commands::reader_lease::announce;
use crate::commands::stop::either;
use crate::commands::stored::StoredBackup;
use crate::commands::{App, Failure, RunLog, backup, crash, milliseconds, protection};
use crate::config::DatabaseEntry;
use crate::crypto::Keyring;
use crate::engine::TargetEffect;
use crate::model::{RestoreId, RestoreStatus, SourceChoice};
use crate::store::Store;
use std::sync::Arc;
use std::time::Instant;

/// A restore that was planned and confirmed.
pub(super) struct AgreedRestore<'a> {
    pub(super) app: &'a App,
    pub(super) request: &'a Request,
    /// Where the backup is.
    pub(super) catalog: &'a Catalog,
    /// Where the parts are.
    pub(super) store: &'a Arc<dyn Store>,
    /// The backup and what it builds on, the newest first, its full last.
    pub(super) chain: &'a [Manifest],
    pub(super) target: &'a DatabaseEntry,
    pub(super) plan: &'a RestorePlan,
    pub(super) keyring: &'a Arc<Keyring>,
}

impl AgreedRestore<'_> {
    pub(super) async fn run(&self) -> Result<Report, Failure> {
        let Self { app, request, target, plan, .. } = self;
        let manifest = self.newest();
        // The time that the user took to answer is no part of the restore.
        let (began, record) = (Instant::now(), record_of(app, manifest, plan));
        let log = app.log();
        for load in &plan.loads {
            load.notes().into_iter().for_each(|note| log.warn(format!("{}: {note}", load.database)));
        }
        if request.safety == Safety::Backup {
            safety_backup(app, target, plan, &log).await?;
        }
        let home = self.home().await?;
        let lease = LeaseRequest {
            backup: Some(manifest.id.clone()),
            ..LeaseRequest::new(Operation::Restore, request.wait, &log)
        };
        let claim = claim(app, &home, target, &lease).await?;
        // From here on nobody deletes the backup, wherever it goes.
        let reader = match announce(app, self.catalog, manifest, Operation::Restore, &log).await {
            Ok(reader) => reader,
            Err(failure) => {
                claim.release(&log).await;
                return Err(failure);
            }
        };
        crash::point("restore-after-lease");
        let recorded = Recorded { home: &home, claim: &claim, log: &log };
        recorded.begun(&record).await;
        let loaded = self.load(&claim, &log).await;
        reader.finish().await;

        let loaded = loaded.map_err(|failure| claim.lost_or(app, failure));
        let record = self.outcome(record, began, &loaded);
        match &loaded {
            Ok(loaded) if !loaded.failed.is_empty() => log.warn("RESTORE: some databases are not restored"),
            Ok(_) => log.say("RESTORE: OK"),
            // The command tells it at its end; here it is kept for those who read the log later.
            Err(failure) => log.keep_failure("RESTORE: failed", failure),
        }
        recorded.ended(&record).await;
        claim.release(&log).await;
        loaded.map(|loaded| Report::done(manifest, plan, &record, loaded))
    }

    /// The backup that is restored.
    fn newest(&self) -> &Manifest {
        &self.chain[0]
    }

    /// The repository of the target, which holds its lease and the record of the restore.
    async fn home(&self) -> Result<Catalog, Failure> {
        // A policy's store that is down is no reason not to restore from another.
        let protected = protection::protected(self.app, self.target).await;
        let protected = protected.unwrap_or_else(|_| protection::declared(self.app, self.target));
        self.app.catalog_or_new(self.app.inventory.store_of(&protected, None).as_ref()).await
    }

    async fn load(&self, claim: &Claim, log: &RunLog) -> Result<Loaded, Failure> {
        let Self { app, request, chain, plan, .. } = *self;
        let stop = either(&app.cancel.token, &claim.lost());
        let reading = StoredBackup { store: self.store, keyring: self.keyring, stop: &stop };
        RestoreRun { app, request, plan, chain, reading: &reading, claim, log }.load_all().await
    }

    fn outcome(
        &self,
        record: RestoreRecord,
        began: Instant,
        loaded: &Result<Loaded, Failure>,
    ) -> RestoreRecord {
        let (status, error) = match loaded {
            Ok(loaded) if loaded.is_whole() => (RestoreStatus::Success, None),
            Ok(loaded) => (RestoreStatus::Partial, loaded.failed.first().map(|failed| failed.error.clone())),
            Err(failure) => (RestoreStatus::Failed, Some(failure.record())),
        };
        RestoreRecord {
            finished_at: Some(self.app.clock.now()),
            duration_ms: Some(milliseconds(began)),
            status,
            error,
            ..record
        }
    }
}

/// Where a restore is written down, while its target is held.
struct Recorded<'a> {
    home: &'a Catalog,
    claim: &'a Claim,
    log: &'a RunLog,
}

impl Recorded<'_> {
    /// Records that the restore runs, for others to see. If that fails, the restore goes on.
    async fn begun(&self, record: &RestoreRecord) {
        if self.claim.is_held()
            && let Err(error) = self.home.record_restore(record).await
        {
            let why = Failure::from(error).message();
            self.log.warn(format!("that the restore has begun was not recorded: {why}"));
        }
    }

    /// Writes the log before the record: whoever sees the record finds the log.
    async fn ended(&self, record: &RestoreRecord) {
        if !self.claim.is_held() {
            return;
        }
        let recorded = async {
            self.home.write_restore_log(record, &self.log.text()).await?;
            self.home.record_restore(record).await
        };
        if let Err(error) = recorded.await {
            self.log.warn(format!("the restore was not recorded: {}", Failure::from(error).message()));
        }
    }
}

/// A pinned backup of what is about to be replaced.
async fn safety_backup(
    app: &App,
    target: &DatabaseEntry,
    plan: &RestorePlan,
    log: &RunLog,
) -> Result<(), Failure> {
    let databases: Vec<String> = plan
        .loads
        .iter()
        .filter(|load| {
            matches!(
                load.plan.effect,
                TargetEffect::Replaces { .. }
                    | TargetEffect::PutsAside { .. }
                    | TargetEffect::Overwrites { .. }
                    | TargetEffect::AddsTo
            )
        })
        .map(|load| load.database.clone())
        .collect();
    if databases.is_empty() {
        log.say("nothing is replaced, so no safety backup is taken");
        return Ok(());
    }
    // A server that is backed up as a whole has other names for its parts than the backup that goes into it.
    let databases = if target.engine.has_databases() { databases } else { Vec::new() };
    let choices = backup::Choices {
        databases,
        // What is about to be replaced, as it is now.
        source: Some(SourceChoice::Primary),
        note: Some("before a restore".to_owned()),
        pin: true,
        ..backup::Choices::default()
    };
    let protected = protection::protected(app, target).await?;
    let report = backup::safety_copy(app, &protected, &choices)
        .await
        .map_err(|failure| failure.doing("safety backup"))?;
    log.say(format!("safety backup {} of `{}` is pinned", report.id, target.name));
    Ok(())
}

/// The record of a restore that begins now.
fn record_of(app: &App, manifest: &Manifest, plan: &RestorePlan) -> RestoreRecord {
    let now = app.clock.now();
    RestoreRecord {
        format: FORMAT,
        id: RestoreId::new(now),
        backup: manifest.id.clone(),
        source: manifest.database.clone(),
        target: plan.target.clone(),
        databases: plan.loads.iter().map(|load| load.database.clone()).collect(),
        status: RestoreStatus::Running,
        started_at: now,
        finished_at: None,
        duration_ms: None,
        error: None,
        host: host_name(),
        pid: std::process::id(),
    }
}
