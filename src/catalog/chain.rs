//! What a good backup is, and which one a symbolic reference means: the one place that says so. Facts and a time in, answers
//! out; nothing is read here.
//!
//! A **chain** is a full backup and the incrementals that build on it, each on its `parent`. A backup is **good** when its run
//! succeeded, it holds the whole of its entry, it is no safety copy, no verification has found it bad, and the same is true
//! of everything that it builds on.

use super::error::PassedOver;
use super::listing::{ListedBackup, UnreadableBackup};
use super::side_record::SideRecord;
use super::state::is_plausible;
use crate::model::{BackupId, BackupKind, BackupPurpose, BackupStatus, IncrementalBase, Method, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A chain that has so many backups is followed by a full: each link is one more that must not be lost, and is read by a
/// restore.
pub const LONGEST_CHAIN: usize = 500;

/// Whether a backup restores, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It succeeded, it is whole, and no verification says otherwise.
    Good,
    /// The run failed.
    Failed,
    /// It holds only some databases of its entry.
    Partial,
    /// It keeps what a restore was about to replace.
    Safety,
    /// It was found bad.
    Bad,
    /// The tool that kept its data does not have it any more.
    Gone,
    /// Something that it builds on is missing or not good.
    Broken,
}

/// The health of a backup by itself, whatever it builds on.
pub fn own_health(entry: &ListedBackup) -> Health {
    let manifest = &entry.manifest;
    match manifest.status {
        BackupStatus::Failed | BackupStatus::Running => Health::Failed,
        BackupStatus::Success if entry.gone.is_some() => Health::Gone,
        BackupStatus::Success if entry.verification.known().is_some_and(|last| last.bad().is_some()) => {
            Health::Bad
        }
        BackupStatus::Success if manifest.purpose == BackupPurpose::Safety => Health::Safety,
        BackupStatus::Success if manifest.partial => Health::Partial,
        BackupStatus::Success => Health::Good,
    }
}

/// Something in a chain.
pub trait ChainLink {
    /// The backup.
    fn id(&self) -> &BackupId;
    /// What it builds on.
    fn parent(&self) -> Option<&BackupId>;
}

impl ChainLink for ListedBackup {
    fn id(&self) -> &BackupId {
        &self.manifest.id
    }

    fn parent(&self) -> Option<&BackupId> {
        self.manifest.parent.as_ref()
    }
}

/// What a backup builds on, from its parent to the full; ends early where a link is missing, and never goes in a circle.
pub fn ancestors<'a, L: ChainLink>(by_id: &BTreeMap<&'a BackupId, &'a L>, link: &'a L) -> Vec<&'a L> {
    let parent = |link: &'a L| link.parent().and_then(|id| by_id.get(id)).copied();
    let mut seen = BTreeSet::from([link.id()]);
    let mut chain = Vec::new();
    let mut next = parent(link);
    while let Some(link) = next
        && seen.insert(link.id())
    {
        chain.push(link);
        next = parent(link);
    }
    chain
}

/// What a symbolic reference asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Only one that had started by then.
    pub started_by: Option<Timestamp>,
    /// These logical databases, each whole; empty means the whole entry.
    pub databases: &'a [String],
}

/// What a symbolic reference means.
#[derive(Debug)]
pub struct Chosen<'a> {
    /// The backup.
    pub entry: &'a ListedBackup,
    /// Newer ones that succeeded and were not taken, the newest first.
    pub passed_over: Vec<PassedOver>,
}

/// Why a symbolic reference means nothing.
#[derive(Debug)]
pub enum Unclear<'a> {
    /// These backups cannot be read, and one of them may be what is meant.
    Unreadable {
        /// They, the newest first.
        backups: Vec<&'a UnreadableBackup>,
        /// The one that would be taken without them.
        best: Option<&'a BackupId>,
    },
    /// None is good; these succeeded, the newest first.
    NoneGood(Vec<PassedOver>),
}

