//! The state of a database's runs, and how one more run changes it. Nothing is read from or written to a store here.

mod records;

pub use records::{
    Fallbacks, GoodRun, NotedFailure, NotedLeftovers, NotedRun, Pause, PauseCause, Retry, Unverified,
};

use super::FORMAT;
use super::manifest::{FailureRecord, INTERRUPTED, Manifest};
use crate::model::{BackupId, BackupKind, BackupPurpose, BackupStatus, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A failed planned run is tried again after this time, and after twice as long each further time.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5 * 60);

/// This many consecutive incrementals that became fulls are reported.
const FALLBACKS_REPORTED: u32 = 2;

/// A process that took a backup begins to verify it within this time, unless it died.
const VERIFIED_WITHIN: Duration = Duration::from_secs(30);

/// The state of a database's runs since it was attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// [`FORMAT`].
    pub format: u32,
    /// Runs that failed since the last that succeeded.
    pub failures: u32,
    /// Nothing is scheduled while it is paused.
    pub paused: Option<Pause>,
    /// When it was last resumed: times planned before are not made up for.
    pub resumed_at: Option<Timestamp>,
    /// The last failure, until a run succeeds.
    pub last_error: Option<NotedFailure>,
    /// The last run, whatever its outcome.
    pub last_run: Option<NotedRun>,
    /// The last run for a full, whatever its outcome.
    pub last_full: Option<NotedRun>,
    /// The last run for an incremental, whatever its outcome.
    pub last_incremental: Option<NotedRun>,
    /// A failed run that will be tried again before it counts.
    pub retry: Option<Retry>,
    /// A successful run that counts when its backup has been verified.
    pub unverified: Option<Unverified>,
    /// The last good full.
    pub last_good: Option<GoodRun>,
    /// Address of the server that the last good backup was read from.
    pub last_source: Option<String>,
    /// When garbage was last looked for.
    pub swept_at: Option<Timestamp>,
    /// The planned time of the backup that was last reported as overdue.
    pub overdue_told: Option<Timestamp>,
    /// Consecutive incrementals that became fulls.
    pub fallbacks: Option<Fallbacks>,
    /// Objects that could not be removed, until they are.
    pub leftovers: Option<NotedLeftovers>,
    /// Whether the stored state is of a newer jagad and must not be overwritten.
    #[serde(skip)]
    pub foreign: bool,
}

/// What a noted run changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEffect {
    /// Nothing to report.
    None,
    /// It was one failure too many: the database is paused.
    Paused,
    /// A success ended the pause.
    Resumed,
    /// It does not count yet: it will be tried again at this time or later.
    Again(Timestamp),
}

/// A policy's rules for failed runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// This many consecutive failures pause the database; `None` means never.
    pub limit: Option<u32>,
    /// How often a failed planned run is tried again.
    pub retries: u32,
    /// The time that the run was planned for, and when the next one is.
    pub period: Option<(Timestamp, Timestamp)>,
}

/// How a verification ended, for counting its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationEnd {
    /// The backup is good.
    Passed,
    /// It is not.
    Failed(FailureRecord),
    /// The verification proved nothing.
    Inconclusive,
}

/// Whether a recorded time can be true at `now`. One that is further in the future than clocks are usually set back was
/// written by a wrong clock, and would leave a database unprotected until then.
pub fn is_plausible(time: Timestamp, now: Timestamp) -> bool {
    const LONGEST_STEP_BACK: Duration = Duration::from_secs(24 * 60 * 60);
    time <= now.plus(LONGEST_STEP_BACK)
}

/// How long to wait after `failed` failures.
fn backoff(failed: u32) -> Duration {
    TRY_AGAIN_AFTER * 2_u32.saturating_pow(failed.saturating_sub(1).min(10))
}

/// Whether the run was stopped or died instead of failing by itself.
fn is_interrupted(manifest: &Manifest) -> bool {
    manifest.error.as_ref().is_some_and(|error| error.class == INTERRUPTED)
}

impl Default for State {
    fn default() -> Self {
        Self {
            format: FORMAT,
            failures: 0,
            paused: None,
            resumed_at: None,
            last_error: None,
            last_run: None,
            last_full: None,
            last_incremental: None,
            retry: None,
            unverified: None,
            last_good: None,
            last_source: None,
            swept_at: None,
            overdue_told: None,
            fallbacks: None,
            leftovers: None,
            foreign: false,
        }
    }
}

