//! Who protects a database, and how it has fared: two small objects beside its backups.
//!
//! They are written only by who holds the lease on the database, and a lease is given back only when the outcome of its run
//! is noted here; who buries a dead run notes what became of it first. So every recorded run is counted once, on any number
//! of hosts, whatever the clocks say.

use super::error::CatalogError;
use super::manifest::{FailureRecord, INTERRUPTED, Manifest};
use super::repository::{self, Catalog};
use super::{FORMAT, layout, lease};
use crate::model::{BackupId, BackupKind, BackupPurpose, BackupStatus, DatabaseName, PolicyName, Timestamp};
use crate::store::ObjectRole;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A database is under a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// [`FORMAT`].
    pub format: u32,
    /// The policy.
    pub policy: PolicyName,
    /// Since when: what was planned before is nobody's duty.
    pub attached_at: Timestamp,
    /// From which host it was attached.
    pub host: String,
}

impl Attachment {
    /// An attachment made now.
    pub fn new(policy: PolicyName, now: Timestamp) -> Self {
        Self { format: FORMAT, policy, attached_at: now, host: lease::host_name() }
    }
}

/// How a database has fared since it was attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// [`FORMAT`].
    pub format: u32,
    /// Runs that failed since the last that succeeded.
    pub failures: u32,
    /// Nothing is scheduled while it is paused.
    pub paused: Option<Pause>,
    /// The last failure, until a run succeeds.
    pub last_error: Option<NotedFailure>,
    /// The last run, whatever became of it.
    pub last_run: Option<NotedRun>,
    /// The last run for a full, whatever became of it.
    pub last_full: Option<NotedRun>,
    /// The last run for an incremental, whatever became of it.
    pub last_incremental: Option<NotedRun>,
    /// When the last good full began.
    pub last_good: Option<Timestamp>,
    /// Address of the server that the last good backup was read from.
    pub last_source: Option<String>,
    /// When garbage was last looked for.
    pub swept_at: Option<Timestamp>,
    /// The planned time of the backup that somebody was told is overdue.
    pub overdue_told: Option<Timestamp>,
    /// What could not be removed, until it is.
    pub leftovers: Option<NotedLeftovers>,
}

/// Something of dead or failed runs, or of old backups, that the store did not let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedLeftovers {
    /// When it was last tried.
    pub at: Timestamp,
    /// What, and why it is still there.
    pub problem: String,
}

/// A database is left alone for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub cause: PauseCause,
    /// In words.
    pub reason: String,
}

/// Who paused a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PauseCause {
    /// Too many failures in a row; a success ends it.
    Failures,
    /// Somebody; only they end it.
    Hand,
}

/// A run, as far as planning needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedRun {
    /// The backup.
    pub id: BackupId,
    /// When it began.
    pub started_at: Timestamp,
    /// `success` or `failed`.
    pub status: BackupStatus,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedFailure {
    /// When.
    pub at: Timestamp,
    /// The backup.
    pub id: BackupId,
    /// Class, message and help.
    #[serde(flatten)]
    pub failure: FailureRecord,
}

/// What noting a run changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing that somebody must be told.
    None,
    /// It was one failure too many.
    Paused,
    /// A success ended the pause.
    Resumed,
}

/// Whether a recorded time can be true at `now`. One that lies further ahead than clocks are usually set back was written by
/// a clock that was wrong, and would keep a database unprotected until it comes.
pub fn is_plausible(time: Timestamp, now: Timestamp) -> bool {
    const LONGEST_STEP_BACK: Duration = Duration::from_secs(24 * 60 * 60);
    time <= now.plus(LONGEST_STEP_BACK)
}

/// Whether the run was stopped or died, and did not fail by itself.
fn is_interrupted(manifest: &Manifest) -> bool {
    manifest.error.as_ref().is_some_and(|error| error.class == INTERRUPTED)
}

impl Default for State {
    fn default() -> Self {
        Self {
            format: FORMAT,
            failures: 0,
            paused: None,
            last_error: None,
            last_run: None,
            last_full: None,
            last_incremental: None,
            last_good: None,
            last_source: None,
            swept_at: None,
            overdue_told: None,
            leftovers: None,
        }
    }
}

