//! Backups that a tool takes, and keeps in a repository of its own: jagad has them taken and knows them by their name there.

use super::{CopyEnd, EngineError, Finding};
use crate::model::{BackupId, BackupKind, VerifyLevel};
use crate::process::Runner;
use async_trait::async_trait;

/// The tool, as a server uses it.
#[async_trait]
pub trait Delegate: Send + Sync {
    /// Everything that would make a backup fail, as far as questions find it.
    async fn check_delegate(&self, runner: &dyn Runner) -> Result<Vec<Finding>, EngineError>;

    /// What questions cannot find: the tool's own test of the way from the server to its repository.
    async fn rehearse_delegate(&self, runner: &dyn Runner) -> Result<Vec<Finding>, EngineError>;

    /// What is run for a backup, for plans.
    fn plan_delegate(&self, base: DelegateBase) -> Result<Vec<String>, EngineError>;

    /// Has a backup taken, and finds it in the tool's repository afterwards.
    async fn delegate(
        &self,
        runner: &dyn Runner,
        request: DelegateRequest<'_>,
    ) -> Result<DelegateEnd, EngineError>;
}

/// The tool's repository; no server is asked.
#[async_trait]
pub trait DelegateRepository: Send + Sync {
    /// The tool, for people.
    fn tool(&self) -> &'static str;

    /// Whether backups may be expired because jagad says so.
    fn expires(&self) -> bool;

    /// Every backup in it.
    async fn held(&self, runner: &dyn Runner) -> Result<HeldBackups, EngineError>;

    /// Looks at a backup as deep as the tool can without a server; what was looked at, for people. Damage, or that it is gone, is
    /// [`EngineError::Damaged`].
    async fn examine(
        &self,
        runner: &dyn Runner,
        facts: &serde_json::Value,
        level: VerifyLevel,
    ) -> Result<Vec<String>, EngineError>;

    /// Removes a backup from it, with everything there that builds on it.
    async fn expire(&self, runner: &dyn Runner, label: &str) -> Result<(), EngineError>;
}

/// What a backup is to build on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelegateBase {
    /// Nothing.
    None,
    /// The last backup in the tool's repository.
    Last,
    /// The last full there.
    LastFull,
}

/// Which backup is wanted.
#[derive(Debug, Clone, Copy)]
pub struct DelegateRequest<'a> {
    /// The backup that it becomes: the tool keeps the id beside it.
    pub backup: &'a BackupId,
    /// What it builds on.
    pub base: DelegateBase,
}

/// A backup that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegateEnd {
    /// What it became.
    pub kind: BackupKind,
    /// The backup in the tool's repository that it builds on.
    pub prior: Option<String>,
    /// What is to be recorded of it.
    pub copy: CopyEnd,
}

/// What a tool's repository holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldBackups {
    /// The backups, the oldest first.
    pub backups: Vec<HeldBackup>,
}

/// A backup in a tool's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBackup {
    /// Its name there.
    pub label: String,
    /// Whether it stands alone.
    pub kind: BackupKind,
    /// The one that it builds on.
    pub prior: Option<String>,
    /// The backup that it is, where jagad had it taken.
    pub backup: Option<BackupId>,
}

impl HeldBackups {
    /// The one of this name.
    pub fn named(&self, label: &str) -> Option<&HeldBackup> {
        self.backups.iter().find(|held| held.label == label)
    }

    /// What a backup would build on now.
    pub fn base(&self, base: DelegateBase) -> Option<&HeldBackup> {
        let full = |held: &&HeldBackup| held.kind == BackupKind::Full;
        match base {
            DelegateBase::None => None,
            DelegateBase::LastFull => self.backups.iter().rev().find(full),
            // The tool takes the last of whatever kind; without a full there is none.
            DelegateBase::Last => self.backups.last().filter(|_| self.backups.iter().any(|held| full(&held))),
        }
    }

    /// The backup `label` and what it builds on, the nearest first; ends where one is missing.
    pub fn chain<'h>(&'h self, label: &str) -> Vec<&'h HeldBackup> {
        let mut chain: Vec<&HeldBackup> = Vec::new();
        let mut next = self.named(label);
        while let Some(held) = next.filter(|held| chain.iter().all(|seen| seen.label != held.label)) {
            chain.push(held);
            next = held.prior.as_deref().and_then(|prior| self.named(prior));
        }
        chain
    }

    /// Those that build on `label`, near or far.
    pub fn dependants<'h>(&'h self, label: &'h str) -> impl Iterator<Item = &'h HeldBackup> {
        let builds = move |held: &&HeldBackup| {
            held.label != label && self.chain(&held.label).iter().any(|link| link.label == label)
        };
        self.backups.iter().filter(builds)
    }
}

/// The name of a backup in its tool's repository, as its manifest has it.
pub fn delegated_label(facts: &serde_json::Value) -> Option<&str> {
    facts.get("label")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(label: &str, kind: BackupKind, prior: Option<&str>) -> HeldBackup {
        HeldBackup { label: label.to_owned(), kind, prior: prior.map(ToOwned::to_owned), backup: None }
    }

    #[test]
    fn a_repository_tells_what_a_backup_builds_on_and_what_builds_on_it() {
        let (full, incremental) = (BackupKind::Full, BackupKind::Incremental);
        let mut all = HeldBackups {
            backups: vec![
                held("f1", full, None),
                held("i1", incremental, Some("f1")),
                held("i2", incremental, Some("i1")),
            ],
        };
        let label = |base| all.base(base).map(|held| held.label.clone());
        assert_eq!(label(DelegateBase::Last).as_deref(), Some("i2"));
        assert_eq!(label(DelegateBase::LastFull).as_deref(), Some("f1"));
        assert_eq!(label(DelegateBase::None), None);
        let labels = |list: Vec<&HeldBackup>| list.iter().map(|held| held.label.clone()).collect::<Vec<_>>();
        assert_eq!(labels(all.chain("i2")), ["i2", "i1", "f1"]);
        assert_eq!(labels(all.dependants("i1").collect()), ["i2"]);
        assert_eq!(HeldBackups::default().base(DelegateBase::Last), None);
        // What somebody wrote down of a circle has an end.
        all.backups.push(held("x", incremental, Some("x")));
        assert_eq!(labels(all.chain("x")), ["x"]);
    }
}