/// The backups of one database, as they build on each other.
#[derive(Debug)]
pub struct Chains<'a> {
    newest_first: Vec<&'a ListedBackup>,
    by_id: BTreeMap<&'a BackupId, &'a ListedBackup>,
    now: Timestamp,
}

impl<'a> Chains<'a> {
    /// The chains of `entries`, which are of one database. What was committed far in the future comes from a clock that was
    /// wrong, and counts as older than the rest.
    pub fn new(entries: &'a [ListedBackup], now: Timestamp) -> Self {
        let by_id: BTreeMap<_, _> = entries.iter().map(|entry| (&entry.manifest.id, entry)).collect();
        let mut newest_first: Vec<&ListedBackup> = by_id.values().copied().collect();
        newest_first.sort_by_key(|entry| {
            let finished = entry.manifest.finished_at;
            Reverse((is_plausible(finished, now), finished, &entry.manifest.id))
        });
        Self { newest_first, by_id, now }
    }

    /// Whether a backup restores, with everything that it builds on.
    pub fn health(&self, entry: &ListedBackup) -> Health {
        match own_health(entry) {
            Health::Good | Health::Partial | Health::Safety if !self.stands(entry) => Health::Broken,
            health => health,
        }
    }

    /// Whether everything that `entry` builds on is there and good, down to a full.
    fn stands(&self, entry: &ListedBackup) -> bool {
        let Some(entry) = self.by_id.get(&entry.manifest.id) else { return false };
        let below = ancestors(&self.by_id, entry);
        let root = below.last().unwrap_or(entry);
        root.manifest.stands_alone() && below.iter().all(|link| own_health(link) == Health::Good)
    }

    /// What `entry` builds on, from its parent to the full; empty for a full.
    pub fn below(&self, entry: &'a ListedBackup) -> Vec<&'a ListedBackup> {
        ancestors(&self.by_id, entry)
    }

    /// Whether one of `ids`, which are not among the entries, is what `entry` builds on.
    pub fn builds_on_any(&self, entry: &'a ListedBackup, ids: &BTreeSet<BackupId>) -> bool {
        let below = self.below(entry);
        let end = below.last().copied().unwrap_or(entry);
        end.manifest.parent.as_ref().is_some_and(|parent| ids.contains(parent))
    }

    /// Every good backup, the newest first. One of a clock that is far ahead says nothing of today.
    pub fn good(&self) -> impl Iterator<Item = &'a ListedBackup> + '_ {
        let good = |entry: &&'a ListedBackup| {
            self.health(entry) == Health::Good && is_plausible(entry.manifest.started_at, self.now)
        };
        self.newest_first.iter().copied().filter(good)
    }

    /// Good ones that need no other, the newest first.
    pub fn good_fulls(&self) -> impl Iterator<Item = &'a ListedBackup> + '_ {
        self.good().filter(|entry| entry.manifest.kind == BackupKind::Full)
    }

