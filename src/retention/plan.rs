//! The planner.

use super::buckets::PeriodKind;
use super::{IncrementalRule, Retention};
use crate::catalog::chain::{ChainLink, Health, ancestors};
use crate::model::{BackupId, BackupKind, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// How long failed runs stay in the list when newer ones succeeded.
pub const FAILED_RUNS_SHOWN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The clocks of several hosts are assumed to differ by less.
const CLOCKS_DIFFER_BY: Duration = Duration::from_secs(5 * 60);

/// One recorded backup of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The backup.
    pub id: BackupId,
    /// Full or incremental.
    pub kind: BackupKind,
    /// What an incremental builds on.
    pub parent: Option<BackupId>,
    /// When it was committed: the order of backups.
    pub finished_at: Timestamp,
    /// Whether it is known to be good.
    pub health: Health,
    /// Whether it is pinned.
    pub pinned: Pinned,
    /// Whether a run that is under way builds on it or reads it.
    pub in_use: bool,
    /// Whether something that it builds on exists but cannot be read.
    pub base_unreadable: bool,
}

/// Whether a backup is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinned {
    /// It is not pinned.
    No,
    /// It is pinned.
    Yes,
    /// There is a pin that cannot be read: the backup is kept.
    Unreadable,
}

/// What happens to one backup, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The backup.
    pub id: BackupId,
    /// Why it is kept; empty when it is removed.
    pub kept: Vec<Reason>,
    /// Why it is removed; `None` when it is kept.
    pub removed: Option<Reason>,
}

/// Why a backup is kept or removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is pinned.
    Pinned,
    /// It has a pin that cannot be read.
    PinUnreadable,
    /// A run that is under way needs it.
    InUse,
    /// What it builds on cannot be read, so it may be good.
    BaseUnreadable,
    /// One of the newest fulls: its place among them, from 1, and how many are kept.
    NewestFull(u32, u32),
    /// The newest full of a period.
    Period(PeriodKind, String),
    /// One of the last good fulls, which are never removed.
    LastGood,
    /// An incremental that its rule keeps.
    Incremental,
    /// A kept backup builds on it.
    Parent(BackupId),
    /// It is not good, and there are not enough newer good fulls to remove it.
    TooFewNewer,
    /// A failed run of the last [`FAILED_RUNS_SHOWN`], which holds no data.
    RecentFailure,
    /// Another tool keeps its data, and decides.
    Delegated,
    /// Another tool has this backup, of which nothing is recorded here, built on it.
    DelegatedParent(String),
    /// The tool that keeps the data has none of these backups: it may look at another repository.
    AllGone,
    /// The tool that kept its data does not have it any more.
    Gone,
    /// More fulls than the rule keeps are newer.
    Superseded,
    /// An incremental past its age or number.
    PastIncremental,
    /// What it builds on is removed or missing.
    Orphaned,
    /// The run failed long ago, and newer ones succeeded.
    FailedRun,
    /// Its verification failed, and enough newer fulls are good.
    BadCopy,
    /// It holds only some databases of its entry, and enough newer fulls are good.
    PartialCopy,
    /// It is a safety copy, and enough newer fulls are good.
    SafetyCopy,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned => f.write_str("pinned"),
            Self::PinUnreadable => f.write_str("it has a pin that cannot be read"),
            Self::InUse => f.write_str("in use by a run that is under way"),
            Self::BaseUnreadable => f.write_str("what it builds on cannot be read"),
            Self::NewestFull(place, of) => write!(f, "full {place} of the newest {of}"),
            Self::Period(kind, name) => write!(f, "newest full of the {} {name}", kind.word()),
            Self::LastGood => f.write_str("one of the last good fulls (min_keep)"),
            Self::Incremental => f.write_str("incremental within its retention"),
            Self::Parent(child) => write!(f, "{child} builds on it"),
            Self::TooFewNewer => f.write_str("not a good full, but too few of those are newer"),
            Self::Delegated => f.write_str("pgBackRest keeps it and decides (`pgbackrest.expire` is not set)"),
            Self::DelegatedParent(label) => {
                write!(f, "pgBackRest's {label}, which jagad did not take, builds on it or is below it")
            }
            Self::AllGone => f.write_str(
                "pgBackRest does not have it, nor any other backup of this entry: its configuration may name another repository",
            ),
            Self::Gone => f.write_str("pgBackRest has expired it; only the record is left"),
            Self::RecentFailure => f.write_str("a recent failure; it holds no data"),
            Self::Superseded => f.write_str("enough fulls are newer"),
            Self::PastIncremental => f.write_str("incremental past its retention"),
            Self::Orphaned => f.write_str("its parent is removed or missing"),
            Self::FailedRun => f.write_str("failed long ago, and newer backups are good"),
            Self::PartialCopy => f.write_str("it holds only some databases, and enough newer fulls are good"),
            Self::SafetyCopy => f.write_str("a safety copy, and enough newer fulls are good"),
            Self::BadCopy => f.write_str("its verification failed, and enough newer fulls are good"),
        }
    }
}