impl State {
    /// Counts a recorded run. A run of only some databases and a safety copy do not belong to the schedule and change
    /// nothing, nor does the last noted run when it is noted again. With `verification`, a success counts only after
    /// that has passed.
    pub fn note(
        &mut self,
        manifest: &Manifest,
        rules: &Rules,
        verification: VerificationFollows,
    ) -> RunEffect {
        let of_the_whole = !manifest.partial && manifest.purpose != BackupPurpose::Safety;
        if !of_the_whole || self.last_run.as_ref().is_some_and(|last| last.id == manifest.id) {
            return RunEffect::None;
        }
        let run =
            NotedRun { id: manifest.id.clone(), started_at: manifest.started_at, status: manifest.status };
        // A failed manual run does not replace a planned one.
        if manifest.status == BackupStatus::Success || manifest.purpose == BackupPurpose::Scheduled {
            match manifest.kind {
                BackupKind::Full => self.last_full = Some(run.clone()),
                BackupKind::Incremental => self.last_incremental = Some(run.clone()),
            }
        }
        self.last_run = Some(run);
        if manifest.status != BackupStatus::Success {
            return self.note_failure(manifest, rules);
        }
        self.note_fallback(manifest);
        let unverified = Unverified {
            id: manifest.id.clone(),
            started_at: manifest.started_at,
            source: manifest.source.as_ref().map(|source| source.address.clone()),
            failed: 0,
            after: manifest.finished_at.plus(VERIFIED_WITHIN),
        };
        if verification == VerificationFollows::Yes {
            self.unverified = Some(unverified);
            return RunEffect::None;
        }
        self.unverified = None;
        self.succeeded(&unverified)
    }

    /// Counts the fulls that were taken in place of incrementals. Requested fulls change nothing.
    fn note_fallback(&mut self, manifest: &Manifest) {
        match (&manifest.fallback_reason, manifest.kind) {
            (Some(reason), _) => {
                let before = self.fallbacks.take().map_or(0, |fallbacks| fallbacks.count);
                self.fallbacks = Some(Fallbacks { count: before.saturating_add(1), reason: reason.clone() });
            }
            (None, BackupKind::Incremental) => self.fallbacks = None,
            (None, BackupKind::Full) => {}
        }
    }

    /// How many consecutive incrementals became fulls, and why the last did; `None` below two.
    pub fn repeated_fallbacks(&self) -> Option<&Fallbacks> {
        self.fallbacks.as_ref().filter(|fallbacks| fallbacks.count >= FALLBACKS_REPORTED)
    }

    fn note_failure(&mut self, manifest: &Manifest, rules: &Rules) -> RunEffect {
        let interrupted = is_interrupted(manifest);
        if let Some(failure) = manifest.error.clone() {
            self.last_error =
                Some(NotedFailure { at: manifest.finished_at, id: manifest.id.clone(), failure });
        }
        if manifest.purpose == BackupPurpose::Scheduled {
            let at = manifest.finished_at;
            if let Some(again) = self.try_again(manifest.kind, at, rules, interrupted) {
                return RunEffect::Again(again);
            }
        }
        // An interrupted run does not mean that anything is wrong with the database.
        if interrupted { RunEffect::None } else { self.count_failure(manifest.finished_at, rules.limit) }
    }

    /// When a run that failed at `at` is tried again; `None` when its tries are used up, or its period is over.
    fn try_again(
        &mut self,
        kind: BackupKind,
        at: Timestamp,
        rules: &Rules,
        interrupted: bool,
    ) -> Option<Timestamp> {
        let before = self.retry.take();
        let (planned, next) = rules.period?;
        if before.as_ref().is_some_and(|retry| retry.planned != planned) {
            // No retry was made in time.
            self.failures = self.failures.saturating_add(1);
        }
        let earlier = before.filter(|retry| retry.planned == planned && retry.kind == kind);
        let failed = earlier.map_or(1, |retry| retry.failed + 1);
        // A run that a reboot interrupted is made up for at once; one that kills its host every time must not be.
        let wait = if interrupted && failed == 1 { Duration::ZERO } else { backoff(failed) };
        let after = at.plus(wait);
        if failed > rules.retries.max(interrupted.into()) || after >= next {
            return None;
        }
        self.retry = Some(Retry { kind, planned, failed, after });
        Some(after)
    }