    /// The backup that an incremental of `method` builds on, or why there is none: the newest that is whole has to be good. An
    /// older one is not taken in its place, since whoever finds a damaged backup wants a new full, not more on an old one.
    pub fn base(&self, base: IncrementalBase, method: Method) -> Result<&'a ListedBackup, String> {
        let newest = self.whole().find(|entry| {
            let manifest = &entry.manifest;
            let wanted = base == IncrementalBase::Last || manifest.kind == BackupKind::Full;
            wanted && manifest.method == method && is_plausible(manifest.started_at, self.now)
        });
        let Some(newest) = newest else { return Err(format!("there is no full {method} backup yet")) };
        if let Some(reason) = self.why_not(newest, &Wanted::default()) {
            return Err(format!("{} cannot be built on: {reason}", newest.manifest.id));
        }
        match ancestors(&self.by_id, newest).len() + 1 {
            length if length < LONGEST_CHAIN => Ok(newest),
            length => Err(format!("{length} backups already build on each other")),
        }
    }

    /// Every backup whose run succeeded, whatever it holds and whatever was found since. The newest first.
    pub fn succeeded(&self) -> impl Iterator<Item = &'a ListedBackup> + '_ {
        self.newest_first.iter().copied().filter(|entry| entry.manifest.status == BackupStatus::Success)
    }

    /// The backups of the whole entry that succeeded, also those that were found bad since: what is worth verifying. The
    /// newest first.
    pub fn whole(&self) -> impl Iterator<Item = &'a ListedBackup> + '_ {
        let whole = |entry: &&'a ListedBackup| {
            let manifest = &entry.manifest;
            let meant = !manifest.partial && manifest.purpose != BackupPurpose::Safety;
            manifest.status == BackupStatus::Success && meant
        };
        self.newest_first.iter().copied().filter(whole)
    }

    /// The backup that is meant: the newest that is good. `unreadable` are backups of the same database.
    pub fn choose(
        &self,
        wanted: &Wanted<'_>,
        unreadable: &'a [UnreadableBackup],
    ) -> Result<Chosen<'a>, Unclear<'a>> {
        let in_time = |started: Timestamp| wanted.started_by.is_none_or(|latest| started <= latest);
        let mut passed_over = Vec::new();
        let mut best = None;
        for entry in self.newest_first.iter().copied().filter(|entry| in_time(entry.manifest.started_at)) {
            match self.why_not(entry, wanted) {
                Some(_) if own_health(entry) == Health::Failed => {}
                Some(reason) => passed_over.push(PassedOver { id: entry.manifest.id.clone(), reason }),
                None => {
                    best = Some(entry);
                    break;
                }
            }
        }
        let since = best.map(|entry| entry.manifest.id.started());
        let mut hidden: Vec<&UnreadableBackup> = unreadable
            .iter()
            .filter(|one| in_time(one.id.started()) && since.is_none_or(|since| one.id.started() >= since))
            .collect();
        hidden.sort_by(|one, other| other.id.cmp(&one.id));
        match best {
            best if !hidden.is_empty() => {
                Err(Unclear::Unreadable { backups: hidden, best: best.map(|entry| &entry.manifest.id) })
            }
            Some(entry) => Ok(Chosen { entry, passed_over }),
            None => Err(Unclear::NoneGood(passed_over)),
        }
    }

    /// Why `entry` is not what is meant; `None` when it is.
    fn why_not(&self, entry: &ListedBackup, wanted: &Wanted<'_>) -> Option<String> {
        let named = !wanted.databases.is_empty();
        match self.health(entry) {
            Health::Good => {}
            Health::Partial if named => {}
            Health::Partial => return Some("it holds only some databases of its entry".to_owned()),
            Health::Failed => return Some("its run failed".to_owned()),
            Health::Safety => return Some("it is a safety backup from before a restore".to_owned()),
            Health::Bad => return Some(describe_bad(entry)),
            Health::Gone => return entry.gone.clone(),
            Health::Broken => {
                return Some("a backup that it builds on is missing or not good".to_owned());
            }
        }
        let missing = wanted.databases.iter().find(|name| !holds(entry, name))?;
        Some(format!("it does not hold the database `{missing}`"))
    }
}

/// Whether the logical database `name` is in it. A physical backup holds the whole server, and does not say of what.
fn holds(entry: &ListedBackup, name: &str) -> bool {
    entry.manifest.method.takes_whole_server() || entry.manifest.databases().any(|database| database == name)
}

fn describe_bad(entry: &ListedBackup) -> String {
    let SideRecord::Known(last) = &entry.verification else { return "it was found bad".to_owned() };
    let Some(bad) = last.bad() else { return "it was found bad".to_owned() };
    let why = bad.error.map(|error| format!(": {}", error.message)).unwrap_or_default();
    format!("its verification at level {} failed on {} UTC{why}", bad.level, bad.at.table())
}

#[cfg(test)]
mod tests;