/// Decides about every candidate, newest first. The removed ones are in the order in which they may be removed: nothing
/// is removed before what builds on it. Neither the order of `candidates` nor their names matter, only commit times and
/// parents; running it again on what is kept removes nothing more at the same `now`. A backup committed after `now`
/// comes from a clock that was set back since, and counts as older than the rest, so that a backup of today is always
/// kept.
pub fn plan(rule: &Retention, candidates: &[Candidate], now: Timestamp) -> Vec<Decision> {
    let chains = CandidateChains::new(candidates, now);
    let mut kept = Kept::default();
    keep_fulls(rule, &chains, &mut kept);
    keep_by_hand(&chains, &mut kept);
    keep_what_is_not_good(rule, &chains, &mut kept, now);
    keep_parents(&chains, &mut kept);
    keep_incrementals(rule, &chains, &mut kept, now);
    keep_parents(&chains, &mut kept);
    chains.newest_first.iter().map(|candidate| decide(candidate, &chains, &kept)).collect()
}

/// The candidates by commit time, and by id.
struct CandidateChains<'a> {
    newest_first: Vec<&'a Candidate>,
    by_id: BTreeMap<&'a BackupId, &'a Candidate>,
}

#[derive(Default)]
struct Kept(BTreeMap<BackupId, Vec<Reason>>);

impl Kept {
    fn keep(&mut self, candidate: &Candidate, reason: Reason) {
        let reasons = self.0.entry(candidate.id.clone()).or_default();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    fn has(&self, id: &BackupId) -> bool {
        self.0.contains_key(id)
    }
}

impl<'a> CandidateChains<'a> {
    fn new(candidates: &'a [Candidate], now: Timestamp) -> Self {
        let is_past = |candidate: &Candidate| candidate.finished_at <= now.plus(CLOCKS_DIFFER_BY);
        let by_id: BTreeMap<_, _> = candidates.iter().map(|candidate| (&candidate.id, candidate)).collect();
        let mut newest_first: Vec<&Candidate> = by_id.values().copied().collect();
        // A child is newer than its parent even when a clock was set back between them.
        let depth = |candidate: &Candidate| ancestors(&by_id, candidate).len();
        newest_first.sort_by_cached_key(|candidate| {
            let root = ancestors(&by_id, candidate).last().copied().unwrap_or(candidate);
            (
                std::cmp::Reverse((
                    is_past(root),
                    root.finished_at,
                    root.id.clone(),
                    depth(candidate),
                    candidate.finished_at,
                )),
                candidate.id.clone(),
            )
        });
        Self { newest_first, by_id }
    }

    fn good_fulls(&self) -> impl Iterator<Item = &'a Candidate> + '_ {
        let good =
            |candidate: &&&Candidate| candidate.kind == BackupKind::Full && candidate.health == Health::Good;
        self.newest_first.iter().filter(good).copied()
    }

    /// Whether everything that `candidate` builds on exists and is good, down to a full.
    fn is_whole(&self, candidate: &Candidate) -> bool {
        let below = ancestors(&self.by_id, candidate);
        let chain = || std::iter::once(&candidate).chain(&below);
        chain().all(|link| link.health == Health::Good)
            && chain().last().is_some_and(|root| root.kind == BackupKind::Full)
    }
}

impl ChainLink for Candidate {
    fn id(&self) -> &BackupId {
        &self.id
    }