    /// Counts how the verification of the backup `id` ended; `None` when it was counted before, or another run is newer.
    pub fn settle(
        &mut self,
        id: &BackupId,
        verified: &VerificationEnd,
        at: Timestamp,
        rules: &Rules,
    ) -> Option<RunEffect> {
        let unverified = self.unverified.take_if(|unverified| unverified.id == *id)?;
        Some(match verified {
            VerificationEnd::Inconclusive if unverified.failed < rules.retries => {
                let failed = unverified.failed + 1;
                let after = at.plus(backoff(failed));
                self.unverified = Some(Unverified { failed, after, ..unverified });
                RunEffect::Again(after)
            }
            // Nothing bad is known about a backup without a result, and its run succeeded.
            VerificationEnd::Passed | VerificationEnd::Inconclusive => self.succeeded(&unverified),
            VerificationEnd::Failed(failure) => {
                self.last_error = Some(NotedFailure { at, id: id.clone(), failure: failure.clone() });
                match self.try_again(id.kind(), at, rules, false) {
                    Some(again) => RunEffect::Again(again),
                    None => self.count_failure(at, rules.limit),
                }
            }
        })
    }

    /// Counts a failed run that could not be recorded in time. If a good run has begun since then, it is not a
    /// consecutive failure any more, and not an attempt either, so that the planned run is made up for at once.
    pub fn note_late(&mut self, manifest: &Manifest, rules: &Rules) -> RunEffect {
        let good = self.last_good.as_ref().map(|good| good.started_at);
        let since = good.filter(|good| is_plausible(*good, manifest.finished_at));
        if since.is_some_and(|good| good >= manifest.started_at) || is_interrupted(manifest) {
            return RunEffect::None;
        }
        if let Some(failure) = manifest.error.clone() {
            self.last_error =
                Some(NotedFailure { at: manifest.finished_at, id: manifest.id.clone(), failure });
        }
        self.count_failure(manifest.finished_at, rules.limit)
    }

    fn succeeded(&mut self, run: &Unverified) -> RunEffect {
        // This run does not replace a run that was planned after it began, and an incremental does not replace a full.
        self.retry.take_if(|retry| {
            let same = retry.kind == run.id.kind() || run.id.kind() == BackupKind::Full;
            same && run.started_at >= retry.planned
        });
        // A run that failed while this one waited for its verification is not forgotten.
        let failed_since =
            self.last_error.as_ref().is_some_and(|error| error.id != run.id && error.at > run.started_at);
        if failed_since {
            self.failures = self.failures.min(1);
        } else {
            self.failures = 0;
            self.last_error = None;
        }
        if run.id.kind() == BackupKind::Full {
            self.last_good = Some(GoodRun { id: run.id.clone(), started_at: run.started_at });
            self.overdue_told = None;
        }
        if let Some(source) = &run.source {
            self.last_source = Some(source.clone());
        }
        if !failed_since && self.paused.as_ref().is_some_and(|pause| pause.cause == PauseCause::Failures) {
            self.paused = None;
            return RunEffect::Resumed;
        }
        RunEffect::None
    }

    fn count_failure(&mut self, at: Timestamp, limit: Option<u32>) -> RunEffect {
        self.failures = self.failures.saturating_add(1);
        if self.paused.is_some() || limit.is_none_or(|limit| self.failures < limit) {
            return RunEffect::None;
        }
        let reason = format!("{} failures in a row", self.failures);
        self.paused = Some(Pause { at, cause: PauseCause::Failures, reason });
        RunEffect::Paused
    }

    /// Resets the failures and ends the pause. Times planned until `until` are not made up for.
    pub fn resume(&mut self, until: Option<Timestamp>) {
        self.failures = 0;
        self.paused = None;
        if until.is_some() {
            self.retry = None;
            self.resumed_at = until;
        }
    }

    /// When the last run of `kind` began, if that can be true at `now`. A full also counts as an incremental.
    pub fn last_attempt(&self, kind: BackupKind, now: Timestamp) -> Option<Timestamp> {
        let began = |run: &Option<NotedRun>| {
            run.as_ref().map(|run| run.started_at).filter(|time| is_plausible(*time, now))
        };
        match kind {
            BackupKind::Full => began(&self.last_full),
            BackupKind::Incremental => began(&self.last_full).max(began(&self.last_incremental)),
        }
    }

    /// The pending retry of `kind`, if there is one. A backup that waits for its verification counts as a retry that
    /// was made.
    pub fn retry_of(&self, kind: BackupKind, now: Timestamp) -> Option<&Retry> {
        let made = |retry: &Retry| {
            let unverified = self.unverified.as_ref().filter(|unverified| unverified.id.kind() == kind);
            unverified.is_some_and(|unverified| unverified.started_at >= retry.planned)
        };
        self.retry
            .as_ref()
            .filter(|retry| retry.kind == kind && is_plausible(retry.after, now) && !made(retry))
    }
}

/// Whether a backup is verified before its run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationFollows {
    /// A success counts after its verification.
    Yes,
    /// A success counts at once.
    No,
}

#[cfg(test)]
mod tests;