impl State {
    /// Counts a recorded run. One of only some databases and a safety copy say nothing of the plan and change nothing, nor does the run
    /// that was noted last when it is noted again. `limit` failures in a row
    /// pause the database; `None` never does.
    pub fn note(&mut self, manifest: &Manifest, limit: Option<u32>) -> Turn {
        let of_the_whole = !manifest.partial && manifest.purpose != BackupPurpose::Safety;
        if !of_the_whole || self.last_run.as_ref().is_some_and(|last| last.id == manifest.id) {
            return Turn::None;
        }
        let run =
            NotedRun { id: manifest.id.clone(), started_at: manifest.started_at, status: manifest.status };
        match manifest.kind {
            // Nothing is wrong with the database: what a reboot cut short is made up for by the next tick. It counts as a
            // failure all the same, so that what kills its host every time is paused.
            _ if is_interrupted(manifest) => {}
            BackupKind::Full => self.last_full = Some(run.clone()),
            BackupKind::Incremental => self.last_incremental = Some(run.clone()),
        }
        self.last_run = Some(run);
        if manifest.status == BackupStatus::Success {
            self.succeeded(manifest)
        } else {
            self.failed(manifest, limit)
        }
    }

    /// Counts a failed run that could not be recorded in its time: no failure in a row any more where something good has begun
    /// since then, and no attempt either, so that what was planned is made up for at once.
    pub fn note_late(&mut self, manifest: &Manifest, limit: Option<u32>) -> Turn {
        let since = self.last_good.filter(|good| is_plausible(*good, manifest.finished_at));
        if since.is_some_and(|good| good >= manifest.started_at) {
            return Turn::None;
        }
        self.failed(manifest, limit)
    }

    fn succeeded(&mut self, manifest: &Manifest) -> Turn {
        self.failures = 0;
        self.last_error = None;
        if manifest.kind == BackupKind::Full {
            self.last_good = Some(manifest.started_at);
            self.overdue_told = None;
        }
        if let Some(source) = &manifest.source {
            self.last_source = Some(source.address.clone());
        }
        if self.paused.as_ref().is_some_and(|pause| pause.cause == PauseCause::Failures) {
            self.paused = None;
            return Turn::Resumed;
        }
        Turn::None
    }

    fn failed(&mut self, manifest: &Manifest, limit: Option<u32>) -> Turn {
        self.failures = self.failures.saturating_add(1);
        if let Some(failure) = manifest.error.clone() {
            self.last_error =
                Some(NotedFailure { at: manifest.finished_at, id: manifest.id.clone(), failure });
        }
        if self.paused.is_some() || limit.is_none_or(|limit| self.failures < limit) {
            return Turn::None;
        }
        self.paused = Some(Pause {
            at: manifest.finished_at,
            cause: PauseCause::Failures,
            reason: format!("{} failures in a row", self.failures),
        });
        Turn::Paused
    }

    /// Forgets the failures and goes on.
    pub fn resume(&mut self) {
        self.failures = 0;
        self.paused = None;
    }

    /// When the last run of `kind` began, if that can be true at `now`.
    pub fn last_attempt(&self, kind: BackupKind, now: Timestamp) -> Option<Timestamp> {
        let run = match kind {
            BackupKind::Full => &self.last_full,
            BackupKind::Incremental => &self.last_incremental,
        };
        run.as_ref().map(|run| run.started_at).filter(|time| is_plausible(*time, now))
    }
}

impl Catalog {
    /// The policy that `database` is attached to, if it is.
    pub async fn attachment(&self, database: &DatabaseName) -> Result<Option<Attachment>, CatalogError> {
        repository::read(self.store().as_ref(), &layout::attachment(database)).await
    }

    /// Attaches `database`. Only under its lease.
    pub async fn attach(&self, database: &DatabaseName, attachment: &Attachment) -> Result<(), CatalogError> {
        let key = layout::attachment(database);
        repository::write(self.store().as_ref(), &key, attachment, ObjectRole::Mutable).await
    }

    /// Detaches `database` and forgets how it fared; its backups stay. Only under its lease.
    pub async fn detach(&self, database: &DatabaseName) -> Result<(), CatalogError> {
        // The attachment first: whoever reads in between sees a database that nobody protects, which is what it is.
        for key in [layout::attachment(database), layout::state(database)] {
            let doing = format!("delete `{key}`");
            self.store().delete(std::slice::from_ref(&key)).await.map_err(CatalogError::store(doing))?;
        }
        Ok(())
    }

