//! Which backups of one database are kept and which are removed, each with a reason: pure functions of facts, a rule
//! and a time. Nothing is removed here.

mod buckets;
mod plan;

pub use buckets::PeriodKind;
pub use plan::{Candidate, Decision, FAILED_RUNS_SHOWN, Pinned, Reason, plan};

use crate::model::Period;
use chrono_tz::Tz;
use std::time::Duration;

/// What is kept. Everything that no part of it keeps is removed, but never the last [`Retention::min_keep`] good fulls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// This many of the newest good fulls.
    pub full: u32,
    /// Incrementals of fulls that are kept.
    pub incremental: IncrementalRule,
    /// The newest good full of each of the last N hours that have one; likewise for the longer periods.
    pub hourly: u32,
    /// Days.
    pub daily: u32,
    /// Weeks, from Monday.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
    /// Years.
    pub yearly: u32,
    /// This many good fulls are never removed, whatever the other rules say; at least 1.
    pub min_keep: u32,
    /// The time zone that decides where days begin.
    pub zone: Tz,
}

/// How long incrementals are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncrementalRule {
    /// This many of the newest.
    Count(u32),
    /// Those that are not older than this.
    Age(Duration),
}

impl Default for Retention {
    /// 7 fulls, incrementals for 30 days, days of UTC.
    fn default() -> Self {
        Self {
            full: 7,
            incremental: IncrementalRule::Age(Duration::from_secs(30 * 24 * 60 * 60)),
            hourly: 0,
            daily: 0,
            weekly: 0,
            monthly: 0,
            yearly: 0,
            min_keep: 1,
            zone: Tz::UTC,
        }
    }
}

impl Retention {
    /// What is kept, for people: one line for each part of the rule that keeps something.
    pub fn describe(&self) -> Vec<String> {
        let incremental = match self.incremental {
            IncrementalRule::Count(count) => format!("{count} newest incrementals"),
            IncrementalRule::Age(age) => format!("incrementals for {}", Period(age)),
        };
        let periods = [
            (self.hourly, "hour"),
            (self.daily, "day"),
            (self.weekly, "week"),
            (self.monthly, "month"),
            (self.yearly, "year"),
        ];
        let periods = periods.into_iter().filter(|(count, _)| *count > 0);
        let periods = periods.map(|(count, word)| format!("the newest full of each of {count} {word}s"));
        let mut lines = vec![format!("{} newest fulls", self.full), incremental];
        lines.extend(periods);
        let plural = if self.min_keep == 1 { "" } else { "s" };
        lines.push(format!("never fewer than {} good full{plural}", self.min_keep));
        lines
    }
}

#[cfg(test)]
mod tests;