    fn parent(&self) -> Option<&BackupId> {
        self.parent.as_ref()
    }
}

fn keep_fulls(rule: &Retention, chains: &CandidateChains<'_>, kept: &mut Kept) {
    for (place, full) in (1..=rule.full).zip(chains.good_fulls()) {
        kept.keep(full, Reason::NewestFull(place, rule.full));
    }
    let periods = [
        (PeriodKind::Hour, rule.hourly),
        (PeriodKind::Day, rule.daily),
        (PeriodKind::Week, rule.weekly),
        (PeriodKind::Month, rule.monthly),
        (PeriodKind::Year, rule.yearly),
    ];
    for (kind, count) in periods {
        let mut seen = BTreeSet::new();
        for full in chains.good_fulls() {
            if seen.len() >= count as usize {
                break;
            }
            let name = kind.of(full.finished_at, rule.zone);
            if seen.insert(name.clone()) {
                kept.keep(full, Reason::Period(kind, name));
            }
        }
    }
    for full in chains.good_fulls().take(rule.min_keep.max(1) as usize) {
        if !kept.has(&full.id) {
            kept.keep(full, Reason::LastGood);
        }
    }
}

fn keep_by_hand(chains: &CandidateChains<'_>, kept: &mut Kept) {
    for candidate in &chains.newest_first {
        match candidate.pinned {
            Pinned::No => {}
            Pinned::Yes => kept.keep(candidate, Reason::Pinned),
            Pinned::Unreadable => kept.keep(candidate, Reason::PinUnreadable),
        }
        if candidate.base_unreadable {
            kept.keep(candidate, Reason::BaseUnreadable);
        }
        if candidate.in_use {
            kept.keep(candidate, Reason::InUse);
        }
    }
}

/// Failed, bad and partial backups do not count as good. They are removed only when enough newer good ones exist.
fn keep_what_is_not_good(rule: &Retention, chains: &CandidateChains<'_>, kept: &mut Kept, now: Timestamp) {
    for candidate in chains.newest_first.iter().filter(|candidate| candidate.health != Health::Good) {
        let newer = chains.good_fulls().filter(|good| good.finished_at > candidate.finished_at).count();
        let wanted = match candidate.health {
            Health::Bad | Health::Gone | Health::Partial | Health::Safety | Health::Broken => {
                rule.full.max(rule.min_keep).max(1) as usize
            }
            Health::Failed | Health::Good => 1,
        };
        if newer < wanted {
            kept.keep(candidate, Reason::TooFewNewer);
        } else if candidate.health == Health::Failed && candidate.finished_at >= now.minus(FAILED_RUNS_SHOWN)
        {
            kept.keep(candidate, Reason::RecentFailure);
        }
    }
}

/// Keeps incrementals whose whole chain is kept; the rule says how many or how old.
fn keep_incrementals(rule: &Retention, chains: &CandidateChains<'_>, kept: &mut Kept, now: Timestamp) {
    let root_stays = |candidate: &Candidate| {
        ancestors(&chains.by_id, candidate).last().is_some_and(|root| kept.has(&root.id))
    };
    let whole: Vec<&Candidate> = chains
        .newest_first
        .iter()
        .filter(|candidate| candidate.kind == BackupKind::Incremental)
        .filter(|candidate| chains.is_whole(candidate) && root_stays(candidate))
        .copied()
        .collect();
    for (place, candidate) in whole.into_iter().enumerate() {
        let stays = match rule.incremental {
            IncrementalRule::Count(count) => place < count as usize,
            IncrementalRule::Age(age) => candidate.finished_at >= now.minus(age),
        };
        if stays {
            kept.keep(candidate, Reason::Incremental);
        }
    }
}

/// Keeps what a kept backup builds on. The record of a failed run has no data to restore, so its parents are not kept.
fn keep_parents(chains: &CandidateChains<'_>, kept: &mut Kept) {
    for candidate in &chains.newest_first {
        if kept.has(&candidate.id) && candidate.health != Health::Failed {
            for link in ancestors(&chains.by_id, candidate) {
                if !kept.has(&link.id) {
                    kept.keep(link, Reason::Parent(candidate.id.clone()));
                }
            }
        }
    }
}

fn decide(candidate: &Candidate, chains: &CandidateChains<'_>, kept: &Kept) -> Decision {
    let id = candidate.id.clone();
    if let Some(reasons) = kept.0.get(&id) {
        return Decision { id, kept: reasons.clone(), removed: None };
    }
    let root_goes = || {
        let below = ancestors(&chains.by_id, candidate);
        below.last().is_none_or(|root| root.kind != BackupKind::Full || !kept.has(&root.id))
    };
    let reason = match (candidate.kind, candidate.health) {
        (_, Health::Failed) => Reason::FailedRun,
        (_, Health::Bad | Health::Gone | Health::Broken) => Reason::BadCopy,
        (_, Health::Safety) => Reason::SafetyCopy,
        (_, Health::Partial) => Reason::PartialCopy,
        (BackupKind::Full, Health::Good) => Reason::Superseded,
        (BackupKind::Incremental, Health::Good) if root_goes() => Reason::Orphaned,
        (BackupKind::Incremental, Health::Good) => Reason::PastIncremental,
    };
    Decision { id, kept: Vec::new(), removed: Some(reason) }
}
