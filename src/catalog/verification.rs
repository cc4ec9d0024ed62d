//! The results of verifications of a backup, and what they mean together.

use super::manifest::FailureRecord;
use super::state::is_plausible;
use crate::model::{Timestamp, VerificationStatus, VerifyLevel};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The result of one verification, merged with what still holds of those before it: the last record is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Its level.
    pub level: VerifyLevel,
    /// How it ended.
    pub status: VerificationStatus,
    /// When it ended.
    pub verified_at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// Bytes read from the store.
    pub bytes: u64,
    /// On which host.
    pub host: String,
    /// Why it failed, or why it proved nothing.
    pub error: Option<FailureRecord>,
    /// When the backup last passed each level, since it was last found bad.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub passed: BTreeMap<VerifyLevel, Timestamp>,
    /// The verification that found it bad, while no verification of the same or a deeper level has passed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_bad: Option<FoundBad>,
}

/// A verification that found a backup bad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundBad {
    /// Its level.
    pub level: VerifyLevel,
    /// When.
    pub at: Timestamp,
    /// What it found.
    pub error: Option<FailureRecord>,
}

impl Verification {
    /// This result merged with the record `before`. A verification without a result changes nothing, and a less deep
    /// one does not clear a backup that a deeper one found bad.
    #[must_use]
    pub fn after(mut self, before: Option<&Self>) -> Self {
        let (mut passed, found_bad) =
            before.map_or_else(Default::default, |before| (before.all_passed(), before.bad()));
        // A time of a clock that was far ahead would count as new until it comes.
        passed.retain(|_, at| is_plausible(*at, self.verified_at));
        match self.status {
            VerificationStatus::Inconclusive => (self.passed, self.found_bad) = (passed, found_bad),
            VerificationStatus::Passed => {
                self.found_bad = found_bad.filter(|bad| bad.level > self.level);
                // A backup that was found bad has passed no level.
                self.passed = if self.found_bad.is_some() { BTreeMap::new() } else { passed };
                if self.found_bad.is_none() {
                    self.passed.insert(self.level, self.verified_at);
                }
            }
            VerificationStatus::Failed => {
                let deepest = found_bad.map_or(self.level, |bad| bad.level.max(self.level));
                self.passed = BTreeMap::new();
                let (at, error) = (self.verified_at, self.error.clone());
                self.found_bad = Some(FoundBad { level: deepest, at, error });
            }
        }
        self
    }

    /// Why the backup is known to be bad, if it is.
    pub fn bad(&self) -> Option<FoundBad> {
        let own = || FoundBad { level: self.level, at: self.verified_at, error: self.error.clone() };
        self.found_bad.clone().or_else(|| (self.status == VerificationStatus::Failed).then(own))
    }

    /// When it last passed `level` or a deeper one; `None` if it did not, or is known to be bad.
    pub fn proven(&self, level: VerifyLevel) -> Option<(VerifyLevel, Timestamp)> {
        if self.bad().is_some() {
            return None;
        }
        let deep = self.all_passed().into_iter().filter(|(passed, _)| *passed >= level);
        deep.max_by_key(|(passed, at)| (*at, *passed))
    }

    fn all_passed(&self) -> BTreeMap<VerifyLevel, Timestamp> {
        let mut passed = self.passed.clone();
        if self.status == VerificationStatus::Passed && self.found_bad.is_none() {
            passed.insert(self.level, self.verified_at);
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use VerificationStatus::{Failed, Inconclusive, Passed};
    use VerifyLevel::{Checksum, Exists, Restore};

    /// The record after these verifications, one an hour.
    fn after(looks: &[(VerifyLevel, VerificationStatus)]) -> Verification {
        let mut known = None;
        for (hour, (level, status)) in looks.iter().enumerate() {
            let look = Verification {
                format: super::super::FORMAT,
                level: *level,
                status: *status,
                verified_at: at(hour),
                duration_ms: 1,
                bytes: 0,
                host: "h".to_owned(),
                error: None,
                passed: BTreeMap::new(),
                found_bad: None,
            };
            known = Some(look.after(known.as_ref()));
        }
        known.unwrap()
    }

    fn at(hour: usize) -> Timestamp {
        format!("2026-01-02T{hour:02}:00:00Z").parse().unwrap()
    }

    #[test]
    fn a_shallow_verification_does_not_clear_a_backup_that_a_deep_one_found_bad() {
        let known = after(&[(Restore, Failed), (Exists, Passed), (Checksum, Inconclusive)]);
        assert_eq!(known.bad().map(|bad| (bad.level, bad.at)), Some((Restore, at(0))));
        assert_eq!(known.proven(Exists), None);
        let known = after(&[(Checksum, Failed), (Restore, Passed)]);
        assert_eq!((known.bad(), known.proven(Checksum)), (None, Some((Restore, at(1)))));
        // Two that failed: the deeper level must pass again.
        assert!(after(&[(Restore, Failed), (Exists, Failed), (Checksum, Passed)]).bad().is_some());
    }

    #[test]
    fn a_passed_level_stays_passed_when_a_shallower_verification_passes_or_one_proves_nothing() {
        let known = after(&[(Restore, Passed), (Exists, Passed), (Restore, Inconclusive)]);
        assert_eq!(known.proven(Checksum), Some((Restore, at(0))));
        assert_eq!(known.proven(Exists), Some((Exists, at(1))));
        assert_eq!(after(&[(Exists, Passed)]).proven(Checksum), None);
        assert_eq!(after(&[(Restore, Passed), (Exists, Failed)]).proven(Exists), None);
        let nothing = after(&[(Restore, Inconclusive)]);
        assert_eq!((nothing.bad(), nothing.proven(Exists)), (None, None));
    }
}