    /// How `database` has fared; a blank state when nothing was noted, and when what was noted is damaged: what is planned
    /// is then due, and the run that takes it writes a new one.
    pub async fn state(&self, database: &DatabaseName) -> Result<State, CatalogError> {
        let key = layout::state(database);
        match repository::read(self.store().as_ref(), &key).await {
            Ok(found) => Ok(found.unwrap_or_default()),
            // A database must not stay without backups because nobody can read how the last ones went.
            Err(error @ CatalogError::Damaged { .. }) => {
                tracing::warn!("{error}: failures and pauses of `{database}` are forgotten");
                Ok(State::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Writes how `database` has fared. Only under its lease.
    pub async fn write_state(&self, database: &DatabaseName, state: &State) -> Result<(), CatalogError> {
        let key = layout::state(database);
        repository::write(self.store().as_ref(), &key, state, ObjectRole::Mutable).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(day: u32, status: &str, more: &str) -> Manifest {
        let text = format!(
            r#"{{"format":1,"id":"202601{day:02}T020000Z-full-abcdef","repository":"0123456789abcdef0123456789abcdef",
            "database":"shop","engine":"postgresql","server":null,"tool":null,"method":"logical","kind":"full","purpose":"scheduled","parent":null,
            "source":null,"started_at":"2026-01-{day:02}T02:00:00Z","finished_at":"2026-01-{day:02}T02:01:00Z",
            "duration_ms":1000,"span":null,"status":"{status}","error":{{"class":"store","message":"m","help":null}},
            "fallback_reason":null,{more}"note":null,"jagad":"0.1.0","host":"h",
            "recipe":{{"codec":"zstd","level":3,"cipher":null,"key_id":null}},"parts":[]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    /// What each run of `days` turns, and the failures in a row after all of them.
    fn noted(days: &[(u32, &str)], limit: Option<u32>) -> (Vec<Turn>, State) {
        let mut state = State::default();
        let turns = days.iter().map(|(day, status)| state.note(&manifest(*day, status, ""), limit)).collect();
        (turns, state)
    }

    #[test]
    fn failures_in_a_row_pause_and_a_success_resumes() {
        let (turns, state) = noted(&[(1, "failed"), (2, "failed"), (3, "failed"), (4, "failed")], Some(3));
        assert_eq!(turns, [Turn::None, Turn::None, Turn::Paused, Turn::None]);
        assert_eq!((state.failures, state.paused.as_ref().unwrap().cause), (4, PauseCause::Failures));
        let (turns, state) = noted(&[(1, "failed"), (2, "success"), (3, "failed"), (4, "failed")], Some(3));
        assert_eq!((turns.contains(&Turn::Paused), state.failures), (false, 2));
        let (turns, state) = noted(&[(1, "failed"), (2, "success")], Some(1));
        assert_eq!((turns, state.failures), (vec![Turn::Paused, Turn::Resumed], 0));
        assert!(state.paused.is_none() && state.last_error.is_none());
        assert_eq!(noted(&[(1, "failed"), (2, "failed")], None).0, [Turn::None, Turn::None]);
    }

    #[test]
    fn an_interrupted_run_counts_and_fulfils_no_plan() {
        let (_, mut state) = noted(&[(1, "success")], Some(3));
        let mut dead = manifest(2, "failed", "");
        dead.error.as_mut().unwrap().class = INTERRUPTED.to_owned();
        state.note(&dead, Some(3));
        assert_eq!((state.failures, state.last_full.unwrap().id), (1, manifest(1, "success", "").id));
    }

    #[test]
    fn a_run_that_is_noted_twice_counts_once() {
        let (_, mut state) = noted(&[(1, "failed")], Some(2));
        assert_eq!(state.note(&manifest(1, "failed", ""), Some(2)), Turn::None);
        assert_eq!(state.failures, 1);
    }

    #[test]
    fn a_run_of_only_some_databases_says_nothing_of_the_whole() {
        let (_, mut state) = noted(&[(1, "failed")], Some(3));
        let before = state.clone();
        state.note(&manifest(2, "success", "\"partial\":true,"), Some(3));
        assert_eq!(state, before);
    }

    #[test]
    fn what_is_recorded_late_is_counted_unless_something_good_came_since() {
        let (_, mut state) = noted(&[(1, "success"), (3, "failed")], Some(3));
        state.note_late(&manifest(2, "failed", ""), Some(3));
        assert_eq!(state.failures, 2);
        assert_eq!(state.last_full.as_ref().unwrap().started_at, manifest(3, "failed", "").started_at);
        // A day is what clocks are set back at most; what lies further ahead was never true.
        for (good, failures) in [(3, 0), (9, 1)] {
            let (_, mut state) = noted(&[(good, "success")], Some(3));
            state.note_late(&manifest(2, "failed", ""), Some(3));
            assert_eq!(state.failures, failures, "good on day {good}");
        }
    }
}
